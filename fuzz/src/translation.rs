//! Translation of any request and any answer, by every front and target. Input: which of them, the size of the pieces
//! that a stream comes in, the request, a zero byte, the answer.

use serde_json::Value;
use translate::{Answering, Front, Target, begin};

pub(crate) const FRONTS: [Front; 2] = [Front::Chat, Front::Responses];
pub(crate) const TARGETS: [Target; 3] = [Target::Anthropic, Target::Gemini, Target::Cohere];

pub(crate) fn run(input: &[u8]) {
    let [ends, size, bodies @ ..] = input else { return };
    let (front, target) = (FRONTS[usize::from(ends & 1)], TARGETS[usize::from(ends >> 1) % TARGETS.len()]);
    let border = bodies.iter().position(|byte| *byte == 0).unwrap_or(0);
    let (request, answer) = bodies.split_at(border);
    let answer = answer.strip_prefix(b"\0").unwrap_or(answer);
    let answering = match begin(front, target, request) {
        Ok((outgoing, answering)) => {
            assert!(outgoing.path.starts_with('/'), "{}", outgoing.path);
            assert!(outgoing.body.is_object());
            answering
        }
        Err(refusal) => {
            let error = &refusal.body()["error"];
            assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
            assert!(refusal.field.is_empty() || error["param"] == refusal.field.as_str());
            return;
        }
    };
    if let Ok(whole) = answering.whole(answer, 1) {
        assert!(serde_json::from_slice::<Value>(&whole).unwrap().is_object());
    }
    let error: Value = serde_json::from_slice(&answering.error(500, answer)).unwrap();
    assert!(error["error"]["message"].is_string());
    let at_once = streamed(&answering, answer, answer.len().max(1));
    frames(&at_once);
    let in_pieces = streamed(&answering, answer, usize::from(*size).max(1));
    assert_eq!(in_pieces, at_once, "the pieces do not matter");
    let mut document = Vec::new();
    answering.stream(1).document(answer, &mut document);
    frames(&document);
}

fn streamed(answering: &Answering, answer: &[u8], size: usize) -> Vec<u8> {
    let (mut stream, mut out) = (answering.stream(1), Vec::new());
    answer.chunks(size).for_each(|piece| stream.push(piece, &mut out));
    stream.finish(&mut out);
    out
}

/// What is written is events of JSON, and something in any case.
fn frames(stream: &[u8]) {
    let text = std::str::from_utf8(stream).unwrap();
    assert!(text.ends_with("\n\n"));
    for frame in text.split_terminator("\n\n") {
        let data = frame.split_once("data: ").map(|(_, data)| data).unwrap();
        assert!(data == "[DONE]" || serde_json::from_str::<Value>(data).unwrap().is_object(), "{data}");
    }
}
