//! Real senders of OTLP, each over its own transport, alone and while its calls go through us: everything it reported is
//! found back to the attribute, each call of a model counts once, with the right tokens, and costs what the mock's usage
//! costs. Owns the judging and the SDKs' instrumentations. Leaves out the agents (`agents::telemetry`).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use api::{CallSummary, CostSource, Operation, ReportSource, SpanType};
use serde_json::Value;
use tests::otlp::{Export, heard};
use tests::{App, Dialect, Exchange, Mock, Plan, Step, Tap, Tokens, is_priced, rates, wait_until, within};
use tokio::process::Command;

use super::agents::bare;
use super::{installed, script, table};
use crate::telemetry::sent;

/// What must be found of one run.
pub(super) struct Expected<'a> {
    /// Names the run.
    pub(super) what: &'a str,
    /// Its calls go through us too.
    pub(super) through: bool,
    /// The tool's name, where it is one we know.
    pub(super) client: Option<&'a str>,
    /// The session of its calls.
    pub(super) session: Session<'a>,
    /// Spans of these types are there.
    pub(super) types: &'a [SpanType],
    /// Calls that it made: model and tokens.
    pub(super) calls: Vec<(String, Tokens)>,
    /// It ends before it has told of all of them.
    pub(super) in_part: bool,
    /// Where it tells of calls at all.
    pub(super) sources: &'a [ReportSource],
}

/// What a call's session is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Session<'a> {
    /// This one.
    Named(&'a str),
    /// One that the sender makes up.
    Some,
    /// It knows of none.
    Unknown,
}

/// A mock, the app, and a tap that keeps what is reported.
pub(super) struct Stand {
    pub(super) mock: Mock,
    pub(super) app: App,
    tap: Tap,
}

impl Stand {
    pub(super) async fn new(plan: &Plan) -> Self {
        let mock = Mock::start().await;
        let (plan, count) = (plan.clone(), AtomicU64::new(0));
        mock.answer(move |received| {
            // As a provider does it: no two answers with the same id.
            let own = count.fetch_add(1, Ordering::Relaxed).to_string();
            let mut answer = plan.answer(received);
            for (_, value) in &mut answer.headers {
                *value = named(value, &own);
            }
            for step in &mut answer.steps {
                if let Step::Send(bytes) = step {
                    *bytes = named(bytes, &own);
                }
            }
            answer
        });
        let app = App::start(mock.address()).await;
        let tap = Tap::start(app.otlp_http).await;
        Self { mock, app, tap }
    }

    /// The base URL for reports.
    pub(super) fn collector(&self) -> String {
        format!("http://{}", self.tap.address())
    }

    /// Calls of models that the mock answered.
    pub(super) async fn answered(&self, plan: &Plan) -> Vec<(String, Tokens)> {
        wait_until("the upstream's answers", async || {
            self.mock.exchanges().iter().all(|exchange| exchange.sent.is_some()).then_some(())
        })
        .await;
        let asked = self.mock.take().into_iter().filter(|exchange| Dialect::of(&exchange.received).is_some());
        asked.map(|exchange| (model(&exchange), plan.tokens)).collect()
    }

    /// Looks at everything there is, and hands in a line of the table.
    pub(super) async fn judge(&self, expected: Expected<'_>) {
        let what = expected.what;
        let mut exports = Vec::new();
        for request in self.tap.heard().await.iter().filter(|heard| heard.asked.method() == "POST") {
            assert_eq!(request.got.status(), 200, "{what}: {}", request.got.text());
            assert!(["", "{}"].contains(&request.got.text().as_str()), "{what}: {}", request.got.text());
            exports.push(heard(&request.asked));
        }
        self.app.digested().await;
        let counted = sent::check(&self.app, &exports, what).await;
        let health = self.app.health().await.collected;
        let mut wrong = Vec::new();
        if (health.rejected, health.refused, health.unreadable) != (0, 0, 0) {
            wrong.push(format!("{health:?}"));
        }
        let least = if expected.in_part && !expected.through { 1 } else { expected.calls.len() };
        let ledger = self.ledger(least).await;
        check_ledger(&expected, ledger.clone(), &mut wrong);
        self.check_reports(&expected, &ledger, &mut wrong).await;
        let spans = self.app.spans().await;
        let types: BTreeSet<&str> = spans.iter().map(|span| span.span_type.as_str()).collect();
        for wanted in expected.types {
            if !types.contains(wanted.as_str()) {
                wrong.push(format!("no span is of type {wanted:?}: {types:?}"));
            }
        }
        let orphans: u64 = self.app.traces().await.iter().map(|trace| trace.orphans).sum();
        let unsent = orphaned(&exports);
        if orphans != unsent {
            wrong.push(format!("{orphans} spans without the parent that they name, not {unsent}"));
        }
        let compared = counted.spans + counted.logs + counted.points;
        let calls = ledger.len();
        table(&format!("| {what} | {calls} | {compared} | 0 | {calls} | {} |\n", wrong.len()));
        println!("{what}: {counted:?}, {calls} calls of models");
        assert!(wrong.is_empty(), "{what}: {wrong:#?}");
    }

