//! Where fuzzing begins: the answers that the readers are tested with, and a few requests. All written by us.

use std::path::Path;

use collector::{Encoding, Signal};
use model::dialect::{Dialect, WEBSOCKET, classify};

use crate::Target;

/// Requests in the shapes of the great dialects.
const REQUESTS: [&str; 6] = [
    r#"{"model":"m","stream":true,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Grüße","cache_control":{"type":"ephemeral"}}]},{"role":"tool","tool_call_id":"t","content":"42"}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}"#,
    r#"{"model":"m","system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"ok"},{"cache_control":null,"type":"text","text":"<system-reminder>no</system-reminder>go"}]}],"metadata":{"user_id":"user_a_session_b"}}"#,
    r#"{"contents":[{"role":"user","parts":[{"text":"hi"},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}],"systemInstruction":{"parts":[{"text":"s"}]},"tools":[{"functionDeclarations":[{"name":"f"}]}]}"#,
    r#"{"model":"m","project":"p","request":{"contents":[{"parts":[{"functionResponse":{"name":"f","response":{"output":"x"}}}]}]}}"#,
    r#"{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"function_call_output","call_id":"c","output":"o"}],"instructions":"i","prompt_cache_key":"k"}"#,
    "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nhm\r\n--b--\r\n",
];

/// A chat and a response with something of everything.
const TRANSLATED: [&str; 2] = [
    r#"{"model":"gemini-3-pro","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"Grüße"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"high"}}]},{"role":"assistant","content":null,"reasoning_details":[{"type":"reasoning.text","text":"t","signature":"s"}],"tool_calls":[{"id":"a__gemini__QQ","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a__gemini__QQ","content":"42"}],"tools":[{"type":"function","function":{"name":"f","parameters":{},"strict":true}}],"tool_choice":"required","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}},"max_tokens":9000,"temperature":0.5,"top_p":1,"stop":["x"],"reasoning_effort":"low"}"#,
    r#"{"model":"claude-opus-4-6","stream":true,"instructions":"i","input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"reasoning","summary":[{"type":"summary_text","text":"t"}],"encrypted_content":"signature:s"},{"type":"function_call","call_id":"c","name":"f","namespace":"n","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"o"}],"tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"f"}]}],"text":{"format":{"type":"json_object"}},"reasoning":{"effort":"low","summary":"auto"}}"#,
];
/// A chat request that every provider takes.
const CALL: &str = r#"{"model":"m","stream":true,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Grüße","cache_control":{"type":"ephemeral"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]},{"role":"assistant","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"t","content":"42"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"response_format":{"type":"json_object"},"stop":["x"],"max_tokens":9,"temperature":0.5}"#;

/// Messages of the protocols that have turns.
const MESSAGES: [&str; 6] = [
    r#"{"type":"response.create","event_id":"e","input":[]}"#,
    r#"{"type":"response.created","response":{"id":"r"}}"#,
    r#"{"type":"response.done","response":{"id":"r"}}"#,
    r#"{"type":"error","error":{"event_id":"e"}}"#,
    r#"{"setup":{"model":"m"},"clientContent":{"turnComplete":true}}"#,
    r#"{"serverContent":{"modelTurn":{},"turnComplete":true}}"#,
];

/// A conversation in frames: each message whole, in two masked frames, and compressed.
fn frames() -> Vec<u8> {
    let mut packer = flate2::Compress::new(flate2::Compression::fast(), false);
    let mut bytes = Vec::new();
    let mut frame = |first: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).unwrap_or_default();
        bytes.extend([&[first, length][..], payload].concat());
    };
    for message in MESSAGES.map(str::as_bytes) {
        frame(0x81, message);
        let (one, two) = message.split_at(message.len() / 2);
        frame(0x01, one);
        frame(0x89, b"ping");
        frame(0x80, two);
        let mut packed = Vec::with_capacity(256);
        let flush = flate2::FlushCompress::Sync;
        if packer.compress_vec(message, &mut packed, flush).is_ok() {
            packed.truncate(packed.len() - 4);
            frame(0xc1, &packed);
        }
    }
    frame(0x88, &[3, 0xe8]);
    bytes.extend([0x81, 0x85, 1, 2, 3, 4, b'h' ^ 1, b'e' ^ 2, b'l' ^ 3, b'l' ^ 4, b'o' ^ 1]);
    bytes
}

