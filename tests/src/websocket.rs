//! WebSockets byte by byte: frames as RFC 6455 writes them, compressed as RFC 7692 does. Leaves out well-behaved peers, for
//! which there is a library.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::raw::Line;

/// What a client asks with that wants a WebSocket at `path`; `more` are further headers.
pub fn handshake(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// The answer of an upstream that agrees; `more` are further headers.
pub fn agreement(more: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{more}\r\n"
    )
}

/// A frame to be written.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What it is: 1 text, 2 bytes, 0 goes on, 8 close, 9 ping, 10 pong.
    pub opcode: u8,
    /// The last of its message.
    pub last: bool,
    /// Its message is compressed.
    pub compressed: bool,
    /// As a client masks it.
    pub mask: Option<[u8; 4]>,
    /// What it holds, unmasked.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A text in one frame.
    pub fn text(text: &str) -> Self {
        Self { opcode: 1, last: true, compressed: false, mask: None, payload: text.into() }
    }

    /// A close.
    pub fn close(code: u16, reason: &str) -> Self {
        let payload = [&code.to_be_bytes()[..], reason.as_bytes()].concat();
        Self { opcode: 8, payload, ..Self::text("") }
    }

    /// The same from a client.
    pub fn masked(self) -> Self {
        Self { mask: Some([0x1f, 0x00, 0xc3, 0x7a]), ..self }
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let first = self.opcode | if self.last { 0x80 } else { 0 } | if self.compressed { 0x40 } else { 0 };
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![first];
        match self.payload.len() {
            short @ 0..=125 => bytes.push(masked | u8::try_from(short).unwrap()),
            middle @ 126..=0xffff => {
                bytes.push(masked | 126);
                bytes.extend(u16::try_from(middle).unwrap().to_be_bytes());
            }
            long => {
                bytes.push(masked | 127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend(self.mask.iter().flatten());
        let mask = self.mask.unwrap_or_default();
        bytes.extend(self.payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    /// Reads one; `None` when the other side closed before its end.
    pub async fn read(line: &mut Line) -> Option<Self> {
        let [first, second] = line.bytes(2).await.try_into().ok()?;
        let number = |bytes: Vec<u8>| bytes.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        let length = match second & 0x7f {
            126 => number(line.bytes(2).await),
            127 => number(line.bytes(8).await),
            short => usize::from(short),
        };
        let mask: Option<[u8; 4]> = match second & 0x80 {
            0 => None,
            _ => Some(line.bytes(4).await.try_into().ok()?),
        };
        let mut payload = line.bytes(length).await;
        let used = mask.unwrap_or_default();
        payload.iter_mut().zip(used.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        let (last, compressed) = (first & 0x80 != 0, first & 0x40 != 0);
        (payload.len() == length).then_some(Self { opcode: first & 0x0f, last, compressed, mask, payload })
    }

    /// A close's code.
    pub fn code(&self) -> Option<u16> {
        let code = self.payload.first_chunk().filter(|_| self.opcode == 8)?;
        Some(u16::from_be_bytes(*code))
    }

    /// It holds text.
    pub fn as_text(&self) -> String {
        String::from_utf8(self.payload.clone()).unwrap()
    }
}

/// Compresses the messages of one direction; with `forgets`, each on its own.
pub struct Packer {
    inner: Compress,
    forgets: bool,
}

impl Packer {
    /// One that has packed nothing yet.
    pub fn new(forgets: bool) -> Self {
        Self { inner: Compress::new(Compression::default(), false), forgets }
    }

    /// A text in one compressed frame.
    pub fn text(&mut self, text: &str) -> Frame {
        if self.forgets {
            self.inner.reset();
        }
        let mut packed = Vec::with_capacity(text.len() + 1024);
        self.inner.compress_vec(text.as_bytes(), &mut packed, FlushCompress::Sync).unwrap();
        assert!(packed.ends_with(&[0, 0, 0xff, 0xff]), "it was flushed");
        packed.truncate(packed.len() - 4);
        Frame { compressed: true, payload: packed, ..Frame::text("") }
    }
}

/// Undoes what a [`Packer`] that remembers does.
pub struct Unpacker(Decompress);

impl Default for Unpacker {
    fn default() -> Self {
        Self(Decompress::new(false))
    }
}

impl Unpacker {
    /// The text of a compressed frame.
    pub fn text(&mut self, frame: &Frame) -> String {
        let packed = [&frame.payload[..], &[0, 0, 0xff, 0xff]].concat();
        let mut text = Vec::with_capacity(1 << 20);
        self.0.decompress_vec(&packed, &mut text, FlushDecompress::Sync).unwrap();
        String::from_utf8(text).unwrap()
    }
}