    /// Calls of models, once as many as are expected are there and none is under way.
    async fn ledger(&self, least: usize) -> Vec<CallSummary> {
        wait_until("the calls", async || {
            let mut calls = self.app.calls().await;
            let over = calls.iter().all(|call| call.state != api::CallState::Open);
            calls.retain(|call| call.operation == Operation::Chat);
            (over && calls.len() >= least).then_some(calls)
        })
        .await
    }

    async fn check_reports(&self, expected: &Expected<'_>, ledger: &[CallSummary], wrong: &mut Vec<String>) {
        if !ledger.iter().any(|call| expected.sources.iter().all(|source| call.sources.contains(source))) {
            wrong.push(format!("no call is told by {:?}", expected.sources));
        }
        for call in ledger {
            let detail = self.app.call(call.id).await;
            let by =
                |report: &api::CallReport| (report.source, report.name.clone(), report.matched_by.clone());
            let by: Vec<_> = detail.reports.iter().map(by).collect();
            println!("{}: {:?} {:?}, told by {by:?}", expected.what, call.model, call.sources);
            if expected.through != call.sources.contains(&ReportSource::Proxy) {
                wrong.push(format!("seen by {:?}", call.sources));
            }
            for source in expected.sources {
                if !call.sources.contains(source) && !expected.in_part {
                    wrong.push(format!("not told by {source:?}, but by {:?}", call.sources));
                }
            }
            for report in detail.reports.iter().filter(|report| !report.differs.is_empty()) {
                // The tools price by tables of their own.
                if report.differs.iter().any(|differs| differs.field != "cost") {
                    wrong.push(format!("{} differs: {:?}", report.name, report.differs));
                }
            }
        }
    }
}

/// Spans that name a parent which was not sent.
fn orphaned(exports: &[Export]) -> u64 {
    let requests = exports.iter().filter_map(|export| match export {
        Export::Traces(request) => Some(request),
        _ => None,
    });
    let spans: Vec<_> = requests
        .flat_map(|request| &request.resource_spans)
        .flat_map(|of| &of.scope_spans)
        .flat_map(|scoped| &scoped.spans)
        .collect();
    let sent: BTreeSet<_> = spans.iter().map(|span| (&span.trace_id, &span.span_id)).collect();
    let alone = spans.iter().filter(|span| !span.parent_span_id.is_empty());
    alone.filter(|span| !sent.contains(&(&span.trace_id, &span.parent_span_id))).count() as u64
}

/// The ids of an answer made its own.
fn named(bytes: &[u8], own: &str) -> Vec<u8> {
    let Ok(mut text) = String::from_utf8(bytes.to_vec()) else { return bytes.to_vec() };
    for id in ["req_mock_0001", "msg_mock_1", "resp_mock_1", "chatcmpl-mock-1"] {
        text = text.replace(id, &format!("{id}-{own}"));
    }
    text.into_bytes()
}

/// The model that a request asks for.
fn model(exchange: &Exchange) -> String {
    let in_body = exchange.received.json()["model"].as_str().map(str::to_owned);
    let path = exchange.received.path();
    let in_path = || Some(path.split_once("/models/")?.1.split(':').next()?.to_owned());
    in_body.or_else(in_path).unwrap_or_default()
}

/// What so many tokens of a model cost, by the vendored table; `None` where it has no price.
fn price(model: &str, tokens: &Tokens) -> Option<i64> {
    let keys = [format!("gemini/{model}"), model.to_owned()];
    keys.iter().find(|key| is_priced(key)).map(|key| rates(key).cost(tokens))
}