/// The inputs that `target` begins with.
pub fn seeds(target: Target) -> Vec<Vec<u8>> {
    let answers = answers();
    let with = |prefix: &[u8], bodies: &[u8]| [prefix, bodies].concat();
    match target {
        Target::Framing => answers.iter().map(|(_, bytes)| with(&[0x35], bytes)).collect(),
        Target::Frames => {
            let streams = answers.iter().filter(|(name, _)| name.ends_with(".eventstream"));
            streams.map(|(_, bytes)| bytes.clone()).collect()
        }
        Target::Scanning | Target::Segments => {
            let documents = answers.iter().filter(|(name, _)| name.ends_with(".json"));
            documents
                .map(|(_, bytes)| bytes.clone())
                .chain(REQUESTS.iter().map(|request| request.as_bytes().to_vec()))
                .collect()
        }
        Target::Websocket => (0..16).map(|labels| with(&[labels, 0x35 ^ (labels << 4)], &frames())).collect(),
        Target::OtlpJson => reports().iter().map(|(signal, body)| with(&[*signal as u8], body)).collect(),
        Target::OtlpProtobuf => reports()
            .iter()
            .filter_map(|(signal, body)| {
                let decoded = collector::decode(*signal, Encoding::Json, body, usize::MAX / 2).ok()?;
                Some(with(&[*signal as u8], &collector::encode(&decoded.export, Encoding::Protobuf)))
            })
            .collect(),
        Target::Decoding => (0..6).map(|encoding| with(&[128 + encoding], b"data: {\"a\":1}\n\n")).collect(),
        Target::Dialects => {
            let of_answers = answers.iter().map(|(name, bytes)| {
                let label = match name.rsplit('.').next() {
                    Some("sse") => 0,
                    // No type at all: the frames tell themselves.
                    Some("eventstream") => 3,
                    _ => 1 + u8::from(name.ends_with('l')),
                };
                with(&[dialect_of(name), label], &with(b"{\"model\":\"m\",\"prompt\":\"p\"}\0", bytes))
            });
            let of_requests = REQUESTS.iter().flat_map(|request| {
                [0, 1, 9, 10, 13, 18].map(|dialect| with(&[dialect, 1], &with(request.as_bytes(), b"\0{}")))
            });
            of_answers.chain(of_requests).collect()
        }
        Target::Translation => {
            let spoken = [("anthropic", 0), ("gemini", 1), ("cohere", 2)];
            let of_targets = answers.iter().filter_map(|(name, bytes)| {
                let (_, target) = spoken.iter().find(|(start, _)| name.starts_with(start))?;
                Some((*target, bytes))
            });
            let calls = of_targets.flat_map(|(target, bytes): (u8, _)| {
                let request = |front: u8, request: &str| {
                    with(&[target << 1 | front, 3], &with(request.as_bytes(), &with(b"\0", bytes)))
                };
                let [chat, response] = TRANSLATED;
                [request(0, CALL), request(0, chat), request(1, REQUESTS[4]), request(1, response)]
            });
            calls.collect()
        }
    }
}

/// The answers the readers are tested with, in the order of their names.
fn answers() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/model/fixtures");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut answers: Vec<(String, Vec<u8>)> = files
        .filter_map(|file| Some((file.file_name().into_string().ok()?, std::fs::read(file.path()).ok()?)))
        .collect();
    answers.sort();
    answers
}

