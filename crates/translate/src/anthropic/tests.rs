//! Anthropic's dialect: requests, answers, and both there and back.

mod answers;
mod requests;
mod round_trip;
