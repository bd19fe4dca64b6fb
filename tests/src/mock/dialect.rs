//! Which provider's language a request speaks, and that provider's errors.

use serde_json::json;

use super::{Answer, Plan, Received, anthropic, bedrock, cohere, gemini, ollama, openai, responses};

/// A provider's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini generateContent.
    Gemini,
    /// Ollama's own chat.
    Ollama,
    /// Cohere's chat.
    Cohere,
    /// Bedrock's `invoke` of Anthropic's models.
    Invoke,
    /// Bedrock's Converse.
    Converse,
}

impl Dialect {
    /// Those that most tests go through.
    pub const COMMON: [Self; 4] = [Self::Chat, Self::Responses, Self::Anthropic, Self::Gemini];

    /// Every one of them.
    pub const ALL: [Self; 8] = [
        Self::Chat,
        Self::Responses,
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
        Self::Cohere,
        Self::Invoke,
        Self::Converse,
    ];

    /// All but Bedrock's, which need a region and credentials.
    pub const KEYED: [Self; 6] =
        [Self::Chat, Self::Responses, Self::Anthropic, Self::Gemini, Self::Ollama, Self::Cohere];

    /// The language of a request; `None` when it asks no model.
    pub fn of(received: &Received) -> Option<Self> {
        let path = received.path();
        if received.method() != "POST" {
            return None;
        }
        if path.ends_with("/chat/completions") {
            Some(Self::Chat)
        } else if path.ends_with("/responses") {
            Some(Self::Responses)
        } else if path.ends_with("/messages") {
            Some(Self::Anthropic)
        } else if path.ends_with(":generateContent") || path.ends_with(":streamGenerateContent") {
            Some(Self::Gemini)
        } else if path.ends_with("/api/chat") {
            Some(Self::Ollama)
        } else if path.ends_with("/invoke") || path.ends_with("/invoke-with-response-stream") {
            Some(Self::Invoke)
        } else if path.ends_with("/converse") || path.ends_with("/converse-stream") {
            Some(Self::Converse)
        } else if path.ends_with("/v2/chat") {
            Some(Self::Cohere)
        } else {
            None
        }
    }

    pub(super) fn answer(self, plan: &Plan, received: &Received) -> Answer {
        match self {
            Self::Chat => openai::answer(plan, received),
            Self::Responses => responses::answer(plan, received),
            Self::Anthropic => anthropic::answer(plan, received),
            Self::Gemini => gemini::answer(plan, received),
            Self::Ollama => ollama::answer(plan, received),
            Self::Cohere => cohere::answer(plan, received),
            Self::Invoke => bedrock::invoke(plan, received),
            Self::Converse => bedrock::converse(plan, received),
        }
    }

    /// An error as this provider shapes it.
    pub fn error(self, status: u16) -> Answer {
        let (kind, message) = match status {
            429 => ("rate_limit_error", "Rate limit reached for this mock."),
            529 => ("overloaded_error", "Overloaded"),
            _ => ("api_error", "The mock failed on purpose."),
        };
        let body = match self {
            Self::Chat | Self::Responses => {
                json!({"error": {"message": message, "type": kind, "param": null, "code": kind}})
            }
            Self::Anthropic => {
                json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_mock_0001"})
            }
            Self::Gemini => {
                json!({"error": {"code": status, "message": message, "status": "RESOURCE_EXHAUSTED"}})
            }
            Self::Ollama => json!({"error": message}),
            Self::Cohere => json!({"id": "mock-1", "message": message}),
            Self::Invoke | Self::Converse => json!({"message": message}),
        };
        let answer = Answer::whole(status, "application/json", body.to_string());
        let answer = match self {
            Self::Invoke | Self::Converse if status == 429 => {
                answer.header("x-amzn-errortype", "ThrottlingException")
            }
            Self::Invoke | Self::Converse => answer.header("x-amzn-errortype", "InternalServerException"),
            _ => answer,
        };
        if status == 429 { answer.header("retry-after-ms", "1").header("Retry-After", "0") } else { answer }
    }

    /// An error in the middle of a stream.
    pub(super) fn error_event(self, plan: &Plan) -> Vec<u8> {
        match self {
            Self::Invoke | Self::Converse => bedrock::exception(),
            _ => plan.lines(&self.error_text()),
        }
    }

    /// An event that cannot be read.
    pub(super) fn broken_event(self, plan: &Plan) -> Vec<u8> {
        match self {
            Self::Invoke | Self::Converse => bedrock::broken(),
            _ => plan.lines("data: {\"choices\": [{\"delta\n\n"),
        }
    }

    fn error_text(self) -> String {
        let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        match self {
            Self::Anthropic => format!("event: error\ndata: {error}\n\n"),
            Self::Responses => {
                let error = json!({"type": "error", "code": "server_error", "message": "Overloaded", "param": null, "sequence_number": 9});
                format!("event: error\ndata: {error}\n\n")
            }
            Self::Chat => {
                let error = json!({"error": {"message": "Overloaded", "type": "server_error", "param": null, "code": "server_error"}});
                format!("data: {error}\n\n")
            }
            Self::Gemini => {
                let error = json!({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}});
                format!("data: {error}\n\n")
            }
            Self::Ollama => format!("{}\n", json!({"error": "Overloaded"})),
            Self::Invoke | Self::Converse => String::new(),
            Self::Cohere => {
                let end = json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Overloaded"}});
                format!("event: message-end\ndata: {end}\n\n")
            }
        }
    }
}
