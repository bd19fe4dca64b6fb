//! Sends batches of spans as fast as they are taken, each connection waiting for its answer before it sends again, as
//! exporters do. Leaves out what is sent (`otlp`) and where to (`collectors`).

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;

use crate::collectors::Collector;
use crate::http::{Connection, PATIENCE};
use crate::otlp::{Batches, Encoding, Shape};
use crate::statistics::Samples;

const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// A load with more refusals than this is broken, and ends.
const REFUSALS: u64 = 100_000;
/// A refused sender comes again after this.
const AGAIN: Duration = Duration::from_millis(5);

/// How spans travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Protobuf,
    Json,
    Grpc,
}

impl Transport {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "HTTP protobuf",
            Self::Json => "HTTP JSON",
            Self::Grpc => "gRPC",
        }
    }

    fn encoding(self) -> Encoding {
        if self == Self::Json { Encoding::Json } else { Encoding::Protobuf }
    }
}

/// What is sent, how, and how much of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) shape: Shape,
    pub(crate) transport: Transport,
    /// Spans in a batch.
    pub(crate) batch: usize,
    /// Connections.
    pub(crate) lanes: u64,
    /// For so long,
    pub(crate) duration: Duration,
    /// but no more spans than this.
    pub(crate) most: u64,
}

/// What a load gave.
pub(crate) struct Sent {
    /// Spans that were acknowledged.
    pub(crate) spans: u64,
    /// Answers that asked to come again.
    pub(crate) refused: u64,
    /// Bytes that were sent, without heads.
    pub(crate) bytes: u64,
    /// From sending a batch to its acknowledgement.
    pub(crate) latencies: Samples,
    pub(crate) elapsed: Duration,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Taken,
    ComeAgain,
}

enum Lane<'a> {
    Http(Connection, String),
    Grpc(&'a Runtime, http2::SendRequest<Full<Bytes>>, SocketAddr),
}

impl Lane<'_> {
    fn send(&mut self, batch: &[u8], request: &mut Vec<u8>) -> Result<Answer> {
        match self {
            Self::Http(connection, head) => {
                request.clear();
                request.extend(head.as_bytes());
                request.extend(format!("content-length: {}\r\n\r\n", batch.len()).as_bytes());
                request.extend(batch);
                let answer = connection.ask(request)?;
                match answer.status {
                    200 => Ok(Answer::Taken),
                    429 | 503 => Ok(Answer::ComeAgain),
                    status => anyhow::bail!("status {status}: {}", String::from_utf8_lossy(&answer.body)),
                }
            }
            Self::Grpc(runtime, sender, to) => {
                let mut message = BytesMut::with_capacity(batch.len() + 5);
                message.put_u8(0);
                message.put_u32(u32::try_from(batch.len())?);
                message.put_slice(batch);
                let request = Request::post(format!("http://{to}{METHOD}"))
                    .header("content-type", "application/grpc")
                    .header("te", "trailers")
                    .body(Full::new(message.freeze()))?;
                let asking = async {
                    sender.ready().await?;
                    let (head, body) = sender.send_request(request).await?.into_parts();
                    let trailers = body.collect().await?.trailers().cloned();
                    anyhow::Ok((head.headers, trailers))
                };
                let patience = async { tokio::time::timeout(PATIENCE, asking).await };
                let (head, trailers) = runtime.block_on(patience)??;
                grpc_answer(trailers.as_ref().unwrap_or(&head))
            }
        }
    }
}

fn grpc_answer(headers: &HeaderMap) -> Result<Answer> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("grpc-status").context("no status")? {
        "0" => Ok(Answer::Taken),
        "14" | "8" => Ok(Answer::ComeAgain),
        other => anyhow::bail!("gRPC status {other}: {}", text("grpc-message").unwrap_or_default()),
    }
}

/// Sends until the time is over or enough is sent.
pub(crate) fn send(to: &Collector, load: Load) -> Result<Sent> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let pool = crate::otlp::pool();
    let mut lanes = Vec::new();
    for number in 0..load.lanes {
        let batches = Batches::new(load.shape, load.transport.encoding(), load.batch, number, pool.clone());
        lanes.push((open(to, load.transport, &runtime)?, batches));
    }
    let (spans, bytes, refused) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let (all, failed, broken) = (Mutex::new(Vec::new()), Mutex::new(None), AtomicBool::new(false));
    let began = Instant::now();
    thread::scope(|scope| {
        for (mut lane, mut batches) in lanes {
            let (spans, bytes, refused, all, failed, broken) =
                (&spans, &bytes, &refused, &all, &failed, &broken);
            scope.spawn(move || {
                let (mut latencies, mut request) = (Vec::new(), Vec::new());
                let enough = || {
                    began.elapsed() >= load.duration
                        || spans.load(Ordering::Relaxed) >= load.most
                        || refused.load(Ordering::Relaxed) > REFUSALS
                        || broken.load(Ordering::Relaxed)
                };
                while !enough() {
                    let batch = batches.next();
                    let asked = Instant::now();
                    let answer = loop {
                        match lane.send(batch, &mut request) {
                            Ok(Answer::ComeAgain) if !enough() => {
                                refused.fetch_add(1, Ordering::Relaxed);
                                thread::sleep(AGAIN);
                            }
                            answer => break answer,
                        }
                    };
                    match answer {
                        Ok(Answer::Taken) => {
                            latencies.push(asked.elapsed());
                            spans.fetch_add(load.batch as u64, Ordering::Relaxed);
                            bytes.fetch_add(batch.len() as u64, Ordering::Relaxed);
                        }
                        Ok(Answer::ComeAgain) => {}
                        Err(error) => {
                            broken.store(true, Ordering::Relaxed);
                            if let Ok(mut failed) = failed.lock() {
                                failed.get_or_insert(error);
                            }
                        }
                    }
                }
                if let Ok(mut all) = all.lock() {
                    all.append(&mut latencies);
                }
            });
        }
    });
    let elapsed = began.elapsed();
    if let Some(error) = failed.into_inner().unwrap_or_default() {
        return Err(error.context(to.name));
    }
    Ok(Sent {
        spans: spans.into_inner(),
        refused: refused.into_inner(),
        bytes: bytes.into_inner(),
        latencies: Samples::new(all.into_inner().unwrap_or_default()),
        elapsed,
    })
}

fn open<'a>(to: &Collector, transport: Transport, runtime: &'a Runtime) -> Result<Lane<'a>> {
    let content_type = match transport {
        Transport::Protobuf => "application/x-protobuf",
        Transport::Json => "application/json",
        Transport::Grpc => {
            let address = to.grpc.with_context(|| format!("{} speaks no gRPC", to.name))?;
            let sender = runtime.block_on(async {
                let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await??;
                stream.set_nodelay(true)?;
                let mut handshake = http2::Builder::new(TokioExecutor::new());
                // A batch in one go, as exporters in other languages are set.
                handshake.initial_stream_window_size(1 << 20).initial_connection_window_size(1 << 22);
                let (sender, connection) = handshake.handshake(TokioIo::new(stream)).await?;
                TaskTracker::new().spawn(connection);
                anyhow::Ok(sender)
            })?;
            return Ok(Lane::Grpc(runtime, sender, address));
        }
    };
    let head = format!("POST /v1/traces HTTP/1.1\r\nhost: {}\r\ncontent-type: {content_type}\r\n", to.http);
    Ok(Lane::Http(Connection::open(to.http)?, head))
}
