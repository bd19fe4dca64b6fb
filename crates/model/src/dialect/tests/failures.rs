//! Errors instead of answers, errors in the middle of answers, and answers that stop.

use super::*;

#[test]
fn an_error_body_is_told_in_one_line() {
    for (provider, path, body, line) in [
        (
            "openai",
            "/v1/responses",
            json!({"error": {"message": "Slow\ndown", "type": "requests", "code": "rate_limited"}}),
            "rate_limited: Slow down",
        ),
        (
            "anthropic",
            "/v1/messages",
            json!({"type": "error", "error": {"type": "api_error", "message": "Oops"}}),
            "api_error: Oops",
        ),
        (
            "gemini",
            "/v1/models/m:streamGenerateContent",
            json!([{"error": {"code": 400, "message": "Bad", "status": "INVALID"}}]),
            "INVALID: Bad",
        ),
        ("ollama", "/api/chat", json!({"error": "no model"}), "no model"),
        ("cohere", "/v2/chat", json!({"message": "bad token"}), "bad token"),
        (
            "mistral",
            "/v1/chat/completions",
            json!({"detail": [{"type": "missing", "loc": ["body"], "msg": "Required"}]}),
            "missing: Required (body)",
        ),
    ] {
        let reading = Case { status: 429, ..Case::document(provider, path, &body) }.read();
        assert_eq!(reading.error.as_deref(), Some(line), "{provider}");
        assert!(!reading.error_in_stream && reading.complete && reading.usage.is_unknown(), "{provider}");
    }
    let page = "<html><title>502 Bad Gateway</title></html>";
    let case =
        Case { status: 502, content_type: "text/html", ..Case::new("openai", "/v1/chat/completions", page) };
    assert_eq!(case.read().error.as_deref(), Some("502 Bad Gateway"));
}

#[test]
fn an_error_in_a_stream_that_began_well_is_seen() {
    let chat = json!({"id": "c", "choices": [{"index": 0, "delta": {"content": "Hal"}}]});
    let message = json!({"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}});
    let created =
        json!({"type": "response.created", "response": {"id": "r", "status": "in_progress", "error": null}});
    let failed = json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error", "message": "Oops"}}});
    for (provider, path, begin, error, line) in [
        (
            "openai",
            "/v1/chat/completions",
            &chat,
            json!({"error": {"message": "Oops", "type": "server_error", "code": null}}),
            "server_error: Oops",
        ),
        (
            "anthropic",
            "/v1/messages",
            &message,
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}),
            "overloaded_error: Busy",
        ),
        (
            "openai",
            "/v1/responses",
            &created,
            json!({"type": "error", "code": "server_error", "message": "Oops", "param": null}),
            "server_error: Oops",
        ),
        ("openai", "/v1/responses", &created, failed, "server_error: Oops"),
        (
            "gemini",
            "/v1/models/m:streamGenerateContent",
            &chat,
            json!({"error": {"code": 500, "message": "Oops", "status": "INTERNAL"}}),
            "INTERNAL: Oops",
        ),
        (
            "groq",
            "/v1/chat/completions",
            &chat,
            json!({"choices": [], "x_groq": {"error": "over capacity"}}),
            "over capacity",
        ),
        (
            "cohere",
            "/v2/chat",
            &chat,
            json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Overloaded"}}),
            "Overloaded",
        ),
        (
            "cohere",
            "/v1/chat",
            &chat,
            json!({"event_type": "stream-end", "response": {"finish_reason": "ERROR_TOXIC"}}),
            "ERROR_TOXIC",
        ),
    ] {
        let reading = Case::stream(provider, path, &[begin.clone(), error]).read();
        assert_eq!(reading.error.as_deref(), Some(line), "{provider} {path}");
        assert!(reading.error_in_stream && !reading.usage_final, "{provider} {path}");
    }
    let lines = "{\"message\":{\"content\":\"Hi\"},\"done\":false}\n{\"error\":\"out of memory\"}\n";
    let reading = Case::new("ollama", "/api/chat", lines).read();
    assert_eq!(reading.error.as_deref(), Some("out of memory"));
    assert!(reading.error_in_stream && !reading.complete);
}

#[test]
fn a_document_that_is_cut_is_not_complete() {
    let case =
        Case::new("openai", "/v1/chat/completions", r#"{"id":"c","choices":[{"message":{"content":"Hal"#);
    assert!(!case.read().complete);
    let conversation = case.conversation();
    assert!(conversation.answer.is_empty() && conversation.notes.len() == 1);
}

#[test]
fn an_empty_answer_is_nothing_at_all() {
    let reading = Case::new("openai", "/v1/chat/completions", "").read();
    assert_eq!(reading, Reading::default());
}

#[test]
fn a_stream_without_a_content_type_is_recognised() {
    let event = json!({"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}]});
    let case = Case::new("openai", "/v1/chat/completions", format!(": hello\n\n{}", sse(&[event])));
    assert!(case.read().streamed && case.read().complete);
}
