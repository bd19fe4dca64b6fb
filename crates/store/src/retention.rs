//! What is kept: for how long, how many, how much. What is too much goes in small steps, the oldest first, sessions and
//! traces whole where they are over. Leaves out when it is looked (the engine) and what is left behind (`sweep`, `scrub`).

use std::sync::atomic::Ordering;
use std::time::Duration;

use api::{Erased, Limits};
use sqlx::{AssertSqlSafe, Connection, QueryBuilder, Sqlite};

use crate::telemetry::Pair;
use crate::write::BEGIN;
use crate::{Store, StoreError};

/// Calls in one transaction: few, so that a batch of calls that waits for the writer waits a moment only.
const CALLS: i64 = 64;
/// Log records and points in one transaction.
const REPORTS: i64 = 512;
/// Between two steps whoever waits has its turn.
const PAUSE: Duration = Duration::from_millis(5);
const DAY_MS: i64 = 86_400_000;
/// When there is too much, so many hundredths of it go at once: going one by one would look through packs for each.
const PERCENT: u64 = 2;
/// Calls before `?1` that are in no session that is still in use, or before `?2`.
const TOO_OLD: &str = "FROM call LEFT JOIN session ON session.key = call.session \
    WHERE call.started_ms < ?1 AND call.state != 'open' \
    AND (session.key IS NULL OR session.last_ms < ?1 OR call.started_ms < ?2)";
/// At most so many calls go before space is measured again.
const AT_ONCE: i64 = 4_096;

/// What limits would take away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excess {
    /// Calls that are too old.
    pub old: u64,
    /// Traces, and calls that are in none, beyond their number, whatever their age.
    pub many: u64,
    /// Bytes beyond those that are kept.
    pub bytes: u64,
}

impl Store {
    /// What would go by these limits.
    pub async fn excess(&self, limits: &Limits, now_ms: i64) -> Result<Excess, StoreError> {
        let mut excess = Excess::default();
        if let Some(days) = limits.days.and_then(|days| i64::try_from(days).ok()) {
            let (from_ms, longest_ms) = oldest(now_ms, days);
            let count = AssertSqlSafe(format!("SELECT count(*) {TOO_OLD}"));
            let old: i64 =
                sqlx::query_scalar(count).bind(from_ms).bind(longest_ms).fetch_one(&self.inner.read).await?;
            excess.old = old.unsigned_abs();
        }
        if let Some(most) = limits.traces {
            let calls = self.count("call", "trace IS NULL").await?;
            excess.many = too_many(calls.saturating_add(self.count("trace", "spans > 0").await?), most);
        }
        if let Some(most) = limits.bytes {
            excess.bytes = self.used_bytes().await?.saturating_sub(most);
        }
        Ok(excess)
    }

