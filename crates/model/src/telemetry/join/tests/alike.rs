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

fn shuffled(tellings: Vec<Telling>) -> impl Strategy<Value = Vec<(i64, Telling)>> {
    Just((1..).zip(tellings).collect::<Vec<(i64, Telling)>>()).prop_shuffle()
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
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// However much they overlap and however late the spans end: no call more than there were.
    #[test]
    fn as_many_calls_as_there_were(
        tellings in (kind(), ran(80, 3_000, 900, 1_900)).prop_flat_map(|(kind, ran)| shuffled(told_by(kind, &ran, &[proxy, span])))
    ) {
        let found = calls(&tellings);
        prop_assert_eq!(found.len(), tellings.len() / 2);
    }

    /// Three sources, each with its own clock.
    #[test]
    fn three_sources_of_many_equal_calls(
        tellings in (kind(), ran(40, 20_000, 20, 20)).prop_flat_map(|(kind, ran)| shuffled(told_by(kind, &ran, &[proxy, span, event])))
    ) {
        let found = calls(&tellings);
        prop_assert_eq!(found.len(), tellings.len() / 3);
    }

    /// Who belongs to whom does not depend on who came first: the nearest.
    #[test]
    fn the_nearest_are_together_in_any_order(
        (straight, other) in (kind(), ran(60, 20_000, 5, 5)).prop_flat_map(|(kind, ran)| {
            let tellings = told_by(kind, &ran, &[proxy, span]);
            (Just((1..).zip(tellings.clone()).collect::<Vec<_>>()), shuffled(tellings))
        })
    ) {
        prop_assert_eq!(calls(&straight), calls(&other));
    }

    /// Spans of calls that went elsewhere take nobody's place for good.
    #[test]
    fn others_that_look_alike_are_calls_of_their_own(
        (more, tellings) in (kind(), ran(40, 3_000, 50, 50), 1_usize..20).prop_flat_map(|(kind, ran, more)| {
            let mut tellings = told_by(kind, &ran, &[proxy, span]);
            tellings.extend(told_by(kind, &ran, &[span]).into_iter().cycle().take(more));
            (Just(more), shuffled(tellings))
        })
    ) {
        prop_assert_eq!(calls(&tellings).len(), (tellings.len() - more) / 2 + more);
    }
}
