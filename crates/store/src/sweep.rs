//! Taking out of packs what nobody needs any more. A pack without anything needed goes; of one with something needed the
//! rest is overwritten with zeros, so that what is deleted is gone, and every place stays where it is.
//!
//! Nothing is counted while calls are recorded: packs only note which earlier packs they name (`pack_edge`). What is
//! needed of a pack is found by reading those that name it (`needed`), beside the writer, and written in small steps
//! (`overwrite`), each of which makes sure that nobody came to need it meanwhile.

mod needed;
mod overwrite;

use crate::pack::{Reader, put_edges};
use crate::write::BEGIN;
use crate::{Store, StoreError};
use sqlx::Connection;

use needed::Search;

/// Packs from which a round starts out.
const SEEDS: i64 = 1_024;
/// Packs whose edges are added in one transaction.
const PACKS: i64 = 64;

impl Store {
    /// Looks through some packs from which calls went; whether there may be more to do.
    pub async fn sweep_some(&self) -> Result<bool, StoreError> {
        let _one_at_a_time = self.inner.tidying.lock().await;
        if self.add_edges().await? {
            return Ok(true);
        }
        let seeds = sqlx::query_as("SELECT pack, at, len FROM pack_dirty ORDER BY pack DESC LIMIT ?");
        let seeds: Vec<(i64, u32, u32)> = seeds.bind(SEEDS).fetch_all(&self.inner.read).await?;
        if seeds.is_empty() {
            return Ok(false);
        }
        let mut search = Search::new(self);
        search.look(&seeds).await?;
        self.overwrite(search).await?;
        Ok(true)
    }

    /// Adds the edges of packs that were written before there were edges; whether there were any.
    async fn add_edges(&self) -> Result<bool, StoreError> {
        let last = self.upkeep("packs_without_edges").await?;
        if last == 0 {
            return Ok(false);
        }
        let packs = sqlx::query_scalar("SELECT id FROM pack WHERE id <= ? ORDER BY id DESC LIMIT ?");
        let packs: Vec<i64> = packs.bind(last).bind(PACKS).fetch_all(&self.inner.read).await?;
        let (mut reader, mut edges) = (Reader::new(self), Vec::new());
        for pack in &packs {
            let inside = match self.inside(&mut reader, *pack).await {
                Err(StoreError::Damaged(what)) => {
                    tracing::error!(pack, what, "a damaged pack cannot say what it needs");
                    continue;
                }
                inside => inside?.unwrap_or_default(),
            };
            edges.extend(inside.needs(*pack).into_iter().map(|target| (target, *pack)));
            self.inner.pace.give_way();
        }
        let left = packs.last().map_or(0, |first| first - 1);
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let mut transaction = writer.connection()?.begin_with(BEGIN).await?;
        put_edges(&mut transaction, &edges).await?;
        let update = sqlx::query("UPDATE upkeep SET value = ? WHERE name = 'packs_without_edges'");
        update.bind(left).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// A number that is kept of how the database is looked after; 0 when there is none.
    pub(crate) async fn upkeep(&self, name: &str) -> Result<i64, StoreError> {
        let value = sqlx::query_scalar("SELECT value FROM upkeep WHERE name = ?").bind(name);
        Ok(value.fetch_optional(&self.inner.read).await?.unwrap_or(0))
    }
}
