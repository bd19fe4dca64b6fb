//! Sessions from outside: what clients say, what their conversations tell, and what the API makes of it.

use api::{CallSummary, Reply, Request, SessionDetail, SessionFilter, SessionRef, SessionSource, Tie};
use serde_json::{Value, json};
use tests::{App, Dialect, Fault, Mock, Plan, send};

use crate::requests::{model, path, request};

/// A conversation as its client keeps it.
struct Talk {
    dialect: Dialect,
    stream: bool,
    headers: &'static str,
    messages: Vec<Value>,
}

impl Talk {
    fn new(dialect: Dialect, stream: bool, headers: &'static str) -> Self {
        Self { dialect, stream, headers, messages: Vec::new() }
    }

    /// Says `words`, hears `answer`, and keeps both as the dialect's clients do.
    async fn say(&mut self, mock: &Mock, app: &App, words: &str, answer: &str) {
        mock.follow(Plan { text: answer.into(), thinking: String::new(), ..Plan::default() });
        self.messages.push(match self.dialect {
            Dialect::Chat | Dialect::Ollama | Dialect::Cohere => json!({"role": "user", "content": words}),
            Dialect::Responses => json!({"role": "user", "content": [{"type": "input_text", "text": words}]}),
            Dialect::Anthropic | Dialect::Invoke => {
                json!({"role": "user", "content": [{"type": "text", "text": words}]})
            }
            Dialect::Converse => json!({"role": "user", "content": [{"text": words}]}),
            Dialect::Gemini => json!({"role": "user", "parts": [{"text": words}]}),
        });
        let response = send(app.proxy, &self.request()).await;
        assert_eq!(response.status(), 200, "{}", response.text());
        self.messages.push(match self.dialect {
            Dialect::Converse => json!({"role": "assistant", "content": [{"text": answer}]}),
            Dialect::Chat | Dialect::Anthropic | Dialect::Ollama | Dialect::Invoke => {
                json!({"role": "assistant", "content": answer})
            }
            Dialect::Cohere => json!({"role": "assistant", "content": [{"type": "text", "text": answer}]}),
            Dialect::Responses => json!({
                "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": answer}],
            }),
            Dialect::Gemini => json!({"role": "model", "parts": [{"text": answer}]}),
        });
    }

    /// Markers and dates change from turn to turn.
    fn request(&self) -> Vec<u8> {
        let turn = self.messages.len();
        let system = format!("Be brief. This is turn {turn}.");
        let mut body = match self.dialect {
            Dialect::Chat | Dialect::Ollama | Dialect::Cohere => {
                let mut messages = vec![json!({"role": "system", "content": system})];
                messages.extend(self.messages.iter().cloned());
                json!({"model": model(self.dialect).0, "messages": messages})
            }
            Dialect::Responses => {
                json!({"model": "gpt-5", "instructions": system, "input": self.messages, "store": false})
            }
            Dialect::Anthropic => {
                let mut messages = self.messages.clone();
                if let Some(last) = messages.last_mut() {
                    last["content"][0]["cache_control"] = json!({"type": "ephemeral"});
                }
                json!({
                    "model": "claude-sonnet-4-5", "max_tokens": 9, "system": system, "messages": messages,
                    "tools": [{"name": "Task", "input_schema": {"type": "object"}}],
                })
            }
            Dialect::Invoke => json!({
                "anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "system": system,
                "messages": self.messages,
            }),
            Dialect::Converse => json!({"system": [{"text": system}], "messages": self.messages}),
            Dialect::Gemini => {
                json!({"systemInstruction": {"parts": [{"text": system}]}, "contents": self.messages})
            }
        };
        // Gemini and Bedrock say it in the path, and Ollama streams unless it is told not to.
        let in_path = matches!(self.dialect, Dialect::Gemini | Dialect::Invoke | Dialect::Converse);
        if !in_path && (self.stream || self.dialect == Dialect::Ollama) {
            body["stream"] = json!(self.stream);
        }
        let more = format!("Content-Type: application/json\r\n{}", self.headers);
        request("POST", path(self.dialect, self.stream), &more, body.to_string().as_bytes())
    }
}

async fn session(app: &App, session: SessionRef) -> SessionDetail {
    match app.ask(&Request::GetSession { session }).await {
        Reply::Session(session) => *session,
        other => panic!("{other:?}"),
    }
}

fn place(call: &CallSummary) -> (Option<u64>, Option<SessionSource>, Option<Tie>) {
    (call.lineage.session, call.lineage.source, call.lineage.tie)
}

