//! Recorded calls sent again: what is sent, what is refused and why, and that their spend stands apart.

mod apart;
mod edits;
mod refusals;

use api::{CallId, CallSummary};
use serde_json::{Value, json};
use tests::{Answer, App, Mock, Received, Response, Setup, send};

use crate::requests::{JSON, request, thousand_tokens_mock};

const KEY: &str = "CaNaRy-stored-0123456789abcdef";
/// What a call of [`chat`] costs: a thousand tokens in and a hundred out.
const EACH: &str = "0.0035";

/// One with keys for OpenAI, Anthropic and Gemini.
fn keyed(mock: &Mock) -> Setup {
    ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"]
        .iter()
        .fold(Setup::new(mock.address()), |setup, name| setup.variable(name, KEY))
}

/// A recorded call with this body and these header lines, the `count`th.
async fn recorded(app: &App, path: &str, headers: &str, body: &str, count: usize) -> CallSummary {
    let headers = format!("{JSON}{headers}");
    let response = send(app.proxy, &request("POST", path, &headers, body.as_bytes())).await;
    assert!(response.status() > 0, "{}", response.text());
    app.recorded(count).await.remove(0)
}

/// The same of OpenAI's, with a key of the client's own.
async fn chat(app: &App, headers: &str, count: usize) -> CallSummary {
    let own = format!("Authorization: Bearer sk-own-0123456789abcdef\r\n{headers}");
    recorded(app, "/v1/chat/completions", &own, BODY, count).await
}

/// Spaces and all of it are to come back.
const BODY: &str = r#"{ "messages":[{"role":"user","content":"Hi \u00e9"}] , "model": "gpt-4o"}"#;

async fn post(app: &App, id: impl std::fmt::Display, edits: Option<Value>) -> Response {
    let path = format!("/api/traces/{id}/replay");
    let sent = match edits {
        Some(edits) => request("POST", &path, JSON, edits.to_string().as_bytes()),
        None => request("POST", &path, "", b""),
    };
    send(app.dashboard, &sent).await
}

async fn replay(app: &App, id: CallId, edits: Value) -> Value {
    let response = post(app, id, Some(edits)).await;
    assert_eq!(response.status(), 200, "{}", response.text());
    response.json()
}

#[tokio::test]
async fn a_call_is_sent_again_as_it_was_but_with_a_key_of_ours() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let headers = "X-Custom: yes\r\nX-LLMFlow-Tag: a\r\nIdempotency-Key: once\r\nTraceparent: \
                   00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nUser-Agent: OpenAI/Python 1.0\r\n\
                   OpenAI-Organization: org-1\r\n";
    let call = chat(&app, headers, 1).await;
    mock.take();
    let response = post(&app, call.id, None).await;
    let said = response.json();
    assert_eq!(response.status(), 200, "{said}");
    assert_eq!((&said["state"], &said["status"]), (&json!("complete"), &json!(200)), "{said}");
    assert_eq!((&said["cost_usd"], &said["estimate_usd"]), (&json!(EACH), &json!(EACH)));
    assert_eq!((&said["model"], &said["replay_of"]), (&json!("gpt-4o"), &json!(call.id)));
    assert_eq!((&said["dry_run"], &said["stopped_at_tools"]), (&json!(false), &json!(false)));
    assert_eq!(said["trace"]["replay_of"], json!(call.id));
    let received = mock.ended(1).await.remove(0).received;
    assert_eq!(String::from_utf8(received.body.clone()).unwrap(), BODY, "byte for byte");
    let header = |name: &str| received.head.header(name);
    assert_eq!(header("authorization"), Some(format!("Bearer {KEY}")));
    assert_eq!(header("x-custom").as_deref(), Some("yes"));
    assert!(header("user-agent").unwrap().starts_with("llmflow/"));
    for gone in ["traceparent", "idempotency-key", "openai-organization", "x-llmflow-tag", "cookie"] {
        assert_eq!(header(gone), None, "{gone}");
    }
    let new: CallId = said["id"].as_str().unwrap().parse().unwrap();
    let detail = app.call(new).await;
    assert_eq!(detail.summary.client, call.client, "it is the tool's call that is repeated");
    assert_eq!(detail.summary.tags, ["a"]);
    assert_eq!((detail.summary.retry_of, detail.summary.lineage.session), (None, None));
    assert!(!tests::contains(&serde_json::to_vec(&detail).unwrap(), KEY.as_bytes()), "{detail:?}");
    // Of a replay, too: it is a call like any other.
    let again = replay(&app, new, json!({})).await;
    assert_eq!(again["replay_of"], json!(new));
}

#[tokio::test]
async fn a_replay_can_be_watched_and_outlives_who_asked() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let call = chat(&app, "", 1).await;
    let pieces: Vec<Vec<u8>> = vec![
        b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Go\"}}]}\n\n".to_vec(),
        b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"od\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
            .to_vec(),
    ];
    mock.answer(move |_| Answer::stream("text/event-stream", pieces.clone()).gated());
    let begun = replay(&app, call.id, json!({"wait": false})).await;
    let id: CallId = begun["id"].as_str().unwrap().parse().unwrap();
    assert!(begun["state"].is_null() && begun["trace"].is_null(), "{begun}");
    tests::wait_until("the replay to be under way", async || {
        let api::Reply::InFlight(open) = app.ask(&api::Request::ListInFlight).await else { panic!() };
        open.iter().any(|call| call.id == id && call.chunks == 1).then_some(())
    })
    .await;
    mock.open_gate(1);
    let ended = tests::wait_until("the replay to be recorded", async || {
        let api::Reply::Call(call) = app.try_ask(&api::Request::GetCall { id }).await.ok()? else { panic!() };
        (call.summary.state != api::CallState::Open).then_some(call)
    })
    .await;
    assert_eq!(ended.summary.state, api::CallState::Complete);
    assert_eq!(ended.summary.replay_of, Some(call.id));
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_an_ending_too() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let call = chat(&app, "", 1).await;
    mock.answer(|_| Answer::nothing());
    let said = replay(&app, call.id, json!({})).await;
    assert_eq!(said["state"], "unreachable", "{said}");
    assert!(said["error"].as_str().is_some_and(|error| !error.is_empty()), "{said}");
    mock.answer(|_| {
        Answer::whole(529, "application/json", r#"{"error":{"message":"busy","type":"overloaded"}}"#)
    });
    let said = replay(&app, call.id, json!({})).await;
    assert_eq!((&said["state"], &said["status"]), (&json!("upstream_error"), &json!(529)), "{said}");
}

/// Tools are not run: what the model asks for is told, and nothing more is sent.
#[tokio::test]
async fn it_stops_where_the_model_asks_for_a_tool() {
    let mock = thousand_tokens_mock().await;
    let app = keyed(&mock).start().await;
    let call = chat(&app, "", 1).await;
    mock.answer(|_| {
        let call = |name: &str| json!({"id": name, "type": "function", "function": {"name": name, "arguments": "{}"}});
        let message = json!({"role": "assistant", "content": null, "tool_calls": [call("ls"), call("rm"), call("ls")]});
        let body = json!({"model": "gpt-4o", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]});
        Answer::whole(200, "application/json", body.to_string())
    });
    mock.take();
    let said = replay(&app, call.id, json!({})).await;
    assert_eq!((&said["stopped_at_tools"], &said["tools_asked"]), (&json!(true), &json!(["ls", "rm"])));
    assert_eq!(mock.exchanges().len(), 1);
}
