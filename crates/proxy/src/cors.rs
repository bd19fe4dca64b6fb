//! Browsers' cross-origin rules for the web pages that the settings allow. Any other page gets none of these headers.
//! Leaves out who is allowed (`guard`).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::body::ResponseBody;
use crate::reply;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
/// Browsers keep an answer for two hours at most.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOWS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");
/// What every page may read of an answer anyway.
const SAFE: [HeaderName; 6] = [
    header::CACHE_CONTROL,
    header::CONTENT_LANGUAGE,
    header::CONTENT_TYPE,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::PRAGMA,
];

/// A web page whose calls the guard lets in, by its origin.
#[derive(Clone, Debug)]
pub(crate) struct Page(HeaderValue);

impl Page {
    /// The page that sent a request which was let in; `None` when it was a program.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        headers.get(header::ORIGIN).cloned().map(Self)
    }

    /// The answer to the question that a browser asks before it sends a page's request.
    pub(crate) fn preflight(&self, asked: &HeaderMap) -> Response<ResponseBody> {
        let mut response = reply::empty(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.0.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        for names in asked.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.append(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        if asked.contains_key(ASKS_PRIVATE) {
            headers.insert(ALLOWS_PRIVATE, HeaderValue::from_static("true"));
        }
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        let varies = "origin, access-control-request-method, access-control-request-headers";
        headers.insert(header::VARY, HeaderValue::from_static(varies));
        response
    }

    /// Lets the page read an answer. What the upstream says of other pages does not hold here.
    pub(crate) fn admit(&self, headers: &mut HeaderMap) {
        let mut exposed: Vec<&str> = Vec::new();
        for name in headers.keys() {
            let hidden = SAFE.contains(name) || name.as_str().starts_with("access-control-");
            if !hidden && *name != header::SET_COOKIE && *name != header::VARY {
                exposed.push(name.as_str());
            }
        }
        let exposed = HeaderValue::try_from(exposed.join(", "));
        headers.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.0.clone());
        if let Ok(exposed) = exposed {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
}