/// The dialects with and without streams.
const ALL: [(Dialect, bool); 16] = [
    (Dialect::Chat, false),
    (Dialect::Chat, true),
    (Dialect::Responses, false),
    (Dialect::Responses, true),
    (Dialect::Anthropic, false),
    (Dialect::Anthropic, true),
    (Dialect::Gemini, false),
    (Dialect::Gemini, true),
    (Dialect::Ollama, false),
    (Dialect::Ollama, true),
    (Dialect::Cohere, false),
    (Dialect::Cohere, true),
    (Dialect::Invoke, false),
    (Dialect::Invoke, true),
    (Dialect::Converse, false),
    (Dialect::Converse, true),
];

#[tokio::test]
async fn every_dialect_s_conversation_is_found_across_a_restart() {
    let mock = Mock::start().await;
    let mut app = App::start(mock.address()).await;
    let mut talks: Vec<Talk> =
        ALL.into_iter().map(|(dialect, stream)| Talk::new(dialect, stream, "")).collect();
    for turn in 0..4 {
        for (index, talk) in talks.iter_mut().enumerate() {
            // Only the first words differ.
            let words = if turn == 0 { format!("begin {index}") } else { "and then?".to_owned() };
            talk.say(&mock, &app, &words, "Then this happened: nothing.").await;
        }
        app.recorded(ALL.len() * (turn + 1)).await;
        if turn == 1 {
            let finished = app.stop();
            assert!(finished.status.success(), "{}", finished.stderr);
            app = finished.setup.start().await;
        }
    }
    let Reply::Sessions(page) = app
        .ask(&Request::ListSessions { filter: SessionFilter::default(), limit: 50, offset: 0, before: None })
        .await
    else {
        panic!("not sessions")
    };
    assert_eq!((page.total, page.sessions.len()), (ALL.len() as u64, ALL.len()));
    for summary in &page.sessions {
        assert_eq!((summary.calls, summary.forks, summary.agents), (4, 0, 0), "{summary:?}");
        assert!(summary.title.as_deref().unwrap().starts_with("begin "), "{summary:?}");
        assert!(summary.id.starts_with("inferred-"), "{summary:?}");
        let found = session(&app, SessionRef::Key(summary.key)).await;
        for (index, call) in found.calls.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| found.calls.get(before));
            assert_eq!(call.lineage.continues, before.map(|call| call.id));
            assert_eq!(
                place(call),
                (Some(summary.key), Some(SessionSource::Inferred), before.map(|_| Tie::Turn))
            );
        }
    }
}

