//! By which way upstreams are reached: directly, or through the network's own proxy. Leaves out connecting (`dial`).

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::uri::Scheme;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// Schemes of proxies that are understood.
const SCHEMES: &[&str] = &["http", "https", "socks5", "socks5h"];

/// The proxies that stand between this machine and the upstreams. Clones share them.
#[derive(Clone)]
pub struct Outbound {
    matcher: Option<Arc<Matcher>>,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outbound").finish_non_exhaustive()
    }
}

/// The proxy's address cannot be used; says why, without the address, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("a URL such as http://proxy.example:3128, https:// or socks5:// (or \"none\" for no proxy)")]
pub struct NotAProxy;

impl Outbound {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, read now.
    pub fn environment() -> Self {
        Self { matcher: Some(Arc::new(Matcher::from_env())) }
    }

    /// No proxy, whatever the environment says.
    pub fn direct() -> Self {
        Self { matcher: None }
    }

    /// What a setting says: empty for the environment's, `none` for no proxy, else the proxy's URL. `except` lists
    /// hosts as `NO_PROXY` does.
    pub fn of_setting(setting: &str, except: &str) -> Result<Self, NotAProxy> {
        match setting.trim() {
            "" => Ok(Self::environment()),
            "none" => Ok(Self::direct()),
            url => {
                let uri: Uri = url.parse().map_err(|_| NotAProxy)?;
                let known = uri.scheme_str().is_some_and(|scheme| SCHEMES.contains(&scheme));
                if !known || uri.host().is_none_or(str::is_empty) {
                    return Err(NotAProxy);
                }
                let matcher = Matcher::builder().all(url).no(except).build();
                Ok(Self { matcher: Some(Arc::new(matcher)) })
            }
        }
    }

    /// The proxy for `destination`; never one for this machine itself.
    pub(crate) fn proxy(&self, destination: &Uri) -> Option<Intercept> {
        if destination.host().is_none_or(is_this_machine) {
            return None;
        }
        self.matcher.as_ref()?.intercept(destination)
    }

    /// What a proxy that forwards plain HTTP is told of who asks.
    pub(crate) fn authorization(&self, destination: &Uri) -> Option<HeaderValue> {
        let proxy = (destination.scheme() == Some(&Scheme::HTTP)).then(|| self.proxy(destination))??;
        proxy.basic_auth().cloned()
    }

    /// The proxy between this machine and `url`, without user name and password; `None` for none.
    pub fn shown(&self, url: &str) -> Option<String> {
        let proxy = self.proxy(&url.parse().ok()?)?;
        Some(shown(proxy.uri()))
    }
}

/// A proxy's address for people; the matcher has taken user name and password out of it.
pub(crate) fn shown(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    format!("{}://{authority}", uri.scheme_str().unwrap_or("http"))
}

/// Whether a host is this machine by name or by address.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_decides_and_this_machine_is_never_behind_a_proxy() {
        let outbound =
            Outbound::of_setting("http://me:pa%20ss@proxy.example:3128", "inner.example, 10.0.0.0/8");
        let outbound = outbound.unwrap();
        for (url, proxy) in [
            ("https://api.openai.com", Some("http://proxy.example:3128")),
            ("http://api.example:8000", Some("http://proxy.example:3128")),
            ("https://a.inner.example", None),
            ("http://10.1.2.3", None),
            ("http://localhost:11434", None),
            ("http://app.localhost", None),
            ("http://127.0.0.1:1", None),
            ("http://[::1]:1", None),
        ] {
            assert_eq!(outbound.shown(url).as_deref(), proxy, "{url}");
        }
        let told = |url: &str| outbound.authorization(&url.parse().unwrap());
        assert_eq!(told("http://api.example").unwrap(), "Basic bWU6cGEgc3M=");
        assert_eq!(told("https://api.example"), None, "a tunnel is asked for by the dialler");
        assert_eq!(Outbound::of_setting("none", "").unwrap().shown("https://a.example"), None);
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_repeating_a_password() {
        for url in
            ["proxy.example:3128", "ftp://proxy.example", "http://", "http://u:secret@", "socks4://x:1"]
        {
            let error = Outbound::of_setting(url, "").unwrap_err().to_string();
            assert!(
                error.contains("http://proxy.example:3128") && !error.contains("secret"),
                "{url}: {error}"
            );
        }
    }
}
