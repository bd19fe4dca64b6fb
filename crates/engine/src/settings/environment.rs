//! What variables of the environment say over the file.

use super::origin::{UPSTREAM, shouted};
use super::{ProviderSettings, Settings, SettingsError};

impl Settings {
    pub(super) fn apply_environment(&mut self) -> Result<(), SettingsError> {
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
                ("PROXY_HOST", _) => self.proxy_host = value,
                ("DASHBOARD_HOST", _) => self.dashboard_host = value,
                ("OTLP_HOST", _) => self.otlp_host = value,
                ("LLMFLOW_REQUIRE_TOKEN", _) => self.require_token = switch(&name, &value)?,
                ("LLMFLOW_ALLOW_OTHER_USERS", _) => self.allow_other_users = switch(&name, &value)?,
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

    /// What is set of a provider.
    fn of(&mut self, provider: &str) -> &mut ProviderSettings {
        let written = self.providers.keys().find(|name| name.eq_ignore_ascii_case(provider)).cloned();
        self.providers.entry(written.unwrap_or_else(|| provider.to_owned())).or_default()
    }
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
