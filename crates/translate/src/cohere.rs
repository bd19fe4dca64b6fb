//! Cohere's chat (`POST /v2/chat`) as a target: a request made of ours, its answers and errors read.

mod answer;
mod error;
mod messages;
mod request;

pub(crate) use answer::Answer;
pub use error::error;
pub use request::request;

#[cfg(test)]
mod tests;
