//! The readers against samples and expectations that somebody else wrote. Run by hand, since they are not part of
//! this repository:
//! `LLMFLOW_SAMPLES=FOLDER cargo test -p model --lib oracle -- --ignored --nocapture`, with an `expected.json` in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::websocket::{Protocol, Side, Step, Turns};

fn provider_and_path(file: &str) -> Option<(&'static str, &'static str)> {
    let known = [
        ("openai-responses", "openai", "/v1/responses"),
        ("anthropic", "anthropic", "/v1/messages"),
        ("gemini", "gemini", "/v1beta/models/gemini-2.5-pro:streamGenerateContent"),
        ("ollama-chat", "ollama", "/api/chat"),
        ("ollama-generate", "ollama", "/api/generate"),
        ("cohere", "cohere", "/v2/chat"),
        ("bedrock-invoke-claude", "bedrock", "/model/us.anthropic.claude-v1:0/invoke-with-response-stream"),
        ("bedrock", "bedrock", "/model/m/converse-stream"),
        ("llamacpp-completion", "llama", "/completion"),
    ];
    let (_, provider, path) = known.into_iter().find(|(start, ..)| file.starts_with(start)).unwrap_or((
        "",
        "openai",
        "/chat/completions",
    ));
    Some((provider, path))
}

/// The one turn among a WebSocket's messages, which stand on a line each with who sent them.
fn turn(lines: &[u8]) -> Case {
    let mut turns = Turns::new(Some(Protocol::Responses));
    let mut case = Case::new("openai", "/v1/responses", Vec::new());
    let mut ended = 0;
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let sent: Value = serde_json::from_slice(line).unwrap();
        let side = if sent["dir"] == "client" { Side::Client } else { Side::Server };
        turns.take(side, sent["text"].to_string().as_bytes(), &mut |step| match step {
            Step::Asked(_, bytes) => case.request.extend(bytes),
            Step::Said { bytes, .. } => case.response.extend(bytes),
            Step::Ended(_) => ended += 1,
            Step::Begin(_) | Step::Sent(_) => {}
        });
    }
    assert_eq!((turns.begun(), ended), (1, 1));
    assert_eq!(case.read().requested_model.as_deref(), Some("gpt-5.5"));
    Case { content_type: "", status: 101, ..case }
}

/// What `expected` says and the reader does not.
fn differences(case: &Case, expected: &Value) -> Vec<String> {
    let reading = case.read();
    let usage = &reading.usage;
    let parts = answer(case);
    let calls: Vec<(String, Value)> = parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall { name, arguments, .. } => {
                Some((name.clone(), serde_json::from_str(arguments).ok()?))
            }
            _ => None,
        })
        .collect();
    let said: String = parts
        .iter()
        .filter_map(|part| if let Part::Text { text } = part { Some(text.as_str()) } else { None })
        .collect();
    // A bucket that nobody mentions is zero to the samples and unknown to us.
    let mentioned = |tokens: Option<u64>| json!(tokens.unwrap_or(0));
    let dollars = |value: &Value| value.as_f64().map(|dollars| (dollars * 1e12).round());
    let mut different = Vec::new();
    for (key, wanted) in expected.as_object().unwrap() {
        let found = match key.as_str() {
            "model" => json!(reading.model),
            "fresh_input" => json!(usage.input),
            "cache_read" => mentioned(usage.cache_read),
            "cache_write_5m" => mentioned(usage.cache_write_5m),
            "cache_write_1h" => mentioned(usage.cache_write_1h),
            "output_total" => json!(usage.output),
            "reasoning_in_output" => mentioned(usage.reasoning),
            "stop" => json!(reading.finish_reason),
            "response_id" => json!(reading.response_id),
            "text" => json!(said),
            "web_search_requests" => json!(reading.units.web_searches),
            "partial" => json!(!reading.complete),
            "error" => json!(reading.error.as_deref().map(crate::dialect::error_kind)),
            "reported_cost_usd" => {
                let pico = reading.provider_cost.map(|cost| cost.pico() as f64);
                if pico == dollars(wanted) { wanted.clone() } else { json!(pico) }
            }
            "tool_calls" => {
                let wanted: Vec<(String, Value)> = wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|call| (call["name"].as_str().unwrap().to_owned(), call["arguments"].clone()))
                    .collect();
                if calls == wanted { expected[key].clone() } else { json!(format!("{calls:?}")) }
            }
            "tokens_per_second" | "predicted_per_second" => {
                let rate = reading.server.and_then(|server| server.output_per_second()).unwrap_or(0.0);
                if (rate - wanted.as_f64().unwrap()).abs() < 0.05 { wanted.clone() } else { json!(rate) }
            }
            "context_used" => json!(usage.total()),
            // Prices have tests of their own; a note is for people.
            "computed_cost_usd" | "note" => wanted.clone(),
            other => json!(format!("no reader for {other}")),
        };
        if found != *wanted {
            different.push(format!("{key}: wanted {wanted}, found {found}"));
        }
    }
    different
}

#[test]
#[ignore = "needs LLMFLOW_SAMPLES, a folder of samples with an expected.json"]
fn samples_written_by_others_are_read_as_they_expect() {
    let folder = std::path::PathBuf::from(std::env::var_os("LLMFLOW_SAMPLES").unwrap());
    let expected: Value =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let (mut same, mut skipped, mut different) = (0, Vec::new(), Vec::new());
    for (file, expected) in expected.as_object().unwrap() {
        let Some((provider, path)) = provider_and_path(file) else {
            skipped.push(file);
            continue;
        };
        let content_type = match file.rsplit_once('.').unwrap().1 {
            "sse" => "text/event-stream",
            "ndjson" => "application/x-ndjson",
            "b64" => "application/vnd.amazon.eventstream",
            _ => "application/json",
        };
        let mut body = std::fs::read(folder.join(file)).unwrap();
        if file.ends_with(".b64") {
            let text: Vec<u8> = body.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
            body = STANDARD.decode(text).unwrap();
        }
        let case = match file.starts_with("codex-websocket") {
            true => turn(&body),
            false => Case { content_type, ..Case::new(provider, path, body) },
        };
        let found = differences(&case, expected);
        same += usize::from(found.is_empty());
        different.extend(found.into_iter().map(|line| format!("{file}: {line}")));
    }
    println!(
        "samples: {same} as expected, {} different, {} not read here: {skipped:?}",
        different.len(),
        skipped.len()
    );
    assert!(different.is_empty(), "{different:#?}");
}
