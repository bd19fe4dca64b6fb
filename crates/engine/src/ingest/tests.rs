//! From the inbox to calls, against a real store.

mod made;

use std::time::Duration;

use api::{CallFilter, CallSummary, CostSource, Page, Reply, ReportSource, Request};

use made::{PROXIED, claude_event, claude_span, collect, collecting, logs, proxied, spans};

use store::Write;

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
        let sessions =
            engine.inner.store.list_sessions(&api::SessionFilter::default(), 9, 0, None).await.unwrap();
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
    assert_eq!(
        (call.cost.map(api::Money::pico), call.cost_source),
        (Some(3_030_000_000), CostSource::Computed)
    );
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
    assert_eq!(
        found[0].sources,
        [ReportSource::Proxy, ReportSource::Event],
        "what came before the start is known"
    );
    engine.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_says_who_told_of_it_and_where_they_disagree() {
    let folder = tempfile::tempdir().unwrap();
    let engine = collecting(folder.path()).await;
    engine.inner.store.write(&[proxied(1)]).await.unwrap();
    let mut event = claude_event(1);
    event.attributes.0.iter_mut().filter(|(key, _)| key == "output_tokens").for_each(|(_, value)| {
        *value = model::telemetry::wire::Value::Int(199);
    });
    collect(&engine, logs([event])).await;
    digested(&engine).await;
    let Reply::Call(call) = engine.dispatch(Request::GetCall { id: PROXIED }).await.unwrap() else {
        panic!()
    };
    assert_eq!(call.summary.usage.output, Some(200), "the wire knows best");
    let [report] = call.reports.as_slice() else { panic!("{:?}", call.reports) };
    assert_eq!((report.source, report.matched_by.as_deref()), (ReportSource::Event, Some("request_id")));
    assert_eq!(report.cost.map(api::Money::pico), Some(3_030_000_000));
    let [differs] = report.differs.as_slice() else { panic!("{:?}", report.differs) };
    assert_eq!(
        (differs.field.as_str(), differs.says.as_str(), differs.shown.as_str()),
        ("output", "199", "200")
    );
    let log = report.log_id.clone().unwrap();
    let Reply::Log(log) = engine.dispatch(Request::GetLog { id: log }).await.unwrap() else { panic!() };
    assert_eq!(log.row.call, Some(PROXIED));
    engine.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_read_and_found_where_only_a_span_tells_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = collecting(folder.path()).await;
    collect(&engine, made::said(1, "where does the fox sleep", "under the old bridge")).await;
    collect(&engine, made::said(2, "where does the badger sleep", "in a sett")).await;
    digested(&engine).await;
    let found = |text: &str| CallFilter { text: Some(text.into()), ..CallFilter::default() };
    for (text, expected) in
        [("badger", 1), ("sleep", 2), ("\"old bridge\"", 1), ("\"bridge old\"", 0), ("wolf", 0)]
    {
        assert_eq!(engine.inner.store.count_calls(&found(text)).await.unwrap(), expected, "{text}");
    }
    let call = calls(&engine).await.pop().unwrap();
    assert_eq!(call.title.as_deref(), Some("where does the fox sleep"));
    let asked = engine.dispatch(Request::GetConversation { id: call.id }).await.unwrap();
    let Reply::Conversation(said) = asked else { panic!() };
    assert_eq!((said.messages.len(), said.answer.len()), (1, 1), "{said:?}");
    let Reply::Call(detail) = engine.dispatch(Request::GetCall { id: call.id }).await.unwrap() else {
        panic!()
    };
    let buckets: Vec<_> = detail.cost.buckets.iter().map(|bucket| bucket.bucket.as_str()).collect();
    assert_eq!((buckets, detail.summary.cost_source), (vec!["input", "output"], CostSource::Computed));
    engine.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_tells_once_what_two_tell_of() {
    use api::TimelineKind::{Answer, Call, Decision, Prompt, Tool};
    let folder = tempfile::tempdir().unwrap();
    let engine = collecting(folder.path()).await;
    let tool = |more: &[(&str, &str)]| {
        let common = [("tool_name", "Bash"), ("tool_use_id", "toolu_1")];
        common.iter().chain(more).map(|(key, value)| made::text(key, value)).collect::<Vec<_>>()
    };
    collect(
        &engine,
        logs([
            made::happened("tool_result", 3_900, tool(&[("success", "true"), ("duration_ms", "800")])),
            made::happened("user_prompt", -5, [made::text("prompt", "list the files")]),
            claude_event(1),
            made::happened("tool_decision", 3_000, tool(&[("decision", "accept"), ("source", "config")])),
            made::happened("assistant_response", 2_001, [made::text("response", "I will.")]),
        ]),
    )
    .await;
    collect(&engine, spans([claude_span(1), made::tool_span(3_100, 800, "toolu_1")])).await;
    digested(&engine).await;
    let session = api::SessionRef::Id("session-1".into());
    let Reply::Timeline(timeline) = engine.dispatch(Request::GetTimeline { session }).await.unwrap() else {
        panic!()
    };
    let kinds: Vec<_> = timeline.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Prompt, Call, Answer, Decision, Tool], "{:#?}", timeline.entries);
    let [prompt, call, _, _, run] = timeline.entries.as_slice() else { panic!() };
    assert!(prompt.title.contains("list the files"), "{}", prompt.title);
    assert_eq!(call.usage.output, Some(200));
    assert!(call.span_id.is_some() && call.log_id.is_some() && call.trace_id.is_some());
    assert_eq!((run.duration_us, run.failed), (Some(800_000), Some(false)));
    assert!(run.span_id.is_some() && run.log_id.is_some(), "told by both, shown once");
    assert_eq!(timeline.earlier, 0);
    engine.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_had_to_be_inferred_has_the_prompts_of_the_one_that_reports_name() {
    let folder = tempfile::tempdir().unwrap();
    let engine = collecting(folder.path()).await;
    // A tool that names its session in its reports and nowhere else.
    let Write::Close(mut record) = proxied(1) else { panic!() };
    record.detail.summary.session_id = Some("inferred-1".into());
    engine.inner.store.write(&[Write::Close(record)]).await.unwrap();
    let prompt = made::happened("user_prompt", -5, [made::text("prompt", "list the files")]);
    collect(&engine, logs([prompt, claude_event(1)])).await;
    digested(&engine).await;
    let found = calls(&engine).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    for id in ["inferred-1", "session-1"] {
        let session = api::SessionRef::Id(id.into());
        let Reply::Timeline(timeline) = engine.dispatch(Request::GetTimeline { session }).await.unwrap()
        else {
            panic!()
        };
        let kinds: Vec<_> = timeline.entries.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [api::TimelineKind::Prompt, api::TimelineKind::Call], "{id}");
    }
    engine.shutdown(Duration::ZERO).await.unwrap();
}
