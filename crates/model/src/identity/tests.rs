use proptest::prelude::*;

use super::*;

fn read(headers: &[(&str, &str)], path: &str, body: &str) -> Said {
    let header =
        |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    said(&header, path, body.as_bytes())
}

fn of(headers: &[(&str, &str)], body: &str) -> Option<String> {
    read(headers, "/v1/chat/completions", body).session
}

fn agent(headers: &[(&str, &str)]) -> Option<(String, Option<String>, Option<String>)> {
    read(headers, "/v1/messages", "{}").agent.map(|agent| (agent.id, agent.parent, agent.name))
}

/// Every place a session can stand in, in the contract's order; the id says which.
const ORDER: [&str; 18] = [
    "x-llmflow-session",
    "x-claude-code-session-id",
    "metadata.user_id",
    "session-id",
    "session_id",
    "x-session-id",
    "x-opencode-session",
    "x-session-affinity",
    "helicone-session-id",
    "conversation-id",
    "conversation_id",
    "thread-id",
    "thread_id",
    "prompt_cache_key",
    "/v1/threads/",
    "conversation",
    "body.conversation_id",
    "metadata.session_id",
];

#[test]
fn the_order_is_the_contracts() {
    for first in 0..ORDER.len() {
        let present = &ORDER[first..];
        let has = |place: &str| present.contains(&place);
        let headers: Vec<(&str, &str)> = present
            .iter()
            .filter(|place| ORDER[..13].contains(place) && **place != "metadata.user_id")
            .map(|place| (*place, *place))
            .collect();
        let mut metadata = serde_json::Map::new();
        let mut body = serde_json::Map::new();
        if has("metadata.user_id") {
            metadata.insert("user_id".into(), "user_x_account_y_session_metadata.user_id".into());
        }
        if has("metadata.session_id") {
            metadata.insert("session_id".into(), "metadata.session_id".into());
        }
        for place in ["prompt_cache_key", "conversation"].into_iter().filter(|place| has(place)) {
            body.insert(place.to_owned(), place.into());
        }
        if has("body.conversation_id") {
            body.insert("conversation_id".into(), "body.conversation_id".into());
        }
        body.insert("metadata".into(), metadata.into());
        let path = if has("/v1/threads/") { "/v1/threads/thread_1/runs" } else { "/v1/threads/runs" };
        let expected = if ORDER[first] == "/v1/threads/" { "thread_1" } else { ORDER[first] };
        let found = read(&headers, path, &serde_json::Value::from(body).to_string()).session;
        assert_eq!(found.as_deref(), Some(expected), "{headers:?}");
    }
}

