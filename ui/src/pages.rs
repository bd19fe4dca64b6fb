//! The pages. Each loads what it shows; components draw it.

pub mod analytics;
pub mod connect;
mod found;
mod jump;
pub mod logs;
pub mod metrics;
pub mod missing;
pub mod models;
mod neighbours;
mod no_telemetry;
pub mod overview;
mod pace;
pub mod providers;
pub mod session;
pub mod sessions;
pub mod settings;
pub mod trace;
pub mod traces;
pub mod waterfall;
