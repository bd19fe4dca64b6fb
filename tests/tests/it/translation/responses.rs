//! The same for OpenAI's Responses: its events in their order, thoughts and calls that can go back, clear refusals.

use api::{BodySide, CallState};
use serde_json::{Value, json};
use tests::{Answer, App, Ended, Fault, Mock, Plan, send};

use super::{PROVIDERS, TOKENS};
use crate::requests::request;

const TOOLS: [(&str, &str); 2] = [("get_weather", r#"{"city":"Köln"}"#), ("get_time", r#"{"zone":"CET"}"#)];

fn plan() -> Plan {
    let [tool, also] = TOOLS.map(|(name, arguments)| Some((name.to_owned(), arguments.to_owned())));
    Plan { thinking: "First I look.".into(), tool, also, tokens: TOKENS, ..Plan::default() }
}

/// A request with two tools and this input.
fn body(model: &str, stream: bool, input: &Value) -> Value {
    let tool = |name: &str| json!({"type": "function", "name": name, "parameters": {"type": "object"}, "strict": false});
    json!({
        "model": model, "instructions": "Be brief.", "stream": stream, "input": input, "store": false,
        "tools": TOOLS.map(|(name, _)| tool(name)),
    })
}

async fn ask(app: &App, prefix: &str, body: &Value) -> tests::Response {
    let path = format!("{prefix}/responses");
    let headers = "Content-Type: application/json\r\nAuthorization: Bearer sk-test-0123456789\r\n";
    send(app.proxy, &request("POST", &path, headers, body.to_string().as_bytes())).await
}

/// A stream's events, each with its number.
fn events(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).unwrap();
    let frames = text.split_terminator("\n\n").map(|frame| {
        let (name, data) = frame.split_once('\n').unwrap();
        let event: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), event["type"].as_str());
        event
    });
    let events: Vec<Value> = frames.collect();
    assert!((0_u64..).zip(&events).all(|(number, event)| event["sequence_number"] == number));
    events
}

/// The kinds of events in their order; how many pieces something comes in is the provider's affair.
fn order(events: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    names.dedup();
    names
}

/// What a response says, without what each provider names for itself.
fn said(response: &Value) -> Value {
    let items =
        response["output"].as_array().unwrap().iter().map(|item| match item["type"].as_str().unwrap() {
            "reasoning" => json!({"reasoning": item["summary"]}),
            "message" => json!({"message": item["content"], "status": item["status"]}),
            "function_call" => {
                let arguments: Value = serde_json::from_str(item["arguments"].as_str().unwrap()).unwrap();
                json!({"call": item["name"], "arguments": arguments, "status": item["status"]})
            }
            other => json!({"unknown": other}),
        });
    json!({"status": response["status"], "items": items.collect::<Vec<_>>(), "usage": response["usage"]})
}

#[tokio::test]
async fn each_provider_s_answer_is_a_response_with_openai_s_events() {
    let mock = Mock::start().await;
    mock.follow(plan());
    let app = App::start(mock.address()).await;
    let input =
        json!([{"role": "user", "content": [{"type": "input_text", "text": "How is it in Köln? 🌦"}]}]);
    let stream = ask(&app, "/v1", &body("gpt-5", true, &input)).await;
    let (first, mut made) = (events(&stream.body), 1);
    for provider in &PROVIDERS {
        let what = provider.prefix;
        let streamed = ask(&app, what, &body(provider.model, true, &input)).await;
        assert_eq!((streamed.status(), streamed.ended), (200, Ended::Whole), "{what}: {}", streamed.text());
        let events = events(&streamed.body);
        assert_eq!(order(&events), order(&first), "{what}");
        let last = &events.last().unwrap()["response"];
        assert_eq!(said(last), said(&first.last().unwrap()["response"]), "{what}");
        assert!(last["created_at"].as_u64().is_some_and(|created| created > 1_700_000_000), "{what}");
        assert_eq!(last["instructions"], "Be brief.", "{what}: it repeats what was asked");

        let asked = body(provider.model, false, &input);
        let whole = ask(&app, what, &asked).await;
        assert_eq!(said(&whole.json()), said(last), "{what}: streamed or not");
        made += 2;
        let call = app.recorded(made).await.swap_remove(0);
        assert_eq!((call.state, call.path.as_str()), (CallState::Complete, &*format!("{what}/responses")));
        assert_eq!(app.body(call.id, BodySide::ClientRequest).await, asked.to_string(), "{what}");
        assert_eq!(app.body(call.id, BodySide::ClientResponse).await, whole.text(), "{what}");
    }
}

