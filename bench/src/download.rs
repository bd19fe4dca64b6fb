//! An answer of any size, looked at while it comes: a file that is exported, and how many rows it has. Keeps nothing of it.

use std::net::SocketAddr;

use anyhow::Result;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Asks for `path` and hands over the body piece by piece. A body that breaks off is an error.
pub(crate) fn download(
    from: SocketAddr,
    path: &str,
    mut came: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stream = TcpStream::connect(from).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let exchange = async move {
            let request = Request::get(path).header("host", from.to_string()).body(Empty::<Bytes>::new())?;
            let response = sender.send_request(request).await?;
            let (status, mut body) = (response.status(), response.into_body());
            anyhow::ensure!(status == 200, "{path} was answered {status}");
            while let Some(frame) = body.frame().await {
                came(frame?.data_ref().map_or(&[], |data| data))?;
            }
            Ok(())
        };
        let (exchanged, _closed) = tokio::join!(exchange, connection);
        exchanged
    })
}

/// How a file of calls is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Lines,
    Csv,
}

impl Format {
    /// As the API is asked for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Lines => "jsonl",
            Self::Csv => "csv",
        }
    }
}

/// Counts a file's rows while it comes.
pub(crate) struct Rows {
    format: Format,
    /// Within quotes, where nothing ends a row.
    quoted: bool,
    escaped: bool,
    depth: usize,
    count: u64,
}

impl Rows {
    pub(crate) fn of(format: Format) -> Self {
        Self { format, quoted: false, escaped: false, depth: 0, count: 0 }
    }

    pub(crate) fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted && self.format != Format::Csv => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                _ if self.quoted => {}
                b'\n' if self.format != Format::Json => self.count += 1,
                b'{' | b'[' => {
                    // The document, its list, and then each call.
                    self.count += u64::from(self.format == Format::Json && self.depth == 2);
                    self.depth += 1;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// Without a table's head.
    pub(crate) fn count(&self) -> u64 {
        self.count.saturating_sub(u64::from(self.format == Format::Csv))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_however_they_are_cut() {
        for (format, text) in [
            (
                Format::Json,
                r#"{"exported_at":1,"filters":{"q":"[{"},"traces":[{"a":[{}],"b":"\"}{"},{"a":{}}],"count":2}"#,
            ),
            (Format::Lines, "{\"a\":\"x\\\"\\n\"}\n{\"b\":[1]}\n"),
            (Format::Csv, "id,text\n1,\"two\nlines, \"\"and\"\" more\"\n2,C:\\\n"),
        ] {
            let (mut whole, mut cut) = (Rows::of(format), Rows::of(format));
            whole.read(text.as_bytes());
            text.as_bytes().chunks(1).for_each(|piece| cut.read(piece));
            assert_eq!((whole.count(), cut.count()), (2, 2), "{format:?}");
        }
    }
}
