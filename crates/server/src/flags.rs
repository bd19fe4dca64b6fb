//! The flags that every binary takes for its settings. Leaves out what they mean (`engine::settings`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use engine::Settings;
use engine::settings::{Flags, SettingsError};

/// Settings on a command line.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SettingsFlags {
    /// The settings file [default: ~/.config/llmflow/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder [default: ~/.llmflow]
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The proxy's port; 0 for none [default: 8080]
    #[arg(long, global = true, value_name = "PORT")]
    proxy_port: Option<u16>,
    /// The dashboard's port; 0 for none [default: 3000]
    #[arg(long, global = true, value_name = "PORT")]
    dashboard_port: Option<u16>,
    /// The port for OTLP over HTTP; 0 for none [default: 4318]
    #[arg(long, global = true, value_name = "PORT")]
    otlp_http_port: Option<u16>,
    /// The port for OTLP over gRPC; 0 for none [default: 4317]
    #[arg(long, global = true, value_name = "PORT")]
    otlp_grpc_port: Option<u16>,
}

impl SettingsFlags {
    /// The settings: the file, then the environment, then these flags.
    pub fn load(&self) -> Result<Settings, SettingsError> {
        Settings::load(&self.flags(), &variables())
    }

    /// The settings when the file cannot be used, for saying what is wrong.
    pub fn without_file(&self) -> Settings {
        Settings::without_file(&self.flags(), &variables())
    }

    /// The arguments that say the same from whatever folder a program is started.
    pub fn arguments(&self) -> Vec<String> {
        let path = |path: &PathBuf| match path.starts_with("~") {
            true => path.display().to_string(),
            false => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
        };
        let flags = [
            ("--config", self.config.as_ref().map(path)),
            ("--data-dir", self.data_dir.as_ref().map(path)),
            ("--proxy-port", self.proxy_port.map(|port| port.to_string())),
            ("--dashboard-port", self.dashboard_port.map(|port| port.to_string())),
            ("--otlp-http-port", self.otlp_http_port.map(|port| port.to_string())),
            ("--otlp-grpc-port", self.otlp_grpc_port.map(|port| port.to_string())),
        ];
        flags.into_iter().filter_map(|(flag, value)| Some([flag.to_owned(), value?])).flatten().collect()
    }

    fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            proxy_port: self.proxy_port,
            dashboard_port: self.dashboard_port,
            otlp_http_port: self.otlp_http_port,
            otlp_grpc_port: self.otlp_grpc_port,
            data_dir: self.data_dir.clone(),
        }
    }
}

/// The environment, as far as it is text.
fn variables() -> BTreeMap<String, String> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        settings: SettingsFlags,
    }

    #[test]
    fn flags_say_the_same_from_another_folder() {
        let read = |words: &[String]| Line::parse_from([&["llmflow".to_owned()], words].concat()).settings;
        let given = ["--data-dir", "my data", "--config", "~/x.toml", "--proxy-port", "0"].map(str::to_owned);
        let arguments = read(&given).arguments();
        let folder = std::env::current_dir().unwrap().join("my data").display().to_string();
        assert_eq!(arguments, ["--config", "~/x.toml", "--data-dir", &folder, "--proxy-port", "0"]);
        assert_eq!(read(&arguments).arguments(), arguments);
        assert!(read(&[]).arguments().is_empty());
    }
}
