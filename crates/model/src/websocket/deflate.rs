//! permessage-deflate (RFC 7692): what the handshake agreed on, and unpacking one direction's messages.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Broken, Side};

/// What every compressed message leaves out at its end.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Bytes unpacked at once.
const STEP: usize = 16 * 1024;
/// No message of a model is larger.
const LARGEST: u64 = 256 << 20;

/// What the server's handshake says of extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Messages may be compressed.
    deflate: bool,
    client_forgets: bool,
    server_forgets: bool,
    /// Something else was agreed on: what the frames hold is not known.
    others: bool,
}

impl Extensions {
    /// Reads the values of the answer's `Sec-WebSocket-Extensions`.
    pub fn agreed<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut agreed = Self::default();
        let named = values.into_iter().flat_map(|value| value.split(','));
        for extension in named.map(str::trim).filter(|extension| !extension.is_empty()) {
            let mut parts = extension.split(';').map(str::trim);
            if parts.next().is_some_and(|name| name.eq_ignore_ascii_case("permessage-deflate")) {
                agreed.deflate = true;
                for parameter in parts {
                    agreed.client_forgets |= parameter.eq_ignore_ascii_case("client_no_context_takeover");
                    agreed.server_forgets |= parameter.eq_ignore_ascii_case("server_no_context_takeover");
                }
            } else {
                agreed.others = true;
            }
        }
        agreed
    }

    /// Whether what was agreed on can be read at all.
    pub fn are_known(&self) -> bool {
        !self.others
    }

    /// What unpacks the messages of `side`; `None` when none are packed.
    pub(super) fn inflater(self, side: Side) -> Option<Inflater> {
        let forgets = if side == Side::Client { self.client_forgets } else { self.server_forgets };
        self.deflate.then(|| Inflater { inner: Decompress::new(false), forgets, unpacked: 0, before: 0 })
    }
}

/// Unpacks the messages of one direction.
#[derive(Debug)]
pub(super) struct Inflater {
    inner: Decompress,
    /// Each message begins anew.
    forgets: bool,
    /// Bytes that the message unpacked to so far.
    unpacked: u64,
    /// Bytes that the messages before it unpacked to.
    before: u64,
}

impl Inflater {
    /// Unpacks a piece of a message.
    pub(super) fn push(&mut self, mut packed: &[u8], take: &mut impl FnMut(&[u8])) -> Result<(), Broken> {
        let mut room = Vec::with_capacity(STEP);
        loop {
            room.clear();
            let before = self.inner.total_in();
            let status = self.inner.decompress_vec(packed, &mut room, FlushDecompress::Sync);
            let status = status.map_err(|_| Broken::Compression)?;
            take(&room);
            self.unpacked += room.len() as u64;
            if self.unpacked > LARGEST {
                return Err(Broken::Bomb);
            }
            let eaten = usize::try_from(self.inner.total_in() - before).unwrap_or(usize::MAX);
            packed = packed.get(eaten..).unwrap_or_default();
            match status {
                // A block that says it is the last one: what follows begins anew (RFC 7692, 7.2.3.4).
                Status::StreamEnd => self.inner.reset(false),
                // All was eaten, and there was room left: nothing more is held back.
                _ if packed.is_empty() && room.len() < room.capacity() => return Ok(()),
                _ if eaten == 0 && room.is_empty() => return Err(Broken::Compression),
                _ => {}
            }
            if packed.is_empty() && status == Status::StreamEnd {
                return Ok(());
            }
        }
    }

    /// Bytes unpacked so far.
    pub(super) fn unpacked(&self) -> u64 {
        self.before + self.unpacked
    }

    /// The message is over.
    pub(super) fn finish(&mut self, take: &mut impl FnMut(&[u8])) -> Result<(), Broken> {
        self.push(&TAIL, take)?;
        self.before += std::mem::take(&mut self.unpacked);
        if self.forgets {
            self.inner.reset(false);
        }
        Ok(())
    }
}
