use api::{
    CallDetail, CallFilter, CallId, CallState, CallSummary, Cost, CostSource, Lineage, Message, Money,
    Operation, Part, Role, SessionFilter, SessionSource, Tie, Timing, Usage, UsageSource,
};
use model::dialect::Spoken;
use model::identity::{SaidAgent, Scope, chain};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{Body, CallRecord, Store, Ties, Write};

const TASK: &str = "Find every caller of retry and list them.";

/// A tool that talks to a provider. Each of its calls is one record.
#[derive(Clone)]
struct Tool {
    provider: &'static str,
    holder: &'static str,
    session: Option<&'static str>,
    agent: Option<SaidAgent>,
    system: &'static str,
    tools: &'static [&'static str],
    at_ms: i64,
}

impl Tool {
    fn new() -> Self {
        Self {
            provider: "anthropic",
            holder: "[key:1]",
            session: None,
            agent: None,
            system: "Be brief.",
            tools: &["Read"],
            at_ms: 1_000,
        }
    }

    fn scope(&self) -> Scope {
        Scope::new(self.provider, self.holder, Some("tool"))
    }

    /// A call that says `turns` (the user begins, the model is next) and hears `answer`.
    fn call(&self, turns: &[&str], answer: &str) -> CallRecord {
        let role = |index: usize| if index.is_multiple_of(2) { Role::User } else { Role::Assistant };
        let mut messages = vec![text(Role::System, self.system)];
        messages.extend(turns.iter().enumerate().map(|(index, turn)| text(role(index), turn)));
        let answer = (!answer.is_empty()).then(|| text(Role::Assistant, answer));
        self.record(messages, answer.into_iter().collect(), turns.last().copied())
    }

    /// A call whose answer hands `task` to a subagent.
    fn spawns(&self, prompt: &str, task: &str) -> CallRecord {
        let arguments = format!(r#"{{"description":"look","prompt":"{task}"}}"#);
        let part = Part::ToolCall { id: None, name: "Task".into(), arguments };
        let answer = Message { role: Role::Assistant, parts: vec![part], cache_marker: false };
        self.record(vec![text(Role::User, prompt)], vec![answer], Some(prompt))
    }

    fn record(&self, messages: Vec<Message>, answer: Vec<Message>, title: Option<&str>) -> CallRecord {
        let tools = self.tools.iter().map(|tool| (*tool).to_owned()).collect();
        let chain = chain(&self.scope(), &Spoken { messages, tools, answer });
        let ties =
            Ties { holder: self.holder.to_owned(), agent: self.agent.clone(), chain, ..Ties::default() };
        let mut record = record(ties);
        let summary = &mut record.detail.summary;
        summary.provider = self.provider.to_owned();
        summary.session_id = self.session.map(str::to_owned);
        summary.started_ms = self.at_ms;
        summary.title = title.map(str::to_owned);
        record
    }
}

fn text(role: Role, text: &str) -> Message {
    Message { role, parts: vec![Part::Text { text: text.to_owned() }], cache_marker: false }
}

fn record(ties: Ties) -> CallRecord {
    let summary = CallSummary {
        id: CallId::new(uuid::Uuid::now_v7()),
        started_ms: 1_000,
        duration_us: Some(5),
        first_byte_us: None,
        first_token_us: None,
        state: CallState::Complete,
        provider: "anthropic".into(),
        operation: Operation::Chat,
        client: Some("tool".into()),
        method: "POST".into(),
        path: "/v1/messages".into(),
        status: Some(200),
        model: Some("m".into()),
        title: None,
        streamed: false,
        usage: Usage { input: Some(10), output: Some(5), ..Usage::default() },
        usage_source: UsageSource::Provider,
        cost: Some(Money::from_pico(7)),
        cost_source: CostSource::Computed,
        equivalent: None,
        finish_reason: None,
        error: None,
        session_id: None,
        lineage: Lineage::default(),
        trace_id: None,
        parent_id: None,
        retry_of: None,
        replay_of: None,
        tags: Vec::new(),
        sources: vec![api::ReportSource::Proxy],
        in_trace: None,
    };
    let detail = CallDetail {
        summary,
        upstream: String::new(),
        upstream_path: None,
        query: None,
        http_version: String::new(),
        requested_model: None,
        response_id: None,
        request_id: None,
        credential: None,
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        request_body: api::BodyInfo::default(),
        response_body: api::BodyInfo::default(),
        cost: Cost::default(),
        timing: Timing::default(),
        translated: None,
        reports: Vec::new(),
    };
    CallRecord {
        detail,
        request: Body::default(),
        response: Body::default(),
        client: None,
        answer_text: String::new(),
        billed: model::pricing::Facts::default(),
        ties,
    }
}

struct Kept {
    folder: TempDir,
    store: Store,
}

impl Kept {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
        Self { folder, store }
    }

