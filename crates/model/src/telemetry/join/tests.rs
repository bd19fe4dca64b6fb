//! Sources that agree, that disagree on purpose, that come late, twice or in any order: what is one call, and by what.

mod alike;
mod orders;
mod pairs;

use api::{Operation, ReportSource, Usage};

use super::*;
use crate::telemetry::reading::{ReportedCall, Whose};

/// A second, in nanoseconds.
const SECOND: u64 = 1_000_000_000;
/// When everything happens.
const NOW: u64 = 1_800_000_000 * SECOND;

/// One telling of a call, before it is digested.
#[derive(Clone, Debug)]
struct Telling {
    told: Told,
    within: Vec<i64>,
    proxied: bool,
}

/// What a source tells: a model, tokens and an end two seconds after the beginning.
fn telling(source: ReportSource) -> Telling {
    let call = ReportedCall {
        model: Some("claude-sonnet-4-5".into()),
        operation: Operation::Chat,
        usage: Usage { input: Some(1_000), output: Some(200), ..Usage::default() },
        start_ns: NOW,
        end_ns: NOW + 2 * SECOND,
        ..ReportedCall::default()
    };
    let told = Told {
        source,
        name: "call".into(),
        whose: Whose::default(),
        call,
        trace: None,
        span: None,
        parent: None,
    };
    Telling { told, within: Vec::new(), proxied: source == ReportSource::Proxy }
}

fn proxy() -> Telling {
    telling(ReportSource::Proxy)
}

fn span() -> Telling {
    telling(ReportSource::Span)
}

fn event() -> Telling {
    telling(ReportSource::Event)
}

impl Telling {
    fn with(mut self, change: impl FnOnce(&mut ReportedCall)) -> Self {
        change(&mut self.told.call);
        self
    }

    fn of(mut self, session: &str) -> Self {
        self.told.whose.session = Some(session.into());
        self
    }

    fn by(mut self, client: &str) -> Self {
        self.told.whose.client = Some(client.into());
        self
    }

    fn request(self, id: &str) -> Self {
        self.with(|call| call.request_id = Some(id.into()))
    }

    fn answer(self, id: &str) -> Self {
        self.with(|call| call.response_id = Some(id.into()))
    }

    fn tokens(self, input: u64, output: u64) -> Self {
        self.with(|call| (call.usage.input, call.usage.output) = (Some(input), Some(output)))
    }

    fn later(self, ns: u64) -> Self {
        self.with(|call| (call.start_ns, call.end_ns) = (call.start_ns + ns, call.end_ns + ns))
    }

    fn at(mut self, span: u8, parent: u8) -> Self {
        (self.told.trace, self.told.span) = (Some([7; 16]), Some([span; 8]));
        self.told.parent = Some([parent; 8]).filter(|_| parent > 0);
        self
    }

    /// Made within these spans, the nearest first.
    fn within(mut self, spans: &[u8]) -> Self {
        self.within = spans.iter().map(|span| span_digest(&[7; 16], &[*span; 8])).collect();
        self
    }

    fn facts(&self) -> Facts {
        let facts = Facts::told(&self.told);
        if !self.proxied {
            return facts;
        }
        Facts { source: ReportSource::Proxy, span: None, within: self.within.clone(), ..facts }
    }
}

fn rule(one: &Telling, two: &Telling) -> Option<Rule> {
    let (one, two) = (one.facts(), two.facts());
    let (there, back) = (one.fits(&two), two.fits(&one));
    assert_eq!(there, back, "whoever is asked, the answer is the same");
    there.map(|fit| fit.rule)
}
