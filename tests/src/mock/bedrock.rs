//! Amazon Bedrock: Anthropic's models by `invoke`, any by Converse; streams in frames of `vnd.amazon.eventstream`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Answer, Plan, Received, anthropic};

const FRAMES: &str = "application/vnd.amazon.eventstream";

/// One frame of an event stream.
pub fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(u8::try_from(name.len()).unwrap());
        block.extend_from_slice(name.as_bytes());
        block.push(7);
        block.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        block.extend_from_slice(value.as_bytes());
    }
    let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
    let mut frame = [length(16 + block.len() + payload.len()), length(block.len())].concat();
    frame.extend_from_slice(&sum(&frame));
    frame.extend_from_slice(&block);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&sum(&frame));
    frame
}

fn sum(bytes: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_be_bytes()
}

fn event(kind: &str, payload: &Value) -> Vec<u8> {
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    frame(&headers, payload.to_string().as_bytes())
}

/// An error in the middle of a stream.
pub(super) fn exception() -> Vec<u8> {
    let headers = [
        (":exception-type", "throttlingException"),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    frame(&headers, br#"{"message":"Too many requests"}"#)
}

/// A frame that was changed on its way.
pub(super) fn broken() -> Vec<u8> {
    let mut frame = event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": "never"}}));
    let middle = frame.len() / 2;
    frame[middle] ^= 1;
    frame
}

fn with_figures(plan: &Plan, answer: Answer) -> Answer {
    let tokens = &plan.tokens;
    answer
        .header("x-amzn-RequestId", "00000000-0000-4000-8000-000000000001")
        .header("X-Amzn-Bedrock-Input-Token-Count", tokens.input.to_string())
        .header("X-Amzn-Bedrock-Output-Token-Count", tokens.output.to_string())
        .header("X-Amzn-Bedrock-Invocation-Latency", "42")
}

/// `invoke` and its stream: Anthropic's own words, the stream's in base64 within frames.
pub(super) fn invoke(plan: &Plan, received: &Received) -> Answer {
    let mut request = received.json();
    request["stream"] = json!(received.path().ends_with("-stream"));
    // Its id here is its maker's name and a version around the maker's own id.
    let id = received.path().split("anthropic.").nth(1).unwrap_or("claude");
    request["model"] = json!(id.split("-v1").next().unwrap_or(id));
    let inner = Received { body: request.to_string().into_bytes(), ..received.clone() };
    let answer = anthropic::answer(&Plan { crlf: false, comments: false, ..plan.clone() }, &inner);
    if request["stream"] == json!(false) {
        return with_figures(plan, answer);
    }
    let text = String::from_utf8(answer.body()).unwrap();
    let events = text.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| {
        let mut event: Value = serde_json::from_str(data).unwrap();
        if event["type"] == "message_stop" {
            let tokens = &plan.tokens;
            event["amazon-bedrock-invocationMetrics"] = json!({
                "inputTokenCount": tokens.input, "outputTokenCount": tokens.output, "invocationLatency": 42,
                "firstByteLatency": 21, "cacheReadInputTokenCount": tokens.cache_read,
                "cacheWriteInputTokenCount": tokens.cache_write_5m + tokens.cache_write_1h,
            });
        }
        event
    });
    let events = events.filter(|event| event["type"] != "ping");
    let frames = events
        .map(|event| self::event("chunk", &json!({"bytes": STANDARD.encode(event.to_string()), "p": "abc"})));
    with_figures(plan, Answer::stream(FRAMES, frames.collect()))
}

/// Converse and its stream.
pub(super) fn converse(plan: &Plan, received: &Received) -> Answer {
    let tokens = &plan.tokens;
    let written = tokens.cache_write_5m + tokens.cache_write_1h;
    let usage = json!({
        "inputTokens": tokens.input, "outputTokens": tokens.output, "totalTokens": tokens.prompt() + tokens.output,
        "cacheReadInputTokens": tokens.cache_read, "cacheWriteInputTokens": written,
    });
    let tool = plan.tool_for(received);
    let stop = if tool.is_some() { "tool_use" } else { "end_turn" };
    if !received.path().ends_with("-stream") {
        let mut content = vec![json!({"text": plan.text})];
        if let Some((name, arguments)) = tool {
            let input: Value = serde_json::from_str(arguments).unwrap();
            content.push(json!({"toolUse": {"toolUseId": "tooluse_mock", "name": name, "input": input}}));
        }
        let message = json!({"role": "assistant", "content": content});
        let body = json!({
            "output": {"message": message}, "stopReason": stop, "usage": usage, "metrics": {"latencyMs": 42},
        });
        return with_figures(plan, Answer::whole(200, "application/json", body.to_string()));
    }
    let mut frames = vec![event("messageStart", &json!({"role": "assistant", "p": "ab"}))];
    for text in plan.text_pieces() {
        let delta = json!({"contentBlockIndex": 0, "delta": {"text": text}, "p": "abc"});
        frames.push(event("contentBlockDelta", &delta));
    }
    frames.push(event("contentBlockStop", &json!({"contentBlockIndex": 0})));
    if let Some((name, arguments)) = tool {
        let start = json!({"toolUse": {"toolUseId": "tooluse_mock", "name": name}});
        frames.push(event("contentBlockStart", &json!({"contentBlockIndex": 1, "start": start})));
        for piece in arguments.split_inclusive(':') {
            let delta = json!({"toolUse": {"input": piece}});
            frames.push(event("contentBlockDelta", &json!({"contentBlockIndex": 1, "delta": delta})));
        }
        frames.push(event("contentBlockStop", &json!({"contentBlockIndex": 1})));
    }
    frames.push(event("messageStop", &json!({"stopReason": stop})));
    frames.push(event("metadata", &json!({"usage": usage, "metrics": {"latencyMs": 42}})));
    with_figures(plan, Answer::stream(FRAMES, frames))
}
