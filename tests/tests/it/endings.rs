//! How calls end: each ending its own state, with the tokens that are known and whose word they are; and what a client
//! does after a bad end.

use api::{CallState, CallSummary, CostSource, Operation, Reply, Request, UsageSource};
use tests::{Answer, App, Dialect, Fault, Mock, Plan, send};

use crate::requests::{ask, request};

const LONG: &str =
    "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen.";

fn plan(fault: Fault) -> Plan {
    Plan { text: LONG.into(), pieces: 12, fault, ..Plan::default() }
}

/// The newest call once there are `count`.
async fn last(app: &App, count: usize) -> CallSummary {
    app.recorded(count).await.swap_remove(0)
}

#[tokio::test]
async fn every_ending_of_every_dialect_is_its_own_and_a_retry_is_seen() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut made = 0;
    let mut estimated = 0;
    for (number, dialect) in Dialect::COMMON.into_iter().enumerate() {
        for (fault, state) in [
            (Fault::Status(529), CallState::UpstreamError),
            (Fault::BeforeHead, CallState::Unreachable),
            (Fault::Disconnect, CallState::Truncated),
            (Fault::Truncate, CallState::Truncated),
            (Fault::ErrorEvent, CallState::UpstreamError),
        ] {
            let what = format!("{dialect:?}, {fault:?}");
            let session = format!("X-Session-Id: s-{number}-{fault:?}\r\n").replace(['(', ')'], "-");
            mock.follow(plan(fault));
            send(app.proxy, &ask(dialect, true, "count", &session)).await;
            made += 1;
            let broken = last(&app, made).await;
            assert_eq!(broken.state, state, "{what}");
            assert_eq!(broken.retry_of, None, "{what}");
            assert!(broken.error.is_some(), "{what}");
            match fault {
                Fault::Status(_) | Fault::BeforeHead => {
                    assert_eq!(broken.usage_source, UsageSource::Unknown, "{what}");
                    assert!(broken.usage.is_unknown(), "{what}");
                }
                // What had been written by then is known, though nobody has counted it.
                _ => {
                    estimated += 1;
                    assert_eq!(broken.usage_source, UsageSource::Estimated, "{what}");
                    assert!((1..89).contains(&broken.usage.output.unwrap()), "{what}: {:?}", broken.usage);
                    let price =
                        if dialect == Dialect::Ollama { CostSource::Local } else { CostSource::Estimated };
                    assert_eq!(broken.cost_source, price, "{what}");
                }
            }
            // The client asks again, in one piece.
            mock.follow(plan(Fault::None));
            send(app.proxy, &ask(dialect, false, "count", &session)).await;
            made += 1;
            let again = last(&app, made).await;
            assert_eq!((again.state, again.streamed), (CallState::Complete, false), "{what}");
            assert_eq!(again.usage_source, UsageSource::Provider, "{what}");
            assert_eq!(again.retry_of, Some(broken.id), "{what}");
        }
    }
    let from_ms = app.calls().await.iter().map(|call| call.started_ms).min().unwrap();
    let window = Request::GetOverview { bounds_ms: vec![from_ms, from_ms + 86_400_000] };
    let Reply::Overview(overview) = app.ask(&window).await else { panic!("not an overview") };
    assert_eq!((overview.totals.calls, overview.totals.estimated), (made as u64, estimated));
    println!("endings {made}, estimated {estimated}, different 0");
}

#[tokio::test]
async fn a_stream_that_was_not_asked_for_its_usage_is_estimated() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.follow(plan(Fault::None));
    let body = r#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"count to fourteen, please"}]}"#;
    send(
        app.proxy,
        &request("POST", "/v1/chat/completions", "Content-Type: application/json\r\n", body.as_bytes()),
    )
    .await;
    let call = last(&app, 1).await;
    assert_eq!((call.state, call.usage_source), (CallState::Complete, UsageSource::Estimated));
    // Four characters a token: 94 written; 41 of the messages, names of members included.
    let characters = u64::try_from(LONG.len()).unwrap();
    assert_eq!((call.usage.output, call.usage.input), (Some(characters.div_ceil(4)), Some(10)));
    assert_eq!(call.cost_source, CostSource::Estimated);
}

#[tokio::test]
async fn an_empty_answer_is_no_answer() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut made = 0;
    for dialect in Dialect::COMMON {
        for kind in ["application/json", "text/event-stream"] {
            mock.answer(move |_| Answer::whole(200, kind, ""));
            let answer = send(app.proxy, &ask(dialect, true, "count", "")).await;
            assert_eq!((answer.status(), answer.text().as_str()), (200, ""), "{dialect:?}");
            made += 1;
            let call = last(&app, made).await;
            let error = call.error.unwrap();
            assert_eq!(
                (call.state, error.contains("empty")),
                (CallState::Truncated, true),
                "{dialect:?}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn what_tools_do_beside_their_calls_is_kept_and_left_out() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.follow(plan(Fault::None));
    let json = "Content-Type: application/json\r\n";
    send(app.proxy, &request("HEAD", "/anthropic", "", b"")).await;
    send(app.proxy, &request("POST", "/anthropic/api/event_logging/batch", json, b"{\"events\":[]}")).await;
    send(app.proxy, &request("POST", "/v1/analytics/codex/turn-costs", json, b"{}")).await;
    send(app.proxy, &ask(Dialect::Chat, false, "count", "")).await;
    let calls = app.recorded(4).await;
    let beside = calls.iter().filter(|call| call.operation == Operation::SideCall).count();
    assert_eq!(beside, 3, "{calls:#?}");
    let Reply::Stats(stats) = app.ask(&Request::GetStats { filter: api::CallFilter::default() }).await else {
        panic!("no totals")
    };
    assert_eq!((stats.calls, stats.unpriced), (1, 0));
    let listed = app.get("/api/traces").await.json().as_array().map(Vec::len);
    assert_eq!(listed, Some(1));
    let all = app.get("/api/traces?side_calls=true").await.json().as_array().map(Vec::len);
    assert_eq!(all, Some(4));
}
