//! Where a telling of a call is kept, and where others are looked for: digests of what both know, each with the time
//! within which its rule holds. Leaves out the rules themselves (`join`).

use api::ReportSource;

use super::{CLOCKS_US, Facts, MOMENT_US, Rule, SESSION_US, TOKENS_US};

// What a key is made of.
const REQUEST: i64 = 1;
const CLIENT_REQUEST: i64 = 2;
const ANSWER: i64 = 3;
const SPAN: i64 = 4;
const TOKENS: i64 = 5;
const SESSION_INPUT: i64 = 6;
const SESSION_OUTPUT: i64 = 7;
const MOMENT: i64 = 8;
const UNCOUNTED_MOMENT: i64 = 11;
const ALL_OF_SESSION: i64 = 9;
const UNCOUNTED_OF_SESSION: i64 = 10;

/// Where to look for others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sought {
    pub(super) key: i64,
    /// The best rule by which something is found here that is not found elsewhere.
    pub(super) rule: Rule,
    /// When those ended that can fit.
    pub(super) from_us: i64,
    pub(super) until_us: i64,
}

/// Who told of a call, and which ids each of them knows: three bits of sources, and three for the ids of each. Those who
/// both know an id are found by it, or are not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class(u16);

impl Class {
    pub(super) fn of<'f>(members: impl Iterator<Item = &'f Facts>) -> Self {
        Self(members.fold(0, |bits, facts| {
            let ids = [facts.request, facts.client_request, facts.answer];
            let ids = (3..).zip(ids).map(|(bit, id)| u16::from(id.is_some()) << bit).sum::<u16>();
            let source = match facts.source {
                ReportSource::Proxy => 0,
                ReportSource::Span => 1,
                ReportSource::Event => 2,
            };
            bits | 1 << source | ids << (3 * source)
        }))
    }

    const fn sources(self) -> u16 {
        self.0 & 0b111
    }

    /// The ids that these sources know.
    fn ids(self, sources: u16) -> u16 {
        let of = (0..3).filter(|source| sources >> source & 1 == 1);
        of.fold(0, |ids, source| ids | self.0 >> (3 + 3 * source) & 0b111)
    }

    /// Whether the sources of one are missing from the other.
    pub(super) const fn is_free_for(self, other: Self) -> bool {
        self.sources() & other.sources() == 0
    }

    /// Whether it can be of one call with what the other is without the sources of this, by what only looks alike.
    pub(super) fn may_look_like(self, other: Self) -> bool {
        let rest = other.sources() & !self.sources();
        rest != 0 && self.ids(self.sources()) & other.ids(rest) == 0
    }
}

impl Facts {
    /// The digests under which others find this. Whoever fits by a rule seeks one of them.
    pub(super) fn listed(&self) -> impl Iterator<Item = i64> + '_ {
        let ids = self.ids().map(|(key, _)| key).chain(self.counts().map(|(key, _)| key));
        let silent = !self.is_counted();
        let sessions = self.in_sessions().flat_map(move |session| {
            let uncounted = silent.then(|| marked(UNCOUNTED_OF_SESSION, session));
            [Some(marked(ALL_OF_SESSION, session)), uncounted].into_iter().flatten()
        });
        let moments = self.families.into_iter().flatten().flat_map(move |family| {
            let uncounted = silent.then(|| marked(UNCOUNTED_MOMENT, family));
            [Some(marked(MOMENT, family)), uncounted].into_iter().flatten()
        });
        ids.chain(sessions).chain(moments)
    }

    /// Where this finds others, the surest first. Most differ in their tokens: those that know them look for the same, and
    /// among those that know none.
    pub(super) fn sought(&self) -> impl Iterator<Item = Sought> + '_ {
        let any = |(key, rule)| self.about(key, rule, i64::MAX);
        let counts = self.counts().map(move |(key, rule)| match rule {
            Rule::TokensTime => self.about(key, rule, TOKENS_US),
            _ => self.overlapping(key, rule),
        });
        let (of_session, moment) = match self.is_counted() {
            true => (UNCOUNTED_OF_SESSION, UNCOUNTED_MOMENT),
            false => (ALL_OF_SESSION, MOMENT),
        };
        let sessions = self.in_sessions();
        let sessions = sessions
            .map(move |session| self.overlapping(marked(of_session, session), Rule::SessionTokensTime));
        let families = self.families.into_iter().flatten();
        let moments = families.map(move |family| self.about(marked(moment, family), Rule::Time, MOMENT_US));
        self.ids().map(any).chain(counts).chain(sessions).chain(moments)
    }

    fn ids(&self) -> impl Iterator<Item = (i64, Rule)> + '_ {
        let ids = [
            (REQUEST, self.request, Rule::RequestId),
            (CLIENT_REQUEST, self.client_request, Rule::ClientRequestId),
            (ANSWER, self.answer, Rule::ResponseId),
            (SPAN, self.span, Rule::TraceContext),
        ];
        let above = self.within.iter().map(|span| (SPAN, Some(*span), Rule::TraceContext));
        ids.into_iter().chain(above).filter_map(|(mark, id, rule)| Some((marked(mark, id?), rule)))
    }

    fn counts(&self) -> impl Iterator<Item = (i64, Rule)> + '_ {
        let (input, output) = (self.input.map(u64::cast_signed), self.output.map(u64::cast_signed));
        let of_session = move |session| {
            let counts = [(SESSION_INPUT, input), (SESSION_OUTPUT, output)];
            counts.map(|(mark, count)| Some((marked(mark, both(session, count?)), Rule::SessionTokensTime)))
        };
        let tokens = input.zip(output).map(|(input, output)| marked(TOKENS, both(input, output)));
        let tokens = tokens.map(|key| (key, Rule::TokensTime));
        self.in_sessions().flat_map(of_session).chain([tokens]).flatten()
    }

    fn in_sessions(&self) -> impl Iterator<Item = i64> + use<> {
        let [session, conversation] = self.sessions;
        [session, conversation.filter(|_| conversation != session)].into_iter().flatten()
    }

    /// Whether it knows both what went in and what came out.
    pub(super) const fn is_counted(&self) -> bool {
        self.input.is_some() && self.output.is_some()
    }

    const fn about(&self, key: i64, rule: Rule, reach: i64) -> Sought {
        let (from_us, until_us) = (self.end_us.saturating_sub(reach), self.end_us.saturating_add(reach));
        Sought { key, rule, from_us, until_us }
    }

    /// Those that end near this, and those that may overlap it: how long those take that end later is not known.
    fn overlapping(&self, key: i64, rule: Rule) -> Sought {
        let from_us = self.start_us.min(self.end_us.saturating_sub(SESSION_US)).saturating_sub(CLOCKS_US);
        Sought { key, rule, from_us, until_us: i64::MAX }
    }
}

fn marked(mark: i64, value: i64) -> i64 {
    value.rotate_left(8) ^ mark
}

fn both(one: i64, two: i64) -> i64 {
    one.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed()).rotate_left(29) ^ two
}
