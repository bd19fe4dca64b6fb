//! Any request through either front to every target, and any answer back. Input: which front and target, the size of
//! the answer's pieces, the request, a zero byte, the answer. A request that is refused is answered for a plain one.

use serde::de::IgnoredAny;
use serde_json::Value;
use translate::{Answering, Front, Target, begin};

const FRONTS: [Front; 2] = [Front::Chat, Front::Responses];
const TARGETS: [Target; 3] = [Target::Anthropic, Target::Gemini, Target::Cohere];
const PLAIN: [&str; 2] = [
    r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hi."}]}"#,
    r#"{"model":"m","stream":true,"input":"Hi."}"#,
];

pub(crate) fn run(input: &[u8]) {
    let [which, size, bodies @ ..] = input else { return };
    let front = usize::from(which & 1);
    let target = TARGETS[usize::from(which >> 1) % TARGETS.len()];
    let border = bodies.iter().position(|byte| *byte == 0).unwrap_or(bodies.len());
    let (request, answer) = bodies.split_at(border);
    let answer = answer.strip_prefix(b"\0").unwrap_or(answer);
    let answering = match begin(FRONTS[front], target, request) {
        Ok((mut outgoing, answering)) => {
            // Read without its values: numbers stay as they were written, however large.
            let body = outgoing.take_bytes();
            assert!(body.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(&body).is_ok());
            assert!(outgoing.path.starts_with('/') && outgoing.path.is_ascii(), "{}", outgoing.path);
            assert!(!outgoing.path.contains(['?', '#', ' ', '\r', '\n']), "{}", outgoing.path);
            answering
        }
        Err(refusal) => {
            let error = &refusal.body()["error"];
            assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
            assert!(refusal.field.is_empty() || error["param"] == refusal.field.as_str());
            begin(FRONTS[front], target, PLAIN[front].as_bytes()).unwrap().1
        }
    };
    let at_once = stream(&answering, answer, usize::MAX);
    assert_eq!(at_once, stream(&answering, answer, usize::from(*size).max(1)), "pieces do not matter");
    check(front, &at_once);
    let mut document = Vec::new();
    answering.stream(1).document(answer, &mut document);
    check(front, &document);
    match answering.whole(answer, 1) {
        Ok(body) => assert!(serde_json::from_slice::<Value>(&body).unwrap().is_object()),
        Err(failure) => assert!(!failure.message.is_empty()),
    }
    let error: Value = serde_json::from_slice(&answering.error(400, answer)).unwrap();
    assert!(error["error"]["message"].is_string());
}

fn stream(answering: &Answering, answer: &[u8], size: usize) -> Vec<u8> {
    let mut stream = answering.stream(1);
    let mut out = Vec::new();
    answer.chunks(size).for_each(|piece| stream.push(piece, &mut out));
    stream.finish(&mut out);
    out
}

/// Whole frames of JSON, and one ending.
fn check(front: usize, out: &[u8]) {
    let text = std::str::from_utf8(out).unwrap();
    let frames: Vec<&str> = text.split_terminator("\n\n").collect();
    let data = |frame: &str| -> Value {
        let data = frame.lines().last().and_then(|line| line.strip_prefix("data: ")).unwrap();
        if data == "[DONE]" { Value::Null } else { serde_json::from_str(data).unwrap() }
    };
    let frames: Vec<Value> = frames.into_iter().map(data).collect();
    let is_end = |frame: &Value| match front {
        0 => frame.is_null() || frame.get("error").is_some(),
        _ => ["response.completed", "response.incomplete", "response.failed"]
            .iter()
            .any(|end| frame["type"] == *end),
    };
    assert_eq!(frames.iter().filter(|frame| is_end(frame)).count(), 1, "{text}");
    assert!(frames.last().is_some_and(is_end), "{text}");
    if front == 1 {
        assert!((0_u64..).zip(&frames).all(|(number, frame)| frame["sequence_number"] == number), "{text}");
    }
}
