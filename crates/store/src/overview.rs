//! A stretch of time at a glance: totals, tools, sessions, errors by cause, how long the first token took.
//! Leaves out adding calls up (`window`) and the price table's date, which is not stored.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use api::{
    CallFilter, CallState, ErrorCause, GroupBy, Latency, ModelLatency, Overview, SessionTotal, ToolTotal,
    WindowPart,
};
use sqlx::SqliteConnection;

use crate::dearest::Spendings;
use crate::kept::{Began, Failed, Interval, Of, Sum, Times, Why};
use crate::meter::unrecorded;
use crate::rollup::measures::Measures;
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
        let mut models: HashMap<Option<String>, Measures> = HashMap::new();
        let mut tools = models.clone();
        let mut spendings = Spendings::default();
        let (mut parts, mut times, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for interval in intervals(bounds_ms) {
            let mut part = Measures::NONE;
            for (group, sums) in [(GroupBy::Model, &mut models), (GroupBy::Client, &mut tools)] {
                let groups = self.groups(&mut snapshot, began, interval, Some(group)).await?;
                for (key, measures) in groups.iter() {
                    sums.entry(key.clone()).or_insert(Measures::NONE).add(measures);
                }
                part = Measures::sum(groups.iter().map(|(_, measures)| measures));
            }
            self.add_spent(&mut snapshot, began, interval, &mut spendings).await?;
            let part_times = self.first_tokens(&mut snapshot, began, interval).await?;
            let first_token = latency(part_times.iter().map(|(_, times)| times.as_slice()));
            times.push(part_times);
            failed.push(self.failed(&mut snapshot, began, interval).await?);
            let part = part.totals();
            parts.push(WindowPart { calls: part.calls, errors: part.errors, first_token });
        }
        let sessions = spendings.dearest(LARGEST_TABLE, false);
        let (errors, error_cause_count) = causes(&failed);
        let by_model = by_model(&times);
        Ok(Overview {
            totals: Measures::sum(models.values()).totals(),
            unrecorded: unrecorded(&mut snapshot, window).await?,
            replays: replays::add_up(&mut snapshot, &CallFilter::default(), None, window).await?,
            first_token: latency(by_model.values().flatten().copied()),
            parts,
            errors,
            error_cause_count,
            session_count: sessions.of as u64,
            sessions: self.name_sessions(&mut snapshot, window, &sessions.ids).await?,
            tool_count: tools.len() as u64,
            tools: tools_by_cost(tools),
            model_count: by_model.len() as u64,
            models: latencies(by_model, &models),
            price_date: String::new(),
        })
    }

    /// These sessions with their names and sums, in this order.
    async fn name_sessions(
        &self,
        snapshot: &mut SqliteConnection,
        window: Interval,
        ids: &[String],
    ) -> Result<Vec<SessionTotal>, StoreError> {
        let sums: HashMap<_, _> = self.of_sessions(snapshot, window, ids).await?.into_iter().collect();
        let mut sessions = Vec::with_capacity(ids.len());
        for id in ids {
            let (title, client) = self.session_name(snapshot, id).await?;
            let totals = sums.get(&Some(id.clone())).unwrap_or(&Measures::NONE).totals();
            sessions.push(SessionTotal { id: id.clone(), title, client, totals });
        }
        Ok(sessions)
    }

    /// Why calls of one interval failed; kept until one of its calls changes.
    async fn failed(
        &self,
        snapshot: &mut SqliteConnection,
        began: Began,
        interval: Interval,
    ) -> Result<Arc<Vec<Failed>>, StoreError> {
        if let Some(Sum::Errors(failed)) = self.inner.kept.get(interval, Of::Errors) {
            return Ok(failed);
        }
        type Row = (Option<u16>, String, Option<String>, Option<String>, i64, i64);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT status, state, error_kind, model, count(*), max(started_ms) FROM call INDEXED BY call_error \
             WHERE started_ms >= ? AND started_ms < ? AND failed = 1 AND operation != 'side_call' AND replay_of IS NULL \
             GROUP BY 1, 2, 3, 4",
        )
        .bind(interval.from_ms)
        .bind(interval.to_ms)
        .fetch_all(snapshot)
        .await?;
        let failed = rows.into_iter().map(|(status, state, kind, model, calls, last_ms)| {
            let why = (status, state, kind, model);
            Failed { why, calls, last_ms }
        });
        let failed = Arc::new(failed.collect::<Vec<_>>());
        self.inner.kept.put(began, interval, Of::Errors, Sum::Errors(failed.clone()));
        Ok(failed)
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
        let numbers = |text: &str| {
            let mut numbers: Vec<u64> = text.split(',').filter_map(|number| number.parse().ok()).collect();
            numbers.sort_unstable();
            numbers
        };
        let times =
            Arc::new(rows.into_iter().map(|(model, text)| (model, numbers(&text))).collect::<Times>());
        self.inner.kept.put(began, interval, Of::FirstTokens, Sum::Times(times.clone()));
        Ok(times)
    }
}

