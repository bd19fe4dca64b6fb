//! Anthropic's dialect: requests, answers, and both there and back.

mod answers;
mod blocks;
mod requests;
mod round_trip;
