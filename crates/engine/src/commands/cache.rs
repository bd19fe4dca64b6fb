//! What became of the prompt cache, call by call. Owns which call is the one before, and the price of what was lost.
//! Leaves out the rule (`model::cache`).

use std::collections::HashMap;

use api::{
    ApiError, CallCache, CallId, CallState, CallSummary, CostSource, ErrorKind, Money, Operation,
    SessionCache, SessionRef, Tie,
};
use model::cache::{Prompt, Seen, alike, compare, context, had_it_hit};
use model::pricing::{Facts, Prices};
use store::{CachedCall, StoreError};

use super::internal;
use crate::Engine;

/// Calls before one of the same agent that are compared with it when none is known to be the one before.
const TRIED: usize = 8;

impl Engine {
    pub(super) async fn call_cache(&self, id: CallId) -> Result<CallCache, ApiError> {
        let calls = self.inner.store.call_prompts(id).await.map_err(internal)?;
        if calls.last().is_none_or(|last| last.call.id != id) {
            return Err(ApiError::new(ErrorKind::NotFound, "There is no call with this id."));
        }
        let found = self.explain(&calls, calls.len() - 1).await.map_err(internal)?;
        found.into_iter().next_back().ok_or_else(|| {
            ApiError::new(
                ErrorKind::NotFound,
                "This call asks no model for an answer: it has no prompt cache.",
            )
        })
    }

    pub(super) async fn session_cache(&self, session: SessionRef) -> Result<SessionCache, ApiError> {
        let key = self.session_key(session).await?;
        let key = key.ok_or_else(|| ApiError::new(ErrorKind::NotFound, "There is no such session."))?;
        let calls = self.inner.store.session_prompts(key).await.map_err(internal)?;
        if calls.is_empty() {
            return Err(ApiError::new(ErrorKind::NotFound, "There is no such session."));
        }
        let calls = self.explain(&calls, 0).await.map_err(internal)?;
        let mut sum = SessionCache::default();
        for call in &calls {
            sum.saved = sum.saved.saturating_add(call.saved.unwrap_or(Money::ZERO));
            if call.cause.is_break() {
                sum.breaks += 1;
                sum.lost_tokens = sum.lost_tokens.saturating_add(call.lost_tokens);
                sum.lost = sum.lost.saturating_add(call.lost.unwrap_or(Money::ZERO));
                sum.unpriced += u64::from(call.lost.is_none());
            }
        }
        Ok(SessionCache { calls, ..sum })
    }

    /// What the calls from `from` on come to; those before are only compared with.
    async fn explain(&self, calls: &[CachedCall], from: usize) -> Result<Vec<CallCache>, StoreError> {
        let prices = self.inner.prices.now();
        let mut reader = self.inner.store.prompts();
        let mut prompts: HashMap<usize, Option<Prompt>> = HashMap::new();
        let by_id: HashMap<CallId, usize> =
            calls.iter().enumerate().map(|(at, cached)| (cached.call.id, at)).collect();
        let mut found = Vec::new();
        for (at, cached) in calls.iter().enumerate().skip(from) {
            if !has_prompt(&cached.call) {
                continue;
            }
            // What has a known beginning needs one other prompt, what has none a few.
            let known = goes_on_from(calls, &by_id, at);
            let tried: Vec<usize> = match known {
                Some(before) => vec![before],
                None => earlier(calls, at).take(TRIED).collect(),
            };
            for needed in tried.iter().copied().chain([at]) {
                if let (false, Some(cached)) = (prompts.contains_key(&needed), calls.get(needed)) {
                    prompts.insert(needed, reader.read(cached).await?);
                }
            }
            let prompt = |at: usize| prompts.get(&at).and_then(Option::as_ref);
            let is_like = |before: &usize| {
                prompt(*before).zip(prompt(at)).is_some_and(|(before, now)| alike(before, now))
            };
            let before = known.or_else(|| tried.iter().copied().find(is_like));
            let before = before.and_then(|before| Some((calls.get(before)?, prompt(before))));
            found.push(one(&prices, before, (cached, prompt(at))));
        }
        Ok(found)
    }
}

