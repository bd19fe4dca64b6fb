//! Sending an invented call again: the same with another model, at the price of the first time.

use api::{ApiError, CallDetail, ErrorKind, Replay, ReplayEdit, ReplayUntil};

use super::calls;

/// What would be sent or was; a call that was sent stands before the others in `details`.
pub(super) fn replay(
    details: &mut Vec<CallDetail>,
    of: &CallDetail,
    edit: &ReplayEdit,
    until: ReplayUntil,
    now_ms: i64,
) -> Result<Replay, ApiError> {
    let row = &of.summary;
    if row.provider == "ollama" {
        let text = "Nothing answers at localhost:11434. Start Ollama, then send the call again.";
        return Err(ApiError::new(ErrorKind::Unavailable, text));
    }
    if edit.body.as_deref().is_some_and(|body| serde_json::from_str::<serde_json::Value>(body).is_err()) {
        return Err(ApiError::parameter("body", "The body is not JSON."));
    }
    let model = edit.model.clone().or_else(|| row.model.clone());
    let mut replay = Replay {
        of: row.id,
        id: None,
        provider: edit.provider.clone().unwrap_or_else(|| row.provider.clone()),
        upstream: of.upstream.clone(),
        path: row.path.clone(),
        model: model.clone(),
        body_bytes: of.request_body.stored_bytes,
        estimate: row.cost,
        call: None,
        cost: None,
        tools_asked: Vec::new(),
    };
    if until == ReplayUntil::DryRun {
        return Ok(replay);
    }
    let mut new = of.clone();
    new.summary.id = calls::id(1_500_000 + details.len() as u64);
    new.summary.started_ms = now_ms;
    new.summary.replay_of = Some(row.id);
    new.summary.model = model.clone();
    new.requested_model = model;
    new.summary.provider.clone_from(&replay.provider);
    replay.id = Some(new.summary.id);
    details.insert(0, new);
    Ok(replay)
}
