//! The messages of a request in types. Leaves out reading them (`reading`).

use serde_json::Value;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Instructions (`system`, `developer`); text parts only.
    System {
        /// The text, in parts.
        parts: Vec<Part>,
    },
    /// The user's.
    User {
        /// Its parts.
        parts: Vec<Part>,
    },
    /// An earlier answer.
    Assistant {
        /// Its text, in parts.
        parts: Vec<Part>,
        /// Its thoughts.
        thoughts: Vec<Thought>,
        /// The tools it called.
        calls: Vec<Call>,
    },
    /// A tool's result.
    Tool {
        /// The call it answers.
        id: String,
        /// The result: text, or images.
        parts: Vec<Part>,
        /// Where it stands in the request, for a refusal.
        path: String,
    },
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Anthropic's `cache_control`, which clients send in OpenAI's shape too. A hint: others cache by themselves.
        cache: Option<Value>,
    },
    /// A picture.
    Image {
        /// The picture.
        source: Source,
        /// `low`, `high`; `None` is `auto`.
        detail: Option<String>,
        /// As with text.
        cache: Option<Value>,
        /// Where it stands in the request.
        path: String,
    },
    /// A file: a PDF, a text.
    File {
        /// The file; always data.
        source: Source,
        /// Its name.
        name: Option<String>,
        /// As with text.
        cache: Option<Value>,
        /// Where it stands in the request.
        path: String,
    },
    /// Sound.
    Audio {
        /// Base64.
        data: String,
        /// `wav`, `mp3`.
        format: String,
        /// Where it stands in the request.
        path: String,
    },
}

/// Where a picture or file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Here.
    Data {
        /// Its media type (`image/png`), without parameters.
        media: String,
        /// Base64.
        base64: String,
    },
    /// At an address.
    Url(String),
}

/// A thought that comes back to its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thought {
    /// One that can be read.
    Text {
        /// The thought.
        text: String,
        /// The provider's signature of it.
        signature: Option<String>,
    },
    /// One that only the provider can read.
    Sealed(String),
}

/// A tool's call in an earlier answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments: an object (`digits` reads and writes it).
    pub arguments: Value,
    /// The provider's proof of it (Gemini's thought signature).
    pub proof: Option<String>,
    /// Where it stands in the request.
    pub path: String,
}

impl Message {
    /// All text of the parts, one after the other.
    pub fn text_of(parts: &[Part]) -> String {
        let texts = parts.iter().filter_map(|part| match part {
            Part::Text { text, .. } => Some(text.as_str()),
            Part::Image { .. } | Part::File { .. } | Part::Audio { .. } => None,
        });
        texts.collect()
    }
}

impl Part {
    pub(crate) fn text(text: String) -> Self {
        Self::Text { text, cache: None }
    }
}

impl Source {
    /// A `data:` URL with base64, or an address.
    pub(crate) fn of(url: String) -> Self {
        let data = url.strip_prefix("data:").and_then(|rest| rest.split_once(','));
        match data.and_then(|(kind, data)| Some((kind.strip_suffix(";base64")?, data))) {
            Some((kind, data)) => {
                let media = kind.split(';').next().unwrap_or_default();
                Self::Data { media: media.to_ascii_lowercase(), base64: data.to_owned() }
            }
            None => Self::Url(url),
        }
    }
}
