//! What the calls of intervals add up to, by group, and groups over time.
//! Leaves out the page that puts all of it together (`overview`), and the sessions, of which there are many (`dearest`).

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use api::{CallFilter, GroupBy, Series};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::filter::push_where;
use crate::kept::{Began, Groups, Interval, Of, Sum, ToolSum};
use crate::over_time::OverTime;
use crate::rollup::Dim;
use crate::rollup::measures::{Measures, Over, push_sums};
use crate::text::find::Found;
use crate::{Store, StoreError, dearest, replays};

/// Groups in one answer.
const LARGEST_SERIES: usize = 200;

/// What is asked of each interval in turn.
struct Asked<'a> {
    filter: &'a CallFilter,
    found: Option<&'a Found>,
    began: Began,
}

impl Store {
    /// Groups of the calls that match, over the intervals between `bounds_ms`, dearest first.
    pub async fn series(
        &self,
        filter: &CallFilter,
        bounds_ms: &[i64],
        group: Option<GroupBy>,
    ) -> Result<Series, StoreError> {
        let found = self.find(filter).await?;
        let asked = Asked { filter, found: found.as_ref(), began: self.inner.kept.begin() };
        let mut snapshot = self.inner.read.begin().await?;
        let over_time = match group {
            // There are more of them than of anything else.
            Some(GroupBy::Session) if *filter == CallFilter::default() && dearest::fit(bounds_ms) => {
                self.dearest_over_time(&mut snapshot, asked.began, bounds_ms, LARGEST_SERIES).await?
            }
            _ => self.over_time(&mut snapshot, &asked, bounds_ms, group).await?,
        };
        let mut series = over_time.series();
        if group == Some(GroupBy::Session) {
            for group in &mut series.groups {
                if let Some(id) = &group.key {
                    group.label = self.session_name(&mut snapshot, id).await?.0;
                }
            }
        }
        Ok(series)
    }

    async fn over_time(
        &self,
        snapshot: &mut SqliteConnection,
        asked: &Asked<'_>,
        bounds_ms: &[i64],
        group: Option<GroupBy>,
    ) -> Result<OverTime, StoreError> {
        let mut over_time = OverTime::default();
        for interval in intervals(bounds_ms) {
            let groups = self.of_interval(snapshot, asked, interval, group).await?;
            // Every other way of grouping parts the calls.
            let all = match group {
                Some(GroupBy::Tag) => self.of_interval(snapshot, asked, interval, None).await?,
                _ => groups.clone(),
            };
            over_time.add(&groups, Measures::sum(all.iter().map(|(_, sums)| sums)));
        }
        over_time.keep_dearest(LARGEST_SERIES);
        Ok(over_time)
    }

