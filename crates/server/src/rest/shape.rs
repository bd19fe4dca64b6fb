//! The former LLMFlow's JSON shapes: its names, dollars as numbers, milliseconds. Later fields stand beside them.

pub(super) mod analytics;
pub(super) mod calls_tree;
pub(crate) mod telemetry;

use api::{
    CallDetail, CallSummary, Header, Health, Money, SessionDetail, SessionSummary, SessionsPage, Stats, Tie,
    Translated,
};
use serde_json::{Map, Value, json};

/// What somebody learns who shows no token where one is asked for: that an LLMFlow is there, and whose it is to whoever
/// could read its folder anyway.
pub(super) fn bare_health(health: &Health, proof: Option<String>) -> Value {
    let mut shape = json!({ "status": health.status, "service": "dashboard", "token": "required" });
    if let (Some(shape), Some(proof)) = (shape.as_object_mut(), proof) {
        shape.insert("data_dir".into(), health.data_dir.clone().into());
        shape.insert("proof".into(), proof.into());
    }
    shape
}

pub(super) fn health(health: &Health, port: u16, proof: Option<String>) -> Value {
    let mut shape = serde_json::to_value(health).unwrap_or_default();
    if let Some(shape) = shape.as_object_mut() {
        shape.insert("service".into(), "dashboard".into());
        shape.insert("port".into(), port.into());
        shape.insert("traces".into(), health.calls.into());
        shape.insert("uptime".into(), health.uptime_s.into());
        if let Some(proof) = proof {
            shape.insert("proof".into(), proof.into());
        }
    }
    shape
}

pub(crate) fn stats(stats: &Stats) -> Value {
    let models = stats.models.iter().map(|total| {
        json!({"model": total.model, "count": total.calls, "tokens": total.tokens, "cost": total.cost.dollars()})
    });
    json!({
        "total_requests": stats.calls,
        "total_tokens": stats.usage.total().unwrap_or(0),
        "total_cost": stats.cost.dollars(),
        "total_duration": millis(Some(stats.duration_us)),
        "error_count": stats.errors,
        "avg_duration": millis(stats.mean_duration_us),
        "unpriced_count": stats.unpriced,
        "usage": stats.usage,
        "replay_count": stats.replays.calls,
        "replay_cost": stats.replays.cost.dollars(),
        "replay_cost_usd": stats.replays.cost.to_decimal(),
        "replay_unpriced_count": stats.replays.unpriced,
        "models": models.collect::<Vec<_>>(),
    })
}

pub(crate) fn row(call: &CallSummary) -> Value {
    json!({
        "id": call.id,
        "timestamp": call.started_ms,
        "duration_ms": millis(call.duration_us),
        "first_byte_ms": millis(call.first_byte_us),
        "first_token_ms": millis(call.first_token_us),
        "state": call.state,
        "provider": call.provider,
        "operation": call.operation,
        "model": call.model,
        "prompt_tokens": call.usage.prompt_total(),
        "completion_tokens": call.usage.output,
        "total_tokens": call.usage.total(),
        "usage": call.usage,
        "usage_source": call.usage_source,
        "estimated_cost": call.cost.map(Money::dollars),
        "cost_source": call.cost_source,
        "api_equivalent": call.equivalent.map(Money::dollars),
        "status": call.status,
        "error": call.error,
        "finish_reason": call.finish_reason,
        "stream": call.streamed,
        "trace_id": call.trace_id,
        "parent_id": call.parent_id,
        "retry_of": call.retry_of,
        "replay_of": call.replay_of,
        "span_type": "llm",
        "span_name": call.title,
        "service_name": call.client,
        "session_id": call.session_id,
        "conversation_id": call.session_id,
        "session_key": call.lineage.session,
        "session_source": call.lineage.source,
        "agent": call.lineage.agent,
        "agent_name": call.lineage.agent.as_ref().map(|agent| agent.name.as_ref().unwrap_or(&agent.id)),
        "continues": call.lineage.continues,
        "tie": call.lineage.tie,
        "fork": call.lineage.tie == Some(Tie::Fork),
        "tags": call.tags,
    })
}