/// OTLP of every field, in the spellings of careless senders.
const REPORTS: [(Signal, &str); 3] = [
    (
        Signal::Traces,
        r#"{"resource_spans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}],"entityRefs":[{"type":"t","idKeys":["k"]}]},"scope_spans":[{"scope":{"name":"n","version":"1"},"spans":[{"trace_id":"0AF7651916CD43DD8448EB211C80319C","spanId":"t61rcWkgMzE=","parentSpanId":"","kind":"SPAN_KIND_CLIENT","startTimeUnixNano":1700000000000000000,"endTimeUnixNano":"1700000001000000000","attributes":[{"key":"a","value":{"intValue":1.5}},{"key":"b","value":{"arrayValue":{"values":[{"boolValue":true},{},{"kvlistValue":{"values":[{"key":"k","value":{"bytesValue":"AA=="}}]}}]}}},{"key":"c","value":"bare \ud83d"}],"events":[{"name":"e","timeUnixNano":"1"}],"links":[{"traceId":"0af7651916cd43dd8448eb211c80319c","flags":1}],"status":{"code":"STATUS_CODE_ERROR","message":"m"},"unknown":[{"x":null}]}],"schemaUrl":"u"}]}]}"#,
    ),
    (
        Signal::Logs,
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"0","observedTimeUnixNano":"5","severityNumber":"SEVERITY_NUMBER_WARN2","severityText":"W","body":{"kvlistValue":{"values":[{"key":"k","value":{"doubleValue":"NaN"}}]}},"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","eventName":"e","flags":1}]}]}]}"#,
    ),
    (
        Signal::Metrics,
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"asDouble":-Infinity,"timeUnixNano":"1","exemplars":[{"asInt":"3","spanId":"b7ad6b7169203331"}]}]}},{"name":"s","sum":{"dataPoints":[{"asInt":"-1","flags":1}],"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","isMonotonic":true}},{"name":"h","histogram":{"dataPoints":[{"count":"3","sum":1,"bucketCounts":["1",2],"explicitBounds":[0.5],"min":0}],"aggregationTemporality":2}},{"name":"e","exponentialHistogram":{"dataPoints":[{"count":1,"scale":-2,"zeroCount":"1","positive":{"offset":-3,"bucketCounts":["1"]}}]}},{"name":"q","summary":{"dataPoints":[{"count":"1","sum":2.5,"quantileValues":[{"quantile":0.5,"value":1}]}]}}]}]}]}"#,
    ),
];

/// What tools report about themselves: ours, and what the normalisers are tested with.
fn reports() -> Vec<(Signal, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/model/fixtures/telemetry");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of_dialects = files.filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        let signal = match name.rsplit('.').nth(1)? {
            "traces" => Signal::Traces,
            "logs" => Signal::Logs,
            "metrics" => Signal::Metrics,
            _ => return None,
        };
        Some((signal, std::fs::read(file.path()).ok()?))
    });
    REPORTS.iter().map(|(signal, body)| (*signal, body.as_bytes().to_vec())).chain(of_dialects).collect()
}

/// Which dialect a file is in, by its name.
fn dialect_of(file: &str) -> u8 {
    let paths = [
        ("openai-responses", "/v1/responses"),
        ("openai-realtime", "/v1/realtime"),
        ("openai-completions", "/v1/completions"),
        ("anthropic", "/v1/messages"),
        ("gemini", "/v1/models/g:streamGenerateContent"),
        ("bedrock-claude", "/v1/messages"),
        ("bedrock-converse", "/model/m/converse"),
        ("bedrock-embeddings", "/model/titan-embed/invoke"),
        ("bedrock", "/model/m/invoke"),
        ("ollama-generate", "/api/generate"),
        ("ollama-pull", "/api/pull"),
        ("ollama", "/api/chat"),
        ("cohere", "/v2/chat"),
        ("llamacpp-completion", "/completion"),
        ("mistral-conversation", "/v1/conversations"),
        ("imag", "/v1/images/generations"),
        ("transcription", "/v1/audio/transcriptions"),
        ("speech", "/v1/audio/speech"),
        ("moderation", "/v1/moderations"),
        ("rerank", "/v1/rerank"),
        ("embeddings", "/v1/embeddings"),
        ("ocr", "/v1/ocr"),
        ("batch", "/v1/batches"),
        ("response-stored", "/v1/responses/r/cancel"),
        ("response", "/v1/responses"),
        ("generation", "/v1/responses/r/cancel"),
        ("count", "/v1/messages/count_tokens"),
    ];
    let path =
        paths.iter().find(|(start, _)| file.starts_with(start)).map_or("/chat/completions", |(_, path)| path);
    let method = if path == "/v1/realtime" { WEBSOCKET } else { "POST" };
    let dialect = classify("mistral", method, path);
    Dialect::ALL.iter().position(|known| *known == dialect).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
}
