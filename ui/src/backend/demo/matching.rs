//! Which invented calls a filter keeps.

use api::{CallDetail, CallFilter, CallState, CallSummary, CostSource, Outcome};

pub(super) fn failed(call: &CallSummary) -> bool {
    let bad_state = !matches!(call.state, CallState::Complete | CallState::Open);
    bad_state || call.status.is_some_and(|status| status >= 400)
}

pub(super) fn unpriced(call: &CallSummary) -> bool {
    matches!(call.cost_source, CostSource::Unknown | CostSource::Partial) && call.state != CallState::Open
}

pub(super) fn matches(filter: &CallFilter, call: &CallDetail) -> bool {
    let call = &call.summary;
    let is = |wanted: &Option<String>, value: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == value)
    };
    let cost = call.cost.map(api::Money::pico);
    let words = filter.text.as_deref().map(str::to_lowercase);
    is(&filter.model, call.model.as_deref())
        && is(&filter.provider, Some(&call.provider))
        && is(&filter.client, call.client.as_deref())
        && is(&filter.session_id, call.session_id.as_deref())
        && is(&filter.tag, call.tags.first().map(String::as_str))
        && filter.outcome.is_none_or(|outcome| (outcome == Outcome::Error) == failed(call))
        && filter.state.is_none_or(|state| state == call.state)
        && filter.operation.is_none_or(|operation| operation == call.operation)
        && filter.from_ms.is_none_or(|from| call.started_ms >= from)
        && filter.to_ms.is_none_or(|to| call.started_ms < to)
        && filter.cost_min_pico.is_none_or(|min| cost.is_some_and(|cost| cost >= min))
        && filter.cost_max_pico.is_none_or(|max| cost.is_some_and(|cost| cost <= max))
        && filter.unpriced.is_none_or(|wanted| unpriced(call) == wanted)
        && words.is_none_or(|words| {
            call.title.as_deref().is_some_and(|title| title.to_lowercase().contains(&words))
        })
}
