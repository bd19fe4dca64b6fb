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

    fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            proxy_port: self.proxy_port,
            dashboard_port: self.dashboard_port,
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
