//! Reading Gemini's answers. A stream's events have the shape of the whole answer and each says what is new; counts of
//! tokens are of everything so far.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::{error, signature};
use crate::call::Reader;
use crate::delta::{Delta, Failure, Finish, Proof, Usage};
use crate::digits;
use crate::json::{count, list, text};

/// What of an answer is known so far.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Only the first call of a choice is handed out.
    one_call: bool,
    id: Option<String>,
    choices: Vec<Choice>,
    current: usize,
}

#[derive(Debug, Default)]
struct Choice {
    calls: usize,
    said: bool,
    finished: bool,
}

impl Answer {
    /// The reader of an answer; with `one_call` it stops at a choice's first call, since Gemini cannot be told to.
    pub(crate) fn new(one_call: bool) -> Self {
        Self { one_call, ..Self::default() }
    }

    fn absorb(&mut self, value: &Value, out: &mut Vec<Delta>) {
        if let Some(failure) = error::within(value) {
            return out.push(Delta::Error(failure));
        }
        self.start(value, out);
        for candidate in list(value, "candidates") {
            self.candidate(candidate, out);
        }
        if let Some(usage) = value.get("usageMetadata").and_then(usage) {
            out.push(Delta::Usage(usage));
        }
        let blocked = value.get("promptFeedback").and_then(|feedback| text(feedback, "blockReason"));
        if let Some(reason) = blocked.filter(|_| list(value, "candidates").is_empty()) {
            out.push(Delta::Refused(format!("The prompt was blocked by Gemini: {reason}.")));
            out.push(Delta::Finish(Finish::ContentFilter));
        }
    }

    fn start(&mut self, value: &Value, out: &mut Vec<Delta>) {
        if self.id.is_some() {
            return;
        }
        let id = text(value, "responseId").unwrap_or_default();
        self.id = Some(id.to_owned());
        let model = text(value, "modelVersion").unwrap_or_default().to_owned();
        out.push(Delta::Start { id: id.to_owned(), model });
    }

    fn candidate(&mut self, candidate: &Value, out: &mut Vec<Delta>) {
        let index =
            count(candidate, "index").and_then(|index| usize::try_from(index).ok()).unwrap_or_default();
        // A provider's number must not make us keep a list of any length.
        if index > 64 {
            return;
        }
        if index != self.current {
            self.current = index;
            out.push(Delta::Choice(u32::try_from(index).unwrap_or_default()));
        }
        if self.choices.len() <= index {
            self.choices.resize_with(index + 1, Choice::default);
        }
        for part in candidate.get("content").map(|content| list(content, "parts")).unwrap_or_default() {
            self.part(part, out);
        }
        if let Some(reason) = text(candidate, "finishReason") {
            self.finish(reason, text(candidate, "finishMessage"), out);
        }
    }

    fn part(&mut self, part: &Value, out: &mut Vec<Delta>) {
        let id = self.id.clone().unwrap_or_default();
        let place = self.current;
        let one_call = self.one_call;
        let Some(choice) = self.choices.get_mut(place) else { return };
        let signed = text(part, "thoughtSignature");
        if let Some(call) = part.get("functionCall") {
            choice.said = true;
            if one_call && choice.calls > 0 {
                return;
            }
            let index = choice.calls;
            choice.calls += 1;
            // Older models name no ids; the answer's own makes one that no other turn has.
            let own = if id.is_empty() { digest(call) } else { id };
            let made = || format!("call_{own}_{place}_{index}");
            let id = text(call, "id").filter(|id| !id.is_empty()).map_or_else(made, str::to_owned);
            let name = text(call, "name").unwrap_or_default().to_owned();
            out.push(Delta::ToolStart { index, id: signature::join(&id, signed), name, proof: None });
            let arguments = call.get("args").map_or_else(|| "{}".to_owned(), digits::text);
            return out.push(Delta::ToolArguments { index, text: arguments });
        }
        if let Some(said) = text(part, "text").filter(|said| !said.is_empty()) {
            let thought = part.get("thought").and_then(Value::as_bool) == Some(true);
            choice.said |= !thought;
            out.push(if thought { Delta::Reasoning(said.to_owned()) } else { Delta::Text(said.to_owned()) });
        }
        if let Some(picture) = part.get("inlineData").and_then(picture) {
            choice.said = true;
            out.push(Delta::Text(picture));
        }
        if let Some(signature) = signed {
            out.push(Delta::ReasoningProof(Proof::Signature(signature::own(signature))));
        }
    }

    fn finish(&mut self, reason: &str, message: Option<&str>, out: &mut Vec<Delta>) {
        let Some(choice) = self.choices.get_mut(self.current).filter(|choice| !choice.finished) else {
            return;
        };
        choice.finished = true;
        let finish = match reason {
            "MAX_TOKENS" | "CONTINUATION" => Finish::Length,
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => Finish::ContentFilter,
            // The model's call could not be read, and nobody gets to see it: a plain end would look like an answer.
            "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
            | "MALFORMED_RESPONSE" => return out.push(Delta::Error(ended(reason, message))),
            "STOP" if choice.calls > 0 => Finish::ToolCalls,
            "STOP" => Finish::Stop,
            _ if !choice.said => return out.push(Delta::Error(ended(reason, message))),
            _ if choice.calls > 0 => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        out.push(Delta::Finish(finish));
    }
}

impl Reader for Answer {
    fn event(&mut self, _name: Option<&str>, data: &Value, out: &mut Vec<Delta>) {
        self.absorb(data, out);
    }

    fn answer(&mut self, body: &Value, out: &mut Vec<Delta>) {
        self.absorb(body, out);
        let ended = |delta: &Delta| matches!(delta, Delta::Finish(_) | Delta::Error(_));
        if !out.iter().any(ended) {
            out.push(Delta::Error(Failure::of_upstream("Gemini's answer holds no candidate that ended.")));
        }
    }
}

/// Stands for an answer's id where there is none.
fn digest(call: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    digits::text(call).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn ended(reason: &str, message: Option<&str>) -> Failure {
    let message = message.map_or_else(|| format!("Gemini ended its answer with {reason}."), str::to_owned);
    Failure { message, kind: "server_error".to_owned(), param: None, code: Some(reason.to_owned()) }
}

/// Chat has no pictures in answers; as Markdown none is lost and many clients show it.
fn picture(data: &Value) -> Option<String> {
    let media = text(data, "mimeType")?;
    let base64 = text(data, "data")?;
    Some(format!("![]({})", format_args!("data:{media};base64,{base64}")))
}

/// Gemini counts cached tokens within the prompt, and thoughts beside the answer, or, where the total says so, in it.
fn usage(usage: &Value) -> Option<Usage> {
    let prompt = count(usage, "promptTokenCount")?;
    let tools = count(usage, "toolUsePromptTokenCount").unwrap_or_default();
    let written = count(usage, "candidatesTokenCount").unwrap_or_default();
    let reasoning = count(usage, "thoughtsTokenCount");
    let input = prompt.saturating_add(tools);
    let within = count(usage, "totalTokenCount") == Some(input.saturating_add(written));
    let beside = if within { 0 } else { reasoning.unwrap_or_default() };
    Some(Usage {
        input,
        output: written.saturating_add(beside),
        cached: count(usage, "cachedContentTokenCount"),
        cache_written: None,
        reasoning,
    })
}
