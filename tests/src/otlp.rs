//! Somebody else's OTLP: the official messages, sent over every transport. Owns sending and what comes back.
//! Leaves out what is in them (`corpus`), their JSON (`json`) and how the API shows them (`shown`).

mod corpus;
mod grpc;
mod heard;
mod json;
mod shown;

use std::io::Write as _;
use std::net::SocketAddr;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::Value;

use crate::client::{Response, try_send};

pub use corpus::{Corpus, attribute, int, spans_named, text};
pub use grpc::Grpc;
pub use heard::heard;
pub use json::{point_json, to_json};
pub use opentelemetry_proto::tonic as proto;
pub use shown::{attributes, plain, reporter, value};
pub use tonic::Code;

/// What one request carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Export {
    /// Spans.
    Traces(ExportTraceServiceRequest),
    /// Log records.
    Logs(ExportLogsServiceRequest),
    /// Metrics.
    Metrics(ExportMetricsServiceRequest),
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// zlib, which HTTP calls deflate.
    Deflate,
    /// Zstandard.
    Zstd,
}

impl Encoding {
    /// The type's name.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

impl Packing {
    /// The header that names it, with its end.
    pub fn header(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => "Content-Encoding: gzip\r\n",
            Self::Deflate => "Content-Encoding: deflate\r\n",
            Self::Zstd => "Content-Encoding: zstd\r\n",
        }
    }

    /// The bytes, packed.
    pub fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::None => bytes.to_vec(),
            Self::Gzip => crate::gzip(bytes),
            Self::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Self::Zstd => zstd::encode_all(bytes, 1).unwrap(),
        }
    }
}

impl Export {
    /// The path that takes it.
    pub fn path(&self) -> &'static str {
        match self {
            Self::Traces(_) => "/v1/traces",
            Self::Logs(_) => "/v1/logs",
            Self::Metrics(_) => "/v1/metrics",
        }
    }

    /// The body.
    pub fn encode(&self, encoding: Encoding) -> Vec<u8> {
        match (encoding, self) {
            (Encoding::Json, _) => to_json(self).to_string().into_bytes(),
            (Encoding::Protobuf, Self::Traces(request)) => request.encode_to_vec(),
            (Encoding::Protobuf, Self::Logs(request)) => request.encode_to_vec(),
            (Encoding::Protobuf, Self::Metrics(request)) => request.encode_to_vec(),
        }
    }

    /// The whole HTTP request.
    pub fn request(&self, encoding: Encoding, packing: Packing) -> Vec<u8> {
        let body = packing.pack(&self.encode(encoding));
        post_otlp(self.path(), encoding.content_type(), packing.header(), &body)
    }

    /// Sends it; what came back.
    pub async fn send(&self, to: SocketAddr, encoding: Encoding, packing: Packing) -> Response {
        self.try_send(to, encoding, packing).await.unwrap()
    }

    /// The same to somebody who may be gone.
    pub async fn try_send(
        &self,
        to: SocketAddr,
        encoding: Encoding,
        packing: Packing,
    ) -> std::io::Result<Response> {
        try_send(to, &self.request(encoding, packing)).await
    }

    /// Sends it as protobuf and wants all of it to be taken.
    pub async fn deliver(&self, to: SocketAddr) {
        let response = self.send(to, Encoding::Protobuf, Packing::None).await;
        assert_eq!((response.status(), response.body.len()), (200, 0), "{}", response.text());
    }
}

/// A request to a collector, header lines and their ends in `more`.
pub fn post_otlp(path: &str, content_type: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n{more}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// What an answer says of a part that was not taken: how many, and why. Fails where it is no such answer.
pub fn rejected(response: &Response, encoding: Encoding) -> (u64, String) {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
    assert_eq!(response.status(), 200, "{}", response.text());
    match encoding {
        // The three answers have the same shape on the wire.
        Encoding::Protobuf => {
            let answer = ExportTraceServiceResponse::decode(response.body.as_slice()).unwrap();
            let part = answer.partial_success.expect("a part was not taken");
            (part.rejected_spans.unsigned_abs(), part.error_message)
        }
        Encoding::Json => {
            let answer: Value = response.json();
            let part = &answer["partialSuccess"];
            let counts = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"];
            let count = counts.iter().find_map(|name| part[name].as_str()?.parse().ok());
            (count.expect("a count, as a text"), part["errorMessage"].as_str().unwrap().to_owned())
        }
    }
}

/// The message of `google.rpc.Status`, in which what went wrong is told.
pub fn status_message(response: &Response, encoding: Encoding) -> String {
    #[derive(Clone, PartialEq, Message)]
    struct Status {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
    }
    match encoding {
        Encoding::Protobuf => Status::decode(response.body.as_slice()).unwrap().message,
        Encoding::Json => response.json()["message"].as_str().unwrap().to_owned(),
    }
}
