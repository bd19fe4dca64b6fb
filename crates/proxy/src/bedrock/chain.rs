//! AWS's standard chain of credentials and regions, as `aws-config` knows it: environment, profile (keys, assumed roles,
//! SSO, `aws login`, programs), web identity, container, IMDSv2. It is asked when a call to Bedrock comes, and no sooner.
//! Leaves out how long what it says is kept (`kept`).

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::http;
use super::kept::{Found, Kept, MARGIN, PATIENCE};
use crate::outbound::Outbound;

/// Credentials without an end are read again after this time: a file may have been changed.
const REREAD: Duration = Duration::from_secs(60);
/// New ones are fetched so long before the old ones end.
const EARLY: Duration = Duration::from_secs(300);
/// A machine that has a metadata service has it near; what is none answers nobody.
const METADATA_TRIES: u32 = 2;

/// Whose credentials sign, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsCredentials {
    /// Where they come from.
    pub source: String,
    /// The last four characters of their id.
    pub hint: String,
    /// When they end, in milliseconds since 1970 (UTC).
    pub expires_ms: Option<i64>,
}

/// Credentials, and where they come from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(super) credentials: Credentials,
    source: &'static str,
}

/// Why a call cannot be signed, with the remedy.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(
        "LLMFlow has no AWS credentials to sign this call with. It looked in its environment (AWS_ACCESS_KEY_ID), the AWS \
         profile {0:?}, web identity, the container and the machine's metadata service. Run \"aws configure\" or \"aws sso \
         login\", or start LLMFlow with AWS_PROFILE or AWS_ACCESS_KEY_ID set; or add a Bedrock API key on its Providers page."
    )]
    NoCredentials(String),
    #[error(
        "LLMFlow does not know which AWS region to ask. Set bedrock_region in its settings, or AWS_REGION in its \
         environment, or region in the AWS profile {0:?}."
    )]
    NoRegion(String),
    #[error(
        "AWS's {0} did not arrive within {seconds} seconds. LLMFlow goes on looking: try again shortly.",
        seconds = PATIENCE.as_secs()
    )]
    Slow(&'static str),
    #[error("LLMFlow cannot use the AWS credentials: {0}")]
    Broken(String),
}

/// The chain. Clones share it.
#[derive(Clone)]
pub(super) struct Chain {
    outbound: Outbound,
    own_ports: Arc<[u16]>,
    fips: bool,
    client: Arc<OnceLock<SharedHttpClient>>,
    region: Kept<String, Failure>,
    credentials: Kept<Arc<Loaded>, Failure>,
}

impl Chain {
    pub(super) fn new(outbound: Outbound, own_ports: Vec<u16>) -> Self {
        let fips = variable("AWS_USE_FIPS_ENDPOINT").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Self {
            outbound,
            own_ports: own_ports.into(),
            fips,
            client: Arc::default(),
            region: Kept::default(),
            credentials: Kept::default(),
        }
    }

    /// Whether the environment asks for FIPS endpoints.
    pub(super) fn fips(&self) -> bool {
        self.fips
    }

    /// The region that the environment, the profile or this machine names.
    pub(super) async fn region(&self) -> Result<String, Failure> {
        let chain = self.clone();
        let search = move || async move {
            if let Some(region) = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(variable) {
                return Ok(Found { what: region, fresh: REREAD, ends: None });
            }
            let config = chain.config()?;
            let found = RegionProviderChain::first_try(
                ProfileFileRegionProvider::builder().configure(&config).build(),
            )
            .or_else(ImdsRegionProvider::builder().imds_client(metadata(&config)).build())
            .region()
            .await;
            let region = found.ok_or_else(|| Failure::NoRegion(profile()))?;
            Ok(Found { what: region.to_string(), fresh: REREAD, ends: None })
        };
        self.region.get(search, || Failure::Slow("region")).await
    }

    /// The credentials. `region` is where a role is assumed, unless the profile says it.
    pub(super) async fn credentials(&self, region: Option<&str>) -> Result<Arc<Loaded>, Failure> {
        let (chain, region) = (self.clone(), region.map(str::to_owned));
        let search = move || async move {
            let config = chain.config()?;
            let metadata = metadata(&config);
            let mut chain = DefaultCredentialsChain::builder().configure(config).imds_client(metadata);
            chain.set_region(region.map(aws_config::Region::new));
            let credentials =
                chain.build().await.provide_credentials().await.map_err(|error| failure(&error))?;
            let ends = credentials.expiry();
            let left = ends.map(|ends| ends.duration_since(SystemTime::now()).unwrap_or_default());
            let source = source(&credentials);
            if left.is_some_and(|left| left <= MARGIN) {
                return Err(Failure::Broken(format!(
                    "those of the {source} are over (profile {:?}). Log in again as you did for them, then call again.",
                    profile()
                )));
            }
            tracing::info!(source, expires = ends.is_some(), "AWS credentials for Bedrock");
            Ok(Found {
                what: Arc::new(Loaded { credentials, source }),
                // A short life is renewed at half of it.
                fresh: left.map_or(REREAD, |left| left.saturating_sub(EARLY).max(left / 2)),
                ends,
            })
        };
        self.credentials.get(search, || Failure::Slow("credentials")).await
    }

