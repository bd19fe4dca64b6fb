//! The scanner's promises, on bodies by hand and on generated ones.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn ranges(parts: &[BodyPart]) -> Vec<Range<usize>> {
    parts
        .iter()
        .flat_map(|part| match part {
            BodyPart::Literal(range) => vec![range.clone()],
            BodyPart::Array(elements) => elements.iter().map(|element| element.range.clone()).collect(),
        })
        .collect()
}

fn covers(body: &[u8]) -> bool {
    let mut at = 0;
    for range in ranges(&scan(body)) {
        if range.start != at || range.end <= at {
            return false;
        }
        at = range.end;
    }
    at == body.len()
}

fn without_markers(body: &[u8], element: &Element) -> Vec<u8> {
    let mut left = Vec::new();
    let mut at = element.range.start;
    for marker in &element.markers {
        left.extend_from_slice(&body[at..marker.start]);
        at = marker.end;
    }
    left.extend_from_slice(&body[at..element.range.end]);
    left
}

fn elements(body: &[u8]) -> Vec<Element> {
    scan(body)
        .into_iter()
        .flat_map(|part| match part {
            BodyPart::Array(elements) => elements,
            BodyPart::Literal(_) => Vec::new(),
        })
        .collect()
}

#[test]
fn a_conversation_is_cut_at_its_messages() {
    let body = br#"{ "model":"m", "messages": [ {"a":1} , {"b":"]"},3 ], "tools":[], "n":[1] }"#;
    let pieces: Vec<&str> =
        ranges(&scan(body)).into_iter().map(|range| std::str::from_utf8(&body[range]).unwrap()).collect();
    assert_eq!(
        pieces,
        [
            r#"{ "model":"m", "messages": ["#,
            r#" {"a":1}"#,
            r#" , {"b":"]"}"#,
            ",3",
            r#" ], "tools":[], "n":[1] }"#
        ]
    );
}

#[test]
fn arrays_of_a_wrapped_request_are_cut_and_others_are_not() {
    assert_eq!(elements(br#"{"project":"p","request":{"contents":[{},{}]}}"#).len(), 2);
    assert_eq!(elements(br#"{"metadata":{"messages":[{},{}]}}"#).len(), 0);
    assert_eq!(elements(br#"{"messages":[1],"system":[2],"input":[3,4],"messages":[5]}"#).len(), 5);
}

#[test]
fn what_is_not_such_json_is_one_literal() {
    for body in [
        &b"hello"[..],
        br#"{"messages":[{"a":1},{"b""#,
        br#"{"messages":[1 2]}"#,
        br#"{"messages":[1,]}"#,
        br#"{"messages":[1]} x"#,
        b"[1,2]",
        b"{\"messages\":[\xff]}",
    ] {
        assert_eq!(scan(body), [BodyPart::Literal(0..body.len())], "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(scan(b""), []);
}

#[test]
fn markers_go_with_their_comma() {
    for (with, without) in [
        (r#"{"a":1,"cache_control":{"type":"ephemeral"}}"#, r#"{"a":1}"#),
        (r#"{ "cache_control" : {"x":[1]} , "a":1}"#, r#"{  "a":1}"#),
        (r#"{"cache_control":{}}"#, "{}"),
        (r#"{"cache_control":{},"cache_control":{},"a":1}"#, r#"{"a":1}"#),
        (r#"{"a":[{"b":1,"cache_control":null},{"cache_control":{}}],"c":2}"#, r#"{"a":[{"b":1},{}],"c":2}"#),
        (
            r#"{"a":"\"cache_control\"","b":["cache_control"]}"#,
            r#"{"a":"\"cache_control\"","b":["cache_control"]}"#,
        ),
    ] {
        let body = format!(r#"{{"messages":[{with}]}}"#);
        let found = elements(body.as_bytes());
        let left = without_markers(body.as_bytes(), &found[0]);
        assert_eq!(String::from_utf8(left).unwrap(), without, "{with}");
    }
}

#[test]
fn members_without_commas_have_no_markers() {
    for broken in [
        r#"{"a":1,"cache_control":null"cache_control":null}"#,
        r#"{"a":{"b":1} "cache_control":null}"#,
        r#"{"a":1 "b":2,"cache_control":null}"#,
    ] {
        let body = format!(r#"{{"messages":[{broken}]}}"#);
        assert!(elements(body.as_bytes())[0].markers.is_empty(), "{broken}");
        assert!(covers(body.as_bytes()), "{broken}");
    }
}

fn without_cache_control(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| *key != "cache_control")
            .map(|(key, value)| (key.clone(), without_cache_control(value)))
            .collect(),
        Value::Array(values) => values.iter().map(without_cache_control).collect(),
        plain => plain.clone(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[\\PC\"\\\\\\[\\]{},]{0,8}".prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let key = prop_oneof!["[a-c\"\\\\]{0,2}", Just("cache_control".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn the_parts_are_the_body_for_any_bytes(body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(covers(&body));
    }

    #[test]
    fn the_parts_are_the_body_for_broken_json(
        body in r#"\{"messages": ?\[[\[\]\{\}",:a1 \\]{0,30}\]?\}?"#,
    ) {
        prop_assert!(covers(body.as_bytes()));
    }

    #[test]
    fn generated_conversations_are_cut_whole(
        messages in prop::collection::vec(any_json(), 1..6),
        pretty in any::<bool>(),
    ) {
        let body = json!({"model": "m", "messages": messages, "stream": true});
        let body = if pretty { serde_json::to_vec_pretty(&body) } else { serde_json::to_vec(&body) }.unwrap();
        prop_assert!(covers(&body));
        let found = elements(&body);
        prop_assert_eq!(found.len(), messages.len());
        for (element, message) in found.iter().zip(&messages) {
            let left = without_markers(&body, element);
            let text = String::from_utf8(left).unwrap();
            let parsed: Value = serde_json::from_str(text.trim_start().trim_start_matches(',')).unwrap();
            prop_assert_eq!(parsed, without_cache_control(message));
        }
    }
}
