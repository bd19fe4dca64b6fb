//! Pricing recorded calls again: handing them out some at a time, writing what changed, and the audit of it. Leaves out
//! the prices and the rules (`model::pricing`), and what a change touches (`cost`).

use std::collections::HashMap;

use api::{
    CallId, CallSummary, Cost, CostSource, Money, ReportSource, RepriceScope, Repricing, RepricingState,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::pace::Pace;
use crate::row::{SUMMARY_COLUMNS, summary};
use crate::write::BEGIN;
use crate::{Store, StoreError, cost, rollup};

/// Audits that are listed.
const LISTED: u32 = 50;

/// A recorded call, and what it is priced by.
#[derive(Clone, Debug)]
pub struct Priceable {
    /// Its row.
    pub seq: i64,
    /// What the row says.
    pub call: CallSummary,
    /// `saved` as it is.
    pub saved: Option<Money>,
    /// What it is priced by beside the row, as it was kept; `None` if it was not.
    pub billed: Option<String>,
}

impl Priceable {
    /// Whether the proxy told of it.
    pub fn is_proxied(&self) -> bool {
        self.call.sources.contains(&ReportSource::Proxy)
    }
}

/// A call that costs something else now.
#[derive(Clone, Debug)]
pub struct CostChange {
    /// The call as it was.
    pub before: Priceable,
    /// What it costs.
    pub cost: Cost,
}

impl Store {
    /// The number before the first row that `scope` may hold.
    pub async fn before_scope(&self, scope: &RepriceScope) -> Result<i64, StoreError> {
        let Some(since_ms) = scope.since_ms else { return Ok(0) };
        let first = sqlx::query_scalar("SELECT min(seq) - 1 FROM call WHERE started_ms >= ?").bind(since_ms);
        let first: Option<i64> = first.fetch_one(&self.inner.read).await?;
        Ok(first.unwrap_or(i64::MAX))
    }

    /// The ended calls of `scope` in the rows after `after`, at most `most` of them, in order.
    pub async fn priceable(
        &self,
        scope: &RepriceScope,
        after: i64,
        most: u32,
    ) -> Result<Vec<Priceable>, StoreError> {
        // By the order of the rows alone: any other index would have all of them sorted anew for each part.
        let mut query = QueryBuilder::<Sqlite>::new("SELECT seq, billed, saved, ");
        query.push(SUMMARY_COLUMNS).push(" FROM call WHERE seq > ").push_bind(after);
        query.push(" AND +state NOT IN ('open', 'lost')");
        if let Some(since_ms) = scope.since_ms {
            query.push(" AND +started_ms >= ").push_bind(since_ms);
        }
        if let Some(model) = &scope.model {
            query.push(" AND +model = ").push_bind(model);
        }
        if scope.unknown_only {
            query.push(" AND (+cost_source IN ('unknown', 'partial', 'reported') OR (cost_source = 'subscription' AND equivalent IS NULL))");
        }
        query.push(" ORDER BY seq LIMIT ").push_bind(most);
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        let read = |row| {
            self.inner.pace.give_way();
            priceable(row)
        };
        rows.iter().map(read).collect()
    }

    /// Writes what changed, and how far the repricing is, in one transaction. A call that changed meanwhile is left as it
    /// is. Says which were written.
    pub async fn change_costs(
        &self,
        changes: &[CostChange],
        so_far: impl FnOnce(&[CallId]) -> Repricing + Send,
    ) -> Result<(Vec<CallId>, Repricing), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let written = commit(writer.connection()?, changes, so_far, &self.inner.pace).await;
        match written {
            Ok((ids, began, repricing)) => {
                self.inner.committed(began);
                Ok((ids, repricing))
            }
            Err(error) => {
                writer.recover().await?;
                Err(error)
            }
        }
    }

    /// Notes that a repricing begins, and gives it its number. One that a crash ended is marked.
    pub async fn begin_repricing(&self, mut repricing: Repricing) -> Result<Repricing, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let connection = writer.connection()?;
        sqlx::query("UPDATE repricing SET state = 'broken' WHERE state = 'running'")
            .execute(&mut *connection)
            .await?;
        let next: i64 = sqlx::query_scalar("SELECT coalesce(max(id), 0) + 1 FROM repricing")
            .fetch_one(&mut *connection)
            .await?;
        repricing.id = next.unsigned_abs();
        put(connection, &repricing).await?;
        Ok(repricing)
    }

    /// Notes how a repricing stands.
    pub async fn note_repricing(&self, repricing: &Repricing) -> Result<(), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        put(writer.connection()?, repricing).await
    }

    /// What was priced again, the latest first.
    pub async fn repricings(&self) -> Result<Vec<Repricing>, StoreError> {
        let rows = sqlx::query("SELECT * FROM repricing ORDER BY id DESC LIMIT ?").bind(LISTED);
        let rows = rows.fetch_all(&self.inner.read).await?;
        rows.iter().map(repricing).collect()
    }
}

