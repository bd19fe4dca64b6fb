//! Asking a running LLMFlow over loopback, with a deadline: a command must never hang.

use std::time::Duration;

use anyhow::{Context, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(2);

/// The JSON at `path` of the listener on `port`.
pub(crate) async fn get(port: u16, path: &str) -> anyhow::Result<Value> {
    tokio::time::timeout(DEADLINE, fetch(port, path)).await.context("no answer within two seconds")?
}

async fn fetch(port: u16, path: &str) -> anyhow::Result<Value> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request =
        Request::get(path).header("host", format!("localhost:{port}")).body(Empty::<Bytes>::new())?;
    let answer = async {
        let response = sender.send_request(request).await?;
        ensure!(response.status().is_success(), "answered {}", response.status());
        let body = response.into_body().collect().await?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    };
    tokio::select! {
        answer = answer => answer,
        ended = connection => {
            ended?;
            anyhow::bail!("the connection ended before the answer")
        }
    }
}
