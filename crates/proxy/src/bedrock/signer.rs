//! One call's signature: whose it is, the body it covers, and what AWS says to it. Leaves out making it (`sign`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use http::header::{self, HeaderMap};
use http::{StatusCode, request};
use sha2::{Digest, Sha256};

use super::chain::Loaded;
use super::{Bedrock, sign};
use crate::capture::Head;
use crate::peek::{PeekError, Peeked};
use crate::recorder::Budget;
use crate::redact::Fingerprinter;
use crate::target::Refusal;

/// More than this AWS takes for no `invoke` (its API's own limit).
const LARGEST_INVOKE: usize = 25_000_000;
/// For the others it names none.
const LARGEST: usize = 100 << 20;
/// AWS takes signatures from five minutes ago; SDKs set their clocks right from four on.
const SKEW_S: i64 = 240;

/// What signs one call.
pub(crate) struct Signer {
    bedrock: Bedrock,
    credentials: Arc<Loaded>,
    region: String,
    body: String,
}

impl Signer {
    pub(super) fn new(bedrock: Bedrock, credentials: Arc<Loaded>, region: String) -> Self {
        Self { bedrock, credentials, region, body: String::new() }
    }

    /// Reads the whole body, since the signature stands before it and covers it.
    pub(crate) async fn read(
        &mut self,
        body: &mut Peeked,
        path_and_query: &str,
        headers: &HeaderMap,
        budget: &Budget,
    ) -> Result<(), Refusal> {
        let path = path_and_query.split('?').next().unwrap_or_default();
        let invoke = path.ends_with("/invoke") || path.ends_with("/invoke-with-response-stream");
        let limit = if invoke { LARGEST_INVOKE } else { LARGEST };
        let announced =
            headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if announced.is_some_and(|announced: usize| announced > limit) {
            return Err(too_large(limit));
        }
        let mut digest = Sha256::new();
        // A large body is hashed piece by piece, so that no other call waits for it.
        body.read_all(limit, budget, |piece| digest.update(piece)).await.map_err(|error| match error {
            PeekError::Client => {
                Refusal::bad_request("The request's body broke off before its end.".to_owned())
            }
            PeekError::NoRoom => Refusal {
                status: StatusCode::SERVICE_UNAVAILABLE,
                kind: "overloaded",
                message: "LLMFlow has no memory left to sign this body. Try again shortly, or raise memory_mb in the \
                          settings."
                    .to_owned(),
            },
            PeekError::None | PeekError::TooLarge => too_large(limit),
        })?;
        self.body = hex(&digest.finalize());
        Ok(())
    }

    /// Makes the record say whose call it is, and cuts what an echo may hold.
    pub(crate) fn note(&self, head: &mut Head, fingerprinter: &Fingerprinter) {
        let credentials = &self.credentials.credentials;
        let mark = fingerprinter.mark(credentials.access_key_id().as_bytes());
        for secret in
            [Some(credentials.secret_access_key()), credentials.session_token()].into_iter().flatten()
        {
            head.secrets.add(secret, &fingerprinter.mark(secret.as_bytes()));
        }
        head.credential = Some(mark);
    }

    /// Signs a request that is ready to be sent.
    pub(crate) fn sign(&mut self, parts: &mut request::Parts) -> Result<(), Refusal> {
        let body = std::mem::take(&mut self.body);
        sign::attach(parts, body, &self.region, &self.credentials.credentials, self.bedrock.now())
            .map_err(|reason| Refusal::bad_request(format!("LLMFlow cannot sign this request: {reason}.")))
    }

    /// Learns from an answer that refuses the signature.
    pub(crate) fn answered(&self, status: StatusCode, headers: &HeaderMap) {
        if status != StatusCode::FORBIDDEN && status != StatusCode::BAD_REQUEST {
            return;
        }
        let kind = headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(':').next().unwrap_or_default();
        match kind {
            "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId" => {
                tracing::warn!(
                    kind,
                    "AWS refuses the credentials; they are looked for again at the next call"
                );
                self.bedrock.inner.chain.forget(&self.credentials);
            }
            "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "RequestExpired"
            | "RequestTimeTooSkewed" => self.set_clock(headers),
            _ => {}
        }
    }

    /// Goes by AWS's clock when this machine's is wrong, and by this machine's once that is right again, as AWS's own
    /// SDKs do.
    fn set_clock(&self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let Some(ahead) = date.and_then(|date| ahead_of(date, SystemTime::now())) else { return };
        if ahead.abs() >= SKEW_S {
            tracing::warn!(
                ahead_s = ahead,
                "AWS refuses the signature since this machine's clock is wrong: set the clock. Until then signatures are \
                 made by AWS's"
            );
        }
        let ahead = if ahead.abs() >= SKEW_S { ahead } else { 0 };
        self.bedrock.inner.ahead_s.store(ahead, Ordering::Relaxed);
    }
}

/// By how many seconds `now` is ahead of `date`, an HTTP date.
fn ahead_of(date: &str, now: SystemTime) -> Option<i64> {
    let theirs = httpdate::parse_http_date(date).ok()?;
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).ok();
    match now.duration_since(theirs) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => seconds(behind.duration()).map(|seconds| -seconds),
    }
}

fn too_large(limit: usize) -> Refusal {
    Refusal {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        kind: "request_too_large",
        message: format!(
            "The body is larger than the {} MB that go to Bedrock in one call.",
            limit / 1_000_000
        ),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _always_ok = write!(text, "{byte:02x}");
        text
    })
}
