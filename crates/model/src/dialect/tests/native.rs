//! Dialects that only their inventors speak, streamed and whole.

use super::*;

fn responses_item(kind: &str, at: u64, item: impl Into<Value>) -> Value {
    json!({"type": kind, "output_index": at, "item": item.into()})
}

fn responses_stream() -> Vec<Value> {
    let head =
        json!({"id": "resp_7", "status": "in_progress", "model": "gpt-test-1", "output": [], "usage": null});
    let output = json!([
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Look up."}]},
        {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Grüße"}]},
        {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "find", "arguments": "{\"q\":1}"},
    ]);
    let done = json!({"id": "resp_7", "status": "completed", "model": "gpt-test-1-2030", "output": output,
        "service_tier": "flex", "tool_usage": {"web_search": {"num_requests": 2}},
        "usage": {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
                  "output_tokens": 30, "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 130}});
    vec![
        json!({"type": "response.created", "response": head}),
        responses_item(
            "response.output_item.added",
            0,
            json!({"id": "rs_1", "type": "reasoning", "summary": []}),
        ),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Look "}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "up."}),
        responses_item(
            "response.output_item.added",
            1,
            json!({"type": "message", "role": "assistant", "content": []}),
        ),
        json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Grü"}),
        json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "ße"}),
        responses_item(
            "response.output_item.added",
            2,
            json!({"type": "function_call", "call_id": "c1", "name": "find", "arguments": ""}),
        ),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"q\""}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": ":1}"}),
        json!({"type": "response.completed", "response": done}),
    ]
}

#[test]
fn openai_responses_are_read_from_a_stream() {
    let case = Case::stream("openai", "/v1/responses", &responses_stream());
    let reading = case.read();
    assert_eq!(reading.model.as_deref(), Some("gpt-test-1-2030"));
    assert_eq!(reading.response_id.as_deref(), Some("resp_7"));
    assert_eq!(reading.finish_reason.as_deref(), Some("completed"));
    assert_eq!(reading.service_tier.as_deref(), Some("flex"));
    assert_eq!(reading.units.web_searches, 2);
    let usage = Usage {
        input: Some(30),
        cache_read: Some(60),
        cache_write_5m: Some(10),
        output: Some(30),
        reasoning: Some(20),
        ..Usage::default()
    };
    assert_eq!(reading.usage, usage);
    assert!(reading.complete && reading.usage_final && reading.streamed);
    assert_eq!(
        reading.first_token_at,
        Some(sse(&responses_stream()[..3]).len()),
        "the first thought is a token"
    );
    assert_eq!(answer(&case), [thinking("Look up."), text("Grüße"), call(Some("c1"), "find", "{\"q\":1}")]);
}

#[test]
fn openai_responses_that_are_cut_keep_what_their_deltas_said() {
    let mut case = Case::stream("openai", "/v1/responses", &responses_stream()[..9]);
    case.response.extend_from_slice(b"event: response.output_text.delta\ndata: {\"type\":\"resp");
    assert_eq!(answer(&case), [thinking("Look up."), text("Grüße"), call(Some("c1"), "find", "{\"q\"")]);
    assert_eq!(case.conversation().notes.len(), 2, "an event is broken, and the end is missing");
    let reading = case.read();
    assert!(!reading.complete && !reading.usage_final && reading.usage.is_unknown());
}

#[test]
fn openai_responses_come_whole_too() {
    let Some(done) = responses_stream().pop() else { panic!("the stream has an end") };
    let case = Case::document("openai", "/v1/responses", &done["response"]);
    let reading = case.read();
    assert_eq!(reading.usage.prompt_total(), Some(100));
    assert!(reading.complete && !reading.streamed && reading.first_token_at.is_none());
    assert_eq!(answer(&case).len(), 3);

    let cut =
        json!({"id": "r", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}});
    let reading = Case::document("openai", "/v1/responses", &cut).read();
    assert_eq!(reading.finish_reason.as_deref(), Some("max_output_tokens"));
}

fn anthropic_stream() -> Vec<Value> {
    let delta =
        |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let start = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    vec![
        json!({"type": "message_start", "message": {"id": "msg_9", "type": "message", "model": "claude-test", "content": [],
            "stop_reason": null, "usage": {"input_tokens": 5, "cache_read_input_tokens": 700,
            "cache_creation_input_tokens": 90, "cache_creation": {"ephemeral_5m_input_tokens": 50,
            "ephemeral_1h_input_tokens": 40}, "output_tokens": 1, "service_tier": "priority",
            "inference_geo": "us", "speed": "fast"}}}),
        start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        json!({"type": "ping"}),
        delta(0, json!({"type": "thinking_delta", "thinking": "Hm."})),
        delta(0, json!({"type": "signature_delta", "signature": "c2ln"})),
        start(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "I list "})),
        delta(1, json!({"type": "text_delta", "text": "them."})),
        json!({"type": "content_block_stop", "index": 1}),
        start(2, json!({"type": "tool_use", "id": "toolu_1", "name": "Glob", "input": {}})),
        delta(2, json!({"type": "input_json_delta", "partial_json": ""})),
        delta(2, json!({"type": "input_json_delta", "partial_json": "{\"pattern\":"})),
        delta(2, json!({"type": "input_json_delta", "partial_json": " \"*\"}"})),
        json!({"type": "content_block_stop", "index": 2}),
        start(3, json!({"type": "tool_use", "id": "toolu_2", "name": "Now", "input": {}})),
        json!({"type": "content_block_stop", "index": 3}),
        json!({"type": "message_delta", "delta": {"stop_reason": null}, "usage": {"output_tokens": 30}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 44,
            "cache_creation_input_tokens": 90, "output_tokens_details": {"thinking_tokens": 12},
            "server_tool_use": {"web_search_requests": 3}}}),
        json!({"type": "message_stop"}),
    ]
}

