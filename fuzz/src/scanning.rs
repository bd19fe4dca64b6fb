//! The JSON scanner against serde_json: on what is JSON, both must see the same values at the same places.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::scanner::{Scanner, elements, member, members, string_member};

pub(crate) fn run(json: &[u8]) {
    let mut scanner = Scanner::new(json, 0);
    scanner.skip_space();
    let start = scanner.at();
    let value = scanner.value();
    if let Some(range) = &value {
        assert!(range.start == start && range.end == scanner.at() && range.end <= json.len());
    }
    let found: Vec<_> = members(json).collect();
    assert!(found.iter().all(|member| member.onwards.starts_with(member.value.unwrap_or_default())));
    let (ranges, _) = elements(json);
    assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start), "elements are in order");
    assert!(ranges.iter().all(|range| range.end <= json.len()));
    let Ok(whole) = serde_json::from_slice::<&RawValue>(json) else { return };
    let text = whole.get().as_bytes();
    assert_eq!(value.map(|range| &json[range]), Some(text), "the whole value");
    if let Ok(Members(expected)) = serde_json::from_slice(json) {
        assert_eq!(found.len(), expected.len(), "members");
        for (member, (key, value)) in found.iter().zip(&expected) {
            assert_eq!(member.value, Some(value.get().as_bytes()), "value of {key}");
            if let Ok(plain) = std::str::from_utf8(member.key)
                && !plain.contains('\\')
            {
                assert_eq!(plain, key);
            }
        }
        if let Some((key, _)) = expected.first()
            && !key.contains(['\\', '"'])
            && key.chars().all(|character| !character.is_control())
        {
            // Somebody may have written the same key with an escape.
            let first = found.iter().find(|member| member.key == key.as_bytes());
            assert_eq!(member(json, key), first.and_then(|member| member.value));
            let _text = string_member(json, key);
        }
    }
    if let Ok(expected) = serde_json::from_slice::<Vec<&RawValue>>(json) {
        let (ranges, closed) = elements(json);
        let found: Vec<&[u8]> = ranges.iter().map(|range| &json[range.clone()]).collect();
        let expected: Vec<&[u8]> = expected.iter().map(|value| value.get().as_bytes()).collect();
        assert!(closed && found == expected, "elements");
        // Of an array that is cut, the elements before the cut are the same.
        let cut = json.len() / 2;
        let (before, _) = elements(&json[..cut]);
        let whole = before.iter().filter(|range| range.end < cut).count();
        assert!(ranges.get(..whole).is_some_and(|same| same == &before[..whole]), "before the cut");
    }
}

/// An object's members in order, repeated keys included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = Vec::new();
                while let Some(member) = map.next_entry()? {
                    found.push(member);
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}
