//! The engine: proxy, store and pipeline as one running thing, with settings, lifecycle, commands and events.
//!
//! Knows no GUI and no HTTP API: hosts (`server`, `cli`, the desktop app) call [`Engine::dispatch`] and listen to
//! [`Engine::events`].

mod commands;
pub mod connect;
mod engine;
mod events;
mod files;
mod folder;
mod in_flight;
mod indexer;
mod listen;
mod pipeline;
pub mod settings;
mod sources;
mod supervisor;

pub use engine::{Engine, StartError};
pub use folder::{Instance, running_instance};
pub use listen::{ListenError, listen};
pub use proxy::guard::{Guard, Refusal};
pub use settings::Settings;