#[test]
fn anthropic_messages_are_read_from_a_stream() {
    let case = Case::stream("anthropic", "/v1/messages", &anthropic_stream());
    let reading = case.read();
    let usage = Usage {
        input: Some(5),
        cache_read: Some(700),
        cache_write_5m: Some(50),
        cache_write_1h: Some(40),
        output: Some(44),
        reasoning: Some(12),
    };
    assert_eq!(reading.usage, usage, "usage is cumulative: the last word counts");
    assert_eq!(reading.finish_reason.as_deref(), Some("tool_use"));
    assert_eq!(reading.service_tier.as_deref(), Some("priority"));
    assert_eq!(reading.inference_geo.as_deref(), Some("us"));
    assert_eq!(reading.speed.as_deref(), Some("fast"));
    assert_eq!(reading.units.web_searches, 3);
    assert!(reading.complete && reading.usage_final);
    assert_eq!(reading.first_token_at, Some(sse(&anthropic_stream()[..4]).len()));
    assert_eq!(
        answer(&case),
        [
            thinking("Hm."),
            text("I list them."),
            call(Some("toolu_1"), "Glob", "{\"pattern\": \"*\"}"),
            call(Some("toolu_2"), "Now", "{}"),
        ]
    );
}

#[test]
fn an_anthropic_stream_that_is_cut_has_partial_usage() {
    let case = Case::stream("anthropic", "/v1/messages", &anthropic_stream()[..12]);
    let reading = case.read();
    assert_eq!(reading.usage.output, Some(1));
    assert!(!reading.complete && !reading.usage_final);
    assert_eq!(answer(&case)[2], call(Some("toolu_1"), "Glob", "{\"pattern\":"));

    let stopped = Case::stream("anthropic", "/v1/messages", &anthropic_stream()[..18]).read();
    assert!(!stopped.complete && stopped.usage_final, "only the terminator is missing");
}

#[test]
fn an_anthropic_message_comes_whole_too() {
    let case = Case::document(
        "anthropic",
        "/v1/messages",
        &json!({"type": "message", "id": "msg_2", "model": "claude-test",
        "content": [{"type": "text", "text": "Hi"}, {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 4, "cache_creation_input_tokens": 8}}),
    );
    let reading = case.read();
    assert_eq!(
        (reading.usage.cache_write_5m, reading.usage.cache_write_1h),
        (Some(8), None),
        "no split: all short"
    );
    assert_eq!(answer(&case), [text("Hi"), call(Some("s"), "web_search", "{\"q\":\"x\"}")]);
    assert!(reading.complete && reading.usage_final && !reading.streamed);
}

fn gemini_chunks() -> Vec<Value> {
    let chunk = |parts: Value, usage: Value| {
        json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}], "usageMetadata": usage,
               "modelVersion": "gemini-test", "responseId": "g1"})
    };
    let mut last = chunk(
        json!([{"text": "b"}, {"functionCall": {"name": "run", "args": {"z": 1, "a": 2}}}]),
        json!({"promptTokenCount": 50, "cachedContentTokenCount": 20, "toolUsePromptTokenCount": 5,
               "candidatesTokenCount": 7, "thoughtsTokenCount": 9, "totalTokenCount": 71, "trafficType": "ON_DEMAND_FLEX"}),
    );
    last["candidates"][0]["finishReason"] = json!("STOP");
    last["candidates"][0]["groundingMetadata"] = json!({"webSearchQueries": ["x", "y"]});
    vec![
        chunk(
            json!([{"text": "Plan", "thought": true}]),
            json!({"promptTokenCount": 50, "thoughtsTokenCount": 9}),
        ),
        chunk(json!([{"text": "a"}]), json!({"promptTokenCount": 50, "candidatesTokenCount": 1})),
        last,
    ]
}

