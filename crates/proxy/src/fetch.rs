//! Fetching one document that the user asked for. Leaves out what it is.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};

use crate::client::client;
use crate::outbound::Outbound;

const PATIENCE: Duration = Duration::from_secs(60);

/// The document at `url`, if it is no larger than `largest` bytes. An error says in a sentence why there is none. Never
/// asks `own_ports` of this machine, nor a metadata service; a redirection is not followed.
pub async fn fetch(
    outbound: &Outbound,
    own_ports: &[u16],
    url: &str,
    largest: usize,
) -> Result<Bytes, String> {
    let uri: Uri = url.parse().map_err(|_| format!("{url} is no address."))?;
    let host = uri.host().unwrap_or_default().to_owned();
    let is_near = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
    if uri.scheme_str() != Some("https") && !(uri.scheme_str() == Some("http") && is_near) {
        return Err(format!("{url} is not asked: only https:// is, or http:// on this machine."));
    }
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = uri;
    let authorization = outbound.authorization(request.uri());
    let headers = request.headers_mut();
    headers.extend(authorization.map(|value| (header::PROXY_AUTHORIZATION, value)));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/plain"));
    headers
        .insert(header::USER_AGENT, HeaderValue::from_static(concat!("llmflow/", env!("CARGO_PKG_VERSION"))));
    let answer = async {
        let client = client(outbound, own_ports).map_err(|error| error.to_string())?;
        let response = client.request(request).await;
        let response = response.map_err(|error| crate::unreachable::explain(&error, &host))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("{host} answered {status}."));
        }
        let body = Limited::new(response.into_body(), largest).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                return format!("What {host} sends is larger than {} MB.", largest >> 20);
            }
            format!("{host} broke off before its end: {error}")
        })
    };
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("{host} was not done within {} seconds.", PATIENCE.as_secs())),
    }
}
