//! Chat Completions as OpenAI speaks it and as its many imitators do; completions and embeddings.

use super::*;

const CHAT: &str = "/v1/chat/completions";

fn chunk(delta: impl Into<Value>, finish: Option<&str>) -> Value {
    json!({"id": "c-1", "object": "chat.completion.chunk", "model": "m-1", "service_tier": "default",
           "choices": [{"index": 0, "delta": delta.into(), "finish_reason": finish}]})
}

fn usage_chunk(usage: &Value) -> Value {
    json!({"id": "c-1", "object": "chat.completion.chunk", "model": "m-1", "choices": [], "usage": usage})
}

/// A stream that says "Hej då" and ends with `usage`.
fn stream(provider: &'static str, usage: &Value) -> Case {
    Case::stream(
        provider,
        CHAT,
        &[
            chunk(json!({"role": "assistant", "content": ""}), None),
            chunk(json!({"content": "Hej "}), None),
            chunk(json!({"content": "då"}), None),
            chunk(json!({}), Some("stop")),
            usage_chunk(usage),
            json!("[DONE]"),
        ],
    )
}

#[test]
fn a_chat_is_read_from_a_stream() {
    let case = stream(
        "openai",
        &json!({"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens_details": {"reasoning_tokens": 8}}),
    );
    let reading = case.read();
    let usage = Usage {
        input: Some(36),
        cache_read: Some(64),
        output: Some(20),
        reasoning: Some(8),
        ..Usage::default()
    };
    assert_eq!(reading.usage, usage);
    assert_eq!(reading.model.as_deref(), Some("m-1"));
    assert_eq!(reading.response_id.as_deref(), Some("c-1"));
    assert_eq!(reading.finish_reason.as_deref(), Some("stop"));
    assert!(reading.complete && reading.usage_final && reading.streamed && reading.error.is_none());
    let first =
        [chunk(json!({"role": "assistant", "content": ""}), None), chunk(json!({"content": "Hej "}), None)];
    assert_eq!(reading.first_token_at, Some(sse(&first).len()), "an empty delta is no token");
    assert_eq!(answer(&case), [text("Hej då")]);
    assert_eq!(case.conversation().notes, [""; 0]);
}

