//! Asking a running LLMFlow over loopback, with a deadline: a command must never hang.

use std::time::Duration;

use anyhow::{Context, bail};
use api::{ApiError, Reply};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(2);
/// What changes something may take a moment longer.
const RPC_DEADLINE: Duration = Duration::from_secs(10);

/// The JSON at `path` of the listener on `port`.
pub(crate) async fn get(port: u16, path: &str) -> anyhow::Result<Value> {
    let request = Request::get(path).body(Full::default())?;
    let body = answer(port, request, DEADLINE).await?;
    Ok(serde_json::from_slice(&body)?)
}

/// The engine's reply to a question, through the dashboard on `port`.
pub(crate) async fn rpc(port: u16, question: &api::Request) -> anyhow::Result<Reply> {
    let body = Full::from(serde_json::to_vec(question)?);
    let request = Request::post("/api/rpc").header("content-type", "application/json").body(body)?;
    let body = answer(port, request, RPC_DEADLINE).await?;
    Ok(serde_json::from_slice(&body)?)
}

async fn answer(port: u16, request: Request<Full<Bytes>>, deadline: Duration) -> anyhow::Result<Bytes> {
    let late = || format!("no answer within {} seconds", deadline.as_secs());
    tokio::time::timeout(deadline, fetch(port, request)).await.with_context(late)?
}

async fn fetch(port: u16, mut request: Request<Full<Bytes>>) -> anyhow::Result<Bytes> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    request.headers_mut().insert("host", format!("localhost:{port}").parse()?);
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            match serde_json::from_slice::<ApiError>(&body) {
                Ok(error) => bail!("{error}"),
                Err(_) => bail!("answered {status}"),
            }
        }
        Ok(body)
    };
    tokio::select! {
        answer = answer => answer,
        ended = connection => {
            ended?;
            bail!("the connection ended before the answer")
        }
    }
}
