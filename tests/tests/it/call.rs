//! Path A: a call goes through and is recorded once, with its tokens, its price to the pico-dollar and its text.

use api::{CallDetail, CallState, Conversation, CostSource, Operation, Part, Role, UsageSource};
use tests::{App, Dialect, Ended, Mock, Plan, Tokens, rates, send};

use crate::requests::{ask, body, model, request};

const PROMPT: &str = "What is the weather in Köln? 🌦";
const TOOL: (&str, &str) = ("get_weather", r#"{"city":"Köln","units":"C"}"#);

fn plan(dialect: Dialect, tool: bool) -> Plan {
    let writes = u64::from(dialect == Dialect::Anthropic);
    let reasons = u64::from(dialect != Dialect::Anthropic);
    Plan {
        tool: tool.then(|| (TOOL.0.to_owned(), TOOL.1.to_owned())),
        thinking: match dialect {
            Dialect::Anthropic | Dialect::Gemini => "First I think.".into(),
            Dialect::Chat | Dialect::Responses | Dialect::Ollama | Dialect::Cohere => String::new(),
            Dialect::Invoke | Dialect::Converse => String::new(),
        },
        tokens: Tokens {
            input: 1_234,
            cache_read: 5_678,
            cache_write_5m: 91 * writes,
            cache_write_1h: 17 * writes,
            output: 345,
            reasoning: 45 * reasons,
        },
        ..Plan::default()
    }
}

#[tokio::test]
async fn every_dialect_is_recorded_once_with_tokens_price_and_text() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut made = 0;
    for dialect in Dialect::COMMON {
        for stream in [false, true] {
            for tool in [false, true] {
                let what = format!("{dialect:?}, stream {stream}, tool {tool}");
                let plan = plan(dialect, tool);
                mock.follow(plan.clone());
                let more = "User-Agent: claude-cli/2.1.197 (external, cli)\r\nAuthorization: Bearer sk-test-0123456789abcdef\r\n\
                    X-LLMFlow-Tag: alpha, beta\r\nX-Trace-Id: trace-7\r\n";
                let session = format!("X-Session-Id: session-{made}\r\n");
                let response =
                    send(app.proxy, &ask(dialect, stream, PROMPT, &format!("{more}{session}"))).await;
                assert_eq!((response.status(), response.ended), (200, Ended::Whole), "{what}");
                made += 1;
                let calls = app.recorded(made).await;
                let call = app.call(calls[0].id).await;
                check_row(&call, dialect, stream, &what);
                assert_eq!(call.summary.session_id, Some(format!("session-{}", made - 1)), "{what}");
                check_money(&call, dialect, &plan.tokens, &what);
                check_timing(&call, stream, mock.ended(1).await[0].sent.as_ref().unwrap().body.len(), &what);
                check_text(&app.conversation(call.summary.id).await, &plan, dialect, &what);
                mock.take();
            }
        }
    }
    println!("compared {made} calls, different 0");
}

fn check_row(call: &CallDetail, dialect: Dialect, stream: bool, what: &str) {
    let row = &call.summary;
    let provider = match dialect {
        Dialect::Chat | Dialect::Responses => "openai",
        Dialect::Anthropic => "anthropic",
        Dialect::Gemini => "gemini",
        Dialect::Ollama => "ollama",
        Dialect::Cohere => "cohere",
        Dialect::Invoke | Dialect::Converse => "bedrock",
    };
    assert_eq!(row.provider, provider, "{what}");
    assert_eq!(row.state, CallState::Complete, "{what}: {:?}", row.error);
    assert_eq!(row.operation, Operation::Chat, "{what}");
    assert_eq!((row.status, row.error.as_deref()), (Some(200), None), "{what}");
    assert_eq!(row.streamed, stream, "{what}");
    assert_eq!(row.model.as_deref(), Some(model(dialect).0), "{what}");
    assert_eq!(call.requested_model.as_deref(), Some(model(dialect).0), "{what}");
    assert_eq!(row.title.as_deref(), Some(PROMPT), "{what}: the title is what the user said last");
    assert_eq!(row.client.as_deref(), Some("claude-code"), "{what}: the client by its user agent");
    assert_eq!(row.tags, ["alpha", "beta"], "{what}");
    assert_eq!(row.trace_id.as_deref(), Some("trace-7"), "{what}");
    assert!(row.finish_reason.is_some(), "{what}: a reason to stop");
    assert!(call.response_id.is_some(), "{what}: the provider's id of the answer");
    assert_eq!(call.request_id.as_deref(), Some("req_mock_0001"), "{what}");
}

