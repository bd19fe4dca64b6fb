//! HTTP/1.1 as bytes: heads and bodies read from a socket without losing what they looked like.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A header exactly as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderLine {
    /// The name, in its own case.
    pub name: String,
    /// The value's bytes, without the blanks around it.
    pub value: Vec<u8>,
}

/// A request's or a response's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The first line without its end.
    pub start: String,
    /// The headers in order.
    pub headers: Vec<HeaderLine>,
}

impl Head {
    fn parse(raw: &[u8]) -> Self {
        let mut lines = raw.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let start = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let headers = lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            Some(HeaderLine { name, value: line[colon + 1..].trim_ascii().to_vec() })
        });
        Self { start, headers: headers.collect() }
    }

    /// The first header of this name, in any case, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(&found.value).into_owned())
    }

    /// The headers that belong to the message and not to the connection it came on; `Host` aside.
    pub fn end_to_end(&self) -> Vec<HeaderLine> {
        let belongs =
            |header: &&HeaderLine| !hop_by_hop(&header.name) && !header.name.eq_ignore_ascii_case("host");
        self.headers.iter().filter(belongs).cloned().collect()
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
    }
}

/// Whether a header ends with the connection it came on (RFC 9110, 7.6.1).
pub fn hop_by_hop(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "proxy-authenticate",
        "proxy-authorization",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// After so many bytes.
    After(u64),
    /// With a chunk of length zero.
    LastChunk,
    /// With the connection.
    Close,
}

impl BodyEnd {
    pub(crate) fn of_request(head: &Head) -> Self {
        match head.is_chunked() {
            true => Self::LastChunk,
            false => {
                Self::After(head.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0))
            }
        }
    }

    pub(crate) fn of_response(head: &Head, method: &str) -> Self {
        let status = head.start.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).unwrap_or(0);
        if method == "HEAD" || matches!(status, 100..=199 | 204 | 304) {
            return Self::After(0);
        }
        if head.is_chunked() {
            return Self::LastChunk;
        }
        head.header("content-length").and_then(|value| value.parse().ok()).map_or(Self::Close, Self::After)
    }
}

/// Bytes that were kept, read once more.
#[derive(Debug)]
pub(crate) struct Unread<'a>(pub(crate) &'a [u8]);

impl<'a> Unread<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'\n', self.0)?;
        Some(self.take(end + 1).trim_ascii_end())
    }

    /// The next head; `None` unless all of it is there.
    pub(crate) fn head(&mut self) -> Option<Head> {
        let end = memchr::memmem::find(self.0, b"\r\n\r\n")?;
        Some(Head::parse(self.take(end + 4)))
    }

    /// The next body as far as it is there, and whether it has its end. One that ends with the connection never has.
    pub(crate) fn body(&mut self, end: &mut BodyEnd) -> (Vec<u8>, bool) {
        match end {
            BodyEnd::After(length) => {
                let length = usize::try_from(*length).unwrap();
                let body = self.take(length).to_vec();
                let whole = body.len() == length;
                (body, whole)
            }
            BodyEnd::LastChunk => self.chunks(),
            BodyEnd::Close => (self.take(usize::MAX).to_vec(), false),
        }
    }

    fn chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        while let Some(line) = self.line() {
            let size = String::from_utf8_lossy(line).split(';').next().unwrap_or_default().trim().to_owned();
            let size = usize::from_str_radix(&size, 16).expect("a chunk's size");
            if size == 0 {
                while let Some(line) = self.line() {
                    if line.is_empty() {
                        return (body, true);
                    }
                }
                break;
            }
            body.extend(self.take(size));
            self.take(2);
        }
        (body, false)
    }
}

/// A socket with what was read from it and not yet taken.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The socket, and what was read of it and not used.
    pub(crate) fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.buffer)
    }

    /// Reads more; `false` at the end.
    async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(64 * 1024);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }

    /// Waits until the other side closes or sends something unasked.
    pub(crate) async fn closed(&mut self) {
        while matches!(self.fill().await, Ok(true)) {}
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(line.trim_ascii_end().to_vec());
            }
            if !self.fill().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The next head; `None` when the other side closed instead of sending one.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let raw: Vec<u8> = self.buffer.drain(..end + 4).collect();
                return Ok(Some(Head::parse(&raw)));
            }
            if !self.fill().await? {
                return match self.buffer.is_empty() {
                    true => Ok(None),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// The next piece of a body: a whole chunk, or what is there. `None` at the body's proper end.
    pub(crate) async fn piece(&mut self, end: &mut BodyEnd) -> io::Result<Option<Vec<u8>>> {
        match end {
            BodyEnd::After(0) => Ok(None),
            BodyEnd::After(left) => {
                if self.buffer.is_empty() && !self.fill().await? {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let taken = self.buffer.len().min(usize::try_from(*left).unwrap());
                *left -= taken as u64;
                Ok(Some(self.buffer.drain(..taken).collect()))
            }
            BodyEnd::LastChunk => self.chunk().await,
            BodyEnd::Close => {
                if self.buffer.is_empty() && !self.fill().await? {
                    return Ok(None);
                }
                Ok(Some(std::mem::take(&mut self.buffer)))
            }
        }
    }

    async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.line().await?;
        let size = String::from_utf8_lossy(&line).split(';').next().unwrap_or_default().trim().to_owned();
        let size = usize::from_str_radix(&size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        if size == 0 {
            while !self.line().await?.is_empty() {}
            return Ok(None);
        }
        while self.buffer.len() < size + 2 {
            if !self.fill().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let chunk: Vec<u8> = self.buffer.drain(..size).collect();
        self.buffer.drain(..2);
        Ok(Some(chunk))
    }
}
