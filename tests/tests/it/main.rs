//! What the whole promises, checked from outside: one module for each path through it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed assumption fails the test")]

mod call;
mod requests;
