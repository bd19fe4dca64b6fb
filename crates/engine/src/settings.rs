//! The settings: one strict struct, one default, read from a file, the environment and flags in rising order.
//! Leaves out what they mean to the parts that use them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use api::Secret;
use serde::{Deserialize, Serialize};

use crate::keys;

/// The commented file with every default.
pub const EXAMPLE: &str = include_str!("../settings.example.toml");

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The proxy's port; 0 for none.
    pub proxy_port: u16,
    /// The dashboard's port; 0 for none.
    pub dashboard_port: u16,
    /// The data folder; empty for `~/.llmflow`.
    pub data_dir: PathBuf,
    /// Names of this machine beside its own.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call.
    pub allowed_origins: Vec<String>,
    /// Megabytes of one body that are kept.
    pub max_body_mb: u32,
    /// Megabytes of bodies that are not stored yet.
    pub memory_mb: u32,
    /// Seconds that calls may go on after a stop.
    pub shutdown_grace_s: u32,
    /// Whether the operating system's keychain is asked for keys.
    pub keychain: bool,
    /// Whether a stored key is lent only to calls that carry a local key.
    pub local_keys_required: bool,
    /// By provider's name.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// The keys that the environment holds, by provider's name. They are never written anywhere.
    #[serde(skip)]
    pub environment_keys: BTreeMap<&'static str, EnvironmentKey>,
}

/// A key from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentKey {
    /// The variable.
    pub variable: &'static str,
    /// What it holds.
    pub key: Secret,
}

/// What can be set of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    /// Its address instead of its own.
    pub base_url: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            proxy_port: 8080,
            dashboard_port: 3000,
            data_dir: PathBuf::new(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            max_body_mb: 32,
            memory_mb: 256,
            shutdown_grace_s: 30,
            keychain: true,
            local_keys_required: false,
            providers: BTreeMap::new(),
            environment_keys: BTreeMap::new(),
        }
    }
}

/// What the command line set.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--proxy-port`.
    pub proxy_port: Option<u16>,
    /// `--dashboard-port`.
    pub dashboard_port: Option<u16>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
}

/// Settings that cannot be used. Each names its place and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is not there or cannot be read.
    #[error("the settings file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file says something that is not understood.
    #[error("the settings file {path} is not understood: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A value has a wrong form.
    #[error("{name} is {value:?}, which is not {wanted}")]
    Value {
        /// The variable or setting.
        name: String,
        /// What it says.
        value: String,
        /// What it must be.
        wanted: String,
    },
    /// Two settings contradict each other.
    #[error("{0}")]
    Conflict(String),
}

impl Settings {
    /// Reads the settings: the file, then the environment (through `env`), then `flags`.
    pub fn load(flags: &Flags, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut settings = match file(flags, env) {
            Some((path, required)) => Self::read(&path, required)?,
            None => Self::default(),
        };
        settings.apply_environment(env)?;
        settings.proxy_port = flags.proxy_port.unwrap_or(settings.proxy_port);
        settings.dashboard_port = flags.dashboard_port.unwrap_or(settings.dashboard_port);
        if let Some(data_dir) = &flags.data_dir {
            settings.data_dir.clone_from(data_dir);
        }
        if settings.data_dir.as_os_str().is_empty() {
            settings.data_dir = default_data_dir();
        }
        settings.check()?;
        Ok(settings)
    }

