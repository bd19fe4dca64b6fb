//! The engine: proxy, store and pipeline as one running thing, with settings, lifecycle, commands and events.
//!
//! Knows no GUI and no HTTP API: hosts (`server`, `cli`, the desktop app) call [`Engine::dispatch`] and listen to
//! [`Engine::events`].

mod budgets;
mod clock;
mod commands;
mod digest;
pub mod doctor;
mod engine;
mod events;
mod files;
mod folder;
pub mod glance;
mod in_flight;
mod indexer;
mod ingest;
mod keys;
mod listen;
mod loops;
pub mod offline;
mod pipeline;
mod prices;
mod proof;
pub mod recordings;
mod replay;
pub mod settings;
mod sources;
mod supervisor;
mod threads;
mod token;
mod upkeep;

pub use api::connect;
pub use engine::{Engine, StartError};
pub use events::{Gathering, Reported};
pub use folder::{Instance, running_instance};
pub use guard::{COOKIE, COOKIE_LASTS, Door, Guard, Peer};
pub use keys::keychain_state;
pub use listen::{ListenError, listen};
pub use model::pricing::{day_begins, day_of};
pub use proof::Proof;
pub use settings::Settings;
pub use store::{Excess, Imported, Inspection, StoreError};
pub use threads::Threads;
pub use token::{load_token, renew_token, token};

/// The moment so many days ago, in milliseconds since 1970 (UTC).
pub fn days_ago(days: u32) -> i64 {
    pipeline::millis(std::time::SystemTime::now()).saturating_sub(i64::from(days) * 86_400_000)
}
