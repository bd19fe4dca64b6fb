//! A corpus that uses every field of the protocol, over every transport, found back to the last attribute. Leaves out
//! metrics (`points`).

use api::{LogDetail, LogFilter, LogRow, SpanDetail};
use tests::otlp::proto::logs::v1::LogRecord;
use tests::otlp::proto::trace::v1::Span;
use tests::otlp::{Corpus, attributes, reporter, value};
use tests::{App, Mock};

use super::{WAYS, Way, hex, points};

const KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];

#[tokio::test]
async fn every_field_comes_back_however_it_was_sent() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for (way, seed) in WAYS.into_iter().zip(1..) {
        let corpus = Corpus::new(seed);
        for export in corpus.exports() {
            assert_eq!(way.send(&app, &export).await, Ok(0), "{way:?}, {}", export.path());
        }
        let (spans, attributes) = check_spans(&app, &corpus, way).await;
        let logs = check_logs(&app, &corpus, way).await;
        let points = points::check(&app, &corpus, way).await;
        println!(
            "{way:?}: {spans} spans ({attributes} attributes), {logs} log records, {points} points came back"
        );
    }
}

#[tokio::test]
async fn what_is_sent_twice_is_there_once() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let corpus = Corpus::new(7);
    for way in [WAYS[0], WAYS[4], WAYS[7]] {
        for export in corpus.exports() {
            assert_eq!(way.send(&app, &export).await, Ok(0), "{way:?}, {}", export.path());
        }
        check_spans(&app, &corpus, way).await;
        check_logs(&app, &corpus, way).await;
        points::check(&app, &corpus, way).await;
    }
    assert_eq!(app.traces().await.len(), 1);
    app.digested().await;
    let app = app.stop().setup.start().await;
    check_spans(&app, &corpus, WAYS[0]).await;
    check_logs(&app, &corpus, WAYS[0]).await;
    points::check(&app, &corpus, WAYS[0]).await;
}

/// How many spans, and attributes of them, were compared.
async fn check_spans(app: &App, corpus: &Corpus, way: Way) -> (usize, usize) {
    let (mut compared, mut compared_attributes) = (0, 0);
    let mut trace_id = String::new();
    for of in &corpus.traces.resource_spans {
        for scoped in &of.scope_spans {
            for span in &scoped.spans {
                trace_id = hex(&span.trace_id);
                let found = app.span(&trace_id, &hex(&span.span_id)).await;
                let reporter =
                    reporter(of.resource.as_ref(), &of.schema_url, scoped.scope.as_ref(), &scoped.schema_url);
                check_span(&found, span, way);
                points::check_reporter(&found.reporter, of.resource.as_ref(), &reporter);
                compared += 1;
                compared_attributes +=
                    found.attributes.len() + found.reporter.resource.len() + found.reporter.scope.len();
            }
        }
    }
    let trace = app.trace(&trace_id).await;
    assert_eq!((trace.spans.len(), trace.trace.spans), (compared, compared as u64), "{way:?}");
    assert_eq!(trace.trace.orphans, 1, "{way:?}: one names a parent that nobody reported");
    (compared, compared_attributes)
}

