//! Small facts of what changed, sent to every dashboard. Leaves out the changed data: the UI asks for what it shows.

use serde::{Deserialize, Serialize};

use crate::{CallId, InFlight, SourceStatus};

/// Something changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// These calls were recorded or changed, after commit; a busy moment names only the newest hundred.
    CallsChanged {
        /// The calls.
        ids: Vec<CallId>,
    },
    /// All calls under way, at most four times a second while any are.
    CallProgress {
        /// The calls, oldest first; at most the first hundred.
        calls: Vec<InFlight>,
        /// How many there are in all.
        total: u64,
    },
    /// Spans of these traces were stored, or calls in them changed; a busy moment names only the newest hundred.
    TracesChanged {
        /// The traces, in hex.
        ids: Vec<String>,
    },
    /// Log records were stored.
    LogsChanged,
    /// Metric points were stored.
    MetricsChanged,
    /// A listener started, paused, stopped or failed.
    SourceState {
        /// The listener.
        source: SourceStatus,
    },
    /// Calls cannot be stored for now, or can be again: `GetHealth` says which.
    HealthChanged,
    /// A setting was changed.
    SettingsChanged,
    /// Prices changed, or calls were priced again.
    PricesChanged,
    /// What is spent of a budget changed, a budget was set, or a session was found going in circles.
    BudgetsChanged,
    /// A budget is nearly or all used up, or a session goes in circles. Told once.
    Alert {
        /// What is the matter, in a few words.
        title: String,
        /// In a sentence.
        message: String,
        /// The desktop is to say so.
        notify: bool,
    },
    /// A key, a local key or the keychain's state changed.
    KeysChanged,
    /// The listener of these events was too slow and missed some: fetch everything shown again.
    Resync,
}
