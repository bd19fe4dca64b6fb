//! What the calls of a large database say: short coding sessions, each resending what it said before, under one of a few
//! system prompts. Leaves out how they are stored (`scale`).

use std::sync::LazyLock;

use api::Usage;
use bytes::Bytes;
use serde_json::json;

use crate::text::Writer;

/// Calls of a session.
const TURNS: usize = 12;
const SYSTEM_BYTES: usize = 4_000;
/// System prompts, each of a version of a tool.
const SYSTEMS: u64 = 8;

/// A model, who asks it, and its prices in pico-dollars a token.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) provider: &'static str,
    pub(crate) client: &'static str,
    pub(crate) path: &'static str,
    pub(crate) input: i64,
    pub(crate) output: i64,
}

/// Which models there are.
pub(crate) const MODELS: [Model; 4] = [
    Model {
        name: "claude-sonnet-4-5-20250929",
        provider: "anthropic",
        client: "claude-code",
        path: "/v1/messages",
        input: 3_000_000,
        output: 15_000_000,
    },
    Model {
        name: "claude-haiku-4-5-20251001",
        provider: "anthropic",
        client: "claude-code",
        path: "/v1/messages",
        input: 1_000_000,
        output: 5_000_000,
    },
    Model {
        name: "gpt-5",
        provider: "openai",
        client: "codex",
        path: "/v1/chat/completions",
        input: 1_250_000,
        output: 10_000_000,
    },
    Model {
        name: "gpt-4o-mini",
        provider: "openai",
        client: "openai-python",
        path: "/v1/chat/completions",
        input: 150_000,
        output: 600_000,
    },
];

static PROMPTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    (0..SYSTEMS).map(|seed| json!(Writer::new(seed + 77).prose(SYSTEM_BYTES)).to_string()).collect()
});

/// A session.
pub(crate) struct Talk {
    pub(crate) id: String,
    /// Its place in [`MODELS`].
    pub(crate) model: usize,
    system: usize,
    writer: Writer,
    messages: String,
    turns: usize,
    cached: u64,
}

/// A call of it.
pub(crate) struct Turn {
    pub(crate) title: String,
    pub(crate) request: Bytes,
    pub(crate) response: Bytes,
    /// The answer's text.
    pub(crate) answer: String,
    pub(crate) usage: Usage,
}

impl Talk {
    /// The session with this number. The same number says the same.
    pub(crate) fn new(number: u64) -> Self {
        let of = |many: u64| usize::try_from(number % many).unwrap_or(0);
        Self {
            id: format!("{number:08x}-5a50-4c1e-9a3c-4f7a2f6f9b11"),
            model: of(MODELS.len() as u64),
            system: of(SYSTEMS),
            writer: Writer::new(number.wrapping_mul(0x9e37_79b9).wrapping_add(11)),
            messages: String::new(),
            turns: 0,
            cached: 0,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.turns >= TURNS
    }

    /// Its next call.
    pub(crate) fn next(&mut self) -> Turn {
        let (asked, given, said) = (self.prose(120, 400), self.prose(300, 1_600), self.prose(200, 700));
        if self.turns > 0 {
            self.messages.push(',');
        }
        let result = json!(given);
        self.messages.push_str(&format!(
            r#"{{"role":"user","content":[{{"type":"text","text":{}}},{{"type":"text","text":{result}}}]}}"#,
            json!(asked)
        ));
        let model = MODELS.get(self.model).map_or("", |model| model.name);
        let system = PROMPTS.get(self.system).map_or("\"\"", String::as_str);
        let request = format!(
            r#"{{"model":"{model}","max_tokens":32000,"system":[{{"type":"text","text":{system}}}],"messages":[{}],"stream":true}}"#,
            self.messages
        );
        let answer = json!(said);
        let response = format!(
            "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"model\":\"{model}\"}}}}\n\n\
             event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":{answer}}}}}\n\n\
             event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
        );
        self.messages
            .push_str(&format!(r#",{{"role":"assistant","content":[{{"type":"text","text":{answer}}}]}}"#));
        self.turns += 1;
        let sent = request.len() as u64 / 4;
        let usage = Usage {
            input: Some(sent - self.cached.min(sent)),
            cache_read: Some(self.cached.min(sent)),
            output: Some(said.len() as u64 / 4),
            ..Usage::default()
        };
        self.cached = sent;
        let title = asked.chars().take(80).collect();
        Turn { title, request: request.into(), response: response.into(), answer: said, usage }
    }

    fn prose(&mut self, least: usize, more: u64) -> String {
        let bytes = least + usize::try_from(self.writer.below(more)).unwrap_or(0);
        self.writer.prose(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_resends_what_it_said_and_ends() {
        let mut talk = Talk::new(3);
        let mut before: Option<serde_json::Value> = None;
        while !talk.is_over() {
            let turn = talk.next();
            let request: serde_json::Value = serde_json::from_slice(&turn.request).unwrap();
            let messages = request["messages"].as_array().unwrap();
            if let Some(before) = before {
                let earlier = before["messages"].as_array().unwrap();
                assert_eq!(&messages[..earlier.len()], earlier.as_slice());
                assert_eq!(messages.len(), earlier.len() + 2);
            }
            assert!(turn.usage.total().unwrap() > 100);
            before = Some(request);
        }
        assert_eq!(before.unwrap()["messages"].as_array().unwrap().len(), 2 * TURNS - 1);
    }
}
