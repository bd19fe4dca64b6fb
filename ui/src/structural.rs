//! What tells two JSON values apart, path by path; and two texts, word by word. Pure. Leaves out drawing it.

mod words;

use serde_json::Value;

pub use words::{Piece, words};

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where it stands: `messages[2].content`. Empty for the whole.
    pub path: String,
    pub change: Change,
}

/// What became of what stands there.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Added(Value),
    Removed(Value),
    Changed(Value, Value),
}

/// The differences between two values, in the order of the old one; what is only in the new one behind them.
pub fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), old, new, &mut found);
    found
}

/// Two bodies: as JSON where both are, else as texts.
pub fn of_bodies(old: &str, new: &str) -> Vec<Difference> {
    match (serde_json::from_str(old), serde_json::from_str(new)) {
        (Ok(old), Ok(new)) => differences(&old, &new),
        _ => differences(&Value::from(old), &Value::from(new)),
    }
}

fn compare(path: String, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    match (old, new) {
        (old, new) if old == new => {}
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                let path = member(&path, name);
                match after.get(name) {
                    Some(other) => compare(path, value, other, found),
                    None => found.push(Difference { path, change: Change::Removed(value.clone()) }),
                }
            }
            for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
                found.push(Difference { path: member(&path, name), change: Change::Added(value.clone()) });
            }
        }
        (Value::Array(before), Value::Array(after)) => elements(&path, before, after, found),
        (old, new) => found.push(Difference { path, change: Change::Changed(old.clone(), new.clone()) }),
    }
}

/// Equal elements at both ends stand for each other; those between are compared in their order, and what is over came or
/// went. A removed element is named by its old place, every other by its new one.
fn elements(path: &str, old: &[Value], new: &[Value], found: &mut Vec<Difference>) {
    let same = |pair: &(&Value, &Value)| pair.0 == pair.1;
    let head = old.iter().zip(new).take_while(same).count();
    let room = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count().min(room);
    let (gone, come) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    for (number, (before, after)) in gone.iter().zip(come).enumerate() {
        compare(format!("{path}[{}]", head + number), before, after, found);
    }
    for (number, value) in gone.iter().enumerate().skip(come.len()) {
        let path = format!("{path}[{}]", head + number);
        found.push(Difference { path, change: Change::Removed(value.clone()) });
    }
    for (number, value) in come.iter().enumerate().skip(gone.len()) {
        let path = format!("{path}[{}]", head + number);
        found.push(Difference { path, change: Change::Added(value.clone()) });
    }
}

/// A member's path; a name that could be read otherwise stands in brackets.
fn member(path: &str, name: &str) -> String {
    let plain = !name.is_empty()
        && name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '$'));
    match (plain, path.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{path}.{name}"),
        (false, _) => format!("{path}[{}]", Value::from(name)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(old: &Value, new: &Value) -> Vec<String> {
        let shown = differences(old, new).into_iter().map(|found| match found.change {
            Change::Added(value) => format!("+{} {value}", found.path),
            Change::Removed(value) => format!("-{} {value}", found.path),
            Change::Changed(old, new) => format!("~{} {old} {new}", found.path),
        });
        shown.collect()
    }

    #[test]
    fn each_path_is_told_once() {
        let old = json!({"model": "a", "n": 1, "messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]});
        let new = json!({"n": 1.0, "model": "b", "stop": null, "messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "z"}]});
        assert_eq!(
            shown(&old, &new),
            ["~model \"a\" \"b\"", "~n 1 1.0", "~messages[1].content \"y\" \"z\"", "+stop null"]
        );
        assert!(shown(&old, &old).is_empty());
    }

    #[test]
    fn an_element_that_is_put_in_is_one_difference() {
        assert_eq!(shown(&json!([1, 2, 3]), &json!([1, 9, 2, 3])), ["+[1] 9"]);
        assert_eq!(shown(&json!([1, 2, 3]), &json!([1, 3])), ["-[1] 2"]);
        assert_eq!(shown(&json!([[1], 2]), &json!([[1, 5], 2])), ["+[0][1] 5"]);
        assert_eq!(shown(&json!([]), &json!([[]])), ["+[0] []"]);
        assert_eq!(shown(&json!(["a", "a"]), &json!(["a"])), ["-[1] \"a\""]);
    }

    #[test]
    fn names_of_any_kind_have_one_path_each() {
        let new = json!({"a.b": 1, "": 2, "\"]": 3, "ä-b": 4});
        let paths: Vec<String> = differences(&json!({}), &new).into_iter().map(|found| found.path).collect();
        assert_eq!(paths, ["[\"a.b\"]", "[\"\"]", "[\"\\\"]\"]", "ä-b"]);
    }

    #[test]
    fn what_is_no_json_is_a_text() {
        let found = of_bodies("data: 1\n", "{}");
        assert_eq!(found.len(), 1);
        assert!(found[0].path.is_empty());
        assert!(of_bodies("{ \"a\":1}", "{\"a\":1 }").is_empty(), "spaces say nothing");
    }
}
