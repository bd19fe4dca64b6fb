//! OTLP in: traces, logs and metrics over HTTP and gRPC, as protobuf and as JSON, decoded into [`model::telemetry`].
//!
//! Decodes and nothing more: what is in a request goes to whoever holds the other end of [`Inbox`], and its answer
//! decides what the sender hears. Leaves out what a report means (`model`), storing it, and how much of it may wait.

mod answer;
mod body;
mod decode;
mod encode;
mod inbox;
mod json;
mod listen;
mod over_grpc;
mod over_http;
mod own;
mod own_http;
mod patience;
mod problem;
mod protobuf;
mod receiver;
mod serve;
mod unpack;
mod wire_format;

pub use decode::{Decoded, Encoding, Signal, Unreadable, decode, guess};
pub use encode::encode;
pub use inbox::{Counts, Delivery, Inbox, Limits, Refused, Taken, Waiting};
pub use listen::{CONNECTIONS, Ending, HangUp, listen};
pub use over_http::{any_address, paths, root, routes, takes};
pub use own_http::own_spans;
pub use patience::Patience;
pub use receiver::Receiver;
pub use serve::{admit, preflight, serve};
