//! An LLMFlow in another process of this machine, asked over its dashboard's port once it has proved that the data
//! folder is the one meant: any account may listen on a port. With a deadline: who asks must never hang.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::{ApiError, ErrorKind, Event, Reply, Request};
use engine::{Instance, Proof, running_instance};
use http::{HeaderValue, Method, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(10);
/// For what takes a network's time.
const LONG_DEADLINE: Duration = Duration::from_secs(120);
/// Who does not say within this that it is an LLMFlow is taken for another program.
const PATIENCE: Duration = Duration::from_secs(2);

/// The other one.
#[derive(Clone, Debug)]
pub struct Remote {
    port: u16,
    proof: Proof,
    whose: Whose,
    folder: PathBuf,
    /// It asks for the token that lies in the folder.
    wants_token: Arc<AtomicBool>,
}

/// How much is known before the proof.
#[derive(Clone, Copy, Debug)]
enum Whose {
    /// Our data folder is held by somebody who said this port. It may see the folder under another path (a container).
    Holder,
    /// Nobody said anything: the path must be ours as well, so that a copy of a folder is not taken for it.
    Anybody,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Sender = SendRequest<Full<Bytes>>;
type Connection = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

impl Remote {
    /// The LLMFlow that holds `folder`, else the one with the same folder on `port`, if it proves it.
    pub async fn find(folder: &Path, port: u16) -> Option<Self> {
        if let Some(holder) = running_instance(folder)
            && let Some(remote) = Self::of(folder, &holder).await
        {
            return Some(remote);
        }
        Self::at(folder, port, Whose::Anybody).await
    }

    /// The `instance` that holds `folder`, if it answers on its dashboard's port.
    pub async fn of(folder: &Path, instance: &Instance) -> Option<Self> {
        Self::at(folder, instance.dashboard_port, Whose::Holder).await
    }

    async fn at(folder: &Path, port: u16, whose: Whose) -> Option<Self> {
        let proof = Proof::of(folder).filter(|_| port != 0)?;
        let remote = Self { port, proof, whose, folder: folder.to_owned(), wants_token: Arc::default() };
        remote.health().await.map(|_| remote)
    }

    /// What it says of itself, with the proof that it is the one meant; `None` when it does not answer or is not.
    pub async fn health(&self) -> Option<Value> {
        let asking = async {
            let (mut sender, connection) = self.connect().await?;
            let first = driven(connection, self.proven(&mut sender)).await?;
            let wants_token = first.get("token").is_some();
            self.wants_token.store(wants_token, Ordering::Relaxed);
            if !wants_token {
                return Ok::<Value, Failure>(first);
            }
            let (_, body) = self.fetch(Method::GET, "/api/health", String::new()).await?;
            Ok(serde_json::from_slice(&body)?)
        };
        tokio::time::timeout(PATIENCE, asking).await.ok()?.ok()
    }

    /// What whoever answers on this connection says of itself, once it has proved that it is the one meant.
    async fn proven(&self, sender: &mut Sender) -> Result<Value, Failure> {
        let challenge = Proof::challenge();
        let path = format!("/api/health?challenge={challenge}");
        let request = self.request(Method::GET, &path).body(Full::default())?;
        let answer = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
        let health: Value = serde_json::from_slice(&answer)?;
        // Another version may say more or less; this much each one says.
        let said = |name: &str| health.get(name).and_then(Value::as_str);
        let (Some(folder), Some(proof)) = (said("data_dir"), said("proof")) else {
            return Err("it proves nothing".into());
        };
        let is_there = matches!(self.whose, Whose::Holder) || folder == self.proof.folder();
        match is_there && self.proof.holds(&challenge, self.port, folder, proof) {
            true => Ok(health),
            false => Err("it is another one".into()),
        }
    }

    /// Its dashboard's address.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Whether it asks for the token.
    pub fn wants_token(&self) -> bool {
        self.wants_token.load(Ordering::Relaxed)
    }

    /// Its dashboard's port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Asks its engine something that may take as long as it takes.
    pub async fn ask_patiently(&self, request: &Request) -> Result<Reply, ApiError> {
        let question = serde_json::to_string(request).map_err(|error| unreadable(&error))?;
        read(self.fetch(Method::POST, "/api/rpc", question).await)
    }

    /// Writes every call it stores as a line of JSON; how many.
    pub async fn export(&self, to: &mut dyn std::io::Write) -> std::io::Result<u64> {
        let copy = async |mut response: Response<Incoming>| {
            let mut calls = 0;
            while let Some(frame) = response.body_mut().frame().await {
                let Some(data) = frame?.into_data().ok() else { continue };
                calls += data.iter().filter(|byte| **byte == b'\n').count() as u64;
                to.write_all(&data)?;
            }
            Ok(calls)
        };
        self.exchange(Method::GET, "/api/export/calls", String::new(), copy)
            .await
            .map_err(std::io::Error::other)
    }

    /// Asks its engine.
    pub async fn ask(&self, request: &Request) -> Result<Reply, ApiError> {
        self.ask_within(DEADLINE, request).await
    }

    /// Asks its engine what it has to ask others for.
    pub async fn ask_long(&self, request: &Request) -> Result<Reply, ApiError> {
        self.ask_within(LONG_DEADLINE, request).await
    }

    async fn ask_within(&self, deadline: Duration, request: &Request) -> Result<Reply, ApiError> {
        let question = serde_json::to_string(request).map_err(|error| unreadable(&error))?;
        let answer = tokio::time::timeout(deadline, self.fetch(Method::POST, "/api/rpc", question)).await;
        read(answer.map_err(|_| silent())?)
    }

    /// Hands over its events until the connection ends.
    pub async fn watch(&self, mut on: impl FnMut(Event)) {
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

    async fn fetch(&self, method: Method, path: &str, body: String) -> Result<(bool, Bytes), Failure> {
        let read = async |response: Response<Incoming>| {
            let well = response.status().is_success();
            Ok((well, response.into_body().collect().await?.to_bytes()))
        };
        self.exchange(method, path, body, read).await
    }

    /// One request on a connection of its own, which lives until `read` is done with the answer.
    async fn exchange<T>(
        &self,
        method: Method,
        path: &str,
        body: String,
        read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (mut sender, connection) = self.connect().await?;
        let answer = async {
            let mut request = self.request(method, path);
            let token = engine::token(&self.folder).filter(|_| self.wants_token.load(Ordering::Relaxed));
            if let Some(token) = token {
                // Only to whoever proves on this very connection that the token is known there anyway.
                self.proven(&mut sender).await?;
                sender.ready().await?;
                let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal()))?;
                value.set_sensitive(true);
                request = request.header(header::AUTHORIZATION, value);
            }
            let request = request.body(Full::<Bytes>::from(body))?;
            read(sender.send_request(request).await?).await
        };
        driven(connection, answer).await
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, format!("localhost:{}", self.port))
            .header(header::CONTENT_TYPE, "application/json")
    }

    async fn connect(&self) -> Result<(Sender, Connection), Failure> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        Ok(http1::handshake(TokioIo::new(stream)).await?)
    }
}

