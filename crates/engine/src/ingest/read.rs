//! What some requests carry, read by their dialects and made ready to be committed. On a thread of its own: a large
//! request takes a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use collector::Delivery;
use model::telemetry::reading::Whose;
use model::telemetry::wire::{Export, LogRecord, Origin};
use model::telemetry::{read_log, read_span};
use store::{LogWrite, MetricWrite, Reports, SpanWrite, Store, StoreError, TelemetryBatch};
use tokio::sync::OwnedSemaphorePermit;

use super::{Asked, InWork, Ready};

/// Records in one transaction: whoever else waits to write has its turn after so many.
const PIECE: usize = 8_192;

/// Reads a group and makes it ready.
pub(super) fn make_ready(
    store: &Store,
    group: Vec<Delivery>,
    turn: OwnedSemaphorePermit,
    in_work: InWork,
) -> Ready {
    let mut asked = Vec::with_capacity(group.len());
    let mut pieces = Pieces { store, now_ns: now_ns(), reports: Vec::new(), records: 0, batches: Vec::new() };
    let mut failed = None;
    for Delivery { export, done, room } in group {
        asked.push(Asked { done, _room: room });
        if let Err(error) = pieces.add(export) {
            failed = Some(error.to_string());
        }
    }
    let batches = pieces.finish().unwrap_or_else(|error| {
        failed = Some(error.to_string());
        Vec::new()
    });
    Ready { batches, asked, failed, _turn: turn, _in_work: in_work }
}

/// Pieces of at most so many records, each made ready when it is full.
struct Pieces<'a> {
    store: &'a Store,
    now_ns: i64,
    reports: Vec<Reports>,
    records: usize,
    batches: Vec<TelemetryBatch>,
}

impl Pieces<'_> {
    fn add(&mut self, export: Export) -> Result<(), StoreError> {
        let mut request = Reports::default();
        match export {
            Export::Traces(groups) => {
                for (origin, spans) in groups {
                    let origin = Arc::new(origin);
                    for span in spans {
                        let reading = guarded(|| read_span(&span, &origin));
                        request.spans.push(SpanWrite { span, origin: origin.clone(), reading });
                        self.one_more(&mut request)?;
                    }
                }
            }
            Export::Logs(groups) => {
                // Equal records are told apart by their place in the request: it stays in one piece.
                for (origin, records) in groups {
                    let origin = Arc::new(origin);
                    for record in records {
                        let reading = guarded(|| read_log(&record, &origin));
                        request.logs.push(LogWrite { record, origin: origin.clone(), reading });
                        self.records += 1;
                        self.store.pace().give_way();
                    }
                }
            }
            Export::Metrics(groups) => {
                for (origin, metrics) in groups {
                    let origin = Arc::new(origin);
                    let whose = whose(&origin);
                    for metric in metrics {
                        self.records += metric.data.len().saturating_sub(1);
                        let whose = whose.clone();
                        request.metrics.push(MetricWrite { metric, origin: origin.clone(), whose });
                        self.one_more(&mut request)?;
                    }
                }
            }
        }
        self.reports.push(request);
        Ok(())
    }

    fn one_more(&mut self, request: &mut Reports) -> Result<(), StoreError> {
        self.records += 1;
        self.store.pace().give_way();
        if self.records < PIECE {
            return Ok(());
        }
        self.reports.push(std::mem::take(request));
        self.close()
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let reports = std::mem::take(&mut self.reports);
        self.records = 0;
        self.batches.push(self.store.prepare_telemetry(reports, self.now_ns)?);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<TelemetryBatch>, StoreError> {
        if !self.reports.is_empty() {
            self.close()?;
        }
        Ok(self.batches)
    }
}

/// A fault in a reader costs what it would have read, and nothing else: what was sent is kept as it came.
pub(crate) fn guarded<T: Default>(read: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        tracing::error!("a report could not be read, it is kept as it came");
        T::default()
    })
}

/// Whose metrics these are.
fn whose(origin: &Origin) -> Whose {
    guarded(|| read_log(&LogRecord::default(), origin)).whose
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
