//! Amazon Bedrock: calls are aimed at a region and signed with the AWS credentials of this machine, which are looked for
//! when the first such call comes and never before. Leaves out decoding answers (`model::eventstream`).

mod asked;
mod chain;
mod http;
mod kept;
mod region;
mod sign;
mod signer;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use ::http::{HeaderMap, StatusCode};

use crate::outbound::Outbound;
use crate::route::Destination;
use crate::target::{Refusal, Target};
use crate::upstream::Upstreams;

pub(crate) use asked::is_bedrock;
use asked::{Asked, Service};
pub use chain::AwsCredentials;
use chain::{Chain, Failure};
pub(crate) use region::Region;
pub(crate) use sign::{is_signature, take_off};
pub(crate) use signer::Signer;

/// What settings say of Bedrock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BedrockChoice {
    /// Whether it is there at all.
    pub enabled: bool,
    /// The region of calls that name none; else the environment's, the AWS profile's, or this machine's own.
    pub region: Option<String>,
}

impl Default for BedrockChoice {
    fn default() -> Self {
        Self { enabled: true, region: None }
    }
}

/// How calls to Bedrock are made, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BedrockState {
    /// Whether it is there at all.
    pub enabled: bool,
    /// The region of calls that name none.
    pub region: Option<String>,
    /// The credentials that calls are signed with, or why there are none; `None` while nobody has looked for them.
    pub credentials: Option<Result<AwsCredentials, String>>,
    /// By so many seconds this machine's clock is ahead of AWS's, when AWS refused a signature for that.
    pub clock_ahead_s: i64,
}

/// Bedrock, shared by all calls. Clones share it.
#[derive(Clone)]
pub struct Bedrock {
    inner: Arc<Inner>,
}

struct Inner {
    choice: BedrockChoice,
    chain: Chain,
    /// This machine's clock is so many seconds ahead of AWS's, as far as that matters.
    ahead_s: AtomicI64,
}

impl fmt::Debug for Bedrock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bedrock").field("choice", &self.inner.choice).finish_non_exhaustive()
    }
}

impl Bedrock {
    pub(crate) fn new(choice: BedrockChoice, outbound: &Outbound, own_ports: &[u16]) -> Self {
        let chain = Chain::new(outbound.clone(), own_ports.to_vec());
        Self { inner: Arc::new(Inner { choice, chain, ahead_s: AtomicI64::new(0) }) }
    }

    /// Whether it is there at all.
    pub fn is_enabled(&self) -> bool {
        self.inner.choice.enabled
    }

    /// How it is, as far as anybody looked.
    pub fn known(&self) -> BedrockState {
        let Inner { choice, chain, ahead_s } = &*self.inner;
        BedrockState {
            enabled: choice.enabled,
            region: choice.region.clone().or_else(|| chain.known_region()),
            credentials: chain.known_credentials(),
            clock_ahead_s: ahead_s.load(Ordering::Relaxed),
        }
    }

    /// How it is. Looks for region and credentials where nobody has yet.
    pub async fn look(&self) -> BedrockState {
        if self.is_enabled() {
            // Both are remembered; what became of them is read below.
            let region = self.region().await.ok().map(|region| region.to_string());
            let _credentials = self.inner.chain.credentials(region.as_deref()).await;
        }
        self.known()
    }

    /// The region of calls that name none.
    async fn region(&self) -> Result<Region, Refusal> {
        let (named, by) = match &self.inner.choice.region {
            Some(region) => (region.clone(), "bedrock_region in the settings"),
            None => (
                self.inner.chain.region().await.map_err(|failure| refusal(&failure))?,
                "the AWS configuration",
            ),
        };
        Region::parse(&named).ok_or_else(|| {
            Refusal::bad_request(format!(
                "{by} says {named:?}, which is no AWS region. A region looks like \"us-east-1\"."
            ))
        })
    }

    /// The address behind a destination.
    pub(crate) async fn aim(
        &self,
        upstreams: &Upstreams,
        to: &Destination,
        headers: &HeaderMap,
    ) -> Result<Target, Refusal> {
        if !self.is_enabled() {
            return Err(Refusal {
                status: StatusCode::NOT_FOUND,
                kind: "disabled",
                message: "Bedrock is switched off in LLMFlow: bedrock = false in the settings.".to_owned(),
            });
        }
        let named = to.host.as_deref().and_then(region::of_host);
        if to.host.is_some() && named.is_none() {
            // Only what the settings allow; nothing is signed for it.
            return upstreams.aim(to, headers);
        }
        let asked = Asked::of(&to.path_and_query);
        if asked.is_two_way {
            return Err(Refusal {
                status: StatusCode::NOT_IMPLEMENTED,
                kind: "unsupported",
                message: "LLMFlow does not carry Bedrock's bidirectional streams: each of their events is signed by \
                          the client. Use invoke-with-response-stream or converse-stream."
                    .to_owned(),
            });
        }
        let own = asked.region.clone().or(named).or_else(|| sign::region_of(headers));
        let region = match own {
            Some(region) => region,
            None => self.region().await?,
        };
        let fips = self.inner.chain.fips();
        let base = upstreams.base_of_region(&to.provider, &region, asked.service == Service::Control, fips);
        let base = base.map_err(|error| Refusal::bad_request(error.to_string()))?;
        Ok(Target {
            base,
            path_and_query: asked.path_and_query,
            needs_model: false,
            chosen_by_client: false,
            region: Some(region.to_string()),
        })
    }

    /// What signs a call to `region`, or to the region of calls that name none.
    pub(crate) async fn signer(&self, region: Option<&str>) -> Result<Signer, Refusal> {
        let region = match region {
            Some(region) => region.to_owned(),
            None => self.region().await?.to_string(),
        };
        let credentials =
            self.inner.chain.credentials(Some(&region)).await.map_err(|failure| refusal(&failure))?;
        Ok(Signer::new(self.clone(), credentials, region))
    }

    /// The time as AWS has it.
    fn now(&self) -> SystemTime {
        let ahead = self.inner.ahead_s.load(Ordering::Relaxed);
        let by = std::time::Duration::from_secs(ahead.unsigned_abs());
        let now = SystemTime::now();
        let theirs = if ahead >= 0 { now.checked_sub(by) } else { now.checked_add(by) };
        theirs.unwrap_or(now)
    }
}

fn refusal(failure: &Failure) -> Refusal {
    let (status, kind) = match failure {
        Failure::Slow(_) => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
        Failure::NoRegion(_) => (StatusCode::BAD_REQUEST, "invalid_request_error"),
        Failure::NoCredentials(_) | Failure::Broken(_) => (StatusCode::FORBIDDEN, "authentication_error"),
    };
    Refusal { status, kind, message: failure.to_string() }
}