/// The answer that comes over a connection, which only moves while it is polled.
async fn driven<T>(
    connection: Connection,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    // When it ends first, the answer says how.
    let connection = async {
        let _told_by_the_answer = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = answer => answer,
        () = connection => Err("the connection ended".into()),
    }
}

fn silent() -> ApiError {
    ApiError::new(ErrorKind::Unavailable, "The other LLMFlow does not answer. Look whether it still runs.")
}

fn read(answer: Result<(bool, Bytes), Failure>) -> Result<Reply, ApiError> {
    let (well, body) = answer.map_err(|_| silent())?;
    if well {
        return serde_json::from_slice(&body).map_err(|error| unreadable(&error));
    }
    Err(serde_json::from_slice(&body).unwrap_or_else(|_| silent()))
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        ErrorKind::Internal,
        format!("The other LLMFlow said something that is not understood: {error}. Are both of one version?"),
    )
}

#[cfg(test)]
mod tests {
    use engine::{Engine, Settings};
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::Assets;

    /// An engine on a folder of its own, with a dashboard.
    async fn start(folder: &Path) -> (Engine, u16, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let settings = Settings {
            proxy_port: 0,
            dashboard_port: port,
            data_dir: folder.to_owned(),
            keychain: false,
            ..Settings::default()
        };
        let (engine, stop) = (Engine::start(settings).await.unwrap(), CancellationToken::new());
        let pages = crate::serve(engine.clone(), Assets::built_in(), listener, stop.clone());
        let _served_until_stop = TaskTracker::new().spawn(pages);
        (engine, port, stop)
    }

    #[tokio::test]
    async fn only_the_one_with_our_folder_is_found() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (us, port, stop) = start(ours.path()).await;
        let (them, their_port, their_stop) = start(theirs.path()).await;
        let found = async |folder: &Path, port| Remote::find(folder, port).await.map(|found| found.port());
        assert_eq!(found(ours.path(), 0).await, Some(port), "the one that holds the folder");
        assert_eq!(found(ours.path(), their_port).await, Some(port), "whatever the settings say");
        assert_eq!(found(theirs.path(), port).await, Some(their_port));
        let nowhere = tempfile::tempdir().unwrap();
        assert_eq!(found(nowhere.path(), port).await, None, "another account's");
        let bare = |folder| Remote::at(folder, port, Whose::Anybody);
        assert!(bare(ours.path()).await.is_some() && bare(theirs.path()).await.is_none());
        for folder in [&nowhere, &theirs] {
            let key = ours.path().join("fingerprint.key");
            let _there_already = std::fs::copy(key, folder.path().join("fingerprint.key")).unwrap();
        }
        assert!(bare(nowhere.path()).await.is_none(), "a copy of a folder is another folder");
        for (engine, stop) in [(us, stop), (them, their_stop)] {
            stop.cancel();
            engine.shutdown(Duration::ZERO).await.unwrap();
        }
    }

    #[tokio::test]
    async fn who_says_what_we_say_without_a_proof_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, _, stop) = start(folder.path()).await;
        let said = serde_json::json!({
            "status": "ok", "service": "dashboard", "sources": [], "proof": "00".repeat(32),
            "data_dir": Proof::of(folder.path()).unwrap().folder(),
        });
        let impostor = axum::Router::new().fallback(move || async move { axum::Json(said) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = TaskTracker::new().spawn(async move { axum::serve(listener, impostor).await });
        for whose in [Whose::Anybody, Whose::Holder] {
            assert!(Remote::at(folder.path(), port, whose).await.is_none(), "{whose:?}");
        }
        serving.abort();
        stop.cancel();
        engine.shutdown(Duration::ZERO).await.unwrap();
    }
}