fn check_span(found: &SpanDetail, sent: &Span, way: Way) {
    let what = format!("{way:?}, {}", sent.name);
    let (row, status) = (&found.row, sent.status.clone().unwrap_or_default());
    assert_eq!((&row.id, &found.trace_id), (&hex(&sent.span_id), &hex(&sent.trace_id)), "{what}");
    assert_eq!(row.parent.clone().unwrap_or_default(), hex(&sent.parent_span_id), "{what}");
    assert_eq!(
        (&row.name, found.kind.as_str()),
        (&sent.name, KINDS[usize::try_from(sent.kind).unwrap()]),
        "{what}"
    );
    assert_eq!(row.start_ns.unsigned_abs(), sent.start_time_unix_nano, "{what}");
    let duration = sent.end_time_unix_nano.saturating_sub(sent.start_time_unix_nano);
    assert_eq!(row.duration_ns.unsigned_abs(), duration, "{what}");
    assert_eq!((found.status_code, &found.status_message), (status.code, &status.message), "{what}");
    assert_eq!(row.failed, status.code == 2, "{what}");
    assert_eq!((&found.trace_state, found.flags), (&sent.trace_state, sent.flags), "{what}");
    assert_eq!(found.attributes, attributes(&sent.attributes), "{what}");
    let dropped = (sent.dropped_attributes_count, sent.dropped_events_count, sent.dropped_links_count);
    assert_eq!((found.dropped_attributes, found.dropped_events, found.dropped_links), dropped, "{what}");
    let events = sent.events.iter().map(|event| api::SpanEvent {
        time_ns: i64::try_from(event.time_unix_nano).unwrap(),
        name: event.name.clone(),
        attributes: attributes(&event.attributes),
        dropped_attributes: event.dropped_attributes_count,
    });
    assert_eq!(found.events, events.collect::<Vec<_>>(), "{what}");
    let links = sent.links.iter().map(|link| api::SpanLink {
        trace_id: hex(&link.trace_id),
        span_id: hex(&link.span_id),
        trace_state: link.trace_state.clone(),
        flags: link.flags,
        attributes: attributes(&link.attributes),
        dropped_attributes: link.dropped_attributes_count,
    });
    assert_eq!(found.links, links.collect::<Vec<_>>(), "{what}");
}

/// How many records were compared.
async fn check_logs(app: &App, corpus: &Corpus, way: Way) -> usize {
    let filter = LogFilter { service: Some(corpus.service("logs")), ..LogFilter::default() };
    let rows = app.logs(&filter).await;
    assert!(rows.is_sorted_by(|newer, older| newer.time_ns >= older.time_ns), "{way:?}: newest first");
    let mut found = Vec::new();
    for row in rows {
        let detail = app.log_record(&row.id).await;
        assert_eq!(detail.row, row, "{way:?}: a list shows what is there");
        found.push(detail);
    }
    let mut compared = 0;
    for of in &corpus.logs.resource_logs {
        for scoped in &of.scope_logs {
            for record in &scoped.log_records {
                let place = found.iter().position(|found| is_record(found, record));
                let found =
                    found.swap_remove(place.unwrap_or_else(|| panic!("{way:?}: {record:?} is not there")));
                check_row(&found.row, record);
                let reporter =
                    reporter(of.resource.as_ref(), &of.schema_url, scoped.scope.as_ref(), &scoped.schema_url);
                points::check_reporter(&found.reporter, of.resource.as_ref(), &reporter);
                compared += 1;
            }
        }
    }
    assert!(found.is_empty(), "{way:?}: what nobody sent: {found:?}");
    compared
}

fn is_record(found: &LogDetail, sent: &LogRecord) -> bool {
    found.time_ns.unsigned_abs() == sent.time_unix_nano
        && found.observed_ns.unsigned_abs() == sent.observed_time_unix_nano
        && i32::from(found.row.severity) == sent.severity_number
        && found.severity_text == sent.severity_text
        && found.event_name == sent.event_name
        && found.body == value(sent.body.as_ref())
        && found.attributes == attributes(&sent.attributes)
        && found.dropped_attributes == sent.dropped_attributes_count
        && found.flags == sent.flags
}

fn check_row(row: &LogRow, sent: &LogRecord) {
    let time = if sent.time_unix_nano == 0 { sent.observed_time_unix_nano } else { sent.time_unix_nano };
    assert_eq!(row.time_ns.unsigned_abs(), time);
    let id = |bytes: &[u8]| (!bytes.is_empty()).then(|| hex(bytes));
    assert_eq!((&row.trace_id, &row.span_id), (&id(&sent.trace_id), &id(&sent.span_id)));
    assert!(row.text.chars().count() <= 1_000 && !row.text.contains('\n'), "one line: {:?}", row.text);
}