#[tokio::test]
async fn a_conversation_wound_back_forks_and_rest_tells() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut talk = Talk::new(Dialect::Anthropic, true, "");
    talk.say(&mock, &app, "tell me a story", "Once upon a time.").await;
    app.recorded(1).await;
    let begun = talk.messages.clone();
    talk.say(&mock, &app, "go on", "They lived.").await;
    app.recorded(2).await;
    talk.messages = begun;
    talk.say(&mock, &app, "another one", "There was.").await;
    let calls = app.recorded(3).await;
    assert_eq!(calls[0].lineage.tie, Some(Tie::Fork));
    assert_eq!(calls[0].lineage.continues, Some(calls[2].id));
    let listed = app.get("/api/sessions?limit=1&q=STORY").await;
    assert_eq!(listed.head.header("x-total-count").as_deref(), Some("1"));
    let listed = listed.json();
    let row = &listed["sessions"][0];
    assert_eq!(
        (&row["trace_count"], &row["fork_count"], &row["session_source"]),
        (&json!(3), &json!(1), &json!("inferred"))
    );
    assert_eq!((&row["title"], &listed["total"]), (&json!("tell me a story"), &json!(1)));
    let id = row["session_id"].as_str().unwrap();
    let one = app.get(&format!("/api/sessions/{id}")).await.json();
    assert_eq!(one["traces"].as_array().unwrap().len(), 3);
    assert_eq!((&one["summary"]["spans"], &one["summary"]["errors"]), (&json!(3), &json!(0)));
    let last = &one["calls"][2];
    assert_eq!((&last["fork"], &last["continues"]), (&json!(true), &json!(calls[2].id.to_string())));
    let filtered = app.get(&format!("/api/traces?session_id={id}")).await.json();
    assert_eq!(filtered.as_array().unwrap().len(), 3);
    for (path, status) in [
        ("/api/sessions/nothing", 404),
        ("/api/sessions/%00", 404),
        ("/api/sessions/x?key=99", 404),
        ("/api/sessions/x?key=-1", 400),
        ("/api/sessions?limit=0", 400),
        ("/api/sessions?offset=4294967295", 200),
    ] {
        assert_eq!(app.get(path).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn one_id_under_two_keys_is_two_sessions_and_two_calls_of_one_trace_are_two() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let one = "Authorization: Bearer sk-one-0123456789\r\nX-LLMFlow-Session: work\r\nx-trace-id: t-1\r\n";
    let two = "Authorization: Bearer sk-two-0123456789\r\nX-LLMFlow-Session: work\r\nx-trace-id: t-1\r\n";
    for headers in [one, two, one] {
        Talk::new(Dialect::Chat, false, headers).say(&mock, &app, "hello", "Hi.").await;
    }
    let calls = app.recorded(3).await;
    assert!(calls.iter().all(|call| call.session_id.as_deref() == Some("work")));
    assert!(calls.iter().all(|call| call.trace_id.as_deref() == Some("t-1")), "a trace has many calls");
    let keys: Vec<u64> = calls.iter().filter_map(|call| call.lineage.session).collect();
    assert!(keys[0] == keys[2] && keys[0] != keys[1], "{keys:?}");
    let sizes: Vec<usize> =
        [session(&app, SessionRef::Key(keys[0])).await, session(&app, SessionRef::Key(keys[1])).await]
            .map(|found| found.calls.len())
            .to_vec();
    assert_eq!(sizes, [2, 1]);
    let named = session(&app, SessionRef::Id("work".into())).await;
    assert_eq!(named.session.source, SessionSource::Client);
}

/// The same asked again after a good answer is sampling; after a bad one it is a retry.
#[tokio::test]
async fn samples_are_no_session_and_retries_are() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for made in 1..=3 {
        Talk::new(Dialect::Chat, false, "").say(&mock, &app, "toss a coin", "Heads.").await;
        assert_eq!(place(&app.recorded(made).await[0]), (None, None, None));
    }
    let mut talk = Talk::new(Dialect::Chat, false, "");
    talk.messages.push(json!({"role": "user", "content": "toss a die"}));
    mock.follow(Plan { fault: Fault::Status(529), ..Plan::default() });
    send(app.proxy, &talk.request()).await;
    let failed = app.recorded(4).await[0].id;
    talk.messages.clear();
    talk.say(&mock, &app, "toss a die", "Six.").await;
    let calls = app.recorded(5).await;
    assert_eq!((calls[0].lineage.tie, calls[0].lineage.continues), (Some(Tie::Retry), Some(failed)));
    assert_eq!(calls[0].lineage.session, calls[1].lineage.session);
}

#[tokio::test]
async fn a_subagent_s_line_is_told_from_the_main_one() {
    const TASK: &str = "Find every caller of retry and say where it stands.";
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let arguments = json!({"description": "look", "prompt": TASK}).to_string();
    mock.follow(Plan { tool: Some(("Task".into(), arguments)), ..Plan::default() });
    let mut main = Talk::new(Dialect::Anthropic, true, "");
    main.messages.push(json!({"role": "user", "content": [{"type": "text", "text": "fix the retry"}]}));
    send(app.proxy, &main.request()).await;
    app.recorded(1).await;
    let mut worker = Talk::new(Dialect::Anthropic, true, "");
    worker.say(&mock, &app, TASK, "In three places.").await;
    app.recorded(2).await;
    worker.say(&mock, &app, "say more", "No.").await;
    app.recorded(3).await;
    let mut named = Talk::new(
        Dialect::Anthropic,
        true,
        "X-Claude-Code-Session-Id: s-9\r\nX-Claude-Code-Agent-Id: a2\r\nX-Claude-Code-Parent-Agent-Id: a1\r\n",
    );
    named.say(&mock, &app, "look elsewhere", "Nothing.").await;
    let calls = app.recorded(4).await;
    let [said, later, child, parent] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((child.lineage.tie, child.lineage.continues), (Some(Tie::Spawned), Some(parent.id)));
    assert_eq!(child.lineage.session, parent.lineage.session);
    let agent = child.lineage.agent.clone().unwrap();
    assert!(agent.inferred && agent.parent.is_none() && parent.lineage.agent.is_none());
    assert_eq!(later.lineage.agent.as_ref(), Some(&agent));
    let said = said.lineage.agent.clone().unwrap();
    assert_eq!((said.id.as_str(), said.parent.as_deref(), said.inferred), ("a2", Some("a1"), false));
}
