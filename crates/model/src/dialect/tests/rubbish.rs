//! No bytes may panic, and no shape may cost more than its length.

use proptest::prelude::*;

use super::*;

fn survive(request: &[u8], response: &[u8]) {
    for dialect in Dialect::ALL {
        for (status, content_type) in
            [(Some(200), Some("text/event-stream")), (Some(500), None), (None, Some("x-ndjson"))]
        {
            let path = "/v1/images/x:y";
            let exchange = Exchange {
                dialect,
                provider: "p",
                path,
                request,
                response,
                status,
                content_type,
                by_headers: ByHeaders::default(),
            };
            let reading = read(&exchange);
            conversation(&exchange);
            assert!(reading.first_token_at.is_none_or(|at| at <= response.len()));
            assert!(reading.title.is_none_or(|title| title.chars().count() <= 120));
            // The sums that the rest of the program makes must not overflow either.
            let _ = reading.usage.total();
        }
    }
}

/// JSON made of the words that the readers look for.
fn plausible() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "type",
        "response",
        "message",
        "choices",
        "delta",
        "content",
        "tool_calls",
        "function",
        "arguments",
        "usage",
        "prompt_tokens",
        "input_tokens",
        "output_tokens",
        "completion_tokens",
        "candidates",
        "parts",
        "text",
        "error",
        "index",
        "output_index",
        "item",
        "output",
        "content_block",
        "message_start",
        "content_block_delta",
        "messages",
        "response.output_item.done",
        "response.completed",
        "input_json_delta",
        "function_call",
        "usageMetadata",
        "promptTokenCount",
        "candidatesTokenCount",
        "cachedContentTokenCount",
        "message-end",
        "system",
        "input",
        "tools",
        "contents",
        "role",
        "user",
        "done",
        "cost",
        "timings",
        "prompt_n",
        "status",
        "detail",
        "cache_control",
    ]);
    let number = prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(0)),
    ];
    let leaf = prop_oneof![number, Just(Value::Null), Just(json!(true)), word.clone().prop_map(Value::from)];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((word.clone().prop_map(str::to_owned), inner), 0..8)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        request in prop::collection::vec(any::<u8>(), 0..60),
        response in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        survive(&request, &response);
    }

    #[test]
    fn plausible_json_is_survived(request in plausible(), events in prop::collection::vec(plausible(), 1..5), cut in 0usize..400) {
        let request = request.to_string();
        survive(request.as_bytes(), sse(&events).as_bytes());
        let document = Value::Array(events).to_string();
        survive(request.get(..cut).unwrap_or_default().as_bytes(), document.as_bytes());
        survive(&[], document.get(..cut).unwrap_or_default().as_bytes());
    }
}

#[test]
fn deep_nesting_is_survived() {
    for deep in ["[".repeat(20_000), "{\"a\":".repeat(20_000), format!("data: {}\n\n", "[".repeat(20_000))] {
        survive(deep.as_bytes(), deep.as_bytes());
    }
    let nested = format!("{{\"messages\":[{}{}]}}", "[".repeat(5_000), "]".repeat(5_000));
    survive(nested.as_bytes(), nested.as_bytes());
}

#[test]
fn absurd_numbers_are_no_counts() {
    let usage = json!({"prompt_tokens": u64::MAX, "completion_tokens": 1e300, "total_tokens": -5,
        "prompt_tokens_details": {"cached_tokens": -1}, "cost": 1e300, "cost_in_usd_ticks": u64::MAX});
    let event = json!({"id": "c", "choices": [{"index": u64::MAX, "delta": {"content": "x",
        "tool_calls": [{"index": u64::MAX, "function": {"name": "f"}}]}}], "usage": usage});
    let reading = Case::stream("openai", "/v1/chat/completions", &[event]).read();
    assert!(reading.usage.is_unknown() && reading.provider_cost.is_none());
}
