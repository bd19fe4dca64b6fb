//! Writing an answer as a stream of `chat.completion.chunk`. Leaves out the whole answer (`whole`).

use serde_json::{Map, Value, json};

use crate::delta::{Delta, Failure, Finish, Proof, Usage};

/// A stream as it is written, one frame for each piece.
#[derive(Debug)]
pub struct Writer {
    id: String,
    model: String,
    created: u64,
    include_usage: bool,
    choice: u32,
    begun: Vec<u32>,
    finished: Vec<u32>,
    closed: bool,
    usage: Option<Usage>,
    /// The thought that is being told, for its signature.
    thought: String,
    thoughts: u32,
}

impl Writer {
    /// The writer of an answer to a request for `model`, `created` at that many seconds since 1970.
    pub fn new(model: &str, include_usage: bool, created: u64) -> Self {
        Self {
            id: String::new(),
            model: model.to_owned(),
            created,
            include_usage,
            choice: 0,
            begun: Vec::new(),
            finished: Vec::new(),
            closed: false,
            usage: None,
            thought: String::new(),
            thoughts: 0,
        }
    }

    /// Writes what `delta` adds.
    pub fn write(&mut self, delta: Delta, out: &mut Vec<u8>) {
        if self.closed {
            return;
        }
        match delta {
            Delta::Start { id, model } => {
                self.id = id;
                if !model.is_empty() {
                    self.model = model;
                }
                self.begin(out);
            }
            Delta::Choice(choice) => self.choice = choice,
            Delta::Text(text) => self.piece(&json!({"content": text}), out),
            Delta::Refused(text) => self.piece(&json!({"refusal": text}), out),
            Delta::Reasoning(text) => {
                self.thought.push_str(&text);
                self.piece(&json!({"reasoning_content": text}), out);
            }
            Delta::ReasoningProof(proof) => {
                let detail = detail(proof, &std::mem::take(&mut self.thought), self.thoughts);
                self.thoughts += 1;
                self.piece(&json!({"reasoning_details": [detail]}), out);
            }
            Delta::ToolStart { index, id, name, proof } => {
                let mut call = json!({
                    "index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""},
                });
                add_proof(&mut call, proof);
                self.piece(&json!({"tool_calls": [call]}), out);
            }
            Delta::ToolArguments { index, text } => {
                self.piece(&json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]}), out);
            }
            Delta::Finish(finish) => {
                self.begin(out);
                self.finished.push(self.choice);
                self.chunk(&json!({}), Some(finish), out);
            }
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Error(failure) => self.fail(&failure, out),
            Delta::End => self.close(out),
        }
    }

    /// Ends the stream: there is nothing more from the provider.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        if self.closed {
            return;
        }
        if self.begun.is_empty() || self.begun.iter().any(|choice| !self.finished.contains(choice)) {
            let message = "The provider's stream ended before its last event.";
            return self.fail(&Failure::of_upstream(message), out);
        }
        if self.include_usage {
            let mut chunk = self.base();
            chunk.insert("choices".to_owned(), json!([]));
            chunk.insert("usage".to_owned(), self.usage.map_or(Value::Null, |usage| usage_body(&usage)));
            frame(&Value::Object(chunk), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.closed = true;
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        frame(&error_body(failure), out);
        self.closed = true;
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !self.begun.contains(&self.choice) {
            self.begun.push(self.choice);
            self.chunk(&json!({"role": "assistant", "content": "", "refusal": null}), None, out);
        }
    }

    fn piece(&mut self, delta: &Value, out: &mut Vec<u8>) {
        self.begin(out);
        self.chunk(delta, None, out);
    }

    fn base(&self) -> Map<String, Value> {
        let mut chunk = Map::new();
        chunk.insert("id".to_owned(), Value::from(self.id.as_str()));
        chunk.insert("object".to_owned(), Value::from("chat.completion.chunk"));
        chunk.insert("created".to_owned(), Value::from(self.created));
        chunk.insert("model".to_owned(), Value::from(self.model.as_str()));
        chunk
    }

    fn chunk(&self, delta: &Value, finish: Option<Finish>, out: &mut Vec<u8>) {
        let mut chunk = self.base();
        let choice = json!([{
            "index": self.choice, "delta": delta, "logprobs": null, "finish_reason": finish.map(Finish::as_str),
        }]);
        chunk.insert("choices".to_owned(), choice);
        if self.include_usage {
            chunk.insert("usage".to_owned(), Value::Null);
        }
        frame(&Value::Object(chunk), out);
    }
}

fn frame(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(value.to_string().as_bytes());
    out.extend_from_slice(b"\n\n");
}

/// A thought's proof, with the thought, in the shape that clients know from OpenRouter.
pub(super) fn detail(proof: Proof, thought: &str, index: u32) -> Value {
    match proof {
        Proof::Signature(signature) => {
            json!({"type": "reasoning.text", "text": thought, "signature": signature, "index": index})
        }
        Proof::Sealed(data) => json!({"type": "reasoning.encrypted", "data": data, "index": index}),
    }
}

/// Where Google's own OpenAI surface puts it.
pub(super) fn add_proof(call: &mut Value, proof: Option<String>) {
    if let (Some(call), Some(proof)) = (call.as_object_mut(), proof) {
        call.insert("extra_content".to_owned(), json!({"google": {"thought_signature": proof}}));
    }
}

/// OpenAI's `usage`.
pub(super) fn usage_body(usage: &Usage) -> Value {
    let mut body = json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input.saturating_add(usage.output),
        "prompt_tokens_details": {"cached_tokens": usage.cached.unwrap_or(0), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning.unwrap_or(0), "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    });
    if let (Some(written), Some(details)) =
        (usage.cache_written, body["prompt_tokens_details"].as_object_mut())
    {
        details.insert("cache_write_tokens".to_owned(), Value::from(written));
    }
    body
}

/// OpenAI's error body.
pub fn error_body(failure: &Failure) -> Value {
    let Failure { message, kind, param, code } = failure;
    json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
}
