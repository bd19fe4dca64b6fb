//! Metrics as they are asked for: the list, a chart, points one by one. Leaves out how points become growth (`growth`)
//! and what metrics say of tokens and money (`metric_usage`).

mod counted;
mod filter;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use api::{
    FoundPoint, FoundPoints, MetricChart, MetricExemplar, MetricFilter, MetricKind, MetricLine, MetricPoint,
    MetricQuery, MetricSummary, PointFilter, PointsPage,
};
use futures_util::TryStreamExt;
use model::telemetry::wire::{self, Attributes};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use counted::{Counted, Numbers};
use filter::{push_metric, push_points_where, push_service};
use rows::{POINT, SERIES, decoded, exemplar, kind, point, series, summary, temporality};
pub use rows::{PointKey, point_key};

use super::about::{self, About};
use super::growth::{Growth, Line, Reading, Stretches, held};
use super::points::{Rest, point_id};
use super::{logs, shown};
use crate::totals::bars;
use crate::{Store, StoreError};

/// Lines of a chart beside the one for the rest.
const LINES: usize = 12;
const EXEMPLARS: i64 = 100;
/// Points looked through for exemplars.
const EXEMPLAR_POINTS: i64 = 1_000;
const LARGEST_PAGE: u32 = 1_000;
/// Bytes of what is said of metrics at length that a page of points holds; beyond that their rows' shorter words.
const WHOLE: usize = 256 << 10;
/// Names of attributes that are told of one metric.
const KEYS: usize = 100;
const NANOS: i64 = 1_000_000;

/// A metric's points that differ in nothing but time.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) key: i64,
    pub(super) about: Arc<About>,
    pub(super) attributes: Attributes,
    pub(super) service: Option<String>,
    pub(super) client: Option<String>,
}

/// As [`Reading::of`] says it, in SQL.
const IS_DELTA: &str = "(kind BETWEEN 1 AND 3 AND temporality = 1)";
const IS_LATEST: &str = "(kind = 0 OR kind = 1 AND temporality != 1 AND NOT monotonic)";
const DELTAS: &str = "SELECT point.series, total(CASE WHEN kind > 1 THEN int ELSE coalesce(value, int) END)";
const LATEST: &str = "SELECT point.series, CAST(coalesce(value, int) AS REAL), max(time_ns)";

impl Series {
    fn reading(&self) -> Reading {
        Reading::of(self.about.kind, self.about.temporality, self.about.monotonic)
    }

    pub(super) fn is_distribution(&self) -> bool {
        self.about.kind > 1
    }
}

/// Which points, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
}

impl Within {
    pub(super) fn of(from_ms: Option<i64>, to_ms: Option<i64>) -> Self {
        let ns = |ms: i64| ms.saturating_mul(NANOS);
        Self { from_ns: from_ms.map_or(i64::MIN, ns), to_ns: to_ms.map_or(i64::MAX, ns) }
    }
}

/// Conditions on series, as SQL after `WHERE 1`.
type Condition<'a> = &'a (dyn Fn(&mut QueryBuilder<Sqlite>) + Sync);

/// A metric of one service: name, service, kind.
type Name = (String, Option<String>, i64);

