//! An answer on its way: the provider's bytes in any pieces, what they say, and what the client gets of it.

use model::sse::{Framer, SseEvent};

use crate::call::Reader;
use crate::chat::Writer;
use crate::delta::{Delta, Failure};
use crate::digits;
use crate::responses;

/// A stream on its way from the provider to the client.
pub struct Stream {
    framer: Framer,
    reader: Box<dyn Reader>,
    writer: Writing,
}

/// In whose shape an answer is written.
#[derive(Debug)]
pub(crate) enum Writing {
    Chat(Writer),
    Responses(Box<responses::Writer>),
}

impl Writing {
    fn write(&mut self, delta: Delta, out: &mut Vec<u8>) {
        match self {
            Self::Chat(writer) => writer.write(delta, out),
            Self::Responses(writer) => writer.write(delta, out),
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Chat(writer) => writer.close(out),
            Self::Responses(writer) => writer.close(out),
        }
    }
}

impl Stream {
    pub(crate) fn new(reader: Box<dyn Reader>, writer: Writing) -> Self {
        Self { framer: Framer::new(), reader, writer }
    }

    /// Takes the provider's next bytes and writes what follows from them.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let (reader, writer) = (&mut self.reader, &mut self.writer);
        self.framer.push(bytes, &mut |event| take(reader.as_mut(), writer, event, out));
    }

    /// A whole answer where a stream was asked for.
    pub fn document(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let mut deltas = Vec::new();
        match digits::read(body, digits::OF_ANSWERS) {
            Ok(body) => self.reader.answer(&body, &mut deltas),
            Err(_) => deltas.push(Delta::Error(Failure::of_upstream("The provider's answer is not JSON."))),
        }
        deltas.into_iter().for_each(|delta| self.writer.write(delta, out));
        self.writer.close(out);
    }

    /// The provider's stream is over.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let (reader, writer) = (&mut self.reader, &mut self.writer);
        std::mem::take(&mut self.framer).finish(&mut |event| take(reader.as_mut(), writer, event, out));
        let mut deltas = Vec::new();
        self.reader.end(&mut deltas);
        deltas.into_iter().for_each(|delta| self.writer.write(delta, out));
        self.writer.close(out);
    }

    /// The provider's stream broke off, for this reason.
    pub fn break_off(&mut self, why: &str, out: &mut Vec<u8>) {
        self.writer.write(Delta::Error(Failure::of_upstream(why)), out);
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("writer", &self.writer).finish_non_exhaustive()
    }
}

fn take(reader: &mut dyn Reader, writer: &mut Writing, event: SseEvent<'_>, out: &mut Vec<u8>) {
    let data = event.data.trim_ascii();
    if data.is_empty() || data == b"[DONE]" {
        return;
    }
    let mut deltas = Vec::new();
    match digits::read(data, digits::OF_ANSWERS) {
        Ok(value) => reader.event(event.name, &value, &mut deltas),
        Err(_) => {
            let message = "An event of the provider's stream is not JSON.";
            deltas.push(Delta::Error(Failure::of_upstream(message)));
        }
    }
    deltas.into_iter().for_each(|delta| writer.write(delta, out));
}