    async fn of_interval(
        &self,
        snapshot: &mut SqliteConnection,
        asked: &Asked<'_>,
        interval: Interval,
        group: Option<GroupBy>,
    ) -> Result<Arc<Groups>, StoreError> {
        if *asked.filter == CallFilter::default() {
            return self.groups(snapshot, asked.began, interval, group).await;
        }
        Ok(Arc::new(add_up(snapshot, asked.filter, asked.found, interval, group).await?))
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
            let all = Measures::sum(models.iter().map(|(_, sums)| sums));
            let groups = if all.calls() > 0 { vec![(None, all)] } else { Vec::new() };
            return Ok(Arc::new(groups));
        }
        if let Some(Sum::Groups(groups)) = self.inner.kept.get(interval, of) {
            return Ok(groups);
        }
        let groups = Arc::new(add_up(snapshot, &CallFilter::default(), None, interval, group).await?);
        self.inner.kept.put(began, interval, of, Sum::Groups(groups.clone()));
        Ok(groups)
    }

    /// What one interval's calls add up to, by tool: those of models, replays among them, and those beside them (`true`).
    /// Kept until one of them changes.
    pub(crate) async fn tools(
        &self,
        snapshot: &mut SqliteConnection,
        began: Began,
        interval: Interval,
    ) -> Result<Arc<Vec<ToolSum>>, StoreError> {
        if let Some(Sum::Tools(tools)) = self.inner.kept.get(interval, Of::Tools) {
            return Ok(tools);
        }
        let beside = CallFilter { operation: Some(api::Operation::SideCall), ..CallFilter::default() };
        let mut tools = Vec::new();
        for (filter, side) in [(CallFilter::default(), false), (beside, true)] {
            let groups = add_up(snapshot, &filter, None, interval, Some(GroupBy::Client)).await?;
            tools.extend(groups.into_iter().map(|(client, sums)| (client, sums.totals(), side)));
        }
        let replays = replays::by_tool(snapshot, interval).await?;
        tools.extend(replays.into_iter().map(|(client, sums)| (client, sums.totals(), false)));
        let tools = Arc::new(tools);
        self.inner.kept.put(began, interval, Of::Tools, Sum::Tools(tools.clone()));
        Ok(tools)
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

/// What an interval's calls add up to, by group: from the rollups where they know what the filter asks for, and at the
/// interval's edges, which are rarely within a quarter of an hour, from the calls.
pub(crate) async fn add_up(
    snapshot: &mut SqliteConnection,
    filter: &CallFilter,
    found: Option<&Found>,
    interval: Interval,
    group: Option<GroupBy>,
) -> Result<Groups, StoreError> {
    let Some((of, quarters)) = Narrow::new(filter, group).zip(interval.quarters()) else {
        return of_calls(snapshot, filter, found, interval, group, "").await;
    };
    let mut parts = of.sums(snapshot, quarters).await?;
    for edge in interval.edges() {
        parts.extend(of_calls(snapshot, filter, None, edge, group, " INDEXED BY call_began").await?);
    }
    Ok(merged(parts))
}

/// Each group once.
pub(crate) fn merged(parts: Groups) -> Groups {
    let mut groups: HashMap<Option<String>, Measures> = HashMap::with_capacity(parts.len());
    for (key, sums) in parts {
        groups.entry(key).or_insert(Measures::NONE).add(&sums);
    }
    groups.into_iter().collect()
}

async fn of_calls(
    snapshot: &mut SqliteConnection,
    filter: &CallFilter,
    found: Option<&Found>,
    interval: Interval,
    group: Option<GroupBy>,
    index: &'static str,
) -> Result<Groups, StoreError> {
    let (key, join) = match group {
        None => ("NULL", ""),
        Some(GroupBy::Model) => ("nullif(call.model, '')", ""),
        Some(GroupBy::Client) => ("nullif(call.client, '')", ""),
        Some(GroupBy::Provider) => ("nullif(call.provider, '')", ""),
        Some(GroupBy::Session) => ("nullif(call.session_id, '')", ""),
        Some(GroupBy::Tag) => ("nullif(tag.value, '')", " LEFT JOIN json_each(call.tags) AS tag"),
    };
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(key).push(" AS of");
    push_sums(&mut query, Over::Calls);
    query.push(" FROM call").push(index).push(join);
    push_where(&mut query, filter, found);
    push_interval(&mut query, interval);
    query.push(" GROUP BY 1");
    let rows = query.build().fetch_all(snapshot).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, Measures::read(row, 1)?))).collect()
}

/// Appends the condition that a call began in an interval.
pub(crate) fn push_interval(query: &mut QueryBuilder<Sqlite>, interval: Interval) {
    // Of all time: other indices may be better.
    if interval.from_ms > i64::MIN {
        query.push(" AND started_ms >= ").push_bind(interval.from_ms);
    }
    if interval.to_ms < i64::MAX {
        query.push(" AND started_ms < ").push_bind(interval.to_ms);
    }
}

/// A question that the rollups can answer.
pub(crate) struct Narrow<'a> {
    dim: Dim,
    /// What the rows of an answer are about.
    of: &'static str,
    key: Option<&'a str>,
    provider: Option<&'a str>,
}