    async fn restarted(self) -> Self {
        self.store.close().await.unwrap();
        let store = Store::open(&self.folder.path().join("data.db")).await.unwrap().0;
        Self { folder: self.folder, store }
    }

    /// Each of `calls` in a batch of its own.
    async fn one_by_one(&self, calls: &[&CallRecord]) {
        for call in calls {
            self.together(&[call]).await;
        }
    }

    async fn together(&self, calls: &[&CallRecord]) {
        let batch: Vec<Write> = calls.iter().map(|call| Write::Close(Box::new((*call).clone()))).collect();
        self.store.write(&batch).await.unwrap();
    }

    async fn of(&self, call: &CallRecord) -> CallSummary {
        self.store.call(call.detail.summary.id).await.unwrap().unwrap().summary
    }

    async fn tie(&self, call: &CallRecord) -> Option<(Tie, CallId)> {
        let lineage = self.of(call).await.lineage;
        lineage.tie.zip(lineage.continues)
    }

    /// The agent's id and its parent's.
    async fn agent(&self, call: &CallRecord) -> Option<(String, Option<String>)> {
        self.of(call).await.lineage.agent.map(|agent| (agent.id, agent.parent))
    }

    /// The sessions of calls: equal numbers for equal sessions.
    async fn sessions(&self, calls: &[&CallRecord]) -> Vec<Option<u64>> {
        let mut sessions = Vec::new();
        for call in calls {
            sessions.push(self.of(call).await.lineage.session);
        }
        sessions
    }
}

fn id(call: &CallRecord) -> CallId {
    call.detail.summary.id
}

#[tokio::test]
async fn a_conversation_is_one_session_in_one_batch_or_in_many() {
    let tool = Tool::new();
    for together in [false, true] {
        let kept = Kept::new().await;
        let first = tool.call(&["hello there"], "Hi!");
        let second = tool.call(&["hello there", "Hi!", "more"], "More.");
        let third = tool.call(&["hello there", "Hi!", "more", "More.", "end"], "End.");
        let calls = [&first, &second, &third];
        if together {
            kept.together(&calls).await;
        } else {
            kept.one_by_one(&calls).await;
        }
        let summary = kept.of(&first).await;
        let name = summary.session_id.clone().unwrap();
        assert!(name.starts_with("inferred-") && name.len() == 21, "{name}");
        assert_eq!(summary.lineage.source, Some(SessionSource::Inferred));
        assert_eq!((summary.lineage.tie, summary.lineage.agent), (None, None));
        assert_eq!(kept.tie(&second).await, Some((Tie::Turn, id(&first))));
        assert_eq!(kept.tie(&third).await, Some((Tie::Turn, id(&second))));
        assert_eq!(kept.sessions(&calls).await, [Some(1); 3]);
        assert_eq!(kept.of(&third).await.session_id, Some(name.clone()));
        let listed = kept.store.list_sessions(&SessionFilter::default(), 10, 0, None).await.unwrap();
        let session = &listed.sessions[0];
        assert_eq!((listed.total, session.calls, &session.id), (1, 3, &name));
        assert_eq!(session.title.as_deref(), Some("hello there"), "what was asked first");
        assert_eq!(session.client.as_deref(), Some("tool"));
        assert_eq!((session.usage.input, session.cost.pico(), session.duration_us), (Some(30), 21, 15));
        assert_eq!((session.agents, session.forks, session.models.join(" ")), (0, 0, "m".to_owned()));
    }
}

