//! Totals over calls: sums, bars over time, and the values that filters can take.

use api::{CallFilter, Facets, GroupBy, HistogramBar, ModelTotal, Stats, Stranded};
use sqlx::{QueryBuilder, Sqlite};

use crate::filter::push_where;
use crate::kept::Interval;
use crate::rollup::measures::Measures;
use crate::{Store, StoreError, replays, window};

const FACETS: &str = " LIMIT 200";
/// What one provider was asked lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderActivity {
    /// The provider.
    pub provider: String,
    /// Its calls within the time asked for.
    pub calls: u64,
    /// Of them, with an error.
    pub errors: u64,
    /// When its latest call began, in milliseconds since 1970 (UTC).
    pub last_ms: i64,
}

impl Store {
    /// Totals over the calls that match.
    pub async fn stats(&self, filter: &CallFilter) -> Result<Stats, StoreError> {
        let found = self.find(filter).await?;
        let (mut rest, all_time) = (filter.clone(), (i64::MIN, i64::MAX));
        let from_ms = rest.from_ms.take().unwrap_or(all_time.0);
        let interval = Interval { from_ms, to_ms: rest.to_ms.take().unwrap_or(all_time.1) };
        let mut snapshot = self.inner.read.begin().await?;
        let by_model = Some(GroupBy::Model);
        let groups = window::add_up(&mut snapshot, &rest, found.as_ref(), interval, by_model).await?;
        let totals = Measures::sum(groups.iter().map(|(_, sums)| sums)).totals();
        let replays = replays::add_up(&mut snapshot, &rest, found.as_ref(), interval).await?;
        let model = |(model, sums): (Option<String>, Measures)| {
            let totals = sums.totals();
            let tokens = totals.usage.total().unwrap_or(0);
            Some(ModelTotal { model: model?, calls: totals.calls, tokens, cost: totals.cost })
        };
        let mut models: Vec<ModelTotal> = groups.into_iter().filter_map(model).collect();
        models.sort_by(|one, other| (other.calls, &one.model).cmp(&(one.calls, &other.model)));
        Ok(Stats {
            calls: totals.calls,
            errors: totals.errors,
            usage: totals.usage,
            cost: totals.cost,
            unpriced: totals.unpriced,
            duration_us: totals.duration_us,
            mean_duration_us: totals.mean_duration_us(),
            models,
            replays,
        })
    }

    /// Calls over time from `from_ms` to `to_ms`, in `bars` equal bars, the empty ones too.
    pub async fn histogram(
        &self,
        filter: &CallFilter,
        from_ms: i64,
        to_ms: i64,
        bars: u32,
    ) -> Result<Vec<HistogramBar>, StoreError> {
        let found = self.find(filter).await?;
        let (mut histogram, span) = crate::totals::bars(from_ms, to_ms, bars);
        let bars = i64::try_from(histogram.len()).unwrap_or(1);
        let mut query = QueryBuilder::<Sqlite>::new("SELECT (started_ms - ");
        query.push_bind(from_ms).push(") * ").push_bind(bars).push(" / ").push_bind(span);
        query.push(" AS bar, count(*), coalesce(sum(failed), 0) FROM call");
        push_where(&mut query, filter, found.as_ref());
        query.push(" AND started_ms >= ").push_bind(from_ms);
        query.push(" AND started_ms < ").push_bind(from_ms.saturating_add(span)).push(" GROUP BY bar");
        let rows: Vec<(i64, i64, i64)> =
            query.build_query_as().persistent(false).fetch_all(&self.inner.read).await?;
        for (bar, calls, errors) in rows {
            if let Some(bar) = usize::try_from(bar).ok().and_then(|bar| histogram.get_mut(bar)) {
                (bar.calls, bar.errors) = (calls.unsigned_abs(), errors.unsigned_abs());
            }
        }
        Ok(histogram)
    }

    /// The values that filters can take, most used first.
    pub async fn facets(&self) -> Result<Facets, StoreError> {
        Ok(Facets {
            models: self.facet("SELECT model FROM call WHERE model IS NOT NULL GROUP BY model").await?,
            providers: self.facet("SELECT provider FROM call GROUP BY provider").await?,
            clients: self
                .facet(
                    "SELECT client FROM call WHERE client IS NOT NULL AND replay_of IS NULL GROUP BY client",
                )
                .await?,
            tags: self
                .facet("SELECT value FROM call, json_each(tags) WHERE tags IS NOT NULL GROUP BY value")
                .await?,
        })
    }

    /// The tools that made calls through the proxy since `since_ms`, latest first; how many of them are under way is not said here.
    pub async fn recent_clients(&self, since_ms: i64) -> Result<Vec<Stranded>, StoreError> {
        let query = sqlx::query_as(
            "SELECT client, count(*), max(started_ms) FROM call WHERE started_ms >= ? AND sources & 1 != 0 \
             AND replay_of IS NULL GROUP BY client ORDER BY 3 DESC",
        );
        let rows: Vec<(Option<String>, i64, i64)> = query.bind(since_ms).fetch_all(&self.inner.read).await?;
        let tool = |(client, calls, last_ms): (Option<String>, i64, i64)| Stranded {
            client,
            calls: calls.unsigned_abs(),
            open: 0,
            last_ms,
        };
        Ok(rows.into_iter().map(tool).collect())
    }

    /// Each provider's calls through the proxy since `since_ms`, the errors among them, and when the latest call ever began.
    pub async fn provider_activity(&self, since_ms: i64) -> Result<Vec<ProviderActivity>, StoreError> {
        let query = sqlx::query_as(
            "SELECT provider, coalesce(sum(started_ms >= ?1), 0), \
             coalesce(sum(failed AND started_ms >= ?1), 0), max(started_ms) FROM call WHERE sources & 1 != 0 \
             GROUP BY provider",
        );
        let rows: Vec<(String, i64, i64, i64)> = query.bind(since_ms).fetch_all(&self.inner.read).await?;
        let activity = |(provider, calls, errors, last_ms): (String, i64, i64, i64)| ProviderActivity {
            provider,
            calls: calls.unsigned_abs(),
            errors: errors.unsigned_abs(),
            last_ms,
        };
        Ok(rows.into_iter().map(activity).collect())
    }

    async fn facet(&self, select: &'static str) -> Result<Vec<String>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(select);
        query.push(" ORDER BY count(*) DESC, 1").push(FACETS);
        Ok(query.build_query_scalar().fetch_all(&self.inner.read).await?)
    }
}

/// So many empty equal bars from `from_ms` to `to_ms`, and how much time all of them are.
pub(crate) fn bars(from_ms: i64, to_ms: i64, bars: u32) -> (Vec<HistogramBar>, i64) {
    let bars = i64::from(bars.clamp(1, 500));
    let span = to_ms.saturating_sub(from_ms).max(bars);
    let start = |bar: i64| {
        let offset = i128::from(span) * i128::from(bar) / i128::from(bars);
        from_ms.saturating_add(i64::try_from(offset).unwrap_or(i64::MAX))
    };
    let bar = |bar: i64| HistogramBar { from_ms: start(bar), ..HistogramBar::default() };
    ((0..bars).map(bar).collect(), span)
}