    fn read(path: &Path, required: bool) -> Result<Self, SettingsError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => return Err(SettingsError::Unreadable { path: path.to_owned(), source }),
        };
        toml::from_str(&text).map_err(|error| SettingsError::Malformed {
            path: path.to_owned(),
            reason: error.to_string().trim().to_owned(),
        })
    }

    fn apply_environment(&mut self, env: &dyn Fn(&str) -> Option<String>) -> Result<(), SettingsError> {
        let get = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        for (name, port) in
            [("PROXY_PORT", &mut self.proxy_port), ("DASHBOARD_PORT", &mut self.dashboard_port)]
        {
            if let Some(value) = get(name) {
                *port = value.trim().parse().map_err(|_| SettingsError::Value {
                    name: name.to_owned(),
                    value,
                    wanted: "a port between 0 and 65535".to_owned(),
                })?;
            }
        }
        if let Some(data_dir) = get("DATA_DIR") {
            self.data_dir = data_dir.into();
        }
        if let Some(value) = get("LLMFLOW_KEYCHAIN") {
            self.keychain = match value.trim().to_ascii_lowercase().as_str() {
                "on" | "true" | "1" | "yes" => true,
                "off" | "false" | "0" | "no" => false,
                _ => {
                    return Err(SettingsError::Value {
                        name: "LLMFLOW_KEYCHAIN".to_owned(),
                        value,
                        wanted: "on or off".to_owned(),
                    });
                }
            };
        }
        self.environment_keys = keys::from_environment(&get);
        for provider in proxy::provider::PROVIDERS {
            let name = format!("LLMFLOW_UPSTREAM_{}", provider.name.to_uppercase());
            if let Some(base_url) = get(&name) {
                self.providers.entry(provider.name.to_owned()).or_default().base_url = Some(base_url);
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), SettingsError> {
        if self.proxy_port != 0 && self.proxy_port == self.dashboard_port {
            return Err(SettingsError::Conflict(format!(
                "the proxy and the dashboard cannot both listen on port {}; change PROXY_PORT or DASHBOARD_PORT",
                self.proxy_port
            )));
        }
        let known = |name: &&String| proxy::provider::find(name).is_none();
        if let Some(unknown) = self.providers.keys().find(known) {
            let names: Vec<_> = proxy::provider::PROVIDERS.iter().map(|provider| provider.name).collect();
            return Err(SettingsError::Value {
                name: "[providers]".to_owned(),
                value: unknown.clone(),
                wanted: format!("a provider here; known are {}", names.join(", ")),
            });
        }
        Ok(())
    }

    /// Who may talk to this machine's listeners.
    pub(crate) fn guard(&self) -> proxy::Guard {
        proxy::Guard { hosts: self.allowed_hosts.clone(), origins: self.allowed_origins.clone() }
    }

    /// The addresses that replace providers' own.
    pub(crate) fn base_urls(&self) -> BTreeMap<String, String> {
        self.providers
            .iter()
            .filter_map(|(name, provider)| Some((name.to_lowercase(), provider.base_url.clone()?)))
            .collect()
    }
}

/// The settings file, and whether it was named and so has to be there.
fn file(flags: &Flags, env: &dyn Fn(&str) -> Option<String>) -> Option<(PathBuf, bool)> {
    let named = flags.config.clone().or_else(|| env("LLMFLOW_CONFIG").map(PathBuf::from));
    if let Some(path) = named {
        return Some((path, true));
    }
    let home = directories::BaseDirs::new()?.home_dir().to_owned();
    Some((home.join(".config/llmflow/config.toml"), false))
}

fn default_data_dir() -> PathBuf {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    home.unwrap_or_default().join(".llmflow")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(env: &[(&str, &str)], flags: &Flags) -> Result<Settings, SettingsError> {
        let lookup =
            |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::load(flags, &lookup)
    }

    #[test]
    fn the_example_file_says_the_defaults() {
        assert_eq!(toml::from_str::<Settings>(EXAMPLE).unwrap(), Settings::default());
    }

    #[test]
    fn flags_win_over_the_environment_and_the_environment_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        std::fs::write(
            &config,
            "proxy_port = 1\ndashboard_port = 2\n[providers.openai]\nbase_url = 'http://a'",
        )
        .unwrap();
        let flags = Flags { config: Some(config), dashboard_port: Some(30), ..Flags::default() };
        let env = [("PROXY_PORT", "10"), ("DASHBOARD_PORT", "20"), ("LLMFLOW_UPSTREAM_GROQ", "http://b:1/c")];
        let settings = load(&env, &flags).unwrap();
        assert_eq!((settings.proxy_port, settings.dashboard_port), (10, 30));
        assert_eq!(settings.base_urls()["openai"], "http://a");
        assert_eq!(settings.base_urls()["groq"], "http://b:1/c");
    }

    #[test]
    fn mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        let flags = Flags { config: Some(config.clone()), ..Flags::default() };
        let said = |env: &[(&str, &str)]| load(env, &flags).unwrap_err().to_string();
        assert!(said(&[]).contains("cannot be read"), "a named file has to be there");
        std::fs::write(&config, "proxi_port = 1").unwrap();
        assert!(said(&[]).contains("proxi_port"));
        std::fs::write(&config, "[providers.opena]\nbase_url = 'x'").unwrap();
        assert!(said(&[]).contains("opena"));
        std::fs::write(&config, "").unwrap();
        assert!(said(&[("PROXY_PORT", "http")]).contains("PROXY_PORT"));
        assert!(said(&[("PROXY_PORT", "3000")]).contains("3000"));
    }
}
