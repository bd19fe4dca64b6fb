//! Asking whatever listens on a port of this machine who it is, with a deadline.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use api::Health;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proof::Proof;
use crate::token::token;

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
    ask_with(address, path, service, None).await
}

async fn ask_with(address: SocketAddr, path: &str, service: &str, token: Option<&str>) -> Found {
    let Ok(Ok(stream)) = tokio::time::timeout(DEADLINE, TcpStream::connect(address)).await else {
        return Found::Nobody;
    };
    let answer = tokio::time::timeout(DEADLINE, exchange(stream, address.port(), path, token)).await;
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
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Found::Us(value) = ask(address, &path, "dashboard").await else { return None };
    let said = |name: &str| value.get(name).and_then(Value::as_str);
    if !proof.holds(&challenge, port, said("data_dir")?, said("proof")?) {
        return None;
    }
    if said("token").is_none() {
        return serde_json::from_value(value).ok();
    }
    // It asks for the token before it says more, and has just proved that it knows it.
    let token = token(folder)?;
    match ask_with(address, "/api/health", "dashboard", Some(token.reveal())).await {
        Found::Us(value) => serde_json::from_value(value).ok(),
        Found::Nobody | Found::Stranger => None,
    }
}

/// Whether a proxy of ours answers on `port`.
pub(super) async fn proxy(port: u16) -> bool {
    matches!(ask((Ipv4Addr::LOCALHOST, port).into(), "/health", "proxy").await, Found::Us(_))
}

async fn exchange(
    mut stream: TcpStream,
    port: u16,
    path: &str,
    token: Option<&str>,
) -> std::io::Result<String> {
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{token}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LARGEST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
