//! The harness: a mock of the providers, a client that keeps every byte, and the app as a process of its own.
//!
//! Nothing here knows the product's insides: it speaks HTTP, reads the data folder and sends signals. Leaves out
//! what must hold (`tests/it`).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot go on fails the test"
)]

mod app;
mod binary;
mod client;
mod collected;
mod contract;
#[cfg(target_os = "linux")]
mod desktop;
mod http1;
mod mock;
mod modern;
pub mod otlp;
mod prices;
mod raw;
#[cfg(target_os = "linux")]
mod session;
mod sigv4;
mod store_files;
mod tap;
mod wait;
pub mod websocket;

pub use app::{AWS, App, Finished, Setup, free_port};
pub use binary::{binary, command, command_of, desktop_binary};
pub use client::{Client, Ended, Response, send, try_send};
pub use contract::violations;
#[cfg(target_os = "linux")]
pub use desktop::{Entry, Screen, Tray, Window};
pub use http1::{Head, HeaderLine, hop_by_hop};
pub use mock::{
    Answer, Dialect, Exchange, Fault, Framing, Mock, Plan, Received, Sent, Step, Tokens, frame, gzip,
};
pub use modern::{Asked, Http2, Piecewise, SecureUpstream, whole};
pub use prices::{Rates, is_priced, rates};
pub use raw::{Line, Raw};
#[cfg(target_os = "linux")]
pub use session::{SECRETS, Session};
pub use sigv4::{Signed, verify};
pub use store_files::{Cell, database_cells, files};
pub use tap::{Heard, Tap};
pub use wait::{DEADLINE, unhindered, wait_until, within};

use sha2::{Digest, Sha256};

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of memory that a process holds, as the system counts them.
#[cfg(target_os = "linux")]
pub fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Whether `needle` stands in `haystack`.
pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}
