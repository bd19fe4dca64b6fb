//! Reading Cohere's answers, whole or as a stream of typed events. Citations are left out: OpenAI's chat has none.

use serde_json::Value;

use super::error;
use crate::call::Reader;
use crate::delta::{Delta, Failure, Finish, Usage};
use crate::json::{count, list, text};

/// What of an answer is known so far.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Only the first call is handed out.
    one_call: bool,
    calls: usize,
    /// The call that is being told: its place, and whether any of its arguments were.
    open: Option<(usize, bool)>,
}

impl Answer {
    /// The reader of an answer; with `one_call` it stops at the first call, since Cohere cannot be told to.
    pub(crate) fn new(one_call: bool) -> Self {
        Self { one_call, ..Self::default() }
    }

    fn start_call(&mut self, call: &Value, out: &mut Vec<Delta>) {
        self.end_call(out);
        if self.one_call && self.calls > 0 {
            return;
        }
        let index = self.calls;
        self.calls += 1;
        self.open = Some((index, false));
        let function = call.get("function").unwrap_or(&Value::Null);
        let own = |holder: &Value, name: &str| text(holder, name).unwrap_or_default().to_owned();
        out.push(Delta::ToolStart { index, id: own(call, "id"), name: own(function, "name"), proof: None });
        self.arguments(call, out);
    }

    fn arguments(&mut self, call: &Value, out: &mut Vec<Delta>) {
        let piece = call.get("function").and_then(|function| text(function, "arguments")).unwrap_or_default();
        if let Some((index, told)) = self.open.as_mut().filter(|_| !piece.is_empty()) {
            *told = true;
            out.push(Delta::ToolArguments { index: *index, text: piece.to_owned() });
        }
    }

    /// A tool without arguments is called with none.
    fn end_call(&mut self, out: &mut Vec<Delta>) {
        if let Some((index, false)) = self.open.take() {
            out.push(Delta::ToolArguments { index, text: "{}".to_owned() });
        }
    }

    /// `holder` has the reason and the usage.
    fn end(&mut self, holder: &Value, out: &mut Vec<Delta>) {
        self.end_call(out);
        let finish = match text(holder, "finish_reason").unwrap_or_default() {
            "ERROR" | "TIMEOUT" => return out.push(Delta::Error(failed(holder))),
            "ERROR_TOXIC" => Finish::ContentFilter,
            "MAX_TOKENS" | "ERROR_LIMIT" => Finish::Length,
            "TOOL_CALL" => Finish::ToolCalls,
            _ if self.calls > 0 => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        out.push(Delta::Finish(finish));
        if let Some(usage) = holder.get("usage").and_then(usage) {
            out.push(Delta::Usage(usage));
        }
        out.push(Delta::End);
    }
}

impl Reader for Answer {
    fn event(&mut self, name: Option<&str>, data: &Value, out: &mut Vec<Delta>) {
        let nothing = Value::Null;
        let delta = data.get("delta").unwrap_or(&nothing);
        let message = delta.get("message").unwrap_or(&nothing);
        match text(data, "type").or(name).unwrap_or_default() {
            "message-start" => out.push(start(data)),
            "content-start" | "content-delta" => {
                content(message.get("content").unwrap_or(&nothing), out);
            }
            "tool-plan-delta" => say(message, "tool_plan", Delta::Reasoning, out),
            "tool-call-start" => one_or_many(message).iter().for_each(|call| self.start_call(call, out)),
            "tool-call-delta" => one_or_many(message).iter().for_each(|call| self.arguments(call, out)),
            "tool-call-end" => self.end_call(out),
            "message-end" => Self::end(self, delta, out),
            // A stream that fails without an end says so as a call does.
            "" => out.extend(error::within(data).map(Delta::Error)),
            _ => {}
        }
    }

    fn answer(&mut self, body: &Value, out: &mut Vec<Delta>) {
        let Some(message) = body.get("message").filter(|message| message.is_object()) else {
            let unknown = || Failure::of_upstream("Cohere's answer has no message.");
            return out.push(Delta::Error(error::within(body).unwrap_or_else(unknown)));
        };
        out.push(start(body));
        say(message, "tool_plan", Delta::Reasoning, out);
        list(message, "content").iter().for_each(|block| content(block, out));
        list(message, "tool_calls").iter().for_each(|call| self.start_call(call, out));
        Self::end(self, body, out);
    }
}

/// Cohere does not say which model answers.
fn start(holder: &Value) -> Delta {
    Delta::Start { id: text(holder, "id").unwrap_or_default().to_owned(), model: String::new() }
}

fn content(block: &Value, out: &mut Vec<Delta>) {
    say(block, "thinking", Delta::Reasoning, out);
    say(block, "text", Delta::Text, out);
}

fn say(holder: &Value, name: &str, delta: impl FnOnce(String) -> Delta, out: &mut Vec<Delta>) {
    if let Some(said) = text(holder, name).filter(|said| !said.is_empty()) {
        out.push(delta(said.to_owned()));
    }
}

/// A stream has one call where a whole answer has a list.
fn one_or_many(message: &Value) -> &[Value] {
    match message.get("tool_calls") {
        Some(Value::Array(calls)) => calls,
        Some(call) => std::slice::from_ref(call),
        None => &[],
    }
}

fn failed(holder: &Value) -> Failure {
    let reason = text(holder, "finish_reason").unwrap_or_default();
    let message = text(holder, "error").filter(|message| !message.is_empty());
    Failure {
        message: message.map_or_else(|| format!("Cohere ended its answer with {reason}."), str::to_owned),
        kind: "server_error".to_owned(),
        param: None,
        code: Some(reason.to_owned()),
    }
}

/// What the model was given and wrote; what is billed is less, and is the record's.
fn usage(usage: &Value) -> Option<Usage> {
    let tokens = usage.get("tokens").or_else(|| usage.get("billed_units"))?;
    Some(Usage {
        input: count(tokens, "input_tokens").unwrap_or_default(),
        output: count(tokens, "output_tokens").unwrap_or_default(),
        cached: count(usage, "cached_tokens"),
        cache_written: None,
        reasoning: None,
    })
}
