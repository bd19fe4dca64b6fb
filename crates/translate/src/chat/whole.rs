//! Writing an answer as one `chat.completion`.

use serde_json::{Map, Value, json};

use super::writer::{add_proof, detail, usage_body};
use crate::delta::{Delta, Failure, Finish, Usage};

/// One choice as far as it is known.
#[derive(Default)]
struct Answer {
    text: Option<String>,
    refusal: Option<String>,
    reasoning: String,
    thought: String,
    details: Vec<Value>,
    calls: Vec<(Value, String)>,
    finish: Option<Finish>,
}

/// The whole answer, or what went wrong in it. `model` is the request's, `created` seconds since 1970.
pub fn whole(deltas: Vec<Delta>, model: &str, created: u64) -> Result<Value, Failure> {
    let (mut id, mut model) = (String::new(), model.to_owned());
    let mut usage: Option<Usage> = None;
    let mut choices: Vec<(u32, Answer)> = Vec::new();
    let mut current = 0;
    for delta in deltas {
        match delta {
            Delta::Start { id: own, model: answering } => {
                id = own;
                if !answering.is_empty() {
                    model = answering;
                }
            }
            Delta::Choice(choice) => current = choice,
            Delta::Usage(last) => usage = Some(last),
            Delta::Error(failure) => return Err(failure),
            Delta::End => {}
            delta => match choices.iter_mut().find(|(known, _)| *known == current) {
                Some((_, answer)) => answer.take(delta),
                None => {
                    let mut answer = Answer::default();
                    answer.take(delta);
                    choices.push((current, answer));
                }
            },
        }
    }
    if choices.is_empty() {
        return Err(Failure::of_upstream("The provider's answer holds nothing."));
    }
    let choices: Result<Vec<Value>, Failure> =
        choices.into_iter().map(|(index, answer)| answer.body(index)).collect();
    let choices = choices?;
    Ok(json!({
        "id": id, "object": "chat.completion", "created": created, "model": model, "choices": choices,
        "usage": usage.map(|usage| usage_body(&usage)),
    }))
}

impl Answer {
    fn take(&mut self, delta: Delta) {
        match delta {
            Delta::Text(text) => self.text.get_or_insert_default().push_str(&text),
            Delta::Refused(text) => self.refusal.get_or_insert_default().push_str(&text),
            Delta::Reasoning(text) => {
                self.reasoning.push_str(&text);
                self.thought.push_str(&text);
            }
            Delta::ReasoningProof(proof) => {
                let index = u32::try_from(self.details.len()).unwrap_or(u32::MAX);
                self.details.push(detail(proof, &std::mem::take(&mut self.thought), index));
            }
            Delta::ToolStart { index, id, name, proof } => {
                let mut call = json!({"id": id, "type": "function", "function": {"name": name}});
                add_proof(&mut call, proof);
                let place = index.min(self.calls.len());
                self.calls.insert(place, (call, String::new()));
            }
            Delta::ToolArguments { index, text } => {
                if let Some((_, arguments)) = self.calls.get_mut(index) {
                    arguments.push_str(&text);
                }
            }
            Delta::Finish(finish) => self.finish = Some(finish),
            Delta::Start { .. } | Delta::Choice(_) | Delta::Usage(_) | Delta::Error(_) | Delta::End => {}
        }
    }

    /// What never ended is no answer: any word for why would be a guess that clients act on.
    fn body(self, index: u32) -> Result<Value, Failure> {
        let unfinished = || Failure::of_upstream("The provider's answer does not say why it ended.");
        let finish = self.finish.ok_or_else(unfinished)?;
        let mut message = Map::new();
        message.insert("role".to_owned(), Value::from("assistant"));
        message.insert("content".to_owned(), Value::from(self.text));
        message.insert("refusal".to_owned(), Value::from(self.refusal));
        if !self.reasoning.is_empty() {
            message.insert("reasoning_content".to_owned(), Value::from(self.reasoning));
        }
        if !self.details.is_empty() {
            message.insert("reasoning_details".to_owned(), Value::from(self.details));
        }
        if !self.calls.is_empty() {
            let calls = self.calls.into_iter().map(|(mut call, arguments)| {
                if let Some(function) = call.get_mut("function").and_then(Value::as_object_mut) {
                    function.insert("arguments".to_owned(), Value::from(arguments));
                }
                call
            });
            message.insert("tool_calls".to_owned(), calls.collect());
        }
        Ok(json!({
            "index": index, "message": message, "logprobs": null, "finish_reason": finish.as_str(),
        }))
    }
}
