//! Calls that stand in no trace, as the list shows them beside traces. Leaves out how both come in one order (`list`).

use api::{CallFilter, CallSummary};
use sqlx::{QueryBuilder, Sqlite};

use super::{After, FEW_IN_TRACES, Reach};
use crate::counts::push_quarters;
use crate::filter::{push_newest_where, push_where};
use crate::row::{SUMMARY_COLUMNS, summary};
use crate::text::common::{Order, Recent};
use crate::{Store, StoreError};

/// Among which calls a page is looked for.
#[derive(Clone, Copy)]
enum Among<'a> {
    All,
    /// Those of the newest that have common words.
    Recent(&'a Recent),
    /// Those that began in these quarters of an hour.
    Quarters(&'a str),
}

impl Store {
    /// A page of them, the newest first. Of all calls so many match, if that is known.
    pub(super) async fn lone_calls_after(
        &self,
        reach: &Reach<'_>,
        matching: Option<u64>,
        after: Option<After>,
        limit: u32,
    ) -> Result<Vec<CallSummary>, StoreError> {
        let first = after.map(|after| after.started_ms);
        let mut attempt = 0;
        while let Some(recent) = self.recent(reach.found, Order::Started(first), limit, attempt).await? {
            let calls = self.lone_calls(reach, Among::Recent(&recent), after, limit).await?;
            // Too few of the newest have it: then more are looked at.
            if calls.len() >= limit as usize {
                return Ok(calls);
            }
            attempt += 1;
        }
        let Some(count) = matching else { return self.lone_calls(reach, Among::All, after, limit).await };
        if let Some(quarters) = self.quarters(reach.filter, count).await? {
            return self.lone_calls(reach, Among::Quarters(&quarters), after, limit).await;
        }
        // Some stand in traces, and a page behind others may find its first quarter used up by them.
        let wanted = u64::from(limit) * if first.is_none() && reach.in_traces == 0 { 1 } else { 4 };
        if let Some(quarters) = self.newest_quarters(reach.filter, wanted, first).await? {
            let calls = self.lone_calls(reach, Among::Quarters(&quarters), after, limit).await?;
            // Some may stand in traces, or came before.
            if calls.len() >= limit as usize {
                return Ok(calls);
            }
        }
        self.lone_calls(&Reach { many: true, ..*reach }, Among::All, after, limit).await
    }

    async fn lone_calls(
        &self,
        reach: &Reach<'_>,
        among: Among<'_>,
        after: Option<After>,
        limit: u32,
    ) -> Result<Vec<CallSummary>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(SUMMARY_COLUMNS).push(" FROM call");
        match among {
            // Found by their rows alone.
            Among::Recent(_) | Among::Quarters(_) => drop(query.push(" NOT INDEXED")),
            Among::All if reach.many => drop(query.push(" INDEXED BY call_began")),
            Among::All => {}
        }
        let recent = if let Among::Recent(recent) = among { Some(recent) } else { None };
        push_newest_where(&mut query, reach.filter, reach.found, recent);
        if let Among::Quarters(quarters) = among {
            push_quarters(&mut query, quarters);
        }
        push_calls_after(&mut query, after);
        query.push(" ORDER BY started_ms DESC, id DESC LIMIT ").push_bind(limit);
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        rows.iter().map(summary).collect()
    }

    /// Of calls of which so many match, if that is known, how many stand in no trace.
    pub(super) async fn count_lone_calls(
        &self,
        reach: &Reach<'_>,
        matching: Option<u64>,
    ) -> Result<u64, StoreError> {
        if let Some(matching) = matching.filter(|_| reach.in_traces == 0) {
            return Ok(matching);
        }
        let Reach { filter, found, .. } = *reach;
        if let Some(matching) = matching.filter(|_| *filter == CallFilter::default()) {
            // Counts that read small indices, where a condition would read every row.
            let count: i64 = sqlx::query_scalar(
                "SELECT (SELECT count(*) FROM call WHERE trace IS NOT NULL AND operation != 'side_call') \
                 - (SELECT count(*) FROM call INDEXED BY call_replay \
                    WHERE replay_of IS NOT NULL AND operation != 'side_call' AND trace IS NOT NULL)",
            )
            .fetch_one(&self.inner.read)
            .await?;
            return Ok(matching.saturating_sub(count.unsigned_abs()));
        }
        let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM call");
        if matching.is_some() {
            query.push(reach.in_traces());
        }
        push_where(&mut query, filter, found);
        query.push(if matching.is_some() { " AND trace IS NOT NULL" } else { " AND trace IS NULL" });
        let count: i64 = query.build_query_scalar().persistent(false).fetch_one(&self.inner.read).await?;
        let count = count.unsigned_abs();
        Ok(matching.map_or(count, |matching| matching.saturating_sub(count)))
    }

    /// How many calls stand in traces, counted no further than it matters.
    pub(super) async fn in_traces(&self) -> Result<u64, StoreError> {
        let select = "SELECT count(*) FROM (SELECT 1 FROM call INDEXED BY call_in_trace WHERE trace IS NOT NULL LIMIT ?)";
        let most = i64::try_from(FEW_IN_TRACES).unwrap_or(i64::MAX);
        let count: i64 = sqlx::query_scalar(select).bind(most).fetch_one(&self.inner.read).await?;
        Ok(count.unsigned_abs())
    }
}

/// That they stand in no trace, and after this entry.
pub(super) fn push_calls_after(query: &mut QueryBuilder<Sqlite>, after: Option<After>) {
    query.push(" AND trace IS NULL");
    if let Some(After { started_ms, id }) = after {
        query.push(" AND started_ms <= ").push_bind(started_ms);
        query.push(" AND (started_ms < ").push_bind(started_ms);
        query.push(" OR id < ").push_bind(id.to_vec()).push(")");
    }
}
