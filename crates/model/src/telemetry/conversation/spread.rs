//! Lists that are spread over attributes (`gen_ai.prompt.0.role`), put together again. Leaves out what they mean.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::super::value;
use super::super::wire::Attributes;

/// Names have no more steps than this; what follows is part of the last one.
const MAX_STEPS: usize = 20;

/// A step on the way to a value: numbers in their order, before words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Step<'a> {
    At(u64),
    Named(&'a str),
}

#[derive(Default)]
struct Node<'a> {
    value: Option<Json>,
    children: BTreeMap<Step<'a>, Node<'a>>,
}

/// What stands under `prefix`; `None` when nothing does. Gaps in lists are closed.
pub(super) fn gather(attributes: &Attributes, prefix: &str) -> Option<Json> {
    let mut root = Node::default();
    for (key, value) in &attributes.0 {
        let Some(path) = key.strip_prefix(prefix) else { continue };
        let mut node = &mut root;
        for step in path.splitn(MAX_STEPS, '.') {
            let step = step.parse().map_or(Step::Named(step), Step::At);
            node = node.children.entry(step).or_default();
        }
        node.value.get_or_insert_with(|| value::json(value));
    }
    (!root.children.is_empty()).then(|| root.into_json())
}

/// The numbers of the messages under `prefix` that users said, in order.
pub(super) fn of_users(attributes: &Attributes, prefix: &str) -> Vec<u64> {
    let mut found: Vec<u64> = attributes
        .0
        .iter()
        .filter(|(_, value)| value.text().is_some_and(|role| matches!(role, "user" | "human")))
        .filter_map(|(key, _)| {
            let (index, name) = key.strip_prefix(prefix)?.split_once('.')?;
            if matches!(name, "role" | "message.role") { index.parse().ok() } else { None }
        })
        .collect();
    found.sort_unstable();
    found
}

impl Node<'_> {
    /// At most [`MAX_STEPS`] deep.
    fn into_json(self) -> Json {
        if self.children.is_empty() {
            return self.value.unwrap_or_default();
        }
        if self.children.keys().all(|step| matches!(step, Step::At(_))) {
            return self.children.into_values().map(Self::into_json).collect();
        }
        let named = self.children.into_iter().map(|(step, node)| {
            let name = match step {
                Step::At(number) => number.to_string(),
                Step::Named(name) => name.to_owned(),
            };
            (name, node.into_json())
        });
        Json::Object(named.collect::<Map<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::wire::Value;
    use super::*;

    #[test]
    fn lists_come_together_in_their_order() {
        let attributes = Attributes(
            [("p.10.role", "c"), ("p.2.role", "b"), ("p.0.role", "a"), ("p.0.x.1.y", "z"), ("q.0", "no")]
                .map(|(key, text)| (key.to_owned(), Value::Text(text.to_owned())))
                .to_vec(),
        );
        let expected = json!([{"role": "a", "x": [{"y": "z"}]}, {"role": "b"}, {"role": "c"}]);
        assert_eq!(gather(&attributes, "p."), Some(expected));
        assert_eq!(gather(&attributes, "r."), None);
    }

    #[test]
    fn a_name_without_end_is_no_deep_tree() {
        let key = format!("p.{}", "0.".repeat(100_000));
        let attributes = Attributes(vec![(key, Value::Int(1))]);
        assert!(gather(&attributes, "p.").is_some());
    }
}
