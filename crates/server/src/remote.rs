//! An LLMFlow in another process of this machine, asked over its dashboard's port. With a deadline: who asks must
//! never hang.

use std::time::Duration;

use api::{ApiError, ErrorKind, Event, Reply, Request};
use http::{Method, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(10);
/// Who does not say within this that it is an LLMFlow is taken for another program.
const PATIENCE: Duration = Duration::from_secs(2);

/// The other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    port: u16,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Remote {
    /// The LLMFlow whose dashboard answers on `port`, if one does.
    pub async fn find(port: u16) -> Option<Self> {
        let remote = Self { port };
        let answer = remote.fetch(Method::GET, "/api/health", String::new());
        let body = tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()?.1;
        let health: serde_json::Value = serde_json::from_slice(&body).ok()?;
        // Another version may say more or less; this much each one says.
        let is_ours =
            matches!(health.get("status")?.as_str()?, "ok" | "degraded") && health.get("sources").is_some();
        is_ours.then_some(remote)
    }

    /// Its dashboard's address.
    pub fn address(self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its dashboard's port.
    pub const fn port(self) -> u16 {
        self.port
    }

    /// Asks its engine.
    pub async fn ask(self, request: &Request) -> Result<Reply, ApiError> {
        let question = serde_json::to_string(request).map_err(|error| unreadable(&error))?;
        let answer = tokio::time::timeout(DEADLINE, self.fetch(Method::POST, "/api/rpc", question)).await;
        let (well, body) = answer.map_err(|_| silent())?.map_err(|_| silent())?;
        if well {
            return serde_json::from_slice(&body).map_err(|error| unreadable(&error));
        }
        Err(serde_json::from_slice(&body).unwrap_or_else(|_| silent()))
    }

    /// Hands over its events until the connection ends.
    pub async fn watch(self, mut on: impl FnMut(Event)) {
        let read = async |mut response: Response<Incoming>| {
            let mut unread = Vec::new();
            while let Some(frame) = response.body_mut().frame().await {
                unread.extend_from_slice(frame?.data_ref().map_or(&[], |data| data));
                while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = unread.drain(..=end).collect();
                    // An event this version does not know changes something that is not shown here.
                    let event =
                        line.strip_prefix(b"data:").and_then(|data| serde_json::from_slice(data).ok());
                    event.into_iter().for_each(&mut on);
                }
            }
            Ok(())
        };
        if let Err(error) = self.exchange(Method::GET, "/api/events", String::new(), read).await {
            tracing::debug!(%error, "the events of the other LLMFlow ended");
        }
    }

    async fn fetch(self, method: Method, path: &str, body: String) -> Result<(bool, Bytes), Failure> {
        let read = async |response: Response<Incoming>| {
            let well = response.status().is_success();
            Ok((well, response.into_body().collect().await?.to_bytes()))
        };
        self.exchange(method, path, body, read).await
    }

    /// One request on a connection of its own, which lives until `read` is done with the answer.
    async fn exchange<T>(
        self,
        method: Method,
        path: &str,
        body: String,
        read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, format!("localhost:{}", self.port))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::<Bytes>::from(body))?;
        let answer = async { read(sender.send_request(request).await?).await };
        // The connection only moves while it is polled; when it ends first, the answer says how.
        let connection = async {
            let _told_by_the_answer = connection.await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = answer => answer,
            () = connection => Err("the connection ended".into()),
        }
    }
}

fn silent() -> ApiError {
    ApiError::new(ErrorKind::Unavailable, "The other LLMFlow does not answer. Look whether it still runs.")
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        ErrorKind::Internal,
        format!("The other LLMFlow said something that is not understood: {error}. Are both of one version?"),
    )
}