/// One call. `client` is its client's side, where the call was translated.
pub(super) fn trace(call: &CallDetail, request: String, response: String, client: &Value) -> Value {
    let summary = &call.summary;
    let mut trace = row(summary);
    if let Some(trace) = trace.as_object_mut() {
        trace.insert("upstream".into(), call.upstream.clone().into());
        trace.insert("requested_model".into(), json!(call.requested_model));
        trace.insert("response_id".into(), json!(call.response_id));
        trace.insert("request_id".into(), json!(call.request_id));
        trace.insert("credential".into(), json!(call.credential));
        trace.insert("cost".into(), json!(call.cost));
        trace.insert("timing".into(), json!(call.timing));
    }
    json!({
        "trace": trace,
        "request": {
            "method": summary.method,
            "path": summary.path,
            "query": call.query,
            "headers": headers(&call.request_headers),
            "body": body(request),
            "body_info": call.request_body,
        },
        "response": {
            "status": summary.status,
            "headers": headers(&call.response_headers),
            "body": body(response),
            "body_info": call.response_body,
        },
        "translated": client,
    })
}

/// The client's side of a translated call: above are the bodies as the provider got and sent them.
pub(super) fn translated(translated: &Translated, request: String, response: String) -> Value {
    json!({
        "upstream_path": translated.upstream_path,
        "request": {"body": body(request), "body_info": translated.request_body},
        "response": {
            "status": translated.status,
            "headers": headers(&translated.response_headers),
            "body": body(response),
            "body_info": translated.response_body,
        },
    })
}

pub(super) fn sessions(page: &SessionsPage) -> Value {
    let sessions: Vec<Value> = page.sessions.iter().map(session_row).collect();
    json!({"sessions": sessions, "total": page.total})
}

fn session_row(session: &SessionSummary) -> Value {
    json!({
        "session_id": session.id,
        "session_key": session.key,
        "session_source": session.source,
        "title": session.title,
        "first_seen": session.first_ms,
        "last_seen": session.last_ms,
        "trace_count": session.calls,
        "error_count": session.errors,
        "total_cost": session.cost.dollars(),
        "unpriced_count": session.unpriced,
        "total_tokens": session.usage.total().unwrap_or(0),
        "usage": session.usage,
        "duration_ms": millis(Some(session.duration_us)),
        "models": session.models,
        "provider": session.provider,
        "agent_name": session.client,
        "service_name": session.client,
        "agent_count": session.agents,
        "fork_count": session.forks,
    })
}

/// One session: the former LLMFlow's traces and sums, and each call as a row with its place in the tree.
pub(super) fn session(found: &SessionDetail) -> Value {
    let mut shape = session_row(&found.session);
    let traces: Vec<Value> = found.calls.iter().map(session_trace).collect();
    let calls: Vec<Value> = found.calls.iter().map(row).collect();
    if let Some(shape) = shape.as_object_mut() {
        shape.insert("traces".into(), traces.into());
        shape.insert("calls".into(), calls.into());
        let summary = json!({
            "cost": found.session.cost.dollars(),
            "tokens": found.session.usage.total().unwrap_or(0),
            "spans": found.session.calls,
            "errors": found.session.errors,
        });
        shape.insert("summary".into(), summary);
    }
    shape
}

fn session_trace(call: &CallSummary) -> Value {
    let ended = call
        .duration_us
        .map(|duration| call.started_ms.saturating_add(i64::try_from(duration / 1_000).unwrap_or(i64::MAX)));
    json!({
        "trace_id": call.id,
        "started_at": call.started_ms,
        "ended_at": ended,
        "cost": call.cost.map(Money::dollars),
        "tokens": call.usage.total(),
        "span_count": 1,
        "has_error": call.error.is_some() || call.status.is_some_and(|status| status >= 400),
    })
}

/// Names to values; a repeated header's values are joined as HTTP joins them.
fn headers(headers: &[Header]) -> Map<String, Value> {
    let mut shape: Map<String, Value> = Map::new();
    for header in headers {
        let joined = match shape.get(&header.name).and_then(Value::as_str) {
            Some(before) => format!("{before}, {}", header.value),
            None => header.value.clone(),
        };
        shape.insert(header.name.clone(), joined.into());
    }
    shape
}

/// JSON as itself, everything else as text.
fn body(text: String) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

#[expect(clippy::cast_precision_loss, reason = "no call lasts 285 years")]
fn millis(micros: Option<u64>) -> Option<f64> {
    micros.map(|micros| micros as f64 / 1_000.0)
}