#[tokio::test]
async fn a_call_nobody_goes_on_from_is_no_session() {
    let (kept, tool) = (Kept::new().await, Tool::new());
    let alone = tool.call(&["one question"], "One answer.");
    let silent = record(Ties::default());
    kept.together(&[&alone, &silent]).await;
    assert_eq!(kept.sessions(&[&alone, &silent]).await, [None, None]);
    assert_eq!(kept.store.list_sessions(&SessionFilter::default(), 10, 0, None).await.unwrap().total, 0);
}

#[tokio::test]
async fn a_wound_back_conversation_forks() {
    let (kept, tool) = (Kept::new().await, Tool::new());
    let first = tool.call(&["start of it"], "A.");
    let second = tool.call(&["start of it", "A.", "left"], "B.");
    let fork = tool.call(&["start of it", "A.", "right"], "C.");
    let after_fork = tool.call(&["start of it", "A.", "right", "C.", "on"], "D.");
    let after_main = tool.call(&["start of it", "A.", "left", "B.", "on"], "D.");
    kept.one_by_one(&[&first, &second, &fork, &after_fork, &after_main]).await;
    assert_eq!(kept.tie(&second).await, Some((Tie::Turn, id(&first))));
    assert_eq!(kept.tie(&fork).await, Some((Tie::Fork, id(&first))));
    assert_eq!(kept.tie(&after_fork).await, Some((Tie::Turn, id(&fork))));
    assert_eq!(kept.tie(&after_main).await, Some((Tie::Turn, id(&second))));
    assert_eq!(kept.sessions(&[&first, &second, &fork, &after_fork, &after_main]).await, [Some(1); 5]);
    let session = kept.store.session(1).await.unwrap().unwrap();
    assert_eq!((session.session.forks, session.calls.len()), (1, 5));
}

#[tokio::test]
async fn the_same_request_again_is_a_retry() {
    let (kept, mut tool) = (Kept::new().await, Tool::new());
    let mut failed = tool.call(&["do it"], "");
    failed.detail.summary.state = CallState::UpstreamError;
    tool.at_ms += 60_000;
    let again = tool.call(&["do it"], "Done.");
    let next = tool.call(&["do it", "Done.", "thanks"], "Welcome.");
    tool.at_ms += 1_000;
    let anew = tool.call(&["do it"], "Done otherwise.");
    tool.at_ms += 3_600_000;
    let much_later = tool.call(&["do it"], "Done once more.");
    kept.one_by_one(&[&failed, &again, &next, &anew, &much_later]).await;
    assert_eq!(kept.tie(&again).await, Some((Tie::Retry, id(&failed))));
    assert_eq!(kept.tie(&next).await, Some((Tie::Turn, id(&again))));
    assert_eq!(kept.sessions(&[&failed, &again, &next]).await, [Some(1); 3]);
    assert_eq!(kept.tie(&much_later).await, None, "that is somebody starting over");
    // A retry of the one that nobody went on from: the failed one.
    assert_eq!(kept.tie(&anew).await, Some((Tie::Retry, id(&failed))));
}

#[tokio::test]
async fn a_short_beginning_that_many_share_merges_nothing() {
    let (kept, mut tool) = (Kept::new().await, Tool::new());
    let one = tool.call(&["hi"], "Hello! I am one.");
    tool.at_ms += 3_600_000;
    let two = tool.call(&["hi"], "Hello! I am two.");
    let one_more = tool.call(&["hi", "Hello! I am one.", "more"], "A.");
    let two_more = tool.call(&["hi", "Hello! I am two.", "more"], "B.");
    let unknown = tool.call(&["hi", "Hello! I am three.", "more"], "C.");
    tool.system = "Another system prompt.";
    let other = tool.call(&["hi"], "Hello!");
    kept.one_by_one(&[&one, &two, &one_more, &two_more, &unknown, &other]).await;
    let calls = [&one, &one_more, &two, &two_more, &unknown, &other];
    assert_eq!(kept.sessions(&calls).await, [Some(1), Some(1), Some(2), Some(2), None, None]);
}

