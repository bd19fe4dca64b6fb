//! The dashboard's files, handed in as a value. Without the built UI a page says how to build it.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, Uri, header};

use crate::Host;

#[cfg(not(feature = "embed"))]
const PLACEHOLDER: &str = "<!doctype html><meta charset=utf-8><title>LLMFlow</title>\
    <h1>The dashboard is not in this build</h1>\
    <p>The proxy and the API work. Run <code>cargo xtask start</code> for a build with the dashboard.</p>";

type Lookup = fn(&str) -> Option<Cow<'static, [u8]>>;

/// Where the files come from.
#[derive(Clone, Copy, Debug)]
pub struct Assets {
    lookup: Lookup,
}

#[cfg(feature = "embed")]
#[derive(rust_embed::RustEmbed)]
#[folder = "../../ui/dist"]
struct Embedded;

impl Assets {
    /// The UI that was built into this binary, else the placeholder.
    pub const fn built_in() -> Self {
        #[cfg(feature = "embed")]
        return Self { lookup: |path| Embedded::get(path).map(|file| file.data) };
        #[cfg(not(feature = "embed"))]
        return Self {
            lookup: |path| (path == "index.html").then_some(Cow::Borrowed(PLACEHOLDER.as_bytes())),
        };
    }
}

impl Assets {
    /// The file of this name.
    pub fn get(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        (self.lookup)(name)
    }
}

/// A file, or the page for paths that are the page's own.
pub(crate) async fn serve(State(host): State<Host>, method: Method, uri: Uri) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET,HEAD")]).into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let is_page = !path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let name = if is_page { "index.html" } else { path };
    match host.assets.get(name) {
        Some(bytes) => {
            let headers = [(header::CONTENT_TYPE, content_type(name)), (header::CACHE_CONTROL, "no-cache")];
            (headers, bytes.into_owned()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