type Read<'a> = (&'a CachedCall, Option<&'a Prompt>);

fn one(prices: &Prices, before: Option<Read<'_>>, (cached, prompt): Read<'_>) -> CallCache {
    let call = &cached.call;
    let verdict = compare(before.map(|(cached, prompt)| seen(cached, prompt)), seen(cached, prompt));
    let previous = before.map(|(before, _)| &before.call);
    CallCache {
        id: call.id,
        started_ms: call.started_ms,
        previous: previous.map(|previous| previous.id),
        cause: verdict.cause,
        first_change: verdict.first_change,
        gap_ms: previous.map(|previous| call.started_ms.saturating_sub(previous.started_ms)),
        ttl_ms: verdict.ttl_ms,
        prompt_tokens: call.usage.prompt_total(),
        expected: verdict.expected,
        read: call.usage.cache_read,
        lost_tokens: verdict.lost_tokens,
        lost: lost(prices, cached, verdict.lost_tokens),
        saved: cached.saved,
        subscription: call.cost_source == CostSource::Subscription,
        context: prompt.map(|prompt| context(prompt, call.usage.prompt_total())).unwrap_or_default(),
    }
}

fn seen<'a>(cached: &'a CachedCall, prompt: Option<&'a Prompt>) -> Seen<'a> {
    let call = &cached.call;
    Seen { prompt, usage: &call.usage, model: call.model.as_deref(), started_ms: call.started_ms }
}

/// What the call costs, less what it would cost had the lost tokens been read. The prompt is as long in both, so that the
/// same rates hold.
fn lost(prices: &Prices, cached: &CachedCall, tokens: u64) -> Option<Money> {
    if tokens == 0 {
        return Some(Money::ZERO);
    }
    let facts = Facts { charged: None, reported: None, ..cached.facts.clone() };
    let price = |call: &CallSummary| {
        let cost = prices.price(call, &facts);
        cost.equivalent.or(cost.total.filter(|_| cost.source != CostSource::Subscription))
    };
    let hit = CallSummary { usage: had_it_hit(&cached.call.usage, tokens), ..cached.call.clone() };
    Some(price(&cached.call)?.saturating_sub(price(&hit)?))
}

/// Whether the call asked a model something by a prompt that may be cached.
fn has_prompt(call: &CallSummary) -> bool {
    call.operation == Operation::Chat && call.state != CallState::Open
}

/// Whether the call was answered, so that its prompt may be in the cache.
fn was_answered(call: &CallSummary) -> bool {
    has_prompt(call) && call.usage.prompt_total().is_some_and(|tokens| tokens > 0)
}

/// The call that this one goes on from, past those that were not answered.
fn goes_on_from(calls: &[CachedCall], by_id: &HashMap<CallId, usize>, at: usize) -> Option<usize> {
    let mut now = at;
    loop {
        let lineage = &calls.get(now)?.call.lineage;
        // A subagent's first call shares nothing with the one that asked for it.
        let before = lineage.continues.filter(|_| lineage.tie != Some(Tie::Spawned))?;
        let before = *by_id.get(&before).filter(|before| **before < now)?;
        if was_answered(&calls.get(before)?.call) {
            return Some(before);
        }
        now = before;
    }
}

/// The calls of the same agent before this one, the latest first.
fn earlier(calls: &[CachedCall], at: usize) -> impl Iterator<Item = usize> {
    let agent = |at: usize| {
        calls.get(at).map(|cached| cached.call.lineage.agent.as_ref().map(|agent| agent.id.as_str()))
    };
    (0..at).rev().filter(move |before| {
        agent(*before) == agent(at) && calls.get(*before).is_some_and(|cached| was_answered(&cached.call))
    })
}
