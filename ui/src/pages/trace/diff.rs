//! An edit as removed and added lines, from the arguments of the tools that edit files. Pure.

/// A line of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Same(String),
    Removed(String),
    Added(String),
}

/// The file and the lines, when the arguments are an edit's.
pub fn of_arguments(arguments: &str) -> Option<(Option<String>, Vec<Line>)> {
    let value: serde_json::Value = serde_json::from_str(arguments).ok()?;
    let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
    let (old, new) = (text("old_string").or(text("oldString"))?, text("new_string").or(text("newString"))?);
    let file = text("file_path").or(text("filePath")).or(text("path")).map(str::to_owned);
    Some((file, lines(old, new)))
}

/// What tells a tool's call apart from others: its first short text argument.
pub fn headline(arguments: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(arguments).ok()?;
    let known =
        ["command", "file_path", "filePath", "path", "pattern", "query", "url", "description", "prompt"];
    let found = known.iter().find_map(|key| value.get(key)?.as_str());
    let first = found.or_else(|| value.as_object()?.values().find_map(serde_json::Value::as_str))?;
    let line = first.lines().next().unwrap_or_default();
    Some(line.chars().take(120).collect())
}

/// Equal lines at both ends stay; between them the old ones go and the new ones come.
fn lines(old: &str, new: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(&new).take_while(same).count();
    let room = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count().min(room);
    let part = |lines: &[&str], make: fn(String) -> Line| -> Vec<Line> {
        lines.iter().map(|line| make((*line).to_owned())).collect()
    };
    let mut out = part(&old[..head], Line::Same);
    out.extend(part(&old[head..old.len() - tail], Line::Removed));
    out.extend(part(&new[head..new.len() - tail], Line::Added));
    out.extend(part(&old[old.len() - tail..], Line::Same));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_marked() {
        let arguments = r#"{"file_path":"a.rs","old_string":"a\nb\nc","new_string":"a\nx\ny\nc"}"#;
        let (file, lines) = of_arguments(arguments).unwrap();
        assert_eq!(file.as_deref(), Some("a.rs"));
        let (same, removed, added) = (
            |t: &str| Line::Same(t.into()),
            |t: &str| Line::Removed(t.into()),
            |t: &str| Line::Added(t.into()),
        );
        assert_eq!(lines, [same("a"), removed("b"), added("x"), added("y"), same("c")]);
        assert_eq!(of_arguments(r#"{"command":"ls"}"#), None);
    }

    #[test]
    fn a_call_is_known_by_its_command() {
        assert_eq!(headline(r#"{"timeout":5,"command":"ls -l\npwd"}"#).as_deref(), Some("ls -l"));
        assert_eq!(headline("{broken"), None);
    }
}
