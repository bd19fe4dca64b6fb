//! Reported values with their names and types, as they were sent: nothing renamed, nothing left out.

use api::{Attribute, AttributeValue};
use leptos::prelude::*;

use super::code::{Code, FoldedText};
use super::copy_button::CopyButton;
use crate::format::{plural, thousands};
use crate::json;

/// Lines drawn before the rest is asked for.
const LINES: usize = 200;
/// Values inside values are followed this far; what lies deeper is shown as its JSON.
const DEPTH: usize = 12;
/// A text from this length on is looked at for JSON inside it.
const LONG: usize = 48;

/// One line: a name, its type, and its text unless it only holds others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    depth: usize,
    key: String,
    kind: &'static str,
    text: Option<String>,
}

/// The word for a value's type.
const fn kind(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::Empty => "empty",
        AttributeValue::Text(_) => "text",
        AttributeValue::Bool(_) => "bool",
        AttributeValue::Int(_) => "int",
        AttributeValue::Double(_) | AttributeValue::NotFinite(_) => "double",
        AttributeValue::Bytes(_) => "bytes",
        AttributeValue::List(_) => "list",
        AttributeValue::Map(_) => "map",
    }
}

/// A value in one line, as JSON would write it; bytes are in base64.
pub fn plain(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Empty => "null".to_owned(),
        AttributeValue::Text(text) | AttributeValue::NotFinite(text) | AttributeValue::Bytes(text) => {
            text.clone()
        }
        AttributeValue::Bool(value) => value.to_string(),
        AttributeValue::Int(value) => value.to_string(),
        AttributeValue::Double(value) => value.to_string(),
        AttributeValue::List(_) | AttributeValue::Map(_) => as_json(value).to_string(),
    }
}

/// A value as JSON. Names that stand twice keep the last value there.
pub fn as_json(value: &AttributeValue) -> serde_json::Value {
    use serde_json::Value;
    match value {
        AttributeValue::Empty => Value::Null,
        AttributeValue::Text(text) | AttributeValue::NotFinite(text) | AttributeValue::Bytes(text) => {
            Value::String(text.clone())
        }
        AttributeValue::Bool(value) => Value::Bool(*value),
        AttributeValue::Int(value) => Value::from(*value),
        AttributeValue::Double(value) => Value::from(*value),
        AttributeValue::List(values) => Value::Array(values.iter().map(as_json).collect()),
        AttributeValue::Map(values) => {
            Value::Object(values.iter().map(|one| (one.key.clone(), as_json(&one.value))).collect())
        }
    }
}

fn lines(attributes: &[Attribute]) -> Vec<Line> {
    let mut out = Vec::new();
    for attribute in attributes {
        follow(&attribute.key, &attribute.value, 0, &mut out);
    }
    out
}

fn follow(key: &str, value: &AttributeValue, depth: usize, out: &mut Vec<Line>) {
    let line = |text| Line { depth, key: key.to_owned(), kind: kind(value), text };
    match value {
        AttributeValue::List(values) if depth < DEPTH && !values.is_empty() => {
            // A list of plain values reads better in one line.
            if values.iter().all(|value| !matches!(value, AttributeValue::List(_) | AttributeValue::Map(_))) {
                return out.push(line(Some(values.iter().map(plain).collect::<Vec<_>>().join(", "))));
            }
            out.push(line(None));
            for (index, value) in values.iter().enumerate() {
                follow(&format!("{index}"), value, depth + 1, out);
            }
        }
        AttributeValue::Map(values) if depth < DEPTH && !values.is_empty() => {
            out.push(line(None));
            for one in values {
                follow(&one.key, &one.value, depth + 1, out);
            }
        }
        _ => out.push(line(Some(plain(value)))),
    }
}

