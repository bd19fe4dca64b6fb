//! A collector with a store that is none, and a client.

use std::collections::VecDeque;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use axum::Router;
use bytes::{BufMut, Bytes, BytesMut};
use collector::{
    Counts, Delivery, Encoding, Inbox, Limits, Receiver, Refused, Taken, Waiting, encode, own_spans, serve,
};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use futures_util::stream;
use guard::{Guard, Rules, Tokens};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use model::telemetry::wire::{Attributes, Export, Origin, Span, Value};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

pub(crate) const LIMITS: Limits = Limits { body: 1 << 20, waiting: 8 << 20 };

/// One that answers everything alike.
pub(crate) struct Collector {
    address: SocketAddr,
    inbox: Inbox,
    receiver: Receiver,
    deliveries: tokio::sync::Mutex<mpsc::Receiver<Export>>,
    go: watch::Sender<bool>,
    stop: CancellationToken,
    serving: Mutex<Option<JoinHandle<()>>>,
    tasks: TaskTracker,
}

/// What a sender heard.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    headers: HeaderMap,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A header or a trailer; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }
}

pub(crate) fn spans(count: u64) -> Export {
    let span = |number: u64| Span {
        trace_id: [7; 16],
        span_id: (number + 1).to_be_bytes(),
        name: format!("span {number}"),
        start_ns: number,
        attributes: Attributes(vec![("number".to_owned(), Value::Int(number.cast_signed()))]),
        ..Span::default()
    };
    Export::Traces(vec![(Origin::default(), (0..count).map(span).collect())])
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

impl Collector {
    pub(crate) async fn start(answer: Result<Taken, Refused>) -> Self {
        let (sender, mut inbox_end) = mpsc::channel::<Delivery>(64);
        let inbox = Inbox::new(sender, LIMITS, Arc::new(Counts::default()));
        let receiver = Receiver::new(inbox.clone());
        let (exports, deliveries) = mpsc::channel(64);
        let (go, mut going) = watch::channel(true);
        let tasks = TaskTracker::new();
        tasks.spawn(async move {
            let mut waiting = VecDeque::new();
            while let Some(delivery) = inbox_end.recv().await {
                exports.send(delivery.export).await.unwrap();
                waiting.push_back((delivery.done, delivery.room));
                going.wait_for(|go| *go).await.unwrap();
                for (done, room) in waiting.drain(..) {
                    drop(room);
                    done.send(answer.clone()).ok();
                }
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let rules = Rules { origins: vec!["http://allowed".to_owned()], ..Rules::default() };
        let guard = Guard::new(rules, Tokens::new("none"));
        let serving = tasks.spawn(serve(
            receiver.clone(),
            guard,
            listener,
            tasks.clone(),
            stop.clone(),
            CancellationToken::new(),
        ));
        let (deliveries, serving) = (tokio::sync::Mutex::new(deliveries), Mutex::new(Some(serving)));
        Self { address, inbox, receiver, deliveries, go, stop, serving, tasks }
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.receiver.pause(paused);
    }

    pub(crate) fn hold_answers(&self) {
        self.go.send_replace(false);
    }

    pub(crate) fn let_answers_go(&self) {
        self.go.send_replace(true);
    }

    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// The port is closed.
    pub(crate) async fn closed(&self) {
        let serving = self.serving.lock().unwrap().take();
        serving.unwrap().await.unwrap();
    }

    pub(crate) async fn delivered(&self) -> Export {
        self.deliveries.lock().await.recv().await.unwrap()
    }

    pub(crate) fn nothing_delivered(&self) -> bool {
        self.deliveries.try_lock().unwrap().try_recv().is_err()
    }

    pub(crate) fn rejected(&self) -> u64 {
        self.inbox.counts().rejected.load(Ordering::Relaxed)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.inbox.counts().refused.load(Ordering::Relaxed)
    }

    pub(crate) fn take_all_room(&self) -> Waiting {
        self.inbox.reserve(LIMITS.waiting).unwrap()
    }

    /// Bytes that are not free, to a kilobyte.
    pub(crate) fn room_taken(&self) -> usize {
        let free = |bytes: usize| self.inbox.reserve(bytes).is_ok();
        (0..=8).find(|taken| free(LIMITS.waiting - (taken << 20))).map_or(usize::MAX, |taken| taken << 20)
    }

    /// A request whose body has begun, with so many bytes, and does not go on.
    pub(crate) async fn begin(&self, bytes: usize) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let announced = LIMITS.body;
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {announced}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b' '; bytes]).await.unwrap();
        stream
    }

    pub(crate) async fn post(&self, path: &str, content_type: &str, coding: &str, body: &[u8]) -> Answer {
        let mut headers = vec![];
        if !content_type.is_empty() {
            headers.push(("content-type", content_type));
        }
        if !coding.is_empty() {
            headers.push(("content-encoding", coding));
        }
        self.send(Method::POST, path, &headers, body).await
    }

    /// To the route for LLMFlow's own spans, which is not the listener's.
    pub(crate) async fn post_own(&self, coding: &str, body: &[u8]) -> Answer {
        let mut router = Router::new().route("/api/spans", own_spans(self.receiver.clone()));
        let headers = [("content-type", "application/json"), ("content-encoding", coding)];
        let request = request(self.address, Method::POST, "/api/spans", &headers);
        let response =
            router.call(request.body(axum::body::Body::from(body.to_vec())).unwrap()).await.unwrap();
        heard(response).await
    }

    pub(crate) fn post_later(
        &self,
        path: &'static str,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> JoinHandle<Answer> {
        let address = self.address;
        self.tasks.spawn(async move {
            let request = request(address, Method::POST, path, &[("content-type", content_type)]);
            call(request.body(Full::from(body).boxed()).unwrap(), false).await
        })
    }

    pub(crate) async fn post_in_chunks(
        &self,
        path: &str,
        content_type: &str,
        body: &[u8],
        size: usize,
    ) -> Answer {
        let frames: Vec<_> = body
            .chunks(size)
            .map(|chunk| Ok::<_, std::convert::Infallible>(Frame::data(Bytes::copy_from_slice(chunk))))
            .collect();
        let body = StreamBody::new(stream::iter(frames)).boxed();
        let request = request(self.address, Method::POST, path, &[("content-type", content_type)]);
        call(request.body(body).unwrap(), false).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let body = Full::from(body.to_vec()).boxed();
        call(request(self.address, method, path, headers).body(body).unwrap(), false).await
    }

    pub(crate) async fn grpc(&self, path: &str, coding: &str, export: &Export) -> Answer {
        let message = encode(export, Encoding::Protobuf);
        let message = match coding {
            "gzip" => gzip(&message),
            "deflate" => zlib(&message),
            "zstd" => zstd::encode_all(&*message, 0).unwrap(),
            _ => message,
        };
        let mut frame = BytesMut::new();
        frame.put_u8(u8::from(!coding.is_empty()));
        frame.put_u32(message.len() as u32);
        frame.put_slice(&message);
        self.grpc_raw(path, coding, &frame).await
    }

    pub(crate) async fn grpc_raw(&self, path: &str, coding: &str, frame: &[u8]) -> Answer {
        let coding = if coding.is_empty() { "identity" } else { coding };
        let headers = [("content-type", "application/grpc"), ("grpc-encoding", coding), ("te", "trailers")];
        let body = Full::from(frame.to_vec()).boxed();
        call(request(self.address, Method::POST, path, &headers).body(body).unwrap(), true).await
    }
}

type Body = BoxBody<Bytes, std::convert::Infallible>;

fn request(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> http::request::Builder {
    let request = Request::builder().method(method).uri(format!("http://{address}{path}"));
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

async fn call(request: Request<Body>, http2: bool) -> Answer {
    let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    heard(client.request(request).await.unwrap()).await
}

async fn heard<B: hyper::body::Body<Error: std::fmt::Debug>>(response: http::Response<B>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap();
    let mut headers = parts.headers;
    headers.extend(body.trailers().cloned().unwrap_or_default());
    let content_type = headers.get("content-type").map(|value| value.to_str().unwrap().to_owned());
    Answer {
        status: parts.status,
        content_type: content_type.unwrap_or_default(),
        body: body.to_bytes().to_vec(),
        headers,
    }
}
