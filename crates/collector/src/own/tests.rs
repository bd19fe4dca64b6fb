//! Own spans in every form: what they become, what is refused, and what they may take.

use serde_json::{Value as Json, json};

use super::*;

const NOW: u64 = 1_700_000_000_000_000_000;

fn read_all(body: &str, limit: usize) -> Result<Own, Unreadable> {
    read(body.as_bytes(), limit, NOW, &mut || "fresh".to_owned())
}

fn spans(body: &Json) -> (Vec<(Origin, Vec<Span>)>, Json) {
    let own = read_all(&body.to_string(), usize::MAX).unwrap();
    let Export::Traces(groups) = own.export else { panic!("spans") };
    (groups, serde_json::from_str(&own.answer).unwrap())
}

fn only(body: &Json) -> (Span, Json) {
    let (mut groups, answer) = spans(body);
    (groups.remove(0).1.remove(0), answer)
}

#[test]
fn a_span_says_what_it_is() {
    let body = json!({
        "id": "step 1", "trace_id": "run 7", "parent_id": "b7ad6b7169203331", "span_type": "llm",
        "span_name": "ask", "start_time": 1_700_000_000_000_u64, "duration_ms": 1500.5, "status": 200,
        "model": "gpt-5", "provider": "openai", "prompt_tokens": 12, "completion_tokens": 3,
        "input": [{"role": "user", "content": "hi"}], "output": "ho", "tags": ["a", "b"],
        "attributes": {"deep": {"er": 1}}, "session_id": "s", "service_name": "mine", "odd": true,
    });
    let (span, answer) = only(&body);
    assert_eq!(answer, json!({ "id": "step 1", "trace_id": "run 7" }));
    assert_eq!((span.trace_id, span.span_id), (ids::trace_id("run 7"), ids::span_id("step 1")));
    assert_eq!(span.parent, Some(ids::span_id("b7ad6b7169203331")));
    assert_eq!((span.start_ns, span.end_ns), (NOW, NOW + 1_500_500_000));
    let said = |name: &str| span.attributes.text(name);
    assert_eq!((said("llmflow.id"), said("llmflow.trace_id")), (Some("step 1"), Some("run 7")));
    assert_eq!(said("llmflow.parent_id"), None, "it is an id already");
    assert_eq!((said("openinference.span.kind"), said("llm.model_name")), (Some("LLM"), Some("gpt-5")));
    assert_eq!(said("input.value"), Some(r#"[{"role":"user","content":"hi"}]"#));
    assert_eq!(span.attributes.int("llm.token_count.prompt"), Some(12));
    assert_eq!(span.attributes.get("odd"), Some(&Value::Bool(true)));
    assert_eq!((span.name.as_str(), span.status_code), ("ask", 0));
}

#[test]
fn what_is_not_said_has_a_default() {
    let (mut groups, answer) = spans(&json!({ "duration_ms": 10 }));
    let (origin, mut list) = groups.remove(0);
    assert_eq!(origin.resource.attributes.text("service.name"), Some("app"));
    assert_eq!(answer, json!({ "id": "fresh", "trace_id": "fresh" }));
    let span = list.remove(0);
    assert_eq!((span.start_ns, span.end_ns), (NOW - 10_000_000, NOW));
    assert_eq!(span.name, "custom");
}

#[test]
fn several_come_as_a_list_or_under_spans() {
    let list = json!([{ "id": "1", "service_name": "a" }, { "id": "2" }, { "id": "3", "service_name": "a" }]);
    for body in [list.clone(), json!({ "spans": list })] {
        let (groups, answer) = spans(&body);
        assert_eq!(groups.iter().map(|(_, spans)| spans.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(answer["spans"][2], json!({ "id": "3", "trace_id": "3" }));
    }
}

#[test]
fn failures_and_times_are_read_in_every_form() {
    for body in [
        json!({ "status": 500 }),
        json!({ "status": "ERROR" }),
        json!({ "error": "boom" }),
        json!({ "status": 200, "error": { "message": "boom" } }),
    ] {
        assert_eq!(only(&body).0.status_code, 2, "{body}");
    }
    assert_eq!(only(&json!({ "error": { "message": "boom" } })).0.status_message, "boom");
    for time in [
        json!(1_700_000_000),
        json!(1_700_000_000_000_u64),
        json!(1_700_000_000_000_000_u64),
        json!(NOW),
        json!(NOW.to_string()),
        json!("2023-11-14T22:13:20Z"),
        json!("2023-11-14T23:13:20.000+01:00"),
    ] {
        assert_eq!(only(&json!({ "start_time": time })).0.start_ns, NOW, "{time}");
    }
}

#[test]
fn what_is_no_span_is_refused_with_a_reason() {
    for (body, word) in [
        ("{", "not the JSON"),
        ("1", "neither"),
        ("[1]", "not an object"),
        (r#"{"spans":1}"#, "not a list"),
        ("[{}", "too early"),
        ("{}}", "more after"),
        (r#"{"id":tru}"#, "no value"),
        (r#"{"a":nil}"#, "no value"),
    ] {
        let error = read_all(body, usize::MAX).unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains("exporter"), "{body} {error}");
    }
}

#[test]
fn a_time_that_cannot_be_read_is_named() {
    for (body, words) in [
        (json!({ "start_time": "yesterday" }), ["start_time", "\"yesterday\""]),
        (json!([{}, { "end_time": { "seconds": 1 } }]), ["span 2: end_time", "an object"]),
        (json!({ "timestamp": true }), ["timestamp", "true"]),
        (json!({ "duration_ms": "long" }), ["duration_ms", "\"long\""]),
        (json!({ "duration_ms": -1 }), ["duration_ms", "-1"]),
    ] {
        let error = read_all(&body.to_string(), usize::MAX).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{body} {error}");
    }
    for nothing in [json!(null), json!(""), json!(0)] {
        assert_eq!(only(&json!({ "start_time": nothing })).0.start_ns, NOW, "{nothing} says nothing");
    }
}

#[test]
fn what_comes_of_a_body_is_bounded_while_it_is_made() {
    let many = |one: &str| format!("[{}{one}]", format!("{one},").repeat(20_000));
    let bodies = [
        many(r#"{"":{}}"#),
        many("{}"),
        format!(r#"{{"attributes":{{"a":{}}}}}"#, many("0")),
        format!(r#"{{"a":{}}}"#, many("[]")),
        format!(r#"{{{}"b":0}}"#, r#""":0,"#.repeat(20_000)),
        format!(r#"{{"input":"{}"}}"#, "x".repeat(200_000)),
        format!(r#"{{"id":["{}"]}}"#, "\u{1}".repeat(30_000)),
    ];
    for body in bodies {
        let error = read_all(&body, 100_000).unwrap_err();
        assert_eq!(error, Unreadable::TooLarge(100_000), "{body:.40}");
        assert!(read_all(&body, 1 << 30).unwrap().size > 100_000, "{body:.40}");
    }
    let deep = format!(r#"{{"input":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for body in [deep.replace("input", "any"), deep] {
        assert!(read_all(&body, 1 << 30).unwrap_err().to_string().contains("64 levels"));
    }
}

#[test]
fn what_stands_in_a_text_is_kept_to_the_digit() {
    let body = r#"{"id": 18446744073709551615, "input": [ {"b": 1.50, "a" :"\ud83d\""}, NaN, true, null ],
        "metadata": {"m": 1}, "attributes": {"model": "x"}, "error": {"code": 7, "why": "so"}}"#;
    let Own { export: Export::Traces(mut groups), answer, .. } = read_all(body, usize::MAX).unwrap() else {
        panic!("spans")
    };
    assert_eq!(answer, r#"{"id":"18446744073709551615","trace_id":"18446744073709551615"}"#);
    let span = groups.remove(0).1.remove(0);
    let input = "[{\"b\":1.50,\"a\":\"\u{fffd}\\\"\"},null,true,null]";
    assert_eq!(span.attributes.text("input.value"), Some(input));
    assert_eq!((span.attributes.int("m"), span.attributes.text("model")), (Some(1), Some("x")));
    assert_eq!(span.status_message, r#"{"code":7,"why":"so"}"#);
}