/// A heading with the attributes below it; nothing when there are none.
#[component]
pub fn AttributeSection(
    title: &'static str,
    attributes: Vec<Attribute>,
    #[prop(optional)] dropped: u32,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let empty = attributes.is_empty() && dropped == 0;
    let left_out = (dropped > 0).then(|| {
        let text =
            format!("{} left out by the sender", plural(u64::from(dropped), "attribute", "attributes"));
        view! { <p class="note t3 s11">{text}</p> }
    });
    (!empty).then(|| {
        let copied = attributes.clone();
        let text = move |()| {
            let map = as_json(&AttributeValue::Map(copied.clone()));
            serde_json::to_string_pretty(&map).unwrap_or_default()
        };
        view! {
            <div class="sec attrs" data-testid=testid>
                <div class="sh">
                    <h3>{title}</h3><span class="t3 s11 num">{thousands(attributes.len() as u64)}</span>
                    <span class="end"></span><CopyButton text=text title="Copy as JSON" class="cpb tiny" />
                </div>
                <Attributes attributes=attributes />
                {left_out}
            </div>
        }
    })
}

/// The attributes alone.
#[component]
pub fn Attributes(attributes: Vec<Attribute>) -> impl IntoView {
    let lines = lines(&attributes);
    let total = lines.len();
    let lines = StoredValue::new(lines);
    let shown = RwSignal::new(LINES);
    let rows = move || {
        let count = shown.get();
        lines.with_value(|lines| lines.iter().take(count).cloned().map(row).collect_view())
    };
    view! {
        <dl class="atts">{rows}</dl>
        <Show when=move || { shown.get() < total }>
            <button type="button" class="more" on:click=move |_| shown.update(|shown| *shown *= 4)>
                {move || format!("Show more, {} left", thousands((total - shown.get().min(total)) as u64))}
            </button>
        </Show>
    }
}

fn row(line: Line) -> impl IntoView {
    let Line { depth, key, kind, text } = line;
    let style = format!("padding-left:{}px", depth * 12);
    view! {
        <div class="att">
            <dt class="mono" style=style title=key>{key.clone()}</dt>
            <dd>{text.map(|text| value_view(kind, text))}</dd>
            <span class="t3 s11 kind">{kind}</span>
        </div>
    }
}

fn value_view(kind: &'static str, text: String) -> AnyView {
    if kind == "text" && text.len() >= LONG && text.starts_with(['{', '[']) && json::lines(&text).is_some() {
        return view! { <Code text=text /> }.into_any();
    }
    if text.is_empty() {
        return view! { <span class="t3">"empty"</span> }.into_any();
    }
    view! { <FoldedText text=text /> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(key: &str, value: AttributeValue) -> Attribute {
        Attribute { key: key.into(), value }
    }

    #[test]
    fn values_inside_values_are_lines_below_each_other() {
        let map = AttributeValue::Map(vec![
            named("a", AttributeValue::Int(1)),
            named(
                "b",
                AttributeValue::List(vec![AttributeValue::Text("x".into()), AttributeValue::Bool(true)]),
            ),
        ]);
        let lines = lines(&[
            named("m", map),
            named("e", AttributeValue::Empty),
            named("e", AttributeValue::Text(String::new())),
        ]);
        let said: Vec<_> = lines
            .iter()
            .map(|line| (line.depth, line.key.as_str(), line.kind, line.text.as_deref()))
            .collect();
        assert_eq!(
            said,
            [
                (0, "m", "map", None),
                (1, "a", "int", Some("1")),
                (1, "b", "list", Some("x, true")),
                (0, "e", "empty", Some("null")),
                (0, "e", "text", Some("")),
            ]
        );
    }

    #[test]
    fn however_deep_it_ends() {
        let mut value = AttributeValue::NotFinite("NaN".into());
        for _ in 0..100 {
            value = AttributeValue::Map(vec![named("in", value)]);
        }
        let lines = lines(&[named("deep", value)]);
        assert_eq!(lines.len(), DEPTH + 1);
        assert!(lines[DEPTH].text.as_ref().is_some_and(|text| text.contains("NaN")));
    }
}
