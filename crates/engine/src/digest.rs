//! From stored reports to calls: what the backlog holds is read once more, joined with the calls that are there, priced
//! and told of. Leaves out the rules (`model::telemetry::join`) and the rows (`store`).
//!
//! The backlog is in the database: whatever ends this, nothing is forgotten and nothing is done twice.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::ReportSource;
use model::telemetry::join::{Mark, Told};
use model::telemetry::reading::{ReportedCall, Whose};
use model::telemetry::{log_text, read_log, read_span, span_text};
use store::{Digest, Report, Store, StoreError, Work, WorkBatch, WorkPlace, Worked};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::events::{Events, hex};
use crate::ingest::{self, guarded};
use crate::prices::Shelf;

/// Reports that are read from the backlog at once.
const TAKEN: u64 = 512;
/// Reports in one transaction: whoever else waits to write has its turn after so many.
const PIECE: usize = 512;
/// The same while requests come in: what is acknowledged is safe, and may wait for those that are not.
const PIECE_BUSY: usize = 64;
/// After a failure it is tried again when this has passed.
const PAUSE: Duration = Duration::from_secs(1);

/// Works the backlog off.
pub(crate) struct Digester {
    pub(crate) store: Store,
    pub(crate) prices: Shelf,
    pub(crate) events: Events,
    /// Told when there is something to do.
    pub(crate) wake: Arc<Notify>,
    /// Says whether requests come in.
    pub(crate) tally: Arc<ingest::Tally>,
}

impl Digester {
    /// Runs until `stop`; what is left then waits for the next start.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let prices = self.prices.clone();
        self.store.price_with(Box::new(move |call, facts| prices.now().price(call, facts)));
        let mut troubled = false;
        while !stop.is_cancelled() {
            match self.step(&stop).await {
                Ok(more) => {
                    troubled = false;
                    if more {
                        continue;
                    }
                }
                Err(error) => {
                    if !troubled {
                        tracing::warn!(%error, "reports are stored, but cannot be joined with calls yet; it is tried again all the time");
                    }
                    troubled = true;
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified(), if !troubled => {}
                () = tokio::time::sleep(PAUSE), if troubled => {}
            }
        }
    }

    /// Joins the oldest batches of the backlog, and says whether there were any.
    async fn step(&self, stop: &CancellationToken) -> Result<bool, StoreError> {
        let batches = self.store.take_backlog(0, TAKEN).await?;
        let more = !batches.is_empty();
        let mut piece = Piece::default();
        for WorkBatch { id, works, .. } in batches {
            let mut works = works.into_iter().peekable();
            while works.peek().is_some() {
                piece
                    .works
                    .extend(works.by_ref().take(self.largest().saturating_sub(piece.works.len()).max(1)));
                // What was joined of a batch that is not done yet is known to be when it is read again.
                if works.peek().is_some() {
                    self.join(std::mem::take(&mut piece)).await?;
                }
                if stop.is_cancelled() {
                    return Ok(false);
                }
            }
            piece.done.push(id);
        }
        if more {
            self.join(piece).await?;
        }
        Ok(more)
    }

    fn largest(&self) -> usize {
        if self.tally.in_work.load(Ordering::Relaxed) > 0 { PIECE_BUSY } else { PIECE }
    }

    /// Joins some reports, in one transaction.
    async fn join(&self, Piece { works, done }: Piece) -> Result<(), StoreError> {
        let works = self.store.read_works(&works).await?;
        let store = self.store.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let read = |worked| {
                store.pace().give_way();
                guarded(|| report(worked))
            };
            works.into_iter().filter_map(read).collect()
        });
        let reports = reading.await.map_err(|error| StoreError::Database(Box::new(error)))?;
        let joined = self.store.commit_digest(&Digest { reports, done }).await?;
        self.events.calls_changed(joined.calls);
        self.events.traces_changed(joined.traces.iter().map(|id| hex(id)).collect());
        Ok(())
    }
}

/// Reports that are joined together, and the batches of the backlog that are done with them.
#[derive(Default)]
struct Piece {
    works: Vec<WorkPlace>,
    done: Vec<i64>,
}

/// What a report says of a call; `None` when its reader has come to know better.
fn report(Worked { origin, work }: Worked) -> Option<Report> {
    match work {
        Work::Span { trace, id, span } => {
            let reading = read_span(&span, &origin);
            let told = Told {
                source: ReportSource::Span,
                name: span.name.clone(),
                trace: Some(span.trace_id),
                span: Some(span.span_id),
                parent: span.parent,
                ..told(reading.whose, reading.call?)
            };
            Some(Report {
                mark: Mark { source: ReportSource::Span, a: trace, b: id },
                told,
                text: span_text(&span, &origin),
            })
        }
        Work::Log { time_ns, hash, record, .. } => {
            let reading = read_log(&record, &origin);
            let mut call = reading.call?;
            if call.start_ns == 0 && call.end_ns == 0 {
                call.end_ns = time_ns.unsigned_abs();
            }
            let told = Told {
                source: ReportSource::Event,
                name: reading.event.unwrap_or_default(),
                trace: record.trace_id,
                span: record.span_id,
                ..told(reading.whose, call)
            };
            Some(Report {
                mark: Mark { source: ReportSource::Event, a: time_ns, b: hash },
                told,
                text: log_text(&record, &origin),
            })
        }
    }
}

fn told(whose: Whose, call: ReportedCall) -> Told {
    let (source, name) = (ReportSource::Span, String::new());
    Told { source, name, whose, call, trace: None, span: None, parent: None }
}
