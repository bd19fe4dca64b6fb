//! The error every door answers with. Leaves out turning it into a status (`server`).

use serde::{Deserialize, Serialize};

/// What kind of error it is: what a caller can branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request is malformed; `parameter` names the culprit.
    BadRequest,
    /// There is no such thing.
    NotFound,
    /// The caller may not.
    Forbidden,
    /// There is such a thing, but it does not know this method.
    MethodNotAllowed,
    /// The body is larger than is taken.
    TooLarge,
    /// The body did not come in time.
    Timeout,
    /// The body is of a kind that is not taken.
    UnsupportedMediaType,
    /// It would work later.
    Unavailable,
    /// Our fault; the log has the details.
    Internal,
}

/// An error a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// What kind of error it is.
    pub kind: ErrorKind,
    /// What is wrong and what to do, in one or two sentences.
    pub error: String,
    /// The parameter that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
}

impl ApiError {
    /// An error without a parameter.
    pub fn new(kind: ErrorKind, error: impl Into<String>) -> Self {
        Self { kind, error: error.into(), parameter: None }
    }

    /// `parameter` is wrong in the way `error` says.
    pub fn parameter(parameter: impl Into<String>, error: impl Into<String>) -> Self {
        Self { kind: ErrorKind::BadRequest, error: error.into(), parameter: Some(parameter.into()) }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.error)
    }
}

impl std::error::Error for ApiError {}
