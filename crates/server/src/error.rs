//! The one place where an [`ApiError`] becomes an HTTP answer, and what is answered where no handler is reached.

use api::{ApiError, ErrorKind};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};

/// An error on its way out.
pub(crate) struct Failure(pub(crate) ApiError);

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self.0.kind {
            ErrorKind::BadRequest => StatusCode::BAD_REQUEST,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::Timeout => StatusCode::REQUEST_TIMEOUT,
            ErrorKind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(self.0)).into_response()
    }
}

/// An answer of the engine that does not fit its question.
pub(crate) fn mismatch() -> Failure {
    tracing::error!("the engine answered another question");
    Failure(ApiError::new(ErrorKind::Internal, "LLMFlow made a mistake; its log says more."))
}

/// Nothing under /api has this name.
pub(crate) async fn unknown(uri: http::Uri) -> Failure {
    Failure(ApiError::new(ErrorKind::NotFound, format!("There is no endpoint {}.", uri.path())))
}

/// A path that does not know this method. `Allow` comes from whoever knows the path; it is all that OPTIONS gets, so that
/// no page of another origin learns that it may do anything.
pub(crate) async fn other_method(method: Method, uri: http::Uri) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let error = format!("{} does not take {method}; the header Allow says what it takes.", uri.path());
    Failure(ApiError::new(ErrorKind::MethodNotAllowed, error)).into_response()
}
