//! The reverse proxy in front of every LLM provider: routes, forwarding, and the tap that records.
//!
//! Knows HTTP and providers. Does not know SQL, settings files, prices, or who reads its captures: they leave
//! through a bounded channel that can never hold a call back.

pub mod capture;
pub mod keys;
pub mod provider;
pub mod redact;
pub mod route;

mod address;
mod admit;
mod auth;
mod azure;
mod bedrock;
mod body;
mod buffer;
mod client;
mod connector;
mod cors;
mod dial;
mod fetch;
mod forward;
mod gate;
mod key_test;
mod outbound;
mod peek;
mod reach;
mod recorder;
mod replay;
mod reply;
mod send;
mod serve;
mod target;
mod translation;
mod unreachable;
mod upstream;
mod watch;
mod websocket;

pub use azure::Azure;
pub use bedrock::{AwsCredentials, Bedrock, BedrockChoice, BedrockState};
pub use capture::{
    Capture, Captured, ClientSide, Closed, Ending, Head, Progress, ReplayOf, ResponseHead, Stamps,
};
pub use fetch::fetch;
pub use gate::{Bar, Bars, Gate};
pub use key_test::{TestedKey, test_key};
pub use keys::{KeyRing, Keys, LocalUser};
pub use outbound::{NotAProxy, Outbound};
pub use provider::{Custom, Provider, Providers};
pub use recorder::{Budget, Counters, Limits, Tap};
pub use redact::{Fingerprinter, Secrets};
pub use replay::{Aimed, NotSent, Repeat};
pub use serve::{Bounds, Proxy, serve};
pub use upstream::{CHATGPT, Choices, UpstreamError, Upstreams};
