//! Values that are of the right type and still cannot be meant: refused with the form they should have, or brought
//! into it. For the file, the environment, flags and the page alike.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use api::SettingOrigin;
use proxy::{CHATGPT, NotAProxy, Providers};

use super::origin::{UPSTREAM, variable};
use super::upstreams::without_password;
use super::{Reach, Settings, SettingsError, Whose, budgets, reach};

const MAX_BODY_MB: RangeInclusive<u32> = 1..=4_096;
const OTLP_MAX_BODY_MB: RangeInclusive<u32> = 1..=1_024;
const MEMORY_MB: RangeInclusive<u32> = 1..=65_536;
/// With none nobody could come in, not even to change it.
const MAX_CONNECTIONS: RangeInclusive<u32> = 1..=1_000_000;
/// Two are no loop yet.
const LOOP_CALLS: RangeInclusive<u32> = 3..=1_000;
/// An hour: who waits longer for calls to end wants no end.
const SHUTDOWN_GRACE_S: RangeInclusive<u32> = 0..=3_600;

impl Settings {
    /// Checks each value, and what they say together.
    pub(super) fn check(&mut self) -> Result<(), SettingsError> {
        self.check_values()?;
        budgets::check(&self.budgets)?;
        self.check_ports()?;
        if self.outbound().is_err() {
            return Err(SettingsError::Value {
                name: "upstream_proxy".to_owned(),
                value: without_password(&self.upstream_proxy),
                wanted: NotAProxy.to_string(),
            });
        }
        let built_in = Providers::built_in();
        for (name, provider) in &self.providers {
            let known = built_in.find(name).is_some() || name.eq_ignore_ascii_case(CHATGPT);
            let misplaced = provider
                .only(Whose::Own)
                .filter(|_| known)
                .or_else(|| provider.only(Whose::Azure).filter(|_| !name.eq_ignore_ascii_case("azure")));
            if let Some(setting) = misplaced {
                return Err(SettingsError::Conflict(format!("providers.{name} has no setting {setting}")));
            }
        }
        Providers::with(&self.custom()).map(drop).map_err(SettingsError::Conflict)
    }

    fn check_ports(&self) -> Result<(), SettingsError> {
        let ports = [
            ("the proxy", "PROXY_PORT", self.proxy_port),
            ("the dashboard", "DASHBOARD_PORT", self.dashboard_port),
            ("OTLP over HTTP", "OTLP_HTTP_PORT", self.otlp_http_port),
            ("OTLP over gRPC", "OTLP_GRPC_PORT", self.otlp_grpc_port),
        ];
        for (index, (one, variable, port)) in ports.into_iter().enumerate().filter(|(_, port)| port.2 != 0) {
            let twin = ports.iter().skip(index + 1).find(|other| other.2 == port);
            if let Some((other, other_variable, _)) = twin {
                return Err(SettingsError::Conflict(format!(
                    "{one} and {other} cannot both listen on port {port}; change {variable} or {other_variable}"
                )));
            }
        }
        Ok(())
    }

    /// Checks each value by itself.
    fn check_values(&mut self) -> Result<(), SettingsError> {
        self.check_data_dir()?;
        let in_range = |name: &str, value: u32, range: RangeInclusive<u32>| match range.contains(&value) {
            true => Ok(()),
            false => {
                Err(wrong(name, &value.to_string(), format!("between {} and {}", range.start(), range.end())))
            }
        };
        in_range("max_body_mb", self.max_body_mb, MAX_BODY_MB)?;
        in_range("otlp_max_body_mb", self.otlp_max_body_mb, OTLP_MAX_BODY_MB)?;
        in_range("memory_mb", self.memory_mb, MEMORY_MB)?;
        in_range("max_connections", self.max_connections, MAX_CONNECTIONS)?;
        in_range("shutdown_grace_s", self.shutdown_grace_s, SHUTDOWN_GRACE_S)?;
        in_range("loop_calls", self.loop_calls, LOOP_CALLS)?;
        self.loop_action = self.loop_action.trim().to_ascii_lowercase();
        if !["off", "warn", "refuse"].contains(&self.loop_action.as_str()) {
            return Err(wrong("loop_action", &self.loop_action, "off, warn or refuse"));
        }
        self.prices_url = self.prices_url.trim().to_owned();
        if !is_source(&self.prices_url) {
            return Err(wrong(
                "prices_url",
                &self.prices_url,
                "an https:// address, or the whole path of a file",
            ));
        }
        for listener in Reach::ALL {
            let text = self.host_mut(listener);
            *text = reach::host(text).ok_or_else(|| {
                let form = "localhost, or an address of this machine without a port, e.g. \"0.0.0.0\" for all of them";
                wrong(listener.setting(), text, form)
            })?;
        }
        for text in &mut self.allowed_hosts {
            *text = host(text).ok_or_else(|| {
                let form = "a host name alone, without scheme, port and path, e.g. \"host.docker.internal\"";
                wrong("allowed_hosts", text, form)
            })?;
        }
        for text in &mut self.allowed_origins {
            *text = origin(text).ok_or_else(|| {
                let form = "a web page's origin, http:// or https:// with host and port alone, e.g. \"http://localhost:5173\"; \"*\" and \"null\" would let any page in";
                wrong("allowed_origins", text, form)
            })?;
        }
        match self.origin.unknown_upstream() {
            Some(variable) => {
                let name =
                    variable.strip_prefix(UPSTREAM).unwrap_or_default().to_lowercase().replace('_', "-");
                let known: Vec<_> =
                    self.every_provider().iter().map(|provider| provider.name.clone()).collect();
                Err(SettingsError::Conflict(format!(
                    "{variable} names no provider; unset it, or make one with [providers.{name}] in the settings file. There are: {}",
                    known.join(" ")
                )))
            }
            None => Ok(()),
        }
    }

