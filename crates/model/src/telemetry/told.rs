//! A span or a log record as a normaliser looks at it: its facts and who told them. Owns whom a report belongs to.
//! Leaves out what it is about (`call`, `tool`, the dialects).

use super::client;
use super::facts::Facts;
use super::keys::Key;
use super::reading::Whose;
use super::short::short_id;
use super::value::id;
use super::wire::{Attributes, Origin};

/// What one report says and who says it.
pub(super) struct Told<'a> {
    pub(super) facts: Facts<'a>,
    pub(super) origin: &'a Origin,
    /// The instrumentation.
    pub(super) scope: &'a str,
    /// `service.name`, else the instrumentation.
    pub(super) service: Option<&'a str>,
    /// The tool, where it is one we know.
    pub(super) tool: Option<&'static str>,
}

/// Names of sessions, the most exact first.
const SESSIONS: [Key; 12] = [
    Key::SessionId,
    Key::LangfuseSession,
    Key::TraceloopSession,
    Key::MlflowSession,
    Key::AiMetadataSession,
    Key::LangsmithMetadataSession,
    Key::LangsmithThread,
    Key::LangsmithConversation,
    Key::TraceloopThread,
    Key::TraceloopChat,
    Key::TraceloopConversation,
    Key::AiMetadataThread,
];

/// Names of conversations.
const CONVERSATIONS: [Key; 2] = [Key::GenAiConversation, Key::ConversationId];

/// What may be a session where nothing better is said.
const LAST: [Key; 5] = [
    Key::ConversationIdPlain,
    Key::SessionIdPlain,
    Key::ThreadIdPlain,
    Key::LangsmithSession,
    Key::McpSession,
];

const USERS: [Key; 9] = [
    Key::UserId,
    Key::EnduserId,
    Key::LangfuseUser,
    Key::TraceloopUser,
    Key::AiMetadataUser,
    Key::LangsmithUser,
    Key::MlflowUser,
    Key::GenAiUser,
    Key::LlmUser,
];

impl<'a> Told<'a> {
    pub(super) fn of(attributes: &'a Attributes, origin: &'a Origin) -> Self {
        let scope = origin.scope.name.as_str();
        let service = origin.resource.attributes.text("service.name");
        let service = service.or_else(|| (!scope.is_empty()).then_some(scope));
        Self { facts: Facts::of(attributes), origin, scope, service, tool: service.and_then(client::tool) }
    }

    /// Whom it belongs to, in the words that all dialects share.
    pub(super) fn whose(&self) -> Whose {
        let facts = &self.facts;
        let first =
            |names: &[Key]| names.iter().find_map(|name| facts.text(*name).map(unquoted).and_then(id));
        let conversation = first(&CONVERSATIONS);
        let in_resource = || self.origin.resource.attributes.text("session.id").and_then(id);
        let session =
            first(&SESSIONS).or_else(|| conversation.clone()).or_else(|| first(&LAST)).or_else(in_resource);
        let conversation = conversation.filter(|conversation| session.as_ref() != Some(conversation));
        // Every span of an envelope names the same one.
        let service = self.service.map(|service| short_id(service).into_owned());
        let name = self.tool.map(str::to_owned).or_else(|| service.clone());
        Whose {
            service,
            client: name,
            session,
            conversation,
            prompt: first(&[Key::PromptId, Key::PromptIdPlain, Key::TurnId, Key::TurnIdPlain]),
            user: first(&USERS),
            agent: first(&[Key::AgentId, Key::GenAiAgentId]),
            agent_parent: first(&[Key::ParentAgentId]),
            agent_name: first(&[Key::GenAiAgentName, Key::AgentName, Key::PydanticAgent, Key::AgentType]),
        }
    }

    /// Whether the instrumentation's name begins so.
    pub(super) fn scope_begins(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.scope.starts_with(name))
    }
}

/// MLflow writes every value as JSON: a text in quotes is the text.
pub(super) fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.filter(|inner| !inner.contains(['"', '\\'])).unwrap_or(text)
}
