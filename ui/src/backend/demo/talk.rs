//! What was said in an invented call, and its bodies.

use api::{CallState, CallSummary, Conversation, Message, Operation, Part, Role, ToolDefinition};

const TOOLS: [(&str, &str); 5] = [
    ("Bash", "Runs a command in a persistent shell."),
    ("Read", "Reads a file from the local filesystem."),
    ("Edit", "Replaces text in a file."),
    ("Grep", "Searches file contents with a regular expression."),
    ("Task", "Starts a subagent with its own context."),
];

fn message(role: Role, parts: Vec<Part>, cache_marker: bool) -> Message {
    Message { role, parts, cache_marker }
}

fn text(words: &str) -> Part {
    Part::Text { text: words.into() }
}

fn tool(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall { id: Some(id.into()), name: name.into(), arguments: arguments.into() }
}

fn result(id: &str, words: &str, error: bool) -> Part {
    Part::ToolResult { id: Some(id.into()), text: words.into(), error }
}

pub(super) fn conversation(call: &CallSummary) -> Conversation {
    if call.operation == Operation::Embeddings {
        return Conversation {
            messages: vec![message(
                Role::User,
                vec![text("512 inputs, the first: `fn drop_whole_traces(tx: &mut Tx)`")],
                false,
            )],
            ..Conversation::default()
        };
    }
    let title = call.title.clone().unwrap_or_default();
    let system =
        "You are an interactive CLI tool that helps users with software engineering tasks. ".repeat(90);
    let schema = r#"{"type":"object","properties":{"command":{"type":"string","description":"The command to run"},"timeout":{"type":"number"}},"required":["command"]}"#;
    let mut messages = vec![
        message(Role::System, vec![text(&system)], true),
        message(Role::User, vec![text("The flaky test still fails on CI, look at retry.rs first")], false),
        message(Role::Assistant, vec![text("I will read the retry code."), tool("toolu_01", "Read", r#"{"file_path":"src/store/retry.rs","limit":200}"#)], false),
        message(Role::Tool, vec![result("toolu_01", "pub fn with_retry<T>(mut attempt: impl FnMut() -> Result<T>) -> Result<T> {\n    for pause in PAUSES {\n        match attempt() {\n            Err(error) if error.is_busy() => sleep(pause),\n            other => return other,\n        }\n    }\n    attempt()\n}", false)], true),
        message(Role::User, vec![text(&title), Part::Media { kind: "image".into(), media_type: Some("image/png".into()), bytes: Some(184_220), url: None }], false),
        message(Role::Assistant, vec![
            Part::Thinking { text: "The retry hides the real cause. I should run the failing test alone and look at how long the writer lock is held.".into() },
            tool("toolu_02", "Bash", r#"{"command":"cargo nextest run -E 'test(drop_whole_traces)' --no-capture","timeout":120000}"#),
        ], false),
        message(Role::Tool, vec![result("toolu_02", "    Summary [ 27.103s] 214 tests run: 213 passed, 1 failed\n       FAIL [ 26.872s] store::retention drops_whole_traces\n  thread 'drops_whole_traces' panicked at retention.rs:88:\n  writer lock held for 26.4 s", true)], true),
    ];
    if call.state == CallState::UpstreamError {
        messages.truncate(5);
    }
    let answer = match call.state {
        CallState::UpstreamError => vec![],
        _ => vec![message(Role::Assistant, vec![
            Part::Thinking { text: "The lock is not the retry's fault. drop_whole_traces opens its transaction, deletes 12,000 rows, then waits for incremental_vacuum inside the same transaction, so every writer queues behind it. The retry only makes it look random.".into() },
            text("The writer keeps its transaction open while it waits for the vacuum. I will run the vacuum after the commit, 64 pages at a time."),
            tool("toolu_03", "Edit", r#"{"file_path":"src/store/retention.rs","old_string":"    vacuum_step(&mut tx, ALL_PAGES).await?;","new_string":"    tx.commit().await?;\n    vacuum_step(&self.writer, 64).await?;","replace_all":false}"#),
        ], false)],
    };
    let tools = TOOLS.map(|(name, description)| ToolDefinition {
        name: name.into(),
        description: Some(description.into()),
        schema: Some(schema.into()),
    });
    Conversation { tools: tools.into(), messages, answer, notes: vec![] }
}

pub(super) fn request_body(call: &CallSummary) -> String {
    let model = call.model.clone().unwrap_or_default();
    let title = call.title.clone().unwrap_or_default();
    let filler =
        "You are an interactive CLI tool that helps users with software engineering tasks. ".repeat(30);
    let body = format!(
        r#"{{"model":"{model}","max_tokens":32000,"temperature":1,"stream":{},"system":[{{"type":"text","text":"{filler}","cache_control":{{"type":"ephemeral"}}}}],"messages":[{{"role":"user","content":"{}"}}],"tools":[{{"name":"Bash","description":"Runs a command","input_schema":{{"type":"object","properties":{{"command":{{"type":"string"}}}},"required":["command"]}}}}],"metadata":{{"user_id":"user_3f2a"}}}}"#,
        call.streamed,
        title.replace('"', "\\\""),
    );
    if title.starts_with("Why") { format!("{body}{}", " ".repeat(2_000_000)) } else { body }
}

pub(super) fn response_body(call: &CallSummary) -> String {
    if let Some(error) = call.error.as_deref().filter(|_| call.state == CallState::UpstreamError) {
        return format!(
            r#"{{"type":"error","error":{{"type":"rate_limit_error","message":"{error}"}},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}}"#
        );
    }
    if !call.streamed {
        return r#"{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","content":[{"type":"text","text":"The writer keeps its transaction open."}],"stop_reason":"end_turn"}"#.into();
    }
    let mut body = String::from(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01XFDUDYJgAACzvnptvVoYEL\",\"role\":\"assistant\",\"usage\":{\"input_tokens\":3}}}\n\n",
    );
    for word in "The writer keeps its transaction open while it waits for the vacuum. I will run the vacuum after the commit.".split_inclusive(' ') {
        body.push_str(&format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{word}\"}}}}\n\n"));
    }
    body.push_str("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":118}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    body
}