type Written = (Vec<CallId>, Option<(i64, i64)>, Repricing);

async fn commit(
    connection: &mut SqliteConnection,
    changes: &[CostChange],
    so_far: impl FnOnce(&[CallId]) -> Repricing,
    pace: &Pace,
) -> Result<Written, StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    let as_they_are = as_they_are(&mut transaction, changes, pace).await?;
    let (mut ids, mut began) = (Vec::with_capacity(changes.len()), Vec::with_capacity(changes.len()));
    for change in changes {
        let before = &change.before;
        // Others may have told of the call since it was read.
        let now = as_they_are.get(&before.seq);
        if now.is_some_and(|now| now.billed == before.billed && now.call == before.call) {
            pace.give_way();
            cost::change(&mut transaction, before.seq, &change.cost, before.is_proxied()).await?;
            ids.push(before.call.id);
            began.push(before.call.started_ms);
        }
    }
    let repricing = so_far(&ids);
    if repricing.id > 0 {
        put(&mut transaction, &repricing).await?;
    }
    rollup::settle(&mut transaction).await?;
    transaction.commit().await?;
    let first = began.iter().min().copied();
    Ok((ids, first.zip(began.iter().max().copied()), repricing))
}

/// The calls of these changes that are still there, by their rows.
async fn as_they_are(
    connection: &mut SqliteConnection,
    changes: &[CostChange],
    pace: &Pace,
) -> Result<HashMap<i64, Priceable>, StoreError> {
    let seqs: Vec<i64> = changes.iter().map(|change| change.before.seq).collect();
    let mut query = QueryBuilder::<Sqlite>::new("SELECT seq, billed, saved, ");
    query.push(SUMMARY_COLUMNS).push(" FROM call WHERE seq IN (SELECT value FROM json_each(");
    query.push_bind(serde_json::to_string(&seqs)?).push("))");
    let rows = query.build().fetch_all(connection).await?;
    let read = |row| {
        pace.give_way();
        let now = priceable(row)?;
        Ok((now.seq, now))
    };
    rows.iter().map(read).collect()
}

fn priceable(row: &SqliteRow) -> Result<Priceable, StoreError> {
    Ok(Priceable {
        seq: row.try_get("seq")?,
        call: summary(row)?,
        saved: row.try_get::<Option<i64>, _>("saved")?.map(Money::from_pico),
        billed: row.try_get("billed")?,
    })
}

async fn put(connection: &mut SqliteConnection, repricing: &Repricing) -> Result<(), StoreError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT OR REPLACE INTO repricing (id, at_ms, by, version, scope, state, looked, changed, newly_priced, kept, \
         before_cost, after_cost, took_ms, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(number(repricing.id))
    .bind(repricing.at_ms)
    .bind(&repricing.by)
    .bind(&repricing.version)
    .bind(serde_json::to_string(&repricing.scope)?)
    .bind(crate::row::word(&repricing.state))
    .bind(number(repricing.looked))
    .bind(number(repricing.changed))
    .bind(number(repricing.newly_priced))
    .bind(number(repricing.left))
    .bind(repricing.before.pico())
    .bind(repricing.after.pico())
    .bind(number(repricing.took_ms))
    .bind(repricing.error.as_deref())
    .execute(connection)
    .await?;
    Ok(())
}

fn repricing(row: &SqliteRow) -> Result<Repricing, StoreError> {
    let count = |column: &str| Ok::<_, StoreError>(row.try_get::<i64, _>(column)?.unsigned_abs());
    Ok(Repricing {
        id: count("id")?,
        at_ms: row.try_get("at_ms")?,
        by: row.try_get("by")?,
        version: row.try_get("version")?,
        scope: serde_json::from_str(row.try_get("scope")?)?,
        dry_run: false,
        state: crate::row::from_word::<RepricingState>(row.try_get("state")?),
        looked: count("looked")?,
        changed: count("changed")?,
        newly_priced: count("newly_priced")?,
        left: count("kept")?,
        before: Money::from_pico(row.try_get("before_cost")?),
        after: Money::from_pico(row.try_get("after_cost")?),
        took_ms: count("took_ms")?,
        error: row.try_get("error")?,
    })
}

impl Priceable {
    /// Whether this cost says anything else than the row.
    pub fn differs(&self, cost: &Cost) -> bool {
        let call = &self.call;
        (call.cost, call.cost_source, call.equivalent, self.saved)
            != (cost.total, cost.source, cost.equivalent, cost.saved)
    }

    /// Whether this cost is known where the row's is not.
    pub fn becomes_known(&self, cost: &Cost) -> bool {
        let unknown = |total: Option<Money>, source: CostSource, equivalent: Option<Money>| match source {
            CostSource::Subscription => equivalent.is_none(),
            _ => total.is_none(),
        };
        let call = &self.call;
        unknown(call.cost, call.cost_source, call.equivalent)
            && !unknown(cost.total, cost.source, cost.equivalent)
    }
}
