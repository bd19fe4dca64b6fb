//! Telling every dashboard what changed. Slow listeners miss events and are told to fetch everything again.

use api::{CallId, Event};
use tokio::sync::broadcast;

/// Events a listener may lag behind before it misses some.
const BACKLOG: usize = 256;
/// Calls named in one event.
const NAMED: usize = 100;

/// The sending side of all events.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    sender: broadcast::Sender<Event>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0 }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }

    pub(crate) fn send(&self, event: Event) {
        // An error only says that nobody listens.
        let _nobody_listens = self.sender.send(event);
    }

    /// These calls were committed.
    pub(crate) fn calls_changed(&self, mut ids: Vec<CallId>) {
        ids.sort_unstable();
        ids.dedup();
        let newest = ids.split_off(ids.len().saturating_sub(NAMED));
        if !newest.is_empty() {
            self.send(Event::CallsChanged { ids: newest });
        }
    }
}
