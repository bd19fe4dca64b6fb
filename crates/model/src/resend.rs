//! A recorded request for another model: the name is changed where it stands, and not a byte besides.
//! Leaves out whether it may be sent, and where to.

use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::scanner::Scanner;

/// The path and the body of a request with `model` in the place of the model they name. `None`: neither names one.
pub fn with_model(path: &str, body: &[u8], model: &str) -> Option<(String, Vec<u8>)> {
    let (in_path, in_body) = (place_in_path(path), places_in_body(body));
    if in_path.is_none() && in_body.is_empty() {
        return None;
    }
    let path = match in_path {
        Some(range) => spliced(path, range, &escaped(model.strip_prefix("models/").unwrap_or(model))),
        None => path.to_owned(),
    };
    let mut changed = Vec::with_capacity(body.len() + model.len());
    let mut from = 0;
    for range in in_body {
        changed.extend_from_slice(body.get(from..range.start)?);
        // Google's bodies name a model as a resource.
        let is_resource = body.get(range.clone())?.starts_with(b"\"models/");
        let prefix = if is_resource && !model.starts_with("models/") { "models/" } else { "" };
        changed.extend_from_slice(serde_json::Value::from(format!("{prefix}{model}")).to_string().as_bytes());
        from = range.end;
    }
    changed.extend_from_slice(body.get(from..)?);
    Some((path, changed))
}

fn spliced(text: &str, range: Range<usize>, new: &str) -> String {
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    format!("{}{new}{}", before.unwrap_or_default(), after.unwrap_or_default())
}

/// Where a path names its model: `/model/ID/verb` (Bedrock), `/deployments/NAME/…` (Azure), `/models/NAME:verb` (Google).
fn place_in_path(path: &str) -> Option<Range<usize>> {
    let end = path.find('?').unwrap_or(path.len());
    let asked = path.get(..end)?;
    let after = |word: &str| asked.find(word).map(|at| at + word.len());
    if let Some(start) = after("/model/") {
        let last = asked.rfind('/').filter(|last| *last > start)?;
        return Some(start..last);
    }
    if let Some(start) = after("/deployments/") {
        let length = asked.get(start..)?.find('/').filter(|length| *length > 0)?;
        return Some(start..start + length);
    }
    let start = after("/models/").or_else(|| after("/tunedModels/"))?;
    let name = asked.get(start..)?;
    let verb = name.rfind(':').or_else(|| name.rfind("%3A")).or_else(|| name.rfind("%3a"));
    verb.filter(|length| *length > 0).map(|length| start..start + length)
}

/// What is escaped in a segment of a path: all but what may stand in one and a model's name holds.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');

fn escaped(model: &str) -> String {
    utf8_percent_encode(model, SEGMENT).to_string()
}

/// The values of the outermost members called `model`, of which some readers take the first and some the last.
fn places_in_body(body: &[u8]) -> Vec<Range<usize>> {
    let mut scanner = Scanner::new(body, 0);
    let mut places = Vec::new();
    scanner.skip_space();
    let mut more = scanner.eat(b'{');
    while more {
        scanner.skip_space();
        let Some(key) = scanner.key() else { break };
        let Some(value) = scanner.value() else { break };
        if is_model(key) && body.get(value.start) == Some(&b'"') {
            places.push(value);
        }
        scanner.skip_space();
        more = scanner.eat(b',');
    }
    places
}

/// Whether a key says `model`, escaped or not.
fn is_model(key: &[u8]) -> bool {
    key == b"model"
        || key.contains(&b'\\')
            && serde_json::from_slice::<String>(&[b"\"", key, b"\""].concat()).is_ok_and(|key| key == "model")
}

#[cfg(test)]
mod tests {
    use super::with_model;

    fn changed(path: &str, body: &str, model: &str) -> Option<(String, String)> {
        with_model(path, body.as_bytes(), model).map(|(path, body)| (path, String::from_utf8(body).unwrap()))
    }

    #[test]
    fn nothing_but_the_name_changes() {
        for (path, body, new_path, new_body) in [
            (
                "/v1/chat/completions",
                r#"{ "messages":[{"model":"x"}] , "model" :"a" ,"n":1.0}"#,
                "/v1/chat/completions",
                r#"{ "messages":[{"model":"x"}] , "model" :"N" ,"n":1.0}"#,
            ),
            ("/p", r#"{"model":"a","mod\u0065l":"b"}"#, "/p", r#"{"model":"N","mod\u0065l":"N"}"#),
            (
                "/v1beta/models/g-1:generateContent?alt=sse",
                "{}",
                "/v1beta/models/N:generateContent?alt=sse",
                "{}",
            ),
            (
                "/gemini/v1beta/models/e%3AembedContent",
                r#"{"model":"models/e"}"#,
                "/gemini/v1beta/models/N%3AembedContent",
                r#"{"model":"models/N"}"#,
            ),
            ("/model/us.anthropic.c-v1%3A0/converse", "{}", "/model/N/converse", "{}"),
            (
                "/azure/openai/deployments/d/chat/completions?api-version=1",
                "{}",
                "/azure/openai/deployments/N/chat/completions?api-version=1",
                "{}",
            ),
        ] {
            assert_eq!(changed(path, body, "N"), Some((new_path.into(), new_body.into())), "{path} {body}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_place() {
        let (path, body) = changed("/model/a/converse", r#"{"model":"a"}"#, "x/../y?\"z\"").unwrap();
        assert_eq!(path, "/model/x%2F..%2Fy%3F%22z%22/converse");
        assert_eq!(body, r#"{"model":"x/../y?\"z\""}"#);
    }

    #[test]
    fn what_names_no_model_is_told() {
        for (path, body) in [
            ("/v1/chat/completions", "{}"),
            ("/v1/chat/completions", ""),
            ("/v1/chat/completions", r#"{"model":7}"#),
            ("/v1/chat/completions", r#"[{"model":"a"}]"#),
            ("/v1/models/", "{}"),
            ("/model/", "x"),
        ] {
            assert_eq!(changed(path, body, "N"), None, "{path} {body}");
        }
    }
}
