//! An answer that goes back into the next request as it came loses nothing; whole or streamed, it is the same.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Writer, parse};
use crate::chat::Message;
use crate::delta::{Delta, Finish, Proof};
use crate::samples::{self, Said};

fn deltas(said: &Said) -> Vec<Delta> {
    let mut deltas = vec![Delta::Start { id: "m1".to_owned(), model: String::new() }];
    if !said.reasoning.is_empty() {
        deltas.push(Delta::Reasoning(said.reasoning.clone()));
        deltas.push(Delta::ReasoningProof(Proof::Signature("QWc=".to_owned())));
    }
    deltas.extend(said.text.split_inclusive(' ').map(|piece| Delta::Text(piece.to_owned())));
    for (index, (id, name, arguments)) in (0_usize..).zip(&said.calls) {
        deltas.push(Delta::ToolStart { index, id: id.clone(), name: name.clone(), proof: None });
        deltas.push(Delta::ToolArguments { index, text: arguments.to_string() });
    }
    deltas.push(Delta::Finish(if said.calls.is_empty() { Finish::Stop } else { Finish::ToolCalls }));
    deltas
}

fn writer() -> Writer {
    let (_, echo) = parse(json!({"model": "m", "input": "Hi."})).unwrap();
    Writer::new("m", echo, 1)
}

proptest! {
    #[test]
    fn what_was_said_comes_back(said in samples::said()) {
        let whole = writer().whole(deltas(&said)).unwrap();
        let mut out = Vec::new();
        let mut stream = writer();
        deltas(&said).into_iter().for_each(|delta| stream.write(delta, &mut out));
        stream.close(&mut out);
        let text = String::from_utf8(out).unwrap();
        let last = text.trim_end().rsplit("\ndata: ").next().unwrap();
        let last: Value = serde_json::from_str(last).unwrap();
        prop_assert_eq!(&last["response"], &whole);

        let (request, _) = parse(json!({"model": "m", "input": whole["output"]})).unwrap();
        let call = |(id, name, arguments): &(String, String, Value)| {
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments.to_string()}})
        };
        let mut message = json!({"role": "assistant", "content": [{"type": "text", "text": said.text}],
            "tool_calls": said.calls.iter().map(call).collect::<Vec<_>>()});
        if said.text.is_empty() {
            message["content"] = Value::Null;
        }
        if !said.reasoning.is_empty() {
            message["reasoning_details"] = json!([{"type": "reasoning.text", "text": said.reasoning, "signature": "QWc="}]);
        }
        let same = samples::read(&json!({"model": "m", "messages": [message]}));
        let mut messages: Vec<Message> = request.messages;
        for (message, other) in messages.iter_mut().zip(&same.messages) {
            super::same_places(message, other);
        }
        prop_assert_eq!(messages, same.messages);
    }
}
