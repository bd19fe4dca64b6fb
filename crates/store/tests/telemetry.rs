//! Reports: what is committed is there to the last attribute, once, in any order, batching and repetition.

#[path = "telemetry/made.rs"]
mod made;
#[path = "telemetry/speed.rs"]
mod speed;
#[path = "telemetry/writes.rs"]
mod writes;
