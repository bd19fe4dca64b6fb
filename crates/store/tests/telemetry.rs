//! Reports: what is committed is there to the last attribute, once, in any order, batching and repetition.

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
