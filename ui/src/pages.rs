//! The pages. Each loads what it shows; components draw it.

pub mod connect;
mod jump;
pub mod missing;
pub mod overview;
pub mod providers;
pub mod settings;
pub mod trace;
pub mod traces;
