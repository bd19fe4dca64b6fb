//! The settings: one strict struct, one default, read from a file, the environment and flags in rising order.
//! Leaves out what they mean to the parts that use them.

pub(crate) mod budgets;
mod check;
pub(crate) mod edit;
mod origin;
pub(crate) mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proxy::{Azure, BedrockChoice, CHATGPT, Choices, Custom, NotAProxy, Outbound, Providers};
use serde::{Deserialize, Serialize};

pub use origin::{EnvironmentKey, Origin};
use origin::{UPSTREAM, shouted};

use budgets::BudgetSettings;

/// LiteLLM's price table, as its makers publish it.
const PRICES_URL: &str =
    "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json";

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
    /// The port for OTLP over HTTP; 0 for none.
    pub otlp_http_port: u16,
    /// The port for OTLP over gRPC; 0 for none.
    pub otlp_grpc_port: u16,
    /// Megabytes of one OTLP request.
    pub otlp_max_body_mb: u32,
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
    /// Days that everything is kept; 0 for without a limit.
    pub keep_days: u32,
    /// Megabytes that the database may take; 0 for without a limit.
    pub keep_mb: u32,
    /// Traces (and calls that are in none) that are kept; 0 for without a limit.
    pub max_traces: u64,
    /// Log records that are kept; 0 for without a limit.
    pub max_logs: u64,
    /// Metric points that are kept; 0 for without a limit.
    pub max_metrics: u64,
    /// Client connections and calls at one time.
    pub max_connections: u32,
    /// Seconds a client may take to send a request's head.
    pub head_timeout_s: u32,
    /// The proxy in front of the upstreams; empty for the environment's, `none` for none.
    pub upstream_proxy: String,
    /// Seconds that calls may go on after a stop.
    pub shutdown_grace_s: u32,
    /// Closing the window leaves LLMFlow running in the tray.
    pub close_to_tray: bool,
    /// Whether the operating system's keychain is asked for keys.
    pub keychain: bool,
    /// Whether a stored key is lent only to calls that carry a local key.
    pub local_keys_required: bool,
    /// Hosts that a client may name beside the providers' own.
    pub allowed_upstreams: Vec<String>,
    /// Whether Amazon Bedrock is there.
    pub bedrock: bool,
    /// Where newer prices are fetched from when somebody asks for them.
    pub prices_url: String,
    /// Whether a model without a price sets off a refresh of prices.
    pub prices_refresh_unknown: bool,
    /// AWS's region for calls that name none; empty for what the AWS configuration says.
    pub bedrock_region: String,
    /// What happens when a session goes in circles: `off`, `warn` or `refuse`.
    pub loop_action: String,
    /// So many equal steps in a row are a loop.
    pub loop_calls: u32,
    /// What may be spent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<BudgetSettings>,
    /// By provider's name.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Who set what.
    #[serde(skip)]
    pub origin: Origin,
}

/// What can be set of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    /// Its address: instead of its own, or of a provider that is not in the table.
    pub base_url: Option<String>,
    /// The name for people of a provider that is not in the table.
    pub display_name: Option<String>,
    /// The dialect it speaks.
    pub dialect: Option<String>,
    /// What stands before a client's path.
    pub path_prefix: Option<String>,
    /// The environment variable that holds its key.
    pub key_env: Option<String>,
    /// Azure's resource.
    pub resource: Option<String>,
    /// Azure's API version.
    pub api_version: Option<String>,
    /// Azure's deployments by model.
    pub deployments: BTreeMap<String, String>,
}

impl ProviderSettings {
    /// The first setting of those that only `whose` have.
    fn only(&self, whose: Whose) -> Option<&'static str> {
        let fields = match whose {
            Whose::Own => [
                ("display_name", self.display_name.is_some()),
                ("dialect", self.dialect.is_some()),
                ("path_prefix", self.path_prefix.is_some()),
                ("key_env", self.key_env.is_some()),
            ]
            .to_vec(),
            Whose::Azure => vec![
                ("resource", self.resource.is_some()),
                ("api_version", self.api_version.is_some()),
                ("deployments", !self.deployments.is_empty()),
            ],
        };
        fields.into_iter().find(|(_, set)| *set).map(|(name, _)| name)
    }
}

