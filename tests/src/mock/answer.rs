//! An answer as a script: a head, and bytes with what happens between them.

use std::io::Write;

/// How the end of an answer's body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`, of everything the script would send.
    Length,
    /// Chunks, one for each [`Step::Send`].
    Chunked,
    /// The connection's end.
    Close,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes are written and flushed.
    Send(Vec<u8>),
    /// Nothing more until [`crate::Mock::open_gate`], or until the client leaves.
    Gate,
    /// The connection is cut here.
    Abort,
}

/// A script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status; 0 cuts the connection instead of answering.
    pub status: u16,
    /// The headers in order; the framing's own is added.
    pub headers: Vec<(String, Vec<u8>)>,
    /// How the end is told.
    pub framing: Framing,
    /// What happens.
    pub steps: Vec<Step>,
}

impl Answer {
    /// A body in one piece with its length.
    pub fn whole(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), content_type.into())],
            framing: Framing::Length,
            steps: vec![Step::Send(body.into())],
        }
    }

    /// A stream of pieces.
    pub fn stream(content_type: &str, pieces: Vec<Vec<u8>>) -> Self {
        Self {
            status: 200,
            headers: vec![("Content-Type".into(), content_type.into())],
            framing: Framing::Chunked,
            steps: pieces.into_iter().map(Step::Send).collect(),
        }
    }

    /// The connection is closed instead of an answer.
    pub fn nothing() -> Self {
        Self { status: 0, headers: Vec::new(), framing: Framing::Length, steps: vec![Step::Abort] }
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a gate before every piece but the first.
    #[must_use]
    pub fn gated(mut self) -> Self {
        let mut steps = Vec::new();
        for step in self.steps {
            if !steps.is_empty() {
                steps.push(Step::Gate);
            }
            steps.push(step);
        }
        self.steps = steps;
        self
    }

    /// Compressed as a whole, flushed after each piece as servers do it.
    #[must_use]
    pub fn gzipped(mut self) -> Self {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let last = self.steps.iter().rposition(|step| matches!(step, Step::Send(_)));
        for (index, step) in self.steps.iter_mut().enumerate() {
            let Step::Send(bytes) = step else { continue };
            encoder.write_all(bytes).unwrap();
            encoder.flush().unwrap();
            if Some(index) == last {
                encoder.try_finish().unwrap();
            }
            *bytes = std::mem::take(encoder.get_mut());
        }
        self.header("Content-Encoding", "gzip")
    }

    /// In pieces of `size` bytes, wherever that cuts.
    #[must_use]
    pub fn split(mut self, size: usize) -> Self {
        let cut = |step: Step| match step {
            Step::Send(bytes) => bytes.chunks(size).map(|piece| Step::Send(piece.to_vec())).collect(),
            other => vec![other],
        };
        self.steps = self.steps.into_iter().flat_map(cut).collect();
        self
    }

    /// Every byte the script sends.
    pub fn body(&self) -> Vec<u8> {
        let bytes = |step: &Step| match step {
            Step::Send(bytes) => bytes.clone(),
            Step::Gate | Step::Abort => Vec::new(),
        };
        self.steps.iter().flat_map(bytes).collect()
    }
}

/// Compresses bytes as one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