#[tokio::test]
async fn twins_are_told_apart_by_who_went_on_first() {
    let (kept, mut tool) = (Kept::new().await, Tool::new());
    let one = tool.call(&["hi"], "Hello!");
    tool.at_ms += 3_600_000;
    let two = tool.call(&["hi"], "Hello!");
    let left = tool.call(&["hi", "Hello!", "left"], "L.");
    let right = tool.call(&["hi", "Hello!", "right"], "R.");
    kept.one_by_one(&[&one, &two, &left, &right]).await;
    assert_eq!(kept.tie(&left).await, Some((Tie::Turn, id(&two))), "the latest");
    assert_eq!(kept.tie(&right).await, Some((Tie::Turn, id(&one))), "the one that is free");
}

#[tokio::test]
async fn one_id_is_another_session_for_another_account_or_provider() {
    let kept = Kept::new().await;
    let mine = Tool { session: Some("s-1"), ..Tool::new() };
    let yours = Tool { holder: "[key:2]", ..mine.clone() };
    let elsewhere = Tool { provider: "openai", ..mine.clone() };
    let calls = [mine.call(&["a"], "x"), yours.call(&["b"], "y"), elsewhere.call(&["c"], "z")];
    let again = [mine.call(&["d"], "x"), yours.call(&["e"], "y")];
    kept.together(&calls.each_ref()).await;
    let kept = kept.restarted().await;
    kept.together(&again.each_ref()).await;
    assert_eq!(kept.sessions(&calls.each_ref()).await, [Some(1), Some(2), Some(3)]);
    assert_eq!(kept.sessions(&again.each_ref()).await, [Some(1), Some(2)]);
    assert_eq!(kept.of(&calls[1]).await.session_id.as_deref(), Some("s-1"), "the id is the client's");
    assert_eq!(kept.of(&calls[1]).await.lineage.source, Some(SessionSource::Client));
    let count = async |filter: CallFilter| kept.store.count_calls(&filter).await.unwrap();
    assert_eq!(count(CallFilter { session_id: Some("s-1".into()), ..CallFilter::default() }).await, 5);
    assert_eq!(count(CallFilter { session: Some(2), ..CallFilter::default() }).await, 2);
    assert_eq!(count(CallFilter { session_id: Some(String::new()), ..CallFilter::default() }).await, 0);
    assert_eq!(kept.store.session_key("s-1").await.unwrap(), Some(3), "the latest of those used last");
    assert_eq!(kept.store.session_key("none").await.unwrap(), None);
    assert_eq!(kept.store.session(99).await.unwrap(), None);
}

#[tokio::test]
async fn conversations_are_never_continued_across_scopes() {
    let (kept, tool) = (Kept::new().await, Tool::new());
    let first = tool.call(&["hello there"], "Hi!");
    let yours = Tool { holder: "[key:2]", ..tool.clone() }.call(&["hello there", "Hi!", "more"], "A.");
    let elsewhere = Tool { provider: "openai", ..tool.clone() }.call(&["hello there", "Hi!", "more"], "A.");
    kept.one_by_one(&[&first, &yours, &elsewhere]).await;
    assert_eq!(kept.sessions(&[&first, &yours, &elsewhere]).await, [None; 3]);
}

