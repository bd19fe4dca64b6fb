//! An answer in pieces, in no dialect: what every target reads and every front writes.

/// One piece of an answer. Pieces come in order; what belongs together (a text, a tool's arguments) is joined by the
/// front. Everything is about choice 0 until [`Delta::Choice`] says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// The answer begins.
    Start {
        /// The provider's id of it.
        id: String,
        /// The model that answers; empty when the provider does not say (the request's is meant).
        model: String,
    },
    /// What follows belongs to this choice.
    Choice(u32),
    /// Text.
    Text(String),
    /// What the model thinks, as far as it shows.
    Reasoning(String),
    /// What proves a thought to its provider when it comes back, or a thought that only the provider can read.
    ReasoningProof(Proof),
    /// The model declines.
    Refused(String),
    /// A tool's call begins.
    ToolStart {
        /// Its place among the choice's calls, from 0.
        index: usize,
        /// Its id; the target makes one where the provider has none.
        id: String,
        /// The tool.
        name: String,
        /// What proves it to its provider when it comes back (Gemini's thought signature).
        proof: Option<String>,
    },
    /// More of a call's arguments, as JSON text.
    ToolArguments {
        /// The call's place.
        index: usize,
        /// The text.
        text: String,
    },
    /// Why the choice ended.
    Finish(Finish),
    /// Tokens so far. The last one counts.
    Usage(Usage),
    /// The answer failed; nothing follows.
    Error(Failure),
    /// The provider says that this was all.
    End,
}

/// What a provider wants back with a thought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The signature of the thought before it.
    Signature(String),
    /// A thought as only the provider can read it.
    Sealed(String),
}

/// Why a choice ended, in OpenAI's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done, or met a stop sequence.
    Stop,
    /// The token limit.
    Length,
    /// Tools are called.
    ToolCalls,
    /// Something was withheld.
    ContentFilter,
}

impl Finish {
    /// OpenAI's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
        }
    }
}

/// Tokens as OpenAI counts them: caches are part of the input, reasoning is part of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input, cached or not.
    pub input: u64,
    /// All output.
    pub output: u64,
    /// Of the input, read from a cache.
    pub cached: Option<u64>,
    /// Of the input, written to a cache.
    pub cache_written: Option<u64>,
    /// Of the output, reasoning.
    pub reasoning: Option<u64>,
}

/// An error, of a whole call or within a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened.
    pub message: String,
    /// The provider's word for it (`overloaded_error`, `RESOURCE_EXHAUSTED`).
    pub kind: String,
    /// The field it is about.
    pub param: Option<String>,
    /// A code beside the kind.
    pub code: Option<String>,
}

impl Failure {
    /// Something that the provider did which it should not.
    pub fn of_upstream(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: "upstream_error".to_owned(), param: None, code: None }
    }

    /// An error whose body is in no shape that is known: a gateway's page, or nothing.
    pub fn of_status(status: u16, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        match text.trim() {
            "" => Self::of_upstream(format!("The provider answered with status {status}.")),
            text => Self::of_upstream(text),
        }
    }
}
