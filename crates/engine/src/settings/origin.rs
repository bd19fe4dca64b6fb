//! Who said a setting: what the file, the environment and the flags held when the settings were read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use api::{Secret, SettingOrigin};

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
    pub(crate) keys: BTreeMap<&'static str, EnvironmentKey>,
    pub(super) flags: Flags,
}

/// A provider's key from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentKey {
    /// The variable.
    pub variable: &'static str,
    /// What it holds.
    pub key: Secret,
}

/// The variable that sets a setting, where there is one.
pub(super) fn variable(name: &str) -> Option<String> {
    match name {
        "proxy_port" => Some("PROXY_PORT".to_owned()),
        "dashboard_port" => Some("DASHBOARD_PORT".to_owned()),
        "data_dir" => Some("DATA_DIR".to_owned()),
        "keychain" => Some("LLMFLOW_KEYCHAIN".to_owned()),
        _ => provider_of(name).map(|provider| format!("LLMFLOW_UPSTREAM_{}", provider.name.to_uppercase())),
    }
}

/// The name of a provider's address among the settings.
pub(super) fn base_url_of(provider: &str) -> String {
    format!("providers.{}.base_url", provider.to_lowercase())
}

/// The provider whose address `name` is.
pub(super) fn provider_of(name: &str) -> Option<&'static proxy::Provider> {
    let provider = name.strip_prefix("providers.")?.strip_suffix(".base_url")?;
    proxy::provider::PROVIDERS.iter().find(|known| known.name == provider)
}

impl Origin {
    pub(super) fn new(flags: &Flags, env: &dyn Fn(&str) -> Option<String>, file: Option<PathBuf>) -> Self {
        let scalars = ["proxy_port", "dashboard_port", "data_dir", "keychain"].map(str::to_owned);
        let providers = proxy::provider::PROVIDERS.iter().map(|provider| base_url_of(provider.name));
        let environment = scalars
            .into_iter()
            .chain(providers)
            .filter_map(|name| variable(&name))
            .filter_map(|variable| {
                let value = env(&variable).filter(|value| !value.trim().is_empty())?;
                Some((variable, value))
            })
            .collect();
        let keys = crate::keys::from_environment(env);
        Self { file, in_file: BTreeSet::new(), environment, keys, flags: flags.clone() }
    }

    /// Who said `name`.
    pub(super) fn of(&self, name: &str) -> SettingOrigin {
        let flag = match name {
            "proxy_port" => self.flags.proxy_port.is_some(),
            "dashboard_port" => self.flags.dashboard_port.is_some(),
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

/// The names that a file's text sets.
pub(super) fn names(table: &toml::Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (key, value) in table {
        match (key.as_str(), value) {
            ("providers", toml::Value::Table(providers)) => names.extend(
                providers
                    .iter()
                    .filter(|(_, provider)| provider.get("base_url").is_some())
                    .map(|(name, _)| base_url_of(name)),
            ),
            _ => drop(names.insert(key.clone())),
        }
    }
    names
}