#[test]
fn gemini_streams_as_events_or_as_an_array() {
    let path = "/v1beta/models/gemini-test:streamGenerateContent";
    let array = serde_json::to_string_pretty(&gemini_chunks()).unwrap_or_default();
    for case in [Case::stream("gemini", path, &gemini_chunks()), Case::new("gemini", path, array)] {
        let reading = case.read();
        let usage = Usage {
            input: Some(35),
            cache_read: Some(20),
            output: Some(16),
            reasoning: Some(9),
            ..Usage::default()
        };
        assert_eq!(reading.usage, usage);
        assert_eq!(reading.model.as_deref(), Some("gemini-test"));
        assert_eq!(reading.requested_model.as_deref(), Some("gemini-test"));
        assert_eq!(reading.response_id.as_deref(), Some("g1"));
        assert_eq!(reading.finish_reason.as_deref(), Some("STOP"));
        assert_eq!(reading.service_tier.as_deref(), Some("ON_DEMAND_FLEX"));
        assert_eq!(reading.units.web_searches, 2);
        assert!(reading.complete && reading.usage_final && reading.streamed && reading.stream_requested);
        assert_eq!(answer(&case), [thinking("Plan"), text("ab"), call(None, "run", "{\"z\":1,\"a\":2}")]);
    }
}

#[test]
fn gemini_cut_or_blocked_is_told_apart() {
    let path = "/v1beta/models/g:streamGenerateContent";
    let array = serde_json::to_string(&gemini_chunks()).unwrap_or_default();
    let cut = Case::new("gemini", path, &array[..array.len() - 1]);
    assert!(!cut.read().complete, "the array is not closed");
    let cut = Case::stream("gemini", path, &gemini_chunks()[..2]);
    assert!(!cut.read().complete && !cut.read().usage_final);
    let blocked =
        Case::stream("gemini", path, &[json!({"promptFeedback": {"blockReason": "SAFETY"}})]).read();
    assert!(blocked.complete);
    assert_eq!(blocked.finish_reason.as_deref(), Some("SAFETY"));
}

#[test]
fn gemini_usage_that_includes_thoughts_is_not_counted_twice() {
    let response = json!({"response": {"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 8, "thoughtsTokenCount": 5, "totalTokenCount": 18}}});
    let case = Case::document("gemini", "/v1internal:generateContent", &response);
    assert_eq!(case.read().usage.output, Some(8));
    assert_eq!(answer(&case), [text("x")], "Code Assist wraps the response");
}

#[test]
fn ollama_is_read_line_by_line_and_whole() {
    let lines = concat!(
        r#"{"model":"m:1b","message":{"role":"assistant","content":"","thinking":"Hm"},"done":false}"#,
        "\n",
        r#"{"model":"m:1b","message":{"role":"assistant","content":"Blue","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},"done":false}"#,
        "\n",
        r#"{"model":"m:1b","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":11,"eval_count":22}"#,
    );
    let case = Case { content_type: "application/x-ndjson", ..Case::new("ollama", "/api/chat", lines) };
    let reading = case.read();
    assert_eq!((reading.usage.input, reading.usage.output), (Some(11), Some(22)));
    assert_eq!(reading.finish_reason.as_deref(), Some("stop"));
    assert!(reading.complete && reading.streamed && reading.usage_final);
    assert_eq!(answer(&case), [thinking("Hm"), text("Blue"), call(None, "f", "{\"a\":1}")]);
    let cut = Case::new("ollama", "/api/chat", &lines[..200]);
    assert!(!cut.read().complete);

    let whole = r#"{"model":"m","response":"Sky","done":true,"done_reason":"length","eval_count":3}"#;
    let case = Case::new("ollama", "/api/generate", whole);
    assert_eq!(answer(&case), [text("Sky")]);
    assert!(case.read().complete && !case.read().streamed);
    assert_eq!(case.read().usage.input, None, "a wholly cached prompt has no count");
}

#[test]
fn cohere_bills_units() {
    let delta = |kind: &str, message: Value| json!({"type": kind, "index": 0, "delta": {"message": message}});
    let events = [
        json!({"type": "message-start", "id": "co-1", "delta": {"message": {"role": "assistant"}}}),
        delta("content-start", json!({"content": {"type": "text", "text": ""}})),
        delta("content-delta", json!({"content": {"text": "Sal"}})),
        delta("content-delta", json!({"content": {"text": "ut"}})),
        delta(
            "tool-call-start",
            json!({"tool_calls": {"id": "t", "function": {"name": "f", "arguments": ""}}}),
        ),
        delta("tool-call-delta", json!({"tool_calls": {"function": {"arguments": "{}"}}})),
        json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {
            "billed_units": {"input_tokens": 17.0, "output_tokens": 12.0}, "tokens": {"input_tokens": 200}}}}),
    ];
    let case = Case::stream("cohere", "/v2/chat", &events);
    let reading = case.read();
    assert_eq!((reading.usage.input, reading.usage.output), (Some(17), Some(12)));
    assert_eq!(reading.response_id.as_deref(), Some("co-1"));
    assert_eq!(reading.finish_reason.as_deref(), Some("TOOL_CALL"));
    assert!(reading.complete);
    assert_eq!(answer(&case), [text("Salut"), call(Some("t"), "f", "{}")]);

    let whole = Case::document(
        "cohere",
        "/v2/chat",
        &json!({"id": "co-2", "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
        "usage": {"billed_units": {"input_tokens": 1, "output_tokens": 2}}}),
    );
    assert_eq!(answer(&whole), [text("Hi")]);
    assert_eq!(whole.read().usage.total(), Some(3));
}