/// Each call once, with its tokens and its price.
fn check_ledger(expected: &Expected<'_>, mut ledger: Vec<CallSummary>, wrong: &mut Vec<String>) {
    let mut calls = expected.calls.as_slice();
    if expected.in_part && !expected.through {
        calls = &calls[..ledger.len().min(calls.len())];
    }
    let counted =
        |call: &CallSummary| [call.usage.input, call.usage.cache_read.or(Some(0)), call.usage.output];
    if ledger.len() != calls.len() {
        let found: Vec<_> = ledger.iter().map(|call| (&call.path, &call.model, counted(call))).collect();
        wrong.push(format!("{} calls instead of {}: {found:?}", ledger.len(), calls.len()));
    }
    let total: i64 = ledger.iter().filter_map(|call| call.cost).map(api::Money::pico).sum();
    let due: i64 = calls.iter().filter_map(|(model, tokens)| price(model, tokens)).sum();
    if total != due {
        wrong.push(format!("{total} pico-dollars in all instead of {due}"));
    }
    for (model, tokens) in calls {
        let tokens_of = [tokens.input, tokens.cache_read, tokens.output].map(Some);
        let is_its = |call: &CallSummary| call.model.as_deref() == Some(model) && counted(call) == tokens_of;
        let Some(place) = ledger.iter().position(is_its) else {
            let found: Vec<_> = ledger.iter().map(|call| (&call.model, counted(call))).collect();
            wrong.push(format!("no call of {model} with {tokens_of:?}: {found:?}"));
            continue;
        };
        let call = ledger.swap_remove(place);
        let cost = price(model, tokens);
        if call.cost.map(api::Money::pico) != cost
            || cost.is_some() && call.cost_source != CostSource::Computed
        {
            wrong.push(format!("{model}: {:?} by {:?} instead of {cost:?}", call.cost, call.cost_source));
        }
        if expected.client.is_some() && call.client.as_deref() != expected.client {
            wrong.push(format!("the client is {:?}", call.client));
        }
        match expected.session {
            Session::Named(session) if call.session_id.as_deref() != Some(session) => {
                wrong.push(format!("the session is {:?}", call.session_id));
            }
            Session::Some if call.session_id.is_none() => wrong.push("no session".to_owned()),
            _ => {}
        }
    }
}

/// An instrumentation of an SDK.
struct Emitter {
    name: &'static str,
    /// The folder of its program.
    program: &'static str,
    mode: &'static str,
    transport: &'static str,
    types: &'static [SpanType],
    /// It knows of sessions.
    session: bool,
    /// It tells of what came from a cache.
    cached: bool,
}

const fn python(name: &'static str, mode: &'static str, types: &'static [SpanType]) -> Emitter {
    Emitter {
        name,
        program: "py-sdk/bin/python",
        mode,
        transport: "http",
        types,
        session: true,
        cached: true,
    }
}

const OPENINFERENCE: Emitter = python("OpenInference, OpenAI", "openinference", &[SpanType::Llm]);
const LANGCHAIN: Emitter =
    python("OpenInference, LangChain", "langchain", &[SpanType::Llm, SpanType::Chain, SpanType::Tool]);
const OPENLLMETRY: Emitter = python("OpenLLMetry", "traceloop", &[SpanType::Llm, SpanType::Tool]);
const OPENAI_V2: Emitter = Emitter {
    program: "py-genai/bin/python",
    session: false,
    cached: false,
    ..python("openai-v2 instrumentation", "genai-v2", &[SpanType::Llm])
};
const PLAIN: [SpanType; 3] = [SpanType::Agent, SpanType::Llm, SpanType::Tool];
const PYTHON: Emitter = python("OpenTelemetry Python, protobuf", "sdk", &PLAIN);
const PYTHON_GZIP: Emitter =
    Emitter { transport: "gzip", ..python("OpenTelemetry Python, gzip", "sdk", &PLAIN) };
const PYTHON_GRPC: Emitter =
    Emitter { transport: "grpc", ..python("OpenTelemetry Python, gRPC", "sdk", &PLAIN) };
const JAVASCRIPT: Emitter = Emitter {
    name: "OpenTelemetry JS, JSON",
    program: "js-sdk/node_modules",
    mode: "sdk",
    transport: "json",
    types: &PLAIN,
    session: true,
    cached: true,
};
const JAVASCRIPT_GZIP: Emitter =
    Emitter { name: "OpenTelemetry JS, JSON, gzip", transport: "json-gzip", ..JAVASCRIPT };
