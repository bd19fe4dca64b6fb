//! The settings as rows for a page. What each is for stands once, in the example file's comments.

use api::{Setting, SettingKind, SettingOrigin};
use proxy::Providers;
use proxy::provider::PathRule;
use toml_edit::{DocumentMut, RawString};

use super::origin::{AZURE_RESOURCE, AZURE_VERSION, Origin, base_url_of, provider_of, variable};
use super::{EXAMPLE, Settings, default_data_dir};

/// Settings that take effect as soon as they are written.
const LIVE: &[&str] = &[
    "close_to_tray",
    "keep_days",
    "keep_mb",
    "local_keys_required",
    "loop_action",
    "loop_calls",
    "max_logs",
    "max_metrics",
    "max_traces",
    "prices_refresh_unknown",
    "prices_url",
    "shutdown_grace_s",
];

/// Every setting in the example file's order: as it runs (`running`, or `live` for what takes effect at once), and
/// what the file says for the next start.
pub(crate) fn rows(running: &Settings, live: &Settings, next: &Settings) -> Vec<Setting> {
    let defaults = Settings {
        data_dir: default_data_dir(),
        // Other programs' variables decide what a provider's address is by default.
        origin: Origin { bases: running.origin.bases.clone(), ..Origin::default() },
        ..Settings::default()
    };
    let row = |(name, about, kind): (String, String, SettingKind)| {
        let current = if LIVE.contains(&name.as_str()) { live } else { running };
        let (value, following) = (text(current, &name), text(next, &name));
        Setting {
            about,
            kind,
            default: text(&defaults, &name),
            origin: current.origin.of(&name),
            variable: variable(&name),
            pending: (value != following).then_some(following),
            value,
            name,
        }
    };
    described(&next.every_provider()).into_iter().map(row).collect()
}

/// What decides `name` instead of the file, in words; `None` when the file may.
pub(crate) fn decided_elsewhere(settings: &Settings, name: &str) -> Option<String> {
    match settings.origin.of(name) {
        SettingOrigin::Environment => {
            let variable = variable(name).unwrap_or_default();
            Some(format!("the variable {variable} in LLMFlow's environment; change or remove it there"))
        }
        SettingOrigin::Flag => {
            Some(format!("--{} on LLMFlow's command line; change or remove it there", name.replace('_', "-")))
        }
        SettingOrigin::Default | SettingOrigin::File => None,
    }
}

/// What a setting's value looks like; `None` when there is no such setting.
pub(crate) fn kind(providers: &Providers, name: &str) -> Option<SettingKind> {
    described(providers).into_iter().find(|(known, ..)| known == name).map(|(_, _, kind)| kind)
}

