//! OTLP over gRPC: one unary method a signal. Its framing is five bytes and two trailers, written here, so that a message
//! is decompressed under the same limit and decoded on the same threads as over HTTP; a framework would do both, on the
//! threads that serve, before we see it.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt, Full};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::answer::{self, Outcome};
use crate::body;
use crate::decode::{Encoding, Signal};
use crate::problem::Problem;
use crate::receiver::{Kind, Receiver, Said};
use crate::unpack::Coding;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The method of a signal.
pub(crate) fn path(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    }
}

/// Whether a path is a method that there is.
pub(crate) fn is_method(path: &str) -> bool {
    [Signal::Traces, Signal::Logs, Signal::Metrics].into_iter().any(|signal| self::path(signal) == path)
}

/// There is no such method.
pub(crate) fn unknown(path: &str) -> Problem {
    Problem::Unknown(format!(
        "LLMFlow has no gRPC method {path:?}: it takes Export of OTLP's TraceService, LogsService and MetricsService; leave other signals out (OTEL_TRACES_EXPORTER, OTEL_LOGS_EXPORTER and OTEL_METRICS_EXPORTER choose), and give OTEL_EXPORTER_OTLP_ENDPOINT without a path"
    ))
}

/// Whether a request speaks gRPC.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    content_type.starts_with(b"application/grpc")
        && matches!(content_type.get(16), None | Some(b'+' | b';' | b' '))
}

pub(crate) async fn answer(receiver: Receiver, signal: Signal, request: Request) -> Response {
    match take(&receiver, signal, request).await {
        Ok((kind, outcome)) => success(&outcome, kind.signal),
        Err(problem) => failure(&problem),
    }
}

async fn take(receiver: &Receiver, signal: Signal, request: Request) -> Result<(Kind, Outcome), Problem> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Err(Problem::Method);
    }
    if !is_grpc(&parts.headers) {
        return Err(Problem::Unsupported("a gRPC method wants the content type application/grpc".to_owned()));
    }
    let limit = receiver.inbox.limits().body;
    let (body, room) = body::read(&parts.headers, body, limit + PREFIX, &receiver.inbox).await?;
    let (compressed, message) = message(&body)?;
    let coding = parts.headers.get(ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let coding = Coding::named(coding)?.filter(|_| compressed);
    let said = Said {
        signal: Some(signal),
        encoding: Some(Encoding::Protobuf),
        codings: coding.into_iter().collect(),
    };
    receiver.take(said, message, room).await
}

/// The one message of a unary call.
fn message(body: &Bytes) -> Result<(bool, Bytes), Problem> {
    let malformed = |why: &str| Problem::Malformed(format!("the gRPC message {why}"));
    let (prefix, rest) = body.split_first_chunk::<PREFIX>().ok_or_else(|| malformed("is missing"))?;
    let [compressed, length @ ..] = *prefix;
    let length = u32::from_be_bytes(length) as usize;
    if length != rest.len() {
        return Err(malformed("is not as long as it says"));
    }
    match compressed {
        0 | 1 => Ok((compressed == 1, body.slice(PREFIX..))),
        _ => Err(malformed("has an unknown flag")),
    }
}

fn success(outcome: &Outcome, signal: Signal) -> Response {
    let message = answer::success(outcome, signal, Encoding::Protobuf);
    let mut frame = BytesMut::with_capacity(PREFIX + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    let body = Full::new(frame.freeze()).with_trailers(async move { Some(Ok(trailers)) });
    respond(Body::new(body))
}

/// An answer without a message: its trailers come in place of headers.
pub(crate) fn failure(problem: &Problem) -> Response {
    let mut response = respond(Body::empty());
    let headers = response.headers_mut();
    headers.insert(STATUS, problem.code().into());
    let encoded = percent_encode(&problem.message());
    headers.extend(HeaderValue::try_from(encoded).map(|value| (MESSAGE, value)));
    if let Some(after) = problem.retry_after() {
        let details = STANDARD_NO_PAD.encode(answer::status(problem, Encoding::Protobuf));
        headers.extend(HeaderValue::try_from(details).map(|value| (DETAILS, value)));
        headers.extend(HeaderValue::try_from(answer::seconds(after)).map(|value| (RETRY_AFTER, value)));
    }
    response
}

fn respond(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd, deflate, identity"));
    response
}

/// What `grpc-message` does not hold as it is: whatever is not printable, and the percent sign.
const NOT_PRINTABLE: &AsciiSet = &CONTROLS.add(b'%');

fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, NOT_PRINTABLE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_framed() {
        let body = Bytes::from_static(b"\x01\0\0\0\x02hi");
        assert_eq!(message(&body).unwrap(), (true, Bytes::from_static(b"hi")));
        for wrong in [&b""[..], b"\0\0\0\0", b"\0\0\0\0\x03hi", b"\0\0\0\0\x01hi", b"\x02\0\0\0\0"] {
            assert!(message(&Bytes::from_static(wrong)).is_err(), "{wrong:?}");
        }
        assert_eq!(percent_encode("100% é\n"), "100%25 %C3%A9%0A");
    }
}