#[test]
fn every_vendors_usage_lands_in_the_same_buckets() {
    let known = |input, read, output, reasoning| Usage {
        input: Some(input),
        cache_read: read,
        output: Some(output),
        reasoning,
        ..Usage::default()
    };
    for (vendor, usage, expected) in [
        (
            "mistral",
            json!({"prompt_tokens": 19, "completion_tokens": 5, "total_tokens": 24}),
            known(19, None, 5, None),
        ),
        (
            "deepseek",
            json!({"prompt_tokens": 100, "completion_tokens": 6, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}),
            known(36, Some(64), 6, None),
        ),
        (
            "xai",
            json!({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135, "completion_tokens_details": {"reasoning_tokens": 94}}),
            known(32, None, 103, Some(94)),
        ),
        (
            "odd",
            json!({"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 90}}),
            known(10, Some(90), 1, None),
        ),
    ] {
        let reading = stream("openai", &usage).read();
        assert_eq!(reading.usage, expected, "{vendor}");
        assert!(reading.usage_final, "{vendor}");
    }
}

#[test]
fn prices_that_vendors_report_are_taken() {
    for (usage, pico) in [
        (json!({"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.000612}), 612_000_000),
        (json!({"prompt_tokens": 1, "completion_tokens": 1, "cost": {"total_cost": 0.00508}}), 5_080_000_000),
        (json!({"prompt_tokens": 1, "completion_tokens": 1, "cost_in_usd_ticks": 16_200_000}), 1_620_000_000),
        (json!({"prompt_tokens": 1, "completion_tokens": 1, "cost": 0}), 0),
        (
            json!({"cost": 0.001, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.02}}),
            21_000_000_000,
        ),
        (
            json!({"cost": 0.03, "is_byok": false, "cost_details": {"upstream_inference_cost": 0.02}}),
            30_000_000_000,
        ),
    ] {
        assert_eq!(stream("openrouter", &usage).read().provider_cost, Some(api::Money::from_pico(pico)));
    }
    let reading = stream("openrouter", &json!({"prompt_tokens": 1, "cost": null})).read();
    assert_eq!(reading.provider_cost, None);
}

#[test]
fn groq_and_llama_keep_usage_in_places_of_their_own() {
    let mut last = chunk(json!({}), Some("stop"));
    last["x_groq"] = json!({"id": "req", "usage": {"prompt_tokens": 18, "completion_tokens": 55}});
    let reading = Case::stream("groq", CHAT, &[chunk(json!({"content": "x"}), None), last]).read();
    assert_eq!(reading.usage.total(), Some(73));
    assert!(reading.complete, "every choice has ended, though [DONE] is missing");

    let mut last = chunk(json!({}), Some("stop"));
    last["timings"] = json!({"cache_n": 200, "prompt_n": 3, "predicted_n": 40});
    let usage = Case::stream("llama", CHAT, &[last]).read().usage;
    assert_eq!((usage.input, usage.cache_read, usage.output), (Some(3), Some(200), Some(40)));
}

#[test]
fn tool_calls_are_joined_by_index_and_reasoning_stands_first() {
    let calls = |calls: Value| chunk(json!({"tool_calls": calls}), None);
    let case = Case::stream(
        "openai",
        CHAT,
        &[
            chunk(json!({"reasoning_content": "Let "}), None),
            chunk(json!({"reasoning_content": "me."}), None),
            chunk(json!({"content": "Both:"}), None),
            calls(
                json!([{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]),
            ),
            calls(json!([{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{"}}])),
            calls(
                json!([{"index": 0, "function": {"arguments": "{\"x\""}}, {"index": 1, "function": {"arguments": "}"}}]),
            ),
            calls(json!([{"index": 0, "function": {"arguments": ":1}"}}])),
            chunk(json!({}), Some("tool_calls")),
            json!("[DONE]"),
        ],
    );
    assert_eq!(
        answer(&case),
        [thinking("Let me."), text("Both:"), call(Some("a"), "f", "{\"x\":1}"), call(Some("b"), "g", "{}")]
    );
    let reading = case.read();
    assert!(
        reading.usage.is_unknown() && !reading.usage_final,
        "no usage in the stream is unknown, not zero"
    );
}

#[test]
fn a_whole_chat_with_two_choices_has_two_messages() {
    let choice =
        |index: u64, message: Value| json!({"index": index, "message": message, "finish_reason": "stop"});
    let case = Case::document(
        "openai",
        CHAT,
        &json!({"id": "c", "model": "m", "choices": [
        choice(0, json!({"role": "assistant", "content": "one"})),
        choice(1, json!({"role": "assistant", "content": null, "refusal": "No."})),
    ], "usage": {"prompt_tokens": 2, "completion_tokens": 3}}),
    );
    let parts: Vec<Vec<Part>> = case.conversation().answer.into_iter().map(|message| message.parts).collect();
    assert_eq!(parts, [vec![text("one")], vec![Part::Refusal { text: "No.".to_owned() }]]);
    assert!(case.read().complete && case.read().usage_final);
}

#[test]
fn mistrals_chunks_and_azures_empty_beginning_are_read() {
    let case = Case::stream(
        "azure",
        "/openai/deployments/d/chat/completions",
        &[
            json!({"choices": [], "id": "", "model": "", "prompt_filter_results": []}),
            chunk(
                json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}, {"type": "text", "text": "Oui"}]}),
                None,
            ),
            chunk(json!({"content": ""}), Some("stop")),
            json!("[DONE]"),
        ],
    );
    assert_eq!(case.read().model.as_deref(), Some("m-1"));
    assert_eq!(answer(&case), [thinking("Hm"), text("Oui")]);
}

#[test]
fn completions_are_read_as_openai_and_as_llama_write_them() {
    let openai = Case::document(
        "openai",
        "/v1/completions",
        &json!({"id": "cmpl", "model": "m",
        "choices": [{"text": " world", "index": 0, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
    );
    assert_eq!(answer(&openai), [text(" world")]);
    assert_eq!(openai.read().finish_reason.as_deref(), Some("length"));

    let llama = Case::stream(
        "llama",
        "/completion",
        &[
            json!({"index": 0, "content": "Hi", "stop": false}),
            json!({"index": 0, "content": "", "stop": true, "stop_type": "eos", "model": "x.gguf",
               "timings": {"cache_n": 4, "prompt_n": 1, "predicted_n": 3}}),
        ],
    );
    let reading = llama.read();
    assert_eq!(reading.finish_reason.as_deref(), Some("eos"));
    assert_eq!(reading.usage.total(), Some(8));
    assert!(reading.complete);
    assert_eq!(answer(&llama), [text("Hi")]);
}

#[test]
fn embeddings_have_input_and_no_conversation() {
    for (provider, path, response) in [
        (
            "openai",
            "/v1/embeddings",
            json!({"model": "e", "data": [], "usage": {"prompt_tokens": 8, "total_tokens": 8}}),
        ),
        ("ollama", "/api/embed", json!({"model": "e", "embeddings": [[0.5]], "prompt_eval_count": 8})),
        ("cohere", "/v2/embed", json!({"id": "x", "meta": {"billed_units": {"input_tokens": 8}}})),
        (
            "gemini",
            "/v1beta/models/e:embedContent",
            json!({"embedding": {}, "usageMetadata": {"promptTokenCount": 8}}),
        ),
    ] {
        let case = Case::document(provider, path, &response);
        assert_eq!(case.read().usage.total(), Some(8), "{provider}");
        assert!(case.read().usage_final && case.conversation().answer.is_empty(), "{provider}");
    }
}

#[test]
fn what_is_not_billed_by_the_token_has_no_usage() {
    let usage = json!({"model": "gpt-image", "usage": {"input_tokens": 50, "output_tokens": 60}});
    assert_eq!(Case::document("openai", "/v1/images/generations", &usage).read().usage.total(), Some(110));
    let again = Case::document("openai", "/v1/responses/r/cancel", &usage).read();
    assert!(again.usage.is_unknown() && again.estimated.is_none(), "another call's tokens");
    assert_eq!(again.read_again.and_then(|usage| usage.total()), Some(110));
    let count =
        Case::document("anthropic", "/v1/messages/count_tokens", &json!({"input_tokens": 2095})).read();
    assert!(count.usage.is_unknown() && count.complete);
}
