//! What the calls of intervals add up to, by group, and groups over time.
//! Leaves out the page that puts all of it together (`overview`).

use std::collections::HashMap;
use std::sync::Arc;

use api::{BucketCosts, CallFilter, GroupBy, Money, Series, SeriesGroup, SeriesPoint, Totals, Usage};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::filter::push_where;
use crate::kept::{Began, Groups, Interval, Of, Sum};
use crate::text::Found;
use crate::{Store, StoreError};

/// Groups in one answer.
const LARGEST_SERIES: usize = 200;

const SUMS: &str = ", count(*) AS calls, \
    count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'lost') AS lost, \
    sum(failed) AS errors, count(*) FILTER (WHERE operation = 'chat') AS turns, \
    sum(input) AS input, sum(cache_read) AS cache_read, sum(cache_write_5m) AS cache_write_5m, \
    sum(cache_write_1h) AS cache_write_1h, sum(output) AS output, sum(reasoning) AS reasoning, \
    sum(cost) AS cost, sum(cost_input) AS cost_input, sum(cost_cache_read) AS cost_cache_read, \
    sum(cost_cache_write_5m) AS cost_cache_write_5m, sum(cost_cache_write_1h) AS cost_cache_write_1h, \
    sum(cost_output) AS cost_output, sum(saved) AS saved, \
    count(*) FILTER (WHERE state != 'open' AND cost_source = 'unknown') AS unpriced, \
    count(*) FILTER (WHERE state != 'open' AND (usage_source = 'partial' OR cost_source = 'partial')) AS partial, \
    count(*) FILTER (WHERE state != 'open' AND usage_source = 'estimated') AS estimated, \
    count(*) FILTER (WHERE state != 'open' AND (cost_source = 'unknown' OR usage_source IN ('partial', 'estimated') \
        OR cost_source = 'partial')) AS not_fully_priced, \
    count(*) FILTER (WHERE cost_source = 'provider') AS provider_priced, \
    count(*) FILTER (WHERE cost_source = 'local') AS local, \
    count(*) FILTER (WHERE cost_source = 'subscription') AS subscription, \
    count(*) FILTER (WHERE state != 'open' AND saved IS NULL) AS saved_unknown, \
    sum(cut) AS cut, \
    count(*) FILTER (WHERE state NOT IN ('open', 'lost') AND cost_source NOT IN ('unknown', 'partial') \
        AND usage_source NOT IN ('partial', 'estimated') AND cut = 0) AS whole";

impl Store {
    /// Groups of the calls that match, over the intervals between `bounds_ms`, dearest first.
    pub async fn series(
        &self,
        filter: &CallFilter,
        bounds_ms: &[i64],
        group: Option<GroupBy>,
    ) -> Result<Series, StoreError> {
        let found = self.find(filter.text.as_deref()).await?;
        let began = self.inner.kept.begin();
        let mut snapshot = self.inner.read.begin().await?;
        let mut by_group: HashMap<Option<String>, Vec<SeriesPoint>> = HashMap::new();
        let mut all = Vec::new();
        for (number, interval) in intervals(bounds_ms).enumerate() {
            let groups = if *filter == CallFilter::default() {
                self.groups(&mut snapshot, began, interval, group).await?
            } else {
                Arc::new(add_up(&mut snapshot, filter, found.as_ref(), interval, group).await?)
            };
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            for (key, totals) in groups.iter() {
                let point = SeriesPoint { interval: number, totals: *totals };
                by_group.entry(key.clone()).or_default().push(point);
            }
            // Every other way of grouping parts the calls.
            let each_once = match group {
                Some(GroupBy::Tag) if *filter == CallFilter::default() => {
                    self.groups(&mut snapshot, began, interval, None).await?
                }
                Some(GroupBy::Tag) => {
                    Arc::new(add_up(&mut snapshot, filter, found.as_ref(), interval, None).await?)
                }
                _ => groups,
            };
            let totals = Totals::sum(each_once.iter().map(|(_, totals)| totals));
            if totals.calls > 0 {
                all.push(SeriesPoint { interval: number, totals });
            }
        }
        let mut series = Series { all, ..cut_to_size(by_group) };
        if group == Some(GroupBy::Session) {
            for group in &mut series.groups {
                if let Some(id) = &group.key {
                    group.label = self.session_name(&mut snapshot, id).await?.0;
                }
            }
        }
        Ok(series)
    }

    /// What one interval's calls add up to, by group; kept until one of them changes.
    pub(crate) async fn groups(
        &self,
        snapshot: &mut SqliteConnection,
        began: Began,
        interval: Interval,
        group: Option<GroupBy>,
    ) -> Result<Arc<Groups>, StoreError> {
        let of = Of::By(group);
        if group.is_none() {
            // Sums by model are what the pages ask for, so most of them are there.
            let models = Box::pin(self.groups(snapshot, began, interval, Some(GroupBy::Model))).await?;
            let all = Totals::sum(models.iter().map(|(_, totals)| totals));
            let groups = if all.calls > 0 { vec![(None, all)] } else { Vec::new() };
            return Ok(Arc::new(groups));
        }
        if let Some(Sum::Groups(groups)) = self.inner.kept.get(interval, of) {
            return Ok(groups);
        }
        let groups = Arc::new(add_up(snapshot, &CallFilter::default(), None, interval, group).await?);
        self.inner.kept.put(began, interval, of, Sum::Groups(groups.clone()));
        Ok(groups)
    }

    /// What was said first in a session, and the tool it belongs to.
    pub(crate) async fn session_name(
        &self,
        snapshot: &mut SqliteConnection,
        id: &str,
    ) -> Result<(Option<String>, Option<String>), StoreError> {
        // An id may stand for the sessions of several accounts.
        let name = sqlx::query_as("SELECT title, client FROM session WHERE id = ? ORDER BY key LIMIT 1");
        Ok(name.bind(id).fetch_optional(snapshot).await?.unwrap_or_default())
    }
}

