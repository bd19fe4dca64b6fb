//! What is Bedrock's own: frames that are cut or broken, figures in headers, Converse's requests.

use super::*;
use crate::eventstream::tests::frame;

const CONVERSE: &str = "/model/m/converse-stream";

fn event(kind: &str, payload: &Value) -> Vec<u8> {
    frame(&[(":event-type", kind), (":message-type", "event")], payload.to_string().as_bytes())
}

fn stream() -> Vec<Vec<u8>> {
    vec![
        event("messageStart", &json!({"role": "assistant"})),
        event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": "one "}})),
        event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": "two"}})),
        event("messageStop", &json!({"stopReason": "end_turn"})),
        event(
            "metadata",
            &json!({"usage": {"inputTokens": 3, "outputTokens": 2}, "metrics": {"latencyMs": 8}}),
        ),
    ]
}

fn case(bytes: Vec<u8>) -> Case {
    Case { content_type: "application/vnd.amazon.eventstream", ..Case::new("bedrock", CONVERSE, bytes) }
}

#[test]
fn a_stream_that_stops_anywhere_gives_what_came() {
    let frames = stream();
    let whole = frames.concat();
    let reading = case(whole.clone()).read();
    assert!(reading.complete && reading.usage_final && reading.error.is_none());
    assert_eq!(reading.server.unwrap().total_us, Some(8000));
    assert_eq!(reading.first_token_at, Some(frames[0].len() + frames[1].len()));
    for end in 0..whole.len() {
        let case = case(whole[..end].to_vec());
        let reading = case.read();
        assert!(!reading.complete && reading.error.is_none() && reading.broken_frames == 0, "{end}");
        assert_eq!(reading.usage.output, None, "{end}");
        let borders: Vec<usize> = (0..frames.len()).map(|count| frames[..count].concat().len()).collect();
        let noted = case.conversation().notes.iter().any(|note| note.contains("in the middle of a frame"));
        assert_eq!(noted, !borders.contains(&end), "{end}");
    }
}

#[test]
fn a_frame_that_was_changed_is_an_error_and_the_others_are_read() {
    let mut frames = stream();
    let middle = frames[1].len() / 2;
    frames[1][middle] ^= 1;
    let changed = case(frames.concat());
    let reading = changed.read();
    assert_eq!(reading.error.as_deref(), Some("event_stream: a frame fails its checksum"));
    assert!(reading.error_in_stream && reading.broken_frames == 1);
    assert_eq!((answer(&changed), reading.usage.output), (vec![text("two")], Some(2)));
    assert!(changed.conversation().notes.contains(&"a frame fails its checksum".to_owned()));
    let mut frames = stream();
    frames[2][0] = 0x7f;
    let lost = case(frames.concat());
    assert_eq!(answer(&lost), [text("one ")]);
    assert!(lost.read().error.unwrap().contains("prelude"));
    // What is well framed and no event at all.
    let odd =
        case([frame(&[], b"not json"), event("chunk", &json!({"bytes": "???"})), stream().concat()].concat());
    assert_eq!((odd.read().broken_frames, answer(&odd)), (2, vec![text("one two")]));
}

#[test]
fn an_error_without_a_type_is_told_by_its_headers() {
    let failed = |content_type| {
        let case = Case {
            status: 429,
            content_type,
            ..Case::document("bedrock", CONVERSE, &json!({"message": "Too many requests, please wait"}))
        };
        let by_headers =
            ByHeaders::of(|name| (name == "x-amzn-errortype").then_some("ThrottlingException:http://x/"));
        read(&Exchange { by_headers, ..case.exchange() }).error
    };
    let line = Some("ThrottlingException: Too many requests, please wait".to_owned());
    assert_eq!((failed("application/json"), failed("application/x-amz-json-1.1")), (line.clone(), line));
    let error = [(":message-type", "error"), (":error-code", "InternalFailure"), (":error-message", "Oops")];
    assert_eq!(case(frame(&error, b"")).read().error.as_deref(), Some("InternalFailure: Oops"));
}

#[test]
fn counts_in_headers_stand_in_for_what_a_model_does_not_say() {
    let counted = |body: &Value| {
        let case = Case::document("bedrock", "/model/mistral.m/invoke", body);
        let by_headers = ByHeaders::of(|name| match name {
            "x-amzn-bedrock-input-token-count" => Some("11"),
            "x-amzn-bedrock-output-token-count" => Some("7"),
            _ => None,
        });
        let reading = read(&Exchange { by_headers, ..case.exchange() });
        (reading.usage.input, reading.usage.output, reading.usage_final)
    };
    assert_eq!(
        counted(&json!({"outputs": [{"text": "a", "stop_reason": "stop"}]})),
        (Some(11), Some(7), true)
    );
    let own = json!({"generation": "a", "prompt_token_count": 3, "generation_token_count": 2, "stop_reason": "stop"});
    assert_eq!(counted(&own), (Some(3), Some(2), true));
}

#[test]
fn converses_requests_are_conversations() {
    let request = json!({
        "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {"role": "user", "content": [
                {"text": "Look"},
                {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
                {"document": {"format": "pdf", "name": "d", "source": {"s3Location": {"uri": "s3://b/d.pdf"}}}},
            ]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
                {"toolUse": {"toolUseId": "t1", "name": "ls", "input": {"z": 1, "a": 2}}},
            ]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "status": "error", "content": [
                {"text": "no"}, {"json": {"code": 2}}, {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
            ]}}]},
        ],
        "toolConfig": {"tools": [{"toolSpec": {"name": "ls", "inputSchema": {"json": {"type": "object"}}}}]},
    });
    let case = Case { request: request.to_string().into_bytes(), ..case(stream().concat()) };
    let said = case.conversation();
    let message = |role, parts: Vec<Part>, cache_marker| Message { role, parts, cache_marker };
    let media = |kind: &str, format: &str, bytes, url: Option<&str>| Part::Media {
        kind: kind.into(),
        media_type: Some(format.into()),
        bytes,
        url: url.map(str::to_owned),
    };
    let result =
        Part::ToolResult { id: Some("t1".into()), text: "no\n{\"code\":2}\n[image]".into(), error: true };
    assert_eq!(
        said.messages,
        [
            message(Role::System, vec![text("Be brief.")], true),
            message(
                Role::User,
                vec![
                    text("Look"),
                    media("image", "png", Some(3), None),
                    media("file", "pdf", None, Some("s3://b/d.pdf")),
                ],
                false
            ),
            message(Role::Assistant, vec![thinking("Hm"), call(Some("t1"), "ls", r#"{"z":1,"a":2}"#)], false),
            message(Role::Tool, vec![result], false),
        ]
    );
    assert_eq!(
        (said.tools[0].name.as_str(), said.tools[0].schema.as_deref()),
        ("ls", Some(r#"{"type":"object"}"#))
    );
    let reading = case.read();
    assert_eq!((reading.title.as_deref(), reading.stream_requested), (Some("Look"), true));
    let titan = Case {
        request: json!({"inputText": "Say it"}).to_string().into_bytes(),
        ..Case::document("bedrock", "/model/amazon.titan-text-f/invoke", &json!({"results": []}))
    };
    assert_eq!(titan.read().title.as_deref(), Some("Say it"));
}
