//! A client as the SDKs have one (hyper), by HTTP/1.1 and by HTTP/2: the same program for both, so that what differs is
//! how they travel. Leaves out the load (`load`).

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::TaskTracker;

use crate::http::PATIENCE;
use crate::load::{Destination, HEADERS, Lane, Requests};

/// Which HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// A connection a request at a time.
    One,
    /// One connection for all of them, begun by who knows that it is understood.
    Two,
}

/// Where the clients' connections live.
pub(crate) struct Clients {
    runtime: Runtime,
}

impl Clients {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { runtime: Builder::new_multi_thread().enable_all().build()? })
    }

    /// Carries `count` requests at a time.
    pub(crate) fn open(&self, to: Destination, version: Version, count: usize) -> Result<Vec<Modern>> {
        let headers = headers(to, version)?;
        let lane = |sender| Modern {
            handle: self.runtime.handle().clone(),
            sender,
            to,
            version,
            headers: headers.clone(),
        };
        let connect = || self.runtime.block_on(connect(to, version));
        match version {
            Version::One => (0..count).map(|_| Ok(lane(connect()?))).collect(),
            Version::Two => {
                let shared = connect()?;
                (0..count).map(|_| Ok(lane(shared.again().context("HTTP/2 is shared")?))).collect()
            }
        }
    }
}

/// Carries one request at a time.
pub(crate) struct Modern {
    handle: Handle,
    sender: Sender,
    to: Destination,
    version: Version,
    headers: HeaderMap,
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Sender {
    /// The same connection for one more request at a time.
    fn again(&self) -> Option<Self> {
        match self {
            Self::One(_) => None,
            Self::Two(sender) => Some(Self::Two(sender.clone())),
        }
    }

    /// Sends a request and reads its whole answer; the status.
    async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<u16> {
        let answer = match self {
            Self::One(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Self::Two(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        Ok(status)
    }
}

impl Lane for Modern {
    fn ask(&mut self, requests: &Requests) -> Result<u16> {
        let mut request = Request::post(self.to.path).body(Full::new(Bytes::from(requests.body())))?;
        if self.version == Version::Two {
            *request.uri_mut() = format!("http://{}{}", self.to.address, self.to.path).parse()?;
        }
        request.headers_mut().clone_from(&self.headers);
        let asking = async { tokio::time::timeout(PATIENCE, self.sender.ask(request)).await };
        self.handle.block_on(asking)?
    }

    fn renew(&mut self) -> Result<()> {
        self.sender = self.handle.block_on(connect(self.to, self.version))?;
        Ok(())
    }
}

fn headers(to: Destination, version: Version) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if version == Version::One {
        headers.insert(header::HOST, HeaderValue::from_str(&to.address.to_string())?);
    }
    for (name, value) in HEADERS.lines().filter_map(|line| line.split_once(": ")) {
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
    }
    Ok(headers)
}

async fn connect(to: Destination, version: Version) -> Result<Sender> {
    let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(to.address)).await??;
    stream.set_nodelay(true)?;
    let stream = TokioIo::new(stream);
    Ok(match version {
        Version::One => {
            let (sender, connection) = http1::handshake(stream).await?;
            TaskTracker::new().spawn(connection);
            Sender::One(sender)
        }
        Version::Two => {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            TaskTracker::new().spawn(connection);
            Sender::Two(sender)
        }
    })
}
