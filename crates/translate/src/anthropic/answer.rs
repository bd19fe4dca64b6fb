//! An answer of Anthropic's, streamed or whole, as deltas. Leaves out the order in which blocks are told (`blocks`).

mod blocks;

use serde_json::Value;

use blocks::{Blocks, Kind};

use super::failure;
use crate::call::Reader;
use crate::delta::{Delta, Failure, Finish, Proof, Usage};
use crate::digits;

/// What of an answer is known so far.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    answer_tool: Option<String>,
    blocks: Blocks,
    tools: usize,
    usage: Counted,
}

/// Tokens in Anthropic's buckets: each that is told replaces the one before.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_written: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
}

impl Answer {
    pub(crate) fn new(answer_tool: Option<String>) -> Self {
        Self { answer_tool, ..Self::default() }
    }

    fn start(&mut self, message: &Value, out: &mut Vec<Delta>) {
        let text = |key| message.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        out.push(Delta::Start { id: text("id"), model: text("model") });
        self.usage.take(message.get("usage"));
    }

    /// A block's beginning; in a whole answer, all of it.
    fn block(&mut self, index: Option<u64>, block: &Value, out: &mut Vec<Delta>) {
        let text = |key| block.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut said = Vec::new();
        let kind = match text("type") {
            "text" => {
                say(text("text"), Delta::Text, &mut said);
                Kind::Said
            }
            "thinking" => {
                say(text("thinking"), Delta::Reasoning, &mut said);
                say(text("signature"), signature, &mut said);
                Kind::Said
            }
            "redacted_thinking" => {
                said.push(Delta::ReasoningProof(Proof::Sealed(text("data").to_owned())));
                Kind::Said
            }
            "tool_use" if self.answer_tool.as_deref() == Some(text("name")) => Kind::Answer,
            "tool_use" => {
                let place = self.tools;
                self.tools += 1;
                said.push(Delta::ToolStart {
                    index: place,
                    id: text("id").to_owned(),
                    name: text("name").to_owned(),
                    proof: None,
                });
                Kind::Tool { place, told: false }
            }
            _ => Kind::Unseen,
        };
        self.blocks.begin(index, kind, said, out);
        if matches!(kind, Kind::Tool { .. } | Kind::Answer) {
            self.arguments_at_once(index, block, out);
        }
    }

    /// A stream's tool begins with an empty object, which only stands for what follows.
    fn arguments_at_once(&mut self, index: Option<u64>, block: &Value, out: &mut Vec<Delta>) {
        if let Some(Value::Object(input)) = block.get("input")
            && !input.is_empty()
        {
            self.blocks.argue(index, &digits::text(&Value::Object(input.clone())), out);
        }
    }

    fn delta(&mut self, index: Option<u64>, delta: &Value, out: &mut Vec<Delta>) {
        let text = |key| delta.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut said = Vec::new();
        match text("type") {
            "text_delta" => say(text("text"), Delta::Text, &mut said),
            "thinking_delta" => say(text("thinking"), Delta::Reasoning, &mut said),
            "signature_delta" => say(text("signature"), signature, &mut said),
            "input_json_delta" => self.blocks.argue(index, text("partial_json"), out),
            _ => {}
        }
        said.into_iter().for_each(|piece| self.blocks.say(index, piece, out));
    }

    /// `holder` has the reason, and says why where the model declines.
    fn stop(&mut self, holder: &Value, usage: Option<&Value>, out: &mut Vec<Delta>) {
        self.usage.take(usage);
        if let Some(reason) = holder.get("stop_reason").and_then(Value::as_str) {
            self.blocks.end_all(out);
            if reason == "refusal" {
                let details = holder.get("stop_details").and_then(|details| details.get("explanation"));
                let said = details.and_then(Value::as_str).unwrap_or("The model declined to answer.");
                out.push(Delta::Refused(said.to_owned()));
            }
            out.push(Delta::Finish(self.finish(reason)));
        }
        out.push(Delta::Usage(self.usage.total()));
    }

    fn finish(&self, reason: &str) -> Finish {
        match reason {
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "tool_use" if self.tools > 0 => Finish::ToolCalls,
            "refusal" => Finish::ContentFilter,
            _ => Finish::Stop,
        }
    }
}

impl Reader for Answer {
    fn event(&mut self, _name: Option<&str>, data: &Value, out: &mut Vec<Delta>) {
        let index = data.get("index").and_then(Value::as_u64);
        match data.get("type").and_then(Value::as_str).unwrap_or_default() {
            "message_start" => self.start(data.get("message").unwrap_or(&Value::Null), out),
            "content_block_start" => {
                self.block(index, data.get("content_block").unwrap_or(&Value::Null), out);
            }
            "content_block_delta" => self.delta(index, data.get("delta").unwrap_or(&Value::Null), out),
            "content_block_stop" => self.blocks.end(index, out),
            "message_delta" => self.stop(data.get("delta").unwrap_or(&Value::Null), data.get("usage"), out),
            "message_stop" => {
                self.blocks.end_all(out);
                out.push(Delta::End);
            }
            "error" => out.push(Delta::Error(
                failure(data).unwrap_or_else(|| Failure::of_upstream("Anthropic broke its answer off.")),
            )),
            _ => {}
        }
    }

    fn answer(&mut self, body: &Value, out: &mut Vec<Delta>) {
        if let Some(failure) = failure(body) {
            out.push(Delta::Error(failure));
            return;
        }
        let Some(content) = body.get("content").and_then(Value::as_array) else {
            return out.push(Delta::Error(no_message(body)));
        };
        self.start(body, out);
        for block in content {
            self.block(None, block, out);
            self.blocks.end(None, out);
        }
        if body.get("stop_reason").is_none_or(|reason| !reason.is_string()) {
            let why = "Anthropic's answer does not say why it ended.";
            return out.push(Delta::Error(Failure::of_upstream(why)));
        }
        self.stop(body, None, out);
        out.push(Delta::End);
    }
}

/// Some gateways say what is wrong with status 200.
fn no_message(body: &Value) -> Failure {
    let said = ["message", "error", "detail"].into_iter().find_map(|name| body.get(name)?.as_str());
    let said = said.map_or_else(|| ".".to_owned(), |said| format!(": {said}"));
    Failure::of_upstream(format!("Anthropic's answer has no message{said}"))
}

fn signature(text: String) -> Delta {
    Delta::ReasoningProof(Proof::Signature(text))
}

fn say(text: &str, delta: impl FnOnce(String) -> Delta, out: &mut Vec<Delta>) {
    if !text.is_empty() {
        out.push(delta(text.to_owned()));
    }
}

impl Counted {
    fn take(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage else { return };
        let count = |key| usage.get(key).and_then(Value::as_u64);
        self.input = count("input_tokens").or(self.input);
        self.cache_read = count("cache_read_input_tokens").or(self.cache_read);
        self.cache_written = count("cache_creation_input_tokens").or(self.cache_written);
        self.output = count("output_tokens").or(self.output);
        let details = usage.get("output_tokens_details");
        let thinking = details.and_then(|details| details.get("thinking_tokens")).and_then(Value::as_u64);
        self.thinking = thinking.or(self.thinking);
    }

    /// Anthropic's input is without what caches had to do with; OpenAI's is with it.
    fn total(self) -> Usage {
        let caches = self.cache_read.unwrap_or(0).saturating_add(self.cache_written.unwrap_or(0));
        Usage {
            input: self.input.unwrap_or(0).saturating_add(caches),
            output: self.output.unwrap_or(0),
            cached: self.cache_read,
            cache_written: self.cache_written,
            reasoning: self.thinking,
        }
    }
}
