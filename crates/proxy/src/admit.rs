//! Whether a call goes on once it is known where to: its key judged, its address made; and the answer where it does not.
//! Leaves out where it goes (`target`) and what is sent (`forward`, `websocket`).

use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode, Uri};

use crate::auth::{self, Auth, Shape};
use crate::body::ResponseBody;
use crate::keys::KeyRing;
use crate::provider::Provider;
use crate::reply;
use crate::route::Destination;
use crate::target::{Refusal, Target};

/// A call that may go on.
pub(crate) struct Admitted {
    pub(crate) auth: Auth,
    /// As it is asked of the upstream: without a local key.
    pub(crate) path_and_query: String,
    pub(crate) uri: Uri,
}

/// Judges a call's key and makes its address.
pub(crate) fn admit(
    keys: &KeyRing,
    to: &Destination,
    target: &Target,
    headers: &HeaderMap,
) -> Result<Admitted, Refusal> {
    let shape = Shape { passthrough: to.passthrough, translated: to.translated.is_some() };
    let auth = auth::judge(keys, &to.provider, target, shape, headers).map_err(|message| Refusal {
        status: StatusCode::UNAUTHORIZED,
        kind: if speaks(to) == "gemini" { "UNAUTHENTICATED" } else { "authentication_error" },
        message,
    })?;
    let path_and_query = auth.path_and_query(&target.path_and_query).into_owned();
    let uri = target.base.uri(&path_and_query).ok_or_else(|| {
        Refusal::bad_request("The path cannot be forwarded: it is not valid in a URL.".to_owned())
    })?;
    Ok(Admitted { auth, path_and_query, uri })
}

/// The dialect in which the client expects its errors: who asks to be translated speaks OpenAI's.
pub(crate) fn speaks(to: &Destination) -> &str {
    match &*to.provider.speaks {
        _ if to.translated.is_some() => "openai",
        // Beside its own calls it takes OpenAI's.
        "ollama" if to.path_and_query.starts_with("/api/") => "ollama",
        "ollama" => "openai",
        other => other,
    }
}

/// The answer to a call that does not go on.
pub(crate) fn refused(provider: &Provider, speaks: &str, refusal: &Refusal) -> Response<ResponseBody> {
    let Refusal { status, kind, message } = refusal;
    tracing::warn!(provider = provider.name, "a call was not forwarded: {message}");
    let mut response = reply::error(*status, speaks, kind, message);
    match *status {
        StatusCode::SERVICE_UNAVAILABLE => {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // Money does not come back by asking again: the SDKs of OpenAI and Anthropic heed this. No Retry-After, for
        // which a client might wait until tomorrow without a word.
        StatusCode::TOO_MANY_REQUESTS => {
            response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
        }
        _ => {}
    }
    response
}
