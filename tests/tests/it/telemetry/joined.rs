//! One call of a model, told of by several: it counts once, whoever comes first, and says who told what. Leaves out the
//! rules one by one (`model`).

use std::time::{SystemTime, UNIX_EPOCH};

use api::{CallDetail, CallSummary, CostSource, ReportSource};
use tests::otlp::proto::collector::logs::v1::ExportLogsServiceRequest;
use tests::otlp::proto::collector::trace::v1::ExportTraceServiceRequest;
use tests::otlp::proto::common::v1::KeyValue;
use tests::otlp::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use tests::otlp::proto::resource::v1::Resource;
use tests::otlp::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use tests::otlp::{Export, attribute, int, proto::common::v1::any_value::Value, text};
use tests::{App, Dialect, Mock, Plan, rates, send, wait_until};

use crate::requests::ask;

const MODEL: &str = "claude-sonnet-4-5-20250929";
/// What the mock names its answers.
const REQUEST: &str = "req_mock_0001";

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

fn resource() -> Option<Resource> {
    Some(Resource { attributes: vec![text("service.name", "claude-code")], ..Resource::default() })
}

/// Tokens and ids as Claude Code's spans have them, which leave caches out of the input.
fn usage(request: &str) -> Vec<KeyValue> {
    let tokens = Plan::default().tokens;
    let count = |tokens: u64| i64::try_from(tokens).unwrap();
    vec![
        text("model", MODEL),
        text("session.id", "session-1"),
        text("request_id", request),
        int("input_tokens", count(tokens.input)),
        int("output_tokens", count(tokens.output)),
        int("cache_read_tokens", count(tokens.cache_read)),
        int("cache_creation_tokens", count(tokens.cache_write_5m)),
    ]
}

