//! Gemini's `generateContent` as a target: a request made of ours, and its answers read. Its stream is asked for with
//! `alt=sse`; the other form, one long JSON array, never comes.

mod answer;
mod contents;
mod error;
mod request;
mod signature;
mod thinking;

pub(crate) use answer::Answer;
pub use error::error;
pub(crate) use error::retry_after;
pub use request::request;
pub(crate) use signature::{bare_id, signed};

#[cfg(test)]
mod tests;
