//! Calls in OpenAI's shape to providers with another: the client gets what OpenAI would have given, piece by piece, and
//! the record keeps what either side said.

mod endings;
mod responses;

use api::{BodySide, CallState, CostSource, UsageSource};
use serde_json::{Value, json};
use tests::{Answer, App, Client, Ended, Mock, Plan, Response, Setup, Step, Tokens, contains, rates, send};

use crate::requests::request;

const KEY: &str = "sk-CaNaRyTranslated0123456789";

/// What every answer counts.
const TOKENS: Tokens =
    Tokens { input: 1_234, cache_read: 567, cache_write_5m: 0, cache_write_1h: 0, output: 89, reasoning: 0 };

/// A provider's prefix, a model of its, the model's entry in the price table, and where the provider itself is asked.
struct Provider {
    prefix: &'static str,
    model: &'static str,
    price: &'static str,
    path: [&'static str; 2],
    /// The header that has the client's key upstream.
    key: (&'static str, &'static str),
}

const PROVIDERS: [Provider; 3] = [
    Provider {
        prefix: "/anthropic/v1",
        model: "claude-sonnet-4-5-20250929",
        price: "claude-sonnet-4-5-20250929",
        path: ["/v1/messages", "/v1/messages"],
        key: ("x-api-key", ""),
    },
    Provider {
        prefix: "/gemini/v1",
        model: "gemini-2.5-flash",
        price: "gemini/gemini-2.5-flash",
        path: [
            "/v1beta/models/gemini-2.5-flash:generateContent",
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        ],
        key: ("x-goog-api-key", ""),
    },
    Provider {
        prefix: "/cohere/v1",
        model: "command-r-08-2024",
        price: "command-r-08-2024",
        path: ["/v2/chat", "/v2/chat"],
        key: ("authorization", "Bearer "),
    },
];

impl Provider {
    fn body(&self, stream: bool, more: &Value) -> Vec<u8> {
        let parameters =
            json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        let mut body = json!({
            "model": self.model, "stream": stream,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "What is the weather in Köln? 🌦"},
            ],
            "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}],
        });
        if stream {
            body["stream_options"] = json!({"include_usage": true});
        }
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.to_string().into_bytes()
    }

    fn ask(&self, body: &[u8]) -> Vec<u8> {
        let more = format!(
            "Content-Type: application/json\r\nAuthorization: Bearer {KEY}\r\nOpenAI-Organization: org-1\r\nUser-Agent: OpenAI/Python 2.54.0\r\n\
             Accept-Encoding: gzip\r\nX-LLMFlow-Tag: alpha\r\n"
        );
        request("POST", &format!("{}/chat/completions", self.prefix), &more, body)
    }
}

fn plan() -> Plan {
    Plan {
        tool: Some(("get_weather".into(), r#"{"city":"Köln","units":"C"}"#.into())),
        tokens: TOKENS,
        ..Plan::default()
    }
}

/// The frames of a stream, without what is new in every answer; the last one is `[DONE]`.
fn frames(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).unwrap();
    let frames = text.split_terminator("\n\n").map(|frame| frame.strip_prefix("data: ").unwrap());
    let mut frames: Vec<Value> =
        frames.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data))).collect();
    for frame in frames.iter_mut().filter(|frame| frame.is_object()) {
        assert!(frame["created"].as_u64().is_some_and(|created| created > 1_700_000_000), "{frame}");
        frame["created"] = Value::Null;
    }
    frames
}

