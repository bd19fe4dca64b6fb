//! A chat request in types. Leaves out reading it (`parse`).

use serde_json::{Number, Value};

use super::{Choose, Message, Tool};

/// What is asked, in no provider's dialect.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The model.
    pub model: String,
    /// The conversation, system messages in their places.
    pub messages: Vec<Message>,
    /// The tools that may be called.
    pub tools: Vec<Tool>,
    /// Which of them.
    pub choose: Choose,
    /// Whether several calls may come at once; `None` leaves it to the provider.
    pub parallel: Option<bool>,
    /// The most tokens to write, reasoning included.
    pub max_tokens: Option<u64>,
    /// Which of the names the limit came by, for a refusal.
    pub max_tokens_field: &'static str,
    /// How to sample.
    pub sampling: Sampling,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// The answer's form.
    pub format: Format,
    /// How hard to think.
    pub effort: Option<Effort>,
    /// Whether the client asks to be told thoughts, with an effort or without.
    pub tell_thoughts: bool,
    /// How many answers; 1 unless said.
    pub choices: u32,
    /// Whether to stream.
    pub stream: bool,
    /// Whether a stream ends with its usage.
    pub include_usage: bool,
    /// An opaque name of who asks (`safety_identifier`, else `user`).
    pub user: Option<String>,
}

/// How the next token is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sampling {
    /// `temperature`.
    pub temperature: Option<Number>,
    /// `top_p`.
    pub top_p: Option<Number>,
    /// `top_k`: not OpenAI's, but all targets know it and clients send it.
    pub top_k: Option<u64>,
    /// `frequency_penalty`, unless it is 0, which is none.
    pub frequency_penalty: Option<Number>,
    /// `presence_penalty`, unless it is 0, which is none.
    pub presence_penalty: Option<Number>,
    /// `seed`.
    pub seed: Option<Number>,
}

/// The answer's form.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// Text.
    #[default]
    Text,
    /// Some JSON object.
    Json,
    /// JSON of this schema.
    Schema {
        /// Its name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// The schema.
        schema: Value,
        /// Whether nothing else may come.
        strict: Option<bool>,
    },
}

/// `reasoning_effort`, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// No reasoning at all.
    None,
    /// As little as can be.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// Very much.
    Xhigh,
    /// All there is.
    Max,
}
