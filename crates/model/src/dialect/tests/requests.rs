//! Requests as conversations: who says what, in every dialect.

use super::*;

fn prompt(provider: &'static str, path: &'static str, request: &Value) -> Conversation {
    Case { request: request.to_string().into_bytes(), ..Case::new(provider, path, "") }.conversation()
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, cache_marker: false }
}

fn result(id: &str, text: &str) -> Part {
    Part::ToolResult { id: Some(id.to_owned()), text: text.to_owned(), error: false }
}

/// System, user, the assistant's call of a tool, the tool's answer.
fn turns(id: Option<&str>) -> Vec<Message> {
    vec![
        message(Role::System, vec![text("Be brief.")]),
        message(Role::User, vec![text("List.")]),
        message(Role::Assistant, vec![text("Yes."), call(id, "ls", "{\"p\":\".\"}")]),
        message(Role::Tool, vec![result(id.unwrap_or("ls"), "a.txt")]),
    ]
}

#[test]
fn chat_completions() {
    let request = json!({"model": "m", "messages": [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "List."}]},
        {"role": "assistant", "content": "Yes.", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "ls", "arguments": "{\"p\":\".\"}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "a.txt"},
    ], "tools": [{"type": "function", "function": {"name": "ls", "parameters": {}}}]});
    let conversation = prompt("openai", "/v1/chat/completions", &request);
    assert_eq!(conversation.messages, turns(Some("1")));
    assert_eq!(conversation.tools.len(), 1);
}

#[test]
fn anthropic_messages_with_their_cache_markers() {
    let marker = json!({"type": "ephemeral"});
    let request = json!({"model": "m", "system": [{"type": "text", "text": "Be brief.", "cache_control": marker}], "messages": [
        {"role": "user", "content": "List."},
        {"role": "assistant", "content": [{"type": "text", "text": "Yes."},
            {"type": "tool_use", "id": "1", "name": "ls", "input": {"p": "."}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "a.txt", "cache_control": marker}]},
    ]});
    let mut expected = turns(Some("1"));
    expected[0].cache_marker = true;
    expected[3].cache_marker = true;
    assert_eq!(prompt("anthropic", "/v1/messages", &request).messages, expected);
}

#[test]
fn responses_items() {
    let request = json!({"model": "m", "instructions": "Be brief.", "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "List."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]},
        {"type": "function_call", "call_id": "1", "name": "ls", "arguments": "{\"p\":\".\"}"},
        {"type": "function_call_output", "call_id": "1", "output": "a.txt"},
        {"type": "reasoning", "summary": [], "encrypted_content": "x"},
        "and then?",
    ]});
    let mut expected = turns(Some("1"));
    let said = expected.remove(2);
    let (words, calls) = said.parts.split_at(1);
    expected.insert(2, message(Role::Assistant, words.to_vec()));
    expected.insert(3, message(Role::Assistant, calls.to_vec()));
    expected.push(message(Role::Assistant, vec![thinking("")]));
    expected.push(message(Role::User, vec![text("and then?")]));
    assert_eq!(prompt("openai", "/v1/responses", &request).messages, expected);
}

#[test]
fn gemini_contents_bare_and_wrapped() {
    let request = json!({"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": [
        {"role": "user", "parts": [{"text": "List."}]},
        {"role": "model", "parts": [{"text": "Yes."}, {"functionCall": {"name": "ls", "args": {"p": "."}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "ls", "response": {"output": "a.txt"}}}]},
    ], "tools": [{"functionDeclarations": [{"name": "ls"}]}]});
    let wrapped = json!({"model": "gemini-x", "request": request});
    for (path, request) in
        [("/v1beta/models/g:generateContent", &request), ("/v1internal:generateContent", &wrapped)]
    {
        let conversation = prompt("gemini", path, request);
        assert_eq!(conversation.messages, turns(None), "{path}");
        assert_eq!(conversation.tools.len(), 1, "{path}");
    }
    let model =
        requested_model(Dialect::Gemini, "/v1internal:generateContent", wrapped.to_string().as_bytes());
    assert_eq!(model.as_deref(), Some("gemini-x"));
}

#[test]
fn ollama_and_bare_prompts() {
    let request = json!({"model": "m", "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "List."},
        {"role": "assistant", "content": "Yes.", "tool_calls": [{"function": {"name": "ls", "arguments": {"p": "."}}}]},
        {"role": "tool", "tool_name": "ls", "content": "a.txt"},
    ]});
    assert_eq!(prompt("ollama", "/api/chat", &request).messages, turns(None));
    let request = json!({"model": "m", "system": "Be brief.", "prompt": "List."});
    assert_eq!(prompt("ollama", "/api/generate", &request).messages, turns(None)[..2]);
}

#[test]
fn a_request_that_is_cut_gives_its_whole_messages_and_a_note() {
    let request =
        r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"List."},{"role":"user","con"#;
    let case = Case { request: request.into(), ..Case::new("openai", "/v1/chat/completions", "") };
    let conversation = case.conversation();
    assert_eq!(conversation.messages, [message(Role::User, vec![text("List.")])]);
    assert_eq!(conversation.notes.len(), 1);
    let reading = case.read();
    assert_eq!(reading.requested_model.as_deref(), Some("m"));
    assert_eq!(reading.title.as_deref(), Some("List."));
}

#[test]
fn streams_are_asked_for_in_three_ways() {
    let asked = |provider, path, request: &str| {
        Case { request: request.into(), ..Case::new(provider, path, "") }.read().stream_requested
    };
    assert!(asked("openai", "/v1/chat/completions", r#"{"stream":true}"#));
    assert!(!asked("openai", "/v1/chat/completions", "{}"));
    assert!(asked("ollama", "/api/chat", "{}"));
    assert!(!asked("ollama", "/api/chat", r#"{"stream":false}"#));
    assert!(asked("gemini", "/v1beta/models/g:streamGenerateContent", "{}"));
}