/// Providers that have settings which others have not.
#[derive(Clone, Copy)]
enum Whose {
    Own,
    Azure,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            proxy_port: 8080,
            dashboard_port: 3000,
            otlp_http_port: 4318,
            otlp_grpc_port: 4317,
            otlp_max_body_mb: 64,
            data_dir: PathBuf::new(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            max_body_mb: 32,
            memory_mb: 256,
            keep_days: 90,
            keep_mb: 5_000,
            max_traces: 0,
            max_logs: 0,
            max_metrics: 0,
            max_connections: 8192,
            head_timeout_s: 60,
            upstream_proxy: String::new(),
            shutdown_grace_s: 30,
            close_to_tray: true,
            keychain: true,
            local_keys_required: false,
            allowed_upstreams: Vec::new(),
            bedrock: true,
            bedrock_region: String::new(),
            prices_url: PRICES_URL.to_owned(),
            prices_refresh_unknown: false,
            loop_action: "warn".to_owned(),
            loop_calls: 5,
            budgets: Vec::new(),
            providers: BTreeMap::new(),
            origin: Origin::default(),
        }
    }
}

/// What the command line set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--proxy-port`.
    pub proxy_port: Option<u16>,
    /// `--dashboard-port`.
    pub dashboard_port: Option<u16>,
    /// `--otlp-http-port`.
    pub otlp_http_port: Option<u16>,
    /// `--otlp-grpc-port`.
    pub otlp_grpc_port: Option<u16>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
}

