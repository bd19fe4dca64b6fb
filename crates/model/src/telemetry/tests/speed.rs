//! How long reading takes, printed. `cargo test --release -p model telemetry::tests::speed -- --ignored --nocapture`

use std::hint::black_box;

use crate::telemetry::wire::{Attributes, Origin, Resource, Scope, Span, Value};
use crate::telemetry::{read_log, read_span};

fn text(key: &str, value: &str) -> (String, Value) {
    (key.to_owned(), Value::Text(value.to_owned()))
}

/// Twenty attributes, as a model's call has them.
fn span() -> Span {
    let int = |key: &str, value: i64| (key.to_owned(), Value::Int(value));
    let attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4.1"),
        text("gen_ai.response.model", "gpt-4.1-2026-02-01"),
        text("gen_ai.response.id", "chatcmpl-0000000000000001"),
        ("gen_ai.response.finish_reasons".to_owned(), Value::List(vec![Value::Text("stop".to_owned())])),
        int("gen_ai.usage.input_tokens", 1200),
        int("gen_ai.usage.output_tokens", 40),
        int("gen_ai.usage.cache_read.input_tokens", 1024),
        int("gen_ai.usage.reasoning.output_tokens", 16),
        text("gen_ai.conversation.id", "conversation-1"),
        text("gen_ai.agent.name", "guide"),
        text("server.address", "api.openai.com"),
        int("server.port", 443),
        int("gen_ai.request.max_tokens", 4096),
        ("gen_ai.request.temperature".to_owned(), Value::Double(0.2)),
        text("deployment.region", "eu-central-1"),
        text("code.function.name", "answer"),
        text("app.customer.tier", "gold"),
        int("thread.id", 12),
    ];
    Span {
        name: "chat gpt-4.1".to_owned(),
        start_ns: 1,
        end_ns: 9,
        attributes: Attributes(attributes),
        ..Span::default()
    }
}

/// Nanoseconds that this thread has had a processor (Linux): others may be at work too.
fn worked() -> u64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    said.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap()
}

#[test]
#[ignore = "prints times, and reads the kernel's account of them"]
fn speed() {
    let resource = Attributes(vec![
        text("telemetry.sdk.language", "python"),
        text("telemetry.sdk.name", "opentelemetry"),
        text("telemetry.sdk.version", "1.40.0"),
        text("service.name", "river-app"),
    ]);
    let origin = Origin {
        resource: Resource { attributes: resource, ..Resource::default() },
        scope: Scope { name: "opentelemetry.instrumentation.openai".to_owned(), ..Scope::default() },
    };
    let call = span();
    let mut said = span();
    let message =
        format!(r#"[{{"role":"user","parts":[{{"type":"text","content":"{}"}}]}}]"#, "word ".repeat(380));
    said.attributes.0.push(text("gen_ai.input.messages", &message));
    let plain = Span {
        name: "GET".to_owned(),
        attributes: Attributes((0..20).map(|at| text(&format!("app.attribute.{at}"), "value")).collect()),
        ..Span::default()
    };
    for (name, span) in [("a call", &call), ("a call with 2 KB said", &said), ("a span of nothing", &plain)] {
        let times = 100_000;
        let begun = worked();
        for _ in 0..times {
            black_box(read_span(black_box(span), black_box(&origin)));
        }
        println!("{name}: {} ns", (worked() - begun) / times);
    }
    let record = crate::telemetry::wire::LogRecord { attributes: call.attributes, ..Default::default() };
    let begun = worked();
    for _ in 0..100_000 {
        black_box(read_log(black_box(&record), black_box(&origin)));
    }
    println!("a record: {} ns", (worked() - begun) / 100_000);
}
