//! Numbers on their way through a call, in both directions.

use super::*;
use crate::samples::frames;

/// What 64 bits cannot hold, and what they hold but write differently.
const NUMBERS: &str =
    r#"{"wei":12345678901234567890123,"rate":0.1000000000000000055511151231257827,"far":1e400,"n":1.10}"#;

fn asked(front: Front) -> String {
    let numbers = NUMBERS.replace('"', "\\\"");
    let schema = format!(r#"{{"type":"object","enum":[{NUMBERS}],"maximum":1e30}}"#);
    match front {
        Front::Chat => format!(
            r#"{{"model":"claude-sonnet-4-5","messages":[{{"role":"user","content":"Pay."}},{{"role":"assistant",
            "tool_calls":[{{"id":"c","type":"function","function":{{"name":"pay","arguments":"{numbers}"}}}}]}},
            {{"role":"tool","tool_call_id":"c","content":"paid"}}],
            "tools":[{{"type":"function","function":{{"name":"pay","parameters":{schema}}}}}]}}"#
        ),
        Front::Responses => format!(
            r#"{{"model":"claude-sonnet-4-5","input":[{{"role":"user","content":"Pay."}},
            {{"type":"function_call","call_id":"c","name":"pay","arguments":"{numbers}"}},
            {{"type":"function_call_output","call_id":"c","output":"paid"}}],
            "tools":[{{"type":"function","name":"pay","parameters":{schema}}}]}}"#
        ),
    }
}

#[test]
fn numbers_go_to_the_provider_as_they_are_written() {
    for front in [Front::Chat, Front::Responses] {
        for target in [Target::Anthropic, Target::Gemini, Target::Cohere] {
            let (mut outgoing, _) = begin(front, target, asked(front).as_bytes()).unwrap();
            let body = String::from_utf8(outgoing.take_bytes()).unwrap();
            assert!(body.contains(&format!(r#""enum":[{NUMBERS}],"maximum":1e30"#)), "a schema: {body}");
            let arguments = match target {
                Target::Anthropic => format!(r#""input":{NUMBERS}"#),
                Target::Gemini => format!(r#""args":{NUMBERS}"#),
                Target::Cohere => format!(r#""arguments":{}"#, Value::from(NUMBERS)),
            };
            assert!(body.contains(&arguments), "arguments: {body}");
        }
    }
}

#[test]
fn numbers_come_back_as_they_are_written() {
    for (target, answer) in [
        (
            Target::Anthropic,
            format!(
                r#"{{"id":"m","type":"message","role":"assistant","model":"c","content":[{{"type":"tool_use","id":"t",
                "name":"pay","input":{NUMBERS}}}],"stop_reason":"tool_use","usage":{{"input_tokens":1,"output_tokens":1}}}}"#
            ),
        ),
        (
            Target::Gemini,
            format!(
                r#"{{"responseId":"r","candidates":[{{"index":0,"content":{{"parts":[{{"functionCall":{{"name":"pay",
                "args":{NUMBERS}}}}}]}},"finishReason":"STOP"}}]}}"#
            ),
        ),
        (
            Target::Cohere,
            format!(
                r#"{{"id":"r","finish_reason":"TOOL_CALL","message":{{"role":"assistant","tool_calls":[{{"id":"t",
                "type":"function","function":{{"name":"pay","arguments":{}}}}}]}}}}"#,
                Value::from(NUMBERS)
            ),
        ),
    ] {
        let (_, answering) = begin(Front::Chat, target, asked(Front::Chat).as_bytes()).unwrap();
        let whole: Value = serde_json::from_slice(&answering.whole(answer.as_bytes(), 1).unwrap()).unwrap();
        assert_eq!(whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], NUMBERS);
        let mut out = Vec::new();
        answering.stream(1).document(answer.as_bytes(), &mut out);
        let told = frames(&out)
            .iter()
            .any(|frame| frame["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] == NUMBERS);
        assert!(told, "a whole answer where a stream was asked for: {target:?}");
        let (_, answering) = begin(Front::Responses, target, asked(Front::Responses).as_bytes()).unwrap();
        let whole = String::from_utf8(answering.whole(answer.as_bytes(), 1).unwrap()).unwrap();
        assert!(
            whole.contains(&format!(r#""enum":[{NUMBERS}],"maximum":1e30"#)),
            "what a response repeats: {whole}"
        );
        let mut out = Vec::new();
        answering.stream(1).document(answer.as_bytes(), &mut out);
        let events = String::from_utf8(out).unwrap();
        assert!(
            events.contains(&format!(r#""enum":[{NUMBERS}],"maximum":1e30"#)),
            "and its events: {events}"
        );
    }
}