/// A setting's value as text, and what it is when it is not set.
pub(crate) fn text(settings: &Settings, name: &str) -> String {
    if let Some(provider) = provider_of(name) {
        let own = || Providers::built_in().find(provider).map(|provider| provider.base_url.clone());
        return settings.base_urls().remove(provider).or_else(own).unwrap_or_default();
    }
    if matches!(name, AZURE_RESOURCE | AZURE_VERSION) {
        let proxy::Azure { resource, api_version, .. } = settings.choices().azure;
        let version = || api_version.unwrap_or_else(|| proxy::Azure::API_VERSION.to_owned());
        return if name == AZURE_RESOURCE { resource.unwrap_or_default() } else { version() };
    }
    // A folder that is not UTF-8 is shown as well as can be.
    let data_dir = settings.data_dir.to_string_lossy().into_owned().into();
    let table = toml::Table::try_from(Settings { data_dir, ..settings.clone() }).unwrap_or_default();
    match table.get(name) {
        Some(toml::Value::String(text)) if name == "upstream_proxy" => {
            super::upstreams::without_password(text)
        }
        Some(toml::Value::String(text)) => text.clone(),
        Some(toml::Value::Array(list)) => {
            list.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join("\n")
        }
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// What Azure needs beside an address. The example file tells it with more words.
const AZURE: [(&str, &str); 2] = [
    (AZURE_RESOURCE, "The Azure OpenAI resource that is asked when a call names none in x-azure-resource."),
    (AZURE_VERSION, "The API version of calls to /azure/v1 that name none."),
];

/// Name, text and kind of every setting.
fn described(providers: &Providers) -> Vec<(String, String, SettingKind)> {
    let example: DocumentMut = EXAMPLE.parse().unwrap_or_default();
    let mut settings = Vec::new();
    for (name, item) in example.iter() {
        let comment = match item.as_table() {
            Some(table) => table.decor().prefix(),
            None => example.key(name).and_then(|key| key.leaf_decor().prefix()),
        };
        let about = about(comment);
        match item.as_value() {
            Some(value) => settings.push((name.to_owned(), about, kind_of(value))),
            None => settings.extend(providers.iter().flat_map(|provider| {
                let about = about.replace("a provider", &provider.display_name);
                let azure = if provider.path == PathRule::Azure { AZURE.as_slice() } else { &[] };
                let more = azure
                    .iter()
                    .map(|(name, about)| ((*name).to_owned(), (*about).to_owned(), SettingKind::Text));
                std::iter::once((base_url_of(&provider.name), about, SettingKind::Text)).chain(more)
            })),
        }
    }
    settings
}

fn kind_of(value: &toml_edit::Value) -> SettingKind {
    match value {
        toml_edit::Value::Boolean(_) => SettingKind::Switch,
        toml_edit::Value::Integer(_) => SettingKind::Number,
        toml_edit::Value::Array(_) => SettingKind::List,
        _ => SettingKind::Text,
    }
}

/// The paragraph of comment right above a setting, without the variable in parentheses and what follows it.
fn about(comment: Option<&RawString>) -> String {
    let comment = comment.and_then(RawString::as_str).unwrap_or_default();
    let paragraph = comment.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let lines = paragraph.lines().map(|line| line.trim_start_matches('#').trim());
    let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let is_variable = |at: &usize| {
        text.get(at + 2..).is_some_and(|rest| rest.chars().take(2).all(|letter| letter.is_ascii_uppercase()))
    };
    let end = text.match_indices(" (").map(|(at, _)| at).find(is_variable).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_row_with_its_text() {
        let settings = Settings::default();
        let rows = rows(&settings, &settings, &settings);
        let table = toml::Table::try_from(&settings).unwrap();
        let fields = table.keys().filter(|name| !matches!(name.as_str(), "budgets" | "providers"));
        for name in fields {
            assert!(rows.iter().any(|row| row.name == *name), "{name} stands in the example file");
        }
        for row in &rows {
            assert!(row.about.ends_with('.') && !row.about.contains('#'), "{}: {:?}", row.name, row.about);
            assert!(!row.about.contains('\n') && !row.about.contains("~/.config"), "{:?}", row.about);
            assert_eq!(row.origin, SettingOrigin::Default);
            if let Some(variable) = row.variable.as_ref().filter(|_| provider_of(&row.name).is_none()) {
                assert!(EXAMPLE.contains(&format!("({variable})")), "{variable} stands in the example file");
            }
        }
        assert_eq!(rows[0].name, "proxy_port", "in the file's order");
        assert_eq!((rows[0].value.as_str(), rows[0].kind), ("8080", SettingKind::Number));
        let groq = rows.iter().find(|row| row.name == "providers.groq.base_url").unwrap();
        assert_eq!(groq.default, "https://api.groq.com");
        assert!(groq.about.starts_with("Another address for Groq: scheme"), "{}", groq.about);
        assert_eq!(groq.variable.as_deref(), Some("LLMFLOW_UPSTREAM_GROQ"));
    }

    #[test]
    fn what_takes_effect_at_once_exists() {
        for name in LIVE {
            assert!(kind(&Providers::built_in(), name).is_some(), "{name}");
        }
    }
}
