//! The settings: one strict struct, one default, read from a file, the environment and flags in rising order.
//! Leaves out what they mean to the parts that use them.

pub(crate) mod budgets;
mod check;
pub(crate) mod edit;
mod environment;
mod origin;
mod reach;
pub(crate) mod rows;
#[cfg(test)]
mod tests;
mod upstreams;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proxy::Providers;
use serde::{Deserialize, Serialize};

pub use origin::{EnvironmentKey, Origin};
use reach::LOCALHOST;
pub use reach::Reach;

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
    /// Where the proxy listens beside loopback; `localhost` for nowhere.
    pub proxy_host: String,
    /// Where the dashboard does.
    pub dashboard_host: String,
    /// Where OTLP is taken.
    pub otlp_host: String,
    /// Whether the dashboard, its API and OTLP ask everybody for the token.
    pub require_token: bool,
    /// Whether processes of other users of this machine are let in.
    pub allow_other_users: bool,
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
            proxy_host: LOCALHOST.to_owned(),
            dashboard_host: LOCALHOST.to_owned(),
            otlp_host: LOCALHOST.to_owned(),
            require_token: false,
            allow_other_users: false,
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

fn default_data_dir() -> PathBuf {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    home.unwrap_or_default().join(".llmflow")
}
