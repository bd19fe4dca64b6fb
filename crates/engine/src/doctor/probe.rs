//! Asking whatever listens on a port of this machine who it is, with a deadline.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use api::Health;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proof::Proof;

const DEADLINE: Duration = Duration::from_secs(2);
const LARGEST: u64 = 256 * 1024;

/// What is at an address.
pub(super) enum Found {
    /// Nobody listens.
    Nobody,
    /// Somebody who is not an LLMFlow.
    Stranger,
    /// An LLMFlow that says so.
    Us(Value),
}

/// Asks for the JSON at `path`, in which an LLMFlow calls itself `service`.
pub(super) async fn ask(address: SocketAddr, path: &str, service: &str) -> Found {
    let Ok(Ok(stream)) = tokio::time::timeout(DEADLINE, TcpStream::connect(address)).await else {
        return Found::Nobody;
    };
    let answer = tokio::time::timeout(DEADLINE, exchange(stream, address.port(), path)).await;
    let answer = answer.ok().and_then(Result::ok);
    let body = answer.as_deref().and_then(|answer| Some(answer.split_once("\r\n\r\n")?.1));
    let value: Option<Value> = body.and_then(|body| serde_json::from_str(body).ok());
    match value {
        Some(value) if value.get("service").and_then(Value::as_str) == Some(service) => Found::Us(value),
        _ => Found::Stranger,
    }
}

/// What the LLMFlow that holds `folder` says of itself on `port`; `None` when somebody else answers there.
pub(super) async fn health(folder: &Path, port: u16) -> Option<Health> {
    let (proof, challenge) = (Proof::of(folder)?, Proof::challenge());
    let path = format!("/api/health?challenge={challenge}");
    let Found::Us(value) = ask((Ipv4Addr::LOCALHOST, port).into(), &path, "dashboard").await else {
        return None;
    };
    let answer = value.get("proof").and_then(Value::as_str)?.to_owned();
    let health: Health = serde_json::from_value(value).ok()?;
    proof.holds(&challenge, port, &health.data_dir, &answer).then_some(health)
}

/// Whether a proxy of ours answers on `port`.
pub(super) async fn proxy(port: u16) -> bool {
    matches!(ask((Ipv4Addr::LOCALHOST, port).into(), "/health", "proxy").await, Found::Us(_))
}

async fn exchange(mut stream: TcpStream, port: u16, path: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LARGEST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