#[test]
fn both_forms_of_claude_code_s_user_are_read() {
    let said = read(
        &[],
        "/v1/messages",
        r#"{"metadata":{"user_id":"{\"device_id\":\"d\",\"account_uuid\":\"a-1\",\"session_id\":\"11-22\"}"}}"#,
    );
    assert_eq!((said.session.as_deref(), said.account.as_deref()), (Some("11-22"), Some("a-1")));
    let body = r#"{"metadata":{"user_id":"{\"account_uuid\":\"\",\"session_id\":\"11-22\"}"}}"#;
    assert_eq!(read(&[], "/", body).account, None, "with a key there is no account");
    let body = r#"{"metadata":{"user_id":"user_a_session_b_account__session_33-44"}}"#;
    assert_eq!(of(&[], body).as_deref(), Some("33-44"), "what follows the last marker");
    assert_eq!(of(&[], r#"{"conversation":{"id":"f"}}"#).as_deref(), Some("f"));
}

#[test]
fn what_is_no_session_is_skipped() {
    let said = read(
        &[("x-client-request-id", "r"), ("x-request-id", "q")],
        "/v1/responses",
        r#"{"user":"u","safety_identifier":"s","previous_response_id":"resp_p","metadata":{"user_id":"person"}}"#,
    );
    assert_eq!(said, Said { response: Some("resp_p".into()), ..Said::default() });
    assert_eq!(of(&[("x-llmflow-session", "a b"), ("session-id", "ok")], "").as_deref(), Some("ok"));
    assert_eq!(of(&[("session-id", &"x".repeat(256))], "not json"), None);
    for odd in ["", "../../etc", "a/b", "a\u{0}b", "'; DROP TABLE call; --", "ünïcode", "<b>", "a\r\nb"] {
        assert_eq!(of(&[("session-id", odd)], "{}"), None, "{odd:?}");
    }
    for odd in [r#"{"prompt_cache_key":7}"#, r#"{"conversation":["a"]}"#, r#"{"metadata":"session_id"}"#] {
        assert_eq!(of(&[], odd), None, "{odd}");
    }
}

#[test]
fn an_answer_s_id_in_the_path_is_the_call_it_belongs_to() {
    assert_eq!(read(&[], "/v1/responses/resp_9/cancel", "").response.as_deref(), Some("resp_9"));
    assert_eq!(read(&[], "/v1/responses/compact", "").response, None);
    assert_eq!(read(&[], "/v1/responses", "").response, None);
}

#[test]
fn claude_code_names_its_agents() {
    let session = ("x-claude-code-session-id", "s");
    assert_eq!(agent(&[session]), None);
    let sub = [session, ("x-claude-code-agent-id", "a1"), ("x-claude-code-agent-type", "Explore")];
    assert_eq!(agent(&sub), Some(("a1".into(), None, Some("Explore".into()))));
    let nested = [session, ("x-claude-code-agent-id", "a2"), ("x-claude-code-parent-agent-id", "a1")];
    assert_eq!(agent(&nested), Some(("a2".into(), Some("a1".into()), None)));
    assert_eq!(agent(&[session, ("x-claude-code-request-class", "main")]), None);
    let aside = agent(&[session, ("x-claude-code-request-class", "auxiliary")]);
    assert_eq!(aside, Some(("auxiliary".into(), None, Some("auxiliary".into()))));
}

#[test]
fn codex_names_threads_and_their_kind() {
    let main = [("session-id", "s"), ("thread-id", "s")];
    assert_eq!((agent(&main), of(&main, "{}").as_deref()), (None, Some("s")));
    let child = [
        ("session-id", "s"),
        ("thread-id", "t"),
        ("x-codex-parent-thread-id", "s"),
        ("x-openai-subagent", "collab_spawn"),
    ];
    assert_eq!(agent(&child), Some(("t".into(), None, Some("collab_spawn".into()))));
    let grandchild = [("session-id", "s"), ("thread-id", "u"), ("x-codex-parent-thread-id", "t")];
    assert_eq!(agent(&grandchild), Some(("u".into(), Some("t".into()), None)));
    assert_eq!(agent(&[("session_id", "s"), ("x-openai-subagent", "review")]).unwrap().0, "review");
}

#[test]
fn opencode_s_child_session_is_an_agent_of_its_parent() {
    let child = [("x-opencode-session", "ses_b"), ("x-parent-session-id", "ses_a")];
    assert_eq!(agent(&child), Some(("ses_b".into(), None, None)));
    assert_eq!(of(&child, "{}").as_deref(), Some("ses_a"));
    let overruled = [child[0], child[1], ("x-llmflow-session", "mine")];
    assert_eq!(of(&overruled, "{}").as_deref(), Some("mine"));
}

proptest! {
    #[test]
    fn whatever_a_client_sends_an_id_is_short_and_plain(value in ".{0,300}", body: Vec<u8>, path in ".{0,40}") {
        let header = |_: &str| Some(value.clone());
        let said = said(&header, &path, &body);
        for id in [said.session, said.account, said.response, said.agent.map(|agent| agent.id)].into_iter().flatten() {
            prop_assert!((1..=255).contains(&id.len()));
            prop_assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte)));
        }
    }
}