#[tokio::test]
async fn a_named_session_knows_its_turns_too_and_a_call_without_a_name_finds_it() {
    let (kept, tool) = (Kept::new().await, Tool { session: Some("named"), ..Tool::new() });
    let first = tool.call(&["hello there"], "Hi!");
    let second = tool.call(&["hello there", "Hi!", "more"], "More.");
    let nameless = Tool { session: None, ..tool.clone() };
    let third = nameless.call(&["hello there", "Hi!", "more", "More.", "on"], "On.");
    let resumed = Tool { session: Some("resumed"), ..tool.clone() };
    let fourth = resumed.call(&["hello there", "Hi!", "other"], "O.");
    kept.one_by_one(&[&first, &second, &third, &fourth]).await;
    assert_eq!(
        kept.sessions(&[&first, &second, &third, &fourth]).await,
        [Some(1), Some(1), Some(1), Some(2)]
    );
    let third = kept.of(&third).await;
    assert_eq!(third.session_id.as_deref(), Some("named"));
    assert_eq!(third.lineage.source, Some(SessionSource::Inferred));
    assert_eq!(
        kept.tie(&fourth).await,
        Some((Tie::Fork, id(&first))),
        "resumed elsewhere, from a known call"
    );
}

#[tokio::test]
async fn an_answer_that_was_cut_short_is_gone_on_from() {
    let (kept, tool) = (Kept::new().await, Tool::new());
    let mut cut = tool.call(&["tell me all"], "It was a dark and");
    cut.detail.summary.state = CallState::Cancelled;
    let next = tool.call(&["tell me all", "It was a", "no, shorter"], "Night.");
    kept.one_by_one(&[&cut, &next]).await;
    assert_eq!(kept.tie(&next).await, Some((Tie::Turn, id(&cut))));
}

#[tokio::test]
async fn what_was_not_recorded_for_a_while_is_bridged() {
    let (kept, tool) = (Kept::new().await, Tool::new());
    let turns: Vec<String> = (0..40).map(|turn| format!("turn {turn}")).collect();
    let turns: Vec<&str> = turns.iter().map(String::as_str).collect();
    let first = tool.call(&turns[..1], turns[1]);
    let late = tool.call(&turns[..39], turns[39]);
    kept.one_by_one(&[&first, &late]).await;
    assert_eq!(kept.tie(&late).await, Some((Tie::Turn, id(&first))));
}

#[tokio::test]
async fn an_answer_s_id_links_calls_that_repeat_nothing() {
    let (kept, tool) = (Kept::new().await, Tool { provider: "openai", ..Tool::new() });
    let response = |name: &str| Some(tool.scope().response(name));
    let call = |words: &str, id: &str, previous: Option<&str>| {
        let mut call = tool.call(&[words], "ok");
        let ties = &mut call.ties;
        (ties.response, ties.previous) = (response(id), previous.and_then(response));
        ties.chain = ties.chain.take().map(|chain| chain.behind(ties.previous));
        call
    };
    let first = call("yes", "r1", None);
    let second = call("yes", "r2", Some("r1"));
    let third = call("yes", "r3", Some("r2"));
    let fork = call("no", "r4", Some("r1"));
    let stranger = call("yes", "r5", Some("r0"));
    kept.one_by_one(&[&first, &second]).await;
    let kept = kept.restarted().await;
    kept.one_by_one(&[&third, &fork, &stranger]).await;
    assert_eq!(kept.tie(&second).await, Some((Tie::Turn, id(&first))));
    assert_eq!(kept.tie(&third).await, Some((Tie::Turn, id(&second))));
    assert_eq!(kept.tie(&fork).await, Some((Tie::Fork, id(&first))));
    assert_eq!(kept.of(&third).await.lineage.source, Some(SessionSource::ResponseId));
    let sessions = kept.sessions(&[&first, &second, &third, &fork, &stranger]).await;
    assert_eq!(sessions, [Some(1), Some(1), Some(1), Some(1), None]);
}

