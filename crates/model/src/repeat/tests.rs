//! Sessions that go in circles, and sessions that only look like it.

use api::{LoopKind, Message, Part, Role};

use super::*;

fn message(role: Role, part: Part) -> Message {
    Message { role, parts: vec![part], cache_marker: false }
}

fn text(role: Role, text: &str) -> Message {
    message(role, Part::Text { text: text.into() })
}

fn tool(arguments: &str) -> Message {
    let (id, name) = (Some("toolu_1".to_owned()), "bash".to_owned());
    message(Role::Assistant, Part::ToolCall { id, name, arguments: arguments.into() })
}

/// A turn in which `result` came back from the last tool and the model asks for `arguments`.
fn turn(result: &str, arguments: &str) -> Step {
    let result = Part::ToolResult { id: None, text: result.into(), error: false };
    let messages = vec![
        text(Role::System, "Be brief."),
        text(Role::User, "Mend it."),
        tool("{\"command\":\"make\"}"),
        message(Role::User, result),
    ];
    step(&Spoken { messages, tools: Vec::new(), answer: vec![tool(arguments)] }).unwrap()
}

fn found(steps: &[Step]) -> Option<(LoopKind, usize)> {
    repeats(steps, 5).map(|found| (found.kind, found.times))
}

#[test]
fn the_same_result_and_the_same_call_five_times_is_a_loop() {
    let same = || turn("error: no such file", r#"{"command": "make"}"#);
    let four: Vec<Step> = (0..4).map(|_| same()).collect();
    assert_eq!(found(&four), None);
    let five: Vec<Step> = [vec![turn("ok", "{}")], four, vec![same()]].concat();
    let repeat = repeats(&five, 5).unwrap();
    assert_eq!((repeat.kind, repeat.times, repeat.steps), (LoopKind::Same, 5, 5));
    assert_eq!(five[5].tool, Some(("bash".to_owned(), r#"{"command": "make"}"#.to_owned())));
    let broken = [five, vec![turn("error: no such file", "{\"command\":\"ls\"}")]].concat();
    assert_eq!(found(&broken), None, "something else was done");
}

#[test]
fn how_arguments_are_written_does_not_matter_and_what_they_say_does() {
    let spaced: Vec<Step> = [r#"{"a":1,"b":2}"#, r#"{ "b": 2, "a": 1 }"#]
        .iter()
        .cycle()
        .take(5)
        .map(|arguments| turn("e", arguments))
        .collect();
    assert_eq!(found(&spaced), Some((LoopKind::Same, 5)));
    let counting: Vec<Step> = (0..30).map(|page| turn("e", &format!("{{\"page\":{page}}}"))).collect();
    assert_eq!(found(&counting), None);
}

#[test]
fn waiting_for_something_that_changes_is_borne_longer() {
    let waiting = |count: usize| -> Vec<Step> {
        (0..count).map(|second| turn(&format!("{second} s"), r#"{"command":"status"}"#)).collect()
    };
    assert_eq!(found(&waiting(14)), None);
    assert_eq!(found(&waiting(15)), Some((LoopKind::SameToolCall, 15)));
}

#[test]
fn a_circle_of_two_and_of_four_is_found() {
    for length in [2, 4] {
        let circle: Vec<Step> = (0..length * 5)
            .map(|at| turn(&format!("r{}", at % length), &format!("[{}]", at % length)))
            .collect();
        assert_eq!(found(&circle[1..]), None, "not five times yet");
        assert_eq!(found(&circle), Some((LoopKind::Circle, 5)));
    }
}

#[test]
fn the_same_question_again_and_again_is_a_loop_without_tools() {
    let ask = |question: &str, answer: &str| {
        let spoken = Spoken {
            messages: vec![text(Role::User, question)],
            tools: Vec::new(),
            answer: vec![text(Role::Assistant, answer)],
        };
        step(&spoken).unwrap()
    };
    let same: Vec<Step> = (0..5).map(|_| ask("Classify: a", "spam")).collect();
    assert_eq!(found(&same), Some((LoopKind::Same, 5)));
    let many: Vec<Step> = (0..50).map(|n| ask(&format!("Classify: {n}"), "spam")).collect();
    assert_eq!(found(&many), None, "other questions with the same answer");
}

#[test]
fn a_call_without_an_answer_or_without_a_question_is_no_step() {
    let question = vec![text(Role::User, "Hi")];
    assert_eq!(step(&Spoken { messages: question, tools: Vec::new(), answer: Vec::new() }), None);
    let answer = vec![text(Role::Assistant, "Hi")];
    assert_eq!(step(&Spoken { messages: Vec::new(), tools: Vec::new(), answer }), None);
}

#[test]
fn no_more_is_remembered_than_is_looked_at() {
    assert_eq!(looked_at(5), 21);
    assert!(looked_at(0) >= 8 && looked_at(usize::MAX) == usize::MAX);
    let many: Vec<Step> = (0..looked_at(5)).map(|_| turn("e", "{}")).collect();
    assert_eq!(found(&many), Some((LoopKind::Same, 21)));
}
