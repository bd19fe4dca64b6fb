//! The frames of `application/vnd.amazon.eventstream`: length, headers, payload, and the two checksums over them.
//! Pure; takes what came, whole or cut. Leaves out what a frame's payload says (`dialect`).

/// A frame without headers and payload: the prelude, its checksum, and the message's.
const SMALLEST: usize = 16;
/// What the format allows for headers and payload.
const LARGEST: usize = (128 << 10) + (24 << 20) + SMALLEST;
const PRELUDE: usize = 12;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    headers: &'a [u8],
    /// What it carries.
    pub payload: &'a [u8],
    /// The offset just after it.
    pub end: usize,
}

/// Why a stretch of a stream is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The stream stops within it.
    #[error("the stream stops in the middle of a frame")]
    Cut,
    /// Its length cannot be trusted, so where the next one begins is unknown.
    #[error("a frame's prelude fails its checksum; what follows cannot be read")]
    Prelude,
    /// It says a length that no frame has.
    #[error("a frame has an impossible length; what follows cannot be read")]
    Length,
    /// Its content is not what was sent.
    #[error("a frame fails its checksum")]
    Checksum,
    /// Its headers are not in the form of the format.
    #[error("a frame's headers cannot be read")]
    Headers,
}

/// The frames of `bytes`, in order. After a frame whose length cannot be trusted nothing follows.
pub const fn frames(bytes: &[u8]) -> Frames<'_> {
    Frames { bytes, at: 0 }
}

/// Whether `bytes` begins like such a stream: with a prelude that passes its checksum.
pub fn begins(bytes: &[u8]) -> bool {
    prelude(bytes).is_some_and(|prelude| prelude.is_ok())
}

/// The frames that are left of a stream.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Frames<'_> {
    /// The offset just after what was given last.
    pub const fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let read = read(rest, self.at);
        self.at = match &read {
            Ok(frame) => frame.end,
            // Its length was good, so the next frame is where it should be.
            Err((Broken::Checksum | Broken::Headers, end)) => *end,
            Err(_) => self.bytes.len(),
        };
        Some(read.map_err(|(broken, _)| broken))
    }
}

/// The frame at the beginning of `rest`, which stands at `at`; or what is wrong with it, and its end if that is known.
fn read(rest: &[u8], at: usize) -> Result<Frame<'_>, (Broken, usize)> {
    let (total, headers) = prelude(rest).ok_or((Broken::Cut, at))?.map_err(|broken| (broken, at))?;
    let frame = rest.get(..total).ok_or((Broken::Cut, at))?;
    let end = at + total;
    let checked = frame
        .split_last_chunk::<4>()
        .filter(|(body, sum)| crc32fast::hash(body) == u32::from_be_bytes(**sum));
    let (body, _) = checked.ok_or((Broken::Checksum, end))?;
    let parts = body.get(PRELUDE..).and_then(|body| body.split_at_checked(headers));
    let (headers, payload) = parts.ok_or((Broken::Length, at))?;
    let frame = Frame { headers, payload, end };
    if frame.each_header(|_, _| ()).is_none() {
        return Err((Broken::Headers, end));
    }
    Ok(frame)
}

/// The length of a frame and of its headers; `None` when too little of it is there to know.
fn prelude(bytes: &[u8]) -> Option<Result<(usize, usize), Broken>> {
    let (lengths, rest) = bytes.split_at_checked(8)?;
    let sum = rest.first_chunk::<4>()?;
    if crc32fast::hash(lengths) != u32::from_be_bytes(*sum) {
        return Some(Err(Broken::Prelude));
    }
    let number = |bytes: Option<&[u8; 4]>| {
        bytes.and_then(|bytes| usize::try_from(u32::from_be_bytes(*bytes)).ok()).unwrap_or(usize::MAX)
    };
    let (total, headers) = (number(lengths.first_chunk()), number(lengths.last_chunk()));
    let possible = (SMALLEST..=LARGEST).contains(&total) && headers <= total - SMALLEST;
    Some(if possible { Ok((total, headers)) } else { Err(Broken::Length) })
}

impl Frame<'_> {
    /// The same frame with another payload.
    pub fn with(&self, payload: &[u8]) -> Vec<u8> {
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        let total = SMALLEST + self.headers.len() + payload.len();
        let mut frame = [length(total), length(self.headers.len())].concat();
        frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
        frame.extend_from_slice(self.headers);
        frame.extend_from_slice(payload);
        frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
        frame
    }

    /// The header `name`, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = None;
        self.each_header(|known, value| {
            if known == name.as_bytes() {
                found = value.and_then(|value| std::str::from_utf8(value).ok());
            }
        })?;
        found
    }

    /// Every header, the value where it is text; `None` when they are not in their form.
    fn each_header<'a>(&'a self, mut take: impl FnMut(&'a [u8], Option<&'a [u8]>)) -> Option<()> {
        let mut rest = self.headers;
        while let Some((&length, after)) = rest.split_first() {
            let (name, after) = after.split_at_checked(length.into())?;
            let (&kind, after) = after.split_first()?;
            let (length, after) = match kind {
                0 | 1 => (0, after),
                2 => (1, after),
                3 => (2, after),
                4 => (4, after),
                5 | 8 => (8, after),
                6 | 7 => {
                    let (length, after) = after.split_first_chunk::<2>()?;
                    (usize::from(u16::from_be_bytes(*length)), after)
                }
                9 => (16, after),
                _ => return None,
            };
            let (value, after) = after.split_at_checked(length)?;
            take(name, (kind == 7).then_some(value));
            rest = after;
        }
        Some(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
