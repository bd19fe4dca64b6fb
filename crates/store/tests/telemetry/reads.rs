//! What lists, trees and single records say of what was committed.

use api::{AttributeValue, CallFilter, LogFilter, SpanType, TraceEntry};
use model::telemetry::wire::{Attributes, Link, SpanEvent, Value};

use crate::made::{self, START, log, logs, put, span, spans};

fn trace_hex(trace: u64) -> String {
    span(trace, 0, None).span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_trace_is_told_by_its_root_whatever_came_first() {
    let (store, _folder) = made::store().await;
    let mut root = span(1, 0, None);
    root.reading.span_type = SpanType::Agent;
    root.reading.label = Some("the agent".into());
    let mut failed = span(1, 2, Some(1));
    failed.reading.error = Some("it broke".into());
    failed.reading.infrastructure = true;
    failed.reading.whose.session = Some("s-1".into());
    failed.reading.whose.client = Some("codex".into());
    put(&store, vec![spans([failed])]).await;
    put(&store, vec![spans([span(1, 1, Some(0)), root])]).await;
    put(&store, vec![spans([span(1, 3, Some(99))])]).await;
    let page = store.list_traces(&CallFilter::default(), 10, 0, None).await.unwrap();
    assert_eq!((page.entries.len(), page.total, page.next), (1, 1, None));
    let TraceEntry::Trace(trace) = &page.entries[0] else { panic!("a trace") };
    assert_eq!((trace.name.as_str(), trace.label.as_deref()), ("step 0", Some("the agent")));
    assert_eq!(trace.span_type, SpanType::Agent);
    assert_eq!((trace.spans, trace.infrastructure, trace.errors, trace.orphans), (4, 1, 1, 1));
    assert_eq!((trace.session_id.as_deref(), trace.client.as_deref()), (Some("s-1"), Some("codex")));
    assert_eq!(trace.duration_us, 3_500);
    assert_eq!(trace.started_ms, i64::try_from(START / 1_000_000).unwrap() + 1_000);

    let tree = store.trace(span(1, 0, None).span.trace_id, 1, 2).await.unwrap().unwrap();
    assert_eq!(tree.trace, *trace);
    let names: Vec<&str> = tree.spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!((names, tree.next), (vec!["step 1", "step 2"], Some(3)));
    assert!(tree.spans[1].failed && tree.spans[1].infrastructure);
    assert_eq!(tree.spans[1].parent.as_deref(), Some(tree.spans[0].id.as_str()));
    assert!(store.trace([9; 16], 0, 10).await.unwrap().is_none());
}

#[tokio::test]
async fn a_list_is_paged_by_place_and_by_number_alike() {
    let (store, _folder) = made::store().await;
    let mut distinct: Vec<_> = (0..25).map(|trace| span(trace, 0, None)).collect();
    // Some begin in the same millisecond.
    for write in &mut distinct {
        write.span.start_ns = START + write.span.start_ns % 7 * 1_000_000;
    }
    put(&store, vec![spans(distinct)]).await;
    let whole = store.list_traces(&CallFilter::default(), 100, 0, None).await.unwrap();
    assert_eq!((whole.entries.len(), whole.total), (25, 25));
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = store.list_traces(&CallFilter::default(), 4, 0, after.as_ref()).await.unwrap();
        assert_eq!(page.total, 25);
        paged.extend(page.entries);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(paged, whole.entries);
    for offset in [0, 1, 7, 24, 25, 99] {
        let page = store.list_traces(&CallFilter::default(), 3, offset, None).await.unwrap();
        let from = usize::try_from(offset).unwrap().min(25);
        assert_eq!(page.entries, whole.entries[from..(from + 3).min(25)], "{offset}");
    }
}

#[tokio::test]
async fn filters_about_traces_hold_for_traces_without_calls() {
    let (store, _folder) = made::store().await;
    let of = |trace, session: Option<&str>| {
        let mut write = span(trace, 0, None);
        write.reading.whose.session = session.map(str::to_owned);
        write
    };
    put(&store, vec![spans([of(1, Some("a")), of(2, Some("b")), of(3, None)])]).await;
    let count = async |filter: CallFilter| store.list_traces(&filter, 10, 0, None).await.unwrap().total;
    let session = |id: &str| CallFilter { session_id: Some(id.into()), ..CallFilter::default() };
    assert_eq!(count(session("a")).await, 1);
    assert_eq!(count(session("")).await, 1);
    assert_eq!(count(CallFilter { trace_id: Some(trace_hex(2)), ..CallFilter::default() }).await, 1);
    let mut uuid = trace_hex(2).to_uppercase();
    [20, 16, 12, 8].into_iter().for_each(|at| uuid.insert(at, '-'));
    assert_eq!(count(CallFilter { trace_id: Some(uuid), ..CallFilter::default() }).await, 1);
    assert_eq!(count(CallFilter { trace_id: Some("x".into()), ..CallFilter::default() }).await, 0);
    assert_eq!(count(CallFilter { model: Some("gpt".into()), ..CallFilter::default() }).await, 0);
    let from = i64::try_from(START / 1_000_000).unwrap() + 2_000;
    assert_eq!(count(CallFilter { from_ms: Some(from), ..CallFilter::default() }).await, 2);
    assert_eq!(count(CallFilter { to_ms: Some(from), ..CallFilter::default() }).await, 1);
}

#[tokio::test]
async fn a_span_comes_back_to_the_attribute() {
    let (store, _folder) = made::store().await;
    let mut write = span(1, 5, Some(0));
    let sent = &mut write.span;
    sent.kind = 3;
    sent.status_code = 2;
    sent.status_message = "no".into();
    sent.trace_state = "a=b".into();
    sent.flags = 0x101;
    sent.attributes = Attributes(vec![
        ("double".into(), Value::Double(f64::NAN)),
        ("twice".into(), Value::Int(1)),
        ("twice".into(), Value::Int(i64::MIN)),
        ("bytes".into(), Value::Bytes(vec![1, 2, 3])),
        ("map".into(), Value::Map(Attributes(vec![("list".into(), Value::List(vec![Value::Empty]))]))),
    ]);
    sent.events = vec![SpanEvent { time_ns: START, name: "event".into(), ..SpanEvent::default() }];
    sent.links = vec![Link { trace_id: [1; 16], span_id: [2; 8], flags: 7, ..Link::default() }];
    sent.dropped_attributes = 3;
    let (trace_id, span_id) = (sent.trace_id, sent.span_id);
    put(&store, vec![spans([write.clone()])]).await;
    let mut told = log(1, "in the span");
    told.record.trace_id = Some(trace_id);
    told.record.span_id = Some(span_id);
    put(&store, vec![logs([told.clone()])]).await;

    let found = store.span(trace_id, span_id).await.unwrap().unwrap();
    assert_eq!(found.span.attributes.0[1..], write.span.attributes.0[1..]);
    assert_eq!(found.origin, *write.origin);
    let detail = found.detail;
    assert_eq!((detail.kind.as_str(), detail.status_code, detail.flags), ("client", 2, 0x101));
    assert_eq!(detail.attributes[0].value, AttributeValue::NotFinite("NaN".into()));
    assert_eq!(detail.attributes[3].value, AttributeValue::Bytes("AQID".into()));
    assert_eq!(detail.links[0].trace_id, "01".repeat(16));
    assert_eq!(detail.reporter.scope_name, "made");
    assert_eq!(detail.logs.len(), 1);
    assert_eq!(detail.logs[0].text, "in the span");
    assert_eq!(store.span_records(trace_id, span_id).await.unwrap(), [told.record]);
    assert!(store.span(trace_id, [0; 8]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_trace_known_from_log_records_alone_is_no_trace() {
    let (store, _folder) = made::store().await;
    let mut told = log(1, "early");
    told.record.trace_id = Some(span(1, 0, None).span.trace_id);
    put(&store, vec![logs([told])]).await;
    assert_eq!(store.list_traces(&CallFilter::default(), 10, 0, None).await.unwrap().total, 0);
    assert!(store.trace(span(1, 0, None).span.trace_id, 0, 10).await.unwrap().is_none());
    put(&store, vec![spans([span(1, 0, None)])]).await;
    let of_trace = LogFilter { trace_id: Some(trace_hex(1)), ..LogFilter::default() };
    assert_eq!(store.list_logs(&of_trace, 10, 0, None).await.unwrap().total, 1);
    assert_eq!(store.list_traces(&CallFilter::default(), 10, 0, None).await.unwrap().total, 1);
}

#[tokio::test]
async fn log_records_are_filtered_counted_and_paged() {
    let (store, _folder) = made::store().await;
    let mut all: Vec<_> = (0..50).map(|at| log(at * 10, &format!("line {at}"))).collect();
    for (number, write) in all.iter_mut().enumerate() {
        write.record.severity_number = i32::try_from(number % 25).unwrap();
        if number % 2 == 0 {
            write.reading.event = Some("api_request".into());
            write.reading.whose.session = Some("S".into());
        }
    }
    all[7].record.body = Value::Text("ÄRGER 100%_\nmore".into());
    all[9].origin = made::origin("other");
    all[9].reading.whose.service = Some("other".into());
    put(&store, vec![logs(all)]).await;
    let list = async |filter: LogFilter| store.list_logs(&filter, 100, 0, None).await.unwrap();
    let every = list(LogFilter::default()).await;
    assert_eq!((every.logs.len(), every.total), (50, 50));
    assert!(every.logs.is_sorted_by(|one, other| one.time_ns > other.time_ns));
    assert_eq!(list(LogFilter { severity_min: Some(17), ..LogFilter::default() }).await.total, 16);
    assert_eq!(list(LogFilter { event: Some("api_request".into()), ..LogFilter::default() }).await.total, 25);
    assert_eq!(list(LogFilter { event: Some(String::new()), ..LogFilter::default() }).await.total, 25);
    assert_eq!(list(LogFilter { session_id: Some("S".into()), ..LogFilter::default() }).await.total, 25);
    assert_eq!(list(LogFilter { service: Some("other".into()), ..LogFilter::default() }).await.total, 1);
    for text in ["ärger", "100%_", "ÄRGER 100%_ more"] {
        let found = list(LogFilter { text: Some(text.into()), ..LogFilter::default() }).await;
        assert_eq!(found.total, 1, "{text}");
    }
    assert_eq!(list(LogFilter { text: Some("API_".into()), ..LogFilter::default() }).await.total, 25);
    assert_eq!(list(LogFilter { text: Some("%".repeat(100_000)), ..LogFilter::default() }).await.total, 0);
    assert_eq!(list(LogFilter { text: Some("OTHER".into()), ..LogFilter::default() }).await.total, 1);

    let from = i64::try_from(START / 1_000_000).unwrap();
    let bars = store.log_histogram(&LogFilter::default(), from, from + 500, 5).await.unwrap().bars;
    assert_eq!(bars.iter().map(|bar| bar.calls).collect::<Vec<_>>(), [10; 5]);
    assert_eq!(bars.iter().map(|bar| bar.errors).sum::<u64>(), 16);
    let events = LogFilter { event: Some("api_request".into()), ..LogFilter::default() };
    let bars = store.log_histogram(&events, from, from + 500, 5).await.unwrap().bars;
    assert_eq!(bars.iter().map(|bar| bar.calls).collect::<Vec<_>>(), [5; 5]);

    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let page = store.list_logs(&LogFilter::default(), 7, 0, before).await.unwrap().logs;
        let Some(last) = page.last() else { break };
        before = store::log_key(&last.id);
        paged.extend(page);
    }
    assert_eq!(paged, every.logs);
    let facets = store.log_facets().await.unwrap();
    assert_eq!(
        (facets.services, facets.events),
        (vec!["app".into(), "other".into()], vec!["api_request".into()])
    );
    let one = store.log(store::log_key(&paged[0].id).unwrap()).await.unwrap().unwrap();
    assert_eq!((one.detail.row, one.detail.body), (paged[0].clone(), AttributeValue::Text("line 49".into())));
    assert!(store.log((1, 2)).await.unwrap().is_none());
}
