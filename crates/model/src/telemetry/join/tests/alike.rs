//! Many calls that are alike, at once and without ids: embeddings, streams, spans made by hand. As many calls as there
//! were, each with all that is told of it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;

/// What calls have in common.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Chat,
    InSession,
    /// No output, and no ends that are near.
    Embedding,
    /// Only the proxy knows the tokens.
    Silent,
}

/// When a call ran, in milliseconds, and by how much what tells of it began before and ended after.
#[derive(Clone, Copy, Debug)]
struct Ran {
    start: u64,
    lasted: u64,
    before: u64,
    after: u64,
}

impl Ran {
    fn told(self, kind: Kind, telling: Telling) -> Telling {
        let proxied = telling.proxied;
        let (before, after) = if proxied { (0, 0) } else { (self.before, self.after) };
        let telling = match kind {
            Kind::InSession => telling.of("s"),
            Kind::Embedding => telling.with(|call| call.usage.output = None),
            Kind::Silent if !proxied => telling.with(|call| call.usage = Usage::default()),
            Kind::Chat | Kind::Silent => telling,
        };
        telling.with(|call| {
            call.start_ns = NOW + (self.start - before) * MS;
            call.end_ns = NOW + (self.start + self.lasted + after) * MS;
        })
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Chat, Kind::InSession, Kind::Embedding, Kind::Silent])
}

/// Up to so many calls within `span` milliseconds, told of with so much before and after.
fn ran(most: usize, span: u64, before: u64, after: u64) -> impl Strategy<Value = Vec<Ran>> {
    let one = (1_000..1_000 + span, 1_u64..2_000, 0..=before, 0..=after);
    let one = one.prop_map(|(start, lasted, before, after)| Ran { start, lasted, before, after });
    prop::collection::vec(one, 1..most)
}

/// Calls, and in which order they are told of.
#[derive(Clone)]
struct Case {
    kind: Kind,
    ran: Vec<Ran>,
    sources: &'static [fn() -> Telling],
    order: Vec<usize>,
}

impl Case {
    fn of(kind: Kind, ran: Vec<Ran>, sources: &'static [fn() -> Telling]) -> impl Strategy<Value = Self> {
        let order = Just((0..ran.len() * sources.len()).collect::<Vec<_>>()).prop_shuffle();
        order.prop_map(move |order| Self { kind, ran: ran.clone(), sources, order })
    }

    fn tellings(&self) -> Vec<(i64, Telling)> {
        let all = told_by(self.kind, &self.ran, self.sources);
        let numbered: Vec<(i64, Telling)> = (1..).zip(all).collect();
        self.order.iter().map(|at| numbered[*at].clone()).collect()
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ran = self.ran.iter().map(|ran| (ran.start, ran.lasted, ran.before, ran.after));
        write!(f, "{:?} {:?} in the order {:?}", self.kind, ran.collect::<Vec<_>>(), self.order)
    }
}

fn told_by(kind: Kind, ran: &[Ran], sources: &[fn() -> Telling]) -> Vec<Telling> {
    ran.iter().flat_map(|ran| sources.iter().map(|source| ran.told(kind, source()))).collect()
}

/// Which tellings are one call, each by its number, whoever came first.
fn calls(tellings: &[(i64, Telling)]) -> BTreeSet<BTreeSet<i64>> {
    let (mut ledger, mut seq) = (Ledger::new(10_000), 10_000);
    let mut next = || {
        seq += 1;
        seq
    };
    let mut there = BTreeSet::new();
    for (number, telling) in tellings {
        let (facts, mut touched) = (telling.facts(), Touched::default());
        let mark =
            if telling.proxied { Mark::PROXY } else { Mark { source: facts.source, a: *number, b: 0 } };
        ledger.arrive(*number, mark, facts, &mut next, &mut touched);
        for (goes, _) in &touched.gone {
            there.remove(goes);
        }
        there.extend(&touched.calls);
    }
    assert_eq!(there.len(), ledger.len(), "what was said to have changed is what there is");
    // The number of a call of the proxy is its row's, whatever it was taken to be of.
    let proxied = tellings.iter().filter(|(_, telling)| telling.proxied);
    for (number, _) in proxied {
        assert!(ledger.members(*number).unwrap().iter().any(|member| member.mark == Mark::PROXY));
    }
    let named = |seq: &i64| {
        let members = ledger.members(*seq).unwrap().iter();
        members.map(|member| if member.mark == Mark::PROXY { *seq } else { member.mark.a }).collect()
    };
    there.iter().map(named).collect()
}

/// The fewest calls that two sources can have told of: as many as they are, less the most that are the same in pairs.
fn fewest(tellings: &[(i64, Telling)]) -> usize {
    let facts = |proxied: bool| {
        let of = tellings.iter().filter(move |(_, telling)| telling.proxied == proxied);
        of.map(|(_, telling)| telling.facts()).collect::<Vec<Facts>>()
    };
    let (calls, spans) = (facts(true), facts(false));
    let fits: Vec<Vec<bool>> =
        calls.iter().map(|call| spans.iter().map(|span| call.fits(span).is_some()).collect()).collect();
    let mut taken = vec![None; spans.len()];
    let pairs =
        (0..calls.len()).filter(|call| finds(*call, &fits, &mut taken, &mut vec![false; spans.len()]));
    tellings.len() - pairs.count()
}

