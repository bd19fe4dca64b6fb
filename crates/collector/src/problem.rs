//! Why a request gets another answer than 200, in OTLP's words: HTTP's status, gRPC's code, and a sentence that names
//! the remedy. Leaves out writing it (`answer`).

use std::time::Duration;

use http::StatusCode;

use crate::decode::Unreadable;
use crate::inbox::Refused;

/// Why a request was not taken. Only [`Problem::Refused`] and [`Problem::Slow`] are worth another try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The body is not what it says it is.
    Malformed(String),
    /// The content type or the compression is none we know.
    Unsupported(String),
    /// The method is not POST.
    Method,
    /// The body, or what comes of it, is too large.
    TooLarge(String),
    /// The body did not come in time.
    Slow,
    /// The body broke off: nobody is there to be answered.
    Gone,
    /// Who asks may not.
    Forbidden(String),
    /// Who asks has to show a token.
    WithoutToken(String),
    /// No such path or method of gRPC.
    Unknown(String),
    /// Not now.
    Refused(Refused),
}

impl Problem {
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::TooLarge(format!(
            "the request is larger than {} MB after decompression: send smaller batches, or raise otlp_max_body_mb in LLMFlow's settings",
            limit >> 20
        ))
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::Gone => StatusCode::BAD_REQUEST,
            Self::Unsupported(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::WithoutToken(_) => StatusCode::UNAUTHORIZED,
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            // Senders try a 503 again, and drop what a 408 answers.
            Self::Slow | Self::Refused(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// gRPC's number for it.
    pub(crate) fn code(&self) -> i32 {
        match self {
            Self::Malformed(_) | Self::Unsupported(_) | Self::Method => 3,
            // Resource exhausted without a time to try again: senders drop it, as they should.
            Self::TooLarge(_) => 8,
            Self::Slow => 4,
            Self::Gone => 1,
            Self::Forbidden(_) => 7,
            Self::WithoutToken(_) => 16,
            Self::Unknown(_) => 12,
            Self::Refused(_) => 14,
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::Malformed(text)
            | Self::Unsupported(text)
            | Self::TooLarge(text)
            | Self::Forbidden(text)
            | Self::WithoutToken(text)
            | Self::Unknown(text) => text.clone(),
            Self::Method => "OTLP is sent with POST".to_owned(),
            Self::Slow => "the body came too slowly".to_owned(),
            Self::Gone => "the body broke off".to_owned(),
            Self::Refused(refused) => refused.reason.clone(),
        }
    }

    /// When the sender should try again; `None` when it should not.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refused) => Some(refused.retry_after.max(Duration::from_secs(1))),
            Self::Slow => Some(Duration::from_secs(5)),
            _ => None,
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Unreadable> for Problem {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Malformed(text) => Self::Malformed(text),
            Unreadable::TooLarge(_) => Self::TooLarge(unreadable.to_string()),
        }
    }
}
