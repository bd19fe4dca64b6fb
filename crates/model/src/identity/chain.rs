//! What ties a call to the calls before it: digests of its conversation so far and of its answer. A client that goes on
//! sends the earlier call's messages, the answer, and more; so the earlier call is found by two digests, whatever the
//! conversation's length. Leaves out finding it (`store`), and what the client itself says (`identity`).
//!
//! Left out of the digests is what changes from turn to turn although nothing new is said: system prompts (they carry
//! dates and billing), cache markers, reasoning, whitespace, ids of tool calls, how a turn is cut into messages, and
//! the reminders that Claude Code writes into the user's words.

use api::{Message, Part, Role};
use serde_json::Value;

use crate::dialect::{Spoken, without_reminders};

/// A shorter text is said in more than one conversation.
const SHORTEST_TASK: usize = 16;
/// Texts that one call may hand to subagents.
const MOST_TASKS: usize = 32;
/// Earlier calls that one call may go on from: a client that was not recorded for longer begins anew.
const MOST_EARLIER: usize = 1_000;
/// What Claude Code's first system block may begin with; it is another one in every call.
const BILLING: &str = "x-anthropic-billing-header:";

/// Whose conversations are compared with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope([u8; 32]);

impl Scope {
    /// Conversations with `provider`, paid by `holder`, of the tool `client`.
    pub fn new(provider: &str, holder: &str, client: Option<&str>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [provider, holder, client.unwrap_or_default()] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// The digest of an answer's id.
    pub fn response(&self, id: &str) -> i64 {
        short(&self.next("response", id.as_bytes()))
    }

    fn next(&self, kind: &str, bytes: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(kind.as_bytes()).update(&[0]).update(bytes);
        *hasher.finalize().as_bytes()
    }
}

/// A call's conversation as digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Everything before the answer.
    pub end: i64,
    /// The answer; `None` when there was none.
    pub answer: Option<i64>,
    /// Calls this one may go on from, the latest first.
    pub earlier: Vec<Earlier>,
    /// System prompt and tools: what tells an agent from another one in the same session.
    pub root: i64,
    /// Whether tools were offered: an agent's calls do, a side call for a title does not.
    pub has_tools: bool,
    /// What the user said first, in each of its texts.
    pub prompts: Vec<i64>,
    /// Texts in the answer's tool calls: one of them is what a subagent hears first.
    pub tasks: Vec<i64>,
}

impl Chain {
    /// The same words, said after the answer with this digest, which the provider remembers and the client does not
    /// send: alone they say little.
    #[must_use]
    pub fn behind(self, previous: Option<i64>) -> Self {
        match previous {
            Some(previous) => Self { end: self.end ^ previous, earlier: Vec::new(), ..self },
            None => self,
        }
    }
}

/// The digests an earlier call must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Everything before its answer.
    pub end: i64,
    /// Its answer.
    pub answer: i64,
}

/// The digests of what was said; `None` when there is no conversation.
pub fn chain(scope: &Scope, spoken: &Spoken) -> Option<Chain> {
    let mut fold = Fold::new(scope);
    let mut prompts = Vec::new();
    let heard = |message: &&Message| message.role != Role::System && says_something(message);
    for message in spoken.messages.iter().filter(heard) {
        fold.message(message);
        if fold.before.is_none() && message.role == Role::User {
            prompts.extend(message.parts.iter().filter_map(|part| task(scope, text(part)?)));
        }
    }
    let Fold { before, mut earlier, mut words, .. } = fold.end();
    earlier.reverse();
    earlier.truncate(MOST_EARLIER);
    // A request that ends with the model's words is their beginning: the answer goes on with them.
    let answer = spoken.answer.first().filter(|message| says_something(message)).map(|message| {
        words.add(message);
        short(&scope.next("answer", &words.digest()))
    });
    Some(Chain {
        end: before?,
        answer,
        earlier,
        root: root(scope, spoken),
        has_tools: !spoken.tools.is_empty(),
        prompts,
        tasks: tasks(scope, &spoken.answer),
    })
}

/// A conversation taken in message by message. Only the changes of speaker count: clients cut turns differently.
struct Fold<'a> {
    scope: &'a Scope,
    /// Everything before the words.
    key: [u8; 32],
    words: Words,
    by_model: bool,
    /// Everything before the model's latest words.
    before: Option<i64>,
    earlier: Vec<Earlier>,
}

impl<'a> Fold<'a> {
    fn new(scope: &'a Scope) -> Self {
        let words = Words::default();
        Self { scope, key: scope.0, words, by_model: false, before: None, earlier: Vec::new() }
    }

    fn message(&mut self, message: &Message) {
        let by_model = message.role == Role::Assistant;
        if by_model != self.by_model {
            self.turn_over();
            self.by_model = by_model;
        }
        self.words.add(message);
    }

    fn turn_over(&mut self) {
        if self.words.is_empty() {
            return;
        }
        let digest = std::mem::take(&mut self.words).digest();
        if self.by_model {
            let answer = short(&self.scope.next("answer", &digest));
            self.earlier.extend(self.before.map(|end| Earlier { end, answer }));
        }
        self.key = Scope(self.key).next(if self.by_model { "model" } else { "user" }, &digest);
        if !self.by_model {
            self.before = Some(short(&self.key));
        }
    }

    /// After the last message: the model is to speak.
    fn end(mut self) -> Self {
        if !self.by_model {
            self.turn_over();
        }
        self
    }
}

/// What one side says until the other speaks.
#[derive(Default)]
struct Words {
    /// Without whitespace: clients trim, and join pieces of text with or without a line end.
    text: Vec<u8>,
    /// What is no text.
    other: Vec<u8>,
}

