//! Who said a setting: what the file, the environment and the flags held when the settings were read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use api::{Secret, SettingOrigin};
use proxy::Providers;

use super::Flags;

/// Where settings came from, as far as it takes to read them again and to say who set what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The settings file, whether it exists or not.
    pub(super) file: Option<PathBuf>,
    /// The names the file sets.
    pub(super) in_file: BTreeSet<String>,
    /// The variables that were set, by name.
    pub(super) environment: BTreeMap<String, String>,
    /// The providers' keys, by provider's name. They are never written anywhere.
    pub(crate) keys: BTreeMap<String, EnvironmentKey>,
    /// Providers' addresses by other programs' variables (`OLLAMA_HOST` and such), where nobody says otherwise.
    pub(super) bases: BTreeMap<String, String>,
    pub(super) flags: Flags,
    /// Variables that would set the address of a provider, and of none that there is.
    pub(super) unknown: BTreeSet<String>,
}

/// A provider's key from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentKey {
    /// The variable.
    pub variable: String,
    /// What it holds.
    pub key: Secret,
}

/// The variable that sets a setting, where there is one.
pub(super) fn variable(name: &str) -> Option<String> {
    match name {
        "proxy_port" => Some("PROXY_PORT".to_owned()),
        "dashboard_port" => Some("DASHBOARD_PORT".to_owned()),
        "otlp_http_port" => Some("OTLP_HTTP_PORT".to_owned()),
        "otlp_grpc_port" => Some("OTLP_GRPC_PORT".to_owned()),
        "proxy_host" => Some("PROXY_HOST".to_owned()),
        "dashboard_host" => Some("DASHBOARD_HOST".to_owned()),
        "otlp_host" => Some("OTLP_HOST".to_owned()),
        "require_token" => Some("LLMFLOW_REQUIRE_TOKEN".to_owned()),
        "allow_other_users" => Some("LLMFLOW_ALLOW_OTHER_USERS".to_owned()),
        "data_dir" => Some("DATA_DIR".to_owned()),
        "keep_days" => Some("LLMFLOW_KEEP_DAYS".to_owned()),
        "keep_mb" => Some("LLMFLOW_KEEP_MB".to_owned()),
        "max_traces" => Some("MAX_TRACES".to_owned()),
        "max_logs" => Some("MAX_LOGS".to_owned()),
        "max_metrics" => Some("MAX_METRICS".to_owned()),
        "keychain" => Some("LLMFLOW_KEYCHAIN".to_owned()),
        "bedrock" => Some("LLMFLOW_BEDROCK".to_owned()),
        "bedrock_region" => Some("BEDROCK_REGION".to_owned()),
        AZURE_RESOURCE => Some("AZURE_OPENAI_RESOURCE".to_owned()),
        AZURE_VERSION => Some("AZURE_OPENAI_API_VERSION".to_owned()),
        _ => provider_of(name).map(|provider| format!("{UPSTREAM}{}", shouted(provider))),
    }
}

/// The name of a provider's address among the settings.
pub(super) fn base_url_of(provider: &str) -> String {
    format!("providers.{}.base_url", provider.to_lowercase())
}

/// The provider whose address `name` is.
pub(super) fn provider_of(name: &str) -> Option<&str> {
    name.strip_prefix("providers.")?.strip_suffix(".base_url")
}

/// How the variables that set providers' addresses begin.
pub(super) const UPSTREAM: &str = "LLMFLOW_UPSTREAM_";
/// What is set of Azure beside its address.
pub(super) const AZURE_RESOURCE: &str = "providers.azure.resource";
/// The other one.
pub(super) const AZURE_VERSION: &str = "providers.azure.api_version";

/// A provider's name as a part of a variable's.
pub(super) fn shouted(provider: &str) -> String {
    provider.to_uppercase().replace('-', "_")
}

impl Origin {
    pub(super) fn new(
        flags: &Flags,
        all: &BTreeMap<String, String>,
        file: Option<PathBuf>,
        providers: &Providers,
    ) -> Self {
        let env = |name: &str| all.get(name).cloned();
        let scalars = [
            "proxy_port",
            "dashboard_port",
            "otlp_http_port",
            "otlp_grpc_port",
            "proxy_host",
            "dashboard_host",
            "otlp_host",
            "require_token",
            "allow_other_users",
            "data_dir",
            "keep_days",
            "keep_mb",
            "max_traces",
            "max_logs",
            "max_metrics",
            "keychain",
            "bedrock",
            "bedrock_region",
        ];
        let scalars = scalars.map(str::to_owned);
        let addresses = providers.iter().map(|provider| base_url_of(&provider.name));
        let environment: BTreeMap<String, String> = scalars
            .into_iter()
            .chain(addresses)
            .chain([base_url_of(proxy::CHATGPT), AZURE_RESOURCE.to_owned(), AZURE_VERSION.to_owned()])
            .filter_map(|name| variable(&name))
            .filter_map(|variable| {
                let value = env(&variable).filter(|value| !value.trim().is_empty())?;
                Some((variable, value))
            })
            .collect();
        let unknown = all
            .iter()
            .filter(|(name, value)| name.starts_with(UPSTREAM) && !value.trim().is_empty())
            .map(|(name, _)| name.clone())
            .filter(|name| !environment.contains_key(name))
            .collect();
        let keys = crate::keys::from_environment(providers, &env);
        let bases = bases(&env);
        Self { file, in_file: BTreeSet::new(), environment, keys, bases, flags: flags.clone(), unknown }
    }

