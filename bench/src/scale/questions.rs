//! What is asked of a large database, as the dashboard's pages ask it, and how fast it should answer. Leaves out asking
//! (`dashboard`) and measuring (`rows::scale`).

use api::{CallFilter, GroupBy, Outcome, Page, Request, SearchOrder, SessionFilter};

use super::dashboard::TRACE;
use super::{DAY_MS, DAYS};

/// A kind of question, with its goal in milliseconds.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) goal: Option<f64>,
    pub(crate) ask: fn(&Asker, usize) -> Request,
}

/// What questions are made of.
pub(crate) struct Asker {
    pub(crate) calls: u64,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl Asker {
    /// As the Traces page asks for its list.
    fn list(filter: CallFilter) -> Request {
        // Of what texts have to be read for, the page shows what was found so far, and asks again.
        let filter = CallFilter { so_far: filter.text.is_some(), ..filter };
        Request::ListTraces { filter, limit: 50, after: None, offset: 0 }
    }

    /// A day of the time in which there are calls.
    fn day(&self, number: usize) -> (i64, i64) {
        let day = i64::try_from(number).unwrap_or(0) * 7 % (DAYS - 1);
        (self.from_ms + day * DAY_MS, self.from_ms + (day + 1) * DAY_MS)
    }

    /// `pieces` equal ones up to now, each `piece_ms` long.
    fn bounds(&self, pieces: i64, piece_ms: i64) -> Vec<i64> {
        let end = (self.to_ms / piece_ms + 1) * piece_ms;
        (0..=pieces).map(|piece| end - (pieces - piece) * piece_ms).collect()
    }
}

fn pick(number: usize, from: &[&str]) -> Option<String> {
    from.get(number % from.len().max(1)).map(|text| (*text).to_owned())
}

const WORDS: [&str; 8] = ["payload", "retry", "the", "jitter", "middleware", "gauge", "rollback", "church"];
const PHRASES: [&str; 4] = ["\"the of\"", "\"and to\"", "\"in is that\"", "\"for it\""];

/// All of them.
pub(crate) const QUESTIONS: &[Question] = &[
    Question {
        name: "first page of calls",
        goal: Some(20.0),
        ask: |_, _| Request::ListCalls { filter: CallFilter::default(), page: Page::default() },
    },
    Question {
        name: "first page of traces",
        goal: Some(20.0),
        ask: |_, _| Asker::list(CallFilter::default()),
    },
    Question {
        name: "first page of sessions",
        goal: Some(20.0),
        ask: |_, _| Request::ListSessions {
            filter: SessionFilter::default(),
            limit: 50,
            offset: 0,
            before: None,
        },
    },
    Question {
        name: "by model",
        goal: Some(50.0),
        ask: |_, at| {
            let model = pick(at, &["claude-sonnet-4-5-20250929", "gpt-5", "gpt-4o-mini", "no-such-model"]);
            Asker::list(CallFilter { model, ..CallFilter::default() })
        },
    },
    Question {
        name: "by provider and tool",
        goal: Some(50.0),
        ask: |_, at| {
            let (provider, client) =
                (pick(at, &["anthropic", "openai"]), pick(at / 2, &["codex", "claude-code"]));
            Asker::list(CallFilter { provider, client, ..CallFilter::default() })
        },
    },
    Question {
        name: "failed",
        goal: Some(50.0),
        ask: |_, at| {
            let status = (at % 2 == 1).then_some(529);
            Asker::list(CallFilter { outcome: Some(Outcome::Error), status, ..CallFilter::default() })
        },
    },
    Question {
        name: "failed, of one model, on one day",
        goal: Some(50.0),
        ask: |asker, at| {
            let (from, to) = asker.day(at);
            Asker::list(CallFilter {
                model: pick(at, &["claude-sonnet-4-5-20250929", "gpt-4o-mini"]),
                outcome: Some(Outcome::Error),
                from_ms: Some(from),
                to_ms: Some(to),
                ..CallFilter::default()
            })
        },
    },
    Question {
        name: "by tag",
        goal: Some(50.0),
        ask: |_, at| {
            let tag = Some(format!("project:{}", at % 21));
            Asker::list(CallFilter { tag, ..CallFilter::default() })
        },
    },
    Question {
        name: "by session",
        goal: Some(50.0),
        ask: |asker, at| {
            let sessions = usize::try_from(asker.calls / 12).unwrap_or(1).max(1);
            let session_id = Some(format!("{:08x}-5a50-4c1e-9a3c-4f7a2f6f9b11", at * 7_919 % sessions));
            Asker::list(CallFilter { session_id, ..CallFilter::default() })
        },
    },
    Question {
        name: "on one day",
        goal: Some(50.0),
        ask: |asker, at| {
            let (from, to) = asker.day(at);
            Asker::list(CallFilter { from_ms: Some(from), to_ms: Some(to), ..CallFilter::default() })
        },
    },
    Question {
        name: "dearest than, and without a price",
        goal: Some(50.0),
        ask: |_, at| {
            let dear = (at % 2 == 0).then_some(20_000_000_000);
            let unpriced = (at % 2 == 1).then_some(true);
            Asker::list(CallFilter { cost_min_pico: dear, unpriced, ..CallFilter::default() })
        },
    },
    Question {
        name: "search, a word",
        goal: Some(100.0),
        ask: |_, at| Asker::list(CallFilter { text: pick(at, &WORDS), ..CallFilter::default() }),
    },
    Question {
        name: "search, a word, the best first",
        goal: Some(100.0),
        ask: |_, at| Request::Search {
            filter: CallFilter { text: pick(at, &WORDS), ..CallFilter::default() },
            order: SearchOrder::Best,
            limit: 50,
            offset: 0,
            before: None,
        },
    },
    Question {
        name: "search, a phrase",
        goal: Some(100.0),
        ask: |_, at| Asker::list(CallFilter { text: pick(at, &PHRASES), ..CallFilter::default() }),
    },
    Question {
        name: "search, a beginning, in one tool's calls of a day",
        goal: Some(100.0),
        ask: |asker, at| {
            let (from, to) = asker.day(at);
            Asker::list(CallFilter {
                text: pick(at, &["gaug*", "midd*", "ret*"]),
                client: pick(at, &["codex", "claude-code"]),
                from_ms: Some(from),
                to_ms: Some(to),
                ..CallFilter::default()
            })
        },
    },
    Question {
        name: "a trace of 10,000 spans",
        goal: Some(300.0),
        ask: |_, _| Request::GetTrace { id: TRACE.to_owned(), offset: 0, limit: 20_000 },
    },
    Question {
        name: "overview, a day",
        goal: Some(50.0),
        ask: |asker, _| Request::GetOverview { bounds_ms: asker.bounds(24, DAY_MS / 24) },
    },
    Question {
        name: "overview, 30 days",
        goal: Some(50.0),
        ask: |asker, _| Request::GetOverview { bounds_ms: asker.bounds(30, DAY_MS) },
    },
    Question {
        name: "analytics, 90 days by model, tool, provider, tag",
        goal: Some(50.0),
        ask: |asker, at| {
            let group =
                [GroupBy::Model, GroupBy::Client, GroupBy::Provider, GroupBy::Tag].get(at % 4).copied();
            let bounds_ms = asker.bounds(DAYS, DAY_MS);
            Request::GetSeries { filter: CallFilter::default(), bounds_ms, group }
        },
    },
    Question {
        name: "analytics, 90 days by session",
        goal: Some(50.0),
        ask: |asker, _| Request::GetSeries {
            filter: CallFilter::default(),
            bounds_ms: asker.bounds(DAYS, DAY_MS),
            group: Some(GroupBy::Session),
        },
    },
    Question {
        name: "how complete, 90 days",
        goal: Some(50.0),
        ask: |asker, _| Request::GetMeter { bounds_ms: asker.bounds(DAYS, DAY_MS) },
    },
    Question {
        name: "totals over everything",
        goal: None,
        ask: |_, _| Request::GetStats { filter: CallFilter::default() },
    },
    Question {
        name: "totals of one model's failures",
        goal: None,
        ask: |_, at| {
            let model = pick(at, &["claude-sonnet-4-5-20250929", "gpt-4o-mini"]);
            let filter = CallFilter { model, outcome: Some(Outcome::Error), ..CallFilter::default() };
            Request::GetStats { filter }
        },
    },
];