/// Settings that cannot be used. Each names its place and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is not there or cannot be read.
    #[error("the settings file {path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file says something that is not understood.
    #[error("the settings file {path} is not understood: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
        /// Why, in a few words.
        summary: String,
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
    /// Reads the settings: the file, then the variables of `environment`, then `flags`.
    pub fn load(flags: &Flags, environment: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let env = |name: &str| environment.get(name).cloned();
        let place = file(flags, &env);
        let text = match &place {
            Some((path, required)) => read(path, *required)?,
            None => String::new(),
        };
        // Which variables may hold keys and addresses depends on which providers there are. A file that is not
        // understood is told of by what follows.
        let providers =
            toml::from_str::<Self>(&text).map(|settings| settings.every_provider()).unwrap_or_default();
        Self::assemble(&text, Origin::new(flags, environment, place.map(|(path, _)| path), &providers))
    }

    /// The settings without their file, for saying what is wrong with it; mistakes elsewhere are left out too.
    pub fn without_file(flags: &Flags, environment: &BTreeMap<String, String>) -> Self {
        let defaults = || Self { data_dir: default_data_dir(), ..Self::default() };
        Self::assemble("", Origin::new(flags, environment, None, &Providers::built_in()))
            .unwrap_or_else(|_| defaults())
    }

    /// What these settings would be after another start: the file read again under the same environment and flags.
    pub(crate) fn read_again(&self) -> Result<Self, SettingsError> {
        Self::assemble(&self.file_text()?, self.origin.clone())
    }

    /// The settings file's text; empty when there is none.
    pub(crate) fn file_text(&self) -> Result<String, SettingsError> {
        self.origin.file.as_ref().map_or_else(|| Ok(String::new()), |path| read(path, false))
    }

    /// The settings file, whether it exists or not.
    pub fn file(&self) -> Option<&Path> {
        self.origin.file.as_deref()
    }

    /// The settings when the file says `text`, under the environment and flags of `origin`.
    pub(crate) fn assemble(text: &str, origin: Origin) -> Result<Self, SettingsError> {
        let malformed = |error: toml::de::Error| SettingsError::Malformed {
            path: origin.file.clone().unwrap_or_default(),
            reason: error.to_string().trim().to_owned(),
            summary: error.message().to_owned(),
        };
        let mut settings: Self = toml::from_str(text).map_err(malformed)?;
        let names = toml::from_str(text).map(|table| origin::names(&table)).map_err(malformed)?;
        settings.origin = Origin { in_file: names, ..origin };
        settings.apply_environment()?;
        let flags = settings.origin.flags.clone();
        settings.proxy_port = flags.proxy_port.unwrap_or(settings.proxy_port);
        settings.dashboard_port = flags.dashboard_port.unwrap_or(settings.dashboard_port);
        settings.otlp_http_port = flags.otlp_http_port.unwrap_or(settings.otlp_http_port);
        settings.otlp_grpc_port = flags.otlp_grpc_port.unwrap_or(settings.otlp_grpc_port);
        if let Some(data_dir) = flags.data_dir {
            settings.data_dir = data_dir;
        }
        if settings.data_dir.as_os_str().is_empty() {
            settings.data_dir = default_data_dir();
        }
        // Who points Ollama's clients at us does not mean that we should point at ourselves.
        let ports = [settings.proxy_port, settings.dashboard_port];
        settings.origin.bases.retain(|_, base| !origin::leads_to(base, &ports));
        settings.check()?;
        Ok(settings)
    }

    fn apply_environment(&mut self) -> Result<(), SettingsError> {
        for (name, value) in self.origin.environment.clone() {
            let port = || {
                value.trim().parse().map_err(|_| SettingsError::Value {
                    name: name.clone(),
                    value: value.clone(),
                    wanted: "a port between 0 and 65535".to_owned(),
                })
            };
            let count = || {
                value.trim().parse::<u32>().map_err(|_| SettingsError::Value {
                    name: name.clone(),
                    value: value.clone(),
                    wanted: "a number; 0 is without a limit".to_owned(),
                })
            };
            match (name.as_str(), name.strip_prefix(UPSTREAM)) {
                ("MAX_TRACES", _) => self.max_traces = count()?.into(),
                ("MAX_LOGS", _) => self.max_logs = count()?.into(),
                ("MAX_METRICS", _) => self.max_metrics = count()?.into(),
                ("LLMFLOW_KEEP_DAYS", _) => self.keep_days = count()?,
                ("LLMFLOW_KEEP_MB", _) => self.keep_mb = count()?,
                ("PROXY_PORT", _) => self.proxy_port = port()?,
                ("DASHBOARD_PORT", _) => self.dashboard_port = port()?,
                ("OTLP_HTTP_PORT", _) => self.otlp_http_port = port()?,
                ("OTLP_GRPC_PORT", _) => self.otlp_grpc_port = port()?,
                ("LLMFLOW_KEYCHAIN", _) => self.keychain = switch(&name, &value)?,
                ("LLMFLOW_BEDROCK", _) => self.bedrock = switch(&name, &value)?,
                ("BEDROCK_REGION", _) => self.bedrock_region = value,
                ("DATA_DIR", _) => self.data_dir = value.into(),
                ("AZURE_OPENAI_RESOURCE", _) => self.of("azure").resource = Some(value),
                ("AZURE_OPENAI_API_VERSION", _) => self.of("azure").api_version = Some(value),
                (_, Some(provider)) => {
                    let written = self.providers.keys().find(|name| shouted(name) == provider).cloned();
                    self.of(&written.unwrap_or_else(|| provider.to_lowercase())).base_url = Some(value);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), SettingsError> {
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

    /// What is set of a provider.
    fn of(&mut self, provider: &str) -> &mut ProviderSettings {
        let written = self.providers.keys().find(|name| name.eq_ignore_ascii_case(provider)).cloned();
        self.providers.entry(written.unwrap_or_else(|| provider.to_owned())).or_default()
    }

    /// The providers that are not in the table.
    fn custom(&self) -> Vec<Custom> {
        let built_in = Providers::built_in();
        let own = self
            .providers
            .iter()
            .filter(|(name, _)| built_in.find(name).is_none() && !name.eq_ignore_ascii_case(CHATGPT));
        own.map(|(name, provider)| Custom {
            name: name.clone(),
            display_name: provider.display_name.clone().unwrap_or_default(),
            base_url: provider.base_url.clone().unwrap_or_default(),
            path_prefix: provider.path_prefix.clone().unwrap_or_default(),
            dialect: provider.dialect.clone().unwrap_or_default(),
            key_env: provider.key_env.clone().unwrap_or_default(),
        })
        .collect()
    }

    /// Every provider there is with these settings; those of the table when the others cannot be used.
    pub(crate) fn every_provider(&self) -> Providers {
        Providers::with(&self.custom()).unwrap_or_default()
    }

    /// What these settings decide about upstreams.
    pub(crate) fn choices(&self) -> Choices {
        let azure = self.providers.iter().find(|(name, _)| name.eq_ignore_ascii_case("azure"));
        let azure = azure.map(|(_, azure)| azure.clone()).unwrap_or_default();
        Choices {
            base_urls: self.base_urls(),
            custom: self.custom(),
            allowed: self.allowed_upstreams.clone(),
            azure: Azure {
                resource: azure.resource,
                api_version: azure.api_version,
                deployments: azure.deployments,
                // Deployments are named by variables whose names depend on a call's model.
                variable: |name| std::env::var(name).ok(),
            },
            bedrock: BedrockChoice {
                enabled: self.bedrock,
                region: Some(self.bedrock_region.trim().to_owned()).filter(|region| !region.is_empty()),
            },
            own_ports: [self.proxy_port, self.dashboard_port].into_iter().filter(|port| *port != 0).collect(),
        }
    }

    /// By which way upstreams are reached.
    pub(crate) fn outbound(&self) -> Result<Outbound, NotAProxy> {
        let except = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| std::env::var(name).ok());
        match self.upstream_proxy.contains(HIDDEN) {
            true => Err(NotAProxy),
            false => Outbound::of_setting(&self.upstream_proxy, &except.unwrap_or_default()),
        }
    }

    /// What the proxy's listeners bear.
    pub(crate) fn bounds(&self) -> proxy::Bounds {
        proxy::Bounds {
            connections: self.max_connections.max(1) as usize,
            head_timeout: Duration::from_secs(self.head_timeout_s.max(1).into()),
        }
    }

    /// What is kept.
    pub(crate) fn limits(&self) -> api::Limits {
        let limit = |value: u64| (value > 0).then_some(value);
        api::Limits {
            days: limit(self.keep_days.into()),
            bytes: limit(u64::from(self.keep_mb) * 1_000_000),
            traces: limit(self.max_traces),
            logs: limit(self.max_logs),
            metrics: limit(self.max_metrics),
        }
    }

    /// What may be spent.
    pub(crate) fn budgets(&self) -> Vec<api::Budget> {
        self.budgets.iter().map(BudgetSettings::budget).collect()
    }

    /// Who may talk to this machine's listeners.
    pub fn guard(&self) -> proxy::Guard {
        proxy::Guard { hosts: self.allowed_hosts.clone(), origins: self.allowed_origins.clone() }
    }

    /// The addresses that replace providers' own, the user's own providers' among them.
    pub(crate) fn base_urls(&self) -> BTreeMap<String, String> {
        let mut bases = self.origin.bases.clone();
        let set = |(name, provider): (&String, &ProviderSettings)| {
            Some((name.to_lowercase(), provider.base_url.clone()?))
        };
        bases.extend(self.providers.iter().filter_map(set));
        bases
    }
}

/// What stands for a password where a proxy's address is shown.
const HIDDEN: &str = ":***@";

/// A proxy's address for people.
pub(crate) fn without_password(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else { return url.to_owned() };
    let (scheme, user) = before.split_once("://").unwrap_or(("", before));
    match user.split_once(':') {
        Some((name, _)) if scheme.is_empty() => format!("{name}{HIDDEN}{host}"),
        Some((name, _)) => format!("{scheme}://{name}{HIDDEN}{host}"),
        None => url.to_owned(),
    }
}

fn read(path: &Path, required: bool) -> Result<String, SettingsError> {
    match std::fs::read_to_string(path) {
        Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|cause| SettingsError::Unreadable { path: path.to_owned(), cause }),
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

fn switch(name: &str, value: &str) -> Result<bool, SettingsError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(SettingsError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            wanted: "on or off".to_owned(),
        }),
    }
}

