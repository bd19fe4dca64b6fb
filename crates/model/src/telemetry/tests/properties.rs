//! What holds for every span and record: the order of attributes means nothing, strange ones mean nothing, and nothing
//! that anybody can send breaks a reader or keeps it long.

use proptest::prelude::*;

use crate::telemetry::keys::KEYS;
use crate::telemetry::wire::{Attributes, LogRecord, Origin, Resource, Scope, Span, SpanEvent, Value};
use crate::telemetry::{
    log_conversation, metric_usage, read_log, read_span, searchable_text, span_conversation, span_io,
};

/// Texts that mean something somewhere, and texts that mean nothing anywhere.
fn texts() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "chat",
        "LLM",
        "TOOL",
        "invoke_agent",
        "execute_tool",
        "anthropic",
        "gpt-4o",
        "claude-opus-4-8[1m]",
        "12",
        "-1",
        "0.5",
        "true",
        "false",
        "pending_span",
        "ai.generateText",
        "ai.streamText.doStream",
        "[1m]",
        "",
        "\"CHAIN\"",
        "[{\"role\":\"user\",\"content\":\"hi\"}]",
        "{\"input\":10,\"total\":12}",
        "{\"messages\":[",
        "[[[[[[",
        "\"",
        "2026-11-21T21:39:46.561Z",
        "<REDACTED>",
        "api_request",
        "codex.sse_event",
        "gemini_cli.api_response",
    ]);
    prop_oneof![3 => known.prop_map(str::to_owned), 1 => ".{0,20}"]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        texts().prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (0..5_000_i64).prop_map(Value::Int),
        any::<f64>().prop_map(Value::Double),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec((texts(), inner), 0..4).prop_map(|members| Value::Map(Attributes(members))),
        ]
    })
}

fn names() -> impl Strategy<Value = String> {
    let known = (0..KEYS.len()).prop_map(|index| KEYS[index].1.to_owned());
    let spread = prop::sample::select(vec![
        "gen_ai.prompt.0.role",
        "gen_ai.prompt.0.content",
        "gen_ai.prompt.1.content",
        "gen_ai.completion.0.content",
        "llm.input_messages.0.message.role",
        "llm.input_messages.0.message.content",
        "llm.input_messages.0",
        "llm.output_messages.3.message.tool_calls.0.tool_call.function.name",
        "gen_ai.prompt.",
        "llm.tools.0.tool.json_schema",
    ]);
    prop_oneof![6 => known, 1 => spread.prop_map(str::to_owned)]
}

/// Attributes without a name that stands twice.
fn attributes() -> impl Strategy<Value = Vec<(String, Value)>> {
    prop::collection::btree_map(names(), values(), 0..25).prop_map(|all| all.into_iter().collect())
}

fn origins() -> impl Strategy<Value = Origin> {
    let services = prop::sample::select(vec![
        "",
        "claude-code",
        "codex_exec",
        "gemini-cli",
        "qwen-code",
        "opencode",
        "github-copilot",
        "shop",
    ]);
    let scopes = prop::sample::select(vec![
        "",
        "com.anthropic.claude_code.tracing",
        "codex_exec",
        "gemini-cli",
        "opencode",
        "ai",
        "litellm",
        "pydantic-ai",
        "@opentelemetry/instrumentation-http",
    ]);
    (services, scopes).prop_map(|(service, scope)| Origin {
        resource: Resource {
            attributes: Attributes(vec![("service.name".to_owned(), Value::Text(service.to_owned()))]),
            ..Resource::default()
        },
        scope: Scope { name: scope.to_owned(), ..Scope::default() },
    })
}