/// Text, arguments and reason of an answer, streamed or not.
fn said(response: &Response, stream: bool) -> (String, String, Value, Value) {
    if !stream {
        let answer = response.json();
        let message = &answer["choices"][0]["message"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let arguments = text(&message["tool_calls"][0]["function"]["arguments"]);
        return (
            text(&message["content"]),
            arguments,
            answer["choices"][0]["finish_reason"].clone(),
            answer["usage"].clone(),
        );
    }
    let frames = frames(&response.body);
    assert_eq!(frames.last().unwrap(), "[DONE]");
    let joined = |pointer: &str| {
        frames.iter().filter_map(|frame| frame.pointer(pointer)?.as_str()).collect::<String>()
    };
    let finish =
        frames.iter().filter_map(|frame| frame.pointer("/choices/0/finish_reason")).find(|it| !it.is_null());
    let usage = frames.iter().filter_map(|frame| frame.get("usage")).find(|usage| usage.is_object());
    (
        joined("/choices/0/delta/content"),
        joined("/choices/0/delta/tool_calls/0/function/arguments"),
        finish.unwrap().clone(),
        usage.unwrap().clone(),
    )
}

#[tokio::test]
async fn the_client_gets_openais_shape_and_the_record_both_sides() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut made = 0;
    for provider in &PROVIDERS {
        for stream in [false, true] {
            let what = format!("{}, stream {stream}", provider.prefix);
            let plan = plan();
            mock.follow(plan.clone());
            mock.take();
            let asked = provider.body(stream, &json!({}));
            let response = send(app.proxy, &provider.ask(&asked)).await;
            made += 1;
            assert_eq!(
                (response.status(), response.ended),
                (200, Ended::Whole),
                "{what}: {}",
                response.text()
            );
            let kind = response.head.header("content-type").unwrap();
            assert!(
                kind.starts_with(if stream { "text/event-stream" } else { "application/json" }),
                "{what}: {kind}"
            );
            assert_eq!(response.head.header("x-request-id").as_deref(), Some("req_mock_0001"), "{what}");
            let (text, arguments, finish, usage) = said(&response, stream);
            assert_eq!((text, finish), (plan.text.clone(), json!("tool_calls")), "{what}");
            assert_eq!(
                serde_json::from_str::<Value>(&arguments).unwrap(),
                json!({"city": "Köln", "units": "C"}),
                "{what}"
            );
            assert_eq!(usage["prompt_tokens"], 1_801, "{what}: caches are part of it");
            assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 567, "{what}");
            assert_eq!(usage["completion_tokens"], 89, "{what}");

            let exchange = mock.ended(1).await.remove(0);
            let received = &exchange.received;
            assert_eq!(received.path(), provider.path[usize::from(stream)], "{what}");
            let (header, scheme) = provider.key;
            assert_eq!(
                received.head.header(header).as_deref(),
                Some(format!("{scheme}{KEY}").as_str()),
                "{what}"
            );
            assert_eq!(received.head.header("openai-organization"), None, "{what}");
            assert_eq!(received.head.header("accept-encoding").as_deref(), Some("identity"), "{what}");

            let call = app.recorded(made).await.swap_remove(0);
            assert_eq!(
                (call.state, call.usage_source),
                (CallState::Complete, UsageSource::Provider),
                "{what}"
            );
            assert_eq!(
                (call.cost_source, call.tags.as_slice()),
                (CostSource::Computed, &["alpha".to_owned()][..]),
                "{what}"
            );
            let price = rates(provider.price).cost(&plan.tokens);
            if provider.prefix != "/cohere/v1" {
                assert_eq!(
                    call.cost.map(api::Money::pico),
                    Some(price),
                    "{what}: by the provider's own count"
                );
            }
            assert_eq!(call.path, format!("{}/chat/completions", provider.prefix), "{what}");
            let detail = app.call(call.id).await;
            let translated = detail.translated.expect("it was translated");
            assert_eq!(translated.upstream_path, received.path(), "{what}");
            assert_eq!(translated.status, Some(200), "{what}");
            let sent = String::from_utf8(exchange.sent.unwrap().body).unwrap();
            for (side, expected) in [
                (BodySide::Request, String::from_utf8(received.body.clone()).unwrap()),
                (BodySide::Response, sent),
                (BodySide::ClientRequest, String::from_utf8(asked.clone()).unwrap()),
                (BodySide::ClientResponse, response.text()),
            ] {
                assert_eq!(app.body(call.id, side).await, expected, "{what}, {side:?}");
            }
            let conversation = app.conversation(call.id).await;
            assert!(conversation.notes.is_empty(), "{what}: {:?}", conversation.notes);
            assert!(serde_json::to_string(&conversation).unwrap().contains("Köln"), "{what}");
        }
    }
    assert!(!app.log().contains(KEY));
    println!("compared {made} calls, different 0");
}

