//! A coding session as an agent sends it: Anthropic's messages, each turn resending all before it, with cache markers
//! that move to the end, tools, file contents and streamed answers. Distinct text throughout, the same in every run.

use serde_json::{Value, json};

use crate::text::Writer;

const TOOLS: usize = 14;
const SYSTEM_BYTES: usize = 12_000;
const MARKER: &str = r#","cache_control":{"type":"ephemeral"}"#;

/// The session so far.
pub(crate) struct Session {
    writer: Writer,
    system: String,
    tools: String,
    /// Messages as JSON without the last `}]}`, which is where a marker goes.
    messages: Vec<String>,
    turn: usize,
}

/// One call of the session.
pub(crate) struct Turn {
    /// The request's body.
    pub(crate) request: String,
    /// The answer's events, as they are sent.
    pub(crate) events: Vec<String>,
}

impl Session {
    pub(crate) fn new(seed: u64) -> Self {
        let mut writer = Writer::new(seed);
        let rules = json!(writer.prose(SYSTEM_BYTES));
        let system = format!(
            r#"[{{"type":"text","text":"You are a coding agent."}},{{"type":"text","text":{rules}{MARKER}}}]"#
        );
        let tools: Vec<Value> = (0..TOOLS)
            .map(|index| {
                json!({
                    "name": format!("Tool{index}"),
                    "description": writer.prose(1_100),
                    "input_schema": {
                        "type": "object",
                        "properties": {
                            "path": {"type": "string", "description": writer.prose(120)},
                            "limit": {"type": "number", "description": writer.prose(80)},
                        },
                        "required": ["path"],
                        "additionalProperties": false,
                    },
                })
            })
            .collect();
        let asked = json!(writer.prose(900));
        let messages = vec![format!(r#"{{"role":"user","content":[{{"type":"text","text":{asked}"#)];
        Self { system, tools: json!(tools).to_string(), messages, writer, turn: 0 }
    }

    /// The next call: its request, and the answer that the one after it will repeat.
    pub(crate) fn next(&mut self) -> Turn {
        let request = self.request();
        self.turn += 1;
        let length = 250 + self.size(700);
        let (said, tool) = (self.writer.prose(length), format!("toolu_{:022}", self.writer.number()));
        let input = self.input();
        let events = self.events(&said, &tool, &input);
        let said = json!(said);
        self.messages.push(format!(
            r#"{{"role":"assistant","content":[{{"type":"text","text":{said}}},{{"type":"tool_use","id":"{tool}","name":"Tool{}","input":{input}"#,
            self.turn % TOOLS
        ));
        let result = json!(self.result());
        self.messages.push(format!(
            r#"{{"role":"user","content":[{{"tool_use_id":"{tool}","type":"tool_result","content":{result}"#
        ));
        Turn { request, events }
    }

    fn request(&self) -> String {
        let last = self.messages.len() - 1;
        let messages: Vec<String> = self
            .messages
            .iter()
            .enumerate()
            .map(|(index, message)| {
                // The end, and the end of the turn before, where the provider's cache is read from.
                let marked = index == last || index + 2 == last;
                format!("{message}{}}}]}}", if marked { MARKER } else { "" })
            })
            .collect();
        format!(
            r#"{{"model":"claude-sonnet-4-5-20250929","max_tokens":32000,"system":{},"tools":{},"messages":[{}],"metadata":{{"user_id":"user_0123456789abcdef_session_fedcba9876543210"}},"stream":true}}"#,
            self.system,
            self.tools,
            messages.join(",")
        )
    }

    fn size(&mut self, limit: u64) -> usize {
        usize::try_from(self.writer.below(limit)).unwrap_or(0)
    }

    /// What the tool is asked for: a path, or an edit with its text.
    fn input(&mut self) -> Value {
        let path = format!("/home/dev/project/crates/{}.rs", self.writer.below(1_000));
        match self.turn % 3 {
            0 => json!({"path": path, "old": self.writer.code(300), "new": self.writer.code(400)}),
            1 => json!({"path": path, "limit": self.writer.below(2_000)}),
            _ => json!({"path": path, "pattern": self.writer.prose(30)}),
        }
    }

    /// What it gives: files, listings, and sometimes only a word.
    fn result(&mut self) -> String {
        match self.turn % 5 {
            0 => format!("The file has been updated. {}", self.writer.prose(60)),
            1 | 3 => {
                let bytes = 2_500 + self.size(6_000);
                self.writer.code(bytes)
            }
            2 => {
                let bytes = 800 + self.size(2_500);
                self.writer.listing(bytes)
            }
            _ => {
                let bytes = 500 + self.size(2_000);
                self.writer.prose(bytes)
            }
        }
    }

    fn events(&mut self, said: &str, tool: &str, input: &Value) -> Vec<String> {
        let mut events = Vec::new();
        let mut add = |name: &str, data: Value| events.push(format!("event: {name}\ndata: {data}\n\n"));
        let usage = json!({
            "input_tokens": 4, "cache_creation_input_tokens": 1_200, "cache_read_input_tokens": 12_000 + self.turn * 900,
            "cache_creation": {"ephemeral_5m_input_tokens": 1_200, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 1, "service_tier": "standard",
        });
        add(
            "message_start",
            json!({"type": "message_start", "message": {
                "model": "claude-sonnet-4-5-20250929", "id": format!("msg_{:022}", self.writer.number()),
                "type": "message", "role": "assistant", "content": [], "stop_reason": null, "stop_sequence": null,
                "usage": usage,
            }}),
        );
        let start = |index: usize, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
        let delta = |index: usize, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
        add("content_block_start", start(0, json!({"type": "text", "text": ""})));
        add("ping", json!({"type": "ping"}));
        for piece in pieces(said, &mut self.writer) {
            add("content_block_delta", delta(0, json!({"type": "text_delta", "text": piece})));
        }
        add("content_block_stop", json!({"type": "content_block_stop", "index": 0}));
        let name = format!("Tool{}", self.turn % TOOLS);
        add(
            "content_block_start",
            start(1, json!({"type": "tool_use", "id": tool, "name": name, "input": {}})),
        );
        for piece in pieces(&input.to_string(), &mut self.writer) {
            add("content_block_delta", delta(1, json!({"type": "input_json_delta", "partial_json": piece})));
        }
        add("content_block_stop", json!({"type": "content_block_stop", "index": 1}));
        add(
            "message_delta",
            json!({
                "type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
                "usage": {"output_tokens": said.len() / 4},
            }),
        );
        add("message_stop", json!({"type": "message_stop"}));
        events
    }
}

/// Some letters at a time, as models stream.
fn pieces(text: &str, writer: &mut Writer) -> Vec<String> {
    let mut letters = text.chars();
    let mut pieces = Vec::new();
    loop {
        let length = usize::try_from(8 + writer.below(32)).unwrap_or(8);
        let piece: String = letters.by_ref().take(length).collect();
        if piece.is_empty() {
            return pieces;
        }
        pieces.push(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_valid_grows_and_repeats_itself() {
        let mut session = Session::new(1);
        let turns: Vec<Turn> = (0..5).map(|_| session.next()).collect();
        let read = |turn: &Turn| serde_json::from_str::<Value>(&turn.request).unwrap();
        let (first, last) = (read(&turns[0]), read(&turns[4]));
        assert_eq!(first["messages"].as_array().unwrap().len(), 1);
        assert_eq!(last["messages"].as_array().unwrap().len(), 9);
        let marked = |message: &Value| message["content"].to_string().contains("cache_control");
        let marks: Vec<bool> = last["messages"].as_array().unwrap().iter().map(marked).collect();
        assert_eq!(marks, [false, false, false, false, false, false, true, false, true]);
        let said: String = turns[0]
            .events
            .iter()
            .filter_map(|event| {
                let data: Value = serde_json::from_str(event.split_once("data: ")?.1).ok()?;
                Some(data["delta"]["text"].as_str()?.to_owned())
            })
            .collect();
        assert_eq!(last["messages"][1]["content"][0]["text"], said.as_str(), "what was said is sent again");
    }
}
