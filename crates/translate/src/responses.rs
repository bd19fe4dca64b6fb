//! The front for OpenAI's Responses: a request read into [`crate::chat::Request`], an answer written as a `response` or
//! as the events of one. What lives on OpenAI's servers (earlier responses, files, its own tools, work in the
//! background) has no counterpart and is refused by name; the answer is kept nowhere.

mod event;
mod input;
mod items;
mod object;
mod parse;
mod proof;
mod tools;
mod writer;

pub(crate) use object::Echo;
pub(crate) use parse::{parse, renamed};
pub(crate) use writer::Writer;

#[cfg(test)]
mod tests;
