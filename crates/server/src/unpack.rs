//! Taking requests apart: a JSON body, and what stands in a path. What cannot be taken is answered as every error is, with
//! the name of what is wrong. Leaves out query strings (`rest/query`).

use std::time::Duration;

use api::{ApiError, ErrorKind};
use axum::extract::path::ErrorKind as PathError;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::error::Failure;

/// How long a body may take: it is small, and its sender is near.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body of `application/json`; nothing else is taken, so that no form of another page can get here.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            let error = "The body must be JSON, sent with the content type application/json.";
            return Err(ApiError::new(ErrorKind::UnsupportedMediaType, error).into());
        }
        let body = whole(request, state, PATIENCE).await?;
        Ok(Self(read(&body)?))
    }
}

/// The same where there need be no body: a JSON object, or nothing.
pub(crate) struct Optional<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Optional<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let is_json = is_json(request.headers());
        let body = whole(request, state, PATIENCE).await?;
        if body.trim_ascii().is_empty() {
            return Ok(Self(None));
        }
        if !is_json {
            let error = "Send the content type application/json, or no body at all.";
            return Err(ApiError::new(ErrorKind::UnsupportedMediaType, error).into());
        }
        Ok(Self(Some(read(&body)?)))
    }
}

async fn whole<S: Send + Sync>(request: Request, state: &S, patience: Duration) -> Result<Bytes, ApiError> {
    let read = tokio::time::timeout(patience, Bytes::from_request(request, state));
    let read = read.await.map_err(|_| {
        let error = format!("The body was not there after {} s. Send it whole.", patience.as_secs());
        ApiError::new(ErrorKind::Timeout, error)
    })?;
    read.map_err(|refused| {
        let kind = match refused.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::TooLarge,
            _ => ErrorKind::BadRequest,
        };
        ApiError::new(kind, refused.body_text())
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // Members could stand in an array, too, one by one: something else may have been meant.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::new(ErrorKind::BadRequest, "The body cannot be read: it is no JSON object."));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let read: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let at = error.path().to_string();
        let parameter = (at != ".").then_some(at);
        let error = format!("The body cannot be read: {}.", error.inner());
        ApiError { kind: ErrorKind::BadRequest, error, parameter }
    })?;
    json.end().map_err(|error| {
        ApiError::new(ErrorKind::BadRequest, format!("The body goes on after its end: {error}."))
    })?;
    Ok(read)
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The one part of a path that varies: an id or a name.
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(PathRejection::FailedToDeserializePathParams(failed)) => Err(match failed.into_kind() {
                PathError::InvalidUtf8InPathParam { key } => {
                    let error = format!("{key} is not text in UTF-8.");
                    Failure(ApiError::parameter(key, error)).into_response()
                }
                _ => crate::error::mismatch().into_response(),
            }),
            Err(_) => Err(crate::error::mismatch().into_response()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_never_comes_is_given_up() {
        let never =
            axum::body::Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let error = whole(Request::new(never), &(), Duration::ZERO).await.unwrap_err();
        assert_eq!((error.kind, error.parameter), (ErrorKind::Timeout, None));
        let there = Request::new(axum::body::Body::from("{}"));
        assert_eq!(whole(there, &(), Duration::ZERO).await.unwrap(), "{}");
    }
}
