//! What the whole promises, checked from outside: one module for each path through it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "these are tests and say what they counted"
)]

mod abuse;
mod bedrock;
mod bounds;
mod browser;
mod budgets;
mod cache;
mod call;
mod cli;
mod clients;
mod contract;
mod copies;
mod crash;
#[cfg(target_os = "linux")]
mod disk;
mod endings;
#[cfg(target_os = "linux")]
mod faults;
mod fidelity;
mod guard;
#[cfg(target_os = "linux")]
mod keys;
mod mock;
mod prices;
mod proxies;
mod replay;
mod requests;
mod rest;
mod routes;
mod secrets;
mod sessions;
mod settings;
mod sources;
mod store;
mod store_faults;
mod telemetry;
mod translation;
mod transports;
mod websocket;
#[cfg(target_os = "linux")]
mod window;