    /// Deletes what is too old or too much, as far as can be told before what that leaves is tidied up: call it again
    /// after that, until it says that nothing went.
    pub async fn retain(&self, limits: &Limits, now_ms: i64) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        if let Some(days) = limits.days.and_then(|days| i64::try_from(days).ok()) {
            erased.add(self.retain_since(now_ms, days).await?);
        }
        if let Some(most) = limits.logs {
            erased.add(self.retain_logs(most).await?);
        }
        if let Some(most) = limits.metrics {
            erased.add(self.retain_points(most).await?);
        }
        if let Some(most) = limits.traces {
            erased.add(self.retain_traces(most).await?);
        }
        if let Some(most) = limits.bytes {
            erased.add(self.retain_bytes(most).await?);
        }
        Ok(erased)
    }

    /// Lets others have their turn; whether everything stops, and this too.
    async fn rest(&self) -> bool {
        tokio::time::sleep(PAUSE).await;
        self.is_stopping()
    }

    /// From now on no more is deleted or tidied than is begun: everything is about to stop.
    pub fn stop_upkeep(&self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.inner.stopping.load(Ordering::Relaxed)
    }

    /// Everything older goes. A session or trace that is still in use stays whole, until it is twice as old.
    async fn retain_since(&self, now_ms: i64, days: i64) -> Result<Erased, StoreError> {
        let (from_ms, longest_ms) = oldest(now_ms, days);
        let from_ns = from_ms.saturating_mul(1_000_000);
        let mut erased = Erased::default();
        loop {
            let select = AssertSqlSafe(format!("SELECT call.seq {TOO_OLD} LIMIT ?3"));
            let seqs = sqlx::query_scalar(select).bind(from_ms).bind(longest_ms).bind(CALLS);
            let seqs: Vec<i64> = seqs.fetch_all(&self.inner.read).await?;
            if seqs.is_empty() {
                break;
            }
            erased.add(self.remove_some(&seqs, false).await?);
            if self.rest().await {
                return Ok(erased);
            }
        }
        loop {
            let select =
                "SELECT key FROM trace WHERE spans > 0 AND first_ns / 1000000 < ? AND last_ns < ? LIMIT 1";
            let trace = sqlx::query_scalar(select).bind(from_ms).bind(from_ns);
            let Some(trace) = trace.fetch_optional(&self.inner.read).await? else { break };
            erased.add(self.remove_trace_step(trace).await?);
            if self.rest().await {
                return Ok(erased);
            }
        }
        erased.add(self.remove_logs_before(from_ns, u64::MAX).await?);
        erased.add(self.remove_points_before(from_ns, true).await?);
        self.remove_unrecorded(from_ms).await?;
        Ok(erased)
    }

    /// The oldest records before `before_ns` go, at most `most`.
    async fn remove_logs_before(&self, before_ns: i64, most: u64) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        while erased.logs < most {
            let left = i64::try_from(most - erased.logs).unwrap_or(i64::MAX).min(REPORTS);
            let select = "SELECT time_ns, hash FROM log WHERE time_ns < ? ORDER BY time_ns, hash LIMIT ?";
            let logs: Vec<Pair> =
                sqlx::query_as(select).bind(before_ns).bind(left).fetch_all(&self.inner.read).await?;
            if logs.is_empty() {
                break;
            }
            erased.add(self.remove_logs_step(&logs).await?);
            if self.rest().await {
                return Ok(erased);
            }
        }
        Ok(erased)
    }

    /// All points before `before_ns` go; with `basis` the last one of each running total stays for a day, so that what
    /// came after it is still known by its difference.
    async fn remove_points_before(&self, before_ns: i64, basis: bool) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        let basis_ns = if basis { before_ns.saturating_sub(DAY_MS * 1_000_000) } else { before_ns };
        // Series by series: a point is found by its series' number and its time.
        let select = "SELECT point.series, point.time_ns, point.start_ns FROM series JOIN metric ON metric.key = series.metric \
            CROSS JOIN point ON point.series = series.key WHERE point.time_ns < ?1 AND (point.time_ns < ?2 OR metric.temporality != 2 \
            OR EXISTS (SELECT 1 FROM point AS next WHERE next.series = point.series AND next.time_ns > point.time_ns \
            AND next.time_ns < ?1 AND next.start_ns = point.start_ns)) LIMIT ?3";
        loop {
            let points = sqlx::query_as(select).bind(before_ns).bind(basis_ns).bind(REPORTS);
            let points: Vec<(i64, i64, i64)> = points.fetch_all(&self.inner.read).await?;
            if points.is_empty() {
                return Ok(erased);
            }
            erased.points += self.remove_points_step(&points).await?;
            if self.rest().await {
                return Ok(erased);
            }
        }
    }

    async fn remove_unrecorded(&self, before_ms: i64) -> Result<(), StoreError> {
        let there = "SELECT EXISTS (SELECT 1 FROM unrecorded WHERE started_ms < ?)";
        let there: bool = sqlx::query_scalar(there).bind(before_ms).fetch_one(&self.inner.read).await?;
        if there {
            let mut writer = self.inner.writer.lock().await;
            writer.reconnect().await?;
            let mut transaction = writer.connection()?.begin_with(BEGIN).await?;
            let delete = sqlx::query("DELETE FROM unrecorded WHERE started_ms < ?").bind(before_ms);
            delete.execute(&mut *transaction).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    async fn retain_logs(&self, most: u64) -> Result<Erased, StoreError> {
        match too_many(self.count("log", "").await?, most) {
            0 => Ok(Erased::default()),
            excess => self.remove_logs_before(i64::MAX, excess).await,
        }
    }

    async fn retain_points(&self, most: u64) -> Result<Erased, StoreError> {
        let excess = too_many(self.count("point", "").await?, most);
        if excess == 0 {
            return Ok(Erased::default());
        }
        let first = sqlx::query_scalar("SELECT time_ns FROM point ORDER BY time_ns LIMIT 1 OFFSET ?");
        let first: Option<i64> =
            first.bind(i64::try_from(excess).unwrap_or(i64::MAX)).fetch_optional(&self.inner.read).await?;
        self.remove_points_before(first.unwrap_or(i64::MAX), false).await
    }

    /// Traces, and calls that are in none, are counted together.
    async fn retain_traces(&self, most: u64) -> Result<Erased, StoreError> {
        let calls = self.count("call", "trace IS NULL").await?;
        let traces = self.count("trace", "spans > 0").await?;
        let excess = too_many(calls.saturating_add(traces), most);
        let mut erased = Erased::default();
        let mut left = excess;
        while left > 0 {
            let (call, trace) = (self.oldest_call(true).await?, self.oldest_trace().await?);
            let gone = match (call, trace) {
                (Some((_, call_ms)), Some((key, trace_ms))) if trace_ms <= call_ms => {
                    self.remove_trace_whole(key).await?
                }
                (None, Some((key, _))) => self.remove_trace_whole(key).await?,
                (Some(_), _) => {
                    let most = i64::try_from(left).unwrap_or(i64::MAX).min(CALLS);
                    let seqs = self.oldest_calls("trace IS NULL", most).await?;
                    self.remove_some(&seqs, false).await?
                }
                (None, None) => break,
            };
            if gone.is_nothing() {
                break;
            }
            erased.add(gone);
            left = left.saturating_sub(if gone.traces > 0 { gone.traces } else { gone.calls });
            if self.rest().await {
                return Ok(erased);
            }
        }
        Ok(erased)
    }

    /// When the files are too large, some of the oldest of everything go. What that gives back is seen once it is tidied.
    async fn retain_bytes(&self, most: u64) -> Result<Erased, StoreError> {
        let used = self.used_bytes().await?;
        if used <= most {
            return Ok(Erased::default());
        }
        // So many hundredths of the calls as the space is too much, and a few more.
        let calls = self.count("call", "").await?;
        let share = (used - most).saturating_mul(100) / used + PERCENT;
        let goal = i64::try_from(calls.saturating_mul(share) / 100).unwrap_or(i64::MAX).clamp(CALLS, AT_ONCE);
        let mut erased = Erased::default();
        let mut from_ms = i64::MIN;
        while erased.calls < goal.unsigned_abs() {
            let seqs = self.oldest_calls("1", CALLS).await?;
            let Some(last) = seqs.last() else { break };
            let began = sqlx::query_scalar("SELECT started_ms FROM call WHERE seq = ?").bind(last);
            from_ms = began.fetch_optional(&self.inner.read).await?.unwrap_or(from_ms);
            erased.add(self.remove_some(&seqs, false).await?);
            if self.rest().await {
                return Ok(erased);
            }
        }
        if erased.calls == 0 {
            // Reports alone take the space: a piece of the time they are from goes.
            let span = "SELECT min(first), max(last) FROM (SELECT min(time_ns) AS first, max(time_ns) AS last FROM log \
                UNION ALL SELECT min(first_ns), max(first_ns) FROM trace WHERE spans > 0)";
            let (first, last): (Option<i64>, Option<i64>) =
                sqlx::query_as(span).fetch_one(&self.inner.read).await?;
            let (Some(first), Some(last)) = (first, last) else { return Ok(erased) };
            let share = i64::try_from(share).unwrap_or(i64::MAX);
            from_ms =
                (first.saturating_add((last - first).max(100) / 100 * share) / 1_000_000).saturating_add(1);
        }
        erased.add(self.remove_reports_before(from_ms).await?);
        Ok(erased)
    }

    async fn remove_reports_before(&self, from_ms: i64) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        while let Some((key, _)) = self.oldest_trace().await?.filter(|(_, first_ms)| *first_ms < from_ms) {
            erased.add(self.remove_trace_whole(key).await?);
            if self.rest().await {
                return Ok(erased);
            }
        }
        let from_ns = from_ms.saturating_mul(1_000_000);
        erased.add(self.remove_logs_before(from_ns, u64::MAX).await?);
        erased.add(self.remove_points_before(from_ns, false).await?);
        Ok(erased)
    }

    async fn remove_trace_whole(&self, key: i64) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        loop {
            let calls =
                sqlx::query_scalar("SELECT seq FROM call WHERE trace = ? AND state != 'open' LIMIT ?");
            let calls: Vec<i64> = calls.bind(key).bind(CALLS).fetch_all(&self.inner.read).await?;
            if calls.is_empty() {
                break;
            }
            erased.add(self.remove_some(&calls, false).await?);
            if self.rest().await {
                return Ok(erased);
            }
        }
        loop {
            let gone = self.remove_trace_step(key).await?;
            erased.add(gone);
            if gone.is_nothing() || gone.traces > 0 {
                return Ok(erased);
            }
            if self.rest().await {
                return Ok(erased);
            }
        }
    }

    /// The oldest calls.
    async fn oldest_calls(&self, which: &'static str, most: i64) -> Result<Vec<i64>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT seq FROM call WHERE state != 'open' AND ");
        query.push(which).push(" ORDER BY started_ms, seq LIMIT ").push_bind(most);
        Ok(query.build_query_scalar().persistent(false).fetch_all(&self.inner.read).await?)
    }

    async fn oldest_call(&self, untraced: bool) -> Result<Option<(i64, i64)>, StoreError> {
        let select = "SELECT seq, started_ms FROM call WHERE state != 'open' AND (trace IS NULL OR NOT ?) \
            ORDER BY started_ms LIMIT 1";
        Ok(sqlx::query_as(select).bind(untraced).fetch_optional(&self.inner.read).await?)
    }

    async fn oldest_trace(&self) -> Result<Option<(i64, i64)>, StoreError> {
        let select =
            "SELECT key, first_ns / 1000000 FROM trace WHERE spans > 0 ORDER BY first_ns / 1000000 LIMIT 1";
        Ok(sqlx::query_as(select).fetch_optional(&self.inner.read).await?)
    }

    pub(crate) async fn count(&self, table: &'static str, which: &'static str) -> Result<u64, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM ");
        query.push(table);
        if !which.is_empty() {
            query.push(" WHERE ").push(which);
        }
        let count: i64 = query.build_query_scalar().fetch_one(&self.inner.read).await?;
        Ok(count.unsigned_abs())
    }

    /// Bytes of pages in use: what the file would be if its free pages were given back.
    pub(crate) async fn used_bytes(&self) -> Result<u64, StoreError> {
        let (pages, free, size) = self.pages().await?;
        Ok(pages.saturating_sub(free).saturating_mul(size))
    }

    /// Pages, those of them that are free, and bytes of one.
    pub(crate) async fn pages(&self) -> Result<(u64, u64, u64), StoreError> {
        let mut connection = self.inner.read.acquire().await?;
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *connection).await?;
        let free: i64 = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&mut *connection).await?;
        let size: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut *connection).await?;
        Ok((pages.unsigned_abs(), free.unsigned_abs(), size.unsigned_abs()))
    }
}

/// Since when everything is kept, and since when what is still in use is.
const fn oldest(now_ms: i64, days: i64) -> (i64, i64) {
    let kept_ms = days.saturating_mul(DAY_MS);
    let from_ms = now_ms.saturating_sub(kept_ms);
    (from_ms, from_ms.saturating_sub(kept_ms))
}

/// How many have to go, with a few more, so that it is not looked again for each that comes.
const fn too_many(count: u64, most: u64) -> u64 {
    match count > most {
        true => count - most + most / 100,
        false => 0,
    }
}
