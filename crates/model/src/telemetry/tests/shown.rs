//! Readings as small JSON: what is empty or false is left out, so that what stands beside a fixture can be read.

use serde_json::{Map, Value as Json, json};

use super::export::Read;
use crate::telemetry::reading::{LogReading, ReportedCall, SpanReading, ToolRun, Whose};
use crate::telemetry::wire::{LogRecord, Origin, Span};
use crate::telemetry::{log_conversation, metric_usage, read_log, read_span, span_conversation};

/// Everything that a request means, in order.
pub(super) fn meaning(read: &Read) -> Json {
    let mut all: Vec<Json> = read.spans.iter().map(|(origin, one)| span(one, origin)).collect();
    all.extend(read.logs.iter().map(|(origin, one)| log(one, origin)));
    let mut metrics: Vec<Json> = Vec::new();
    for (name, attributes) in &read.points {
        let meaning = metric_usage(name, attributes);
        let shown = match meaning {
            None => json!({"metric": name}),
            Some(meaning) => small(json!({
                "metric": name, "token_type": meaning.token_type, "counts": format!("{:?}", meaning.counts),
                "model": meaning.model, "session": meaning.session,
            })),
        };
        if !metrics.contains(&shown) {
            metrics.push(shown);
        }
    }
    all.extend(metrics);
    Json::Array(all)
}

pub(super) fn span(one: &Span, origin: &Origin) -> Json {
    let SpanReading { span_type, infrastructure, echo, label, whose: owner, call: told, tool: ran, error } =
        read_span(one, origin);
    let conversation = span_conversation(one, origin).map(|said| conversation(&said));
    small(json!({
        "span": one.name, "type": span_type.as_str(), "folded": infrastructure, "echo": echo, "label": label,
        "whose": whose(&owner), "call": told.map(|told| call(&told)), "tool": ran.map(|ran| tool(&ran)),
        "error": error, "said": conversation,
    }))
}

pub(super) fn log(one: &LogRecord, origin: &Origin) -> Json {
    let LogReading { event, kind, whose: owner, title, call: told, tool: ran } = read_log(one, origin);
    let conversation = log_conversation(std::slice::from_ref(one), origin).map(|said| conversation(&said));
    small(json!({
        "log": event, "kind": format!("{kind:?}"), "title": title, "whose": whose(&owner),
        "call": told.map(|told| call(&told)), "tool": ran.map(|ran| tool(&ran)), "said": conversation,
    }))
}

fn whose(whose: &Whose) -> Json {
    let Whose { service, client, session, conversation, prompt, user, agent, agent_parent, agent_name } =
        whose;
    small(json!({
        "service": service, "client": client, "session": session, "conversation": conversation, "prompt": prompt,
        "user": user, "agent": agent, "agent_parent": agent_parent, "agent_name": agent_name,
    }))
}

fn call(call: &ReportedCall) -> Json {
    let ReportedCall {
        provider,
        requested_model,
        model,
        operation,
        usage,
        cost,
        start_ns,
        end_ns,
        first_token_us,
        streamed,
        status,
        error,
        finish_reason,
        title,
        request_id,
        client_request_id,
        response_id,
        service_tier,
    } = call;
    let took = (*start_ns > 0).then(|| (end_ns - start_ns) / 1000);
    small(json!({
        "provider": provider, "requested": requested_model, "model": model, "operation": operation.as_str(),
        "input": usage.input, "cache_read": usage.cache_read, "cache_write_5m": usage.cache_write_5m,
        "cache_write_1h": usage.cache_write_1h, "output": usage.output, "reasoning": usage.reasoning,
        "dollars": cost.map(api::Money::dollars), "took_us": took, "first_token_us": first_token_us,
        "streamed": streamed, "status": status, "error": error, "finish": finish_reason, "title": title,
        "request_id": request_id, "client_request_id": client_request_id, "response_id": response_id,
        "tier": service_tier,
    }))
}

fn tool(run: &ToolRun) -> Json {
    let ToolRun { name, call_id, arguments, result, success, duration_us } = run;
    // A run that failed says so; false is not left out here.
    let success = success.map(|success| if success { "yes" } else { "no" });
    small(json!({
        "name": name, "id": call_id, "arguments": arguments, "result": result, "success": success,
        "took_us": duration_us,
    }))
}

fn conversation(said: &api::Conversation) -> Json {
    let speaks = |message: &api::Message| {
        let parts = message.parts.iter().map(|part| match part {
            api::Part::Text { text } => text.clone(),
            api::Part::Thinking { text } => format!("thinks: {text}"),
            api::Part::ToolCall { name, arguments, .. } => format!("calls {name}({arguments})"),
            api::Part::ToolResult { text, .. } => format!("gives {text}"),
            other => format!("{other:?}"),
        });
        format!("{:?}: {}", message.role, parts.collect::<Vec<_>>().join(" | "))
    };
    let tools: Vec<&str> = said.tools.iter().map(|tool| tool.name.as_str()).collect();
    let prompt: Vec<String> = said.messages.iter().map(speaks).collect();
    let answer: Vec<String> = said.answer.iter().map(speaks).collect();
    small(json!({"tools": tools, "prompt": prompt, "answer": answer}))
}

fn small(value: Json) -> Json {
    let Json::Object(members) = value else { return value };
    let empty = |value: &Json| match value {
        Json::Null | Json::Bool(false) => true,
        Json::Array(values) => values.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    };
    Json::Object(members.into_iter().filter(|(_, value)| !empty(value)).collect::<Map<_, _>>())
}
