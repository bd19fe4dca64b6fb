//! How many calls match, without looking at each: what was counted of the past, the rollups where they know what the filter
//! asks for, and where few match, in which quarters of an hour these are. Leaves out what only the calls themselves know
//! (`calls`).

use std::fmt::Write as _;

use api::{CallFilter, CallState, Outcome};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::filter::push_where;
use crate::kept::{Began, Interval};
use crate::rollup::measures::QUARTER_MS;
use crate::window::Narrow;
use crate::{Store, StoreError};

/// Of so few calls it is worth knowing in which quarters they are.
const FEW: u64 = if cfg!(test) { 3 } else { 2_000 };
/// Quarters that are looked through at most: beyond, going through the calls from the newest on finds a page sooner.
const QUARTERS: usize = 200;
/// Quarters whose sums are looked at for the newest calls.
const LOOKED_AT: i64 = 2_000;

/// Newer calls than those of the past may be so many, before nothing is kept.
const NEWER: i64 = if cfg!(test) { 60 } else { 20_000 };

/// The calls of the past, whose counts are kept until one of them changes: a page that follows what happens asks for the
/// same again and again.
pub(crate) struct Past {
    /// When they began.
    pub(crate) interval: Interval,
    /// Those below this row; who counts counts the others each time.
    pub(crate) end: i64,
    /// Before anything was read.
    pub(crate) began: Began,
}

impl Store {
    /// `None` when too much is new.
    pub(crate) async fn past(&self) -> Result<Option<Past>, StoreError> {
        let began = self.inner.kept.begin();
        let last = "SELECT max(started_ms), (SELECT max(seq) FROM call) FROM call INDEXED BY call_began";
        let (Some(last_ms), Some(last_seq)): (Option<i64>, Option<i64>) =
            sqlx::query_as(last).fetch_one(&self.inner.read).await?
        else {
            return Ok(None);
        };
        let interval = Interval { from_ms: i64::MIN, to_ms: last_ms.div_euclid(QUARTER_MS) * QUARTER_MS };
        let newer = "SELECT count(*), min(seq) FROM \
            (SELECT seq FROM call INDEXED BY call_began WHERE started_ms >= ? LIMIT ?)";
        let newer = sqlx::query_as(newer).bind(interval.to_ms).bind(NEWER);
        let (newer, end): (i64, Option<i64>) = newer.fetch_one(&self.inner.read).await?;
        // What was imported may have come later than what began later.
        let end = end.filter(|end| newer < NEWER && last_seq - end < NEWER);
        Ok(end.map(|end| Past { interval, end, began }))
    }

    /// All calls but side calls and replays.
    pub(crate) async fn count_model_calls(&self) -> Result<u64, StoreError> {
        // Counts that read small indices, where a condition would read every row.
        let all = "SELECT (SELECT count(*) FROM call) - (SELECT count(*) FROM call WHERE operation = 'side_call') \
            - (SELECT count(*) FROM call INDEXED BY call_replay WHERE replay_of IS NOT NULL AND operation != 'side_call')";
        let Some(past) = self.past().await? else {
            let all = sqlx::query_scalar::<_, i64>(all).fetch_one(&self.inner.read).await?;
            return Ok(all.unsigned_abs());
        };
        let newer =
            "SELECT count(*) FROM call WHERE seq >= ? AND operation != 'side_call' AND replay_of IS NULL";
        if let Some(before) = self.inner.kept.count(past.interval, "", past.end) {
            let newer =
                sqlx::query_scalar::<_, i64>(newer).bind(past.end).fetch_one(&self.inner.read).await?;
            return Ok(before + newer.unsigned_abs());
        }
        let mut snapshot = self.inner.read.begin().await?;
        let all = sqlx::query_scalar::<_, i64>(all).fetch_one(&mut *snapshot).await?;
        let newer = sqlx::query_scalar::<_, i64>(newer).bind(past.end).fetch_one(&mut *snapshot).await?;
        let before = all.saturating_sub(newer).unsigned_abs();
        self.inner.kept.put_count(past.began, past.interval, "", past.end, before);
        Ok(all.unsigned_abs())
    }
}

/// A filter whose matches the rollups can count.
pub(crate) struct Counted<'a> {
    filter: &'a CallFilter,
    of: Narrow<'a>,
    /// What is added up.
    measure: &'static str,
    interval: Interval,
}

impl<'a> Counted<'a> {
    /// `None` when only the calls themselves know; `rest` is room for what is left of the filter.
    pub(crate) fn new(filter: &'a CallFilter) -> Option<Self> {
        let mut rest = filter.clone();
        let interval = Interval {
            from_ms: rest.from_ms.take().unwrap_or(i64::MIN),
            to_ms: rest.to_ms.take().unwrap_or(i64::MAX),
        };
        let measure = measure(&mut rest)?;
        let of = Narrow::of(filter, &rest)?;
        Some(Self { filter, of, measure, interval })
    }

    /// How many calls match.
    pub(crate) async fn count(&self, snapshot: &mut SqliteConnection) -> Result<u64, StoreError> {
        let Some(quarters) = self.interval.quarters() else {
            return self.count_rows(snapshot, self.interval).await;
        };
        let mut count = 0;
        for edge in self.interval.edges() {
            count += self.count_rows(snapshot, edge).await?;
        }
        let mut query = QueryBuilder::<Sqlite>::new("SELECT coalesce(sum(");
        query.push(self.measure).push("), 0)");
        self.of.push_from(&mut query, quarters);
        let sum: i64 = query.build_query_scalar().fetch_one(snapshot).await?;
        Ok(count + sum.unsigned_abs())
    }

