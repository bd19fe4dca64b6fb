//! Hosts that nobody may have us call, and the user's list of those that a client may name. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Clouds give these names to the service that hands a machine its credentials.
const METADATA_NAMES: &[&str] =
    &["metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];
/// The same service, by address, where it is not link-local.
const METADATA_V4: &[Ipv4Addr] =
    &[Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: &[Ipv6Addr] =
    &[Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// Whether `host`, a name or an address as it stands in a URL, is one that no call may go to.
pub(crate) fn is_forbidden(host: &str) -> bool {
    let name = bare(host);
    match name.parse::<IpAddr>() {
        Ok(address) => is_forbidden_address(address),
        Err(_) => METADATA_NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)),
    }
}

/// Whether no call may go to `address`: a cloud's metadata service, or a link-local address, where it lives.
pub(crate) fn is_forbidden_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local() || METADATA_V4.contains(&address),
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || METADATA_V6.contains(&address)
                || embedded(address).is_some_and(|address| is_forbidden_address(address.into()))
        }
    }
}

/// Whether `host` says itself that it is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = bare(host);
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| {
            let address = match address {
                IpAddr::V6(six) => embedded(six).map_or(address, IpAddr::V4),
                IpAddr::V4(_) => address,
            };
            address.is_loopback() || address.is_unspecified()
        })
}

/// A host without the brackets of an IPv6 address and without the dot at the end of a full name.
pub(crate) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.')
}

/// The IPv4 address that is meant: mapped, or behind a translator between the two.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., high, low] = address.segments();
    let translated = matches!(address.segments(), [0x64, 0xff9b, 0, 0, 0, 0, _, _]);
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    address.to_ipv4_mapped().or_else(|| translated.then_some(Ipv4Addr::new(a, b, c, d)))
}

/// One entry of `allowed_upstreams`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// What follows the `*` when it is a pattern, else the whole name.
    name: String,
    any_below: bool,
    /// `None` is the scheme's own.
    port: Option<u16>,
}

impl Allowed {
    /// Reads `host`, `host:port` or `*.domain`; else what is wrong with it.
    pub(crate) fn parse(entry: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "allowed_upstreams holds {entry:?}, which is no host: write a host as in \"gateway.example\", with a \
                 port as in \"localhost:1234\", or all below a domain as in \"*.openai.azure.com\""
            )
        };
        let text = entry.trim().to_ascii_lowercase();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port.parse().map_err(|_| wrong())?)),
            _ => (text.as_str(), None),
        };
        let (name, any_below) = match host.strip_prefix('*') {
            Some(domain) if domain.starts_with('.') => (domain, true),
            _ => (bare(host), false),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        if !name.bytes().all(is_name)
            || name.trim_matches('.').is_empty()
            || (any_below && !name.contains(char::is_alphabetic))
        {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), any_below, port })
    }

    /// Whether it allows `host` at `port`, which is the scheme's own when the client named none.
    pub(crate) fn allows(&self, host: &str, port: Option<u16>) -> bool {
        let host = bare(host).to_ascii_lowercase();
        let named = match self.any_below {
            true => host.strip_suffix(&self.name).is_some_and(|labels| !labels.is_empty()),
            false => host == self.name,
        };
        named && self.port == port
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.any_below { "*" } else { "" };
        write!(f, "{star}{}", self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_services_are_forbidden_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "169.254.170.2",
            "[fd00:ec2::254]",
            "[FD00:0EC2:0:0::0254]",
            "[fd20:ce::254]",
            "[fe80::1]",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "metadata.google.internal",
            "METADATA.google.internal.",
            "metadata",
        ] {
            assert!(is_forbidden(host), "{host}");
        }
        for host in [
            "127.0.0.1",
            "[::1]",
            "api.openai.com",
            "192.168.0.4",
            "10.0.0.1",
            "metadata.example",
            "[fd00::1]",
        ] {
            assert!(!is_forbidden(host), "{host}");
        }
    }

    #[test]
    fn this_machine_says_so_in_many_ways() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "127.0.0.1.nip.io", "128.0.0.1", "[::2]", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn an_entry_allows_what_it_says_and_no_more() {
        let allows = |entry: &str, host: &str, port| Allowed::parse(entry).unwrap().allows(host, port);
        assert!(allows("Gateway.example", "gateway.EXAMPLE", None));
        assert!(!allows("gateway.example", "gateway.example", Some(8443)));
        assert!(!allows("gateway.example", "x.gateway.example", None));
        assert!(!allows("gateway.example", "gateway.example.evil", None));
        assert!(allows("localhost:1234", "localhost", Some(1234)));
        assert!(!allows("localhost:1234", "localhost", None));
        assert!(allows("*.openai.azure.com", "a.b.openai.azure.com", None));
        assert!(!allows("*.openai.azure.com", "openai.azure.com", None));
        assert!(!allows("*.openai.azure.com", ".openai.azure.com", None));
        assert!(!allows("*.openai.azure.com", "evilopenai.azure.com", None));
        assert!(allows("[::1]:80", "[::1]", Some(80)));
        for wrong in ["", "*", "*.", "https://x", "x/y", "a b", "x:99999", "*x.com", "a*b", "*.:1", "x:"] {
            assert!(Allowed::parse(wrong).unwrap_err().contains("allowed_upstreams"), "{wrong:?}");
        }
        assert_eq!(Allowed::parse("*.A.b:1").unwrap().to_string(), "*.a.b:1");
    }
}