    /// These credentials were refused.
    pub(super) fn forget(&self, refused: &Arc<Loaded>) {
        self.credentials.forget(|known| Arc::ptr_eq(known, refused));
    }

    /// The region, where it was looked for.
    pub(super) fn known_region(&self) -> Option<String> {
        self.region.known()?.ok()
    }

    /// The credentials, where they were looked for.
    pub(super) fn known_credentials(&self) -> Option<Result<AwsCredentials, String>> {
        let shown = |loaded: Arc<Loaded>| {
            let id = loaded.credentials.access_key_id();
            let hint = id.get(id.len().saturating_sub(4)..).unwrap_or_default().to_owned();
            let since = loaded.credentials.expiry().and_then(|ends| ends.duration_since(UNIX_EPOCH).ok());
            AwsCredentials {
                source: loaded.source.to_owned(),
                hint,
                expires_ms: since.and_then(|since| i64::try_from(since.as_millis()).ok()),
            }
        };
        Some(self.credentials.known()?.map(shown).map_err(|failure| failure.to_string()))
    }

    /// The environment and the files of now, asked by our own client.
    fn config(&self) -> Result<ProviderConfig, Failure> {
        let client = match self.client.get() {
            Some(client) => client.clone(),
            None => {
                let begun = Instant::now();
                let made = http::client(&self.outbound, &self.own_ports);
                let made =
                    made.map_err(|error| Failure::Broken(format!("TLS cannot be set up: {error}.")))?;
                tracing::debug!(took_us = begun.elapsed().as_micros(), "the client for AWS credentials");
                self.client.get_or_init(|| made).clone()
            }
        };
        let fips = self.fips.then_some(true);
        Ok(ProviderConfig::without_region().with_http_client(client).with_use_fips(fips))
    }
}

fn metadata(config: &ProviderConfig) -> aws_config::imds::Client {
    aws_config::imds::Client::builder().configure(config).max_attempts(METADATA_TRIES).build()
}

/// The AWS profile in use.
fn profile() -> String {
    variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned())
}

/// What the environment says; empty is unset.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn failure(error: &CredentialsError) -> Failure {
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        return Failure::NoCredentials(profile());
    }
    let mut causes = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        // Many of them repeat what is behind them.
        if !text.is_empty() && causes.last().is_none_or(|last: &String| !last.contains(&text)) {
            causes.push(text);
        }
        next = cause.source();
    }
    let text = causes.join(": ");
    // What a program of the profile says may hold what it found: it is not for clients, logs and records.
    let text = text.split(" Stderr:").next().unwrap_or_default();
    let small = text.to_ascii_lowercase();
    let remedy = if small.contains("sso") || small.contains("token is expired") {
        "Run \"aws sso login\"."
    } else if small.contains("login") {
        "Run \"aws login\"."
    } else if matches!(error, CredentialsError::InvalidConfiguration(_)) {
        "Mend it in ~/.aws/config or ~/.aws/credentials."
    } else {
        "Try it with \"aws sts get-caller-identity\", then call again."
    };
    Failure::Broken(format!("{} (profile {:?}). {remedy}", text.trim_end_matches('.'), profile()))
}

/// Where credentials come from, in words.
fn source(credentials: &Credentials) -> &'static str {
    use AwsCredentialFeature as Via;
    let via = credentials.get_property::<Vec<Via>>().map(Vec::as_slice).unwrap_or_default();
    let is = |wanted: &[Via]| via.iter().any(|via| wanted.contains(via));
    if is(&[
        Via::CredentialsStsAssumeRoleWebId,
        Via::CredentialsEnvVarsStsWebIdToken,
        Via::CredentialsProfileStsWebIdToken,
    ]) {
        "web identity"
    } else if is(&[Via::CredentialsStsAssumeRole]) {
        "role assumed by the AWS profile"
    } else if is(&[Via::CredentialsProfileSso, Via::CredentialsSso]) {
        "SSO"
    } else if is(&[Via::CredentialsProfileLogin, Via::CredentialsLogin]) {
        "aws login"
    } else if is(&[Via::CredentialsProfileProcess, Via::CredentialsProcess]) {
        "program of the AWS profile"
    } else if is(&[Via::CredentialsHttp]) {
        "container"
    } else if is(&[Via::CredentialsImds]) {
        "instance metadata (IMDSv2)"
    } else if is(&[Via::CredentialsEnvVars]) {
        "environment"
    } else {
        "AWS profile"
    }
}