    /// Where the calls are, as a JSON array of the first milliseconds of quarters, if they are few and the quarters, too.
    pub(crate) async fn quarters(
        &self,
        snapshot: &mut SqliteConnection,
        count: u64,
    ) -> Result<Option<String>, StoreError> {
        let Some(quarters) = self.interval.quarters().filter(|_| count <= FEW) else { return Ok(None) };
        let mut query = QueryBuilder::<Sqlite>::new("SELECT DISTINCT quarter");
        self.of.push_from(&mut query, quarters);
        query.push(" AND ").push(self.measure).push(" > 0 LIMIT ").push_bind(QUARTERS as i64 + 1);
        let mut found: Vec<i64> = query.build_query_scalar().fetch_all(snapshot).await?;
        found.extend(self.edge_quarters());
        Ok((found.len() <= QUARTERS).then(|| listed(found)))
    }

    /// Where the newest of many calls are, as a JSON array of the first milliseconds of quarters: at least `wanted` of
    /// those that began no later than `last_ms`, if these are in not too many quarters.
    pub(crate) async fn newest_quarters(
        &self,
        snapshot: &mut SqliteConnection,
        wanted: u64,
        last_ms: Option<i64>,
    ) -> Result<Option<String>, StoreError> {
        let Some(quarters) = self.interval.quarters() else { return Ok(None) };
        let last = last_ms.map_or(i64::MAX, |last_ms| last_ms.div_euclid(QUARTER_MS));
        let end = quarters.end.min(last.saturating_add(1));
        let mut query = QueryBuilder::<Sqlite>::new("SELECT quarter, sum(");
        query.push(self.measure).push(")");
        self.of.push_from_by_time(&mut query, quarters.start..end);
        query.push(" GROUP BY quarter ORDER BY quarter DESC LIMIT ").push_bind(LOOKED_AT);
        let sums: Vec<(i64, i64)> = query.build_query_as().fetch_all(snapshot).await?;
        let (mut found, mut calls) = (Vec::new(), 0);
        for (quarter, count) in sums.into_iter().filter(|(_, count)| *count > 0) {
            found.push(quarter);
            calls += count.unsigned_abs();
            if calls >= wanted {
                // The last edge alone: behind the first one's calls others stand that are not among these.
                found.extend(self.edge_quarters().filter(|edge| *edge >= quarters.end));
                return Ok((found.len() <= QUARTERS).then(|| listed(found)));
            }
        }
        Ok(None)
    }

    /// The quarters in which the interval begins and ends, where it has no whole one there.
    fn edge_quarters(&self) -> impl Iterator<Item = i64> + use<> {
        self.interval.edges().map(|edge| edge.from_ms.div_euclid(QUARTER_MS))
    }

    async fn count_rows(&self, snapshot: &mut SqliteConnection, edge: Interval) -> Result<u64, StoreError> {
        let filter =
            CallFilter { from_ms: Some(edge.from_ms), to_ms: Some(edge.to_ms), ..self.filter.clone() };
        // An edge is short: by its time little is read, whatever else is asked for.
        let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM call INDEXED BY call_began");
        push_where(&mut query, &filter, None);
        let count: i64 = query.build_query_scalar().persistent(false).fetch_one(snapshot).await?;
        Ok(count.unsigned_abs())
    }
}

/// Takes out of the filter what one sum of the rollups tells, and names it; `None` when two would have to hold at once.
fn measure(rest: &mut CallFilter) -> Option<&'static str> {
    let flag = |flag: &mut Option<bool>, measure| {
        (*flag == Some(true)).then(|| {
            *flag = None;
            measure
        })
    };
    let outcome = match rest.outcome.take() {
        Some(Outcome::Error) => Some("errors"),
        Some(Outcome::Success) => Some("calls - errors - open"),
        None => None,
    };
    let state = match rest.state {
        Some(CallState::Open) => Some("open"),
        Some(CallState::Lost) => Some("lost"),
        _ => None,
    };
    if state.is_some() {
        rest.state = None;
    }
    let told = [
        outcome,
        state,
        flag(&mut rest.unpriced, "unpriced"),
        flag(&mut rest.partial, "partial"),
        flag(&mut rest.estimated, "estimated"),
        flag(&mut rest.not_fully_priced, "not_fully_priced"),
        flag(&mut rest.cut, "cut"),
        flag(&mut rest.proxied, "proxied"),
    ];
    let mut told = told.into_iter().flatten();
    match (told.next(), told.next()) {
        (None, _) => Some("calls"),
        (Some(one), None) => Some(one),
        (Some(_), Some(_)) => None,
    }
}

/// Quarters as a JSON array of their first milliseconds.
fn listed(mut quarters: Vec<i64>) -> String {
    quarters.sort_unstable();
    quarters.dedup();
    let mut list = String::from("[");
    for (number, quarter) in quarters.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        let _infallible = write!(list, "{comma}{}", quarter.saturating_mul(QUARTER_MS));
    }
    list.push(']');
    list
}

/// Appends that a call began in one of these quarters.
pub(crate) fn push_quarters(query: &mut QueryBuilder<Sqlite>, quarters: &str) {
    query.push(" AND seq IN (SELECT one.seq FROM json_each(").push_bind(quarters.to_owned());
    query.push(") AS quarter CROSS JOIN call AS one ON one.started_ms >= quarter.value AND one.started_ms < quarter.value + ");
    query.push_bind(QUARTER_MS).push(")");
}
