//! How fast requests are read. Prints; asserts nothing, since it depends on the machine:
//! `cargo test --release -p collector --test speed -- --ignored --nocapture`.

use std::time::Instant;

use collector::{Encoding, Signal, decode, encode};
use model::telemetry::wire::{Attributes, Export, Origin, Resource, Scope, Span, Value};

/// A thousand spans of twenty attributes, and `text` bytes of messages in two of them.
fn batch(text: usize) -> Export {
    let span = |number: u64| {
        let mut attributes: Vec<(String, Value)> = (0..12)
            .map(|index| {
                (format!("gen_ai.request.attribute_{index}"), Value::Text(format!("value {number} {index}")))
            })
            .collect();
        attributes.extend(
            (0..6).map(|index| (format!("gen_ai.usage.count_{index}"), Value::Int(number as i64 * 37))),
        );
        for name in ["gen_ai.input.messages", "gen_ai.output.messages"] {
            let message = r#"[{"role":"user","parts":[{"type":"text","content":"The quick brown fox. "}]}]"#;
            attributes.push((name.to_owned(), Value::Text(message.repeat(text / 2 / message.len()))));
        }
        Span {
            trace_id: (u128::from(number / 50) + 1).to_be_bytes(),
            span_id: (number + 1).to_be_bytes(),
            parent: Some((number / 2 + 1).to_be_bytes()),
            name: "chat gpt-5".to_owned(),
            kind: 3,
            start_ns: 1_700_000_000_000_000_000 + number,
            end_ns: 1_700_000_001_000_000_000 + number,
            attributes: Attributes(attributes),
            ..Span::default()
        }
    };
    let resource = Resource {
        attributes: Attributes(vec![("service.name".to_owned(), Value::Text("speed".to_owned()))]),
        ..Resource::default()
    };
    let scope = Scope { name: "scope".to_owned(), ..Scope::default() };
    Export::Traces(vec![(Origin { resource, scope }, (0..1000).map(span).collect())])
}

#[test]
#[ignore = "prints, for the release profile"]
fn requests_are_read() {
    for (name, export) in [("20 attributes", batch(0)), ("and 2 KB of messages", batch(2048))] {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let body = encode(&export, encoding);
            let (began, mut rounds) = (Instant::now(), 0_u32);
            while began.elapsed().as_millis() < 1500 {
                let decoded = decode(Signal::Traces, encoding, &body, usize::MAX / 2).unwrap();
                assert_eq!(decoded.export.len(), 1000);
                rounds += 1;
            }
            let spans = f64::from(rounds) * 1000.0 / began.elapsed().as_secs_f64();
            println!(
                "{name}, {encoding:?}: {spans:.0} spans/s on one core ({:.2} µs each, {} bytes each)",
                1e6 / spans,
                body.len() / 1000
            );
        }
    }
}