    /// A variable that would set the address of a provider that there is not.
    pub(super) fn unknown_upstream(&self) -> Option<&str> {
        self.unknown.first().map(String::as_str)
    }

    /// Who said `name`.
    pub(super) fn of(&self, name: &str) -> SettingOrigin {
        let flag = match name {
            "proxy_port" => self.flags.proxy_port.is_some(),
            "dashboard_port" => self.flags.dashboard_port.is_some(),
            "otlp_http_port" => self.flags.otlp_http_port.is_some(),
            "otlp_grpc_port" => self.flags.otlp_grpc_port.is_some(),
            "data_dir" => self.flags.data_dir.is_some(),
            _ => false,
        };
        if flag {
            SettingOrigin::Flag
        } else if variable(name).is_some_and(|variable| self.environment.contains_key(&variable)) {
            SettingOrigin::Environment
        } else if self.in_file.contains(name) {
            SettingOrigin::File
        } else {
            SettingOrigin::Default
        }
    }
}

/// Addresses that other programs' variables name.
fn bases(env: &dyn Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let set = |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let ollama =
        address(set("OLLAMA_HOST"), set("OLLAMA_PORT").as_deref(), ("http", "localhost", Some("11434")));
    let helicone =
        address(set("HELICONE_HOST"), set("HELICONE_PORT").as_deref(), ("https", "oai.helicone.ai", None));
    let named = [("ollama", ollama), ("helicone", helicone)];
    named.into_iter().filter_map(|(name, base)| Some((name.to_owned(), base?))).collect()
}

/// The address that a host, with or without scheme and port, and a port make; `None` when neither is set. `usual` is
/// the scheme, the host and the port that count for what is missing.
fn address(host: Option<String>, port: Option<&str>, usual: (&str, &str, Option<&str>)) -> Option<String> {
    if host.is_none() && port.is_none() {
        return None;
    }
    let host = host.unwrap_or_else(|| usual.1.to_owned());
    let (scheme, rest) = host.split_once("://").unwrap_or((usual.0, &host));
    // A scheme of its own brings its own port.
    let usual_port = usual.2.filter(|_| !host.contains("://"));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (name, own_port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (authority, None),
    };
    // Servers read the same variable to know where to listen: everywhere means here for who calls.
    let name = if matches!(name, "" | "0.0.0.0" | "[::]") { "localhost" } else { name };
    let port = own_port.or(port).or(usual_port).map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{scheme}://{name}{port}{}", path.trim_end_matches('/')))
}

/// Whether an address is on this machine, at one of `ports`.
pub(super) fn leads_to(address: &str, ports: &[u16]) -> bool {
    let authority = address.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let Some((host, port)) = authority.rsplit_once(':') else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let local = host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    local && port.parse().is_ok_and(|port: u16| port != 0 && ports.contains(&port))
}

/// The names that a file's text sets.
pub(super) fn names(table: &toml::Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (key, value) in table {
        match (key.as_str(), value) {
            ("providers", toml::Value::Table(providers)) => {
                let tables =
                    providers.iter().filter_map(|(name, provider)| Some((name, provider.as_table()?)));
                names.extend(tables.flat_map(|(name, provider)| {
                    provider.keys().map(move |key| format!("providers.{}.{key}", name.to_lowercase()))
                }));
            }
            _ => drop(names.insert(key.clone())),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_programs_variables_name_addresses() {
        for (host, port, expected) in [
            (None, None, None),
            (Some("gpu"), None, Some("http://gpu:11434")),
            (None, Some("1"), Some("http://localhost:1")),
            (Some("gpu"), Some("1"), Some("http://gpu:1")),
            (Some("gpu:2"), Some("1"), Some("http://gpu:2")),
            (Some("0.0.0.0"), None, Some("http://localhost:11434")),
            (Some("0.0.0.0:9"), None, Some("http://localhost:9")),
            (Some(":9"), None, Some("http://localhost:9")),
            (Some("[::1]"), None, Some("http://[::1]:11434")),
            (Some("[::]:9"), None, Some("http://localhost:9")),
            (Some("https://gpu.example/ollama/"), None, Some("https://gpu.example/ollama")),
        ] {
            let env = |name: &str| match name {
                "OLLAMA_HOST" => host.map(str::to_owned),
                "OLLAMA_PORT" => port.map(str::to_owned),
                _ => None,
            };
            assert_eq!(bases(&env).get("ollama").map(String::as_str), expected, "{host:?} {port:?}");
        }
        let helicone = |name: &str| (name == "HELICONE_HOST").then(|| "gw.example".to_owned());
        assert_eq!(bases(&helicone)["helicone"], "https://gw.example");
    }
}
