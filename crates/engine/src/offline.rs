//! Working on the data folder while LLMFlow does not run: deleting, taking calls in and out, putting a copy back. Holds
//! the folder meanwhile, so that nothing can start on it. Leaves out the same while it runs (`commands`).

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use api::{Erase, Erased, Limits};
use store::{Excess, Imported, Inspection, RollupCheck, Store, StoreError};

use crate::commands::explained;
use crate::engine::{StartError, hold};
use crate::folder::Hold;
use crate::prices::Shelf;
use crate::settings::Settings;

/// Bytes of lines that are taken in at once.
const PIECE: usize = 4 << 20;

/// The data folder, held.
pub struct Offline {
    database: PathBuf,
    limits: Limits,
    _hold: Hold,
}

impl Offline {
    /// Holds the folder; an error when an LLMFlow runs on it.
    pub fn hold(settings: &Settings) -> Result<Self, StartError> {
        Ok(Self { database: database(settings), limits: settings.limits(), _hold: hold(settings)? })
    }

    /// How much `what` is.
    pub async fn count(&self, what: &Erase) -> Result<Erased, StoreError> {
        let store = self.open().await?;
        let counted = store.count_erase(what).await;
        store.close().await?;
        counted
    }

    /// Deletes `what` until not a byte of it is left.
    pub async fn erase(&self, what: &Erase) -> Result<Erased, StoreError> {
        let store = self.open().await?;
        let erased = store.erase(what).await?;
        store.tidy().await?;
        if let Some(folder) = self.database.parent() {
            store::drop_copies(folder);
        }
        store.close().await?;
        Ok(erased)
    }

    /// Puts a copy in the place of the database; says what is in it, and where the former one is now.
    pub async fn restore(&self, from: &Path) -> Result<(Inspection, Option<PathBuf>), StoreError> {
        store::restore(&self.database, from).await
    }

    /// Writes every call as a line of JSON; how many.
    pub async fn export(&self, to: &mut dyn Write) -> Result<u64, StoreError> {
        let store = self.open().await?;
        let (mut after, mut calls) = (0, 0);
        let folder = self.database.parent().unwrap_or(Path::new(""));
        // Without prices the costs are there all the same, but for what they are made of.
        let prices = Shelf::load(&store, folder).await.ok().map(|shelf| shelf.now());
        let explained = |call| match &prices {
            Some(prices) => explained(prices, call),
            None => call,
        };
        while let Some((lines, last)) = store.export_some(after, &explained).await? {
            calls += lines.lines().count() as u64;
            to.write_all(lines.as_bytes())?;
            after = last;
        }
        store.close().await?;
        Ok(calls)
    }

    /// Adds up all calls again.
    pub async fn rebuild(&self) -> Result<RollupCheck, StoreError> {
        let store = self.open().await?;
        let rebuilt = store.rebuild_rollups().await;
        store.close().await?;
        rebuilt
    }

    /// Makes the index of words again.
    pub async fn rebuild_search(&self) -> Result<(), StoreError> {
        let store = self.open().await?;
        store.rebuild_search().await?;
        while store.index_step().await? {}
        store.close().await
    }

    /// Takes in a file of lines, or the database of the former LLMFlow.
    pub async fn import(&self, file: &Path) -> Result<Imported, StoreError> {
        let store = self.open().await?;
        let imported = import(&store, file).await;
        store.close().await?;
        imported
    }

    /// What the settings would have the next start take away, and what they keep.
    pub async fn excess(&self) -> Result<(Excess, Limits), StoreError> {
        let store = self.open().await?;
        let excess = store.excess(&self.limits, crate::days_ago(0)).await;
        store.close().await?;
        Ok((excess?, self.limits))
    }

    async fn open(&self) -> Result<Store, StoreError> {
        Ok(Store::open(&self.database).await?.0)
    }
}

/// Copies the database, whether LLMFlow runs or not.
pub async fn back_up(settings: &Settings, target: &Path) -> Result<Inspection, StoreError> {
    store::back_up(&database(settings), target).await
}

fn database(settings: &Settings) -> PathBuf {
    settings.data_dir.join("data.db")
}

async fn import(store: &Store, file: &Path) -> Result<Imported, StoreError> {
    if store::is_former_llmflow(file).await {
        return store.import_former(file).await;
    }
    let mut lines = BufReader::new(File::open(file)?);
    let (mut imported, mut piece) = (Imported::default(), Vec::new());
    let (mut first, mut next) = (1, 1);
    loop {
        let more = lines.read_until(b'\n', &mut piece)? > 0;
        next += u64::from(more);
        if piece.len() >= PIECE || !more {
            let text = String::from_utf8_lossy(&piece).into_owned();
            imported.add(store.import_lines(&text, first).await?);
            piece.clear();
            first = next;
        }
        if !more {
            return Ok(imported);
        }
    }
}
