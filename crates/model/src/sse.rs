//! Server-sent events from bytes in any chunking: owns lines (LF, CRLF, CR), comments, fields, the byte order mark.
//! Leaves out what an event means (`dialect`) and reconnection (`id:` and `retry:` are skipped).

use memchr::memchr2;

/// A single event's data beyond this many bytes is dropped, so that a hostile stream cannot take all memory.
const MAX_EVENT_BYTES: usize = 32 * 1024 * 1024;

/// One finished event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The `event:` field; `None` when absent or not UTF-8.
    pub name: Option<&'a str>,
    /// The `data:` lines, joined with line feeds.
    pub data: &'a [u8],
    /// The stream's bytes up to and with the line end that finished the event.
    pub end: usize,
    /// The event was larger than the limit: `data` is only its beginning.
    pub cut: bool,
}

/// Finds events in a stream that arrives in pieces.
#[derive(Debug, Default)]
pub struct Framer {
    /// The current line, as far as it came in earlier pieces.
    line: Vec<u8>,
    event: Pending,
    /// Bytes seen so far.
    offset: usize,
    /// The last byte was a CR that ended a line: an LF now belongs to it.
    after_cr: bool,
    /// The first line, where a byte order mark may stand, is over.
    begun: bool,
}

#[derive(Debug, Default)]
struct Pending {
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    cut: bool,
}

impl Framer {
    /// A framer at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the stream's next bytes and calls `event` for each event they finish.
    pub fn push(&mut self, bytes: &[u8], event: &mut dyn FnMut(SseEvent<'_>)) {
        let mut rest = bytes;
        while let Some((&first, after_first)) = rest.split_first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                self.offset += 1;
                rest = after_first;
                continue;
            }
            let Some(length) = memchr2(b'\n', b'\r', rest) else {
                self.offset += rest.len();
                self.keep(rest);
                return;
            };
            let (head, tail) = rest.split_at(length);
            self.offset += length + 1;
            self.after_cr = tail.first() == Some(&b'\r');
            self.end_line(head, event);
            rest = tail.get(1..).unwrap_or_default();
        }
    }

    /// Ends the stream. An event whose last blank line is missing is given too: servers forget it.
    pub fn finish(mut self, event: &mut dyn FnMut(SseEvent<'_>)) {
        if !self.line.is_empty() {
            self.end_line(&[], event);
        }
        self.event.dispatch(self.offset, event);
    }

    fn end_line(&mut self, head: &[u8], event: &mut dyn FnMut(SseEvent<'_>)) {
        if self.line.is_empty() {
            self.take_line(head, event);
            return;
        }
        self.keep(head);
        let line = std::mem::take(&mut self.line);
        self.take_line(&line, event);
        // Hand the allocation back, unless it is a rare large one.
        if line.capacity() <= 64 * 1024 {
            self.line = line;
            self.line.clear();
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_EVENT_BYTES.saturating_sub(self.line.len());
        self.event.cut |= bytes.len() > room;
        self.line.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn take_line(&mut self, line: &[u8], event: &mut dyn FnMut(SseEvent<'_>)) {
        let first = !std::mem::replace(&mut self.begun, true);
        let line = if first { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
        if line.is_empty() {
            self.event.dispatch(self.offset, event);
        } else {
            self.event.field(line);
        }
    }
}

impl Pending {
    fn field(&mut self, line: &[u8]) {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, rest) = line.split_at(colon);
        let value = rest.strip_prefix(b":").unwrap_or(rest);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.add_data(value),
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value.get(..1024).unwrap_or(value));
            }
            _ => {}
        }
    }

    fn add_data(&mut self, value: &[u8]) {
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        let room = MAX_EVENT_BYTES.saturating_sub(self.data.len());
        self.cut |= value.len() > room;
        self.data.extend_from_slice(value.get(..room).unwrap_or(value));
    }

    fn dispatch(&mut self, end: usize, event: &mut dyn FnMut(SseEvent<'_>)) {
        if self.has_data {
            let name = std::str::from_utf8(&self.name).ok().filter(|name| !name.is_empty());
            event(SseEvent { name, data: &self.data, end, cut: self.cut });
        }
        self.name.clear();
        self.data.clear();
        self.has_data = false;
        self.cut = false;
    }
}

#[cfg(test)]
mod tests;
