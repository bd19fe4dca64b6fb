use api::{Message, Part, Role};
use proptest::prelude::*;

use super::*;
use crate::dialect::{ByHeaders, Dialect, Exchange, read_with_spoken};

fn scope() -> Scope {
    Scope::new("anthropic", "[key:1]", Some("tool"))
}

fn message(role: Role, text: &str) -> Message {
    Message { role, parts: vec![Part::Text { text: text.to_owned() }], cache_marker: false }
}

fn spoken(messages: &[(Role, &str)], answer: &str) -> Spoken {
    Spoken {
        messages: messages.iter().map(|(role, text)| message(*role, text)).collect(),
        tools: Vec::new(),
        answer: vec![message(Role::Assistant, answer)],
    }
}

fn of(messages: &[(Role, &str)], answer: &str) -> Chain {
    chain(&scope(), &spoken(messages, answer)).unwrap()
}

fn read(dialect: Dialect, request: &str, response: &str) -> Chain {
    let exchange = Exchange {
        dialect,
        provider: "any",
        path: "/",
        request: request.as_bytes(),
        response: response.as_bytes(),
        status: Some(200),
        content_type: Some("application/json"),
        by_headers: ByHeaders::default(),
    };
    chain(&scope(), &read_with_spoken(&exchange).1).unwrap()
}

#[track_caller]
fn goes_on(later: &Chain, earlier: &Chain) {
    let expected = Earlier { end: earlier.end, answer: earlier.answer.unwrap() };
    assert_eq!(later.earlier.first(), Some(&expected));
}

use Role::{Assistant as A, System as S, Tool as T, User as U};

#[test]
fn the_next_turn_names_the_call_before_it() {
    let first = of(&[(S, "Be brief. It is Monday."), (U, "hi")], "Hello!");
    let second =
        of(&[(S, "Be brief. It is Tuesday."), (U, "hi"), (A, " Hello!\n"), (U, "more")], "And more.");
    let third = of(&[(U, "hi"), (A, "Hello!"), (U, "more"), (A, "And more."), (U, "last")], "End.");
    goes_on(&second, &first);
    goes_on(&third, &second);
    assert_eq!(third.earlier.len(), 2);
    assert_eq!(third.earlier[1].end, first.end);
    assert!(first.earlier.is_empty());
}

#[test]
fn another_answer_or_another_beginning_is_another_conversation() {
    let first = of(&[(U, "hi")], "Hello!");
    let other_answer = of(&[(U, "hi"), (A, "Good day."), (U, "more")], "");
    let other_beginning = of(&[(U, "hi there"), (A, "Hello!"), (U, "more")], "");
    assert_eq!(other_answer.earlier[0].end, first.end);
    assert_ne!(Some(other_answer.earlier[0].answer), first.answer);
    assert_ne!(other_beginning.earlier[0].end, first.end);
    assert_eq!(other_answer.answer, None, "it said nothing");
}

#[test]
fn scopes_share_nothing() {
    let said = spoken(&[(U, "a prompt that is long enough")], "Hello!");
    let one = chain(&Scope::new("openai", "a", None), &said).unwrap();
    for other in [
        Scope::new("anthropic", "a", None),
        Scope::new("openai", "b", None),
        Scope::new("openai", "a", Some("tool")),
        Scope::new("openaia", "", None),
    ] {
        let other = chain(&other, &said).unwrap();
        assert!(one.end != other.end && one.answer != other.answer && one.root != other.root);
        assert_ne!(one.prompts, other.prompts);
    }
}

#[test]
fn how_a_turn_is_cut_into_messages_does_not_matter() {
    let whole = of(&[(U, "one\ntwo"), (A, "three four"), (T, "five")], "");
    let pieces = of(&[(U, "one"), (U, "two"), (A, "three "), (A, ""), (A, "four"), (U, ""), (T, "five")], "");
    assert_eq!(whole, pieces);
}

#[test]
fn no_words_of_the_user_is_no_conversation() {
    for messages in [&[][..], &[(S, "system")], &[(U, " \n")], &[(A, "prefill")]] {
        assert_eq!(chain(&scope(), &spoken(messages, "Hello!")), None, "{messages:?}");
    }
}

#[test]
fn a_begun_answer_and_its_end_are_one_answer() {
    let first = of(&[(U, "List three."), (A, "1. ")], "one\n2. two");
    let second = of(&[(U, "List three."), (A, "1. one\n2. two"), (U, "go on")], "");
    goes_on(&second, &first);
}

#[test]
fn a_tool_s_call_comes_back_in_other_words_of_json() {
    let first = read(
        Dialect::OpenaiChat,
        r#"{"messages":[{"role":"user","content":"weather?"}]}"#,
        r#"{"choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get","arguments":"{\"city\":\"Köln\",\"days\":[1,{\"b\":2,\"a\":1}]}"}}]}}]}"#,
    );
    let second = read(
        Dialect::OpenaiChat,
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"weather?"}]},{"role":"assistant","content":"","tool_calls":[{"id":"other","type":"function","function":{"name":"get","arguments":"{ \"days\": [1, {\"a\": 1, \"b\": 2}], \"city\": \"K\u00f6ln\"}"}}]},{"role":"tool","tool_call_id":"other","content":"rain"}]}"#,
        "{}",
    );
    goes_on(&second, &first);
}

