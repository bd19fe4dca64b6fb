//! What a request says of itself: `Host`, which no page of a rebound name can get right, and `Origin` and
//! `Sec-Fetch-Site`, with which browsers say whose page sends it. Pure.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The names that are allowed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Hosts beside this machine's own, without port.
    pub(crate) hosts: Vec<String>,
    /// Origins beside the listener's own, as `scheme://host[:port]`.
    pub(crate) origins: Vec<String>,
    /// Every address of this machine is listened on.
    pub(crate) everywhere: bool,
}

impl Names {
    /// Judges a request by everything it says of where it comes from; a header that is there twice is judged twice.
    /// `pages` is the method of a request to a listener that serves pages of its own, `near` the address of ours that its
    /// connection came to.
    pub(crate) fn judge(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        pages: Option<&Method>,
        near: Option<IpAddr>,
    ) -> Result<(), String> {
        // An address in numbers is nobody's name: no page can make it lead elsewhere.
        let near = near.filter(|_| self.everywhere);
        if headers.get_all(header::HOST).iter().count() > 1 {
            return Err("The request has more than one Host header.".into());
        }
        // Both must be ours: an absolute URI does not excuse a foreign Host header.
        let hosts: Vec<&str> = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .into_iter()
            .chain(texts(headers, header::HOST))
            .collect();
        let first = hosts.first().copied();
        for host in hosts.into_iter().map(Some).chain(first.is_none().then_some(None)) {
            self.check(host, near, None, None, pages.is_some())?;
        }
        // A person may follow a link to a page from anywhere; only to the page itself, never to the API or into a frame.
        let navigation = pages == Some(&Method::GET)
            && texts(headers, FETCH_MODE).eq(["navigate"])
            && texts(headers, FETCH_DEST).all(|destination| destination == "document")
            && !uri.path().starts_with("/api/");
        let origins: Vec<Option<&str>> = texts(headers, header::ORIGIN).map(Some).collect();
        let origins = if origins.is_empty() { vec![None] } else { origins };
        let sites: Vec<&str> = texts(headers, FETCH_SITE).filter(|_| !navigation).collect();
        let foreign = |site: &&str| !matches!(*site, "none" | "same-origin");
        let site = sites.iter().copied().find(foreign).or_else(|| sites.first().copied());
        origins.into_iter().try_for_each(|origin| self.check(first, near, origin, site, pages.is_some()))
    }

    /// Judges one request. `host` is the `Host` header or the authority of the URI; `own_pages` says whether the
    /// listener serves pages itself, so that a page of its own origin may call it.
    fn check(
        &self,
        host: Option<&str>,
        near: Option<IpAddr>,
        origin: Option<&str>,
        fetch_site: Option<&str>,
        own_pages: bool,
    ) -> Result<(), String> {
        let Some(host) = host else {
            return Err("The request has no Host header.".into());
        };
        if !self.host_allowed(host, near) {
            return Err(format!(
                "The host {:?} is not this machine. If it is meant to reach LLMFlow, add it to allowed_hosts in the settings.",
                name_of(host)
            ));
        }
        let allowed = origin.is_some_and(|origin| self.origins.iter().any(|allowed| allowed == origin));
        let own = own_pages && origin.is_some_and(|origin| is_own(origin, host));
        if allowed || own {
            return Ok(());
        }
        if let Some(origin) = origin {
            return Err(format!(
                "Web pages of {origin:?} may not call LLMFlow. If this one should, add it to allowed_origins in the settings."
            ));
        }
        match fetch_site {
            Some(site) if !matches!(site, "none" | "same-origin") => Err(
                "Another web page sent this request. If it should, add its origin to allowed_origins in the settings."
                    .into(),
            ),
            _ => Ok(()),
        }
    }

    fn host_allowed(&self, host: &str, near: Option<IpAddr>) -> bool {
        let name = name_of(host);
        let is_ours = |address: IpAddr| address.is_loopback() || near == Some(address.to_canonical());
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(is_ours)
            || self.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
    }
}

/// A header's values; one that is not text is none that we would allow.
fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).into_iter().map(|value: &HeaderValue| value.to_str().unwrap_or("?"))
}

/// The host without its port and without the brackets of an IPv6 address. What has anything else behind it is a name as a
/// whole, and none of ours.
fn name_of(host: &str) -> &str {
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((name, rest)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        return if rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port) { name } else { host };
    }
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    }
}

fn is_own(origin: &str, host: &str) -> bool {
    origin.strip_prefix("http://").is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_allowed_names_are_hosts() {
        let names = Names { hosts: vec!["host.docker.internal".into()], ..Names::default() };
        for host in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:3000",
            "[::1]:3000",
            "[::1]",
            "127.8.9.1",
            "HOST.docker.internal:1",
        ] {
            assert_eq!(names.check(Some(host), None, None, None, false), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io:8080",
            "192.168.0.4",
            "",
            "[::2]",
            "::1:x",
            "[::1].evil.example",
            "[::1].evil.example:3000",
            "[::1]evil.example",
            "[::1]:3000.evil.example",
            "[127.0.0.1]@evil.example:80",
            "[::1",
        ] {
            assert!(names.check(Some(host), None, None, None, false).is_err(), "{host}");
        }
        assert!(names.check(None, None, None, None, false).is_err());
    }

    #[test]
    fn other_pages_are_refused_and_own_pages_are_not() {
        let names = Names { origins: vec!["http://localhost:5173".into()], ..Names::default() };
        let host = Some("localhost:3000");
        assert!(names.check(host, None, Some("http://evil.example"), Some("cross-site"), true).is_err());
        assert!(names.check(host, None, Some("null"), None, true).is_err());
        assert!(names.check(host, None, None, Some("cross-site"), true).is_err());
        assert!(names.check(host, None, None, Some("same-site"), true).is_err());
        assert!(names.check(host, None, Some("http://localhost:8080"), Some("same-site"), true).is_err());
        assert_eq!(names.check(host, None, Some("http://localhost:3000"), Some("same-origin"), true), Ok(()));
        assert!(names.check(host, None, Some("http://localhost:3000"), None, false).is_err());
        assert_eq!(names.check(host, None, Some("http://localhost:5173"), Some("same-site"), false), Ok(()));
        assert_eq!(names.check(host, None, None, Some("none"), true), Ok(()));
    }

    #[test]
    fn who_listens_everywhere_answers_to_the_address_that_was_asked() {
        let everywhere = Names { everywhere: true, ..Names::default() };
        let asked = |names: &Names, host: &str, near: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
            names.judge(&Uri::from_static("/"), &headers, None, Some(near.parse().unwrap())).is_ok()
        };
        for (host, near) in [
            ("192.168.0.4:3000", "192.168.0.4"),
            ("[fd00::4]:3000", "fd00::4"),
            ("[::ffff:192.168.0.4]", "192.168.0.4"),
            ("localhost", "192.168.0.4"),
        ] {
            assert!(asked(&everywhere, host, near), "{host}");
            assert_eq!(asked(&Names::default(), host, near), host == "localhost", "{host}");
        }
        for host in ["192.168.0.5", "192.168.0.4.nip.io", "box.internal", "[fd00::4].evil.example"] {
            assert!(!asked(&everywhere, host, "192.168.0.4"), "{host}");
        }
    }
}
