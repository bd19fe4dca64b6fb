//! Where tools' own files and variables point. Reads no key, and says nothing of a file beyond addresses.

use serde_json::Value;

use super::super::machine::Machine;
use super::Pointer;

/// A variable of this shell.
pub(super) fn variable(machine: &Machine, name: &str) -> Option<Pointer> {
    let url = machine.variable(name)?.to_owned();
    Some(Pointer { place: format!("{name} in this shell"), url })
}

/// The folder that `variable` names, else the one of this name below the home folder.
fn folder(machine: &Machine, variable: &str, usual: &str) -> String {
    machine.variable(variable).unwrap_or(usual).trim_end_matches('/').to_owned()
}

/// A file as a person would write its place.
fn shown(path: &str) -> String {
    if std::path::Path::new(path).is_absolute() { path.to_owned() } else { format!("~/{path}") }
}

fn json(machine: &Machine, path: &str) -> Option<Value> {
    serde_json::from_str(&plain(&machine.text(path)?)).ok()
}

/// JSON without the comments and the commas before a closing bracket that editors and these tools let stand.
fn plain(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '"' => {
                let string = string(rest);
                out.push_str(string);
                string.len()
            }
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            ']' | '}' => {
                out.truncate(out.trim_end().trim_end_matches(',').len());
                out.push(first);
                1
            }
            _ => {
                out.push(first);
                first.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

/// The string at the beginning of `text`, with its quotes.
fn string(text: &str) -> &str {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    end.and_then(|end| text.get(..end + 2)).unwrap_or(text)
}

/// A variable as Claude Code sees it: its settings win over the shell.
pub(super) fn claude(machine: &Machine, name: &str) -> Vec<Pointer> {
    let path = format!("{}/settings.json", folder(machine, "CLAUDE_CONFIG_DIR", ".claude"));
    let set = json(machine, &path).and_then(|settings| match settings.pointer("/env")?.get(name)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    });
    let file = set.map(|url| Pointer { place: format!("{name} in {}", shown(&path)), url });
    file.into_iter().chain(variable(machine, name)).collect()
}

/// The provider that Codex uses, from its settings.
pub(super) fn codex(machine: &Machine) -> Vec<Pointer> {
    let path = format!("{}/config.toml", folder(machine, "CODEX_HOME", ".codex"));
    let Some(settings) = machine.text(&path).and_then(|text| text.parse::<toml::Table>().ok()) else {
        return Vec::new();
    };
    let text = |value: Option<&toml::Value>| value.and_then(toml::Value::as_str).map(str::to_owned);
    let chosen = text(settings.get("model_provider"));
    let own = chosen.filter(|name| name != "openai").and_then(|name| {
        let url = text(settings.get("model_providers")?.get(&name)?.get("base_url"))?;
        Some(Pointer { place: format!("model_providers.{name} in {}", shown(&path)), url })
    });
    let built_in = text(settings.get("openai_base_url"))
        .map(|url| Pointer { place: format!("openai_base_url in {}", shown(&path)), url });
    own.or(built_in).into_iter().collect()
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

/// Every provider's address in opencode's settings: the variable's, then the files', then the shell's.
pub(super) fn opencode(machine: &Machine) -> Vec<Pointer> {
    const CONTENT: &str = "OPENCODE_CONFIG_CONTENT";
    let content = machine.variable(CONTENT).and_then(|text| serde_json::from_str(&plain(text)).ok());
    let content = content.map(|settings| (settings, format!("{CONTENT} in this shell")));
    let files = [".config/opencode/opencode.jsonc", ".config/opencode/opencode.json"];
    let files = files.into_iter().filter_map(|file| Some((json(machine, file)?, format!("~/{file}"))));
    let mut pointers = Vec::new();
    for (settings, place) in content.into_iter().chain(files) {
        let providers = settings.get("provider").and_then(Value::as_object);
        pointers.extend(providers.into_iter().flatten().filter_map(|(name, provider)| {
            let url = provider.pointer("/options/baseURL")?.as_str()?.to_owned();
            Some(Pointer { place: format!("provider {name} in {place}"), url })
        }));
    }
    pointers.extend(variable(machine, "OPENAI_BASE_URL"));
    pointers
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_and_strings_are_not() {
        for (text, wanted) in [
            ("{}", "{}"),
            (r#"{"a": "http://x//y /* z */"} // end"#, r#"{"a": "http://x//y /* z */"} "#),
            (r#"{"a": "\"// x", /* b */ "c": [1, 2, ], }"#, r#"{"a": "\"// x",  "c": [1, 2]}"#),
            ("/* never ends", ""),
            (r#""never ends \"#, r#""never ends \"#),
            ("é//ü\nß", "é\nß"),
        ] {
            assert_eq!(plain(text), wanted, "{text}");
        }
    }
}
