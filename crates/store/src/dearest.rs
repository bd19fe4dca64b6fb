//! Of many sessions those that spent the most: which these are is told by what each spent in each interval, which is
//! little and is kept; the rest of their sums is read for them alone. Leaves out other ways of grouping (`window`).

use std::collections::HashMap;
use std::sync::Arc;

use api::{CallFilter, GroupBy};
use foldhash::fast::RandomState;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::filter::push_where;
use crate::kept::{Began, Groups, Interval, Of, Spent, Sum};
use crate::over_time::OverTime;
use crate::rollup::Dim;
use crate::rollup::measures::{Measures, Over, QUARTER_MS, push_sums};
use crate::window::{intervals, merged, push_interval};
use crate::{Store, StoreError};

/// Whether intervals consist of whole quarters, as they do on every clock in use.
pub(crate) fn fit(bounds_ms: &[i64]) -> bool {
    let rising = bounds_ms.is_sorted_by(|one, other| one < other);
    rising && bounds_ms.len() > 1 && bounds_ms.iter().all(|bound| bound.rem_euclid(QUARTER_MS) == 0)
}

/// What sessions spent in several intervals.
#[derive(Default)]
pub(crate) struct Spendings {
    intervals: Vec<Arc<Vec<Spent>>>,
}

/// Sessions in order, and how many there are.
pub(crate) struct Dearest {
    /// The dearest first; an empty id are the calls without a session.
    pub(crate) ids: Vec<String>,
    pub(crate) of: usize,
}

impl Spendings {
    /// The `most` dearest; the calls that belong to no session count as one of them if `with_none`.
    pub(crate) fn dearest(&self, most: usize, with_none: bool) -> Dearest {
        // Most sessions are in one interval, or in two.
        let most_of_them = self.intervals.iter().map(|some| some.len()).sum();
        let mut sums: HashMap<&str, (i64, i64), RandomState> =
            HashMap::with_capacity_and_hasher(most_of_them, RandomState::default());
        let all = self.intervals.iter().flat_map(|some| some.iter());
        for spent in all.filter(|spent| with_none || !spent.session.is_empty()) {
            let (cost, calls) = sums.entry(&*spent.session).or_default();
            *cost = cost.saturating_add(spent.cost);
            *calls += spent.calls;
        }
        let mut ordered: Vec<(i64, i64, &str)> =
            sums.into_iter().map(|(session, (cost, calls))| (cost, calls, session)).collect();
        let of = ordered.len();
        let by_cost = |a: &(i64, i64, &str), b: &(i64, i64, &str)| (b.0, b.1, a.2).cmp(&(a.0, a.1, b.2));
        if of > most && most > 0 {
            ordered.select_nth_unstable_by(most - 1, by_cost);
            ordered.truncate(most);
        }
        ordered.sort_unstable_by(by_cost);
        Dearest { ids: ordered.into_iter().map(|(_, _, session)| session.to_owned()).collect(), of }
    }
}

impl Store {
    /// Adds what each session spent in an interval.
    pub(crate) async fn add_spent(
        &self,
        snapshot: &mut SqliteConnection,
        began: Began,
        interval: Interval,
        spendings: &mut Spendings,
    ) -> Result<(), StoreError> {
        if let Some(Sum::Sessions(spent)) = self.inner.kept.get(interval, Of::Sessions) {
            spendings.intervals.push(spent);
            return Ok(());
        }
        let mut spent: Vec<Spent> = Vec::new();
        let read =
            |(session, cost, calls): (String, i64, i64)| Spent { session: session.into(), cost, calls };
        if let Some(quarters) = interval.quarters() {
            let sums = sqlx::query_as(
                "SELECT key, sum(cost), sum(calls) FROM rollup WHERE dim = ? AND quarter >= ? AND quarter < ? GROUP BY key",
            );
            let sums = sums.bind(Dim::Session.number()).bind(quarters.start).bind(quarters.end);
            spent.extend(sums.fetch_all(&mut *snapshot).await?.into_iter().map(read));
        }
        for edge in interval.edges() {
            let mut query = QueryBuilder::<Sqlite>::new(
                "SELECT coalesce(session_id, ''), sum(coalesce(cost, 0)), count(*) FROM call",
            );
            push_where(&mut query, &CallFilter::default(), None);
            push_interval(&mut query, edge);
            query.push(" GROUP BY 1");
            spent.extend(query.build_query_as().fetch_all(&mut *snapshot).await?.into_iter().map(read));
        }
        let spent = Arc::new(spent);
        self.inner.kept.put(began, interval, Of::Sessions, Sum::Sessions(spent.clone()));
        spendings.intervals.push(spent);
        Ok(())
    }

