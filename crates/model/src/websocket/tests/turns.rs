//! Turns of the three protocols.

use serde_json::{Value, json};

use super::*;

/// What a script of messages means; requests and answers as text.
fn steps(protocol: Option<Protocol>, script: &[(Side, Value)]) -> (Vec<String>, Turns) {
    let mut turns = Turns::new(protocol);
    let mut found = Vec::new();
    for (side, value) in script {
        turns.take(*side, value.to_string().as_bytes(), &mut |step| {
            found.push(match step {
                Step::Begin(turn) => format!("{turn} begins"),
                Step::Asked(turn, bytes) => format!("{turn} asked {}", kinds(&bytes)),
                Step::Sent(turn) => format!("{turn} sent"),
                Step::Said { turn, bytes, answers } => {
                    let whose = if bytes.starts_with(b"event: client\n") { "client" } else { "server" };
                    format!(
                        "{turn} {whose} {}{}",
                        kinds(&bytes),
                        if answers || whose == "client" { "" } else { " beside" }
                    )
                }
                Step::Ended(turn) => format!("{turn} ends"),
            });
        });
    }
    (found, turns)
}

/// The types of the messages on the lines of a text.
fn kinds(bytes: &[u8]) -> String {
    let lines = std::str::from_utf8(bytes).unwrap().lines();
    let values = lines.filter_map(|line| serde_json::from_str(line.trim_start_matches("data: ")).ok());
    let kinds: Vec<String> = values
        .map(|value: Value| match value.get("type") {
            Some(kind) => kind.as_str().unwrap().to_owned(),
            None => value.as_object().unwrap().keys().next().unwrap().clone(),
        })
        .collect();
    kinds.join("+")
}

use Side::{Client, Server};

#[test]
fn responses_come_one_after_the_other() {
    let event = |kind: &str| (Server, json!({ "type": kind }));
    let (found, turns) = steps(
        Some(Protocol::Responses),
        &[
            event("codex.rate_limits"),
            (Client, json!({"type": "response.create", "input": []})),
            event("response.created"),
            (Client, json!({"type": "response.steer"})),
            event("response.completed"),
            (Client, json!({"type": "response.processed"})),
            (Client, json!({"type": "response.create", "input": []})),
            (Client, json!({"type": "response.create", "input": []})),
            event("error"),
            event("response.failed"),
        ],
    );
    assert_eq!(
        found,
        [
            "0 begins",
            "0 asked response.create",
            "0 sent",
            "0 server codex.rate_limits beside",
            "0 server response.created",
            "0 client response.steer",
            "0 server response.completed",
            "0 ends",
            "1 begins",
            "1 asked response.create",
            "1 sent",
            "1 client response.processed",
            "2 begins",
            "2 asked response.create",
            "2 sent",
            "1 server error",
            "1 ends",
            "2 server response.failed",
            "2 ends",
        ]
    );
    assert_eq!(turns.begun(), 3);
}

#[test]
fn realtime_turns_are_asked_for_or_begin_by_themselves() {
    let response = |kind: &str, id: &str| (Server, json!({"type": kind, "response": {"id": id}}));
    let delta =
        |id: &str| (Server, json!({"type": "response.output_text.delta", "response_id": id, "delta": "x"}));
    let client = |kind: &str| (Client, json!({ "type": kind }));
    let (found, mut turns) = steps(
        Some(Protocol::Realtime),
        &[
            client("session.update"),
            (Server, json!({"type": "session.created", "session": {"model": "r"}})),
            client("conversation.item.create"),
            client("response.create"),
            response("response.created", "a"),
            // Two at once: each has its own.
            client("response.create"),
            response("response.created", "b"),
            delta("b"),
            delta("a"),
            response("response.done", "a"),
            client("input_audio_buffer.append"),
            response("response.done", "b"),
            // The server heard that the user stopped.
            (Server, json!({"type": "input_audio_buffer.committed"})),
            response("response.created", "c"),
            client("response.cancel"),
            response("response.done", "c"),
            (Client, json!({"type": "response.create", "event_id": "e1"})),
            (Server, json!({"type": "error", "error": {"event_id": "other"}})),
            (Server, json!({"type": "error", "error": {"event_id": "e1"}})),
            (Server, json!({"type": "rate_limits.updated"})),
        ],
    );
    assert_eq!(
        found,
        [
            "0 begins",
            "0 asked session.created+session.update+conversation.item.create+response.create",
            "0 sent",
            "0 server response.created",
            "1 begins",
            "1 asked session.created+response.create",
            "1 sent",
            "1 server response.created",
            "1 server response.output_text.delta",
            "0 server response.output_text.delta",
            "0 server response.done",
            "0 ends",
            "1 client input_audio_buffer.append",
            "1 server response.done",
            "1 ends",
            "2 begins",
            "2 asked session.created+input_audio_buffer.committed",
            "2 sent",
            "2 server response.created",
            "2 client response.cancel",
            "2 server response.done",
            "2 ends",
            "3 begins",
            "3 asked session.created+response.create",
            "3 sent",
            "3 server error",
            "3 server error",
            "3 ends",
        ]
    );
    let session = "{\"type\":\"session.created\",\"session\":{\"model\":\"r\"}}\n";
    let rest = format!("{session}{{\"type\":\"rate_limits.updated\"}}\n");
    assert_eq!(turns.rest(), (Vec::new(), rest.into_bytes()));
}

