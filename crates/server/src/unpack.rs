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
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::Host;
use crate::error::Failure;

const MIB: usize = 1 << 20;

/// How long a body may take: it is small, and its sender is near.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of a body is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Most {
    /// What questions and settings need.
    Usual,
    /// What a recorded call may have, of so many megabytes, written as a text in JSON: that takes up to twice the room.
    Edited(u32),
}

impl Most {
    /// For what may carry a recorded call's body that somebody edited.
    pub(crate) fn edited(host: &Host) -> Self {
        Self::Edited(host.engine.settings().max_body_mb)
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Usual => 2 * MIB,
            Self::Edited(megabytes) => (2 * MIB).saturating_mul(megabytes as usize),
        }
    }

    /// An error that names the limit and what to do about it.
    fn exceeded(self) -> ApiError {
        let remedy = match self {
            Self::Usual => "Send less at once.",
            Self::Edited(_) => "Raise max_body_mb in the settings, or send less.",
        };
        let most = self.bytes() / MIB;
        ApiError::new(
            ErrorKind::TooLarge,
            format!("The body is larger than the {most} MiB that are taken here. {remedy}"),
        )
    }

    /// Refuses what only something larger than this may be.
    pub(crate) fn check(self, bytes: usize) -> Result<(), ApiError> {
        if bytes > self.bytes() { Err(self.exceeded()) } else { Ok(()) }
    }
}

/// A body of `application/json`; nothing else is taken, so that no form of another page can get here.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Failure> {
        Ok(Self(read(&json(request, Most::Usual).await?)?))
    }
}

/// The same where it may carry a recorded call's body, and how many bytes it has.
pub(crate) struct Edited<T> {
    pub(crate) said: T,
    pub(crate) bytes: usize,
}

impl<T: DeserializeOwned> FromRequest<Host> for Edited<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, host: &Host) -> Result<Self, Failure> {
        let body = json(request, Most::edited(host)).await?;
        Ok(Self { said: read(&body)?, bytes: body.len() })
    }
}

async fn json(request: Request, most: Most) -> Result<Bytes, ApiError> {
    if !is_json(request.headers()) {
        let error = "The body must be JSON, sent with the content type application/json.";
        return Err(ApiError::new(ErrorKind::UnsupportedMediaType, error));
    }
    whole(request, most, PATIENCE).await
}

/// The same where there need be no body: a JSON object, or nothing.
pub(crate) struct Optional<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned> FromRequest<Host> for Optional<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, host: &Host) -> Result<Self, Failure> {
        let is_json = is_json(request.headers());
        let body = whole(request, Most::edited(host), PATIENCE).await?;
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

async fn whole(request: Request, most: Most, patience: Duration) -> Result<Bytes, ApiError> {
    let body = Limited::new(request.into_body(), most.bytes());
    let read = tokio::time::timeout(patience, body.collect()).await.map_err(|_| {
        let error = format!("The body was not there after {} s. Send it whole.", patience.as_secs());
        ApiError::new(ErrorKind::Timeout, error)
    })?;
    read.map(|body| body.to_bytes()).map_err(|error| match error.is::<LengthLimitError>() {
        true => most.exceeded(),
        false => ApiError::new(ErrorKind::BadRequest, format!("The body did not come whole: {error}.")),
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
        let error = whole(Request::new(never), Most::Usual, Duration::ZERO).await.unwrap_err();
        assert_eq!((error.kind, error.parameter), (ErrorKind::Timeout, None));
        let there = Request::new(axum::body::Body::from("{}"));
        assert_eq!(whole(there, Most::Usual, Duration::ZERO).await.unwrap(), "{}");
    }

    #[tokio::test]
    async fn what_is_too_large_names_the_limit_and_the_remedy() {
        let of = async |bytes: usize, most| {
            let body = axum::body::Body::from("x".repeat(bytes));
            whole(Request::new(body), most, PATIENCE).await.map_err(|error| (error.kind, error.error))
        };
        assert_eq!(of(2 * MIB, Most::Usual).await.unwrap().len(), 2 * MIB);
        let (kind, error) = of(2 * MIB + 1, Most::Usual).await.unwrap_err();
        assert!(kind == ErrorKind::TooLarge && error.contains("2 MiB"), "{error}");
        assert!(of(3 * MIB, Most::Edited(2)).await.is_ok());
        let (_, error) = of(4 * MIB + 1, Most::Edited(2)).await.unwrap_err();
        assert!(error.contains("4 MiB") && error.contains("max_body_mb"), "{error}");
    }
}
