//! Writing one setting into the text of a settings file so that everything else stays as its owner wrote it.
//! A value that is taken out stays as a comment, and the file is replaced as a whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use api::SettingKind;
use toml_edit::{Document, DocumentMut, Item, Table, TomlError, Value};

use super::EXAMPLE;

/// The value of `name`, which is of `kind`, from its text; else what is wrong with it.
pub(crate) fn parse(name: &str, kind: SettingKind, text: &str) -> Result<Value, String> {
    match kind {
        SettingKind::Switch => {
            text.trim().parse::<bool>().map(Value::from).map_err(|_| "it must be true or false".to_owned())
        }
        SettingKind::Number => {
            let most = if name.ends_with("_port") { u16::MAX.into() } else { u32::MAX };
            let number = text.trim().parse().ok().filter(|number: &u32| *number <= most);
            let number = number.ok_or_else(|| format!("it must be a whole number from 0 to {most}"))?;
            Ok(Value::from(i64::from(number)))
        }
        SettingKind::Text if text.contains(char::is_control) => Err("it must be one line".to_owned()),
        SettingKind::Text => Ok(Value::from(text.trim())),
        SettingKind::List => {
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            match lines.iter().any(|line| line.contains(char::is_control)) {
                true => Err("it must not hold control characters".to_owned()),
                false => Ok(Value::from_iter(lines)),
            }
        }
    }
}

/// The example file with every value as a comment: what a new settings file begins with.
pub(crate) fn commented_example() -> String {
    let is_value = |line: &&str| !line.starts_with(['#', '[']) && line.contains(" = ");
    let line = |line: &str| match is_value(&line) {
        true => format!("# {line}\n"),
        false => format!("{line}\n"),
    };
    EXAMPLE.lines().map(line).collect()
}

/// `text` with `name` set to `value`.
pub(crate) fn set(text: &str, name: &str, value: &Value) -> Result<String, TomlError> {
    let path = path(text, name)?;
    if let Some(place) = place(text, &path)? {
        let mut changed = text.to_owned();
        changed.replace_range(place.value, &value.to_string());
        return Ok(changed);
    }
    if let [key] = path.as_slice()
        && let Some(line) = commented_line(text, key)
    {
        let mut changed = text.to_owned();
        changed.replace_range(line, &format!("{key} = {value}"));
        return Ok(changed);
    }
    let mut document: DocumentMut = text.parse()?;
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    let Some((key, parents)) = path.split_last() else { return Ok(document.to_string()) };
    for parent in parents {
        let item = table.entry(parent).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        match item.as_table_like_mut() {
            Some(inner) => table = inner,
            // It is something else than a table: reading the settings says so.
            None => return Ok(text.to_owned()),
        }
    }
    table.insert(key, Item::Value(value.clone()));
    Ok(document.to_string())
}

/// `text` with `name` no longer set: its line stays as a comment that says `default`.
pub(crate) fn unset(text: &str, name: &str, default: &Value) -> Result<String, TomlError> {
    let path = path(text, name)?;
    let Some(found) = place(text, &path)? else { return Ok(text.to_owned()) };
    if found.inline {
        let mut document: DocumentMut = text.parse()?;
        let mut item = document.as_item_mut();
        let Some((key, parents)) = path.split_last() else { return Ok(text.to_owned()) };
        for parent in parents {
            match item.get_mut(parent) {
                Some(inner) => item = inner,
                None => return Ok(text.to_owned()),
            }
        }
        if let Some(table) = item.as_table_like_mut() {
            table.remove(key);
        }
        return Ok(document.to_string());
    }
    let text = set(text, name, default)?;
    let Some(place) = place(&text, &path)? else { return Ok(text) };
    let start = text.get(..place.key).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let lines = text.get(start..place.value.end).unwrap_or_default().replace('\n', "\n# ");
    let mut changed = text;
    changed.replace_range(start..place.value.end, &format!("# {lines}"));
    Ok(changed)
}

/// Replaces the file at `path`, through a symbolic link too, keeping its mode; makes its folder when need be.
pub(crate) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let written = (|| {
        let mut file = File::create(&fresh)?;
        if let Ok(old) = fs::metadata(&path) {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)
    })();
    if written.is_err() {
        // What is left of it must not lie around; the first error is the one to tell.
        let _gone_anyway = fs::remove_file(&fresh);
    }
    written
}

/// A setting's place in a text, in bytes.
struct Place {
    key: usize,
    value: Range<usize>,
    /// It stands in a table written on one line.
    inline: bool,
}

fn place(text: &str, path: &[String]) -> Result<Option<Place>, TomlError> {
    let document = Document::parse(text)?;
    let Some((last, parents)) = path.split_last() else { return Ok(None) };
    let (mut item, mut inline) = (document.as_item(), false);
    for parent in parents {
        match item.get(parent) {
            Some(inner) => item = inner,
            None => return Ok(None),
        }
        inline |= item.is_inline_table();
    }
    let found = item.as_table_like().and_then(|table| table.get_key_value(last));
    Ok(found.and_then(|(key, item)| Some(Place { key: key.span()?.start, value: item.span()?, inline })))
}

/// The keys that lead to `name`; a provider as the text writes it, in whatever case.
fn path(text: &str, name: &str) -> Result<Vec<String>, TomlError> {
    let below = name.strip_prefix("providers.").and_then(|rest| rest.rsplit_once('.'));
    let Some((provider, key)) = below else { return Ok(vec![name.to_owned()]) };
    let document = Document::parse(text)?;
    let providers = document.as_item().get("providers").and_then(Item::as_table_like);
    let written = providers.and_then(|providers| {
        providers.iter().map(|(key, _)| key).find(|key| key.eq_ignore_ascii_case(provider))
    });
    let written = written.unwrap_or(provider).to_owned();
    Ok(vec!["providers".to_owned(), written, key.to_owned()])
}