impl<'a> Narrow<'a> {
    /// `None` when only the calls themselves know.
    fn new(filter: &'a CallFilter, group: Option<GroupBy>) -> Option<Self> {
        Self::grouped(filter, filter, group)
    }

    /// Of all calls that `rest` leaves when it names what `filter` does, in one group.
    pub(crate) fn of(filter: &'a CallFilter, rest: &CallFilter) -> Option<Self> {
        Self::grouped(filter, rest, None)
    }

    fn grouped(filter: &'a CallFilter, rest: &CallFilter, group: Option<GroupBy>) -> Option<Self> {
        let (mut rest, provider) = (rest.clone(), filter.provider.as_deref());
        rest.provider = None;
        if rest.operation == Some(api::Operation::SideCall) && group == Some(GroupBy::Client) {
            rest.operation = None;
            let of = "nullif(key, '')";
            return (rest == CallFilter::default()).then_some(Self {
                dim: Dim::Side,
                of,
                key: None,
                provider,
            });
        }
        let named = [
            (Dim::Model, rest.model.take().and(filter.model.as_deref())),
            (Dim::Client, rest.client.take().and(filter.client.as_deref())),
            (Dim::Tag, rest.tag.take().and(filter.tag.as_deref())),
        ];
        let mut named = named.into_iter().filter_map(|(dim, key)| Some((dim, key?)));
        let (one, more) = (named.next(), named.next());
        if rest != CallFilter::default() || more.is_some() {
            return None;
        }
        let by = match group {
            None | Some(GroupBy::Provider) => None,
            Some(GroupBy::Model) => Some(Dim::Model),
            Some(GroupBy::Client) => Some(Dim::Client),
            Some(GroupBy::Session) => Some(Dim::Session),
            Some(GroupBy::Tag) => Some(Dim::Tag),
        };
        let dim = match (one, by) {
            (Some((dim, _)), Some(by)) if dim != by => return None,
            // Of a call with two tags one stays, and it is counted by both.
            (Some((Dim::Tag, _)), Some(_)) => return None,
            (Some((dim, _)), _) => dim,
            (None, by) => by.unwrap_or(Dim::Model),
        };
        let of = match group {
            None => "NULL",
            Some(GroupBy::Provider) => "nullif(provider, '')",
            Some(_) => "nullif(key, '')",
        };
        Some(Self { dim, of, key: one.map(|(_, key)| key), provider })
    }

    /// Appends the rows of the rollups that it is about.
    pub(crate) fn push_from(&self, query: &mut QueryBuilder<Sqlite>, quarters: Range<i64>) {
        query.push(" FROM rollup WHERE dim = ").push_bind(self.dim.number());
        query.push(" AND quarter >= ").push_bind(quarters.start);
        query.push(" AND quarter < ").push_bind(quarters.end);
        for (column, value) in [(" AND key = ", self.key), (" AND provider = ", self.provider)] {
            if let Some(value) = value {
                query.push(column).push_bind(value.to_owned());
            }
        }
    }

    /// The same, the latest quarters first without putting them in order: for what is in most of them.
    pub(crate) fn push_from_by_time(&self, query: &mut QueryBuilder<Sqlite>, quarters: Range<i64>) {
        let by_time = Self { key: None, ..*self };
        by_time.push_from(query, quarters);
        if let Some(key) = self.key {
            // Not by the index of keys, which knows no order of time.
            query.push(" AND +key = ").push_bind(key.to_owned());
        }
    }

    async fn sums(
        &self,
        snapshot: &mut SqliteConnection,
        quarters: Range<i64>,
    ) -> Result<Groups, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(self.of).push(" AS of");
        push_sums(&mut query, Over::Rollups);
        self.push_from(&mut query, quarters);
        query.push(" GROUP BY 1");
        let rows = query.build().fetch_all(snapshot).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, Measures::read(row, 1)?))).collect()
    }
}
