//! OTLP over HTTP: paths, content types, statuses.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method};

use crate::answer::{self, Outcome};
use crate::body;
use crate::decode::{Encoding, Signal};
use crate::over_grpc;
use crate::problem::Problem;
use crate::receiver::{Kind, Receiver, Said};
use crate::unpack::Coding;

const SIGNALS: [(Signal, &str); 3] =
    [(Signal::Traces, "traces"), (Signal::Logs, "logs"), (Signal::Metrics, "metrics")];
const PREFIXES: [&str; 2] = ["/v1/", "/api/public/otel/v1/"];

/// The paths of [`routes`]: each takes POST.
pub fn paths() -> impl Iterator<Item = String> {
    SIGNALS.into_iter().flat_map(|(signal, name)| {
        let over_http = PREFIXES.map(|prefix| format!("{prefix}{name}"));
        over_http.into_iter().chain([over_grpc::path(signal).to_owned()])
    })
}

/// The paths of all three signals, those of Langfuse's SDK, and gRPC's. Not `/` ([`root`]) and not what is unknown.
pub fn routes(receiver: Receiver) -> Router {
    let mut router = Router::new();
    for (signal, name) in SIGNALS {
        for prefix in PREFIXES {
            let answer = move |State(receiver), request| answer(receiver, Some(signal), request);
            router = router.route(&format!("{prefix}{name}"), any(answer));
        }
        let answer = move |State(receiver), request| over_grpc::answer(receiver, signal, request);
        router = router.route(over_grpc::path(signal), any(answer));
    }
    router.with_state(receiver)
}

/// Before all routes: what is sent to any path that ends as a signal's does is taken, since exporters put their path behind
/// whatever address they were given, a slash or another signal's path too. gRPC hears of methods that are none.
pub async fn any_address(State(receiver): State<Receiver>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if request.method() == Method::POST
        && let Some(signal) = at_end(path)
    {
        return answer(receiver, Some(signal), request).await;
    }
    if over_grpc::is_grpc(request.headers()) && !over_grpc::is_method(path) && path != "/" {
        return over_grpc::failure(&over_grpc::unknown(path));
    }
    next.run(request).await
}

/// Whether what is sent to a path by POST is telemetry.
pub fn takes(path: &str) -> bool {
    at_end(path).is_some() || matches!(path, "/" | "/api/spans")
}

/// The signal that a path's last two segments name.
fn at_end(path: &str) -> Option<Signal> {
    let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
    let signal = match segments.next()? {
        "traces" => Signal::Traces,
        "logs" => Signal::Logs,
        "metrics" => Signal::Metrics,
        _ => return None,
    };
    (segments.next() == Some("v1")).then_some(signal)
}

/// `POST /`, where an address without a path leads: which signal it is, the body says.
pub fn root(receiver: Receiver) -> MethodRouter {
    axum::routing::post(|State(receiver), request| answer(receiver, None, request)).with_state(receiver)
}

async fn answer(receiver: Receiver, signal: Option<Signal>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let (encoding, outcome) = match content_type(&headers) {
        Ok(encoding) => {
            let taken = take(&receiver, &parts.method, signal, encoding, &headers, body).await;
            (taken.as_ref().map_or(encoding.unwrap_or(Encoding::Json), |(kind, _)| kind.encoding), taken)
        }
        // In words that whoever tried it out can read.
        Err(problem) => (Encoding::Json, Err(problem)),
    };
    match outcome {
        Ok((kind, outcome)) => {
            respond(http::StatusCode::OK, encoding, answer::success(&outcome, kind.signal, kind.encoding))
        }
        Err(problem) => refusal(&problem, encoding),
    }
}

async fn take(
    receiver: &Receiver,
    method: &Method,
    signal: Option<Signal>,
    encoding: Option<Encoding>,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Kind, Outcome), Problem> {
    if method != Method::POST {
        return Err(Problem::Method);
    }
    let said = Said { signal, encoding, codings: Coding::of(headers)? };
    let (body, room) = body::read(headers, body, receiver.inbox.limits().body, &receiver.inbox).await?;
    receiver.take(said, body, room).await
}

/// An answer that is none of success.
pub(crate) fn refusal(problem: &Problem, encoding: Encoding) -> Response {
    let mut response = respond(problem.status(), encoding, answer::status(problem, encoding));
    if let Some(after) =
        problem.retry_after().and_then(|after| HeaderValue::try_from(answer::seconds(after)).ok())
    {
        response.headers_mut().insert(RETRY_AFTER, after);
    }
    match problem {
        Problem::Method => _ = response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST")),
        Problem::WithoutToken(_) => {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response
}

fn respond(status: http::StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    let content_type = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// What the content type says; `Ok(None)` when the body has to. What a web page's form could send is refused, since
/// browsers ask nobody before they send it.
fn content_type(headers: &HeaderMap) -> Result<Option<Encoding>, Problem> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(None) };
    let value = value.to_str().unwrap_or("?").to_ascii_lowercase();
    match value.split(';').next().unwrap_or_default().trim() {
        "" | "application/octet-stream" => Ok(None),
        "application/x-protobuf" | "application/protobuf" | "application/vnd.google.protobuf" => {
            Ok(Some(Encoding::Protobuf))
        }
        "application/json" | "application/x-json" | "text/json" => Ok(Some(Encoding::Json)),
        "application/grpc" | "application/grpc+proto" => Err(Problem::Unsupported(
            "this is OTLP's path for HTTP: set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf".to_owned(),
        )),
        other => Err(Problem::Unsupported(format!(
            "the content type {other:?} is not supported: send application/x-protobuf or application/json, as OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf or http/json does"
        ))),
    }
}
