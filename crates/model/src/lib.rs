//! The domain, pure: what an exchange of bytes with a provider says, what it cost, and how its bodies split.
//!
//! Owns one reader per provider dialect, stream and WebSocket framing, pricing, client identity, body segments and searchable text.
//! Leaves out everything that needs a clock, a file, a network or a runtime: values in, values out. Input is never
//! trusted: whatever cannot be read leaves its field empty and, where a reader would wonder, a note.

pub mod budget;
pub mod cache;
pub mod dialect;
pub mod eventstream;
pub mod identity;
pub mod pricing;
pub mod repeat;
pub mod resend;
pub mod segment;
pub mod sse;
pub mod telemetry;
pub mod text;
pub mod websocket;

mod scanner;
