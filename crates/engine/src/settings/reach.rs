//! How far a listener reaches: loopback, or an address that other machines and containers see, for which a token has to be
//! asked. And who is let in at all, as the guard wants it.

use std::net::IpAddr;

use super::Settings;

/// What stands for loopback, of both families.
pub(super) const LOCALHOST: &str = "localhost";

/// A listener whose address can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The LLM proxy.
    Proxy,
    /// The dashboard and its API.
    Dashboard,
    /// OTLP, over HTTP and over gRPC.
    Otlp,
}

impl Reach {
    pub(super) const ALL: [Self; 3] = [Self::Proxy, Self::Dashboard, Self::Otlp];

    pub(super) fn setting(self) -> &'static str {
        match self {
            Self::Proxy => "proxy_host",
            Self::Dashboard => "dashboard_host",
            Self::Otlp => "otlp_host",
        }
    }
}

impl Settings {
    /// The address on which a listener listens beside loopback, if any. An error says why it may not, and the remedy.
    pub fn beyond(&self, listener: Reach) -> Result<Option<IpAddr>, String> {
        let Some(ip) = address(self.host(listener)).filter(|ip| !ip.is_loopback()) else { return Ok(None) };
        if self.require_token {
            return Ok(Some(ip));
        }
        Err(format!(
            "{} is {ip}, which other machines may reach, and no token is asked for; set require_token = true in the settings \
             (LLMFLOW_REQUIRE_TOKEN=on), or {} back to {LOCALHOST}",
            listener.setting(),
            listener.setting()
        ))
    }

    /// Why a listener would not start with these settings that does with those `before`, if there is one.
    pub(crate) fn cut_off(&self, before: &Self) -> Option<String> {
        let cut_off = |listener| self.beyond(listener).err().filter(|_| before.beyond(listener).is_ok());
        Reach::ALL.into_iter().find_map(cut_off)
    }

    /// Who may come in.
    pub(crate) fn rules(&self) -> guard::Rules {
        // An address in numbers is nobody's name: no page can make it lead elsewhere.
        let own = Reach::ALL.into_iter().filter_map(|listener| self.beyond(listener).ok().flatten());
        let (any, own): (Vec<IpAddr>, Vec<IpAddr>) = own.partition(IpAddr::is_unspecified);
        let own = own.iter().map(IpAddr::to_string);
        guard::Rules {
            hosts: self.allowed_hosts.iter().cloned().chain(own).collect(),
            everywhere: !any.is_empty(),
            origins: self.allowed_origins.clone(),
            require_token: self.require_token,
            allow_other_users: self.allow_other_users,
        }
    }

    /// Who may come in where there is nothing but recordings: nobody but this machine's own, and without a token.
    pub fn guard_of_recordings(&self) -> std::io::Result<guard::Guard> {
        let nobodys = guard::fresh().map_err(std::io::Error::other)?;
        let rules = guard::Rules { require_token: false, ..self.rules() };
        Ok(guard::Guard::new(rules, guard::Tokens::new(&nobodys)))
    }

    pub(super) fn host(&self, listener: Reach) -> &str {
        match listener {
            Reach::Proxy => &self.proxy_host,
            Reach::Dashboard => &self.dashboard_host,
            Reach::Otlp => &self.otlp_host,
        }
    }

    pub(super) fn host_mut(&mut self, listener: Reach) -> &mut String {
        match listener {
            Reach::Proxy => &mut self.proxy_host,
            Reach::Dashboard => &mut self.dashboard_host,
            Reach::Otlp => &mut self.otlp_host,
        }
    }
}

/// A setting's address as it is kept; `None` when it is neither `localhost` nor an address.
pub(super) fn host(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case(LOCALHOST) {
        return Some(LOCALHOST.to_owned());
    }
    address(text).map(|ip| ip.to_string())
}

fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_loopback_only_with_a_token() {
        let of = |host: &str, require_token| {
            Settings { proxy_host: host.to_owned(), require_token, ..Settings::default() }
                .beyond(Reach::Proxy)
        };
        for loopback in ["localhost", "127.0.0.1", "::1"] {
            assert_eq!((of(loopback, false), of(loopback, true)), (Ok(None), Ok(None)));
        }
        for host in ["0.0.0.0", "::", "192.168.0.4"] {
            assert_eq!(of(host, true), Ok(Some(host.parse().unwrap())));
            let reason = of(host, false).unwrap_err();
            assert!(reason.contains("require_token = true") && reason.contains("proxy_host"), "{reason}");
        }
    }

    #[test]
    fn a_change_that_cuts_a_listener_off_is_seen() {
        let of = |host: &str, require_token| Settings {
            otlp_host: host.to_owned(),
            require_token,
            ..Settings::default()
        };
        let open = of("0.0.0.0", true);
        assert!(of("0.0.0.0", false).cut_off(&open).unwrap().contains("otlp_host"));
        assert_eq!(of("localhost", false).cut_off(&open), None);
        // Who mends something else is not held up by what was wrong before.
        assert_eq!(of("0.0.0.0", false).cut_off(&of("::", false)), None);
    }

    #[test]
    fn hosts_are_localhost_or_addresses() {
        for (text, wanted) in [
            ("localhost", Some("localhost")),
            ("", Some("localhost")),
            (" 0.0.0.0 ", Some("0.0.0.0")),
            ("[::]", Some("::")),
            ("192.168.0.4:8080", None),
            ("box.internal", None),
            ("*", None),
        ] {
            assert_eq!(host(text).as_deref(), wanted, "{text:?}");
        }
    }

    #[test]
    fn an_address_that_is_listened_on_is_a_name_of_ours() {
        let settings = Settings {
            dashboard_host: "192.168.0.4".to_owned(),
            otlp_host: "0.0.0.0".to_owned(),
            require_token: true,
            ..Settings::default()
        };
        assert_eq!(settings.rules().hosts, ["192.168.0.4"]);
        assert!(settings.rules().everywhere, "whichever address of this machine was asked");
        let named = Settings { otlp_host: "192.168.0.5".to_owned(), ..settings };
        assert!(!named.rules().everywhere);
    }
}