fn span(attributes: Vec<(String, Value)>) -> Span {
    let name = ["llm_call", "handle_responses", "claude_code.tool", "agent run", "tools/call x"];
    Span {
        name: name.get(attributes.len() % 6).map_or_else(String::new, |name| (*name).to_owned()),
        start_ns: 10,
        end_ns: 5,
        status_code: i32::try_from(attributes.len() % 3).unwrap(),
        events: vec![SpanEvent {
            attributes: Attributes(attributes.clone()),
            name: "gen_ai.choice".to_owned(),
            ..SpanEvent::default()
        }],
        attributes: Attributes(attributes),
        ..Span::default()
    }
}

fn record(attributes: Vec<(String, Value)>) -> LogRecord {
    LogRecord { attributes: Attributes(attributes), observed_ns: u64::MAX, ..LogRecord::default() }
}

proptest! {
    #[test]
    fn order_and_strangers_mean_nothing(all in attributes(), origin in origins(), turn in 0_usize..25) {
        let mut turned = all.clone();
        turned.rotate_left(turn.min(all.len()));
        turned.reverse();
        for index in 0..10 {
            turned.insert(index.min(turned.len()), (format!("x.unheard.{index}"), Value::Text("gpt".to_owned())));
        }
        // Attributes of events are left as they are: their order is the order of what was said.
        let mut other = span(turned.clone());
        let one = span(all.clone());
        other.events.clone_from(&one.events);
        other.name.clone_from(&one.name);
        other.status_code = one.status_code;
        prop_assert_eq!(read_span(&one, &origin), read_span(&other, &origin));
        prop_assert_eq!(span_conversation(&one, &origin), span_conversation(&other, &origin));
        prop_assert_eq!(span_io(&one), span_io(&other));
        prop_assert_eq!(read_log(&record(all), &origin), read_log(&record(turned), &origin));
    }

    #[test]
    fn what_is_counted_stays_within_reason(all in attributes(), origin in origins()) {
        let reading = read_span(&span(all.clone()), &origin);
        let log = read_log(&record(all.clone()), &origin);
        for call in reading.call.iter().chain(&log.call) {
            prop_assert!(call.usage.total().is_none_or(|total| total < 1 << 57));
            prop_assert!(call.usage.reasoning.unwrap_or(0) <= call.usage.output.unwrap_or(u64::MAX));
        }
        prop_assert!(!reading.echo || reading.call.is_none(), "an echo is never counted");
        let said = log_conversation(&[record(all.clone())], &origin);
        prop_assert!(said.is_none_or(|said| searchable_text(&said, 50).len() <= 50));
        prop_assert!(metric_usage("claude_code.token.usage", &Attributes(all)).is_some());
    }
}

#[test]
fn hostile_spans_are_read_like_others() {
    let many: Vec<(String, Value)> = (0..20_000)
        .map(|index| (format!("llm.input_messages.{index}.message.content"), Value::Text("x".to_owned())))
        .collect();
    let long = format!("[{}]", vec![r#"{"role":"user","content":"again"}"#; 10_000].join(","));
    let mut deep = Value::Int(1);
    for _ in 0..500 {
        deep = Value::Map(Attributes(vec![("role".to_owned(), deep)]));
    }
    let deep_json = format!("{}1{}", "{\"messages\":[".repeat(50_000), "]}".repeat(50_000));
    for attributes in [
        many,
        vec![("gen_ai.input.messages".to_owned(), Value::Text(long))],
        vec![("gen_ai.input.messages".to_owned(), deep)],
        vec![
            ("input.value".to_owned(), Value::Text(deep_json)),
            ("openinference.span.kind".to_owned(), Value::Text("LLM".to_owned())),
        ],
        vec![
            ("gen_ai.usage.input_tokens".to_owned(), Value::Int(i64::MAX)),
            ("gen_ai.usage.output_tokens".to_owned(), Value::Double(f64::NAN)),
        ],
        vec![("a".repeat(1 << 20), Value::Text("b".repeat(1 << 20)))],
    ] {
        let span = span(attributes);
        read_span(&span, &Origin::default());
        span_conversation(&span, &Origin::default());
        span_io(&span);
    }
}