const VERCEL_AI: Emitter =
    Emitter { name: "Vercel AI SDK", mode: "ai", types: &[SpanType::Llm], ..JAVASCRIPT };

impl Emitter {
    /// Runs it; what it says of itself.
    async fn run(&self, collector: &str, openai: &str, home: &Path) -> Value {
        let mut command = match self.program.ends_with("node_modules") {
            true => {
                let mut command = bare(Command::new("node"), home);
                command.arg(script("emit.mjs")).arg(installed(self.program));
                command
            }
            false => {
                let mut command = bare(Command::new(installed(self.program)), home);
                command.arg(script("emit.py"));
                command
            }
        };
        command
            .args([self.mode, collector, openai, self.transport])
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
        let output = within(self.name, running).await.unwrap();
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}: {said}\n{complained}", self.name);
        serde_json::from_str(said.trim_end().rsplit('\n').next().unwrap()).unwrap()
    }

    /// Alone, and while its calls go through us.
    async fn go(&self) {
        let mut plan = Plan::default();
        if !self.cached {
            plan.tokens.cache_read = 0;
        }
        let folder = tempfile::tempdir().unwrap();
        let makes_calls = self.mode != "sdk";
        for through in [false, true].into_iter().take(1 + usize::from(makes_calls)) {
            let stand = Stand::new(&plan).await;
            let openai = match through {
                true => format!("http://{}/v1", stand.app.proxy),
                false => format!("http://{}/v1", stand.mock.address()),
            };
            let collector = match self.transport {
                "grpc" => format!("http://{}", stand.app.otlp_grpc),
                _ => stand.collector(),
            };
            let said = self.run(&collector, &openai, folder.path()).await;
            let calls = match makes_calls {
                true => stand.answered(&plan).await,
                false => told(&said),
            };
            assert!(!calls.is_empty(), "{}: it asked a model: {said}", self.name);
            let what = format!("{}{}", self.name, if through { ", proxied" } else { "" });
            stand
                .judge(Expected {
                    what: &what,
                    through,
                    client: None,
                    session: match self.session {
                        true => Session::Named(said["session"].as_str().unwrap()),
                        false => Session::Unknown,
                    },
                    types: self.types,
                    calls,
                    in_part: false,
                    sources: &[ReportSource::Span],
                })
                .await;
            if !makes_calls {
                stand.counts(&said).await;
            }
        }
    }
}

/// The calls that an emitter made up.
fn told(said: &Value) -> Vec<(String, Tokens)> {
    let calls = said["told"].as_array().unwrap().iter().map(|pair| {
        let count = |at: usize| pair[at].as_u64().unwrap();
        let none =
            Tokens { input: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 0, reasoning: 0 };
        ("gpt-4o-mini".to_owned(), Tokens { input: count(0), output: count(1), ..none })
    });
    calls.collect()
}

impl Stand {
    /// As many of each signal as it says, whatever the transport.
    async fn counts(&self, said: &Value) {
        let collected = self.app.health().await.collected;
        let found = [collected.spans, collected.logs, collected.points];
        let wanted = ["spans", "logs", "points"].map(|name| said[name].as_u64().unwrap());
        assert_eq!(found, wanted);
        let trace = self.app.traces().await.remove(0);
        assert_eq!((trace.spans, trace.orphans, trace.errors), (5, 0, 1), "{trace:?}");
        let tree = self.app.trace(&trace.id).await;
        let root = tree.spans.iter().find(|span| span.parent.is_none()).unwrap();
        assert_eq!(root.name, "invoke_agent planner");
        assert!(tree.spans.iter().all(|span| span.id == root.id || span.parent.as_ref() == Some(&root.id)));
    }
}

macro_rules! emitters {
    ($($test:ident: $emitter:ident;)*) => {$(
        #[tokio::test]
        #[ignore = "needs real clients: cargo xtask test --clients DIR"]
        async fn $test() {
            $emitter.go().await;
        }
    )*};
}

emitters! {
    opentelemetry_python: PYTHON;
    opentelemetry_python_gzip: PYTHON_GZIP;
    opentelemetry_python_grpc: PYTHON_GRPC;
    opentelemetry_js: JAVASCRIPT;
    opentelemetry_js_gzip: JAVASCRIPT_GZIP;
    openllmetry: OPENLLMETRY;
    openinference_openai: OPENINFERENCE;
    openinference_langchain: LANGCHAIN;
    openai_v2: OPENAI_V2;
    vercel_ai: VERCEL_AI;
}