/// A line above all tables that would set `key` but for its `#`.
fn commented_line(text: &str, key: &str) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            return None;
        }
        let content = line.trim_end_matches(['\n', '\r']);
        let setting = content.trim_start().strip_prefix('#').map(str::trim_start);
        let value = setting.and_then(|text| text.strip_prefix(key)).map(str::trim_start);
        if value.is_some_and(|value| value.starts_with('=')) {
            return Some(at..at + content.len());
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        text.parse().unwrap()
    }

    #[test]
    fn everything_around_a_value_stays_as_it_was() {
        let text = "# mine\n  proxy_port=1   # why\r\nallowed_hosts = [ # two\n  'a', # first\n  'b',\n]\n\n[providers.OpenAI] # work\nbase_url = 'http://a' # old\n# end";
        for (name, new, expected) in [
            ("proxy_port", "9", text.replace("=1 ", "=9 ")),
            ("allowed_hosts", "[\"c\"]", text.replace("[ # two\n  'a', # first\n  'b',\n]", "[\"c\"]")),
            ("providers.openai.base_url", "\"http://b\"", text.replace("'http://a'", "\"http://b\"")),
        ] {
            assert_eq!(set(text, name, &value(new)).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_taken_out_stays_as_a_comment() {
        let text = "# why\nproxy_port = 1 # mine\nallowed_hosts = [\n  'a',\n]\nproviders.groq.base_url = 'http://a'\n";
        assert_eq!(
            unset(text, "proxy_port", &value("8080")).unwrap(),
            text.replace("proxy_port = 1", "# proxy_port = 8080")
        );
        assert_eq!(
            unset(text, "allowed_hosts", &value("[]")).unwrap(),
            text.replace("allowed_hosts = [\n  'a',\n]", "# allowed_hosts = []")
        );
        assert_eq!(
            unset(text, "providers.groq.base_url", &value("'x'")).unwrap(),
            text.replace("providers.groq.base_url = 'http://a'", "# providers.groq.base_url = 'x'")
        );
        assert_eq!(unset(text, "memory_mb", &value("256")).unwrap(), text);
        let inline = "providers = { groq = { base_url = 'a' }, openai = { base_url = 'b' } }\n";
        let left: toml::Table =
            toml::from_str(&unset(inline, "providers.groq.base_url", &value("'x'")).unwrap()).unwrap();
        assert!(left["providers"]["groq"].get("base_url").is_none());
        assert_eq!(left["providers"]["openai"]["base_url"].as_str(), Some("b"));
    }

    #[test]
    fn a_commented_line_comes_back_where_it_stood() {
        let example = commented_example();
        assert_eq!(toml::from_str::<toml::Table>(&example).unwrap().len(), 1, "only [providers]");
        let changed = set(&example, "memory_mb", &value("99")).unwrap();
        assert_eq!(changed, example.replace("# memory_mb = 256", "memory_mb = 99"));
        assert_eq!(unset(&changed, "memory_mb", &value("256")).unwrap(), example);
        let changed = set(&example, "providers.groq.base_url", &value("'http://a'")).unwrap();
        assert!(example.lines().all(|line| changed.lines().any(|kept| kept == line)), "{changed}");
        let table: toml::Table = toml::from_str(&changed).unwrap();
        assert_eq!(table["providers"]["groq"]["base_url"].as_str(), Some("http://a"));
    }

    #[test]
    fn a_new_value_goes_above_the_tables() {
        let text = "# mine\n[providers.openai]\nbase_url = 'x'\n# memory_mb = 1\n";
        let changed: toml::Table = toml::from_str(&set(text, "memory_mb", &value("9")).unwrap()).unwrap();
        assert_eq!(changed["memory_mb"].as_integer(), Some(9));
        assert_eq!(changed["providers"]["openai"]["base_url"].as_str(), Some("x"));
        let text = "providers = { openai = { base_url = 'x' } }";
        let changed: toml::Table =
            toml::from_str(&set(text, "providers.groq.base_url", &value("'y'")).unwrap()).unwrap();
        assert_eq!(changed["providers"]["groq"]["base_url"].as_str(), Some("y"));
    }

    #[test]
    fn values_of_the_wrong_form_say_what_is_wanted() {
        for (name, kind, text) in [
            ("close_to_tray", SettingKind::Switch, "yes"),
            ("proxy_port", SettingKind::Number, "70000"),
            ("proxy_port", SettingKind::Number, "-1"),
            ("memory_mb", SettingKind::Number, "1.5"),
            ("memory_mb", SettingKind::Number, ""),
            ("data_dir", SettingKind::Text, "a\nb = 1"),
            ("allowed_hosts", SettingKind::List, "a\u{0}b"),
        ] {
            assert!(parse(name, kind, text).unwrap_err().starts_with("it must"), "{name} {text:?}");
        }
        let list = parse("allowed_hosts", SettingKind::List, " a \r\n\n\"b\"\n").unwrap();
        assert_eq!(
            list.as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>(),
            ["a", "\"b\""]
        );
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_mode_and_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/config.toml");
        write(&path, "a = 1").unwrap();
        write(&path, "b = 2").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "b = 2");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let link = folder.path().join("link.toml");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            write(&link, "c = 3").unwrap();
            assert!(link.is_symlink());
            assert_eq!(fs::read_to_string(&path).unwrap(), "c = 3");
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(write(&folder.path().join("new/config.toml/below"), "").is_err());
    }
}
