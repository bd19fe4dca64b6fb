//! Where tools' own files and variables point. Reads no key, and says nothing of a file beyond addresses.

use serde_json::Value;

use super::super::machine::Machine;
use super::Pointer;

/// A variable of this shell.
pub(super) fn variable(machine: &Machine, name: &str) -> Option<Pointer> {
    let url = machine.variable(name)?.to_owned();
    Some(Pointer { place: format!("{name} in this shell"), url })
}

fn json(machine: &Machine, path: &str) -> Option<Value> {
    serde_json::from_str(&machine.text(path)?).ok()
}

/// A variable as Claude Code sees it: its settings win over the shell.
pub(super) fn claude(machine: &Machine, name: &str) -> Vec<Pointer> {
    const FILE: &str = ".claude/settings.json";
    let set = json(machine, FILE).and_then(|settings| match settings.pointer("/env")?.get(name)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    });
    let file = set.map(|url| Pointer { place: format!("{name} in ~/{FILE}"), url });
    file.into_iter().chain(variable(machine, name)).collect()
}

/// The provider that Codex uses, from its settings.
pub(super) fn codex(machine: &Machine) -> Vec<Pointer> {
    const FILE: &str = ".codex/config.toml";
    let Some(settings) = machine.text(FILE).and_then(|text| text.parse::<toml::Table>().ok()) else {
        return Vec::new();
    };
    let text = |value: Option<&toml::Value>| value.and_then(toml::Value::as_str).map(str::to_owned);
    let chosen = text(settings.get("model_provider"));
    let own = chosen.filter(|name| name != "openai").and_then(|name| {
        let url = text(settings.get("model_providers")?.get(&name)?.get("base_url"))?;
        Some(Pointer { place: format!("model_providers.{name} in ~/{FILE}"), url })
    });
    let built_in = text(settings.get("openai_base_url"))
        .map(|url| Pointer { place: format!("openai_base_url in ~/{FILE}"), url });
    own.or(built_in).into_iter().collect()
}

/// Whether Codex is signed in with ChatGPT and not with an API key.
pub(super) fn codex_login(machine: &Machine) -> bool {
    json(machine, ".codex/auth.json").is_some_and(|login| {
        let has = |name: &str| login.get(name).is_some_and(|value| !value.is_null());
        has("tokens") && !has("OPENAI_API_KEY")
    })
}

/// Whether Gemini CLI is signed in with Google.
pub(super) fn gemini_login(machine: &Machine) -> bool {
    const GOOGLE: &str = "oauth-personal";
    let settings = json(machine, ".gemini/settings.json").unwrap_or_default();
    // The older place, then the newer one.
    let chosen = settings.get("selectedAuthType").or_else(|| settings.pointer("/security/auth/selectedType"));
    match chosen.and_then(Value::as_str) {
        Some(chosen) => chosen == GOOGLE,
        None => machine.home.join(".gemini/oauth_creds.json").exists(),
    }
}

/// Every provider's address in opencode's settings.
pub(super) fn opencode(machine: &Machine) -> Vec<Pointer> {
    const FILE: &str = ".config/opencode/opencode.json";
    let settings = json(machine, FILE).unwrap_or_default();
    let providers = settings.get("provider").and_then(Value::as_object);
    let pointer = |(name, provider): (&String, &Value)| {
        let url = provider.pointer("/options/baseURL")?.as_str()?.to_owned();
        Some(Pointer { place: format!("provider {name} in ~/{FILE}"), url })
    };
    providers.into_iter().flatten().filter_map(pointer).collect()
}

/// A variable in a file of `NAME=value` lines.
pub(super) fn dotenv(machine: &Machine, file: &str, name: &str) -> Option<Pointer> {
    let text = machine.text(file)?;
    let value = text.lines().find_map(|line| {
        let line = line.trim();
        line.strip_prefix("export ")
            .unwrap_or(line)
            .trim_start()
            .strip_prefix(name)?
            .trim_start()
            .strip_prefix('=')
    });
    Some(Pointer { place: format!("{name} in ~/{file}"), url: bare(value?) })
}

/// The first `key: value` line of a YAML file, at whatever depth.
pub(super) fn line(machine: &Machine, file: &str, key: &str) -> Option<Pointer> {
    let text = machine.text(file)?;
    let value = text.lines().find_map(|line| {
        let line = line.trim_start().trim_start_matches("- ").trim_start();
        line.strip_prefix(key)?.trim_start().strip_prefix(':')
    });
    Some(Pointer { place: format!("{key} in ~/{file}"), url: bare(value?) })
}

/// A value without quotes and comment.
fn bare(value: &str) -> String {
    let value = value.split(" #").next().unwrap_or_default().trim();
    value.trim_matches(['"', '\'']).to_owned()
}
