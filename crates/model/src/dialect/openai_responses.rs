//! OpenAI's Responses API: the response object and its stream of typed events. Leaves out requests (`prompt`).

use api::Part;
use serde_json::Value;

use super::answer::{Answer, text_of};
use super::json::{argument_text, count, index, list, object, owned, text};
use super::{content, errors, openai_chat, pieces};

/// Summaries of reasoning stand before the reasoning itself.
const REASONING: u64 = 1 << 32;

/// Takes a response object or one event of a stream.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    let kind = text(value, "type").unwrap_or_default();
    match (kind, object(value, "response")) {
        (_, Some(response)) => take_response(response, answer),
        ("error", None) => answer.reading.complete = true,
        ("response.output_item.added" | "response.output_item.done", None) => take_item(value, answer),
        ("", None) => take_response(value, answer),
        (_, None) => take_delta(kind, value, answer),
    }
}

fn take_response(response: &Value, answer: &mut Answer) {
    let reading = &mut answer.reading;
    reading.model = owned(response, "model").or_else(|| reading.model.take());
    reading.response_id = owned(response, "id").or_else(|| reading.response_id.take());
    reading.service_tier = owned(response, "service_tier").or_else(|| reading.service_tier.take());
    let output = list(response, "output");
    if let Some(usage) = object(response, "usage") {
        openai_chat::take_usage(usage, answer);
        answer.reading.units.web_searches = searches(response, output);
        pieces::take_tools(output, answer);
    }
    if let Some(error) = response.get("error").and_then(|error| errors::named(error, None)) {
        answer.reading.error = Some(error);
    }
    if !output.is_empty() {
        answer.clear_drafts();
        for (place, item) in (0..).zip(output) {
            answer.replace_item(place, item_parts(item));
        }
    }
    take_status(response, answer);
}

fn take_status(response: &Value, answer: &mut Answer) {
    let Some(status) = text(response, "status") else { return };
    answer.reading.in_background = matches!(status, "in_progress" | "queued");
    if answer.reading.in_background {
        return;
    }
    let reason = object(response, "incomplete_details").and_then(|details| text(details, "reason"));
    answer.reading.finish_reason = Some(reason.unwrap_or(status).to_owned());
    answer.reading.complete = true;
}

/// Searches are billed one by one; older responses only show them as items.
fn searches(response: &Value, output: &[Value]) -> u64 {
    let told = object(response, "tool_usage")
        .and_then(|tools| object(tools, "web_search"))
        .and_then(|search| count(search, "num_requests"));
    told.unwrap_or_else(|| {
        output.iter().filter(|item| text(item, "type") == Some("web_search_call")).count() as u64
    })
}

fn take_item(event: &Value, answer: &mut Answer) {
    let Some(item) = object(event, "item") else { return };
    let parts = item_parts(item);
    let place = index(event, "output_index", 0);
    // Some servers only announce an item and never repeat what its deltas said.
    let empty = parts.is_empty() || matches!(parts.as_slice(), [Part::Thinking { text }] if text.is_empty());
    if !empty {
        answer.replace_item(place, parts);
    }
}

fn take_delta(kind: &str, event: &Value, answer: &mut Answer) {
    let Some(name) = kind.strip_prefix("response.") else { return };
    let item = index(event, "output_index", 0);
    let content = index(event, "content_index", 0);
    // An item is one call and nothing else.
    let call = (item, 0);
    let piece = text(event, "delta").unwrap_or_default();
    match name {
        "output_text.delta" => answer.extend((item, content), piece, || Part::Text { text: String::new() }),
        "refusal.delta" => answer.extend((item, content), piece, || Part::Refusal { text: String::new() }),
        "reasoning_text.delta" => {
            let place = (item, REASONING.saturating_add(content));
            answer.extend(place, piece, || Part::Thinking { text: String::new() });
        }
        "reasoning_summary_text.delta" => {
            let place = (item, index(event, "summary_index", 0));
            answer.extend(place, piece, || Part::Thinking { text: String::new() });
        }
        "function_call_arguments.delta" | "custom_tool_call_input.delta" | "mcp_call_arguments.delta" => {
            answer.extend(call, piece, || nameless_call(event));
        }
        "function_call_arguments.done" => replace(event, "arguments", call, answer),
        "custom_tool_call_input.done" => replace(event, "input", call, answer),
        _ => {}
    }
}

fn nameless_call(event: &Value) -> Part {
    Part::ToolCall { id: owned(event, "item_id"), name: String::new(), arguments: String::new() }
}

/// The whole text of a call's arguments takes the place of its fragments.
fn replace(event: &Value, key: &str, place: (u64, u64), answer: &mut Answer) {
    let Some(whole) = text(event, key) else { return };
    let part = answer.draft(0).part_or(place, || nameless_call(event));
    if let Some(arguments) = text_of(part) {
        whole.clone_into(arguments);
    }
}

/// What one item of `output` or `input` says.
pub(super) fn item_parts(item: &Value) -> Vec<Part> {
    let kind = text(item, "type").unwrap_or_default();
    match kind {
        "" | "message" => item.get("content").map(content::parts).unwrap_or_default(),
        "reasoning" => reasoning(item),
        "function_call" | "mcp_call" => vec![call(item, "arguments")],
        "custom_tool_call" => vec![call(item, "input")],
        "local_shell_call"
        | "shell_call"
        | "web_search_call"
        | "file_search_call"
        | "computer_call"
        | "code_interpreter_call"
        | "tool_search_call"
        | "apply_patch_call" => vec![built_in_call(kind, item)],
        _ => vec![content::other(kind, item)],
    }
}

fn reasoning(item: &Value) -> Vec<Part> {
    let texts = list(item, "summary").iter().chain(list(item, "content"));
    let parts: Vec<Part> =
        texts.filter_map(|part| Some(Part::Thinking { text: owned(part, "text")? })).collect();
    // Encrypted reasoning is there, but hidden.
    if parts.is_empty() { vec![Part::Thinking { text: String::new() }] } else { parts }
}

fn call(item: &Value, arguments: &str) -> Part {
    Part::ToolCall {
        id: owned(item, "call_id").or_else(|| owned(item, "id")),
        name: owned(item, "name").unwrap_or_default(),
        arguments: item.get(arguments).map(argument_text).unwrap_or_default(),
    }
}

fn built_in_call(kind: &str, item: &Value) -> Part {
    let arguments =
        ["action", "operation", "queries", "code", "arguments"].iter().find_map(|key| item.get(key));
    Part::ToolCall {
        id: owned(item, "call_id").or_else(|| owned(item, "id")),
        name: kind.strip_suffix("_call").unwrap_or(kind).to_owned(),
        arguments: arguments.map(argument_text).unwrap_or_default(),
    }
}