#[tokio::test]
async fn any_chunking_of_the_upstream_gives_the_same_answer_and_each_piece_goes_out_as_it_comes() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for provider in &PROVIDERS {
        let asked = provider.ask(&provider.body(true, &json!({})));
        mock.follow(plan());
        let whole = frames(&send(app.proxy, &asked).await.body);
        for plan in [
            Plan { split: Some(1), ..plan() },
            Plan { split: Some(7), crlf: true, comments: true, ..plan() },
            Plan { crlf: true, ..plan() },
        ] {
            mock.follow(plan);
            assert_eq!(frames(&send(app.proxy, &asked).await.body), whole, "{}", provider.prefix);
        }
        // Every piece of text is there before the next one is sent.
        mock.answer(|received| {
            let mut answer =
                Plan { text: "0123456789".into(), pieces: 10, ..Plan::default() }.answer(received);
            let gated = |step: Step| match &step {
                Step::Send(bytes)
                    if (0..10).any(|digit| contains(bytes, format!("\"text\":\"{digit}\"").as_bytes())) =>
                {
                    vec![step, Step::Gate]
                }
                _ => vec![step],
            };
            answer.steps = answer.steps.into_iter().flat_map(gated).collect();
            answer
        });
        let mut client = Client::open(app.proxy, &asked).await;
        assert!(client.head().await.is_some());
        let mut seen = Vec::new();
        for digit in 0..10 {
            let mark = |digit: u32| format!("{{\"content\":\"{digit}\"}}").into_bytes();
            while !contains(&seen, &mark(digit)) {
                seen.extend(client.piece().await.unwrap().expect("the stream goes on"));
            }
            assert!(!contains(&seen, &mark(digit + 1)), "{}: one at a time", provider.prefix);
            mock.open_gate(1);
        }
        assert_eq!(client.rest().await.ended, Ended::Whole);
    }
}

#[tokio::test]
async fn a_custom_provider_of_another_dialect_is_translated_too_and_other_paths_are_left_alone() {
    let mock = Mock::start().await;
    let settings = format!(
        "[providers.corp]\nbase_url = \"http://{}\"\npath_prefix = \"/llm\"\ndialect = \"anthropic\"\n",
        mock.address()
    );
    let app = Setup::new(mock.address()).settings(&settings).start().await;
    let corp =
        Provider { prefix: "/corp/v1", model: "claude-sonnet-4-5", price: "", path: ["", ""], key: ("", "") };
    let response = send(app.proxy, &corp.ask(&corp.body(false, &json!({})))).await;
    assert_eq!(response.json()["object"], "chat.completion");
    assert_eq!(mock.ended(1).await.remove(0).received.path(), "/llm/v1/messages");

    mock.answer(|_| Answer::whole(200, "application/json", "{\"own\":true}"));
    let body = br#"{"model":"m", "anything":1}"#;
    for path in [
        "/anthropic/v1/messages",
        "/passthrough/anthropic/v1/chat/completions",
        "/gemini/v1beta/openai/chat/completions",
        "/cohere/v2/chat",
    ] {
        mock.take();
        let response =
            send(app.proxy, &request("POST", path, "Content-Type: application/json\r\n", body)).await;
        assert_eq!(response.text(), "{\"own\":true}", "{path}");
        assert_eq!(mock.ended(1).await.remove(0).received.body, body, "{path}");
    }
}

#[tokio::test]
async fn a_lent_key_goes_where_the_provider_looks_for_it() {
    let mock = Mock::start().await;
    let mut setup = Setup::new(mock.address());
    for name in ["ANTHROPIC_API_KEY", "GEMINI_API_KEY", "COHERE_API_KEY"] {
        setup = setup.variable(name, KEY);
    }
    let app = setup.start().await;
    let local = format!("Authorization: Bearer {}\r\n", app.local_key("aider").await);
    for provider in &PROVIDERS {
        for more in ["", local.as_str()] {
            mock.take();
            let path = format!("{}/chat/completions", provider.prefix);
            let response =
                send(app.proxy, &request("POST", &path, more, &provider.body(false, &json!({})))).await;
            assert_eq!(response.json()["object"], "chat.completion", "{path}");
            let received = mock.ended(1).await.remove(0).received;
            let (header, scheme) = provider.key;
            assert_eq!(received.head.header(header), Some(format!("{scheme}{KEY}")), "{path}");
            let others =
                ["authorization", "x-api-key", "x-goog-api-key"].into_iter().filter(|name| *name != header);
            for other in others {
                assert_eq!(received.head.header(other), None, "{path}");
            }
        }
        mock.take();
        let path = format!("{}/chat/completions", provider.prefix);
        let unknown = "Authorization: Bearer lf-local-0123456789abcdef0123456789abcdef\r\n";
        let refused =
            send(app.proxy, &request("POST", &path, unknown, &provider.body(false, &json!({})))).await;
        assert_eq!((refused.status(), mock.exchanges().len()), (401, 0), "{path}: {}", refused.text());
        assert_eq!(refused.json()["error"]["type"], "authentication_error", "OpenAI's shape: {path}");
    }
}
