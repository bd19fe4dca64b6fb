//! A trace of which nobody reported a span: the calls whose headers name it, as a tree.

use std::collections::HashMap;

use api::{CallSummary, Money};
use serde_json::json;
use serde_json::value::RawValue;

use super::telemetry::{Tree, nested};
use super::{millis, row};

/// The calls of one trace, the earliest first, each under the call that its parent's name is the id of.
pub(in crate::rest) fn calls_tree(calls: &[CallSummary]) -> serde_json::Result<Tree> {
    let by_id: HashMap<String, usize> =
        calls.iter().enumerate().map(|(number, call)| (call.id.to_string(), number)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); calls.len()];
    let (mut roots, mut missing) = (Vec::new(), Vec::new());
    for (number, call) in calls.iter().enumerate() {
        let parent = call.parent_id.as_deref().filter(|parent| !parent.is_empty());
        let known = parent.and_then(|parent| by_id.get(parent)).filter(|parent| **parent != number);
        match known.and_then(|parent| children.get_mut(*parent)) {
            Some(of_parent) => of_parent.push(number),
            None => {
                missing.extend(parent.map(str::to_owned));
                roots.push(number);
            }
        }
    }
    missing.sort_unstable();
    missing.dedup();
    let spans = nested(roots, &children, |number| calls.get(number).map(row))?;
    let started_ms = calls.iter().map(|call| call.started_ms).min();
    let ended_us = |call: &CallSummary| {
        let lasted = i64::try_from(call.duration_us?).unwrap_or(i64::MAX);
        Some(call.started_ms.saturating_mul(1_000).saturating_add(lasted))
    };
    let ended_us = calls.iter().filter_map(ended_us).max();
    let lasted = started_ms.zip(ended_us).map(|(from, to)| to.saturating_sub(from.saturating_mul(1_000)));
    let cost =
        calls.iter().filter_map(|call| call.cost).fold(0_i64, |sum, cost| sum.saturating_add(cost.pico()));
    let is_unpriced = |call: &&CallSummary| call.cost.is_none() && call.state != api::CallState::Open;
    Ok(Tree {
        trace: json!({
            "trace_id": calls.first().and_then(|call| call.trace_id.as_deref()),
            "start_time": started_ms,
            "end_time": ended_us.map(|ended| ended / 1_000),
            "duration_ms": millis(lasted.map(i64::unsigned_abs)),
            "total_cost": Money::from_pico(cost).dollars(),
            "total_tokens": calls.iter().filter_map(|call| call.usage.total()).fold(0, u64::saturating_add),
            "span_count": calls.len(),
            "call_count": calls.len(),
            "unpriced_count": calls.iter().filter(is_unpriced).count(),
        }),
        spans: RawValue::from_string(spans)?,
        partial: !missing.is_empty(),
        missing_parent_ids: missing,
    })
}
