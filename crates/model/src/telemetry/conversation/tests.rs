//! What was said, in every dialect's way of keeping it.

use super::*;
use crate::telemetry::wire::Attributes;

fn span(attributes: &[(&str, &str)]) -> Span {
    let attributes =
        attributes.iter().map(|(key, text)| ((*key).to_owned(), Value::Text((*text).to_owned())));
    Span { attributes: Attributes(attributes.collect()), ..Span::default() }
}

fn text(message: &Message) -> String {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text { text } => text.clone(),
        Part::Thinking { text } => format!("<{text}>"),
        Part::ToolCall { id, name, arguments } => {
            format!("{}:{name}({arguments})", id.as_deref().unwrap_or("-"))
        }
        Part::ToolResult { id, text, .. } => format!("{}={text}", id.as_deref().unwrap_or("-")),
        Part::Media { kind, bytes, url, .. } => format!("[{kind} {bytes:?} {url:?}]"),
        Part::Refusal { text } => format!("!{text}"),
        Part::Other { kind, .. } => format!("?{kind}"),
    });
    format!("{:?} {}", message.role, parts.collect::<Vec<_>>().join(" + "))
}

fn said(span: &Span) -> (Vec<String>, Vec<String>) {
    let conversation = span_conversation(span, &Origin::default()).unwrap_or_default();
    (conversation.messages.iter().map(text).collect(), conversation.answer.iter().map(text).collect())
}