/// Whether a call finds a span, if need be by others' taking another one.
fn finds(call: usize, fits: &[Vec<bool>], taken: &mut [Option<usize>], tried: &mut [bool]) -> bool {
    (0..taken.len()).any(|span| {
        if !fits[call][span] || std::mem::replace(&mut tried[span], true) {
            return false;
        }
        let found = taken[span].is_none_or(|other| finds(other, fits, taken, tried));
        if found {
            taken[span] = Some(call);
        }
        found
    })
}

#[test]
fn hundreds_of_equal_calls_before_their_spans_are_each_one() {
    for kind in [Kind::Chat, Kind::InSession, Kind::Embedding, Kind::Silent] {
        // Eight at a time, 300 ms each.
        let at = |number: u64| Ran {
            start: 1_000 + number / 8 * 300,
            lasted: 290,
            before: 1 + number % 8,
            after: 5,
        };
        let ran: Vec<Ran> = (0..400).map(at).collect();
        let (proxied, spans) = (told_by(kind, &ran, &[proxy]), told_by(kind, &ran, &[span]));
        for (first, second) in [(&proxied, &spans), (&spans, &proxied)] {
            let all: Vec<(i64, Telling)> = (1..).zip(first.iter().chain(second).cloned()).collect();
            assert!(calls(&all).iter().all(|call| call.len() == 2), "{kind:?}");
        }
    }
}

#[test]
fn what_is_taken_from_a_call_of_the_proxy_leaves_its_row() {
    let answer = "msg_01ABCDEFGHIJKLMN";
    // The span looks like the call that was cut off, and is the other one.
    let tellings = [proxy(), span().answer(answer), proxy().answer(answer).later(SECOND)];
    let all: Vec<(i64, Telling)> = (1..).zip(tellings).collect();
    assert_eq!(calls(&all), BTreeSet::from([BTreeSet::from([1]), BTreeSet::from([2, 3])]));
}

#[test]
fn streams_whose_tokens_only_the_span_counts_are_found_in_any_order() {
    let (call, span) = (proxy().with(|call| call.usage = Usage::default()), span());
    for all in [[(1, call.clone()), (2, span.clone())], [(1, span), (2, call)]] {
        assert_eq!(calls(&all).len(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// However much they overlap and however late the spans end: no call more than there were.
    #[test]
    fn as_many_calls_as_there_were(
        case in (kind(), ran(50, 3_000, 900, 1_900)).prop_flat_map(|(kind, ran)| Case::of(kind, ran, &[proxy, span]))
    ) {
        prop_assert_eq!(calls(&case.tellings()).len(), case.ran.len());
    }

    /// At any time, whoever is missing yet.
    #[test]
    fn never_more_calls_than_there_have_to_be(
        (case, told) in (kind(), ran(12, 3_000, 900, 2_900)).prop_flat_map(|(kind, ran)| {
            let most = ran.len() * 2;
            (Case::of(kind, ran, &[proxy, span]), 0..=most)
        })
    ) {
        let tellings = &case.tellings()[..told];
        prop_assert_eq!(calls(tellings).len(), fewest(tellings));
    }

    /// Three sources, each with its own clock.
    #[test]
    fn three_sources_of_many_equal_calls(
        case in (kind(), ran(40, 20_000, 20, 20)).prop_flat_map(|(kind, ran)| Case::of(kind, ran, &[proxy, span, event]))
    ) {
        prop_assert_eq!(calls(&case.tellings()).len(), case.ran.len());
    }

    /// Who belongs to whom does not depend on who came first: the nearest.
    #[test]
    fn the_nearest_are_together_in_any_order(
        case in (kind(), ran(60, 20_000, 5, 5)).prop_flat_map(|(kind, ran)| Case::of(kind, ran, &[proxy, span]))
    ) {
        let straight = Case { order: (0..case.order.len()).collect(), ..case.clone() };
        prop_assert_eq!(calls(&straight.tellings()), calls(&case.tellings()));
    }

    /// Spans of calls that went elsewhere take nobody's place for good.
    #[test]
    fn others_that_look_alike_are_calls_of_their_own(
        (case, more) in (kind(), ran(40, 3_000, 50, 50), 0_usize..20).prop_flat_map(|(kind, ran, more)| {
            let twice: Vec<Ran> = ran.iter().chain(ran.iter().take(more)).copied().collect();
            (Case::of(kind, twice, &[proxy, span]), Just(more.min(ran.len())))
        })
    ) {
        let whole = (case.ran.len() - more) as i64 * 2;
        let tellings: Vec<_> =
            case.tellings().into_iter().filter(|(number, told)| *number <= whole || !told.proxied).collect();
        prop_assert_eq!(calls(&tellings).len(), case.ran.len());
    }
}
