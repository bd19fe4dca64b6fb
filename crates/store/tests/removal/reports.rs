//! Reports that are deleted: their rows, their records in packs, what waits to be joined.

use std::sync::Arc;

use api::{CallFilter, Erase, LogFilter};
use model::telemetry::wire::{Attributes, LogRecord, Origin, Span, Value};
use store::{LogWrite, Reports, SpanWrite, Store};
use tempfile::TempDir;

use super::made::Random;
use super::{held, open};

/// Thirty traces of five spans each, every tenth span sent twice; each trace says a word.
async fn fill(store: &Store, words: &[String]) {
    for (number, word) in (1_u8..).zip(words) {
        let mut reports = Reports::default();
        for span in 1..=5_u8 {
            let said = |text: &str| Attributes(vec![("said".into(), Value::Text(format!("{text} {word}")))]);
            let written = Span {
                trace_id: [number; 16],
                span_id: [span; 8],
                parent: (span > 1).then_some([1; 8]),
                name: format!("span {word}"),
                start_ns: u64::from(number) * 1_000_000_000,
                end_ns: u64::from(number) * 1_000_000_000 + 5,
                attributes: said("first"),
                ..Span::default()
            };
            let again = Span { attributes: said("again"), ..written.clone() };
            for span in [written, again] {
                reports.spans.push(SpanWrite { span, origin: Arc::default(), reading: Default::default() });
            }
            let record = LogRecord {
                time_ns: u64::from(number) * 1_000_000_000 + u64::from(span),
                body: Value::Text(format!("log {word}")),
                trace_id: Some([number; 16]),
                ..LogRecord::default()
            };
            for _ in 0..2 {
                reports.logs.push(LogWrite {
                    record: record.clone(),
                    origin: Arc::new(Origin::default()),
                    reading: Default::default(),
                });
            }
        }
        // Sent twice: the second time nothing is new.
        for _ in 0..2 {
            let batch = store.prepare_telemetry(vec![reports.clone()], 0).unwrap();
            store.commit_telemetry(&[batch]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_deleted_trace_is_nowhere_and_the_others_can_be_read() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let mut random = Random::new(11);
    let words: Vec<String> = (0..30).map(|_| random.word()).collect();
    fill(&store, &words).await;
    let hex = |number: usize| format!("{:02x}", number + 1).repeat(16);
    for number in (0..30).filter(|number| number % 3 == 0) {
        let what = Erase::Trace(hex(number));
        let would = store.count_erase(&what).await.unwrap();
        assert_eq!((would.traces, would.spans, would.logs), (1, 5, 10), "{number}");
        assert_eq!(store.erase(&what).await.unwrap(), would);
    }
    store.tidy().await.unwrap();
    assert!(store.is_tidy().await.unwrap());
    let held = held(&folder, words.iter()).await;
    for (number, word) in words.iter().enumerate() {
        assert_eq!(held.contains(word.as_str()), number % 3 != 0, "{number}");
    }
    let page = store.list_traces(&CallFilter::default(), 100, 0, None).await.unwrap();
    assert_eq!((page.entries.len(), page.total), (20, 20));
    for number in (0..30_u8).filter(|number| number % 3 != 0) {
        let span = store.span([number + 1; 16], [3; 8]).await.unwrap().unwrap();
        assert_eq!(span.span.name, format!("span {}", words[usize::from(number)]));
    }
    let logs = store.list_logs(&LogFilter::default(), 1_000, 0, None).await.unwrap();
    assert_eq!((logs.logs.len(), logs.total), (200, 200));
    // What comes again after it was deleted is new.
    fill(&store, &words[..1]).await;
    assert_eq!(store.list_traces(&CallFilter::default(), 100, 0, None).await.unwrap().total, 21);
    store.erase(&Erase::Before(16_000)).await.unwrap();
    store.tidy().await.unwrap();
    let left = super::held(&folder, words.iter()).await;
    assert_eq!(left.len(), 10, "those of the second half");
    store.close().await.unwrap();
}
