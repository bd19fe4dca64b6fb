//! Writing what was found: packs rewritten or taken out, some in a transaction, the latest first. A pack goes before what
//! it named goes, so that what is listed to be repeated is always whole.

use std::collections::{BTreeSet, HashMap};

use sqlx::{Connection, SqliteConnection};

use super::needed::{Needed, Search};
use crate::known::{list, listing};
use crate::layout::Place;
use crate::pack::put_edges;
use crate::write::BEGIN;
use crate::{Store, StoreError, packing};

/// Packs in one transaction.
const PACKS: usize = 8;

/// What becomes of one pack.
enum Outcome {
    /// Nothing of it is needed.
    Gone,
    /// All of it is needed, or what is not is overwritten already.
    Stays,
    /// Its list and its bytes from now on.
    Overwritten(Vec<u8>, Vec<u8>),
}

impl Store {
    /// Writes what a round found.
    pub(super) async fn overwrite(&self, mut search: Search<'_>) -> Result<(), StoreError> {
        let mut found: Vec<(i64, Needed)> = search.found.drain().collect();
        found.sort_unstable_by_key(|(pack, _)| std::cmp::Reverse(*pack));
        if let Some(pack) = search.damaged {
            tracing::error!(pack, "a pack is damaged: what it needs is not known, so nothing is taken out");
            let packs: Vec<i64> = found.iter().map(|(pack, _)| *pack).collect();
            return self.give_up(&packs).await;
        }
        for some in found.chunks(PACKS) {
            let mut outcomes = Vec::with_capacity(some.len());
            for (pack, needed) in some {
                outcomes.push((*pack, needed, self.outcome(&mut search, *pack, needed).await?));
                self.inner.pace.give_way();
            }
            if !self.step(&mut search, &outcomes).await? {
                // Somebody came to need what was to go: the next round sees it.
                return Ok(());
            }
        }
        Ok(())
    }

    async fn outcome(
        &self,
        search: &mut Search<'_>,
        pack: i64,
        needed: &Needed,
    ) -> Result<Outcome, StoreError> {
        let Some(raw) = search.reader.whole(pack).await? else { return Ok(Outcome::Gone) };
        if needed.ranges.is_empty() {
            return Ok(Outcome::Gone);
        }
        let mut bytes = vec![0; raw.len()];
        for (from, to) in &needed.ranges {
            let (from, to) = (*from as usize, *to as usize);
            let (Some(into), Some(of)) = (bytes.get_mut(from..to), raw.get(from..to)) else {
                return Err(StoreError::Damaged("a pack is shorter than what stands in it"));
            };
            into.copy_from_slice(of);
        }
        if bytes == raw {
            return Ok(Outcome::Stays);
        }
        let listed = sqlx::query_scalar("SELECT known FROM pack WHERE id = ?").bind(pack);
        let listed: Option<Vec<u8>> = listed.fetch_optional(&self.inner.read).await?;
        let mut stays = Vec::new();
        for (key, met) in listing(pack, &listed.unwrap_or_default())? {
            if needed.has(met.place.at, met.place.len) {
                list(&mut stays, &key, met);
            }
        }
        Ok(Outcome::Overwritten(stays, packing::pack(&bytes)?))
    }

    /// Writes some outcomes, unless what goes is needed by packs that came meanwhile.
    async fn step(
        &self,
        search: &mut Search<'_>,
        outcomes: &[(i64, &Needed, Outcome)],
    ) -> Result<bool, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let is_gone: HashMap<i64, &Needed> =
            outcomes.iter().map(|(pack, needed, _)| (*pack, *needed)).collect();
        // From here on no batch is committed that repeats what goes: those that do are made again.
        self.known().forget_some(|Place { pack, at, len }| {
            is_gone.get(&pack).is_some_and(|needed| !needed.has(at, len))
        });
        for (pack, needed, _) in outcomes {
            let sources = sqlx::query_scalar("SELECT source FROM pack_edge WHERE target = ?").bind(pack);
            let sources: Vec<i64> = sources.fetch_all(writer.connection()?).await?;
            for source in sources.into_iter().filter(|source| !needed.sources.contains(source)) {
                let names = search.names(source, *pack).await?;
                if search.damaged.is_some() || names.iter().any(|place| !needed.has(place.at, place.len)) {
                    return Ok(false);
                }
            }
        }
        match write(writer.connection()?, outcomes).await {
            Ok(()) => Ok(true),
            Err(error) => {
                writer.recover().await?;
                Err(error)
            }
        }
    }

    /// Looks at these packs no more.
    async fn give_up(&self, packs: &[i64]) -> Result<(), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        for pack in packs {
            let delete = sqlx::query("DELETE FROM pack_dirty WHERE pack = ?").bind(pack);
            delete.execute(writer.connection()?).await?;
        }
        Ok(())
    }
}

async fn write(
    connection: &mut SqliteConnection,
    outcomes: &[(i64, &Needed, Outcome)],
) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    let (mut freed, mut edges) = (BTreeSet::new(), Vec::new());
    for (pack, needed, outcome) in outcomes {
        delete(&mut transaction, "DELETE FROM pack_dirty WHERE pack = ?", *pack).await?;
        match outcome {
            Outcome::Stays => continue,
            Outcome::Gone => {
                delete(&mut transaction, "DELETE FROM pack WHERE id = ?", *pack).await?;
                delete(&mut transaction, "DELETE FROM pack_edge WHERE target = ?", *pack).await?;
            }
            Outcome::Overwritten(listed, bytes) => {
                let update = sqlx::query("UPDATE pack SET known = ?, bytes = ? WHERE id = ?");
                update.bind(listed).bind(bytes).bind(pack).execute(&mut *transaction).await?;
                edges.extend(needed.needs.iter().map(|target| (*target, *pack)));
            }
        }
        delete(&mut transaction, "DELETE FROM pack_edge WHERE source = ?", *pack).await?;
        freed.extend(needed.freed.iter().copied());
    }
    put_edges(&mut transaction, &edges).await?;
    for pack in freed {
        let mark = "INSERT OR IGNORE INTO pack_dirty (pack, at, len) SELECT id, 0, 0 FROM pack WHERE id = ?";
        sqlx::query(mark).bind(pack).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn delete(connection: &mut SqliteConnection, sql: &'static str, pack: i64) -> Result<(), StoreError> {
    sqlx::query(sql).bind(pack).execute(connection).await?;
    Ok(())
}
