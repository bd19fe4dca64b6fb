//! Asking the proxy's port who it is, with a deadline: a command must never hang.

use std::time::Duration;

use anyhow::{Context, ensure};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(2);

/// The JSON at `path` of the listener on `port`.
pub(crate) async fn get(port: u16, path: &str) -> anyhow::Result<Value> {
    let answer = tokio::time::timeout(DEADLINE, fetch(port, path)).await;
    let body = answer.with_context(|| format!("no answer within {} seconds", DEADLINE.as_secs()))??;
    Ok(serde_json::from_slice(&body)?)
}

async fn fetch(port: u16, path: &str) -> anyhow::Result<Bytes> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request =
        Request::get(path).header("host", format!("localhost:{port}")).body(Full::<Bytes>::default())?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        ensure!(status.is_success(), "answered {status}");
        Ok(response.into_body().collect().await?.to_bytes())
    };
    tokio::select! {
        answer = answer => answer,
        ended = connection => {
            ended?;
            anyhow::bail!("the connection ended before the answer")
        }
    }
}
