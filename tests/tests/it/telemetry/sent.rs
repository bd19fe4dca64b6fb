//! What was sent is found back through the API: each span, log record and point to the last attribute, and nothing else.

use std::collections::BTreeSet;

use api::{LogDetail, LogFilter, LogRow, SpanDetail};
use tests::App;
use tests::otlp::proto::common::v1::any_value::Value::StringValue;
use tests::otlp::proto::logs::v1::LogRecord;
use tests::otlp::proto::resource::v1::Resource;
use tests::otlp::proto::trace::v1::Span;
use tests::otlp::{Export, attributes, reporter, value};

use super::{hex, points};

const KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) spans: usize,
    pub(crate) logs: usize,
    pub(crate) points: usize,
    /// Of spans, and of who reported them.
    pub(crate) attributes: usize,
}

/// Everything of these requests is there, once; and from the same services nothing else.
pub(crate) async fn check(app: &App, exports: &[Export], what: &str) -> Counted {
    let (spans, attributes) = check_spans(app, exports, what).await;
    let logs = check_logs(app, exports, what).await;
    let points = points::check(app, exports, what).await;
    Counted { spans, logs, points, attributes }
}

/// `service.name`, as filters take it.
pub(super) fn service(resource: Option<&Resource>) -> Option<String> {
    let named = resource?.attributes.iter().find(|attribute| attribute.key == "service.name")?;
    match named.value.as_ref()?.value.as_ref()? {
        StringValue(name) => Some(name.clone()),
        _ => None,
    }
}

async fn check_spans(app: &App, exports: &[Export], what: &str) -> (usize, usize) {
    let (mut compared, mut compared_attributes) = (0, 0);
    let mut traces = BTreeSet::new();
    let requests = exports.iter().filter_map(|export| match export {
        Export::Traces(request) => Some(request),
        _ => None,
    });
    for of in requests.flat_map(|request| &request.resource_spans) {
        for scoped in &of.scope_spans {
            for span in &scoped.spans {
                let found = app.span(&hex(&span.trace_id), &hex(&span.span_id)).await;
                traces.insert(found.trace_id.clone());
                let reporter =
                    reporter(of.resource.as_ref(), &of.schema_url, scoped.scope.as_ref(), &scoped.schema_url);
                check_span(&found, span, what);
                points::check_reporter(&found.reporter, of.resource.as_ref(), &reporter);
                compared += 1;
                let whose = found.reporter.resource.len() + found.reporter.scope.len();
                compared_attributes += found.attributes.len() + whose;
            }
        }
    }
    let mut there = 0;
    for trace in traces {
        let trace = app.trace(&trace).await;
        // A call that nobody reported a span of stands in its tree under its own id.
        let reported = trace.spans.iter().filter(|span| span.id.len() == 16).count();
        assert_eq!(trace.trace.spans, reported as u64, "{what}");
        there += reported;
    }
    assert_eq!(there, compared, "{what}: each span once");
    (compared, compared_attributes)
}

fn check_span(found: &SpanDetail, sent: &Span, what: &str) {
    let what = format!("{what}, {}", sent.name);
    let (row, status) = (&found.row, sent.status.clone().unwrap_or_default());
    assert_eq!((&row.id, &found.trace_id), (&hex(&sent.span_id), &hex(&sent.trace_id)), "{what}");
    assert_eq!(row.parent.clone().unwrap_or_default(), hex(&sent.parent_span_id), "{what}");
    assert_eq!(
        (&row.name, found.kind.as_str()),
        (&sent.name, KINDS[usize::try_from(sent.kind).unwrap()]),
        "{what}"
    );
    assert_eq!(row.start_ns.unsigned_abs(), sent.start_time_unix_nano, "{what}");
    // Negative where the end lies before the beginning, or was not said.
    let time = |nanoseconds: u64| i64::try_from(nanoseconds).unwrap();
    let duration = match sent.end_time_unix_nano {
        0 => -1,
        end => time(end) - time(sent.start_time_unix_nano),
    };
    assert_eq!(row.duration_ns, duration, "{what}");
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

async fn check_logs(app: &App, exports: &[Export], what: &str) -> usize {
    let requests = || {
        let requests = exports.iter().filter_map(|export| match export {
            Export::Logs(request) => Some(request),
            _ => None,
        });
        requests.flat_map(|request| &request.resource_logs).filter(|of| !of.scope_logs.is_empty())
    };
    let services: BTreeSet<_> = requests().map(|of| service(of.resource.as_ref())).collect();
    let mut found = Vec::new();
    for service in services {
        let rows = app.logs(&LogFilter { service, ..LogFilter::default() }).await;
        assert!(rows.is_sorted_by(|newer, older| newer.time_ns >= older.time_ns), "{what}: newest first");
        for row in rows {
            let detail = app.log_record(&row.id).await;
            assert_eq!(detail.row, row, "{what}: a list shows what is there");
            found.push(detail);
        }
    }
    let mut compared = 0;
    for of in requests() {
        for scoped in &of.scope_logs {
            for record in &scoped.log_records {
                let place = found.iter().position(|found| is_record(found, record));
                let place = place.unwrap_or_else(|| panic!("{what}: not there: {record:?}"));
                let found = found.swap_remove(place);
                check_row(&found.row, record);
                let reporter =
                    reporter(of.resource.as_ref(), &of.schema_url, scoped.scope.as_ref(), &scoped.schema_url);
                points::check_reporter(&found.reporter, of.resource.as_ref(), &reporter);
                compared += 1;
            }
        }
    }
    assert!(found.is_empty(), "{what}: what nobody sent: {found:?}");
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