/// The dearest, at most as many as a table has rows.
fn tools_by_cost(tools: HashMap<Option<String>, Measures>) -> Vec<ToolTotal> {
    let mut tools: Vec<_> = tools.into_iter().collect();
    tools.sort_by(|(one, a), (other, b)| (b.cost(), b.calls(), one).cmp(&(a.cost(), a.calls(), other)));
    tools.truncate(LARGEST_TABLE);
    tools.into_iter().map(|(client, sums)| ToolTotal { client, totals: sums.totals() }).collect()
}

/// Times of several intervals put together by model, each list the shortest time first.
fn by_model(times: &[Arc<Times>]) -> HashMap<Option<String>, Vec<&[u64]>> {
    let mut models: HashMap<Option<String>, Vec<&[u64]>> = HashMap::new();
    for (model, some) in times.iter().flat_map(|times| times.iter()) {
        models.entry(model.clone()).or_default().push(some);
    }
    models
}

/// By model, quickest first.
fn latencies(
    times: HashMap<Option<String>, Vec<&[u64]>>,
    sums: &HashMap<Option<String>, Measures>,
) -> Vec<ModelLatency> {
    let mut models: Vec<ModelLatency> = times
        .into_iter()
        .map(|(model, times)| {
            let local = sums.get(&model).is_some_and(|sums| sums.totals().local > 0);
            ModelLatency { local, first_token: latency(times), model }
        })
        .collect();
    // Those with most calls stay; then the quickest come first.
    models.sort_by_key(|model| Reverse(model.first_token.calls));
    models.truncate(LARGEST_TABLE);
    models.sort_by(|a, b| (a.first_token.p50_us, &a.model).cmp(&(b.first_token.p50_us, &b.model)));
    models
}

/// Nearest rank: the smallest time that at least so many did not exceed. Each list has the shortest time first; they are
/// not put in order together, which for a month of calls would take longer than all else.
fn latency<'a>(lists: impl IntoIterator<Item = &'a [u64]>) -> Latency {
    let lists: Vec<&[u64]> = lists.into_iter().filter(|list| !list.is_empty()).collect();
    let calls: usize = lists.iter().map(|list| list.len()).sum();
    let rank = |percent: usize| {
        let wanted = (calls * percent).div_ceil(100);
        let mut low = lists.iter().filter_map(|list| list.first()).copied().min()?;
        let mut high = lists.iter().filter_map(|list| list.last()).copied().max()?;
        while low < high {
            let middle = low + (high - low) / 2;
            let within: usize = lists.iter().map(|list| list.partition_point(|time| *time <= middle)).sum();
            if within >= wanted { high = middle } else { low = middle + 1 }
        }
        Some(low)
    };
    Latency { calls: calls as u64, p50_us: rank(50), p95_us: rank(95) }
}

/// The most frequent causes, and how many causes there are.
fn causes(failed: &[Arc<Vec<Failed>>]) -> (Vec<ErrorCause>, u64) {
    let mut causes: HashMap<&Why, (i64, i64)> = HashMap::new();
    for Failed { why, calls, last_ms } in failed.iter().flat_map(|some| some.iter()) {
        let (sum, last) = causes.entry(why).or_default();
        *sum += calls;
        *last = (*last).max(*last_ms);
    }
    let mut causes: Vec<(&Why, (i64, i64))> = causes.into_iter().collect();
    let count = causes.len() as u64;
    causes.sort_by_key(|(why, often)| (Reverse(*often), *why));
    causes.truncate(LARGEST_TABLE);
    let cause = |((status, state, kind, model), (calls, last_ms)): (&Why, (i64, i64))| ErrorCause {
        status: *status,
        state: state.parse().unwrap_or(CallState::Lost),
        kind: kind.clone(),
        model: model.clone(),
        calls: calls.unsigned_abs(),
        last_ms,
    };
    (causes.into_iter().map(cause).collect(), count)
}
