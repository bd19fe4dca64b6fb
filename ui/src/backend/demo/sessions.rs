//! Sessions of the invented calls, with invented agents and forks. A session's key is its place in the list.

use std::collections::BTreeMap;

use api::{
    Agent, CallDetail, CallSummary, Lineage, Money, SessionDetail, SessionFilter, SessionRef, SessionSource,
    SessionSummary, SessionsPage, Tie, Usage,
};

use super::matching;

pub(super) fn page(details: &[CallDetail], filter: &SessionFilter, limit: u32, offset: u32) -> SessionsPage {
    let text = filter.text.as_deref().unwrap_or_default().to_lowercase();
    let matches = |session: &SessionSummary| {
        session.id.contains(&text)
            || session.title.as_ref().is_some_and(|title| title.to_lowercase().contains(&text))
    };
    let all: Vec<SessionSummary> =
        all(details).into_iter().map(|found| found.session).filter(matches).collect();
    let total = all.len() as u64;
    SessionsPage { sessions: all.into_iter().skip(offset as usize).take(limit as usize).collect(), total }
}

pub(super) fn one(details: &[CallDetail], session: &SessionRef) -> Option<SessionDetail> {
    all(details).into_iter().find(|found| match session {
        SessionRef::Key(key) => found.session.key == *key,
        SessionRef::Id(id) => found.session.id == *id,
    })
}

/// The latest used first.
fn all(details: &[CallDetail]) -> Vec<SessionDetail> {
    let mut calls: BTreeMap<&str, Vec<CallSummary>> = BTreeMap::new();
    for call in details.iter().rev().map(|call| &call.summary) {
        if let Some(id) = &call.session_id {
            calls.entry(id).or_default().push(call.clone());
        }
    }
    let mut sessions: Vec<SessionDetail> =
        calls.into_iter().enumerate().map(|(key, (id, calls))| session(key as u64 + 1, id, calls)).collect();
    sessions.sort_by_key(|found| std::cmp::Reverse(found.session.last_ms));
    sessions
}

fn session(key: u64, id: &str, mut calls: Vec<CallSummary>) -> SessionDetail {
    for index in 1..calls.len() {
        let lineage = lineage(index, &calls);
        calls[index].lineage = lineage;
    }
    let sum = |of: fn(&Usage) -> Option<u64>| Some(calls.iter().filter_map(|call| of(&call.usage)).sum());
    let first = &calls[0];
    let mut models: Vec<String> = calls.iter().filter_map(|call| call.model.clone()).collect();
    models.sort();
    models.dedup();
    let count = |is: fn(&CallSummary) -> bool| calls.iter().filter(|call| is(call)).count() as u64;
    let session = SessionSummary {
        key,
        id: id.to_owned(),
        source: SessionSource::Client,
        provider: first.provider.clone(),
        client: first.client.clone(),
        title: first.title.clone(),
        first_ms: first.started_ms,
        last_ms: calls[calls.len() - 1].started_ms,
        calls: calls.len() as u64,
        errors: count(matching::failed),
        duration_us: calls.iter().filter_map(|call| call.duration_us).sum(),
        usage: Usage {
            input: sum(|usage| usage.input),
            cache_read: sum(|usage| usage.cache_read),
            cache_write_5m: sum(|usage| usage.cache_write_5m),
            cache_write_1h: None,
            output: sum(|usage| usage.output),
            reasoning: None,
        },
        cost: calls.iter().filter_map(|call| call.cost).sum::<Money>(),
        unpriced: count(matching::unpriced),
        models,
        agents: u64::from(calls.len() > 3),
        forks: count(|call| call.lineage.tie == Some(Tie::Fork)),
    };
    SessionDetail { session, calls }
}

/// Every seventh call goes back, every fifth is an agent's.
fn lineage(index: usize, calls: &[CallSummary]) -> Lineage {
    let (back, tie) = match index % 35 {
        turn if turn % 7 == 6 => (3, Tie::Fork),
        turn if turn % 5 == 3 => (1, Tie::Spawned),
        turn if turn % 5 == 4 => (2, Tie::Turn),
        _ => (1, Tie::Turn),
    };
    let agent =
        Agent { id: "agent-3f9a1c".into(), parent: None, name: Some("Explore".into()), inferred: false };
    Lineage {
        agent: (tie == Tie::Spawned).then_some(agent),
        continues: calls.get(index.saturating_sub(back)).map(|call| call.id),
        tie: Some(tie),
        ..Lineage::default()
    }
}
