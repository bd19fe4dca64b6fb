//! The front for OpenAI's Chat Completions: a request read into [`Request`], and an answer written as `chat.completion`
//! or as its chunks. [`Request`] is also what every other front makes and every target takes.

mod message;
mod parse;
mod reading;
mod request;
#[cfg(test)]
mod tests;
mod tools;
mod whole;
mod writer;

pub use message::{Call, Message, Part, Source, Thought};
pub use parse::parse;
pub use request::{Effort, Format, Request, Sampling};
pub use tools::{Choose, Tool};
pub(crate) use tools::{a_function, agreed, only};
pub use whole::whole;
pub use writer::{Writer, error_body};
