//! What a call took beside tokens of text, and where its price depends on more than its model. Leaves out the prices.

use serde::{Deserialize, Serialize};

/// Tokens of sound or of pictures, which are among those of the buckets and have prices of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sound {
    /// Among the uncached input.
    #[serde(skip_serializing_if = "is_zero")]
    pub input: u64,
    /// Among what was read from the cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    /// Among the output.
    #[serde(skip_serializing_if = "is_zero")]
    pub output: u64,
}

/// What is billed by the piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Units {
    /// Tokens of pictures.
    #[serde(skip_serializing_if = "is_default")]
    pub pictures: Sound,
    /// Everything written are pictures, though nobody counted them apart.
    #[serde(skip_serializing_if = "is_default")]
    pub only_pictures: bool,
    /// Pictures made, where no tokens were counted.
    #[serde(skip_serializing_if = "is_zero")]
    pub images: u64,
    /// Milliseconds of sound heard, where no tokens were counted.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_ms: u64,
    /// Characters spoken, where no tokens were counted.
    #[serde(skip_serializing_if = "is_zero")]
    pub characters: u64,
    /// Pages read off documents.
    #[serde(skip_serializing_if = "is_zero")]
    pub pages: u64,
    /// Of them, with annotations.
    #[serde(skip_serializing_if = "is_zero")]
    pub annotated_pages: u64,
    /// Queries to order documents by.
    #[serde(skip_serializing_if = "is_zero")]
    pub queries: u64,
    /// Searches of the web that the provider ran.
    #[serde(skip_serializing_if = "is_zero")]
    pub web_searches: u64,
    /// How much context a search was asked to bring.
    #[serde(skip_serializing_if = "is_default")]
    pub search_size: SearchSize,
    /// Searches of maps.
    #[serde(skip_serializing_if = "is_zero")]
    pub map_searches: u64,
    /// Searches of the user's own files that the provider ran.
    #[serde(skip_serializing_if = "is_zero")]
    pub file_searches: u64,
    /// Sessions of a code interpreter that the provider ran.
    #[serde(skip_serializing_if = "is_zero")]
    pub code_sessions: u64,
}

impl Units {
    /// Whether something was counted that is billed though no token was.
    pub(super) fn stand_alone(&self) -> bool {
        [self.images, self.audio_ms, self.characters, self.pages, self.queries].iter().any(|count| *count > 0)
    }
}

/// How much context a web search brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchSize {
    /// Little.
    Low,
    /// What providers bring unless they are asked for more or less.
    #[default]
    Medium,
    /// Much.
    High,
}

/// The part of the world that a call was bound to, where that has a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// OpenAI's processing in the United States.
    Us,
    /// OpenAI's processing in Europe.
    Eu,
    /// A region of Vertex.
    Vertex,
}

impl Region {
    /// The region that a host stands for.
    pub fn of_host(host: &str) -> Option<Self> {
        match host {
            "us.api.openai.com" => Some(Self::Us),
            "eu.api.openai.com" => Some(Self::Eu),
            _ => host.ends_with("-aiplatform.googleapis.com").then_some(Self::Vertex),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
