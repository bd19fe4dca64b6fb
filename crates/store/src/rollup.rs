//! What calls add up to by quarter of an hour and by model, tool, session or tag, kept in step with the calls: triggers
//! of the writer's connection note what each change of a row takes away and adds, whoever makes it, and `settle` adds
//! the differences up before the transaction commits. Leaves out reading the sums (`window`), what is added up
//! (`measures`), and the check against the calls (`verify`).

pub(crate) mod measures;
mod verify;

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::StoreError;
use crate::row::statements;
use crate::write::BEGIN;
use measures::COUNT;
pub use verify::RollupCheck;

/// Rows in one statement, of 48 columns each.
const ROWS: usize = 16;

/// What `measures::PLACE` says of a call that is left out of most sums, or of all.
const SIDE: i64 = 1;
const REPLAY: i64 = 2;

/// What the rows of `rollup` are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dim {
    Model = 1,
    Client = 2,
    Session = 3,
    Tag = 4,
    /// Tools again, but what they do beside their calls of models, which is in none of the others.
    Side = 5,
}

impl Dim {
    const ALL: [Self; 5] = [Self::Model, Self::Client, Self::Session, Self::Tag, Self::Side];

    pub(crate) const fn number(self) -> i64 {
        self as i64
    }
}

/// Which row of `rollup`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    dim: i64,
    quarter: i64,
    key: String,
    provider: String,
}

/// Sums, or differences of sums, by row.
#[derive(Debug, Default)]
struct Sums {
    rows: BTreeMap<Place, [i64; COUNT]>,
}

impl Sums {
    /// Takes a row with the columns of `measures::of_row` into every sum it belongs to.
    fn take(&mut self, row: &SqliteRow) -> Result<(), StoreError> {
        let (quarter, side): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let provider: &str = row.try_get(2)?;
        let text =
            |index: usize| Ok::<_, StoreError>(row.try_get::<Option<&str>, _>(index)?.unwrap_or_default());
        let mut measures = [0; COUNT];
        for (index, measure) in measures.iter_mut().enumerate() {
            *measure = row.try_get(7 + index)?;
        }
        // Replays are few, and are added up from their rows (`replays`).
        if side == REPLAY {
            return Ok(());
        }
        let mut add = |dim: Dim, key: &str| self.add(dim, quarter, key, provider, &measures);
        let (model, client, session, tags) = (text(3)?, text(4)?, text(5)?, text(6)?);
        if side == SIDE {
            add(Dim::Side, client);
            return Ok(());
        }
        add(Dim::Model, model);
        add(Dim::Client, client);
        add(Dim::Session, session);
        let tags: Vec<String> = serde_json::from_str(tags).unwrap_or_default();
        if tags.is_empty() {
            add(Dim::Tag, "");
        }
        for tag in &tags {
            add(Dim::Tag, tag);
        }
        Ok(())
    }

    fn add(&mut self, dim: Dim, quarter: i64, key: &str, provider: &str, measures: &[i64; COUNT]) {
        let place = Place { dim: dim.number(), quarter, key: key.to_owned(), provider: provider.to_owned() };
        let sums = self.rows.entry(place).or_insert([0; COUNT]);
        for (sum, measure) in sums.iter_mut().zip(measures) {
            *sum = sum.saturating_add(*measure);
        }
    }

    /// Adds these differences to what is stored.
    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let changed = self.rows.iter().filter(|(_, sums)| sums.iter().any(|sum| *sum != 0));
        let changed: Vec<(&Place, &[i64; COUNT])> = changed.collect();
        for some in statements(&changed, ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO rollup (dim, quarter, key, provider");
            for name in measures::names() {
                query.push(", ").push(name);
            }
            query.push(") ");
            query.push_values(some, |mut row, (place, sums)| {
                row.push_bind(place.dim)
                    .push_bind(place.quarter)
                    .push_bind(place.key.as_str())
                    .push_bind(place.provider.as_str());
                for sum in *sums {
                    row.push_bind(*sum);
                }
            });
            query.push(" ON CONFLICT DO UPDATE SET ");
            for (index, name) in measures::names().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                // A sum that no number holds becomes the largest one, and costs no call its record.
                query.push(format_args!("{comma}{name} = CAST({name} + excluded.{name} AS INTEGER)"));
            }
            query.build().execute(&mut *connection).await?;
        }
        let fewer = changed.iter().filter(|(_, sums)| sums[0] < 0).map(|(place, _)| *place);
        forget_empty(connection, &fewer.collect::<Vec<_>>()).await
    }
}

/// Takes away those of these rows that no call stands behind any more.
async fn forget_empty(connection: &mut SqliteConnection, places: &[&Place]) -> Result<(), StoreError> {
    for some in statements(places, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "DELETE FROM rollup WHERE calls = 0 AND (dim, quarter, key, provider) IN (",
        );
        query.push_values(some, |mut row, place| {
            row.push_bind(place.dim).push_bind(place.quarter);
            row.push_bind(place.key.as_str()).push_bind(place.provider.as_str());
        });
        query.push(")").build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// From now on every change of a call on this connection is noted.
pub(crate) async fn watch(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(measures::triggers())).execute(connection).await?;
    Ok(())
}

/// Adds up what changed. Every transaction that touches `call` ends with this.
pub(crate) async fn settle(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut sums = Sums::default();
    let mut changes = sqlx::query("SELECT * FROM rollup_change").fetch(&mut *connection);
    let mut any = false;
    while let Some(row) = changes.try_next().await? {
        sums.take(&row)?;
        any = true;
    }
    drop(changes);
    if any {
        sums.write(connection).await?;
        sqlx::query("DELETE FROM rollup_change").execute(connection).await?;
    }
    Ok(())
}

/// Makes the rollups when there are none, or when they were made of something else. Nothing else uses the database yet.
pub(crate) async fn fill(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let made: Option<i64> =
        sqlx::query_scalar("SELECT digest FROM rollup_meaning").fetch_optional(&mut *connection).await?;
    if made == Some(measures::meaning()) {
        return Ok(());
    }
    let mut transaction = connection.begin_with(BEGIN).await?;
    sqlx::raw_sql("DELETE FROM rollup; DELETE FROM rollup_meaning").execute(&mut *transaction).await?;
    let mut from = i64::MIN;
    while let Some(first) = verify::next_call(&mut transaction, from).await? {
        from = first + verify::STRETCH;
        verify::of_calls(&mut transaction, first, from).await?.write(&mut transaction).await?;
    }
    let meaning = sqlx::query("INSERT INTO rollup_meaning VALUES (?)").bind(measures::meaning());
    meaning.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