#[tokio::test]
async fn a_subagent_is_found_by_the_task_it_was_given() {
    let (kept, tool) = (Kept::new().await, Tool { tools: &["Read", "Task"], ..Tool::new() });
    let parent = tool.spawns("find the bug", TASK);
    let worker = Tool { system: "You explore.", tools: &["Read"], ..tool.clone() };
    let child = worker.call(&[TASK], "Let me look.");
    let grown = worker.call(&[TASK, "Let me look.", "result"], "Three callers.");
    let stranger = Tool { holder: "[key:2]", ..worker.clone() }.call(&[TASK], "Let me look.");
    kept.one_by_one(&[&parent, &child, &grown, &stranger]).await;
    assert_eq!(kept.sessions(&[&parent, &child, &grown, &stranger]).await, [Some(1), Some(1), Some(1), None]);
    assert_eq!(kept.tie(&child).await, Some((Tie::Spawned, id(&parent))));
    let (line, maker) = kept.agent(&child).await.unwrap();
    assert!(line.starts_with("agent-") && maker.is_none(), "{line}");
    assert_eq!(kept.agent(&grown).await, Some((line, None)), "the same line");
    assert_eq!(kept.agent(&parent).await, None);
    let listed = kept.store.list_sessions(&SessionFilter::default(), 10, 0, None).await.unwrap();
    assert_eq!((listed.sessions[0].agents, listed.sessions[0].title.as_deref()), (1, Some("find the bug")));
}

#[tokio::test]
async fn agents_that_the_client_names_have_their_makers() {
    let kept = Kept::new().await;
    let main = Tool { session: Some("s"), tools: &["Task"], ..Tool::new() };
    let said = |id: &str, parent: Option<&str>| {
        Some(SaidAgent { id: id.into(), parent: parent.map(str::to_owned), name: Some("Explore".into()) })
    };
    let parent = main.spawns("find the bug", TASK);
    let one = Tool { agent: said("a1", None), ..main.clone() };
    let first = one.spawns(TASK, "And look there as well, please.");
    let two = Tool { agent: said("a2", None), ..main.clone() };
    let second = two.call(&["And look there as well, please."], "Yes.");
    let later = two.call(&["And look there as well, please.", "Yes.", "ok"], "Done.");
    let three = Tool { agent: said("a3", Some("a1")), ..main.clone() };
    let third = three.call(&["something else"], "Yes.");
    kept.one_by_one(&[&parent, &first, &second, &later, &third]).await;
    let named = |id: &str, parent: Option<&str>| Some((id.to_owned(), parent.map(str::to_owned)));
    assert_eq!(kept.agent(&first).await, named("a1", None));
    assert_eq!(kept.tie(&first).await, Some((Tie::Spawned, id(&parent))));
    assert_eq!(kept.agent(&second).await, named("a2", Some("a1")), "the task was a1's");
    assert_eq!(kept.agent(&later).await, named("a2", Some("a1")), "and stays so");
    assert_eq!(kept.agent(&third).await, named("a3", Some("a1")), "the client says so");
    assert_eq!(kept.store.session(1).await.unwrap().unwrap().session.agents, 3);
}

#[tokio::test]
async fn in_a_named_session_other_tools_and_prompts_are_another_agent() {
    let kept = Kept::new().await;
    let main = Tool { session: Some("s"), tools: &["Read", "Write"], system: "You code.", ..Tool::new() };
    let titles = Tool { tools: &[], system: "Write a title.", ..main.clone() };
    let worker = Tool { tools: &["Read"], system: "You explore.", ..main.clone() };
    let title = titles.call(&["fix the bug"], "Bug fix");
    let first = main.call(&["fix the bug"], "Looking.");
    let other = worker.call(&["look around"], "I see.");
    let more = worker.call(&["look around", "I see.", "on"], "More.");
    let compacted = main.call(&["summary of what was said"], "Going on.");
    let late_title = titles.call(&["summary of what was said"], "Going on");
    kept.one_by_one(&[&title, &first, &other, &more]).await;
    let kept = kept.restarted().await;
    kept.one_by_one(&[&compacted, &late_title]).await;
    assert_eq!(kept.agent(&first).await, None);
    assert_eq!(kept.agent(&compacted).await, None, "the main agent after its history was cut");
    let line = kept.agent(&other).await.unwrap();
    assert_eq!(kept.agent(&more).await, Some(line.clone()));
    assert_ne!(kept.agent(&late_title).await.unwrap(), line);
    let session = kept.store.session(1).await.unwrap().unwrap().session;
    assert_eq!(session.title.as_deref(), Some("fix the bug"), "the main agent's first words");
}

