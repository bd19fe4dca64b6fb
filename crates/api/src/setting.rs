//! Settings as rows that a page can show and change. Leaves out what they mean (`engine/settings`).

use serde::{Deserialize, Serialize};

/// Who said a setting's value. Later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingOrigin {
    /// Nobody: it is the default.
    Default,
    /// The settings file.
    File,
    /// The environment.
    Environment,
    /// The command line.
    Flag,
}

/// What a setting's value looks like, so that a page can offer the right control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Number,
    /// A line of text.
    Text,
    /// Texts, one a line.
    List,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its key in the settings file (`proxy_port`, `providers.openai.base_url`).
    pub name: String,
    /// What it is for, in a sentence or two; the text of the example file.
    pub about: String,
    /// What its value looks like.
    pub kind: SettingKind,
    /// What it is now, as text; a list has one entry a line.
    pub value: String,
    /// What it is unless somebody sets it.
    pub default: String,
    /// Who said so.
    pub origin: SettingOrigin,
    /// The environment variable that sets it, where there is one. While that or a flag does, a page cannot.
    pub variable: Option<String>,
    /// The file says something else than what runs: it takes effect at the next start.
    pub pending: Option<String>,
}

/// The Settings page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsView {
    /// The settings file, whether it exists or not.
    pub file: String,
    /// Every setting, in the example file's order.
    pub settings: Vec<Setting>,
}
