//! The pages. Each loads what it shows; components draw it.

pub mod connect;
pub mod missing;
pub mod trace;
pub mod traces;