#[tokio::test]
async fn a_failed_batch_leaves_no_session_behind() {
    let (kept, tool) = (Kept::new().await, Tool { session: Some("s"), ..Tool::new() });
    let mut large = tool.call(&["a"], "x");
    large.detail.summary.title = Some("x".repeat(200_000));
    let mut writer = kept.store.inner.writer.lock().await;
    let limit = sqlx::query("PRAGMA max_page_count = 1");
    limit.execute(writer.connection().unwrap()).await.unwrap();
    drop(writer);
    assert!(kept.store.write(&[Write::Close(Box::new(large.clone()))]).await.is_err());
    let second = tool.call(&["b"], "y");
    kept.one_by_one(&[&second, &large]).await;
    assert_eq!(kept.sessions(&[&second, &large]).await, [Some(1); 2]);
    assert_eq!(
        kept.store.list_sessions(&SessionFilter::default(), 10, 0, None).await.unwrap().sessions[0].calls,
        2
    );
}

#[tokio::test]
async fn lists_are_cut_and_searched() {
    let kept = Kept::new().await;
    for (index, (session, title)) in
        [("s-a", "Fix the Store"), ("s-b", "paint the shed"), ("s-c", "fix 100% of it")]
            .into_iter()
            .enumerate()
    {
        let at_ms = 1_000 * i64::try_from(index).unwrap();
        let tool = Tool { session: Some(session), at_ms, ..Tool::new() };
        kept.one_by_one(&[&tool.call(&[title], "ok")]).await;
    }
    let list = async |filter: SessionFilter, limit, offset| {
        let page = kept.store.list_sessions(&filter, limit, offset, None).await.unwrap();
        (page.sessions.into_iter().map(|session| session.id).collect::<Vec<_>>().join(" "), page.total)
    };
    let text = |text: &str| SessionFilter { text: Some(text.into()), ..SessionFilter::default() };
    assert_eq!(list(SessionFilter::default(), 2, 0).await, ("s-c s-b".into(), 3), "the latest first");
    assert_eq!(list(SessionFilter::default(), 2, 2).await, ("s-a".into(), 3));
    assert_eq!(list(text("FIX"), 9, 0).await, ("s-c s-a".into(), 2));
    assert_eq!(list(text("%"), 9, 0).await, ("s-c".into(), 1), "no pattern, a text");
    assert_eq!(list(text("s-b"), 9, 0).await, ("s-b".into(), 1));
    assert_eq!(list(text("' OR 1=1 --"), 9, 0).await, (String::new(), 0));
    let since = SessionFilter { from_ms: Some(1_000), to_ms: Some(2_000), ..SessionFilter::default() };
    assert_eq!(list(since, 9, 0).await, ("s-b".into(), 1));
    let other = SessionFilter { provider: Some("openai".into()), ..SessionFilter::default() };
    assert_eq!(list(other, 9, 0).await, (String::new(), 0));
}

/// Rows that placing calls has looked at so far, and rows there are in all.
async fn counted(store: &Store) -> (usize, i64) {
    let looked_up = store.inner.writer.lock().await.lineages.looked_up;
    let rows = "SELECT (SELECT count(*) FROM call) + (SELECT count(*) FROM session)";
    (looked_up, sqlx::query_scalar(rows).fetch_one(&store.inner.read).await.unwrap())
}

