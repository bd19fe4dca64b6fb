//! Where the providers answer. Leaves out asking them (`client`) and what is asked (`forward`).

use std::collections::BTreeMap;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::provider::{PROVIDERS, Provider};

/// An upstream's address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the base URL {url:?} of provider {provider} cannot be used: {reason}")]
pub struct UpstreamError {
    /// The provider.
    pub provider: String,
    /// The address as it was given, without a user name and password.
    pub url: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The address of every provider.
#[derive(Clone, Debug)]
pub struct Upstreams {
    bases: BTreeMap<&'static str, Base>,
}

#[derive(Clone, Debug)]
pub(crate) struct Base {
    scheme: Scheme,
    pub(crate) authority: Authority,
    prefix: String,
}

impl Upstreams {
    /// Every provider's own address, replaced by `chosen` where it names one (name → base URL).
    pub fn new(chosen: &BTreeMap<String, String>) -> Result<Self, UpstreamError> {
        let mut bases = BTreeMap::new();
        for provider in PROVIDERS {
            let url = chosen.get(provider.name).map_or(provider.base_url, String::as_str);
            bases.insert(provider.name, Base::parse(provider.name, url)?);
        }
        Ok(Self { bases })
    }

    pub(crate) fn base(&self, provider: &Provider) -> Option<&Base> {
        self.bases.get(provider.name)
    }

    /// Name and address of every provider.
    pub(crate) fn bases(&self) -> impl Iterator<Item = (&'static str, &Base)> {
        self.bases.iter().map(|(name, base)| (*name, base))
    }

    /// Host and port of every provider, for checks that none of them is one of our own listeners.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, &str, u16)> {
        self.bases.iter().map(|(name, base)| (*name, base.authority.host(), base.port()))
    }
}

impl Base {
    fn parse(provider: &str, url: &str) -> Result<Self, UpstreamError> {
        let error = |reason: &str| UpstreamError {
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
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, authority, prefix })
    }

    /// Whether a key may be sent there: not in clear over a network.
    pub(crate) fn keeps_secrets(&self) -> bool {
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        self.scheme == Scheme::HTTPS
            || host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    fn port(&self) -> u16 {
        let standard = if self.scheme == Scheme::HTTPS { 443 } else { 80 };
        self.authority.port_u16().unwrap_or(standard)
    }

    /// The upstream's URI for a path and query; `None` when they cannot stand in one.
    pub(crate) fn uri(&self, path_and_query: &str) -> Option<Uri> {
        let path: PathAndQuery = format!("{}{path_and_query}", self.prefix).parse().ok()?;
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .ok()
    }
}
