//! From the inbox to calls, against a real store.

mod made;

use std::time::Duration;

use api::{CallFilter, CallSummary, CostSource, Page, Reply, ReportSource, Request};

use made::{PROXIED, claude_event, claude_span, collect, collecting, logs, proxied, spans};

use crate::Engine;

async fn calls(engine: &Engine) -> Vec<CallSummary> {
    let page = Page { limit: 100, ..Page::default() };
    match engine.dispatch(Request::ListCalls { filter: CallFilter::default(), page }).await.unwrap() {
        Reply::Calls(page) => page.calls,
        other => panic!("{other:?}"),
    }
}

/// Waits until nothing waits to be joined.
async fn digested(engine: &Engine) {
    while engine.inner.store.backlog().await.unwrap().0 > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_span_an_event_and_the_proxy_tell_of_is_one_call() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let folder = tempfile::tempdir().unwrap();
        let engine = collecting(folder.path()).await;
        for source in order {
            match source {
                0 => collect(&engine, spans([claude_span(1)])).await,
                1 => collect(&engine, logs([claude_event(1)])).await,
                _ => engine.inner.store.write(&[proxied(1)]).await.unwrap(),
            }
            digested(&engine).await;
        }
        let found = calls(&engine).await;
        let [call] = found.as_slice() else { panic!("{order:?}: {found:#?}") };
        assert_eq!(call.sources, [ReportSource::Proxy, ReportSource::Span, ReportSource::Event], "{order:?}");
        assert_eq!((call.id, call.method.as_str()), (PROXIED, "POST"), "{order:?}");
        assert_eq!(call.session_id.as_deref(), Some("session-1"));
        assert_eq!(call.in_trace.as_deref(), Some("07".repeat(16).as_str()), "{order:?}");
        let sessions = engine.inner.store.list_sessions(&api::SessionFilter::default(), 9, 0).await.unwrap();
        assert_eq!(sessions.total, 1, "{order:?}");
        engine.shutdown(Duration::ZERO).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_only_reports_tell_of_is_priced_and_placed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = collecting(folder.path()).await;
    collect(&engine, logs([claude_event(1)])).await;
    digested(&engine).await;
    let found = calls(&engine).await;
    let [call] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((call.method.as_str(), call.path.as_str()), ("OTLP", "api_request"));
    assert_eq!((call.provider.as_str(), call.client.as_deref()), ("anthropic", Some("claude-code")));
    assert_eq!((call.usage.input, call.usage.output), (Some(10), Some(200)));
    // 10 at $3 and 200 at $15 a million.
    assert_eq!((call.cost.map(api::Money::pico), call.cost_source), (Some(3_030_000_000), CostSource::Computed));
    assert!(call.lineage.session.is_some());
    // The same once more, and the same after a start, change nothing.
    collect(&engine, logs([claude_event(1)])).await;
    digested(&engine).await;
    assert_eq!(calls(&engine).await, found);
    engine.shutdown(Duration::ZERO).await.unwrap();
    drop(engine);
    let engine = collecting(folder.path()).await;
    collect(&engine, logs([claude_event(1)])).await;
    digested(&engine).await;
    assert_eq!(calls(&engine).await, found);
    engine.inner.store.write(&[proxied(1)]).await.unwrap();
    let found = calls(&engine).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].sources, [ReportSource::Proxy, ReportSource::Event], "what came before the start is known");
    engine.shutdown(Duration::ZERO).await.unwrap();
}
