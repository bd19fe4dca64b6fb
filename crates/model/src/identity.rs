//! Who made a call: the tool from its user agent or its prompt; session, agent and account from what it sends; and what
//! ties it to the calls before it (`chain`). Leaves out credentials and trace headers (`proxy`), and finding those calls
//! (`store`).

use serde_json::Value;

use crate::scanner::{members, string_member};

mod agents;
mod chain;
mod subagent;
mod tags;

pub use agents::{client, is_tool, tool_in_prompt};
pub(crate) use chain::words;
pub use chain::{Chain, Earlier, Scope, chain};
pub use subagent::SaidAgent;
pub use tags::{PROJECT, tags};

/// Headers that name a session, before and after the ones in the body that are more exact.
const HEADERS_FIRST: [&str; 2] = ["x-llmflow-session", "x-claude-code-session-id"];
const HEADERS_THEN: [&str; 10] = [
    "session-id",
    "session_id",
    "x-session-id",
    "x-opencode-session",
    "x-session-affinity",
    "helicone-session-id",
    "conversation-id",
    "conversation_id",
    // Codex: a thread of its own only for subagents, which are in a session.
    "thread-id",
    "thread_id",
];

/// What a client says of itself. What changes with every request (`x-client-request-id`) or never changes for a person
/// (`user`) is no session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The session.
    pub session: Option<String>,
    /// The agent within it; `None` for the main one.
    pub agent: Option<SaidAgent>,
    /// Whose account pays, where that is steadier than the credential: access tokens are renewed within a session.
    pub account: Option<String>,
    /// The answer this call goes on from (`previous_response_id`, or the one its path names).
    pub response: Option<String>,
}

/// Reads what a client says in its headers, in the upstream's path and in its request.
pub fn said(header: &dyn Fn(&str) -> Option<String>, path: &str, request: &[u8]) -> Said {
    let body = Body::read(request);
    let own = session(header, path, &body);
    let agent = subagent::said(header, own.as_deref());
    // opencode gives a subagent a session of its own and names the one it belongs to.
    let parent = header("x-parent-session-id").and_then(valid);
    let overruled = header("x-llmflow-session").and_then(valid).is_some();
    Said {
        session: if overruled { own } else { parent.or(own) },
        agent,
        account: header("chatgpt-account-id").and_then(valid).or_else(|| body.account()),
        response: string(body.previous_response).or_else(|| after(path, "/responses/")),
    }
}

fn session(header: &dyn Fn(&str) -> Option<String>, path: &str, body: &Body<'_>) -> Option<String> {
    let from_headers = |names: &[&str]| names.iter().find_map(|name| header(name).and_then(valid));
    from_headers(&HEADERS_FIRST)
        .or_else(|| body.claude_code())
        .or_else(|| from_headers(&HEADERS_THEN))
        .or_else(|| string(body.prompt_cache_key))
        .or_else(|| after(path, "/threads/"))
        .or_else(|| body.conversation())
        .or_else(|| string(body.conversation_id))
        .or_else(|| string_member(body.session?, "id").and_then(valid))
        .or_else(|| string_member(body.metadata?, "session_id").and_then(valid))
}

fn string(value: Option<&[u8]>) -> Option<String> {
    serde_json::from_slice(value?).ok().and_then(valid)
}

/// The id that stands behind `collection` in a path.
fn after(path: &str, collection: &str) -> Option<String> {
    let (_, rest) = path.rsplit_once(collection)?;
    let id = rest.split('/').next()?;
    // `/v1/threads/runs` and `/v1/responses/compact` are verbs: ids have a prefix.
    id.contains('_').then(|| id.to_owned()).and_then(valid)
}

/// The members of a request that say who asks, found in one pass over what may be a long conversation.
#[derive(Default)]
struct Body<'a> {
    metadata: Option<&'a [u8]>,
    prompt_cache_key: Option<&'a [u8]>,
    conversation: Option<&'a [u8]>,
    conversation_id: Option<&'a [u8]>,
    previous_response: Option<&'a [u8]>,
    /// How a Realtime session is set up, which is the first line of its turns.
    session: Option<&'a [u8]>,
}

impl<'a> Body<'a> {
    fn read(request: &'a [u8]) -> Self {
        let mut body = Self::default();
        for member in members(request) {
            let place = match member.key {
                b"metadata" => &mut body.metadata,
                b"prompt_cache_key" => &mut body.prompt_cache_key,
                b"conversation" => &mut body.conversation,
                b"conversation_id" => &mut body.conversation_id,
                b"previous_response_id" => &mut body.previous_response,
                b"session" => &mut body.session,
                _ => continue,
            };
            *place = place.or(member.value);
        }
        body
    }

    /// Claude Code's `metadata.user_id`: JSON with a session in it, or in older versions an id that ends with one.
    fn claude_code(&self) -> Option<String> {
        let user = string_member(self.metadata?, "user_id")?;
        if user.starts_with('{') {
            return string_member(user.as_bytes(), "session_id").and_then(valid);
        }
        let (_, session) = user.rsplit_once("_session_")?;
        valid(session.to_owned())
    }

    fn account(&self) -> Option<String> {
        let user = string_member(self.metadata?, "user_id").filter(|user| user.starts_with('{'))?;
        string_member(user.as_bytes(), "account_uuid").and_then(valid)
    }

    fn conversation(&self) -> Option<String> {
        let id = match serde_json::from_slice(self.conversation?).ok()? {
            Value::String(id) => id,
            other => other.get("id")?.as_str()?.to_owned(),
        };
        valid(id)
    }
}

/// Ids go into URLs, file names and filters: others are skipped.
fn valid(id: String) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    ((1..=255).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

#[cfg(test)]
mod tests;