#[tokio::test]
async fn an_answer_goes_back_as_it_came_signatures_and_all() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for (prefix, model) in [
        ("/anthropic/v1", "claude-sonnet-4-5"),
        // Answers 400 to a call that lost its signature.
        ("/gemini/v1", "gemini-3-pro-preview"),
        ("/cohere/v1", "command-a-reasoning-08-2025"),
    ] {
        mock.follow(plan());
        let mut input = vec![json!({"role": "user", "content": "How is it in Köln?"})];
        let answer = ask(&app, prefix, &body(model, false, &json!(input))).await.json();
        let output = answer["output"].as_array().unwrap().clone();
        let calls = output.iter().filter(|item| item["type"] == "function_call");
        let results: Vec<Value> = calls
            .map(|call| json!({"type": "function_call_output", "call_id": call["call_id"], "output": "fine"}))
            .collect();
        assert_eq!(results.len(), 2, "{prefix}: {answer}");
        input.extend(output);
        input.extend(results);
        mock.take();
        let last = ask(&app, prefix, &body(model, false, &json!(input))).await;
        assert_eq!(last.status(), 200, "{prefix}: {}", last.text());
        assert_eq!(last.json()["status"], "completed");
        let sent = String::from_utf8(mock.ended(1).await.remove(0).received.body).unwrap();
        assert!(sent.contains("First I look."), "{prefix}: the thought goes back: {sent}");
        match prefix {
            "/anthropic/v1" => assert!(sent.contains("\"signature\":\"c2lnbmF0dXJl\""), "{sent}"),
            "/gemini/v1" => assert!(sent.contains("\"thoughtSignature\":\"EqoB+/8A+w==\""), "{sent}"),
            _ => assert!(sent.contains("\"thinking\":\"First I look.\""), "{sent}"),
        }
    }
}

#[tokio::test]
async fn a_chat_s_calls_keep_their_signatures_too() {
    let mock = Mock::start().await;
    mock.follow(plan());
    let app = App::start(mock.address()).await;
    let ask = async |messages: &[Value]| {
        let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}});
        let body = json!({
            "model": "gemini-3-pro-preview", "messages": messages, "tools": TOOLS.map(|(name, _)| tool(name)),
        });
        let bytes = body.to_string().into_bytes();
        send(app.proxy, &request("POST", "/gemini/v1/chat/completions", "", &bytes)).await
    };
    let mut messages = vec![json!({"role": "user", "content": "How is it in Köln?"})];
    let answer = ask(&messages).await.json();
    // What every client keeps of a call, and no more.
    let calls = answer["choices"][0]["message"]["tool_calls"].as_array().unwrap().iter();
    let calls: Vec<Value> = calls
        .map(|call| json!({"id": call["id"], "type": "function", "function": call["function"]}))
        .collect();
    assert_eq!(calls.len(), 2, "{answer}");
    messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
    let result = |call: &Value| json!({"role": "tool", "tool_call_id": call["id"], "content": "fine"});
    messages.extend(calls.iter().map(result));
    mock.take();
    let last = ask(&messages).await;
    let sent = String::from_utf8(mock.ended(1).await.remove(0).received.body).unwrap();
    assert!(sent.contains("\"thoughtSignature\":\"EqoB+/8A+w==\""), "{sent}");
    assert_eq!(
        (last.status(), last.json()["choices"][0]["finish_reason"].clone()),
        (200, json!("stop")),
        "{}",
        last.text()
    );
}

#[tokio::test]
async fn what_openai_would_keep_or_run_is_refused_by_name_and_nothing_is_sent() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for provider in &PROVIDERS {
        for (name, value, param) in [
            ("previous_response_id", json!("resp_1"), "previous_response_id"),
            ("background", json!(true), "background"),
            ("tools", json!([{"type": "web_search"}]), "tools[0].type"),
            ("something_new", json!(1), "something_new"),
        ] {
            let mut body = body(provider.model, true, &json!("Hi."));
            body[name] = value;
            let response = ask(&app, provider.prefix, &body).await;
            assert_eq!(response.status(), 400, "{}", response.text());
            let error = &response.json()["error"];
            assert_eq!(error["param"], param, "{error}");
            assert!(error["message"].as_str().unwrap().contains(param), "{error}");
        }
    }
    assert!(mock.exchanges().is_empty());
}

#[tokio::test]
async fn what_goes_wrong_is_an_error_or_a_failed_response() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for provider in &PROVIDERS {
        let what = provider.prefix;
        mock.follow(Plan { fault: Fault::Status(429), ..Plan::default() });
        let limited = ask(&app, what, &body(provider.model, true, &json!("Hi."))).await;
        assert_eq!(limited.status(), 429, "{what}");
        assert!(limited.json()["error"]["message"].is_string(), "{what}");
        for fault in [Fault::ErrorEvent, Fault::Truncate, Fault::Disconnect] {
            mock.follow(Plan { fault, ..Plan::default() });
            let broken = ask(&app, what, &body(provider.model, true, &json!("Hi."))).await;
            assert_eq!((broken.status(), broken.ended), (200, Ended::Whole), "{what}, {fault:?}");
            let events = events(&broken.body);
            let last = events.last().unwrap();
            assert_eq!(last["type"], "response.failed", "{what}, {fault:?}");
            assert!(!last["response"]["error"]["message"].as_str().unwrap().is_empty(), "{what}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn gemini_s_word_when_to_ask_again_is_a_header() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|_| {
        let details = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "32.1s"}]);
        let error =
            json!({"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED", "details": details});
        Answer::whole(429, "application/json", json!({"error": error}).to_string())
    });
    let limited = ask(&app, "/gemini/v1", &body("gemini-2.5-flash", true, &json!("Hi."))).await;
    assert_eq!((limited.status(), limited.head.header("retry-after").as_deref()), (429, Some("33")));
}
