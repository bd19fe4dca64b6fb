//! Translation between OpenAI's API and those of other providers, pure: values in, values out.
//!
//! A client's request is read by a front ([`chat`]) into one typed [`chat::Request`]; a target ([`anthropic`], …) makes
//! the provider's own request of it. The answer comes back as [`Delta`]s, whether it streams or not, and a front writes
//! those as OpenAI would. Leaves out connections, clocks, credentials and what is recorded.
//!
//! What cannot be said in the other dialect is a [`Refusal`] that names the field; nothing is dropped without a word.

pub mod anthropic;
pub mod chat;
pub mod cohere;
pub mod delta;
pub mod gemini;

mod call;
mod digits;
mod fields;
mod json;
mod media;
mod outgoing;
mod refusal;
mod responses;
#[cfg(test)]
mod samples;
mod stream;

pub use call::{Answering, Front, Target, begin};
pub use delta::{Delta, Failure, Finish, Usage};
pub use outgoing::Outgoing;
pub use refusal::Refusal;
pub use stream::Stream;
