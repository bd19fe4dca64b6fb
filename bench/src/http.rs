//! A small blocking HTTP/1.1 client: one connection, one request at a time, and when the answer's bytes came.
//! It does as little as it can, since it runs on the machine it measures.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use memchr::memmem;

/// Nothing here takes longer, so that every run ends by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const READ: usize = 16 * 1024;

/// A connection that is kept alive.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer's status and body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// What the head of an answer says about its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClosed,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)
            .with_context(|| format!("nothing listens on {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: Vec::with_capacity(READ) })
    }

    /// Sends a whole request and reads the whole answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.ask_watching(request, |_, _| {})
    }

    /// The same; `came` sees each piece of the body, with its framing, when it has just come.
    pub(crate) fn ask_watching(
        &mut self,
        request: &[u8],
        mut came: impl FnMut(Instant, &[u8]),
    ) -> Result<Answer> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let head_end = loop {
            if let Some(at) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            if self.more()? == 0 {
                bail!("the connection closed before an answer");
            }
        };
        let (status, framing) = read_head(self.buffer.get(..head_end).unwrap_or_default())?;
        let body = self.buffer.split_off(head_end);
        self.buffer = body;
        if !self.buffer.is_empty() {
            came(Instant::now(), &self.buffer);
        }
        while !is_whole(&self.buffer, framing) {
            let before = self.buffer.len();
            if self.more()? == 0 {
                if framing == Framing::UntilClosed {
                    break;
                }
                bail!("the answer broke off");
            }
            came(Instant::now(), self.buffer.get(before..).unwrap_or_default());
        }
        let body = std::mem::take(&mut self.buffer);
        Ok(Answer { status, body: if framing == Framing::Chunked { unchunk(&body) } else { body } })
    }

    fn more(&mut self) -> Result<usize> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + READ, 0);
        let read = loop {
            match self.stream.read(self.buffer.get_mut(filled..).unwrap_or_default()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
        Ok(read?)
    }
}

/// One request on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    Connection::open(address)?.ask(request.as_bytes())
}

fn read_head(head: &[u8]) -> Result<(u16, Framing)> {
    let text = std::str::from_utf8(head).context("the answer's head is not text")?;
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status line")?;
    let mut framing = Framing::UntilClosed;
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            framing = Framing::Length(value.trim().parse()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        }
    }
    Ok((status, framing))
}

/// A chunked body ends with its last chunk, which has no data; nothing here sends trailers.
fn is_whole(body: &[u8], framing: Framing) -> bool {
    match framing {
        Framing::Length(length) => body.len() >= length,
        Framing::Chunked => body == b"0\r\n\r\n" || body.ends_with(b"\r\n0\r\n\r\n"),
        Framing::UntilClosed => false,
    }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(rest.len());
    while let Some(at) = memmem::find(rest, b"\r\n") {
        let size = rest.get(..at).and_then(|line| std::str::from_utf8(line).ok());
        let Some(size) = size.and_then(|line| usize::from_str_radix(line, 16).ok()).filter(|size| *size > 0)
        else {
            break;
        };
        body.extend_from_slice(rest.get(at + 2..at + 2 + size).unwrap_or_default());
        rest = rest.get(at + 4 + size..).unwrap_or_default();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_chunks_are_read() {
        let length = read_head(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n").unwrap();
        assert_eq!(length, (200, Framing::Length(12)));
        let chunked = read_head(b"HTTP/1.1 502 Bad\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        assert_eq!(chunked, (502, Framing::Chunked));
        let body = b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n";
        assert!(is_whole(body, Framing::Chunked) && !is_whole(&body[..20], Framing::Chunked));
        assert_eq!(unchunk(body), b"hello, world");
    }
}
