//! Where the providers answer. Leaves out asking them (`client`) and what is asked (`forward`).

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::address::{Allowed, is_forbidden, is_loopback};
use crate::azure::Azure;
use crate::bedrock::{BedrockChoice, Region};
use crate::provider::{Custom, PathRule, Provider, Providers, is_below};

/// The name under which settings may put ChatGPT elsewhere.
pub const CHATGPT: &str = "chatgpt";
const CHATGPT_BASE: &str = "https://chatgpt.com";
/// What stands in a base URL where Azure's resource belongs.
const RESOURCE: &str = "{resource}";
/// What stands in a base URL where AWS's region belongs.
const REGION: &str = "{region}";

/// An upstream's address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// A provider's address.
    #[error("the base URL {url:?} of provider {provider} cannot be used: {reason}")]
    Address {
        /// The provider.
        provider: String,
        /// The address as it was given, without a user name and password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something else that settings say of upstreams.
    #[error("{0}")]
    Setting(String),
}

/// What settings decide about upstreams.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Addresses by provider's name, and ChatGPT's under [`CHATGPT`].
    pub base_urls: BTreeMap<String, String>,
    /// The user's own providers.
    pub custom: Vec<Custom>,
    /// Hosts that a client may name: `host`, `host:port` or `*.domain`.
    pub allowed: Vec<String>,
    /// What Azure needs.
    pub azure: Azure,
    /// What Bedrock needs.
    pub bedrock: BedrockChoice,
    /// The ports of our own listeners, which no call may go to.
    pub own_ports: Vec<u16>,
}

/// The providers and the address of each. Clones share them.
#[derive(Clone, Debug)]
pub struct Upstreams {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    providers: Providers,
    /// All but those that need a resource.
    bases: BTreeMap<String, Base>,
    /// Addresses that need a resource.
    patterns: BTreeMap<String, String>,
    chatgpt: Base,
    redirects_chatgpt: bool,
    allowed: Vec<Allowed>,
    azure: Azure,
    bedrock: BedrockChoice,
    own_ports: Vec<u16>,
}

#[derive(Clone, Debug)]
pub(crate) struct Base {
    scheme: Scheme,
    pub(crate) authority: Authority,
    prefix: String,
}

impl Upstreams {
    /// Every provider's own address, or the one that `choices` names.
    pub fn new(choices: Choices) -> Result<Self, UpstreamError> {
        let Choices { base_urls, custom, allowed, azure, bedrock, own_ports } = choices;
        let providers = Providers::with(&custom).map_err(UpstreamError::Setting)?;
        let (mut bases, mut patterns) = (BTreeMap::new(), BTreeMap::new());
        for provider in providers.iter() {
            let url = base_urls.get(&provider.name).unwrap_or(&provider.base_url);
            let open = url.contains(RESOURCE) || url.contains(REGION);
            match open {
                // Any resource and any region will do to see whether the rest is an address.
                true => {
                    let any = url.replace(RESOURCE, "resource").replace(REGION, "us-east-1");
                    _ = Base::parse(&provider.name, &any)?;
                }
                false => _ = bases.insert(provider.name.clone(), Base::parse(&provider.name, url)?),
            }
            if open {
                patterns.insert(provider.name.clone(), url.clone());
            }
        }
        let allowed: Result<_, String> = allowed.iter().map(|entry| Allowed::parse(entry)).collect();
        let chatgpt = base_urls.get(CHATGPT);
        let default = providers.default_one();
        let untouched = base_urls.get(&default.name).is_none_or(|url| *url == default.base_url);
        let inner = Inner {
            redirects_chatgpt: chatgpt.is_some() || untouched,
            chatgpt: Base::parse(CHATGPT, chatgpt.map_or(CHATGPT_BASE, String::as_str))?,
            providers,
            bases,
            patterns,
            allowed: allowed.map_err(UpstreamError::Setting)?,
            azure,
            bedrock,
            own_ports,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Every provider.
    pub fn providers(&self) -> &Providers {
        &self.inner.providers
    }

    /// A provider's address; `None` when it needs a resource first.
    pub(crate) fn base(&self, provider: &Provider) -> Option<&Base> {
        self.inner.bases.get(&provider.name)
    }

    /// The address of one of a provider's resources.
    pub(crate) fn base_of_resource(
        &self,
        provider: &Provider,
        resource: &str,
    ) -> Result<Base, UpstreamError> {
        let pattern =
            self.inner.patterns.get(&provider.name).map_or(provider.base_url.as_str(), String::as_str);
        Base::parse(&provider.name, &pattern.replace(RESOURCE, resource))
    }

    /// The address of a provider in `region`: of its runtime, or of its control plane. An address that settings name
    /// without a region is good for both.
    pub(crate) fn base_of_region(
        &self,
        provider: &Provider,
        region: &Region,
        control: bool,
        fips: bool,
    ) -> Result<Base, UpstreamError> {
        let Some(pattern) = self.inner.patterns.get(&provider.name) else {
            let own = || Base::parse(&provider.name, &provider.base_url);
            return self.base(provider).cloned().map_or_else(own, Ok);
        };
        let mut url = pattern.clone();
        if *pattern == provider.base_url {
            url = url.replace("amazonaws.com", region.suffix());
            if fips {
                url = url.replace("bedrock-runtime", "bedrock-runtime-fips");
            }
        }
        if control {
            url = url.replace("bedrock-runtime", "bedrock");
        }
        Base::parse(&provider.name, &url.replace(REGION, &region.to_string()))
    }

    /// A provider's address with what the settings alone say; `None` when they name no resource and no region.
    pub(crate) fn settled_base(&self, provider: &Provider) -> Option<Base> {
        if provider.path == PathRule::Bedrock {
            let region = || Region::parse(self.inner.bedrock.region.as_deref()?);
            let base = self.base(provider).cloned();
            return base.or_else(|| self.base_of_region(provider, &region()?, false, false).ok());
        }
        let of_resource = || {
            let (resource, _) = self.inner.azure.resource(&http::HeaderMap::new()).ok()?;
            self.base_of_resource(provider, &resource).ok()
        };
        self.base(provider).cloned().or_else(of_resource)
    }

    /// Whether ChatGPT's tokens on OpenAI's routes are taken to ChatGPT.
    pub(crate) fn redirects_chatgpt(&self) -> bool {
        self.inner.redirects_chatgpt
    }

    pub(crate) fn chatgpt(&self) -> &Base {
        &self.inner.chatgpt
    }

    pub(crate) fn allowed(&self) -> &[Allowed] {
        &self.inner.allowed
    }

    pub(crate) fn azure(&self) -> &Azure {
        &self.inner.azure
    }

    pub(crate) fn bedrock(&self) -> &BedrockChoice {
        &self.inner.bedrock
    }

    /// The ports of this machine that are our own.
    pub fn own_ports(&self) -> &[u16] {
        &self.inner.own_ports
    }

    /// The provider whose address is one of our own listeners', and the port.
    pub fn looped(&self) -> Option<(&str, u16)> {
        let bases = self.inner.bases.iter().map(|(name, base)| (name.as_str(), base));
        let all = bases.chain([(CHATGPT, &self.inner.chatgpt)]);
        let ours = |base: &Base| {
            let port = base.port();
            (port != 0 && self.own_ports().contains(&port) && is_loopback(base.authority.host()))
                .then_some(port)
        };
        all.filter_map(|(name, base)| Some((name, ours(base)?))).next()
    }
}

impl Base {
    pub(crate) fn new(scheme: Scheme, authority: Authority, prefix: String) -> Self {
        Self { scheme, authority, prefix }
    }

    fn parse(provider: &str, url: &str) -> Result<Self, UpstreamError> {
        let error = |reason: &str| UpstreamError::Address {
            provider: provider.to_owned(),
            // A password in it must not reach a terminal or a log.
            url: url.rsplit('@').next().unwrap_or_default().to_owned(),
            reason: reason.to_owned(),
        };
        let uri: Uri = url.trim().parse().map_err(|_| error("it is not a URL"))?;
        let scheme = uri.scheme().filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
        let scheme = scheme.ok_or_else(|| error("it must begin with http:// or https://"))?.clone();
        let authority = uri.authority().ok_or_else(|| error("it names no host"))?.clone();
        if authority.as_str().contains('@') {
            return Err(error("it must not hold a user name or password"));
        }
        if uri.query().is_some() {
            return Err(error("it must not hold a query"));
        }
        // The parser drops it without a word.
        if url.contains('#') {
            return Err(error("it must not hold a fragment (#…)"));
        }
        if is_forbidden(authority.host()) {
            return Err(error("cloud machines get their credentials there"));
        }
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, authority, prefix })
    }