fn span(number: u8, request: &str) -> Export {
    let span = Span {
        trace_id: vec![number; 16],
        span_id: vec![number; 8],
        name: "claude_code.llm_request".into(),
        start_time_unix_nano: now() - 50_000_000,
        end_time_unix_nano: now(),
        attributes: [vec![text("span.type", "llm_request")], usage(request)].concat(),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let of = ResourceSpans { resource: resource(), scope_spans, ..ResourceSpans::default() };
    Export::Traces(ExportTraceServiceRequest { resource_spans: vec![of] })
}

/// The event that tells of the same, with what the tool thinks that it cost.
fn event(request: &str, more: Vec<KeyValue>) -> Export {
    let own = [text("event.name", "api_request"), attribute("cost_usd", Value::DoubleValue(9.99))];
    let record = LogRecord {
        time_unix_nano: now(),
        attributes: [own.to_vec(), usage(request), more].concat(),
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
    let of = ResourceLogs { resource: resource(), scope_logs, ..ResourceLogs::default() };
    Export::Logs(ExportLogsServiceRequest { resource_logs: vec![of] })
}

async fn proxied(app: &App) {
    assert_eq!(send(app.proxy, &ask(Dialect::Anthropic, true, "Hello", "")).await.status(), 200);
}

/// The one call there is.
async fn only(app: &App) -> CallDetail {
    app.digested().await;
    let call = app.recorded(1).await.remove(0);
    app.call(call.id).await
}

fn sources(call: &CallSummary) -> Vec<ReportSource> {
    call.sources.clone()
}

#[tokio::test]
async fn whoever_tells_first_a_call_counts_once() {
    use ReportSource::{Event, Proxy, Span};
    let price = rates(MODEL).cost(&Plan::default().tokens);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mock = Mock::start().await;
        let app = App::start(mock.address()).await;
        for step in order {
            match step {
                0 => {
                    proxied(&app).await;
                    // There may be a call already that others told of.
                    wait_until("the call of the proxy", async || {
                        let calls = app.calls().await;
                        let of_proxy = |call: &CallSummary| sources(call).contains(&Proxy);
                        calls.iter().any(of_proxy).then_some(())
                    })
                    .await;
                    app.recorded(1).await;
                }
                1 => span(1, REQUEST).deliver(app.otlp_http).await,
                _ => event(REQUEST, vec![]).deliver(app.otlp_http).await,
            }
            app.digested().await;
        }
        let call = only(&app).await;
        assert_eq!(sources(&call.summary), [Proxy, Span, Event], "{order:?}");
        assert_eq!(
            call.summary.cost.map(api::Money::pico),
            Some(price),
            "{order:?}: by the wire's tokens, once"
        );
        assert_eq!(call.summary.cost_source, CostSource::Computed, "{order:?}");
        assert_eq!(call.summary.session_id.as_deref(), Some("session-1"), "{order:?}");
        assert_eq!(call.reports.len(), 2, "{order:?}: {:?}", call.reports);
        let differs: Vec<&str> =
            call.reports.iter().flat_map(|report| &report.differs).map(|one| one.field.as_str()).collect();
        assert_eq!(differs, ["cost"], "{order:?}: only the tool's own figure");
        // The span, the event and the call lead to each other.
        let trace = app.traces().await.remove(0);
        assert_eq!((trace.calls, trace.cost.pico()), (1, price), "{order:?}");
        let shown = app.trace(&trace.id).await.spans;
        assert_eq!(shown.iter().filter_map(|span| span.call.as_ref()).count(), 1, "{order:?}: {shown:?}");
        let told = app.logs(&api::LogFilter::default()).await.remove(0);
        assert_eq!(told.call, Some(call.summary.id), "{order:?}");
        // And after a start all of it is still so.
        let app = app.stop().setup.start().await;
        let again = only(&app).await;
        assert_eq!((&again.summary, &again.reports), (&call.summary, &call.reports), "{order:?}");
    }
}

#[tokio::test]
async fn what_contradicts_is_two_calls_and_what_is_sent_again_is_one() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    proxied(&app).await;
    app.recorded(1).await;
    // The same tokens at the same time, and another request.
    span(1, "req_another").deliver(app.otlp_http).await;
    span(1, "req_another").deliver(app.otlp_http).await;
    event("req_another", vec![]).deliver(app.otlp_http).await;
    app.digested().await;
    let calls = app.recorded(2).await;
    let mut told: Vec<Vec<ReportSource>> = calls.iter().map(sources).collect();
    told.sort();
    assert_eq!(told, [vec![ReportSource::Proxy], vec![ReportSource::Span, ReportSource::Event]]);
    let price = rates(MODEL).cost(&Plan::default().tokens);
    let costs: Vec<Option<i64>> = calls.iter().map(|call| call.cost.map(api::Money::pico)).collect();
    assert_eq!(costs, [Some(price), Some(price)]);
}

#[tokio::test]
async fn where_sources_disagree_the_wire_is_shown_and_the_rest_is_said() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    proxied(&app).await;
    app.recorded(1).await;
    // The first of a name counts.
    let Export::Traces(mut request) = span(1, REQUEST) else { unreachable!() };
    let attributes = &mut request.resource_spans[0].scope_spans[0].spans[0].attributes;
    attributes.retain(|attribute| attribute.key != "output_tokens");
    attributes.push(int("output_tokens", 12_345));
    Export::Traces(request).deliver(app.otlp_http).await;
    let call = only(&app).await;
    let tokens = Plan::default().tokens;
    assert_eq!(call.summary.usage.output, Some(tokens.output));
    let [report] = &call.reports[..] else { panic!("{:?}", call.reports) };
    assert_eq!((report.matched_by.as_deref(), report.usage.output), (Some("request_id"), Some(12_345)));
    let [differs] = &report.differs[..] else { panic!("{:?}", report.differs) };
    assert_eq!((differs.field.as_str(), differs.says.as_str()), ("output", "12345"));
    assert_eq!(differs.shown, tokens.output.to_string());
}

#[tokio::test]
async fn metrics_are_never_calls() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let [_, _, metrics] = tests::otlp::Corpus::new(1).exports();
    metrics.deliver(app.otlp_http).await;
    app.digested().await;
    assert!(app.calls().await.is_empty() && app.traces().await.is_empty());
    assert!(app.health().await.collected.points > 40);
}
