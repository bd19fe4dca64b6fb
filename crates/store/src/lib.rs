//! The store: one SQLite file with calls, what they left behind in packs, and full text.
//!
//! Owns every SQL string. Leaves out what a call means: rows come in and go out as `api` types.

mod backup;
mod batch;
mod bodies;
mod calls;
mod cost;
mod counts;
mod cut;
mod damaged;
mod dearest;
mod erase;
mod error;
mod exchange;
mod filter;
mod former;
mod former_llmflow;
mod inspect;
mod join;
mod kept;
mod known;
mod layout;
mod lineage;
mod meter;
mod models;
mod named;
mod open;
mod over_time;
mod overview;
mod pace;
mod pack;
mod packing;
mod prices;
mod prompts;
mod record;
mod reindex;
mod remove;
mod replays;
mod reprice;
mod retention;
mod rollup;
mod row;
mod scrub;
mod search;
mod search_page;
mod sessions;
mod snippet;
mod spending;
mod storage;
mod sweep;
mod telemetry;
mod text;
mod timeline;
mod totals;
mod verify;
mod window;
mod words;
mod write;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use sqlx::SqlitePool;
use tokio::sync::Mutex;

pub use backup::{back_up, drop_copies, restore};
pub use batch::Batch;
pub use error::StoreError;
pub use exchange::Imported;
pub use filter::restricts;
pub use former_llmflow::is_former_llmflow;
pub use inspect::{Inspection, inspect};
pub use join::{Digest, Joined, Price, Report};
pub use lineage::Ties;
pub use pace::Pace;
pub use prices::StoredTable;
pub use prompts::{CachedCall, Prompts};
pub use reprice::{CostChange, Priceable};
pub use retention::Excess;
pub use rollup::RollupCheck;
pub use spending::Spending;
pub use telemetry::{
    Committed, Latest, LogWrite, MetricWrite, PointKey, Reports, SpanWrite, StoredLog, StoredSpan,
    TelemetryBatch, Work, WorkBatch, WorkPlace, Worked, log_id, log_key, point_key,
};
pub use totals::ProviderActivity;
pub use verify::{Verified, verify};
pub use write::{Body, CallRecord, Write};

use write::Writer;

/// The open store. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    /// Many readers, none of which can write.
    read: SqlitePool,
    /// What need not be stored again.
    known: Arc<std::sync::Mutex<known::Known>>,
    /// Sums over intervals.
    kept: kept::Kept,
    /// What is remembered of large traces.
    orphans: std::sync::Mutex<telemetry::Orphans>,
    /// Searches that read texts.
    scans: text::scan::Scans,
    /// How storing shares the cores.
    pace: Pace,
    /// What calls cost that did not go through the proxy.
    price: OnceLock<Box<Price>>,
    /// Held by who looks for what nobody needs any more.
    tidying: Mutex<()>,
    /// Whether what runs beside everything else is to end.
    stopping: AtomicBool,
    /// The one writer.
    writer: Mutex<Writer>,
}

impl Inner {
    /// After each commit that may have written calls: when the first and the last of them began. What was remembered of them
    /// is outdated.
    fn committed(&self, began: Option<(i64, i64)>) {
        self.scans.committed();
        if let Some((from_ms, last_ms)) = began {
            self.kept.committed(from_ms, last_ms);
        }
    }

    /// Nothing that was remembered of calls holds any more.
    fn forget_all(&self) {
        self.scans.forget_all();
        self.kept.committed(i64::MIN, i64::MAX);
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Calls that were under way when the app last ended; they are marked lost now.
    pub lost: u64,
    /// A database of another program lay at the path; it was moved here.
    pub moved_aside: Option<PathBuf>,
    /// The file was broken; it was moved here, and a new one begun.
    pub damaged: Option<PathBuf>,
    /// The file may not be written; it was moved here, and a new one begun.
    pub read_only: Option<PathBuf>,
    /// The schema changed; what was there before was copied here.
    pub copied: Option<PathBuf>,
}
