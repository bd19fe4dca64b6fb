//! Two tellings: the rules as a table.

use super::*;

#[test]
fn ids_tie_whatever_else_differs() {
    let (ours, theirs) = (proxy().request("req_1"), event().request("req_1"));
    assert_eq!(rule(&ours, &theirs), Some(Rule::RequestId));
    let skewed = event().request("req_1").later(3_600 * SECOND).tokens(7, 7).of("other");
    assert_eq!(rule(&ours, &skewed), Some(Rule::RequestId), "clocks and counts may differ");
    let client = |telling: Telling| telling.with(|call| call.client_request_id = Some("c1".into()));
    assert_eq!(rule(&client(proxy()), &client(event())), Some(Rule::ClientRequestId));
    let answered = |telling: Telling| telling.answer("msg_01ABCDEFGHIJKLMN");
    assert_eq!(rule(&answered(proxy()), &answered(span()).tokens(5, 5)), Some(Rule::ResponseId));
}

#[test]
fn ids_that_contradict_part_whatever_else_agrees() {
    let session = |telling: Telling| telling.of("s");
    let (one, two) = (session(proxy()).request("req_1"), session(event()).request("req_2"));
    assert_eq!(rule(&one, &two), None);
    let answered = |telling: Telling| telling.answer("msg_01ABCDEFGHIJKLMN");
    assert_eq!(rule(&answered(one), &answered(two)), None, "not even the same answer");
    let (one, two) =
        (session(proxy()).answer("msg_01ABCDEFGHIJKLMN"), session(span()).answer("msg_01ZYXWVUTSRQPONM"));
    assert_eq!(rule(&one, &two), None, "other answers are no reason to look at tokens");
    assert_eq!(rule(&proxy().request("r"), &proxy().request("r")), None, "the proxy sees each call once");
}

#[test]
fn short_answer_ids_say_nothing() {
    let short = |telling: Telling| telling.answer("chatcmpl-423");
    assert_eq!(rule(&short(proxy()), &short(span()).tokens(5, 5)), None);
    let constant = |telling: Telling| telling.answer("an-id-that-is-always-the-same");
    let late = constant(span()).later(3_600 * SECOND);
    assert_eq!(rule(&constant(proxy()), &late.tokens(5, 5)), None, "nor does one an hour later");
    let soon = constant(span()).later(60 * SECOND);
    assert_eq!(
        rule(&constant(proxy()), &soon.tokens(5, 5)),
        None,
        "nor one that counts otherwise, a minute later"
    );
    let now = constant(span()).tokens(5, 5);
    assert_eq!(
        rule(&constant(proxy()), &now),
        Some(Rule::ResponseId),
        "at one time it is the same, whatever it counts"
    );
}

#[test]
fn a_call_made_within_a_span_is_that_span() {
    let call = proxy().within(&[3, 2, 1]).tokens(1, 1).later(60 * SECOND);
    for above in [3, 2, 1] {
        assert_eq!(rule(&call, &span().at(above, 0)), Some(Rule::TraceContext), "{above}");
    }
    assert_eq!(rule(&proxy().within(&[3]), &span().at(4, 3).tokens(9, 9)), None, "a sibling is not");
    let told = event().at(3, 0).tokens(5, 5);
    assert_eq!(rule(&told, &span().at(3, 1)), Some(Rule::TraceContext), "an event stands in its span");
}

#[test]
fn two_instrumentations_of_one_call_are_one() {
    let outer = span().at(1, 0);
    let inner = span().at(2, 1).with(|call| {
        (call.start_ns, call.end_ns) = (call.start_ns + SECOND / 2, call.end_ns - SECOND / 2);
    });
    assert_eq!(rule(&outer, &inner), Some(Rule::TraceContext));
    assert_eq!(rule(&outer, &inner.clone().tokens(3, 3)), None, "it says something else");
    assert_eq!(rule(&outer, &inner.clone().later(5 * SECOND)), None, "it is not within the time");
    let other = inner.with(|call| call.model = Some("gpt-4o".into()));
    assert_eq!(rule(&outer, &other), None, "it is another model");
}