    fn check_data_dir(&mut self) -> Result<(), SettingsError> {
        let by = self.origin.of("data_dir");
        let name = match by {
            SettingOrigin::Flag => "--data-dir".to_owned(),
            SettingOrigin::Environment => variable("data_dir").unwrap_or_default(),
            SettingOrigin::Default | SettingOrigin::File => "data_dir".to_owned(),
        };
        let folder = expanded(&self.data_dir);
        let folder = match by {
            // As every path on a command line.
            SettingOrigin::Flag => std::path::absolute(&folder).unwrap_or(folder),
            _ => folder,
        };
        let shown = folder.display().to_string();
        if !folder.is_absolute() {
            return Err(wrong(&name, &shown, "a whole path: begin it with / or ~/"));
        }
        if folder.metadata().is_ok_and(|about| !about.is_dir()) {
            return Err(wrong(
                &name,
                &shown,
                "a folder: a file is there; move it away, or name another place",
            ));
        }
        self.data_dir = folder;
        Ok(())
    }
}

fn wrong(name: &str, value: &str, wanted: impl Into<String>) -> SettingsError {
    SettingsError::Value { name: name.to_owned(), value: value.to_owned(), wanted: wanted.into() }
}

/// `~` is the home folder, as in a shell.
fn expanded(folder: &Path) -> PathBuf {
    let below = folder.strip_prefix("~").ok();
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    match (below, home) {
        (Some(below), Some(home)) if below.as_os_str().is_empty() => home,
        (Some(below), Some(home)) => home.join(below),
        _ => folder.to_owned(),
    }
}

/// A host without its brackets; `None` when it is more than a host, or none.
fn host(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    (is_name(bare) || bare.parse::<IpAddr>().is_ok()).then(|| bare.to_ascii_lowercase())
}

/// Where a refresh of prices can read: on the web, or in a file of this machine.
fn is_source(text: &str) -> bool {
    match text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) {
        Some(_) => text.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty())),
        None => Path::new(text).is_absolute() && !text.contains(char::is_control),
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.len() <= 253 && text.bytes().all(plain) && !text.starts_with('.')
}

/// An origin as browsers write it: in small letters, without the scheme's own port and without a slash at its end.
fn origin(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://")?;
    let own_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (host, port) = match authority.rsplit_once(':') {
        // A bracketed address has colons of its own.
        Some((host, port)) if !port.ends_with(']') => {
            (host, Some(port.parse::<u16>().ok().filter(|port| *port > 0)?))
        }
        _ => (authority, None),
    };
    let six = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let valid = six.map_or_else(|| is_name(host), |six| six.parse::<std::net::Ipv6Addr>().is_ok());
    let port = port.filter(|port| *port != own_port).map(|port| format!(":{port}")).unwrap_or_default();
    valid.then(|| format!("{scheme}://{host}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_brought_into_the_form_that_browsers_send() {
        for (text, wanted) in [
            ("http://localhost:5173", Some("http://localhost:5173")),
            (" HTTPS://App.Example/ ", Some("https://app.example")),
            ("http://[::1]:5173", Some("http://[::1]:5173")),
            ("http://[::1]", Some("http://[::1]")),
            ("http://a:80", Some("http://a")),
            ("https://a:443/", Some("https://a")),
            ("https://a:80", Some("https://a:80")),
            ("*", None),
            ("null", None),
            ("http://*", None),
            ("http://*.example", None),
            ("localhost:5173", None),
            ("http://localhost:5173/app", None),
            ("http://localhost:5173//", None),
            ("http://localhost?x", None),
            ("http://localhost#x", None),
            ("http://me@localhost", None),
            ("http://localhost:", None),
            ("http://localhost:0", None),
            ("http://localhost:70000", None),
            ("http://", None),
            ("http://a b", None),
            ("http://[::1", None),
            ("ftp://localhost", None),
            ("file:///x", None),
            ("", None),
        ] {
            assert_eq!(origin(text).as_deref(), wanted, "{text:?}");
        }
    }

    #[test]
    fn prices_come_from_the_web_or_from_a_file() {
        for text in ["https://a.example/prices.json", "http://localhost:8000/p"] {
            assert!(is_source(text), "{text}");
        }
        let file = std::env::temp_dir().join("prices.json");
        assert!(is_source(&file.display().to_string()));
        for text in
            ["", "javascript:alert(1)", "ftp://a/p", "a.example/p", "https://", "https:// a", "prices.json"]
        {
            assert!(!is_source(text), "{text:?}");
        }
    }

    #[test]
    fn hosts_are_names_or_addresses_alone() {
        for (text, wanted) in [
            ("host.docker.internal", Some("host.docker.internal")),
            (" Box ", Some("box")),
            ("192.168.0.4", Some("192.168.0.4")),
            ("[fd00::1]", Some("fd00::1")),
            ("fd00::1", Some("fd00::1")),
            ("box:8080", None),
            ("http://box", None),
            ("box/", None),
            ("*", None),
            ("*.internal", None),
            ("", None),
        ] {
            assert_eq!(host(text).as_deref(), wanted, "{text:?}");
        }
    }
}