    /// What the calls of these sessions in an interval add up to.
    pub(crate) async fn of_sessions(
        &self,
        snapshot: &mut SqliteConnection,
        interval: Interval,
        ids: &[String],
    ) -> Result<Groups, StoreError> {
        let ids = serde_json::to_string(ids).unwrap_or_default();
        let mut parts = Groups::new();
        if interval.quarters().is_some() {
            let sums = rolled_up(snapshot, interval, &ids).await?;
            parts.extend(sums.into_iter().map(|(session, _, sums)| (session, sums)));
        }
        for edge in interval.edges() {
            let mut query = QueryBuilder::<Sqlite>::new("SELECT nullif(call.session_id, '')");
            push_sums(&mut query, Over::Calls);
            query.push(" FROM call");
            push_where(&mut query, &CallFilter::default(), None);
            push_interval(&mut query, edge);
            query.push(" AND coalesce(session_id, '') IN (SELECT value FROM json_each(");
            query.push_bind(ids.as_str()).push(")) GROUP BY 1");
            for row in query.build().fetch_all(&mut *snapshot).await? {
                parts.push((row.try_get(0)?, Measures::read(&row, 1)?));
            }
        }
        Ok(merged(parts))
    }

    /// The `most` dearest sessions over intervals that [`fit`].
    pub(crate) async fn dearest_over_time(
        &self,
        snapshot: &mut SqliteConnection,
        began: Began,
        bounds_ms: &[i64],
        most: usize,
    ) -> Result<OverTime, StoreError> {
        let (mut spendings, mut over_time) = (Spendings::default(), OverTime::default());
        for interval in intervals(bounds_ms) {
            self.add_spent(snapshot, began, interval, &mut spendings).await?;
            let models = self.groups(snapshot, began, interval, Some(GroupBy::Model)).await?;
            over_time.all.push(Measures::sum(models.iter().map(|(_, sums)| sums)));
        }
        let dearest = spendings.dearest(most, true);
        let (Some(from_ms), Some(to_ms)) = (bounds_ms.first(), bounds_ms.last()) else {
            return Ok(over_time);
        };
        let window = Interval { from_ms: *from_ms, to_ms: *to_ms };
        let ids = serde_json::to_string(&dearest.ids).unwrap_or_default();
        over_time.rest.clone_from(&over_time.all);
        for (session, quarter, sums) in rolled_up(snapshot, window, &ids).await? {
            // Of the interval in which the quarter is: after the first bound, and before the last.
            let number = bounds_ms.partition_point(|bound| *bound <= quarter * QUARTER_MS) - 1;
            let points = over_time.groups.entry(session).or_default();
            match points.last_mut().filter(|(last, _)| *last == number) {
                Some((_, point)) => point.add(&sums),
                None => points.push((number, sums)),
            }
            if let Some(rest) = over_time.rest.get_mut(number) {
                rest.take_away(&sums);
            }
        }
        over_time.more = dearest.of - dearest.ids.len();
        Ok(over_time)
    }
}

/// What the calls of these sessions (a JSON array) add up to in each whole quarter of an interval, in order of time.
async fn rolled_up(
    snapshot: &mut SqliteConnection,
    interval: Interval,
    ids: &str,
) -> Result<Vec<(Option<String>, i64, Measures)>, StoreError> {
    let quarters = interval.quarters().unwrap_or_default();
    let mut query = QueryBuilder::<Sqlite>::new("SELECT nullif(key, ''), quarter");
    push_sums(&mut query, Over::Rollups);
    // A session is in few quarters: they are found by its key, not by going through all of them.
    query.push(" FROM rollup INDEXED BY rollup_key WHERE dim = ").push_bind(Dim::Session.number());
    query.push(" AND key IN (SELECT value FROM json_each(").push_bind(ids.to_owned());
    query.push(")) AND quarter >= ").push_bind(quarters.start);
    query.push(" AND quarter < ").push_bind(quarters.end).push(" GROUP BY key, quarter ORDER BY quarter");
    let rows = query.build().fetch_all(snapshot).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, Measures::read(row, 2)?))).collect()
}
