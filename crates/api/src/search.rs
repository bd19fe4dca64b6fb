//! What search finds beside the rows of lists. Leaves out what a text asks for (`store`).

use serde::{Deserialize, Serialize};

use crate::{CallId, CallSummary};

/// A stretch of what was said, around what was looked for. Text, whatever it looks like: never markup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// One after the other.
    pub parts: Vec<SnippetPart>,
}

/// A piece of a snippet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnippetPart {
    /// The text.
    pub text: String,
    /// Whether it is what was looked for.
    pub matched: bool,
}

/// Which found calls come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchOrder {
    /// The newest.
    #[default]
    Newest,
    /// Those that say most of what is looked for, of the newest that were found.
    Best,
}

/// A call that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchHit {
    /// The call.
    pub call: CallSummary,
    /// Where it says what is looked for; nothing when only other conditions were given, or a former version stored it.
    pub snippet: Option<Snippet>,
}

/// A page of what was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchPage {
    /// The calls.
    pub hits: Vec<SearchHit>,
    /// How many match in all.
    pub total: u64,
    /// How many of the newest were compared, when the best come first: no more can be paged through.
    pub compared: Option<u64>,
    /// Texts are still being read: there may come to be more.
    #[serde(default)]
    pub reading: Option<Reading>,
    /// What search cannot find yet.
    pub lag: SearchLag,
}

/// How far a search has come that reads texts, the newest calls first: phrases and signs, of which the index alone cannot
/// tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Calls whose texts were read.
    pub read: u64,
    /// When the last of them began, in milliseconds since 1970 (UTC).
    pub back_to_ms: Option<i64>,
}

/// How much is stored and not in the index yet: normally nothing, more after an update or while the index is made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchLag {
    /// Calls.
    pub calls: u64,
    /// Log records.
    pub logs: u64,
}

/// Where rows of a list say what is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snippets {
    /// Of calls.
    pub calls: Vec<(CallId, Snippet)>,
    /// Of traces, by their ids in hex: of the newest of their calls that says it.
    pub traces: Vec<(String, Snippet)>,
    /// Of log records, by their ids.
    pub logs: Vec<(String, Snippet)>,
}