    /// Whether a key may be sent there: not in clear over a network.
    pub(crate) fn keeps_secrets(&self) -> bool {
        self.scheme == Scheme::HTTPS || is_loopback(self.authority.host())
    }

    pub(crate) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(self.standard_port())
    }

    pub(crate) fn standard_port(&self) -> u16 {
        if self.scheme == Scheme::HTTPS { 443 } else { 80 }
    }

    /// The path behind the prefix. Base URLs are often written with the version that paths begin with (`…/v1`): what both
    /// have stands there once.
    fn join(&self, path_and_query: &str) -> String {
        let version = self.prefix.rsplit_once('/').is_some_and(|(_, last)| is_version(last));
        let mut shared = self.prefix.match_indices('/').filter_map(|(at, _)| self.prefix.get(at..));
        let twice = shared.find(|end| version && is_below(path_and_query, end)).map_or(0, str::len);
        format!("{}{}", self.prefix, path_and_query.get(twice..).unwrap_or_default())
    }

    /// The upstream's URI for a path and query; `None` when they cannot stand in one.
    pub(crate) fn uri(&self, path_and_query: &str) -> Option<Uri> {
        let path: PathAndQuery = self.join(path_and_query).parse().ok()?;
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .ok()
    }
}

/// `v1`, `v1beta`, `v2.1`: the first segment of most providers' paths.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_both_name_stands_there_once() {
        for (base, path, joined) in [
            ("https://a.example/v1", "/v1/models?x", "/v1/models?x"),
            ("https://a.example/v1/", "/v1", "/v1"),
            ("https://a.example/v1", "/v1?x", "/v1?x"),
            ("https://a.example/api/v1", "/v1/models", "/api/v1/models"),
            ("https://a.example/openai/v1", "/openai/v1/models", "/openai/v1/models"),
            ("https://a.example/v1beta", "/v1beta/models", "/v1beta/models"),
            ("https://a.example/v1", "/v1beta/models", "/v1/v1beta/models"),
            ("https://a.example/v1", "/v2/models", "/v1/v2/models"),
            ("https://a.example/v1", "/models", "/v1/models"),
            ("https://a.example/team", "/team/models", "/team/team/models"),
            ("https://a.example", "/v1/v1/models", "/v1/v1/models"),
        ] {
            let uri = Base::parse("p", base).unwrap().uri(path).unwrap();
            assert_eq!(uri.path_and_query().unwrap().as_str(), joined, "{base} {path}");
        }
    }
}
