//! What tools report about themselves: spans, log records and metric points as OTLP carries them, kept to the last
//! attribute, and what one of them means.
//!
//! `wire` is what was said, `reading` what it means; each dialect's normaliser turns the first into the second. Leaves
//! out decoding a request (`collector`), and which reports tell of one and the same call (`join`).

pub mod ids;
pub mod join;
pub mod reading;
pub mod wire;

mod call;
mod client;
mod conversation;
mod dialect;
mod event;
mod facts;
mod infrastructure;
mod keys;
mod kind;
mod metric;
mod provider;
mod read;
mod short;
mod told;
mod tool;
mod usage;
mod value;

pub use conversation::{log_conversation, log_text, searchable_text, span_conversation, span_io, span_text};
pub use metric::{Counted, MetricMeaning, is_usage, metric_usage};
pub use read::{read_log, read_span};
pub use short::{LONGEST_ID, short_id};

#[cfg(test)]
mod tests;