#[test]
fn live_turns_end_with_their_word() {
    let (found, _) = steps(
        Some(Protocol::Live),
        &[
            (Client, json!({"setup": {"model": "models/live"}})),
            (Server, json!({"setupComplete": {}})),
            (Client, json!({"clientContent": {"turns": [], "turnComplete": true}})),
            (Server, json!({"toolCall": {"functionCalls": []}})),
            (Client, json!({"toolResponse": {"functionResponses": []}})),
            (Server, json!({"serverContent": {"modelTurn": {"parts": []}}})),
            (Server, json!({"serverContent": {"turnComplete": true}, "usageMetadata": {}})),
            (Client, json!({"realtimeInput": {"audio": {}}})),
            (Server, json!({"serverContent": {"inputTranscription": {"text": "hm"}}})),
            (Server, json!({"serverContent": {"modelTurn": {"parts": []}, "turnComplete": true}})),
        ],
    );
    assert_eq!(
        found,
        [
            "0 begins",
            "0 asked setup+setupComplete+clientContent",
            "0 sent",
            "0 server toolCall",
            "0 client toolResponse",
            "0 server serverContent",
            "0 server serverContent",
            "0 ends",
            "1 begins",
            "1 asked setup+realtimeInput+serverContent",
            "1 sent",
            "1 server serverContent",
            "1 ends",
        ]
    );
}

/// Sound beyond the first seconds is told by its size; everything else stays, up to a limit.
#[test]
fn sound_is_left_out_and_words_are_not() {
    let sound = "A".repeat(100_000);
    let mut script: Vec<(Side, Value)> =
        (0..6).map(|_| (Client, json!({"type": "input_audio_buffer.append", "audio": sound}))).collect();
    script.push((Client, json!({"type": "conversation.item.create", "item": {"type": "message"}})));
    let (_, mut turns) = steps(Some(Protocol::Realtime), &script);
    let lines = String::from_utf8(turns.rest().0).unwrap();
    assert_eq!(lines.lines().count(), 7);
    assert_eq!(lines.matches("[100000 characters of base64 left out]").count(), 4);
    let long = "x".repeat(300_000);
    let script: Vec<(Side, Value)> =
        (0..6).map(|_| (Client, json!({"type": "unheard.of", "text": long}))).collect();
    let lines = String::from_utf8(steps(None, &script).1.rest().0).unwrap();
    assert_eq!(lines.lines().count(), 4);
    assert!(lines.ends_with("{\"type\":\"llmflow.left_out\",\"messages\":3}\n"), "{lines}");
}

/// Who asks without end is followed as far as answers could come; what is passed over is counted, and its answers are
/// nobody else's.
#[test]
fn turns_beyond_any_use_are_passed_over() {
    let create = || (Client, json!({"type": "response.create"}));
    let server = |kind: &str, id: u64| (Server, json!({"type": kind, "response": {"id": format!("r{id}")}}));
    for protocol in [Protocol::Responses, Protocol::Realtime] {
        let mut script: Vec<_> = (0..1_000).map(|_| create()).collect();
        let (found, turns) = steps(Some(protocol), &script);
        assert_eq!(found.iter().filter(|step| step.ends_with("begins")).count(), 64);
        assert_eq!((turns.begun(), turns.passed_over()), (64, 936));
        for id in 0..1_000 {
            script.push(server("response.created", id));
            script.push(server("response.in_progress", id));
            script.push(server("response.done", id));
        }
        let (found, turns) = steps(Some(protocol), &script);
        assert_eq!(found.iter().filter(|step| step.ends_with("response.in_progress")).count(), 64);
        assert_eq!(found.last().unwrap(), "63 ends");
        assert!(!turns.are_under_way(), "{protocol:?}: all was answered");
        // The next one is followed again, with its own answer.
        script.extend([create(), server("response.created", 1_000), server("response.done", 1_000)]);
        let (found, turns) = steps(Some(protocol), &script);
        let last: Vec<&str> = found.iter().rev().take(3).map(String::as_str).collect();
        assert_eq!(last, ["64 ends", "64 server response.done", "64 server response.created"]);
        assert_eq!((turns.begun(), turns.passed_over()), (65, 936));
        assert_eq!(
            found.iter().filter(|step| step.contains("llmflow.left_out")).count(),
            1,
            "its record says so"
        );
    }
}

/// A server that begins answers by itself is not followed without end either, nor is one that refuses every question.
#[test]
fn answers_that_nobody_asked_for_are_bounded_and_refusals_are_answers() {
    let created =
        |id: u64| (Server, json!({"type": "response.created", "response": {"id": format!("r{id}")}}));
    let script: Vec<_> = (0..100).map(created).collect();
    let (_, turns) = steps(Some(Protocol::Realtime), &script);
    assert_eq!((turns.begun(), turns.passed_over()), (64, 36));
    let mut script: Vec<_> = (0..100)
        .map(|id| (Client, json!({"type": "response.create", "event_id": format!("e{id}")})))
        .collect();
    script.extend(
        (0..100).map(|id| (Server, json!({"type": "error", "error": {"event_id": format!("e{id}")}}))),
    );
    let (found, turns) = steps(Some(Protocol::Realtime), &script);
    assert_eq!((found.last().unwrap().as_str(), turns.are_under_way()), ("63 ends", false));
}

/// What is kept for the next turn is bounded by what it takes, not by what it says.
#[test]
fn short_words_between_turns_take_their_memory_too() {
    let mut turns = Turns::new(Some(Protocol::Realtime));
    (0..100_000).for_each(|_| turns.take(Client, b"{}", &mut |_| {}));
    assert!(turns.held() <= 1 << 20 && turns.held() > 1 << 19, "{}", turns.held());
    let lines = turns.rest().0.iter().filter(|byte| **byte == b'\n').count();
    assert!(lines * size_of::<(Side, Vec<u8>)>() < 1 << 20, "{lines} lines");
    assert_eq!(turns.held(), 0);
}
