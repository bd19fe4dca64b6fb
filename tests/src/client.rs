//! A raw HTTP/1.1 client that keeps exactly what came back, and can leave in the middle.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::contract;
use crate::http1::{BodyEnd, Head, Wire};
use crate::wait::within;

/// How a response ended for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Properly, as its framing promised.
    Whole,
    /// The connection closed before that.
    Broken,
    /// There was no response at all.
    Nothing,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status line and headers.
    pub head: Head,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// How it ended.
    pub ended: Ended,
}

impl Response {
    /// The status; 0 when there was no response.
    pub fn status(&self) -> u16 {
        status(&self.head)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; fails with the body when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }
}

fn status(head: &Head) -> u16 {
    head.start.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// A connection with a request under way.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    method: String,
    head: Head,
    end: BodyEnd,
}

impl Client {
    /// Connects and writes `request`, byte for byte.
    pub async fn open(address: SocketAddr, request: &[u8]) -> Self {
        Self::try_open(address, request).await.unwrap()
    }

    /// The same for a server that may be gone.
    pub async fn try_open(address: SocketAddr, request: &[u8]) -> std::io::Result<Self> {
        let stream = within("connecting", TcpStream::connect(address)).await?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            wire: Wire::new(stream),
            method: String::from_utf8_lossy(request).split(' ').next().unwrap_or_default().to_owned(),
            head: Head::default(),
            end: BodyEnd::After(0),
        };
        client.write(request).await;
        Ok(client)
    }

    /// Writes more of the request. A server that answered early may have closed already: that is no fault.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _closed_early = within("writing the request", self.wire.write(bytes)).await;
    }

    /// The response's head; `None` when the server closes instead.
    pub async fn head(&mut self) -> Option<Head> {
        self.head = within("the response's head", self.wire.head()).await.ok().flatten()?;
        self.end = BodyEnd::of_response(&self.head, &self.method);
        Some(self.head.clone())
    }

    /// The status of the response, whose body may never end; 0 when there is none.
    pub async fn status(mut self) -> u16 {
        self.head().await.as_ref().map_or(0, status)
    }

    /// The next piece of the body. `Ok(None)` at its proper end, an error when it breaks off.
    pub async fn piece(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        within("the response's next piece", self.wire.piece(&mut self.end)).await
    }

    /// Reads until `count` bytes of the body are there.
    pub async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut body = Vec::new();
        while body.len() < count {
            match self.piece().await.unwrap() {
                Some(piece) => body.extend(piece),
                None => panic!("the body ended after {} of {count} bytes", body.len()),
            }
        }
        body
    }

    /// Everything that is left after the head.
    pub async fn rest(mut self) -> Response {
        assert!(!self.head.start.is_empty(), "the head is read first: without it nothing is waited for");
        let mut body = Vec::new();
        let ended = loop {
            match self.piece().await {
                Ok(Some(piece)) => body.extend(piece),
                Ok(None) => break Ended::Whole,
                Err(_) => break Ended::Broken,
            }
        };
        Response { head: self.head, body, ended }
    }
}

/// One request and its whole response.
pub async fn send(address: SocketAddr, request: &[u8]) -> Response {
    try_send(address, request).await.unwrap()
}

/// The same for a server that may be gone. What a dashboard answers has to be as it documents it.
pub async fn try_send(address: SocketAddr, request: &[u8]) -> std::io::Result<Response> {
    let response = exchange(address, request).await?;
    contract::hold(address, request, &response).await;
    Ok(response)
}

/// The same whatever is answered.
pub(crate) async fn exchange(address: SocketAddr, request: &[u8]) -> std::io::Result<Response> {
    let mut client = Client::try_open(address, request).await?;
    Ok(match client.head().await {
        Some(_) => client.rest().await,
        None => Response { head: Head::default(), body: Vec::new(), ended: Ended::Nothing },
    })
}