#[tokio::test]
async fn a_thousand_turns_cost_what_each_adds() {
    let (kept, tool) = (Kept::new().await, Tool::new());
    let turns: Vec<String> = (0..2_000).map(|turn| format!("turn {turn}")).collect();
    let turns: Vec<&str> = turns.iter().map(String::as_str).collect();
    let mut calls = Vec::new();
    for turn in 0..1_000 {
        calls.push(tool.call(&turns[..=turn * 2], turns[turn * 2 + 1]));
    }
    kept.one_by_one(&calls.iter().collect::<Vec<_>>()).await;
    let (looked_up, rows) = counted(&kept.store).await;
    assert_eq!(rows, 1_001, "a row a call and one for the session");
    assert!(looked_up <= 2 * 1_000, "{looked_up}: the last turn and the one before it, never all of them");
    let last = kept.of(&calls[999]).await;
    assert_eq!((last.lineage.session, last.lineage.continues), (Some(1), Some(id(&calls[998]))));
}

#[tokio::test]
async fn one_request_sent_a_thousand_times_is_looked_at_a_few_times() {
    let (kept, tool) = (Kept::new().await, Tool::new());
    let calls: Vec<CallRecord> = (0..300).map(|_| tool.call(&["the same"], "the same")).collect();
    for some in calls.chunks(30) {
        kept.together(&some.iter().collect::<Vec<_>>()).await;
    }
    let (looked_up, _) = counted(&kept.store).await;
    assert!(looked_up <= 4 * 10, "{looked_up}: four a batch");
    assert_eq!(kept.sessions(&[&calls[0], &calls[299]]).await, [None; 2], "sampling is no conversation");
}

/// Which conversation speaks next, and how many calls a batch takes.
fn talks() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<u8>, Vec<usize>)> {
    let words = prop::collection::vec(0..3_u8, 1..6);
    let talks = prop::collection::vec(words, 2..6);
    (talks, prop::collection::vec(any::<u8>(), 30), prop::collection::vec(1..5_usize, 30))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Conversations that begin differently and then say the same few words, in any order, in any batches, with a
    /// restart in the middle: each is one session, and no two are the same one.
    #[test]
    fn any_interleaving_is_untangled((talks, order, batches) in talks()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let tool = Tool::new();
            let mut kept = Kept::new().await;
            let mut said: Vec<Vec<String>> = (0..talks.len()).map(|talk| vec![format!("begin {talk}")]).collect();
            let mut left: Vec<Vec<u8>> = talks.clone();
            let mut calls: Vec<(usize, CallRecord)> = Vec::new();
            let mut order = order.into_iter().cycle();
            while left.iter().any(|words| !words.is_empty()) {
                let open: Vec<usize> = (0..left.len()).filter(|talk| !left[*talk].is_empty()).collect();
                let talk = open[usize::from(order.next().unwrap()) % open.len()];
                let word = left[talk].remove(0);
                let turns: Vec<&str> = said[talk].iter().map(String::as_str).collect();
                let answer = format!("answer {word}");
                calls.push((talk, tool.call(&turns, &answer)));
                said[talk].extend([answer, format!("word {word}")]);
            }
            let (mut from, mut batches) = (0, batches.into_iter().cycle());
            let half = calls.len() / 2;
            while from < calls.len() {
                let to = (from + batches.next().unwrap()).min(calls.len());
                kept.together(&calls[from..to].iter().map(|(_, call)| call).collect::<Vec<_>>()).await;
                if (from..to).contains(&half) {
                    kept = kept.restarted().await;
                }
                from = to;
            }
            let mut latest: Vec<Option<CallId>> = vec![None; talks.len()];
            let mut sessions: Vec<Option<u64>> = vec![None; talks.len()];
            for (talk, call) in &calls {
                let lineage = kept.of(call).await.lineage;
                assert_eq!(lineage.continues, latest[*talk]);
                assert_eq!(lineage.tie, latest[*talk].map(|_| Tie::Turn));
                if latest[*talk].is_some() {
                    assert_eq!(lineage.session, sessions[*talk]);
                }
                (latest[*talk], sessions[*talk]) = (Some(id(call)), lineage.session);
            }
            let mut named: Vec<u64> = sessions.into_iter().flatten().collect();
            let count = named.len();
            named.sort_unstable();
            named.dedup();
            assert_eq!(named.len(), count, "no two conversations share a session");
            assert_eq!(kept.store.verify_rollups().await.unwrap().wrong, 0);
        });
    }
}
