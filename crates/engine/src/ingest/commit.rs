//! The last stage of the way in: what is ready is committed, small groups together, and each request is answered.
//! Leaves out making it ready (`read`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::Event;
use collector::{Refused, Taken};
use store::{Committed, Store, StoreError, TelemetryBatch};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{Asked, Ready, Tally};
use crate::events::Events;

/// Records that one transaction takes, unless a single piece has more.
const TRANSACTION: usize = 16_384;
/// When a refused sender may come again.
const COME_AGAIN: Duration = Duration::from_secs(2);
/// For so long after a failed commit whoever comes is refused at once: waiting for a locked database takes seconds, after
/// which a sender has long given up.
const REST: Duration = Duration::from_secs(1);

/// Commits groups, one transaction after the other.
pub(super) struct Commits {
    pub(super) store: Store,
    pub(super) events: Events,
    pub(super) tally: Arc<Tally>,
    pub(super) digest: Arc<Notify>,
}

impl Commits {
    /// Runs until no more groups come.
    pub(super) async fn run(&self, mut groups: mpsc::Receiver<oneshot::Receiver<Ready>>) {
        let mut failed: Option<Instant> = None;
        let mut waiting = VecDeque::new();
        while let Some(group) = groups.recv().await {
            waiting.push_back(group);
            while let Ok(group) = groups.try_recv() {
                waiting.push_back(group);
            }
            while let Some(group) = waiting.pop_front() {
                let Ok(first) = group.await else { continue };
                let ready = add_more(first, &mut waiting);
                if let Some(reason) = self.resting(failed) {
                    refuse(ready.asked, &reason);
                    continue;
                }
                failed = match self.commit(ready).await {
                    Ok(()) => None,
                    Err(()) => Some(Instant::now()),
                };
            }
        }
    }

    /// Why nothing is tried for now.
    fn resting(&self, failed: Option<Instant>) -> Option<String> {
        failed.filter(|failed| failed.elapsed() < REST)?;
        self.tally.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Commits a group and answers all who are in it.
    async fn commit(&self, ready: Ready) -> Result<(), ()> {
        let Ready { batches, asked, failed, _turn, _in_work } = ready;
        if let Some(reason) = failed {
            tracing::error!(reason, "reports could not be made ready to be stored");
            refuse(asked, &reason);
            return Ok(());
        }
        let mut told = Committed::default();
        for piece in transactions(batches) {
            match self.store.commit_telemetry(&piece).await {
                Ok(committed) => self.tell(committed, &mut told),
                Err(error) => {
                    self.fail(&error, asked);
                    self.announce(told);
                    return Err(());
                }
            }
        }
        if self.tally.set_trouble(None) {
            tracing::warn!("reports are stored again");
            self.events.send(Event::HealthChanged);
        }
        for Asked { done, .. } in asked {
            // Who does not wait any more sends it again, and it is there.
            let _left = done.send(Ok(Taken::default()));
        }
        self.announce(told);
        Ok(())
    }

    fn fail(&self, error: &StoreError, asked: Vec<Asked>) {
        if !self.tally.has_trouble() {
            tracing::warn!(%error, requests = asked.len(), "reports could not be stored: their senders are asked to come again");
        }
        let reason = error.reason();
        refuse(asked, &reason);
        if self.tally.set_trouble(Some(reason)) {
            self.events.send(Event::HealthChanged);
        }
    }

    /// Counts what was committed, and keeps in mind what dashboards are told of it.
    fn tell(&self, committed: Committed, told: &mut Committed) {
        self.tally.count(committed.spans, committed.logs, committed.points);
        if committed.works > 0 {
            self.digest.notify_one();
        }
        told.spans += committed.spans;
        told.logs += committed.logs;
        told.points += committed.points;
        told.traces.extend(committed.traces);
        told.latest.extend(committed.latest);
    }

    fn announce(&self, told: Committed) {
        self.events.traces_changed(told.traces.iter().map(|id| crate::events::hex(id)).collect());
        if told.logs > 0 {
            self.events.send(Event::LogsChanged);
        }
        if told.points > 0 {
            self.events.send(Event::MetricsChanged);
        }
        self.events.reported(told.latest);
    }
}

/// Small groups that are ready, too, are committed together with the first.
fn add_more(first: Ready, waiting: &mut VecDeque<oneshot::Receiver<Ready>>) -> Ready {
    let mut all = first;
    while size(&all.batches) < TRANSACTION
        && all.failed.is_none()
        && let Some(next) = waiting.front_mut()
    {
        match next.try_recv() {
            Ok(ready) if ready.failed.is_none() => {
                all.batches.extend(ready.batches);
                all.asked.extend(ready.asked);
                waiting.pop_front();
            }
            // What failed is for its own requests to hear.
            Ok(ready) => {
                waiting.pop_front();
                refuse(ready.asked, &ready.failed.unwrap_or_default());
            }
            Err(oneshot::error::TryRecvError::Empty) => break,
            Err(oneshot::error::TryRecvError::Closed) => {
                waiting.pop_front();
            }
        }
    }
    all
}

fn size(batches: &[TelemetryBatch]) -> usize {
    batches.iter().map(TelemetryBatch::len).sum()
}

/// Batches as transactions: as many in one as fit.
fn transactions(batches: Vec<TelemetryBatch>) -> Vec<Vec<TelemetryBatch>> {
    let mut pieces: Vec<Vec<TelemetryBatch>> = Vec::new();
    for batch in batches {
        match pieces.last_mut().filter(|piece| size(piece) + batch.len() <= TRANSACTION) {
            Some(piece) => piece.push(batch),
            None => pieces.push(vec![batch]),
        }
    }
    pieces
}

fn refuse(asked: Vec<Asked>, reason: &str) {
    for Asked { done, .. } in asked {
        let reason = format!("LLMFlow cannot store for now: {reason}");
        let _left = done.send(Err(Refused { reason, retry_after: COME_AGAIN }));
    }
}