fn check_money(call: &CallDetail, dialect: Dialect, tokens: &Tokens, what: &str) {
    let usage = &call.summary.usage;
    let said = |value: Option<u64>| value.unwrap_or(0);
    let found = Tokens {
        input: said(usage.input),
        cache_read: said(usage.cache_read),
        cache_write_5m: said(usage.cache_write_5m),
        cache_write_1h: said(usage.cache_write_1h),
        output: said(usage.output),
        reasoning: said(usage.reasoning),
    };
    assert_eq!(found, *tokens, "{what}: the mock's own numbers, bucket by bucket");
    assert_eq!(call.summary.usage_source, UsageSource::Provider, "{what}");
    assert_eq!(call.summary.cost_source, CostSource::Computed, "{what}: {:?}", call.cost);
    let expected = rates(model(dialect).1).cost(tokens);
    assert_eq!(call.summary.cost.map(api::Money::pico), Some(expected), "{what}: {:?}", call.cost);
    let buckets: i64 = call.cost.buckets.iter().map(|bucket| bucket.cost.pico()).sum();
    assert_eq!(buckets, expected, "{what}: the buckets add up");
}

fn check_timing(call: &CallDetail, stream: bool, bytes: usize, what: &str) {
    let timing = &call.timing;
    let order = [timing.headers_us, timing.first_byte_us, timing.end_us];
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{what}: {order:?}");
    let timed: usize = timing.chunks.iter().map(|chunk| chunk.bytes as usize).sum();
    assert_eq!(timed, bytes, "{what}: every byte of the answer is in a timed chunk");
    assert_eq!(call.response_body.wire_bytes, bytes as u64, "{what}");
    assert_eq!(call.summary.first_token_us.is_some(), stream, "{what}: the first token of streams only");
    if let Some(first_token) = timing.first_token_us {
        assert!(timing.first_byte_us <= Some(first_token) && Some(first_token) <= timing.end_us, "{what}");
    }
}

fn check_text(conversation: &Conversation, plan: &Plan, dialect: Dialect, what: &str) {
    assert!(conversation.notes.is_empty(), "{what}: {:?}", conversation.notes);
    let text = |role: Role| {
        let of_role = conversation
            .messages
            .iter()
            .chain(&conversation.answer)
            .filter(move |message| message.role == role);
        let parts = of_role.flat_map(|message| &message.parts);
        parts
            .filter_map(|part| match part {
                Part::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect::<String>()
    };
    assert_eq!(text(Role::System), "Be brief.", "{what}");
    assert_eq!(text(Role::User), PROMPT, "{what}");
    assert_eq!(text(Role::Assistant), plan.text, "{what}");
    assert_eq!(
        conversation.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
        ["get_weather"],
        "{what}"
    );
    let marked = conversation.messages.iter().any(|message| message.cache_marker);
    assert_eq!(marked, dialect == Dialect::Anthropic, "{what}: the cache marker");
    let parts = || conversation.answer.iter().flat_map(|message| &message.parts);
    let thoughts: String = parts()
        .filter_map(|part| match part {
            Part::Thinking { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(thoughts, plan.thinking, "{what}");
    let calls: Vec<_> = parts()
        .filter_map(|part| match part {
            Part::ToolCall { name, arguments, .. } => Some((name, arguments)),
            _ => None,
        })
        .collect();
    match &plan.tool {
        None => assert!(calls.is_empty(), "{what}: {calls:?}"),
        Some((name, arguments)) => {
            assert_eq!(calls.len(), 1, "{what}: {calls:?}");
            let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!((calls[0].0.as_str(), json(calls[0].1)), (name.as_str(), json(arguments)), "{what}");
        }
    }
}

/// Without `alt=sse` Gemini streams one JSON array, element by element.
#[tokio::test]
async fn a_gemini_stream_without_events_is_recorded_too() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for (made, split) in [None, Some(1), Some(5)].into_iter().enumerate() {
        let plan = Plan { split, ..plan(Dialect::Gemini, true) };
        mock.follow(plan.clone());
        let path = "/passthrough/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent";
        let body = body(Dialect::Gemini, true, PROMPT).to_string();
        let response =
            send(app.proxy, &request("POST", path, "Content-Type: application/json\r\n", body.as_bytes()))
                .await;
        assert_eq!((response.status(), response.ended), (200, Ended::Whole));
        let what = format!("array, split {split:?}");
        let call = app.call(app.recorded(made + 1).await[0].id).await;
        assert_eq!(call.summary.state, CallState::Complete, "{what}: {:?}", call.summary.error);
        assert!(call.summary.streamed, "{what}");
        check_money(&call, Dialect::Gemini, &plan.tokens, &what);
        check_text(&app.conversation(call.summary.id).await, &plan, Dialect::Gemini, &what);
    }
}
