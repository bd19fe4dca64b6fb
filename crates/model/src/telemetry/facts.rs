//! The attributes of a span or a log record, found in one pass and put where they can be asked for by name.
//! Leaves out what they mean.

use super::keys::{KEYS, Key, key};
use super::wire::{Attributes, Value};

/// Counts above this cannot be counts of tokens; refusing them keeps every later sum in range.
const MAX_COUNT: i64 = 1 << 53;

/// Beginnings of names that number what they name: lists spread over attributes.
const SPREAD: [&str; 4] =
    ["gen_ai.prompt.", "gen_ai.completion.", "llm.input_messages.", "llm.output_messages."];

/// What the attributes say, by name; the first of those that stand twice.
pub(super) struct Facts<'a> {
    slots: [Option<&'a Value>; KEYS.len()],
    /// Messages are spread over attributes.
    pub(super) spread: bool,
    pub(super) attributes: &'a Attributes,
}

impl<'a> Facts<'a> {
    pub(super) fn of(attributes: &'a Attributes) -> Self {
        let mut slots = [None; KEYS.len()];
        let mut spread = false;
        for (name, value) in &attributes.0 {
            match key(name).and_then(|key| slots.get_mut(key as usize)) {
                Some(slot) => *slot = slot.or(Some(value)),
                None => spread |= SPREAD.iter().any(|beginning| name.starts_with(beginning)),
            }
        }
        Self { slots, spread, attributes }
    }

    pub(super) fn get(&self, name: Key) -> Option<&'a Value> {
        self.slots.get(name as usize).copied().flatten()
    }

    /// Whether anything is said by any of these names.
    pub(super) fn any(&self, names: &[Key]) -> bool {
        names.iter().any(|name| self.get(*name).is_some_and(|value| !matches!(value, Value::Empty)))
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: Key) -> Option<&'a str> {
        self.get(name)?.text().filter(|text| !text.is_empty())
    }

    /// The first of `names` that holds a text.
    pub(super) fn first_text(&self, names: &[Key]) -> Option<&'a str> {
        names.iter().find_map(|name| self.text(*name))
    }

    pub(super) fn owned(&self, names: &[Key]) -> Option<String> {
        self.first_text(names).map(str::to_owned)
    }

    /// A count of tokens or the like, however it was written.
    pub(super) fn count(&self, name: Key) -> Option<u64> {
        let number = self.get(name)?.as_int().filter(|number| *number <= MAX_COUNT)?;
        u64::try_from(number).ok()
    }

    /// The first of `names` that holds a count.
    pub(super) fn first_count(&self, names: &[Key]) -> Option<u64> {
        names.iter().find_map(|name| self.count(*name))
    }

    /// The first of `names` that holds a number.
    pub(super) fn number(&self, names: &[Key]) -> Option<f64> {
        names.iter().find_map(|name| self.get(*name)?.as_double())
    }

    pub(super) fn flag(&self, names: &[Key]) -> Option<bool> {
        names.iter().find_map(|name| self.get(*name)?.as_bool())
    }

    /// A stretch of time written in milliseconds, in microseconds.
    pub(super) fn milliseconds(&self, names: &[Key]) -> Option<u64> {
        micros(self.number(names)? * 1e3)
    }

    /// A stretch of time written in seconds, in microseconds.
    pub(super) fn seconds(&self, names: &[Key]) -> Option<u64> {
        micros(self.number(names)? * 1e6)
    }
}

/// Whole microseconds; `None` when no stretch of time is that long, or shorter than none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
pub(super) fn micros(value: f64) -> Option<u64> {
    (0.0..1e16).contains(&value).then_some(value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_counts_and_wrong_types_are_nothing() {
        let attributes = Attributes(vec![
            ("model".into(), Value::Text("a".into())),
            ("model".into(), Value::Text("b".into())),
            ("input_tokens".into(), Value::Int(-1)),
            ("output_tokens".into(), Value::Text("12".into())),
            ("duration_ms".into(), Value::Double(1.5)),
            ("success".into(), Value::Text("true".into())),
            ("error".into(), Value::Empty),
            ("llm.input_messages.0.message.role".into(), Value::Empty),
        ]);
        let facts = Facts::of(&attributes);
        assert_eq!(facts.text(Key::Model), Some("a"));
        assert_eq!((facts.count(Key::InputTokens), facts.count(Key::OutputTokens)), (None, Some(12)));
        assert_eq!(facts.milliseconds(&[Key::Duration, Key::DurationMs]), Some(1500));
        assert_eq!(facts.flag(&[Key::Success]), Some(true));
        assert!(!facts.any(&[Key::Error]) && facts.spread);
        assert_eq!(micros(f64::INFINITY), None);
    }
}
