//! The one place where an [`ApiError`] becomes an HTTP answer.

use api::{ApiError, ErrorKind};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

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
