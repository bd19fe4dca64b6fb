//! Why invented prompts were read from the cache or were not: each cause once in a while, with tokens that fit the call.

use api::{
    CacheCause, CallCache, CallDetail, CallSummary, ContextPart, ContextShare, FirstChange, Money,
    SessionCache,
};

/// What a token that is written again costs more than one that is read, in pico-dollars.
const DEARER_PICO: i64 = 5_750_000;
const TTL_MS: i64 = 300_000;

/// Of one call, compared with the one before it in its session.
pub(super) fn of_call(details: &[CallDetail], call: &CallDetail) -> CallCache {
    let call = &call.summary;
    let is_before = |other: &&CallSummary| {
        call.session_id.is_some() && other.session_id == call.session_id && other.started_ms < call.started_ms
    };
    // Newest first.
    let previous = details.iter().map(|other| &other.summary).find(is_before);
    compared(call, previous)
}

/// Of a session's calls, given in the order in which they began.
pub(super) fn of_session(calls: &[CallSummary]) -> SessionCache {
    let before = std::iter::once(None).chain(calls.iter().map(Some));
    let calls: Vec<CallCache> =
        calls.iter().zip(before).map(|(call, previous)| compared(call, previous)).collect();
    let broken = || calls.iter().filter(|call| call.cause.is_break());
    SessionCache {
        breaks: broken().count() as u64,
        lost_tokens: broken().map(|call| call.lost_tokens).sum(),
        lost: broken().filter_map(|call| call.lost).sum(),
        unpriced: broken().filter(|call| call.lost.is_none()).count() as u64,
        saved: calls.iter().filter_map(|call| call.saved).sum(),
        calls,
    }
}

fn compared(call: &CallSummary, previous: Option<&CallSummary>) -> CallCache {
    let prompt = call.usage.prompt_total().unwrap_or(0);
    let read = call.usage.cache_read.unwrap_or(0);
    let gap_ms = previous.map(|previous| call.started_ms - previous.started_ms);
    let is_read = read > prompt / 2;
    let cause = match (previous, gap_ms) {
        (None, _) => CacheCause::First,
        (Some(_), _) if is_read => CacheCause::Hit,
        (Some(previous), _) if previous.model != call.model => CacheCause::Model,
        (Some(_), Some(TTL_MS..)) => CacheCause::Expired,
        // Any that stays the same when the page asks again.
        (Some(_), _) => match call.started_ms / 1_000 % 3 {
            0 => CacheCause::Tools,
            1 => CacheCause::Prefix,
            _ => CacheCause::NotKept,
        },
    };
    let change =
        |path: &str, label: &str| FirstChange { path: path.into(), label: Some(label.into()), gone: false };
    let first_change = match cause {
        CacheCause::Tools => Some(change("tools[3]", "Grep")),
        CacheCause::Prefix => Some(change("messages[2]", "assistant")),
        _ => None,
    };
    let expected =
        previous.and_then(|previous| previous.usage.prompt_total()).map(|tokens| tokens.min(prompt));
    let lost_tokens = if cause.is_break() { expected.unwrap_or(0).saturating_sub(read) } else { 0 };
    let pico = |tokens: u64| Money::from_pico(i64::try_from(tokens).unwrap_or(0).saturating_mul(DEARER_PICO));
    CallCache {
        id: call.id,
        started_ms: call.started_ms,
        previous: previous.map(|previous| previous.id),
        cause,
        first_change,
        gap_ms,
        ttl_ms: Some(TTL_MS),
        prompt_tokens: Some(prompt),
        expected,
        read: Some(read),
        lost_tokens,
        lost: call.cost.map(|_| pico(lost_tokens)),
        saved: call.cost.map(|_| pico(read)),
        subscription: false,
        context: context(prompt),
    }
}

/// The same shares of every prompt.
fn context(prompt: u64) -> Vec<ContextShare> {
    let share = |(part, percent): (ContextPart, u64)| {
        let tokens = prompt * percent / 100;
        ContextShare { part, bytes: tokens * 4, tokens: Some(tokens) }
    };
    [
        (ContextPart::Tools, 14),
        (ContextPart::System, 9),
        (ContextPart::History, 38),
        (ContextPart::ToolResults, 36),
        (ContextPart::Newest, 3),
    ]
    .map(share)
    .to_vec()
}