#[test]
fn session_model_tokens_and_time_together_tie() {
    let (call, told) = (proxy().of("s"), event().of("s"));
    let rule_with = |change: fn(Telling) -> Telling| rule(&call, &change(told.clone()));
    assert_eq!(rule_with(|told| told), Some(Rule::SessionTokensTime));
    assert_eq!(rule_with(|told| told.later(4 * SECOND)), Some(Rule::SessionTokensTime));
    assert_eq!(rule_with(|told| told.later(6 * SECOND)), None);
    assert_eq!(rule_with(|told| told.tokens(1_000, 201)), None);
    assert_eq!(rule_with(|told| told.of("t")), None);
    let aliased =
        |told: Telling| told.with(|call| call.model = Some("anthropic/claude-sonnet-4.5[1m]".into()));
    assert_eq!(rule_with(aliased), Some(Rule::SessionTokensTime));
    let dated = |told: Telling| {
        told.with(|call| {
            call.requested_model = Some("claude-sonnet-4-5-20250929".into());
            call.model = None;
        })
    };
    assert_eq!(rule_with(dated), Some(Rule::SessionTokensTime));
    assert_eq!(rule_with(|told| told.with(|call| call.model = Some("claude-opus-4-5".into()))), None);
    let input_only = |told: Telling| told.with(|call| call.usage.output = None);
    assert_eq!(rule_with(input_only), Some(Rule::SessionTokensTime), "what only one knows is no difference");
    let silent = |told: Telling| told.with(|call| call.usage = Usage::default());
    assert_eq!(rule_with(silent), Some(Rule::Time), "without tokens only time tells");
    assert_eq!(rule_with(|told| silent_at(told, 3)), None);
    let conversation = |mut told: Telling| {
        told.told.whose.conversation = told.told.whose.session.replace("outer".into());
        told
    };
    assert_eq!(rule_with(conversation), Some(Rule::SessionTokensTime), "the conversation may be the session");
}

fn silent_at(told: Telling, second: u64) -> Telling {
    told.later(second * SECOND).with(|call| call.usage = Usage::default())
}

#[test]
fn what_says_no_tokens_is_the_call_of_its_model_at_its_time() {
    let embedding = |telling: Telling| telling.with(|call| call.usage.output = None);
    assert_eq!(rule(&embedding(proxy()), &embedding(span())), Some(Rule::Time));
    assert_eq!(rule(&proxy(), &silent_at(span(), 0)), Some(Rule::Time));
    assert_eq!(rule(&proxy(), &silent_at(span(), 1)), None, "neither lies within the other");
    assert_eq!(rule(&proxy(), &silent_at(span(), 0).by("codex")), Some(Rule::Time));
    assert_eq!(rule(&proxy().by("gemini-cli"), &silent_at(span(), 0).by("codex")), None);
    assert_eq!(rule(&proxy().of("s"), &silent_at(span(), 0).of("t")), None);
    assert_eq!(rule(&proxy(), &span().tokens(1_000, 7)), None, "both know, and differ");
    let other = silent_at(span(), 0).with(|call| call.model = Some("gpt-4o".into()));
    assert_eq!(rule(&proxy(), &other), None);
    let failed = silent_at(span(), 0).with(|call| call.error = Some("overloaded".into()));
    assert_eq!(rule(&proxy(), &failed), None, "one failed, the other did not");
}

#[test]
fn an_sdk_and_the_program_that_uses_it_are_no_contradiction() {
    assert_eq!(rule(&proxy().by("openai-python"), &span().by("my-app")), Some(Rule::TokensTime));
}

#[test]
fn caches_count_as_input_whoever_says_so() {
    let fresh = proxy().of("s").with(|call| {
        (call.usage.input, call.usage.cache_read, call.usage.cache_write_5m) =
            (Some(10), Some(900), Some(90));
    });
    assert_eq!(rule(&fresh, &event().of("s")), Some(Rule::SessionTokensTime));
}

#[test]
fn calls_that_failed_alike_are_one() {
    let failed = |telling: Telling| {
        telling.of("s").with(|call| {
            (call.usage, call.error, call.status) = (Usage::default(), Some("overloaded".into()), Some(529));
        })
    };
    assert_eq!(rule(&failed(proxy()), &failed(event())), Some(Rule::SessionTokensTime));
    let succeeded = event().of("s").with(|call| call.usage = Usage::default());
    assert_eq!(rule(&failed(proxy()), &succeeded), None);
}

#[test]
fn without_a_session_it_takes_the_same_tokens_tool_and_moment() {
    assert_eq!(rule(&proxy(), &span()), Some(Rule::TokensTime));
    assert_eq!(rule(&proxy().of("s"), &span()), Some(Rule::TokensTime), "one side knows none");
    assert_eq!(rule(&proxy(), &span().later(3 * SECOND)), None);
    assert_eq!(rule(&proxy(), &span().tokens(0, 200)), None);
    assert_eq!(rule(&proxy().by("codex"), &span().by("codex")), Some(Rule::TokensTime));
    assert_eq!(rule(&proxy().by("codex"), &span().by("aider")), None);
    assert_eq!(rule(&proxy().tokens(0, 0), &span().tokens(0, 0)), None, "nothing is no likeness");
}
