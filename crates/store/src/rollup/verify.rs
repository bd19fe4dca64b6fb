//! Whether the rollups are what the calls add up to, and putting right what is not. A difference found in one snapshot
//! holds for every later moment, since whoever changes calls adds differences: nothing waits for the check.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use super::measures::{self, COUNT, QUARTER_MS};
use super::{Dim, Place, Sums};
use crate::write::BEGIN;
use crate::{Store, StoreError};

/// Quarters that are looked at together: a day.
pub(super) const STRETCH: i64 = 96;

/// What the check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollupCheck {
    /// Calls that were added up.
    pub calls: u64,
    /// Sums that were compared.
    pub sums: u64,
    /// Of them, wrong.
    pub wrong: u64,
}

impl Store {
    /// Compares the rollups with the calls. Reads every call; writes nothing.
    pub async fn verify_rollups(&self) -> Result<RollupCheck, StoreError> {
        self.check_rollups(false).await
    }

    /// Makes the rollups what the calls add up to, while calls go on being recorded, and says what was wrong.
    pub async fn rebuild_rollups(&self) -> Result<RollupCheck, StoreError> {
        let check = self.check_rollups(true).await?;
        if check.wrong > 0 {
            self.inner.kept.committed(i64::MIN, i64::MAX);
        }
        Ok(check)
    }

    async fn check_rollups(&self, repair: bool) -> Result<RollupCheck, StoreError> {
        let mut check = RollupCheck::default();
        let mut from = i64::MIN;
        loop {
            let mut snapshot = self.inner.read.begin().await?;
            let Some(first) = next_quarter(&mut snapshot, from).await? else { break };
            let to = first.saturating_add(STRETCH);
            if to <= from {
                break;
            }
            from = to;
            let mut calls = of_calls(&mut snapshot, first, from).await?;
            let each_once = [Dim::Model, Dim::Side].map(Dim::number);
            let once = calls.rows.iter().filter(|(place, _)| each_once.contains(&place.dim));
            check.calls += once.map(|(_, sums)| sums[0].unsigned_abs()).sum::<u64>();
            let stored = stored(&mut snapshot, first, from).await?;
            drop(snapshot);
            check.sums += calls.rows.keys().chain(stored.rows.keys()).collect::<BTreeSet<_>>().len() as u64;
            for (place, sums) in stored.rows {
                let difference = calls.rows.entry(place).or_insert([0; COUNT]);
                for (difference, sum) in difference.iter_mut().zip(sums) {
                    *difference = difference.saturating_sub(sum);
                }
            }
            calls.rows.retain(|_, difference| difference.iter().any(|sum| *sum != 0));
            check.wrong += calls.rows.len() as u64;
            if repair && !calls.rows.is_empty() {
                self.add_differences(&calls).await?;
            }
        }
        Ok(check)
    }

    async fn add_differences(&self, differences: &Sums) -> Result<(), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let written = write(writer.connection()?, differences).await;
        if written.is_err() {
            writer.recover().await?;
        }
        written
    }
}

async fn write(connection: &mut SqliteConnection, differences: &Sums) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    differences.write(&mut transaction).await?;
    super::forget_empty(&mut transaction, &differences.rows.keys().collect::<Vec<_>>()).await?;
    transaction.commit().await?;
    Ok(())
}

/// What the calls of some quarters add up to.
pub(super) async fn of_calls(
    connection: &mut SqliteConnection,
    from: i64,
    to: i64,
) -> Result<Sums, StoreError> {
    let columns = measures::of_row("", "");
    let select = format!("SELECT {columns} FROM call WHERE started_ms >= ? AND started_ms <= ?");
    let mut sums = Sums::default();
    let query = sqlx::query(AssertSqlSafe(select)).bind(from.saturating_mul(QUARTER_MS));
    let last_ms = to.checked_mul(QUARTER_MS).map_or(i64::MAX, |end_ms| end_ms - 1);
    let mut rows = query.bind(last_ms).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        sums.take(&row)?;
    }
    Ok(sums)
}

/// What the rollups say of some quarters.
async fn stored(connection: &mut SqliteConnection, from: i64, to: i64) -> Result<Sums, StoreError> {
    let mut sums = Sums::default();
    let names = measures::names().collect::<Vec<_>>().join(", ");
    let select = format!(
        "SELECT dim, quarter, key, provider, {names} FROM rollup WHERE dim = ? AND quarter >= ? AND quarter < ?"
    );
    for dim in Dim::ALL {
        let query = sqlx::query(AssertSqlSafe(select.clone())).bind(dim.number()).bind(from).bind(to);
        let mut rows = query.fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let place = Place {
                dim: row.try_get(0)?,
                quarter: row.try_get(1)?,
                key: row.try_get(2)?,
                provider: row.try_get(3)?,
            };
            let mut measures = [0; COUNT];
            for (index, measure) in measures.iter_mut().enumerate() {
                *measure = row.try_get(4 + index)?;
            }
            sums.rows.insert(place, measures);
        }
    }
    Ok(sums)
}

/// The first quarter from `from` on in which a call began. No call began after the last moment that a number holds.
pub(super) async fn next_call(
    connection: &mut SqliteConnection,
    from: i64,
) -> Result<Option<i64>, StoreError> {
    if from > i64::MAX / QUARTER_MS {
        return Ok(None);
    }
    let first = sqlx::query_scalar("SELECT min(started_ms) FROM call WHERE started_ms >= ?");
    let first: Option<i64> = first.bind(from.saturating_mul(QUARTER_MS)).fetch_one(connection).await?;
    Ok(first.map(|first_ms| first_ms.div_euclid(QUARTER_MS)))
}

/// The first quarter from `from` on that has a call or a sum.
async fn next_quarter(connection: &mut SqliteConnection, from: i64) -> Result<Option<i64>, StoreError> {
    let mut first = next_call(connection, from).await?;
    for dim in Dim::ALL {
        let select = "SELECT min(quarter) FROM rollup WHERE dim = ? AND quarter >= ?";
        let query = sqlx::query_scalar(select).bind(dim.number()).bind(from);
        let quarter: Option<i64> = query.fetch_one(&mut *connection).await?;
        first = first.into_iter().chain(quarter).min();
    }
    Ok(first)
}