/// The same exchange, however it is kept: the title is what the user said last.
#[test]
fn every_way_of_keeping_a_conversation_is_read() {
    let genai_in = r#"[{"role":"system","parts":[{"type":"text","content":"be brief"}]},{"role":"user","parts":[{"type":"text","content":"weather?"}]}]"#;
    let chat_in = r#"[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":"weather?"}]}]"#;
    let chat_request = format!(r#"{{"model":"m","messages":{chat_in}}}"#);
    let langchain = r#"{"messages":[[{"lc":1,"type":"constructor","id":["langchain","schema","SystemMessage"],"kwargs":{"content":"be brief"}},{"lc":1,"type":"constructor","id":["langchain","schema","HumanMessage"],"kwargs":{"content":"weather?","type":"human"}}]]}"#;
    let gemini_out = r#"[{"candidates":[{"content":{"parts":[{"text":"su"}],"role":"model"}}]},{"candidates":[{"content":{"parts":[{"text":"n"}],"role":"model"}}]},{"candidates":[{"content":{"parts":[{"text":"ny"}],"role":"model"}}]}]"#;
    let generations = r#"{"generations":[[{"text":"sunny","message":{"kwargs":{"content":"sunny"}}}]]}"#;
    for attributes in [
        vec![
            ("gen_ai.input.messages", genai_in),
            (
                "gen_ai.output.messages",
                r#"[{"role":"assistant","parts":[{"type":"text","content":"sunny"}],"finish_reason":"stop"}]"#,
            ),
        ],
        vec![
            ("gen_ai.system_instructions", r#"[{"type":"text","content":"be brief"}]"#),
            ("gen_ai.input.messages", r#"[{"role":"user","parts":[{"type":"text","content":"weather?"}]}]"#),
            (
                "gen_ai.output.messages",
                r#"[{"role":"assistant","parts":[{"type":"text","content":"sunny"}]}]"#,
            ),
        ],
        vec![
            ("gen_ai.prompt.1.role", "user"),
            ("gen_ai.prompt.1.content", "weather?"),
            ("gen_ai.prompt.0.role", "system"),
            ("gen_ai.prompt.0.content", "be brief"),
            ("gen_ai.completion.0.role", "assistant"),
            ("gen_ai.completion.0.content", "sunny"),
            ("gen_ai.completion.0.finish_reason", "stop"),
        ],
        vec![
            ("llm.input_messages.0.message.role", "system"),
            ("llm.input_messages.0.message.content", "be brief"),
            ("llm.input_messages.1.message.role", "user"),
            ("llm.input_messages.1.message.contents.0.message_content.type", "text"),
            ("llm.input_messages.1.message.contents.0.message_content.text", "weather?"),
            ("llm.output_messages.0.message.role", "assistant"),
            ("llm.output_messages.0.message.content", "sunny"),
            ("input.value", "something else"),
        ],
        vec![("ai.prompt.messages", chat_in), ("ai.response.text", "sunny")],
        vec![("ai.prompt", &chat_request), ("ai.response.text", "sunny")],
        vec![("gen_ai.prompt", &chat_request), ("gen_ai.completion", generations)],
        vec![
            ("langfuse.observation.input", chat_in),
            ("langfuse.observation.output", r#"{"role":"assistant","content":"sunny"}"#),
        ],
        vec![
            ("request_data", &chat_request),
            ("response_data", r#"{"message":{"role":"assistant","content":"sunny"},"usage":{}}"#),
        ],
        vec![
            ("mlflow.spanInputs", &chat_request),
            ("mlflow.spanOutputs", r#"{"choices":[{"message":{"role":"assistant","content":"sunny"}}]}"#),
        ],
        vec![("traceloop.entity.input", langchain), ("traceloop.entity.output", r#""sunny""#)],
        vec![
            ("input.value", &chat_request),
            ("output.value", r#"{"choices":[{"message":{"role":"assistant","content":"sunny"}}]}"#),
        ],
        vec![
            (
                "request_text",
                r#"{"systemInstruction":{"parts":[{"text":"be brief"}]},"contents":[{"role":"user","parts":[{"text":"weather?"}]}]}"#,
            ),
            ("response_text", gemini_out),
        ],
    ] {
        let kind = [("openinference.span.kind", "LLM")];
        let span = span(&[&kind, attributes.as_slice()].concat());
        let (messages, answer) = said(&span);
        assert_eq!(messages, ["System be brief", "User weather?"], "{attributes:?}");
        assert_eq!(answer, ["Assistant sunny"], "{attributes:?}");
        let told = Told::of(&span.attributes, &ORIGIN);
        assert_eq!(title(&span.events, &told).as_deref(), Some("weather?"), "{attributes:?}");
    }
}

static ORIGIN: std::sync::LazyLock<Origin> = std::sync::LazyLock::new(Origin::default);

#[test]
fn tools_are_called_and_answer_in_every_shape() {
    for (input, output) in [
        (
            r#"[{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":"18 C"}]}]"#,
            r#"[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"},{"type":"tool_call","id":"c2","name":"weather","arguments":{"city":"Bern"}}]}]"#,
        ),
        (
            r#"[{"role":"tool","content":[{"type":"tool-result","toolCallId":"c1","toolName":"w","output":{"type":"text","value":"18 C"}}]}]"#,
            r#"[{"role":"assistant","content":[{"type":"reasoning","text":"hm"},{"type":"tool-call","toolCallId":"c2","toolName":"weather","input":{"city":"Bern"}}]}]"#,
        ),
        (
            r#"[{"role":"tool","tool_call_id":"c1","content":"18 C"}]"#,
            r#"[{"role":"assistant","reasoning_content":"hm","tool_calls":[{"id":"c2","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Bern\"}"}}]}]"#,
        ),
        (
            r#"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"18 C"}]}]"#,
            r#"[{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"tool_use","id":"c2","name":"weather","input":{"city":"Bern"}}]}]"#,
        ),
        (
            r#"[{"type":"tool","kwargs":{"content":"18 C","tool_call_id":"c1","type":"tool"}}]"#,
            r#"[{"role":"ai","reasoning":"hm","content":"","tool_calls":[{"name":"weather","args":{"city":"Bern"},"id":"c2"}]}]"#,
        ),
    ] {
        let (messages, answer) =
            said(&span(&[("gen_ai.input.messages", input), ("gen_ai.output.messages", output)]));
        assert_eq!(messages, ["Tool c1=18 C"], "{input}");
        assert_eq!(answer, [r#"Assistant <hm> + c2:weather({"city":"Bern"})"#], "{output}");
    }
    let spread = span(&[
        ("gen_ai.completion.0.role", "assistant"),
        ("gen_ai.completion.0.tool_calls.0.id", "c2"),
        ("gen_ai.completion.0.tool_calls.0.name", "weather"),
        ("gen_ai.completion.0.tool_calls.0.arguments", "{}"),
        ("gen_ai.prompt.0.role", "tool"),
        ("gen_ai.prompt.0.content", "18 C"),
        ("gen_ai.prompt.0.tool_call_id", "c1"),
    ]);
    assert_eq!(said(&spread), (vec!["Tool c1=18 C".to_owned()], vec!["Assistant c2:weather({})".to_owned()]));
    let openinference = span(&[
        ("llm.output_messages.0.message.tool_calls.0.tool_call.id", "c2"),
        ("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "weather"),
        ("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "{}"),
    ]);
    assert_eq!(said(&openinference).1, ["Assistant c2:weather({})"]);
    let vercel =
        span(&[("ai.response.toolCalls", r#"[{"toolCallId":"c2","toolName":"weather","args":"{}"}]"#)]);
    assert_eq!(said(&vercel).1, ["Assistant c2:weather({})"]);
}

#[test]
fn events_of_a_span_and_records_tell_message_by_message() {
    let event = |name: &str, attributes: &[(&str, &str)]| SpanEvent {
        name: name.to_owned(),
        attributes: span(attributes).attributes,
        ..SpanEvent::default()
    };
    let events = vec![
        event("gen_ai.system.message", &[("content", "be brief")]),
        event("gen_ai.user.message", &[("content", "weather?"), ("role", "user")]),
        event("gen_ai.choice", &[("index", "0"), ("message", r#"{"role":"assistant","content":"sunny"}"#)]),
    ];
    let (messages, answer) = said(&Span { events, ..Span::default() });
    assert_eq!((messages.len(), answer), (2, vec!["Assistant sunny".to_owned()]));
    let record = |name: &str, body: Json| LogRecord {
        event_name: name.to_owned(),
        body: Value::Text(body.to_string()),
        ..LogRecord::default()
    };
    let records = [
        record("gen_ai.user.message", json!({"content": "weather?"})),
        record(
            "gen_ai.assistant.message",
            json!({"tool_calls": [{"id": "c1", "function": {"name": "w", "arguments": "{}"}}]}),
        ),
        record("gen_ai.tool.message", json!({"id": "c1", "content": "18 C"})),
        record(
            "gen_ai.choice",
            json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "sunny"}}),
        ),
    ];
    let conversation = log_conversation(&records, &Origin::default()).unwrap();
    let messages: Vec<String> = conversation.messages.iter().map(text).collect();
    assert_eq!(messages, ["User weather?", "Assistant c1:w({})", "Tool c1=18 C"]);
    assert_eq!(searchable_text(&conversation, 1000), "weather?\n{}\n18 C\nsunny");
    assert_eq!(searchable_text(&conversation, 4), "wea");
}

#[test]
fn media_are_described_and_tools_listed() {
    let input = r#"[{"role":"user","parts":[{"type":"blob","mime_type":"image/png","modality":"image","content":"AAAA"},{"type":"uri","modality":"audio","uri":"https://a/b"}]}]"#;
    let tools =
        r#"[{"type":"function","name":"weather","description":"tells","parameters":{"type":"object"}}]"#;
    let span = span(&[("gen_ai.input.messages", input), ("gen_ai.tool.definitions", tools)]);
    let conversation = span_conversation(&span, &Origin::default()).unwrap();
    let expected = r#"User [image Some(3) None] + [audio None Some("https://a/b")]"#;
    assert_eq!(text(&conversation.messages[0]), expected);
    assert_eq!(conversation.tools[0].name, "weather");
}

#[test]
fn a_cut_document_is_no_title() {
    let cut = span(&[("gen_ai.input.messages", r#"{"messages":[{"role":"us"#)]);
    assert_eq!(title(&[], &Told::of(&cut.attributes, &ORIGIN)), None);
    let cut = span(&[("gen_ai.input.messages", r#"[{"role":"user","content":"whole"},{"role":"us"#)]);
    assert_eq!(title(&[], &Told::of(&cut.attributes, &ORIGIN)).as_deref(), Some("whole"));
}
