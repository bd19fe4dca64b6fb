//! The events of a response, in OpenAI's order, numbered without gaps, and the response they add up to.

use serde_json::{Value, json};

use super::super::{Writer, parse};
use crate::delta::{Delta, Failure, Finish, Proof, Usage};

/// The events of an answer.
fn told(deltas: Vec<Delta>) -> Vec<Value> {
    let (_, echo) = parse(json!({"model": "asked", "input": "Hi.", "temperature": 0.5})).unwrap();
    let mut writer = Writer::new("asked", echo, 1_700_000_000);
    let mut out = Vec::new();
    deltas.into_iter().for_each(|delta| writer.write(delta, &mut out));
    writer.close(&mut out);
    let text = String::from_utf8(out).unwrap();
    let frames = text.split("\n\n").filter(|frame| !frame.is_empty());
    let events: Vec<Value> = frames
        .map(|frame| {
            let (name, data) = frame.split_once('\n').unwrap();
            let event: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(
                name.strip_prefix("event: "),
                event["type"].as_str(),
                "the name stands in both places"
            );
            event
        })
        .collect();
    for (number, event) in (0_u64..).zip(&events) {
        assert_eq!(event["sequence_number"], number);
    }
    events
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap().strip_prefix("response.").unwrap()).collect()
}

fn start() -> Delta {
    Delta::Start { id: "m1".to_owned(), model: "answering".to_owned() }
}

fn tool(index: usize, id: &str) -> Delta {
    Delta::ToolStart { index, id: id.to_owned(), name: "look".to_owned(), proof: None }
}

fn arguments(index: usize, text: &str) -> Delta {
    Delta::ToolArguments { index, text: text.to_owned() }
}

#[test]
fn thoughts_text_and_calls_are_items() {
    let events = told(vec![
        start(),
        Delta::Reasoning("Hm".to_owned()),
        Delta::Reasoning(".".to_owned()),
        Delta::ReasoningProof(Proof::Signature("QWc=".to_owned())),
        Delta::Text("Hello ".to_owned()),
        Delta::Text("there".to_owned()),
        tool(0, "a"),
        arguments(0, "{\"at\""),
        arguments(0, ":1}"),
        tool(1, "b"),
        arguments(1, "{}"),
        Delta::Finish(Finish::ToolCalls),
        Delta::Usage(Usage {
            input: 10,
            output: 5,
            cached: Some(4),
            cache_written: None,
            reasoning: Some(2),
        }),
        Delta::End,
    ]);
    assert_eq!(
        names(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "completed",
        ]
    );
    let added: Vec<_> = events.iter().filter(|event| event["type"] == "response.output_item.added").collect();
    let places: Vec<_> = added
        .iter()
        .map(|event| (event["output_index"].as_u64().unwrap(), event["item"]["id"].as_str().unwrap()))
        .collect();
    assert_eq!(places, [(0, "rs_m1_0"), (1, "msg_m1_1"), (2, "fc_m1_2"), (3, "fc_m1_3")]);
    let done = &events.last().unwrap()["response"];
    assert_eq!(
        done["output"],
        json!([
            {"id": "rs_m1_0", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}],
                "encrypted_content": "signature:QWc="},
            {"id": "msg_m1_1", "type": "message", "status": "completed", "role": "assistant",
                "content": [{"type": "output_text", "text": "Hello there", "annotations": [], "logprobs": []}]},
            {"id": "fc_m1_2", "type": "function_call", "status": "completed", "call_id": "a", "name": "look",
                "arguments": "{\"at\":1}"},
            {"id": "fc_m1_3", "type": "function_call", "status": "completed", "call_id": "b", "name": "look",
                "arguments": "{}"},
        ])
    );
    assert_eq!(
        done["usage"],
        json!({
            "input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
            "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 15,
        })
    );
    let head = (&done["id"], &done["model"], &done["status"], &done["temperature"], &done["created_at"]);
    assert_eq!(
        head,
        (&json!("resp_m1"), &json!("answering"), &json!("completed"), &json!(0.5), &json!(1_700_000_000))
    );
    assert_eq!(
        (&events[0]["response"]["status"], &events[0]["response"]["usage"]),
        (&json!("in_progress"), &Value::Null)
    );
}

#[test]
fn a_proof_without_a_thought_has_an_item_of_its_own() {
    let events = told(vec![
        start(),
        Delta::ReasoningProof(Proof::Sealed("c2VhbGVk".to_owned())),
        Delta::Text("Hi.".to_owned()),
        Delta::ReasoningProof(Proof::Signature("gemini:QWc=".to_owned())),
        Delta::Finish(Finish::Stop),
    ]);
    let output = &events.last().unwrap()["response"]["output"];
    let proofs: Vec<_> =
        output.as_array().unwrap().iter().map(|item| item["encrypted_content"].clone()).collect();
    assert_eq!(proofs, [json!("sealed:c2VhbGVk"), Value::Null, json!("signature:gemini:QWc=")]);
}

#[test]
fn ends_are_told_as_a_status() {
    let ended = |deltas: Vec<Delta>| {
        let events = told([vec![start(), Delta::Text("Hel".to_owned())], deltas].concat());
        let last = events.last().unwrap().clone();
        assert_eq!(
            last["type"].as_str().unwrap().strip_prefix("response."),
            last["response"]["status"].as_str()
        );
        last["response"].clone()
    };
    let long = ended(vec![Delta::Finish(Finish::Length)]);
    assert_eq!(
        (&long["status"], &long["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
    assert_eq!(long["output"][0]["status"], "incomplete");
    let withheld = ended(vec![Delta::Finish(Finish::ContentFilter)]);
    assert_eq!(withheld["incomplete_details"]["reason"], "content_filter");
    let declined = ended(vec![Delta::Refused("No.".to_owned()), Delta::Finish(Finish::ContentFilter)]);
    assert_eq!(declined["status"], "completed");
    assert_eq!(declined["output"][0]["content"][1], json!({"type": "refusal", "refusal": "No."}));
    let failure = Failure {
        message: "Overloaded".to_owned(),
        kind: "server_error".to_owned(),
        param: None,
        code: None,
    };
    let failed = ended(vec![Delta::Error(failure)]);
    assert_eq!(
        (&failed["status"], &failed["error"]),
        (&json!("failed"), &json!({"code": "server_error", "message": "Overloaded"}))
    );
    let broken = ended(vec![]);
    assert!(broken["error"]["message"].as_str().unwrap().contains("ended before"));
}

#[test]
fn an_answer_without_end_is_not_held_for_ever() {
    let (_, echo) = parse(json!({"model": "asked", "input": "Hi."})).unwrap();
    let mut writer = Writer::new("asked", echo, 1);
    writer.room = 10;
    let mut out = Vec::new();
    for _ in 0..3 {
        writer.write(Delta::Text("12345".to_owned()), &mut out);
    }
    let text = String::from_utf8(out).unwrap();
    let last: Value = serde_json::from_str(text.trim_end().rsplit("\ndata: ").next().unwrap()).unwrap();
    assert_eq!(
        (&last["type"], &last["response"]["output"][0]["content"][0]["text"]),
        (&json!("response.failed"), &json!("1234512345"))
    );
    assert!(last["response"]["error"]["message"].as_str().unwrap().contains("64 MiB"));
}

#[test]
fn an_error_before_anything_else_is_a_response_too() {
    let events = told(vec![Delta::Error(Failure::of_upstream("gone"))]);
    assert_eq!(names(&events), ["created", "in_progress", "failed"]);
}
