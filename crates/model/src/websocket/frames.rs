//! Frames by their heads (RFC 6455, 5.2), wherever the bytes are cut. Leaves out what they make up (`messages`).

use super::Broken;

/// The longest head: two bytes, a length of eight, a mask of four.
const LONGEST_HEAD: usize = 14;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// Goes on with the message before it.
    Continuation,
    /// Begins a message of text.
    Text,
    /// Begins a message of bytes.
    Binary,
    /// Says that its sender will send no more.
    Close,
    /// Asks for a sign of life.
    Ping,
    /// Is one.
    Pong,
    /// One that nobody has given a meaning.
    Reserved(u8),
}

impl Opcode {
    fn of(byte: u8) -> Self {
        match byte & 0x0f {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            other => Self::Reserved(other),
        }
    }

    /// Whether it may come in the middle of a message.
    pub fn is_control(self) -> bool {
        match self {
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Reserved(opcode) => opcode >= 8,
            Self::Continuation | Self::Text | Self::Binary => false,
        }
    }
}

/// A frame's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The message ends with this frame.
    pub last: bool,
    /// The first reserved bit: the message is compressed.
    pub compressed: bool,
    /// What it is.
    pub opcode: Opcode,
    /// What its payload is masked with.
    pub mask: Option<[u8; 4]>,
    /// Bytes of its payload.
    pub length: u64,
}

/// A piece of what goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A frame begins.
    Head(Head),
    /// Some of its payload, masked as it came. `at` is where in the payload it stands.
    Payload {
        /// Bytes of the payload before these.
        at: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The frame is over.
    End,
}

/// Where one direction of a connection is.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    head: [u8; LONGEST_HEAD],
    /// Bytes of the head that are there.
    have: usize,
    /// Of the payload: bytes that went by, bytes in all. `None` while a head is read.
    payload: Option<(u64, u64)>,
}

impl Frames {
    /// Takes the bytes that come next.
    pub fn push<'a>(
        &mut self,
        mut bytes: &'a [u8],
        take: &mut impl FnMut(Piece<'a>) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        while !bytes.is_empty() {
            let Some((at, length)) = self.payload else {
                bytes = self.read_head(bytes, take)?;
                continue;
            };
            let left = usize::try_from(length - at).unwrap_or(usize::MAX);
            let (now, rest) = bytes.split_at(left.min(bytes.len()));
            bytes = rest;
            take(Piece::Payload { at, bytes: now })?;
            self.go_on(at + now.len() as u64, length, take)?;
        }
        Ok(())
    }

    /// Whether a frame of one's own may be written now: the last one is over.
    pub fn between(&self) -> bool {
        self.have == 0 && self.payload.is_none()
    }

    /// Takes bytes of a head; what is left of them.
    fn read_head<'a>(
        &mut self,
        bytes: &'a [u8],
        take: &mut impl FnMut(Piece<'a>) -> Result<(), Broken>,
    ) -> Result<&'a [u8], Broken> {
        let missing = self.head_length().saturating_sub(self.have);
        let (now, rest) = bytes.split_at(missing.min(bytes.len()));
        if let Some(place) = self.head.get_mut(self.have..self.have + now.len()) {
            place.copy_from_slice(now);
        }
        self.have += now.len();
        // The second byte says how long the head is.
        if self.have < 2 || self.have < self.head_length() {
            return Ok(rest);
        }
        let head = self.parsed()?;
        self.have = 0;
        take(Piece::Head(head))?;
        self.go_on(0, head.length, take)?;
        Ok(rest)
    }

    fn go_on<'a>(
        &mut self,
        at: u64,
        length: u64,
        take: &mut impl FnMut(Piece<'a>) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        self.payload = (at < length).then_some((at, length));
        if self.payload.is_none() { take(Piece::End) } else { Ok(()) }
    }

    fn head_length(&self) -> usize {
        if self.have < 2 {
            return 2;
        }
        let [_, second, ..] = self.head;
        let length = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if second & 0x80 == 0 { 0 } else { 4 }
    }

    fn parsed(&self) -> Result<Head, Broken> {
        let [first, second, rest @ ..] = &self.head;
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        let (length, mask) = match second & 0x7f {
            126 => (number(rest.get(..2).unwrap_or_default()), rest.get(2..6)),
            127 => (number(rest.get(..8).unwrap_or_default()), rest.get(8..12)),
            short => (u64::from(short), rest.get(..4)),
        };
        if length >> 63 != 0 {
            return Err(Broken::Length);
        }
        Ok(Head {
            last: first & 0x80 != 0,
            compressed: first & 0x40 != 0,
            opcode: Opcode::of(*first),
            mask: mask.filter(|_| second & 0x80 != 0).and_then(|mask| mask.try_into().ok()),
            length,
        })
    }
}

/// A close frame with `code` and `reason`, of which 123 bytes fit; masked with `mask` when a client sends it.
pub fn close_frame(code: u16, reason: &str, mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = reason.get(..end).unwrap_or_default();
    let payload: Vec<u8> = code.to_be_bytes().into_iter().chain(reason.bytes()).collect();
    let length = u8::try_from(payload.len()).unwrap_or(125);
    let mut frame = vec![0x88, length | if mask.is_some() { 0x80 } else { 0 }];
    frame.extend(mask.iter().flatten());
    let mask = mask.unwrap_or_default();
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