impl Words {
    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.other.is_empty()
    }

    fn add(&mut self, message: &Message) {
        for part in &message.parts {
            match part {
                Part::Text { text } | Part::Refusal { text } => put_text(&mut self.text, text),
                Part::Thinking { .. } => {}
                Part::ToolCall { name, arguments, .. } => {
                    self.tag(b'c', name.as_bytes());
                    put_arguments(&mut self.other, arguments);
                }
                Part::ToolResult { text, .. } => {
                    self.tag(b'r', &[]);
                    put_text(&mut self.other, text);
                }
                Part::Media { kind, media_type, bytes, url } => {
                    self.tag(b'm', kind.as_bytes());
                    self.tag(b't', media_type.as_deref().unwrap_or_default().as_bytes());
                    self.tag(b'u', url.as_deref().unwrap_or_default().as_bytes());
                    self.tag(b'b', &bytes.unwrap_or_default().to_le_bytes());
                }
                // The model's own bookkeeping comes back changed, or not at all.
                Part::Other { .. } if message.role == Role::Assistant => {}
                Part::Other { kind, json } => {
                    self.tag(b'o', kind.as_bytes());
                    self.other.extend_from_slice(json.as_bytes());
                }
            }
        }
    }

    fn tag(&mut self, tag: u8, bytes: &[u8]) {
        self.other.extend_from_slice(&[0, tag]);
        self.other.extend_from_slice(bytes);
        self.other.push(0);
    }

    fn digest(self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(self.text.len() as u64).to_le_bytes()).update(&self.text).update(&self.other);
        *hasher.finalize().as_bytes()
    }
}

/// A digest of what these messages say, without what changes although nothing new is said.
pub(crate) fn words(messages: &[&Message]) -> [u8; 32] {
    let mut words = Words::default();
    messages.iter().for_each(|message| words.add(message));
    words.digest()
}

fn says_something(message: &Message) -> bool {
    message.parts.iter().any(|part| match part {
        Part::Text { text } | Part::Refusal { text } => {
            without_reminders(text).bytes().any(|byte| !byte.is_ascii_whitespace())
        }
        Part::Thinking { .. } => false,
        Part::Other { .. } => message.role != Role::Assistant,
        Part::ToolCall { .. } | Part::ToolResult { .. } | Part::Media { .. } => true,
    })
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    let (text, from) = (without_reminders(text), bytes.len());
    // Every byte is written, and the next one over it when it is whitespace: nearly all of a long text's time is spent
    // here, and there is nothing in this to guess wrong.
    bytes.resize(from + text.len(), 0);
    let mut kept = from;
    for byte in text.bytes() {
        if let Some(place) = bytes.get_mut(kept) {
            *place = byte;
        }
        kept += usize::from(!byte.is_ascii_whitespace());
    }
    bytes.truncate(kept);
}

/// Arguments are JSON that clients write anew: members in order of their names, no whitespace.
fn put_arguments(bytes: &mut Vec<u8>, arguments: &str) {
    match serde_json::from_str(arguments) {
        Ok(value) => put_json(bytes, &value),
        Err(_) => put_text(bytes, arguments),
    }
}

/// Nesting is as deep as `serde_json` reads it: 128 levels.
fn put_json(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (name, value) in members {
                bytes.push(b'{');
                bytes.extend_from_slice(name.as_bytes());
                bytes.push(b':');
                put_json(bytes, value);
            }
            bytes.push(b'}');
        }
        Value::Array(elements) => {
            for element in elements {
                bytes.push(b'[');
                put_json(bytes, element);
            }
            bytes.push(b']');
        }
        plain => bytes.extend_from_slice(plain.to_string().as_bytes()),
    }
}

fn text(part: &Part) -> Option<&str> {
    match part {
        Part::Text { text } => Some(text),
        _ => None,
    }
}

/// The digest of a text that may be a subagent's task.
fn task(scope: &Scope, text: &str) -> Option<i64> {
    let mut bytes = Vec::new();
    put_text(&mut bytes, text);
    (bytes.len() >= SHORTEST_TASK).then(|| short(&scope.next("task", &bytes)))
}

/// The texts that an answer's tool calls hand over.
fn tasks(scope: &Scope, answer: &[Message]) -> Vec<i64> {
    let mut found = Vec::new();
    for part in answer.iter().flat_map(|message| &message.parts) {
        let Part::ToolCall { arguments, .. } = part else { continue };
        let Ok(Value::Object(members)) = serde_json::from_str(arguments) else { continue };
        found.extend(members.values().filter_map(|value| task(scope, value.as_str()?)));
    }
    found.truncate(MOST_TASKS);
    found
}

fn root(scope: &Scope, spoken: &Spoken) -> i64 {
    let mut bytes = Vec::new();
    let prompts = spoken.messages.iter().take_while(|message| message.role == Role::System);
    for text in prompts.flat_map(|message| &message.parts).filter_map(text) {
        if !text.starts_with(BILLING) {
            put_text(&mut bytes, text);
        }
    }
    let mut tools: Vec<&str> = spoken.tools.iter().map(String::as_str).collect();
    tools.sort_unstable();
    for tool in tools {
        bytes.push(0);
        bytes.extend_from_slice(tool.as_bytes());
    }
    short(&scope.next("root", &bytes))
}

/// Eight bytes: what SQLite indexes best. Two of a million conversations share them once in 37 million times, and then
/// both digests would have to.
fn short(digest: &[u8; 32]) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(digest.split_at(8).0);
    i64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests;
