//! Messages of one direction: unmasked, put together, unpacked. Owns how much of one is kept.

use super::deflate::{Extensions, Inflater};
use super::{Broken, Frames, Head, Opcode, Piece, Side};

/// Bytes of a control frame (RFC 6455, 5.5).
const CONTROL: usize = 125;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Bytes.
    Binary,
    /// The end of what this side sends.
    Close,
    /// A question for a sign of life.
    Ping,
    /// A sign of life.
    Pong,
}

/// A message or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// What it says, unpacked.
    pub data: Vec<u8>,
    /// It says more than was kept.
    pub cut: bool,
}

impl Message {
    /// A close frame's code and reason; `None` when it gives none, or is none.
    pub fn close(&self) -> Option<(u16, String)> {
        let [high, low, reason @ ..] = self.data.as_slice() else { return None };
        (self.kind == Kind::Close)
            .then(|| (u16::from_be_bytes([*high, *low]), String::from_utf8_lossy(reason).into_owned()))
    }
}

/// One direction of a connection.
#[derive(Debug)]
pub struct Messages {
    frames: Frames,
    assembly: Assembly,
}

#[derive(Debug)]
struct Assembly {
    limit: usize,
    inflater: Option<Inflater>,
    /// The frame that goes by.
    head: Option<Head>,
    /// The message of which frames have come.
    message: Option<Message>,
    compressed: bool,
    /// The control frame that goes by.
    control: Option<Message>,
}

impl Messages {
    /// What `side` sends after the handshake agreed on `extensions`; of each message at most `limit` bytes are kept.
    pub fn new(side: Side, extensions: Extensions, limit: usize) -> Self {
        let assembly = Assembly {
            limit,
            inflater: extensions.inflater(side),
            head: None,
            message: None,
            compressed: false,
            control: None,
        };
        Self { frames: Frames::default(), assembly }
    }

    /// Takes the bytes that come next; each message that ends in them goes to `take`.
    pub fn push(&mut self, bytes: &[u8], take: &mut impl FnMut(Message)) -> Result<(), Broken> {
        let assembly = &mut self.assembly;
        self.frames.push(bytes, &mut |piece| assembly.piece(piece, take))
    }

    /// Bytes that a message which is not over takes.
    pub fn held(&self) -> usize {
        self.assembly.message.as_ref().map_or(0, |message| message.data.capacity())
    }

    /// Bytes unpacked so far.
    pub fn unpacked(&self) -> u64 {
        self.assembly.inflater.as_ref().map_or(0, Inflater::unpacked)
    }
}

impl Assembly {
    fn piece(&mut self, piece: Piece<'_>, take: &mut impl FnMut(Message)) -> Result<(), Broken> {
        match piece {
            Piece::Head(head) => self.begin(head),
            Piece::Payload { at, bytes } => self.payload(at, bytes),
            Piece::End => self.end(take),
        }
    }

    fn begin(&mut self, head: Head) -> Result<(), Broken> {
        self.head = Some(head);
        let kind = match head.opcode {
            Opcode::Text => Kind::Text,
            Opcode::Binary => Kind::Binary,
            Opcode::Close => Kind::Close,
            Opcode::Ping => Kind::Ping,
            Opcode::Pong => Kind::Pong,
            Opcode::Continuation if self.message.is_some() => return Ok(()),
            Opcode::Continuation | Opcode::Reserved(_) => return Err(Broken::Order),
        };
        let begun = Some(Message { kind, data: Vec::new(), cut: false });
        if head.opcode.is_control() {
            self.control = begun;
            return Ok(());
        }
        if self.message.is_some() {
            return Err(Broken::Order);
        }
        if head.compressed && self.inflater.is_none() {
            return Err(Broken::Compression);
        }
        (self.message, self.compressed) = (begun, head.compressed);
        Ok(())
    }

    fn payload(&mut self, at: u64, bytes: &[u8]) -> Result<(), Broken> {
        let Some(head) = self.head else { return Err(Broken::Order) };
        let control = head.opcode.is_control();
        let limit = if control { self.limit.min(CONTROL) } else { self.limit };
        let mut plain = bytes.to_vec();
        if let Some(mask) = head.mask {
            unmask(&mut plain, mask, at);
        }
        let Some(message) = (if control { &mut self.control } else { &mut self.message }) else {
            return Err(Broken::Order);
        };
        match &mut self.inflater {
            Some(inflater) if self.compressed && !control => {
                inflater.push(&plain, &mut |unpacked| keep(message, unpacked, limit))
            }
            _ => {
                keep(message, &plain, limit);
                Ok(())
            }
        }
    }

    fn end(&mut self, take: &mut impl FnMut(Message)) -> Result<(), Broken> {
        let Some(head) = self.head.take() else { return Err(Broken::Order) };
        if head.opcode.is_control() {
            self.control.take().into_iter().for_each(take);
            return Ok(());
        }
        if !head.last {
            return Ok(());
        }
        let Some(mut message) = self.message.take() else { return Err(Broken::Order) };
        if let Some(inflater) = self.inflater.as_mut().filter(|_| self.compressed) {
            inflater.finish(&mut |unpacked| keep(&mut message, unpacked, self.limit))?;
        }
        take(message);
        Ok(())
    }
}

fn keep(message: &mut Message, bytes: &[u8], limit: usize) {
    let data = &mut message.data;
    let fits = bytes.len().min(limit.saturating_sub(data.len()));
    let needed = data.len() + fits;
    if needed > data.capacity() {
        // It doubles, but takes no more than the limit.
        let room = needed.max((data.capacity() * 2).min(limit));
        data.reserve_exact(room - data.len());
    }
    data.extend_from_slice(bytes.get(..fits).unwrap_or_default());
    message.cut |= fits < bytes.len();
}

fn unmask(bytes: &mut [u8], mask: [u8; 4], at: u64) {
    let skipped = usize::try_from(at % 4).unwrap_or_default();
    for (byte, mask) in bytes.iter_mut().zip(mask.iter().cycle().skip(skipped)) {
        *byte ^= mask;
    }
}
