//! A call's conversation in one shape for every provider. Leaves out reading it from a body (`model::dialect`).

use serde::{Deserialize, Serialize};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The system prompt, or the developer's.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// What the model thought before it answered. Empty when the provider hides it.
    Thinking {
        /// The text.
        text: String,
    },
    /// The model asks for a tool.
    ToolCall {
        /// The call's id, which its result names.
        id: Option<String>,
        /// The tool.
        name: String,
        /// The arguments: JSON text as the model wrote it, which may be broken.
        arguments: String,
    },
    /// A tool's answer.
    ToolResult {
        /// The id of the call it answers.
        id: Option<String>,
        /// The answer as text; parts that are not text are described in brackets.
        text: String,
        /// Whether the tool failed.
        error: bool,
    },
    /// An image, a file or audio: described, not shown.
    Media {
        /// `image`, `audio`, `file`.
        kind: String,
        /// The media type, when said.
        media_type: Option<String>,
        /// Its size in bytes when it is inline.
        bytes: Option<u64>,
        /// Its address, when it is not inline.
        url: Option<String>,
    },
    /// The model would not answer.
    Refusal {
        /// Its reason.
        text: String,
    },
    /// Anything this version does not know, as it was sent.
    Other {
        /// The provider's word for it.
        kind: String,
        /// The JSON.
        json: String,
    },
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// The message carries a cache marker: the provider is asked to cache the prompt up to here.
    pub cache_marker: bool,
}

/// A tool the model was offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: Option<String>,
    /// Its JSON schema, as sent; `None` for a tool the provider runs.
    pub schema: Option<String>,
}

/// What was said in one call, in prompt order: tools, system, messages, then the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversation {
    /// Tools offered.
    pub tools: Vec<ToolDefinition>,
    /// Everything before the answer; system prompts are messages with [`Role::System`].
    pub messages: Vec<Message>,
    /// The answer: one message for each choice.
    pub answer: Vec<Message>,
    /// What could not be read and why, for the reader.
    pub notes: Vec<String>,
}
