//! Which earlier call a call goes on from. Pure: candidates in, a decision out. Leaves out finding candidates
//! (`known`) and what follows for session and agent (`lineage`).

use api::Tie;
use model::identity::Chain;

use super::known::{Known, KnownCalls};

/// The same request within this time after one that failed is a retry; later it is somebody starting over.
const RETRY_MS: i64 = 5 * 60_000;
/// An answer that was cut short comes back as much of it as the client kept, soon or never.
const RESUME_MS: i64 = 30 * 60_000;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) seq: i64,
    /// The session that the client names.
    pub(super) said: Option<i64>,
    pub(super) started_ms: i64,
    pub(super) chain: Option<&'a Chain>,
    pub(super) previous: Option<i64>,
    /// The call whose answer holds what the user says first in this one.
    pub(super) spawner: Option<i64>,
}

/// The earlier call, and how it is gone on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) seq: i64,
    pub(super) tie: Tie,
    /// The client named its answer.
    pub(super) by_response: bool,
}

/// A retry, else what the client names, else the latest call whose messages and answer this one repeats, else the call
/// that asked for it.
pub(super) fn decide(facts: &Facts<'_>, known: &KnownCalls) -> Option<Found> {
    let found = |known: &Known, tie, by_response| Found { seq: known.seq, tie, by_response };
    if let Some(same) = facts.chain.and_then(|chain| retried(facts, chain, known)) {
        return Some(found(same, Tie::Retry, facts.previous.is_some()));
    }
    let turn = |before: &Known| match before.next {
        Some(next) if Some(next) != facts.chain.map(|chain| chain.end) => Tie::Fork,
        _ => Tie::Turn,
    };
    if let Some(before) = facts.previous.and_then(|previous| known.by_response(previous)) {
        return Some(found(before, turn(before), true));
    }
    if let Some(before) = facts.chain.and_then(|chain| gone_on_from(facts, chain, known)) {
        return Some(found(before, turn(before), false));
    }
    let spawner =
        known.get(facts.spawner?).filter(|call| facts.said.is_none() || facts.said == call.session)?;
    Some(found(spawner, Tie::Spawned, false))
}

/// The latest call that asked the same of the same agent a moment ago and got no whole answer, unless somebody went on
/// from it already. Asking the same again after a good answer is sampling, and no reason to be one session.
fn retried<'a>(facts: &Facts<'_>, chain: &Chain, known: &'a KnownCalls) -> Option<&'a Known> {
    let again = |call: &&Known| {
        let since = facts.started_ms.saturating_sub(call.started_ms);
        call.seq != facts.seq
            && call.root == Some(chain.root)
            && !call.whole
            && call.next.is_none()
            && (facts.said.is_none() || facts.said == call.session)
            && since <= RETRY_MS
    };
    known.by_end(chain.end).filter(again).max_by_key(|call| call.seq)
}

fn gone_on_from<'a>(facts: &Facts<'_>, chain: &Chain, known: &'a KnownCalls) -> Option<&'a Known> {
    // Of several, one of the session named; then one that nobody went on from, or that went on the same way; then the
    // latest.
    let rank = |call: &&Known| {
        let ours = facts.said.is_some() && facts.said == call.session;
        (ours, call.next.is_none_or(|next| next == chain.end), call.seq)
    };
    let exact = chain.earlier.iter().find_map(|earlier| {
        let same = |call: &&Known| call.seq != facts.seq && call.answer == Some(earlier.answer);
        known.by_end(earlier.end).filter(same).max_by_key(rank)
    });
    exact.or_else(|| {
        // The latest answer alone may have been cut short.
        let earlier = chain.earlier.first()?;
        let cut = |call: &&Known| {
            let since = facts.started_ms.saturating_sub(call.started_ms);
            call.seq != facts.seq && !call.whole && call.next.is_none() && since <= RESUME_MS
        };
        known.by_end(earlier.end).filter(cut).max_by_key(rank)
    })
}
