//! The listeners and how they are, for everyone who shows or asks.

use std::sync::{Arc, Mutex, PoisonError};

use api::{Event, SourceState, SourceStatus};

use crate::events::Events;

/// The states of all listeners, in the order in which they were first told.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    states: Arc<Mutex<Vec<(&'static str, SourceState)>>>,
    events: Events,
}

impl Sources {
    pub(crate) fn new(events: Events) -> Self {
        Self { states: Arc::default(), events }
    }

    /// Notes a listener's state and, when it is a new one, tells it.
    pub(crate) fn set(&self, name: &'static str, state: SourceState) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        match states.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) if *known == state => return,
            Some((_, known)) => known.clone_from(&state),
            None => states.push((name, state.clone())),
        }
        // Told under the lock, so that events come in the order of the states.
        self.events.send(Event::SourceState { source: SourceStatus { name: name.to_owned(), state } });
    }

    pub(crate) fn list(&self) -> Vec<SourceStatus> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states
            .iter()
            .map(|(name, state)| SourceStatus { name: (*name).to_owned(), state: state.clone() })
            .collect()
    }
}
