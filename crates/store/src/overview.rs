//! A stretch of time at a glance: totals, tools, sessions, errors by cause, how long the first token took.
//! Leaves out adding calls up (`window`) and the price table's date, which is not stored.

use std::collections::HashMap;
use std::sync::Arc;

use api::{
    CallFilter, CallState, ErrorCause, GroupBy, Latency, ModelLatency, Overview, SessionTotal, ToolTotal,
    Totals, WindowPart,
};
use sqlx::SqliteConnection;

use crate::kept::{Began, Interval, Of, Sum, Times};
use crate::meter::unrecorded;
use crate::window::intervals;
use crate::{Store, StoreError, replays};

/// Rows of each table.
const LARGEST_TABLE: usize = 50;

impl Store {
    /// The window between the first and the last of `bounds_ms`, which cut it into pieces. All of it from one
    /// snapshot of the database, so that its figures agree with each other.
    pub async fn overview(&self, bounds_ms: &[i64]) -> Result<Overview, StoreError> {
        let (Some(from_ms), Some(to_ms)) = (bounds_ms.first(), bounds_ms.last()) else {
            return Ok(Overview::default());
        };
        let window = Interval { from_ms: *from_ms, to_ms: *to_ms };
        let began = self.inner.kept.begin();
        let mut snapshot = self.inner.read.begin().await?;
        let mut models: HashMap<Option<String>, Totals> = HashMap::new();
        let mut tools = models.clone();
        let mut sessions = models.clone();
        let mut times: HashMap<Option<String>, Vec<u64>> = HashMap::new();
        let mut parts = Vec::new();
        for interval in intervals(bounds_ms) {
            let by = [
                (GroupBy::Model, &mut models),
                (GroupBy::Client, &mut tools),
                (GroupBy::Session, &mut sessions),
            ];
            let mut part = Totals::default();
            for (group, sums) in by {
                let groups = self.groups(&mut snapshot, began, interval, Some(group)).await?;
                for (key, totals) in groups.iter() {
                    sums.entry(key.clone()).or_default().add(totals);
                }
                part = Totals::sum(groups.iter().map(|(_, totals)| totals));
            }
            let part_times = self.first_tokens(&mut snapshot, began, interval).await?;
            for (model, some) in part_times.iter() {
                times.entry(model.clone()).or_default().extend(some);
            }
            let mut part_times: Vec<u64> = part_times.iter().flat_map(|(_, times)| times).copied().collect();
            let first_token = latency(&mut part_times);
            parts.push(WindowPart { calls: part.calls, errors: part.errors, first_token });
        }
        let mut all_times: Vec<u64> = times.values().flatten().copied().collect();
        sessions.remove(&None);
        let (errors, error_cause_count) = errors(&mut snapshot, window).await?;
        Ok(Overview {
            totals: Totals::sum(models.values()),
            unrecorded: unrecorded(&mut snapshot, window).await?,
            replays: replays::add_up(&mut snapshot, &CallFilter::default(), None, window).await?,
            first_token: latency(&mut all_times),
            parts,
            errors,
            error_cause_count,
            session_count: sessions.len() as u64,
            sessions: self.name_sessions(&mut snapshot, dearest(sessions)).await?,
            tool_count: tools.len() as u64,
            tools: dearest(tools).into_iter().map(|(client, totals)| ToolTotal { client, totals }).collect(),
            model_count: times.len() as u64,
            models: latencies(times, &models),
            price_date: String::new(),
        })
    }

    async fn name_sessions(
        &self,
        snapshot: &mut SqliteConnection,
        sums: Vec<(Option<String>, Totals)>,
    ) -> Result<Vec<SessionTotal>, StoreError> {
        let mut sessions = Vec::with_capacity(sums.len());
        for (id, totals) in sums {
            let Some(id) = id else { continue };
            let (title, client) = self.session_name(snapshot, &id).await?;
            sessions.push(SessionTotal { id, title, client, totals });
        }
        Ok(sessions)
    }

