//! Calls that change after a search read them: they are read once more when somebody asks again, so that what is
//! remembered is what reading everything anew would find. Leaves out how a text is read (`steps`).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::SqliteConnection;

use super::steps::{STEP, look};
use super::{Later, Scan, Scans};
use crate::text::Texts;
use crate::{Store, StoreError};

/// Of more changed calls a search is begun anew: pricing all of them again is not followed one by one.
const MOST: usize = 20_000;

/// The calls that the transaction under way has written so far, as the writing connection tells: no writer can forget to
/// say which.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<i64>>>);

impl Written {
    /// Hears of each row that this connection writes.
    pub(crate) async fn hear(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let written = self.clone();
        connection.lock_handle().await?.set_update_hook(move |change| {
            if change.table == "call" {
                let mut rows = written.0.lock().unwrap_or_else(PoisonError::into_inner);
                // One more than is followed says that they are too many.
                if rows.len() <= MOST && rows.last() != Some(&change.rowid) {
                    rows.push(change.rowid);
                }
            }
        });
        Ok(())
    }

    pub(super) fn take(&self) -> Vec<i64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a search has yet to read once more.
#[derive(Debug)]
pub(super) struct Again {
    /// Rows below this one may have been read.
    known_to: AtomicI64,
    rows: Mutex<HashSet<i64>>,
}

impl Again {
    pub(super) fn new(known_to: i64) -> Self {
        Self { known_to: AtomicI64::new(known_to), rows: Mutex::default() }
    }

    /// Before rows up to this one are read: from here on their changes count.
    pub(super) fn reads_to(&self, row: i64) {
        self.known_to.fetch_max(row, Ordering::SeqCst);
    }

    fn take(&self) -> HashSet<i64> {
        std::mem::take(&mut *self.rows.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether they are few enough to be followed.
    fn add(&self, rows: &[i64]) -> bool {
        let known_to = self.known_to.load(Ordering::SeqCst);
        let mut again = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        again.extend(rows.iter().filter(|row| **row < known_to));
        again.len() <= MOST
    }
}

impl Scans {
    /// After a commit: what it wrote is read once more.
    pub(crate) fn committed(&self) {
        self.changed(&self.written.take());
    }

    /// These calls may be found now, or no more.
    pub(crate) fn changed(&self, rows: &[i64]) {
        if rows.is_empty() {
            return;
        }
        self.all().retain(|scan| {
            let follows = rows.len() <= MOST && scan.again.add(rows);
            if !follows {
                scan.outdate();
            }
            follows
        });
    }

    /// Nothing that was read holds any more.
    pub(crate) fn forget_all(&self) {
        for scan in self.all().drain(..) {
            scan.outdate();
        }
    }
}

impl Store {
    /// Looks again at what changed among the rows that a search has read.
    pub(super) async fn read_again(&self, scan: &Scan, later: &mut Later) -> Result<(), StoreError> {
        let mut changed: Vec<i64> = scan.again.take().into_iter().collect();
        for row in &changed {
            later.rows.remove(row);
            later.read.remove(row);
        }
        // Those behind are read like any that came since.
        changed.retain(|row| *row < later.read_to);
        changed.sort_unstable();
        let mut texts = Texts::new(self);
        for some in changed.rchunks(STEP) {
            let mut verdicts: HashMap<i64, bool> = some.iter().map(|row| (*row, false)).collect();
            let read = self.candidates(&scan.filter, some).await;
            // What could not be looked at is not forgotten.
            let candidates = read.inspect_err(|_| scan.outdate())?;
            for (candidate, _) in candidates {
                let found = look(scan, &mut texts, candidate).await.inspect_err(|_| scan.outdate())?;
                verdicts.insert(candidate.0, found.is_some());
            }
            later.verdicts.extend(verdicts);
        }
        if later.verdicts.len() > MOST {
            scan.outdate();
        }
        Ok(())
    }
}