/// The intervals between bounds.
pub(crate) fn intervals(bounds_ms: &[i64]) -> impl Iterator<Item = Interval> {
    let ends = bounds_ms.iter().skip(1);
    bounds_ms.iter().zip(ends).map(|(from_ms, to_ms)| Interval { from_ms: *from_ms, to_ms: *to_ms })
}

/// The dearest groups, and what the others add up to.
fn cut_to_size(all: HashMap<Option<String>, Vec<SeriesPoint>>) -> Series {
    let mut groups: Vec<(Totals, SeriesGroup)> = all
        .into_iter()
        .map(|(key, points)| {
            let totals = Totals::sum(points.iter().map(|point| &point.totals));
            (totals, SeriesGroup { key, label: None, points })
        })
        .collect();
    groups.sort_by(|(a, one), (b, other)| (b.cost, b.calls, &one.key).cmp(&(a.cost, a.calls, &other.key)));
    let others = groups.split_off(groups.len().min(LARGEST_SERIES));
    let mut rest: HashMap<u32, Totals> = HashMap::new();
    for point in others.iter().flat_map(|(_, group)| &group.points) {
        rest.entry(point.interval).or_default().add(&point.totals);
    }
    let mut rest: Vec<SeriesPoint> =
        rest.into_iter().map(|(interval, totals)| SeriesPoint { interval, totals }).collect();
    rest.sort_by_key(|point| point.interval);
    Series {
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        more_groups: others.len() as u64,
        rest,
        all: Vec::new(),
    }
}

async fn add_up(
    snapshot: &mut SqliteConnection,
    filter: &CallFilter,
    found: Option<&Found>,
    interval: Interval,
    group: Option<GroupBy>,
) -> Result<Groups, StoreError> {
    let mut select = sums_of(SUMS, " FROM call", "", filter, found, interval, group);
    let rows = select.build().fetch_all(&mut *snapshot).await?;
    let mut groups: Groups =
        rows.iter().map(|row| Ok((row.try_get("of")?, totals(row)?))).collect::<Result<_, StoreError>>()?;
    if groups.iter().all(|(_, totals)| totals.subscription == 0) {
        return Ok(groups);
    }
    // Few calls have an equivalent: an index of their own tells them without a look at the others.
    let sum = ", coalesce(sum(equivalent), 0) AS equivalent";
    let mut select = sums_of(sum, " FROM call INDEXED BY call_equivalent", " AND equivalent IS NOT NULL", filter, found, interval, group);
    for row in select.build().fetch_all(snapshot).await? {
        let of: Option<String> = row.try_get("of")?;
        if let Some((_, totals)) = groups.iter_mut().find(|(key, _)| *key == of) {
            totals.equivalent = Money::from_pico(row.try_get("equivalent")?);
        }
    }
    Ok(groups)
}

fn sums_of<'f>(
    sums: &str,
    from: &str,
    and: &str,
    filter: &'f CallFilter,
    found: Option<&'f Found>,
    interval: Interval,
    group: Option<GroupBy>,
) -> QueryBuilder<Sqlite> {
    let (key, join) = match group {
        None => ("NULL", ""),
        Some(GroupBy::Model) => ("call.model", ""),
        Some(GroupBy::Client) => ("call.client", ""),
        Some(GroupBy::Provider) => ("call.provider", ""),
        Some(GroupBy::Session) => ("call.session_id", ""),
        Some(GroupBy::Tag) => ("tag.value", " LEFT JOIN json_each(call.tags) AS tag"),
    };
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(key).push(" AS of").push(sums).push(from).push(join);
    push_where(&mut query, filter, found);
    query.push(" AND started_ms >= ").push_bind(interval.from_ms);
    query.push(" AND started_ms < ").push_bind(interval.to_ms);
    query.push(and).push(" GROUP BY 1");
    query
}

fn totals(row: &SqliteRow) -> Result<Totals, StoreError> {
    let sum = |column: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?);
    let count = |column: &str| Ok::<_, StoreError>(sum(column)?.unwrap_or(0).unsigned_abs());
    let tokens = |column: &str| Ok::<_, StoreError>(sum(column)?.map(i64::unsigned_abs));
    let money = |column: &str| Ok::<_, StoreError>(Money::from_pico(sum(column)?.unwrap_or(0)));
    Ok(Totals {
        calls: count("calls")?,
        open: count("open")?,
        lost: count("lost")?,
        errors: count("errors")?,
        turns: count("turns")?,
        usage: Usage {
            input: tokens("input")?,
            cache_read: tokens("cache_read")?,
            cache_write_5m: tokens("cache_write_5m")?,
            cache_write_1h: tokens("cache_write_1h")?,
            output: tokens("output")?,
            reasoning: tokens("reasoning")?,
        },
        cost: money("cost")?,
        costs: BucketCosts {
            input: money("cost_input")?,
            cache_read: money("cost_cache_read")?,
            cache_write_5m: money("cost_cache_write_5m")?,
            cache_write_1h: money("cost_cache_write_1h")?,
            output: money("cost_output")?,
        },
        unpriced: count("unpriced")?,
        partial: count("partial")?,
        estimated: count("estimated")?,
        not_fully_priced: count("not_fully_priced")?,
        provider_priced: count("provider_priced")?,
        local: count("local")?,
        subscription: count("subscription")?,
        // Added by `equivalents`.
        equivalent: Money::ZERO,
        saved: money("saved")?,
        saved_unknown: count("saved_unknown")?,
        cut: count("cut")?,
        whole: count("whole")?,
    })
}
