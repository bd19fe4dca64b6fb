//! Which invented calls a filter keeps.

use api::{Bucket, CallDetail, CallFilter, CallState, CallSummary, CostSource, Outcome, UsageSource};

/// The provider's word for an error.
pub(super) fn error_kind(line: &str) -> &str {
    line.split_once(": ").filter(|(word, _)| !word.contains(' ')).map_or(line, |(word, _)| word)
}

pub(super) fn failed(call: &CallSummary) -> bool {
    let bad_state = !matches!(call.state, CallState::Complete | CallState::Open | CallState::Cancelled);
    bad_state || call.status.is_some_and(|status| status >= 400)
}

pub(super) fn unpriced(call: &CallSummary) -> bool {
    call.cost_source == CostSource::Unknown && call.state != CallState::Open
}

pub(super) fn matches(filter: &CallFilter, call: &CallDetail) -> bool {
    let call = &call.summary;
    let is = |wanted: &Option<String>, value: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| wanted == value.unwrap_or_default())
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
        && filter.estimated.is_none_or(|wanted| (call.usage_source == UsageSource::Estimated) == wanted)
        && filter.from_ms.is_none_or(|from| call.started_ms >= from)
        && filter.to_ms.is_none_or(|to| call.started_ms < to)
        && filter.cost_min_pico.is_none_or(|min| cost.is_some_and(|cost| cost >= min))
        && filter.cost_max_pico.is_none_or(|max| cost.is_some_and(|cost| cost <= max))
        && filter.unpriced.is_none_or(|wanted| unpriced(call) == wanted)
        && filter.partial.is_none_or(|wanted| (call.usage_source == UsageSource::Partial) == wanted)
        && filter
            .not_fully_priced
            .is_none_or(|wanted| (unpriced(call) || call.usage_source == UsageSource::Partial) == wanted)
        && filter.status.is_none_or(|status| call.status == Some(status))
        && is(&filter.error_kind, call.error.as_deref().map(error_kind))
        && filter.bucket.is_none_or(|bucket| tokens(call, bucket) > 0)
        && filter.first_token.is_none_or(|known| call.first_token_us.is_some() == known)
        && filter.cut != Some(true)
        && filter.replay_of.is_none_or(|of| call.replay_of == Some(of))
        && (filter.replays || filter.replay_of.is_some() || call.replay_of.is_none())
        && words.is_none_or(|words| {
            call.title.as_deref().is_some_and(|title| title.to_lowercase().contains(&words))
        })
}

fn tokens(call: &CallSummary, bucket: Bucket) -> u64 {
    let usage = &call.usage;
    let tokens = match bucket {
        Bucket::Input => usage.input,
        Bucket::CacheRead => usage.cache_read,
        Bucket::CacheWrite5m => usage.cache_write_5m,
        Bucket::CacheWrite1h => usage.cache_write_1h,
        Bucket::Output => usage.output,
        Bucket::Reasoning => usage.reasoning,
    };
    tokens.unwrap_or(0)
}
