//! How a translated call ends when it does not end well: upstream errors, clients that leave, what is refused.

use api::CallState;
use serde_json::{Value, json};
use tests::{App, Client, Ended, Fault, Mock, Plan, Step, send};

use super::PROVIDERS;
use crate::requests::request;

#[tokio::test]
async fn what_goes_wrong_upstream_is_openais_error_with_the_true_status() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut made = 0;
    for provider in &PROVIDERS {
        for (fault, stream, status, state) in [
            (Fault::Status(429), false, 429, CallState::UpstreamError),
            (Fault::Status(429), true, 429, CallState::UpstreamError),
            (Fault::Status(529), true, 529, CallState::UpstreamError),
            (Fault::Html, false, 502, CallState::UpstreamError),
            (Fault::BeforeHead, false, 502, CallState::Unreachable),
            (Fault::Disconnect, false, 502, CallState::Truncated),
            (Fault::InvalidJson, false, 502, CallState::Complete),
            (Fault::Disconnect, true, 200, CallState::Truncated),
            (Fault::Truncate, true, 200, CallState::Truncated),
            (Fault::ErrorEvent, true, 200, CallState::UpstreamError),
        ] {
            let what = format!("{}, {fault:?}, stream {stream}", provider.prefix);
            mock.follow(Plan { fault, ..Plan::default() });
            let response = send(app.proxy, &provider.ask(&provider.body(stream, &json!({})))).await;
            made += 1;
            assert_eq!(
                (response.status(), response.ended),
                (status, Ended::Whole),
                "{what}: {}",
                response.text()
            );
            let error = match status {
                200 => {
                    let text = response.text();
                    assert!(!text.contains("[DONE]"), "{what}: it did not end well");
                    let last = text.trim_end().rsplit("data: ").next().unwrap();
                    serde_json::from_str::<Value>(last).unwrap()
                }
                _ => response.json(),
            };
            assert!(
                error["error"]["message"].as_str().is_some_and(|message| !message.is_empty()),
                "{what}: {error}"
            );
            for field in ["type", "param", "code"] {
                assert!(error["error"].get(field).is_some(), "{what}: {error}");
            }
            assert_eq!(response.head.header("retry-after").is_some(), fault == Fault::Status(429), "{what}");
            let call = app.recorded(made).await.swap_remove(0);
            // Gemini's streams have no last event, so that a clean end is one.
            if !(provider.prefix == "/gemini/v1" && fault == Fault::Truncate) {
                assert_eq!(call.state, state, "{what}: {:?}", call.error);
            }
        }
    }
    println!("compared {made} calls, different 0");
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut made = 0;
    for provider in &PROVIDERS {
        for stream in [false, true] {
            mock.take();
            mock.answer(|received| {
                let mut answer = Plan::default().answer(received);
                let middle = answer.steps.len() / 2;
                answer.steps.insert(middle, Step::Gate);
                answer
            });
            let mut client = Client::open(app.proxy, &provider.ask(&provider.body(stream, &json!({})))).await;
            mock.arrived(1).await;
            if stream {
                assert!(client.head().await.is_some());
                client.bytes(10).await;
            }
            drop(client);
            made += 1;
            let sent = mock.ended(1).await.remove(0).sent.unwrap();
            assert!(sent.client_left && !sent.whole, "{}, stream {stream}", provider.prefix);
            assert_eq!(app.recorded(made).await[0].state, CallState::Cancelled, "{}", provider.prefix);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_translated_is_refused_by_name_and_nothing_is_sent() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for provider in &PROVIDERS {
        for (more, param) in [
            (json!({"logprobs": true}), json!("logprobs")),
            (json!({"something_new": 1}), json!("something_new")),
            (
                json!({"messages": [{"role": "user", "content": [{"type": "video"}]}]}),
                json!("messages[0].content[0].type"),
            ),
            (json!({"model": null}), json!("model")),
        ] {
            let response = send(app.proxy, &provider.ask(&provider.body(true, &more))).await;
            assert_eq!(response.status(), 400, "{}", response.text());
            let error = &response.json()["error"];
            assert_eq!(error["param"], param, "{error}");
            assert_eq!(error["type"], "invalid_request_error");
            assert!(error["message"].as_str().unwrap().contains(param.as_str().unwrap()), "{error}");
            assert_eq!(response.head.header("x-llmflow-error").as_deref(), Some("1"));
        }
        let path = format!("{}/chat/completions", provider.prefix);
        let broken = send(app.proxy, &request("POST", &path, "", b"{\"model\"")).await;
        assert_eq!((broken.status(), broken.json()["error"]["param"].clone()), (400, Value::Null));
        let packed = send(app.proxy, &request("POST", &path, "Content-Encoding: gzip\r\n", b"xx")).await;
        assert_eq!(packed.status(), 415);
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n\r\n");
        let mut large = Client::open(app.proxy, head.as_bytes()).await;
        assert!(large.head().await.unwrap().start.contains("413"));
    }
    assert!(mock.exchanges().is_empty());
}