impl Store {
    /// Every metric that matches, by name.
    pub async fn list_metrics(&self, filter: &MetricFilter) -> Result<Vec<MetricSummary>, StoreError> {
        let condition = |query: &mut QueryBuilder<Sqlite>| {
            if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
                query.push(" AND instr(lower(name), lower(").push_bind(text.to_owned()).push(")) > 0");
            }
            push_service(query, filter.service.as_deref());
        };
        let within = Within::of(filter.from_ms, filter.to_ms);
        let series = self.series_of(&condition).await?;
        let totals = self.totals(&condition, &series, within).await?;
        Ok(self.summaries(&condition, series, &totals).await?.into_values().collect())
    }

    /// One metric over time; `None` when there is none of this name, service and kind.
    pub async fn metric_chart(&self, query: &MetricQuery) -> Result<Option<MetricChart>, StoreError> {
        let condition = |sql: &mut QueryBuilder<Sqlite>| push_metric(sql, query);
        let within = Within::of(Some(query.from_ms), Some(query.to_ms));
        let series = self.series_of(&condition).await?;
        let (stretches, span_ms) = bars(query.from_ms, query.to_ms, query.bars);
        let from_ms: Vec<i64> = stretches.iter().map(|bar| bar.from_ms).collect();
        let stretches = Stretches { from_ms: query.from_ms, span_ms, count: stretches.len() };
        let lines = self.lines(&condition, &series, within, stretches, true).await?;
        let totals = lines.iter().map(|(key, line)| (*key, line.total)).collect();
        let summaries = self.summaries(&condition, series.clone(), &totals).await?;
        let Some(metric) = summaries.into_values().next() else { return Ok(None) };

        let mut by_value: BTreeMap<Option<String>, Line> = BTreeMap::new();
        for one in &series {
            let Some(line) = lines.get(&one.key) else { continue };
            let value = query.group.as_deref().and_then(|key| one.attributes.get(key)).map(logs::plainly);
            by_value.entry(value).or_insert_with(|| Line::new(stretches.count)).merge(line);
        }
        let distributions = !matches!(query.kind, MetricKind::Gauge | MetricKind::Sum);
        let (lines, rest) = largest(by_value, stretches.count, distributions);
        let exemplars = self.exemplars(&condition, within).await?;
        Ok(Some(MetricChart { metric, from_ms, lines, rest, exemplars }))
    }

    /// One metric's points, newest first, and how many there are in the time asked for.
    pub async fn metric_points(
        &self,
        query: &MetricQuery,
        limit: u32,
        offset: u32,
    ) -> Result<PointsPage, StoreError> {
        let filter = PointFilter {
            name: Some(query.name.clone()),
            service: Some(query.service.clone().unwrap_or_default()),
            kind: Some(query.kind),
            from_ms: Some(query.from_ms),
            to_ms: Some(query.to_ms),
        };
        let found = self.find_points(&filter, limit, offset, None).await?;
        let points = found.points.into_iter().map(|found| found.point).collect();
        Ok(PointsPage { points, total: found.total })
    }

    /// Points of any metric, newest first, and how many match in all.
    pub async fn find_points(
        &self,
        filter: &PointFilter,
        limit: u32,
        offset: u32,
        before: Option<PointKey>,
    ) -> Result<FoundPoints, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(POINT);
        push_points_where(&mut query, filter);
        if let Some(PointKey { series, time_ns, start_ns }) = before {
            query.push(" AND (time_ns, series, start_ns) < (").push_bind(time_ns);
            query.push(", ").push_bind(series).push(", ").push_bind(start_ns).push(")");
        }
        query.push(" ORDER BY time_ns DESC, series DESC, start_ns DESC LIMIT ");
        query.push_bind(limit.clamp(1, LARGEST_PAGE)).push(" OFFSET ").push_bind(offset);
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        let mut points = Vec::with_capacity(rows.len());
        let (mut budget, mut wholes) = (WHOLE, None);
        for row in &rows {
            let mut point = self.shown_point(row).await?;
            if budget > 0 && point.point.shortened {
                let metric = row.try_get("metric")?;
                if wholes.as_ref().is_none_or(|(of, _)| *of != metric) {
                    wholes = self.whole(metric).await?.map(|whole| (metric, whole));
                }
                if let Some((_, whole)) = &wholes {
                    budget = budget.saturating_sub(about::length(whole));
                    if budget > 0 {
                        complete(&mut point, whole);
                    }
                }
            }
            points.push(point);
        }
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT count(*) FROM point JOIN series ON series.key = point.series JOIN metric ON metric.key = series.metric",
        );
        push_points_where(&mut query, filter);
        let total: i64 = query.build_query_scalar().persistent(false).fetch_one(&self.inner.read).await?;
        Ok(FoundPoints { points, total: total.unsigned_abs() })
    }

    /// The point with this id; `None` when there is none.
    pub async fn point(&self, id: &str) -> Result<Option<FoundPoint>, StoreError> {
        let Some(PointKey { series, time_ns, start_ns }) = point_key(id) else { return Ok(None) };
        let mut query = QueryBuilder::<Sqlite>::new(POINT);
        query.push(" WHERE series = ").push_bind(series).push(" AND time_ns = ").push_bind(time_ns);
        query.push(" AND start_ns = ").push_bind(start_ns);
        match query.build().fetch_optional(&self.inner.read).await? {
            Some(row) => {
                let mut found = self.shown_point(&row).await?;
                if let Some(whole) = self.whole(row.try_get("metric")?).await? {
                    complete(&mut found, &whole);
                }
                Ok(Some(found))
            }
            None => Ok(None),
        }
    }

    /// What is said of a metric, where its row is shorter.
    async fn whole(&self, metric: i64) -> Result<Option<about::Whole>, StoreError> {
        let select = sqlx::query_scalar("SELECT whole FROM metric WHERE key = ?").bind(metric);
        let packed: Option<Option<Vec<u8>>> = select.fetch_optional(&self.inner.read).await?;
        packed.flatten().map(|packed| about::whole(&packed)).transpose()
    }

    async fn shown_point(&self, row: &SqliteRow) -> Result<FoundPoint, StoreError> {
        let (series, point) = (series(row, About::read(row)?)?, point(row)?);
        let origin = self.origin(row.try_get("origin")?).await?;
        let metadata: Attributes = decoded(row.try_get("metadata")?)?;
        let key: i64 = row.try_get("series")?;
        let About { name, description, unit, kind: number, temporality: of, monotonic } =
            series.about.as_ref();
        Ok(FoundPoint {
            name: name.clone(),
            service: series.service.clone(),
            kind: kind(*number),
            unit: unit.clone(),
            description: description.clone(),
            temporality: temporality(*of),
            monotonic: *monotonic,
            point: MetricPoint {
                id: point_id(key, point.time_ns, point.start_ns),
                time_ns: point.time_ns,
                start_ns: point.start_ns,
                attributes: shown::attributes(&series.attributes),
                fields: shown::point(&point),
                reporter: shown::reporter(&origin),
                metadata: shown::attributes(&metadata),
                shortened: row.try_get("shortened")?,
            },
        })
    }

    /// The series that match.
    pub(super) async fn series_of(&self, condition: Condition<'_>) -> Result<Vec<Series>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(SERIES);
        condition(&mut query);
        query.push(" ORDER BY series.key");
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        // After the series, so that none of theirs is missing.
        let mut query = QueryBuilder::<Sqlite>::new("SELECT key, ");
        query.push(about::COLUMNS).push(
            " FROM metric WHERE key IN (SELECT metric FROM series JOIN metric ON metric.key = series.metric \
             LEFT JOIN origin ON origin.key = series.origin WHERE 1",
        );
        condition(&mut query);
        query.push(")");
        let mut metrics: HashMap<i64, Arc<About>> = HashMap::new();
        for row in query.build().persistent(false).fetch_all(&self.inner.read).await? {
            metrics.insert(row.try_get("key")?, About::read(&row)?);
        }
        let mut all = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(about) = metrics.get(&row.try_get("metric")?) {
                all.push(series(row, about.clone())?);
            }
        }
        Ok(all)
    }

    /// What each of `series`, which are those that match, comes to. Only what is drawn needs points `whole`: their sums
    /// and counts stand in columns.
    pub(super) async fn lines(
        &self,
        condition: Condition<'_>,
        series: &[Series],
        within: Within,
        stretches: Stretches,
        whole: bool,
    ) -> Result<HashMap<i64, Line>, StoreError> {
        let mut growths: HashMap<i64, Growth> = series
            .iter()
            .map(|one| (one.key, Growth::new(one.reading(), one.is_distribution(), stretches)))
            .collect();
        let rest =
            if whole { "rest" } else { "CASE WHEN value IS NULL AND int IS NULL THEN rest END AS rest" };
        if within.from_ns > i64::MIN {
            self.before(condition, within, &mut growths, rest).await?;
        }
        let mut query = QueryBuilder::<Sqlite>::new("SELECT series, time_ns, start_ns, value, int, ");
        query.push(rest).push(" FROM point WHERE series IN (SELECT series.key FROM series JOIN metric ON metric.key = series.metric LEFT JOIN origin ON origin.key = series.origin WHERE 1");
        condition(&mut query);
        query
            .push(") AND time_ns >= ")
            .push_bind(within.from_ns)
            .push(" AND time_ns < ")
            .push_bind(within.to_ns);
        query.push(" ORDER BY series, time_ns, start_ns");
        let mut rows = query.build().persistent(false).fetch(&self.inner.read);
        while let Some(row) = rows.try_next().await? {
            if let Some(growth) = growths.get_mut(&row.try_get("series")?) {
                growth.add(&point(&row)?);
            }
        }
        Ok(growths.into_iter().map(|(key, growth)| (key, growth.finish())).collect())
    }

    /// The last point before the time asked for of every stream that has points in it.
    async fn before(
        &self,
        condition: Condition<'_>,
        within: Within,
        growths: &mut HashMap<i64, Growth>,
        rest: &'static str,
    ) -> Result<(), StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT point.series AS series, time_ns, point.start_ns AS start_ns, value, int, ",
        );
        query.push(rest);
        query.push(" FROM (SELECT DISTINCT series, start_ns FROM point WHERE series IN (SELECT series.key FROM series \
             JOIN metric ON metric.key = series.metric LEFT JOIN origin ON origin.key = series.origin WHERE temporality != 1");
        condition(&mut query);
        query
            .push(") AND time_ns >= ")
            .push_bind(within.from_ns)
            .push(" AND time_ns < ")
            .push_bind(within.to_ns);
        query.push(") AS stream JOIN point ON point.series = stream.series AND point.start_ns = stream.start_ns \
             AND point.time_ns = (SELECT earlier.time_ns FROM point AS earlier WHERE earlier.series = stream.series \
             AND earlier.start_ns = stream.start_ns AND earlier.time_ns >= stream.start_ns AND earlier.time_ns < ");
        query.push_bind(within.from_ns).push(" ORDER BY earlier.time_ns DESC LIMIT 1)");
        for row in query.build().persistent(false).fetch_all(&self.inner.read).await? {
            if let Some(growth) = growths.get_mut(&row.try_get("series")?) {
                growth.before(&point(&row)?);
            }
        }
        Ok(())
    }

    /// What each of `series`, which are those that match, comes to. Deltas are added up and latest values looked up by
    /// SQLite; only what accumulates is gone through point by point.
    async fn totals(
        &self,
        condition: Condition<'_>,
        series: &[Series],
        within: Within,
    ) -> Result<HashMap<i64, f64>, StoreError> {
        let mut totals = HashMap::new();
        for (select, of) in [(DELTAS, IS_DELTA), (LATEST, IS_LATEST)] {
            let mut query = QueryBuilder::<Sqlite>::new(select);
            query.push(
                " FROM point JOIN series ON series.key = point.series JOIN metric ON metric.key = series.metric LEFT JOIN origin \
                 ON origin.key = series.origin WHERE abs(CAST(CASE WHEN kind > 1 THEN int ELSE coalesce(value, int) END AS REAL)) < 9e999 AND ",
            );
            query.push(of).push(" AND time_ns >= ").push_bind(within.from_ns);
            query.push(" AND time_ns < ").push_bind(within.to_ns);
            condition(&mut query);
            query.push(" GROUP BY point.series");
            for row in query.build().persistent(false).fetch_all(&self.inner.read).await? {
                totals.insert(row.try_get(0)?, row.try_get_unchecked(1)?);
            }
        }
        let accumulating = |query: &mut QueryBuilder<Sqlite>| {
            condition(query);
            query.push(" AND NOT ").push(IS_DELTA).push(" AND NOT ").push(IS_LATEST);
        };
        let some: Vec<Series> =
            series.iter().filter(|one| one.reading() == Reading::Cumulative).cloned().collect();
        let lines = self.lines(&accumulating, &some, within, Stretches::NONE, false).await?;
        totals.extend(lines.into_iter().map(|(key, line)| (key, line.total)));
        Ok(totals)
    }

    async fn summaries(
        &self,
        condition: Condition<'_>,
        series: Vec<Series>,
        totals: &HashMap<i64, f64>,
    ) -> Result<BTreeMap<Name, MetricSummary>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT series, count(*), min(time_ns), max(time_ns), min(coalesce(value, int)), max(coalesce(value, int)), \
             total(coalesce(value, int)), count(coalesce(value, int)) FROM point WHERE series IN (SELECT series.key FROM series \
             JOIN metric ON metric.key = series.metric LEFT JOIN origin ON origin.key = series.origin WHERE 1",
        );
        condition(&mut query);
        query.push(") GROUP BY series");
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        let counts = rows.iter().map(|row| Ok::<_, StoreError>((row.try_get(0)?, Counted::read(row)?)));
        let counts: HashMap<i64, Counted> = counts.collect::<Result<_, _>>()?;
        let mut found: BTreeMap<Name, MetricSummary> = BTreeMap::new();
        let mut keys: HashMap<Name, BTreeSet<String>> = HashMap::new();
        let mut sums: HashMap<Name, Numbers> = HashMap::new();
        for one in series {
            let Some(counted) = counts.get(&one.key) else { continue };
            let (first_ns, last_ns) = (counted.first_ns, counted.last_ns);
            let name = (one.about.name.clone(), one.service.clone(), one.about.kind);
            let named = keys.entry(name.clone()).or_default();
            named.extend(one.attributes.0.iter().take(KEYS).map(|(key, _)| key.clone()));
            let metric = found.entry(name.clone()).or_insert_with(|| summary(&one, first_ns, last_ns));
            // What is said of a metric is what its latest series says.
            (metric.temporality, metric.monotonic) =
                (temporality(one.about.temporality), one.about.monotonic);
            metric.series += 1;
            metric.points += counted.points.unsigned_abs();
            metric.first_ms = metric.first_ms.min(first_ns / NANOS);
            metric.last_ms = metric.last_ms.max(last_ns / NANOS);
            sums.entry(name).or_default().add(counted);
            metric.total = held(metric.total + totals.get(&one.key).copied().unwrap_or(0.0));
        }
        for (name, numbers) in sums {
            if let Some(metric) = found.get_mut(&name) {
                metric.range = numbers.range();
            }
        }
        for (name, keys) in keys {
            if let Some(metric) = found.get_mut(&name) {
                metric.attribute_keys = keys.into_iter().take(KEYS).collect();
            }
        }
        Ok(found)
    }

    async fn exemplars(
        &self,
        condition: Condition<'_>,
        within: Within,
    ) -> Result<Vec<MetricExemplar>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT rest FROM point WHERE rest IS NOT NULL AND series IN (SELECT series.key FROM series \
             JOIN metric ON metric.key = series.metric LEFT JOIN origin ON origin.key = series.origin WHERE 1",
        );
        condition(&mut query);
        query
            .push(") AND time_ns >= ")
            .push_bind(within.from_ns)
            .push(" AND time_ns < ")
            .push_bind(within.to_ns);
        query.push(" ORDER BY time_ns DESC LIMIT ").push_bind(EXEMPLAR_POINTS);
        let rows: Vec<Vec<u8>> =
            query.build_query_scalar().persistent(false).fetch_all(&self.inner.read).await?;
        let mut found = Vec::new();
        for rest in rows {
            let exemplars = match decoded(&rest)? {
                Rest::Number(point) => point.exemplars,
                Rest::Histogram(point) => point.exemplars,
                Rest::Exponential(point) => point.exemplars,
                Rest::Summary(_) => Vec::new(),
            };
            found.extend(exemplars.iter().filter_map(exemplar));
        }
        found.sort_by_key(|exemplar: &MetricExemplar| std::cmp::Reverse(exemplar.time_ns));
        found.truncate(usize::try_from(EXEMPLARS).unwrap_or_default());
        Ok(found)
    }
}

