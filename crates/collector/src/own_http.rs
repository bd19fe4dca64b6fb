//! `POST /api/spans`: LLMFlow's own spans over HTTP, answered 201 once they are committed.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::MethodRouter;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::answer::seconds;
use crate::body;
use crate::problem::Problem;
use crate::receiver::Receiver;
use crate::unpack::Coding;

/// The route. Only `application/json` is taken, so that no form of another page can get here.
pub fn own_spans(receiver: Receiver) -> MethodRouter {
    axum::routing::post(answer).with_state(receiver)
}

async fn answer(State(receiver): State<Receiver>, request: Request) -> Response {
    match take(&receiver, request).await {
        Ok(answer) => respond(StatusCode::CREATED, answer),
        Err(problem) => {
            let mut response = respond(problem.status(), json!({ "error": problem.message() }).to_string());
            let after = problem.retry_after().and_then(|after| HeaderValue::try_from(seconds(after)).ok());
            response.headers_mut().extend(after.map(|after| (RETRY_AFTER, after)));
            response
        }
    }
}

async fn take(receiver: &Receiver, request: Request) -> Result<String, Problem> {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with(b"application/json") {
        return Err(Problem::Unsupported("send the content type application/json".to_owned()));
    }
    let codings = Coding::of(&parts.headers)?;
    let limit = receiver.inbox.limits().body;
    let (body, room) = body::read(&parts.headers, body, limit, &receiver.inbox).await?;
    receiver.take_own(codings, body, room, now_ns()).await
}

fn respond(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
