//! An answer of Anthropic's, streamed or whole, as deltas.

use serde_json::Value;

use super::failure;
use crate::call::Reader;
use crate::delta::{Delta, Failure, Finish, Proof, Usage};
use crate::digits;

/// What of an answer is known so far.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    answer_tool: Option<String>,
    /// The block that is being told.
    block: Block,
    tools: usize,
    usage: Counted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Block {
    #[default]
    Other,
    /// A tool's call, and whether any of its arguments were told.
    Tool { index: usize, told: bool },
    /// The call that holds the answer.
    Answer,
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
    fn block(&mut self, block: &Value, out: &mut Vec<Delta>) {
        let text = |key| block.get(key).and_then(Value::as_str).unwrap_or_default();
        self.block = Block::Other;
        match text("type") {
            "text" => say(text("text"), Delta::Text, out),
            "thinking" => {
                say(text("thinking"), Delta::Reasoning, out);
                say(text("signature"), |text| Delta::ReasoningProof(Proof::Signature(text)), out);
            }
            "redacted_thinking" => {
                out.push(Delta::ReasoningProof(Proof::Sealed(text("data").to_owned())));
            }
            "tool_use" if self.answer_tool.as_deref() == Some(text("name")) => {
                self.block = Block::Answer;
                self.arguments_at_once(block, out);
            }
            "tool_use" => {
                let index = self.tools;
                self.tools += 1;
                self.block = Block::Tool { index, told: false };
                out.push(Delta::ToolStart {
                    index,
                    id: text("id").to_owned(),
                    name: text("name").to_owned(),
                    proof: None,
                });
                self.arguments_at_once(block, out);
            }
            _ => {}
        }
    }

    /// A stream's tool begins with an empty object, which only stands for what follows.
    fn arguments_at_once(&mut self, block: &Value, out: &mut Vec<Delta>) {
        if let Some(Value::Object(input)) = block.get("input")
            && !input.is_empty()
        {
            self.arguments(&digits::text(&Value::Object(input.clone())), out);
        }
    }

    fn arguments(&mut self, text: &str, out: &mut Vec<Delta>) {
        match &mut self.block {
            Block::Tool { index, told } if !text.is_empty() => {
                *told = true;
                out.push(Delta::ToolArguments { index: *index, text: text.to_owned() });
            }
            Block::Answer => say(text, Delta::Text, out),
            Block::Tool { .. } | Block::Other => {}
        }
    }

    fn delta(&mut self, delta: &Value, out: &mut Vec<Delta>) {
        let text = |key| delta.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "text_delta" => say(text("text"), Delta::Text, out),
            "thinking_delta" => say(text("thinking"), Delta::Reasoning, out),
            "signature_delta" => {
                say(text("signature"), |text| Delta::ReasoningProof(Proof::Signature(text)), out);
            }
            "input_json_delta" => self.arguments(text("partial_json"), out),
            _ => {}
        }
    }

    /// A tool without arguments is called with none.
    fn end_block(&mut self, out: &mut Vec<Delta>) {
        if let Block::Tool { index, told: false } = std::mem::take(&mut self.block) {
            out.push(Delta::ToolArguments { index, text: "{}".to_owned() });
        }
    }

    /// `holder` has the reason, and says why where the model declines.
    fn stop(&mut self, holder: &Value, usage: Option<&Value>, out: &mut Vec<Delta>) {
        self.usage.take(usage);
        if let Some(reason) = holder.get("stop_reason").and_then(Value::as_str) {
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
        match data.get("type").and_then(Value::as_str).unwrap_or_default() {
            "message_start" => self.start(data.get("message").unwrap_or(&Value::Null), out),
            "content_block_start" => self.block(data.get("content_block").unwrap_or(&Value::Null), out),
            "content_block_delta" => self.delta(data.get("delta").unwrap_or(&Value::Null), out),
            "content_block_stop" => self.end_block(out),
            "message_delta" => self.stop(data.get("delta").unwrap_or(&Value::Null), data.get("usage"), out),
            "message_stop" => out.push(Delta::End),
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
        self.start(body, out);
        for block in body.get("content").and_then(Value::as_array).into_iter().flatten() {
            self.block(block, out);
            self.end_block(out);
        }
        self.stop(body, None, out);
        out.push(Delta::End);
    }
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
