//! AWS's signatures: taking a client's off and making ours, over the host, the body, and those headers that nothing on the
//! way may change. Pure. Leaves out whose credentials they are made with (`chain`).

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request;

use super::region::Region;

/// How the name of every scheme of AWS's signatures begins.
const SCHEME: &str = "AWS4-";
/// What a signature brings along.
const PARTS: [&str; 4] = ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "x-amz-region-set"];
/// A gateway on the way may change it.
const TRACE: &str = "x-amzn-trace-id";

/// Whether an `Authorization` is a signature.
pub(crate) fn is_signature(value: &HeaderValue) -> bool {
    value.as_bytes().trim_ascii_start().starts_with(SCHEME.as_bytes())
}

/// The region that the client signed for.
pub(super) fn region_of(headers: &HeaderMap) -> Option<Region> {
    let value = headers.get(header::AUTHORIZATION).filter(|value| is_signature(value))?.to_str().ok()?;
    // Credential=ID/20261121/us-east-1/bedrock/aws4_request
    let scope = value.split_once("Credential=")?.1.split([',', ' ']).next()?;
    Region::parse(scope.rsplit('/').nth(2)?)
}

/// Takes off what the client signed with: it signed for this machine's address, so it is good nowhere.
pub(crate) fn take_off(headers: &mut HeaderMap) {
    // The map is made anew, since removing from one would change the order of the others.
    for (name, value) in &std::mem::take(headers) {
        let signature = *name == header::AUTHORIZATION && is_signature(value);
        if !signature && !PARTS.contains(&name.as_str()) {
            headers.append(name, value.clone());
        }
    }
}

/// Signs a request of which the body has the SHA-256 `body`, in hex. Says why it cannot be signed.
pub(super) fn attach(
    parts: &mut request::Parts,
    body: String,
    region: &str,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<(), String> {
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("bedrock")
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?;
    let uri = parts.uri.to_string();
    let signed = parts.headers.iter().filter(|(name, _)| is_signed(name));
    let signed = signed.map(|(name, value)| value.to_str().map(|value| (name.as_str(), value)));
    let signed: Vec<_> = signed.collect::<Result<_, _>>().map_err(|_| "a header of it is not ASCII text")?;
    let request =
        SignableRequest::new(parts.method.as_str(), uri, signed.into_iter(), SignableBody::Precomputed(body))
            .map_err(|error| error.to_string())?;
    let output = sign(request, &parameters.into()).map_err(|error| error.to_string())?;
    let (headers, _) = output.into_parts().0.into_parts();
    for header in headers {
        let name = HeaderName::from_static(header.name());
        let mut value = HeaderValue::from_str(header.value()).map_err(|error| error.to_string())?;
        value.set_sensitive(header.sensitive());
        parts.headers.insert(name, value);
    }
    Ok(())
}

/// The headers that are signed: what AWS asks for, and what decides what the call means.
fn is_signed(name: &HeaderName) -> bool {
    let text = name.as_str();
    *name == header::HOST
        || *name == header::CONTENT_TYPE
        || text.starts_with("x-amz-")
        || text.starts_with("x-amzn-") && text != TRACE
        || text.starts_with("anthropic-")
}
