//! How long it takes to make spans ready and to commit them. Printed, not asserted: run with
//! `cargo test --release -p store --test telemetry -- --ignored --nocapture speed`.

use std::time::Instant;

use model::telemetry::wire::Value;
use store::SpanWrite;

use crate::made;

fn rich(trace: u64, number: u64, messages: usize) -> SpanWrite {
    let mut write = made::span(trace, number, (number > 0).then_some(0));
    let attributes = &mut write.span.attributes.0;
    for n in 0..8 {
        attributes
            .push(made::text(&format!("gen_ai.request.attribute_{n}"), &format!("value {n} of {number}")));
    }
    for n in 0..10 {
        attributes.push((format!("gen_ai.usage.tokens_{n}"), Value::Int(i64::from(n) * 1_000)));
    }
    attributes.push(("gen_ai.request.temperature".into(), Value::Double(0.7)));
    let words =
        ["the", "model", "answers", "with", "a", "tool", "call", "and", "some", "text", "of", "its", "own"];
    let mut said = format!("{trace}/{number}: ");
    let mut state = trace * 31 + number;
    while said.len() < messages {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        said.push_str(words[usize::try_from(state >> 33).unwrap() % words.len()]);
        said.push(' ');
    }
    attributes.push(made::text("gen_ai.input.messages", &said));
    write.reading.label = Some(format!("gpt-4o, step {number}"));
    write.reading.whose.session = Some(format!("session {}", trace / 50));
    if number % 4 == 1 { made::calls(write) } else { write }
}

#[tokio::test]
#[ignore = "prints figures, which are worth nothing without --release"]
async fn speed() {
    for (what, spans, messages) in [("20 attributes", 100_000, 0), ("2 KB of messages", 20_000, 2_048)] {
        let (store, _folder) = made::store().await;
        let (mut prepared, mut committed) = (0.0, 0.0);
        for batch in 0..spans / 1_000 {
            let origin = made::origin("app");
            let writes = (0..1_000).map(|number| SpanWrite {
                origin: origin.clone(),
                ..rich(batch * 100 + number / 10, number % 10, messages)
            });
            let request = made::spans(writes);
            let began = Instant::now();
            let batch = store.prepare_telemetry(vec![request], 0).unwrap();
            prepared += began.elapsed().as_secs_f64();
            let began = Instant::now();
            store.commit_telemetry(&[batch]).await.unwrap();
            committed += began.elapsed().as_secs_f64();
        }
        let each = |seconds: f64| seconds * 1e6 / f64::from(u32::try_from(spans).unwrap());
        let bytes = store.disk_bytes() / spans;
        println!(
            "{what}: prepare {:.1} µs, commit {:.1} µs a span; {bytes} bytes a span on disk",
            each(prepared),
            each(committed)
        );
    }
}
