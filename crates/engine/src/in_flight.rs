//! The calls under way, as the live strip shows them, and the beat that tells dashboards how far they are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::{CallId, Event, InFlight};
use proxy::Progress;
use tokio_util::sync::CancellationToken;

use crate::events::Events;

const BEAT: Duration = Duration::from_millis(250);
/// Calls named in one event.
const NAMED: usize = 100;

/// The calls under way, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenCalls {
    calls: Arc<Mutex<BTreeMap<CallId, InFlight>>>,
}

impl OpenCalls {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<CallId, InFlight>) -> T) -> T {
        act(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn open(&self, call: InFlight) {
        self.with(|calls| calls.insert(call.id, call));
    }

    pub(crate) fn asks_for(&self, id: CallId, model: Option<String>) {
        self.with(|calls| {
            if let Some(call) = calls.get_mut(&id) {
                call.model = model;
            }
        });
    }

    pub(crate) fn progress(&self, progress: Progress) {
        self.with(|calls| {
            if let Some(call) = calls.get_mut(&progress.id) {
                call.first_byte_us = Some(progress.first_byte_us);
                call.response_bytes = progress.bytes;
                call.chunks = progress.chunks;
            }
        });
    }

    pub(crate) fn close(&self, id: CallId) {
        self.with(|calls| calls.remove(&id));
    }

    pub(crate) fn list(&self, limit: usize) -> Vec<InFlight> {
        self.with(|calls| calls.values().take(limit).cloned().collect())
    }

    fn len(&self) -> u64 {
        self.with(|calls| calls.len() as u64)
    }

    /// Tells dashboards how far the calls are while there are any, and once more when the last one ended.
    pub(crate) async fn beat(self, events: Events, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(BEAT);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut told = 0;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            let total = self.len();
            if total > 0 || told > 0 {
                events.send(Event::CallProgress { calls: self.list(NAMED), total });
            }
            told = total;
        }
    }
}