#[test]
fn claude_code_s_markers_reminders_thoughts_and_billing_are_left_out() {
    let first = read(
        Dialect::Anthropic,
        r#"{"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=1.a"},{"type":"text","text":"You code."}],"messages":[{"role":"user","content":[{"type":"text","text":"<system-reminder>It is Monday.</system-reminder>"},{"type":"text","text":"fix it","cache_control":{"type":"ephemeral"}}]}]}"#,
        r#"{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"Let me look."},{"type":"tool_use","id":"t1","name":"Read","input":{"path":"a"}}],"stop_reason":"tool_use"}"#,
    );
    let second = read(
        Dialect::Anthropic,
        r#"{"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.b"},{"type":"text","text":"You code."}],"messages":[{"role":"user","content":"fix it"},{"role":"assistant","content":[{"type":"text","text":"Let me look."},{"type":"tool_use","id":"t1","name":"Read","input":{"path":"a"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"text <system-reminder>x</system-reminder>"},{"type":"text","text":"go","cache_control":{"type":"ephemeral"}}]}]}"#,
        "{}",
    );
    goes_on(&second, &first);
    assert_eq!(first.root, second.root);
}

#[test]
fn responses_and_gemini_are_read_alike() {
    let first = read(
        Dialect::OpenaiResponses,
        r#"{"instructions":"x","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}]}"#,
        r#"{"id":"resp_1","status":"completed","output":[{"type":"reasoning","summary":[]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello!"}]},{"type":"function_call","call_id":"c","name":"shell","arguments":"{\"cmd\":\"ls\"}"}]}"#,
    );
    let second = read(
        Dialect::OpenaiResponses,
        r#"{"input":[{"role":"user","content":"hi"},{"type":"reasoning","summary":[],"encrypted_content":"zz"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello!"}]},{"type":"function_call","call_id":"c","name":"shell","arguments":"{\"cmd\": \"ls\"}"},{"type":"function_call_output","call_id":"c","output":"a.txt"}]}"#,
        "{}",
    );
    goes_on(&second, &first);
    let first = read(
        Dialect::Gemini,
        r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#,
        r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"thought","thought":true},{"functionCall":{"name":"ls","args":{"a":1}}}]},"finishReason":"STOP"}]}"#,
    );
    let second = read(
        Dialect::Gemini,
        r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"id":"new","name":"ls","args":{"a":1}}}]},{"role":"user","parts":[{"functionResponse":{"name":"ls","response":{"output":"x"}}}]}]}"#,
        "{}",
    );
    goes_on(&second, &first);
}

#[test]
fn a_subagent_hears_what_a_tool_call_said() {
    let parent = read(
        Dialect::Anthropic,
        r#"{"messages":[{"role":"user","content":"do it"}],"tools":[{"name":"Task"}]}"#,
        r#"{"role":"assistant","type":"message","content":[{"type":"tool_use","id":"t","name":"Task","input":{"description":"short","prompt":"Find every caller of retry and say where.","subagent_type":"Explore"}}],"stop_reason":"tool_use"}"#,
    );
    let child = read(
        Dialect::Anthropic,
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"<system-reminder>x</system-reminder>"},{"type":"text","text":"Find every caller of retry and say where."}]}]}"#,
        "{}",
    );
    assert_eq!(parent.tasks.len(), 1, "short words are said everywhere");
    assert_eq!(child.prompts, parent.tasks);
    assert!(parent.has_tools && !child.has_tools);
    assert_ne!(parent.root, child.root);
}

#[test]
fn a_long_conversation_asks_for_no_more_calls_than_it_may() {
    let turns: Vec<String> = (0..5_000).map(|n| format!("turn {n}")).collect();
    let messages: Vec<(Role, &str)> =
        turns.iter().enumerate().map(|(n, text)| (if n % 2 == 0 { U } else { A }, text.as_str())).collect();
    let long = of(&messages[..4_999], "");
    assert_eq!(long.earlier.len(), MOST_EARLIER);
    let before = of(&messages[..4_997], &turns[4_997]);
    goes_on(&long, &before);
}

proptest! {
    #[test]
    fn any_conversation_goes_on_from_each_of_its_turns(texts in prop::collection::vec("[a-z]{1,8}", 3..24)) {
        let role = |n: usize| if n.is_multiple_of(2) { U } else { A };
        let messages: Vec<(Role, &str)> = texts.iter().enumerate().map(|(n, text)| (role(n), text.as_str())).collect();
        let asked = (messages.len() - 1) / 2 * 2;
        let last = of(&messages[..=asked], "end");
        for (turn, earlier) in last.earlier.iter().rev().enumerate() {
            let call = of(&messages[..=turn * 2], messages[turn * 2 + 1].1);
            prop_assert_eq!(*earlier, Earlier { end: call.end, answer: call.answer.unwrap() });
        }
        prop_assert_eq!(last.earlier.len(), asked / 2);
    }

    #[test]
    fn whatever_is_sent_has_a_chain_or_none(request: Vec<u8>, response: Vec<u8>) {
        for dialect in [Dialect::OpenaiChat, Dialect::Anthropic, Dialect::OpenaiResponses, Dialect::Gemini] {
            let exchange = Exchange {
                dialect, provider: "any", path: "/", request: &request, response: &response, status: None,
                content_type: None,
                by_headers: ByHeaders::default(),
            };
            let found = chain(&scope(), &read_with_spoken(&exchange).1);
            prop_assert!(found.is_none_or(|chain| chain.earlier.len() <= MOST_EARLIER));
        }
    }
}
