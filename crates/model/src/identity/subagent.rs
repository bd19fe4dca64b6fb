//! Which agent of a session makes a call, where the client says so. Leaves out agents that have to be inferred
//! (`chain`, `store`).

use super::valid;

/// An agent as its client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidAgent {
    /// Its id within the session.
    pub id: String,
    /// The agent that made it; `None` for the main one.
    pub parent: Option<String>,
    /// What kind it is (`Explore`, `review`).
    pub name: Option<String>,
}

/// Claude Code's calls beside the conversation: no agent of their own, and no turn of the main one.
const ASIDE: [&str; 3] = ["auxiliary", "compaction", "side_reply"];

/// Reads Claude Code's, Codex's and opencode's headers; `None` for the main agent.
pub(super) fn said(header: &dyn Fn(&str) -> Option<String>, session: Option<&str>) -> Option<SaidAgent> {
    let value = |name: &str| header(name).and_then(valid);
    let not_main = |id: &String| Some(id.as_str()) != session;
    claude_code(&value)
        .or_else(|| {
            let thread = value("thread-id").or_else(|| value("thread_id"));
            let kind = value("x-openai-subagent");
            let id =
                thread.filter(|id| not_main(id) && value("session-id").is_some()).or_else(|| kind.clone())?;
            let parent = value("x-codex-parent-thread-id").filter(not_main);
            Some(SaidAgent { id, parent, name: kind })
        })
        .or_else(|| {
            let parent = value("x-parent-session-id")?;
            let id = session.filter(|id| *id != parent)?.to_owned();
            Some(SaidAgent { id, parent: None, name: None })
        })
}

fn claude_code(value: &dyn Fn(&str) -> Option<String>) -> Option<SaidAgent> {
    let name = value("x-claude-code-agent-type");
    if let Some(id) = value("x-claude-code-agent-id") {
        return Some(SaidAgent { id, parent: value("x-claude-code-parent-agent-id"), name });
    }
    let class = value("x-claude-code-request-class").filter(|class| ASIDE.contains(&class.as_str()))?;
    Some(SaidAgent { name: Some(class.clone()), id: class, parent: None })
}
