//! What tools report about themselves: spans, log records and metric points as OTLP carries them, kept to the last
//! attribute, and what one of them means.
//!
//! `wire` is what was said, `reading` what it means; each dialect's normaliser turns the first into the second. Leaves
//! out decoding a request (`collector`), and which reports tell of one and the same call (`join`).

pub mod join;
pub mod reading;
pub mod wire;
