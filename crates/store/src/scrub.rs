//! What deleting leaves behind outside of packs: words in the index, segments of former versions, free pages, the log.
//! Each in small steps. Leaves out packs (`sweep`, `telemetry::overwrite`).

use std::collections::HashSet;

use api::Erased;
use sqlx::{Connection, QueryBuilder, Sqlite};

use crate::layout::get;
use crate::remove::numbers;
use crate::row::statements;
use crate::write::BEGIN;
use crate::{Store, StoreError};

/// Pages of the index of words that are merged in one step.
const MERGED: i64 = 128;
/// Free pages that are given back in one step.
const FREED: u32 = 512;
/// Numbers in one statement.
const ROWS: usize = 256;
/// Once one in so many words' lists is of what is deleted, the indices are rewritten.
const DEAD: u64 = 10;

/// How far the indices are rewritten: not to be; each of them begun or going on.
const INDICES: [(&str, i64, i64); 3] = [("call_words", 1, 2), ("call_text", 3, 4), ("log_words", 5, 6)];

/// Tables that a reset empties, but for the indices.
const TABLES: [&str; 25] = [
    "call",
    "call_detail",
    "call_record",
    "call_report",
    "body",
    "segment",
    "node",
    "text_backlog",
    "pack",
    "pack_edge",
    "pack_dirty",
    "session",
    "unrecorded",
    "report_pack",
    "report_orphan",
    "origin",
    "trace",
    "span",
    "log",
    "series",
    "metric",
    "rollup",
    "call_cost",
    "point",
    "backlog",
];

impl Store {
    /// From now on the indices are to be rewritten: of what is deleted they only say so.
    pub(crate) async fn note_scrub(&self) -> Result<(), StoreError> {
        self.set_upkeep("scrub", 1).await
    }