    /// First-token times of one interval by model; kept until one of its calls changes.
    async fn first_tokens(
        &self,
        snapshot: &mut SqliteConnection,
        began: Began,
        interval: Interval,
    ) -> Result<Arc<Times>, StoreError> {
        if let Some(Sum::Times(times)) = self.inner.kept.get(interval, Of::FirstTokens) {
            return Ok(times);
        }
        // One row a model: a row a call would cost more to hand over than to find.
        let rows: Vec<(Option<String>, String)> = sqlx::query_as(
            "SELECT model, group_concat(first_token_us) FROM call \
             WHERE started_ms >= ? AND started_ms < ? AND first_token_us IS NOT NULL AND replay_of IS NULL \
             GROUP BY model",
        )
        .bind(interval.from_ms)
        .bind(interval.to_ms)
        .fetch_all(snapshot)
        .await?;
        let numbers = |text: &str| text.split(',').filter_map(|number| number.parse().ok()).collect();
        let times =
            Arc::new(rows.into_iter().map(|(model, text)| (model, numbers(&text))).collect::<Times>());
        self.inner.kept.put(began, interval, Of::FirstTokens, Sum::Times(times.clone()));
        Ok(times)
    }
}

/// The dearest, at most as many as a table has rows.
fn dearest(sums: HashMap<Option<String>, Totals>) -> Vec<(Option<String>, Totals)> {
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|(one, a), (other, b)| (b.cost, b.calls, one).cmp(&(a.cost, a.calls, other)));
    sums.truncate(LARGEST_TABLE);
    sums
}

/// By model, quickest first.
fn latencies(
    times: HashMap<Option<String>, Vec<u64>>,
    totals: &HashMap<Option<String>, Totals>,
) -> Vec<ModelLatency> {
    let mut models: Vec<ModelLatency> = times
        .into_iter()
        .map(|(model, mut times)| {
            let local = totals.get(&model).is_some_and(|totals| totals.local > 0);
            ModelLatency { local, first_token: latency(&mut times), model }
        })
        .collect();
    // Those with most calls stay; then the quickest come first.
    models.sort_by_key(|model| std::cmp::Reverse(model.first_token.calls));
    models.truncate(LARGEST_TABLE);
    models.sort_by(|a, b| (a.first_token.p50_us, &a.model).cmp(&(b.first_token.p50_us, &b.model)));
    models
}

/// Nearest rank: the smallest time that at least so many did not exceed.
fn latency(times: &mut [u64]) -> Latency {
    times.sort_unstable();
    let rank = |percent: usize| {
        let at = (times.len() * percent).div_ceil(100);
        times.get(at.saturating_sub(1)).copied()
    };
    Latency { calls: times.len() as u64, p50_us: rank(50), p95_us: rank(95) }
}

/// The most frequent causes, and how many causes there are.
async fn errors(
    snapshot: &mut SqliteConnection,
    window: Interval,
) -> Result<(Vec<ErrorCause>, u64), StoreError> {
    type Cause = (Option<u16>, String, Option<String>, Option<String>, i64, i64, i64);
    let causes: Vec<Cause> = sqlx::query_as(
        "SELECT status, state, error_kind, model, count(*), max(started_ms), count(*) OVER () \
         FROM call INDEXED BY call_error \
         WHERE started_ms >= ? AND started_ms < ? AND failed = 1 AND operation != 'side_call' AND replay_of IS NULL \
         GROUP BY 1, 2, 3, 4 \
         ORDER BY count(*) DESC, max(started_ms) DESC, 1, 2, 3, 4 LIMIT 50",
    )
    .bind(window.from_ms)
    .bind(window.to_ms)
    .fetch_all(snapshot)
    .await?;
    let count = causes.first().map_or(0, |cause| cause.6.unsigned_abs());
    let causes = causes
        .into_iter()
        .map(|(status, state, kind, model, calls, last_ms, _)| ErrorCause {
            status,
            state: state.parse().unwrap_or(CallState::Lost),
            kind,
            model,
            calls: calls.unsigned_abs(),
            last_ms,
        })
        .collect();
    Ok((causes, count))
}