fn default_data_dir() -> PathBuf {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    home.unwrap_or_default().join(".llmflow")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(env: &[(&str, &str)], flags: &Flags) -> Result<Settings, SettingsError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Settings::load(flags, &env.iter().map(owned).collect())
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
    fn a_provider_of_ones_own_has_its_variables() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        let text = "[providers.my-corp]\nbase_url = 'http://a'\nkey_env = 'CORP_KEY'\n[providers.Azure]\napi_version = '1'";
        std::fs::write(&config, text).unwrap();
        let flags = Flags { config: Some(config), ..Flags::default() };
        let env = [
            ("CORP_KEY", "k-1"),
            ("LLMFLOW_UPSTREAM_MY_CORP", "http://b"),
            ("LLMFLOW_UPSTREAM_CHATGPT", "http://c"),
            ("AZURE_OPENAI_RESOURCE", "r"),
            ("OLLAMA_HOST", "gpu"),
        ];
        let settings = load(&env, &flags).unwrap();
        assert_eq!(settings.origin.keys["my-corp"].key.reveal(), "k-1");
        let bases = settings.base_urls();
        assert_eq!((bases["my-corp"].as_str(), bases[CHATGPT].as_str()), ("http://b", "http://c"));
        assert_eq!(bases["ollama"], "http://gpu:11434");
        let to_us = [("OLLAMA_HOST", "http://127.0.0.1:8080/ollama")];
        let bases = load(&to_us, &flags).unwrap().base_urls();
        assert!(!bases.contains_key("ollama"), "Ollama's clients were pointed here, and not we at ourselves");
        let azure = settings.choices().azure;
        assert_eq!((azure.resource.as_deref(), azure.api_version.as_deref()), (Some("r"), Some("1")));
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
        for (text, word) in [
            ("[providers.opena]", "opena"),
            ("[providers.health]\nbase_url = 'http://a'", "health"),
            ("[providers.corp]\nbase_url = 'http://a'\ndialect = 'x'", "dialect"),
            ("[providers.groq]\npath_prefix = '/x'", "path_prefix"),
            ("[providers.groq]\nresource = 'x'", "resource"),
        ] {
            std::fs::write(&config, text).unwrap();
            assert!(said(&[]).contains(word), "{text}");
        }
        std::fs::write(&config, "upstream_proxy = 'ftp://me:secret@proxy.example'").unwrap();
        let proxy = said(&[]);
        assert!(
            proxy.contains("upstream_proxy") && proxy.contains("ftp://me:***@") && !proxy.contains("secret")
        );
        std::fs::write(&config, "upstream_proxy = 'http://me:***@proxy.example'").unwrap();
        assert!(said(&[]).contains("upstream_proxy"), "what is shown is not what was meant");
        std::fs::write(&config, "").unwrap();
        assert!(said(&[("PROXY_PORT", "http")]).contains("PROXY_PORT"));
        assert!(said(&[("PROXY_PORT", "3000")]).contains("3000"));
        let unknown = said(&[("LLMFLOW_UPSTREAM_MY_CORP", "http://x")]);
        assert!(unknown.contains("MY_CORP") && unknown.contains("[providers.my-corp]"), "{unknown}");
        assert!(load(&[("LLMFLOW_UPSTREAM_MY_CORP", " ")], &flags).is_ok(), "empty is unset");
    }

    #[test]
    fn values_that_cannot_be_meant_are_refused_wherever_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        let flags = Flags { config: Some(config.clone()), ..Flags::default() };
        for (text, word) in [
            ("data_dir = 'data'", "~/"),
            ("allowed_origins = ['*']", "http://localhost:5173"),
            ("allowed_hosts = ['box:8080']", "without scheme, port"),
            ("max_body_mb = 0", "4096"),
            ("memory_mb = 0", "65536"),
            ("shutdown_grace_s = 4000", "3600"),
        ] {
            std::fs::write(&config, text).unwrap();
            let said = load(&[], &flags).unwrap_err().to_string();
            assert!(said.contains(word) && said.starts_with(text.split(' ').next().unwrap()), "{said}");
        }
        let file = config.display().to_string();
        let text =
            "allowed_origins = ['HTTP://Localhost:5173/']\nallowed_hosts = ['[::1]']\ndata_dir = '~/x'";
        std::fs::write(&config, text).unwrap();
        let settings = load(&[], &flags).unwrap();
        assert_eq!(
            (settings.allowed_origins[0].as_str(), settings.allowed_hosts[0].as_str()),
            ("http://localhost:5173", "::1")
        );
        assert!(
            settings.data_dir.is_absolute() && settings.data_dir.ends_with("x"),
            "{:?}",
            settings.data_dir
        );
        for (value, word) in [(file.as_str(), "a file is there"), ("relative", "whole path")] {
            let said = load(&[("DATA_DIR", value)], &flags).unwrap_err().to_string();
            assert!(said.starts_with("DATA_DIR") && said.contains(word), "{said}");
        }
        let by_flag = Flags { data_dir: Some("here".into()), ..flags };
        assert!(load(&[("DATA_DIR", "relative")], &by_flag).unwrap().data_dir.is_absolute(), "as in a shell");
    }
}