    pub(crate) async fn set_upkeep(&self, name: &str, value: i64) -> Result<(), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let put = "INSERT INTO upkeep (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(put).bind(name).bind(value).execute(writer.connection()?).await?;
        Ok(())
    }

    /// One step of everything that deleting leaves to be done; whether there is more.
    pub async fn tidy_some(&self) -> Result<bool, StoreError> {
        if self.sweep_some().await? || self.overwrite_reports().await? || self.sweep_former().await? {
            return Ok(true);
        }
        if self.merge_some().await? {
            return Ok(true);
        }
        self.free_some().await
    }

    /// Everything that deleting leaves to be done, and the log taken into the database.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        while self.tidy_some().await? {}
        self.forget_reporters().await?;
        while self.free_some().await? {}
        self.checkpoint().await.map(drop)
    }

    /// Whether deleting left something to be done.
    pub async fn is_tidy(&self) -> Result<bool, StoreError> {
        let left = "SELECT EXISTS (SELECT 1 FROM pack_dirty) OR EXISTS (SELECT 1 FROM report_orphan) \
            OR EXISTS (SELECT 1 FROM upkeep WHERE name IN ('scrub', 'former_dirty') AND value != 0)";
        let left: bool = sqlx::query_scalar(left).fetch_one(&self.inner.read).await?;
        Ok(!left)
    }

    /// Whether the indices say more of what is deleted than is worth its space.
    async fn is_mostly_dead(&self) -> Result<bool, StoreError> {
        let removed = self.upkeep("words_removed").await?.unsigned_abs();
        Ok(removed > 0 && removed * DEAD >= self.count("call", "").await? + self.count("log", "").await?)
    }

    /// Merges some pages of an index of words, so that what it still says of deleted calls goes; whether there is more.
    async fn merge_some(&self) -> Result<bool, StoreError> {
        let mut state = self.upkeep("scrub").await?;
        if state == 0 {
            if !self.is_mostly_dead().await? {
                return Ok(false);
            }
            self.note_scrub().await?;
            state = 1;
        }
        let mut next = 0;
        for (index, (table, begin, going_on)) in INDICES.into_iter().enumerate() {
            if state != begin && state != going_on {
                continue;
            }
            // The first step takes all pieces of the index together, the others go on with that.
            let pages = if state == begin { -MERGED } else { MERGED };
            let mut writer = self.inner.writer.lock().await;
            writer.reconnect().await?;
            let connection = writer.connection()?;
            if state == 1 {
                sqlx::raw_sql("UPDATE upkeep SET value = 0 WHERE name = 'words_removed'")
                    .execute(&mut *connection)
                    .await?;
            }
            let changes = "SELECT total_changes()";
            let before: i64 = sqlx::query_scalar(changes).fetch_one(&mut *connection).await?;
            let mut merge = QueryBuilder::<Sqlite>::new("INSERT INTO ");
            merge.push(table).push(" (").push(table).push(", rank) VALUES ('merge', ");
            merge.push_bind(pages).push(")");
            merge.build().execute(&mut *connection).await?;
            let after: i64 = sqlx::query_scalar(changes).fetch_one(&mut *connection).await?;
            // As SQLite says it: fewer than two changes mean that there was nothing to do.
            next = match after - before >= 2 {
                true => going_on,
                false => INDICES.get(index + 1).map_or(0, |(_, begin, _)| *begin),
            };
        }
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        // Unless somebody deleted more meanwhile, and it is to begin again.
        let update = sqlx::query("UPDATE upkeep SET value = ? WHERE name = 'scrub' AND value = ?");
        update.bind(next).bind(state).execute(writer.connection()?).await?;
        Ok(true)
    }

    /// Gives some free pages back to the file system; whether there are more.
    pub async fn free_some(&self) -> Result<bool, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let connection = writer.connection()?;
        let free: u32 = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&mut *connection).await?;
        if free == 0 {
            return Ok(false);
        }
        let mut vacuum = QueryBuilder::<Sqlite>::new("PRAGMA incremental_vacuum(");
        vacuum.push(FREED).push(")");
        vacuum.build().fetch_all(&mut *connection).await?;
        let left: u32 = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&mut *connection).await?;
        // One that was made without a way to give space back keeps it for what comes.
        Ok(left > 0 && left < free)
    }

    /// Takes the log into the database and empties it; `false` when somebody reads from it right now.
    pub async fn checkpoint(&self) -> Result<bool, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let connection = writer.connection()?;
        // Without waiting for readers, as others would wait for this.
        sqlx::query("PRAGMA busy_timeout = 0").execute(&mut *connection).await?;
        let row = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
        sqlx::query("PRAGMA busy_timeout = 5000").execute(&mut *connection).await?;
        let (busy, _, _): (i64, i64, i64) = row?;
        Ok(busy == 0)
    }

    /// Takes away segments and nodes of former versions that no body needs any more; whether there were calls of theirs.
    async fn sweep_former(&self) -> Result<bool, StoreError> {
        if self.upkeep("former_dirty").await? == 0 {
            return Ok(false);
        }
        let read = &self.inner.read;
        let layouts: Vec<Vec<u8>> = sqlx::query_scalar("SELECT layout FROM body").fetch_all(read).await?;
        let waiting: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT segments FROM text_backlog").fetch_all(read).await?;
        let parents: Vec<(i64, Option<i64>, i64)> =
            sqlx::query_as("SELECT id, parent, segment FROM node").fetch_all(read).await?;
        let parents: std::collections::HashMap<i64, (Option<i64>, i64)> =
            parents.into_iter().map(|(id, parent, segment)| (id, (parent, segment))).collect();
        let (mut nodes, mut segments) = (HashSet::new(), HashSet::new());
        for layout in &layouts {
            let mut coded = layout.as_slice();
            while let Some((tag, rest)) = coded.split_first() {
                coded = rest;
                let id = i64::try_from(get(&mut coded)?).unwrap_or_default();
                if *tag == 0 {
                    segments.insert(id);
                    continue;
                }
                let mut next = Some(id);
                while let Some(node) = next.filter(|node| nodes.insert(*node)) {
                    let (parent, segment) = parents.get(&node).copied().unwrap_or_default();
                    segments.insert(segment);
                    next = parent;
                }
            }
        }
        for listed in &waiting {
            let mut coded = listed.as_slice();
            while !coded.is_empty() {
                segments.insert(i64::try_from(get(&mut coded)?).unwrap_or_default());
            }
        }
        let gone_nodes: Vec<i64> = parents.keys().filter(|id| !nodes.contains(id)).copied().collect();
        let all: Vec<i64> = sqlx::query_scalar("SELECT id FROM segment").fetch_all(read).await?;
        let gone_segments: Vec<i64> = all.into_iter().filter(|id| !segments.contains(id)).collect();
        for (sql, gone) in [
            ("DELETE FROM node WHERE id IN (", gone_nodes),
            ("DELETE FROM segment WHERE id IN (", gone_segments),
        ] {
            for some in statements(&gone, ROWS) {
                let mut writer = self.inner.writer.lock().await;
                writer.reconnect().await?;
                numbers(sql, some, ")").build().execute(writer.connection()?).await?;
            }
        }
        self.set_upkeep("former_dirty", 0).await?;
        Ok(true)
    }

    /// Empties everything. Calls under way get a row again when they end.
    pub(crate) async fn reset(&self) -> Result<Erased, StoreError> {
        let erased = self.count_erase(&api::Erase::Everything).await?;
        let _one_at_a_time = self.inner.tidying.lock().await;
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        // What is ready to be written and repeats something is made again.
        self.known().forget();
        let mut transaction = writer.connection()?.begin_with(BEGIN).await?;
        for table in TABLES {
            let mut delete = QueryBuilder::<Sqlite>::new("DELETE FROM ");
            delete.push(table).build().execute(&mut *transaction).await?;
        }
        for (table, _, _) in INDICES {
            let mut delete = QueryBuilder::<Sqlite>::new("INSERT INTO ");
            delete.push(table).push(" (").push(table).push(") VALUES ('delete-all')");
            delete.build().execute(&mut *transaction).await?;
        }
        // What the rows that went add up to went with them.
        sqlx::raw_sql("DELETE FROM rollup_change; DELETE FROM rollup; UPDATE upkeep SET value = 0")
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        // Numbers begin anew, and nothing is remembered.
        writer.recover().await?;
        self.inner.forget_all();
        Ok(erased)
    }
}