/// What rows shorten, whole. The name stays the one by which the metric is asked for.
fn complete(found: &mut FoundPoint, (name, description, unit, metadata): &about::Whole) {
    found.description.clone_from(description);
    found.point.metadata = shown::attributes(metadata);
    found.point.shortened = false;
    for (key, whole, short) in [("name", name, &found.name), ("unit", unit, &found.unit)] {
        if whole != short {
            let named = Attributes(vec![(key.to_owned(), wire::Value::Text(whole.clone()))]);
            found.point.fields.extend(shown::attributes(&named));
        }
    }
}

/// The largest lines, and the others as one; how many values those are.
fn largest(
    by_value: BTreeMap<Option<String>, Line>,
    stretches: usize,
    distributions: bool,
) -> (Vec<MetricLine>, u64) {
    let mut all: Vec<(Option<String>, Line)> = by_value.into_iter().collect();
    all.sort_by(|one, other| other.1.total.abs().total_cmp(&one.1.total.abs()));
    let others = if all.len() > LINES { all.split_off(LINES) } else { Vec::new() };
    let mut lines: Vec<MetricLine> =
        all.into_iter().map(|(value, line)| line.shown(value, distributions)).collect();
    if !others.is_empty() {
        let mut rest = Line::new(stretches);
        others.iter().for_each(|(_, line)| rest.merge(line));
        lines.push(rest.shown(None, distributions));
    }
    (lines, others.len() as u64)
}
