//! Reports: what is committed is there to the last attribute, once, in any order, batching and repetition.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "these are tests, and two of them print what they measured"
)]

#[path = "telemetry/any_order.rs"]
mod any_order;
#[path = "telemetry/made.rs"]
mod made;
#[path = "telemetry/metrics.rs"]
mod metrics;
#[path = "telemetry/reads.rs"]
mod reads;
#[path = "telemetry/scale.rs"]
mod scale;
#[path = "telemetry/speed.rs"]
mod speed;
#[path = "telemetry/writes.rs"]
mod writes;
