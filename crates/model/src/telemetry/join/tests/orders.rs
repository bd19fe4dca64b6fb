//! Many tellings in any order: the same calls, each once.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Lets tellings arrive, each under its number, and says which are one call: the proxy's first, each with by what it was
/// found.
fn arrive(tellings: &[(i64, &Telling)]) -> Vec<Vec<(i64, Option<Rule>)>> {
    let (mut ledger, mut seq) = (Ledger::new(1_000), 0);
    let mut calls: BTreeMap<i64, ()> = BTreeMap::new();
    for (number, telling) in tellings {
        let mut touched = Touched::default();
        let mut next = || {
            seq += 1;
            seq
        };
        let own = next();
        // The proxy's mark is one: its calls are told apart by their rows.
        let source = telling.facts().source;
        let mark = if telling.proxied { Mark::PROXY } else { Mark { source, a: *number, b: 0 } };
        ledger.arrive(own, mark, telling.facts(), &mut next, &mut touched);
        for (goes, _) in &touched.gone {
            calls.remove(goes);
        }
        calls.extend(touched.calls.iter().map(|seq| (*seq, ())));
    }
    assert_eq!(calls.len(), ledger.len(), "what was said to have changed is what there is");
    let mut found: Vec<Vec<(i64, Option<Rule>)>> = Vec::new();
    for seq in calls.keys() {
        let members = ledger.members(*seq).unwrap();
        let proxied = members.iter().filter(|member| member.mark == Mark::PROXY).count();
        assert!(proxied <= 1, "two calls of the proxy are two calls");
        let mut marks: Vec<_> = members.iter().map(|member| (member.mark.a, member.by)).collect();
        marks.sort_unstable();
        found.push(marks);
    }
    found.sort_unstable();
    found
}

/// The sources of each call, whichever of equals they are.
fn shapes(tellings: &[(i64, &Telling)]) -> Vec<usize> {
    let mut sizes: Vec<usize> = arrive(tellings).iter().map(Vec::len).collect();
    sizes.sort_unstable();
    sizes
}

fn numbered(tellings: &[Telling]) -> Vec<(i64, &Telling)> {
    (1..).zip(tellings).collect()
}

/// Every order of so many things.
fn orders<T: Clone>(things: &[T]) -> Vec<Vec<T>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for index in 0..things.len() {
        let mut rest = things.to_vec();
        let first = rest.remove(index);
        for mut order in orders(&rest) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

/// Which tellings are one call, in whatever order they come.
fn always(tellings: &[Telling], expected: &[&[i64]]) {
    for order in orders(&numbered(tellings)) {
        let found: Vec<Vec<i64>> = arrive(&order)
            .iter()
            .map(|call| call.iter().map(|(number, _)| *number).filter(|number| *number > 0).collect())
            .collect();
        let mut found: Vec<Vec<i64>> = found.into_iter().filter(|call: &Vec<i64>| !call.is_empty()).collect();
        found.sort();
        let names: Vec<i64> = order.iter().map(|(number, _)| *number).collect();
        assert_eq!(found, expected, "in the order {names:?}");
    }
}

#[test]
fn three_sources_of_one_call_are_one() {
    let answer = "msg_01ABCDEFGHIJKLMN";
    let sources = [
        proxy().request("req_1").answer(answer).of("s"),
        span().answer(answer).tokens(990, 200),
        event().request("req_1").of("s"),
    ];
    for order in orders(&numbered(&sources)) {
        assert_eq!(shapes(&order), [3]);
    }
}

#[test]
fn what_only_looked_alike_gives_way_to_what_is_the_same() {
    let answer = |letter: char| format!("msg_01{}", letter.to_string().repeat(16));
    // Two equal calls at once: the span is the first call's and the event the second's, and at first they look alike.
    let sources = [
        span().answer(&answer('a')).of("s"),
        event().request("req_b").of("s"),
        proxy().request("req_a").answer(&answer('a')).of("s"),
        proxy().request("req_b").answer(&answer('b')).of("s"),
    ];
    for order in orders(&numbered(&sources)) {
        let found = arrive(&order);
        assert_eq!(found.len(), 2);
        for call in &found {
            assert_eq!(call.len(), 2, "{found:?}");
        }
    }
    // An event without ids took the place of the one that names the call.
    let sources = [proxy().request("req_a").of("s"), event().of("s"), event().request("req_a").of("s")];
    for order in orders(&numbered(&sources)) {
        assert_eq!(shapes(&order), [1, 2]);
    }
}

#[test]
fn equal_calls_at_once_are_as_many_as_there_are() {
    for session in [None, Some("s")] {
        let of =
            |telling: Telling| session.map_or_else(|| telling.clone(), |session| telling.clone().of(session));
        let sources = [of(proxy()), of(proxy()), of(event()), of(event()), of(span())];
        for order in orders(&numbered(&sources)) {
            assert_eq!(shapes(&order), [2, 3], "{session:?}");
        }
    }
}

#[test]
fn several_reports_of_one_kind_are_several_calls() {
    let sources = [event().of("s"), event().of("s"), event().of("s").later(SECOND)];
    always(&sources, &[&[1], &[2], &[3]]);
    let nested = span().at(2, 1).with(|call| call.start_ns += 1);
    always(&[span().at(1, 0), nested, event().at(2, 0)], &[&[1, 2, 3]]);
}

#[test]
fn a_report_that_comes_again_changes_what_it_said() {
    let (mut ledger, mut seq) = (Ledger::new(10), 10);
    let mut next = || {
        seq += 1;
        seq
    };
    let mut touched = Touched::default();
    let mark = Mark { source: ReportSource::Event, a: 1, b: 2 };
    ledger.arrive(1, mark, event().facts(), &mut next, &mut touched);
    ledger.arrive(2, Mark::PROXY, proxy().request("req_1").tokens(5, 5).facts(), &mut next, &mut touched);
    assert_eq!(ledger.len(), 2);
    let mut touched = Touched::default();
    ledger.again(1, mark, event().request("req_1").facts(), &mut next, &mut touched);
    assert_eq!((ledger.len(), touched.gone.as_slice()), (1, &[(1, 2)][..]));
    assert_eq!(ledger.members(2).unwrap().len(), 2);
}

#[test]
fn the_oldest_are_forgotten_and_nothing_of_them_stays() {
    let mut ledger = Ledger::new(100);
    let mut next = || unreachable!("nothing is split");
    for seq in 0..1_000 {
        let facts = event().of("s").tokens(1, seq).later(seq * 60 * SECOND).facts();
        let mark = Mark { source: ReportSource::Event, a: seq.cast_signed(), b: 0 };
        ledger.arrive(seq.cast_signed(), mark, facts, &mut next, &mut Touched::default());
    }
    assert_eq!(ledger.len(), 100);
    assert!(ledger.members(899).is_none() && ledger.members(900).is_some());
}

/// A call as it was, and what its sources say of it.
#[derive(Clone, Debug)]
struct Truth {
    request: bool,
    answer: bool,
    sources: (bool, bool, bool),
    span_knows: (bool, bool),
    event_knows: (bool, bool),
    skew: u64,
    aliased: bool,
}

fn truth() -> impl Strategy<Value = Truth> {
    let sources = (any::<bool>(), any::<bool>(), any::<bool>());
    let knows = (any::<bool>(), any::<bool>());
    (any::<bool>(), any::<bool>(), sources, knows, knows, 0..SECOND, any::<bool>()).prop_map(
        |(request, answer, sources, span_knows, event_knows, skew, aliased)| Truth {
            request,
            answer,
            sources: if sources == (false, false, false) { (true, false, false) } else { sources },
            span_knows,
            event_knows,
            skew,
            aliased,
        },
    )
}

impl Truth {
    /// What is told of this call, the `number`th: its own tokens, its own time.
    fn tellings(&self, number: u64) -> Vec<Telling> {
        let (request, answer) = (format!("req_{number}"), format!("msg_01ABCDEFGHIJ{number:04}"));
        let base = |telling: Telling| telling.of("s").tokens(1_000 + number, 10).later(number * 10 * SECOND);
        let ids = |telling: Telling, (with_request, with_answer): (bool, bool)| {
            let telling = if self.request && with_request { telling.request(&request) } else { telling };
            if self.answer && with_answer { telling.answer(&answer) } else { telling }
        };
        let name = if self.aliased { "anthropic/claude-sonnet-4.5" } else { "claude-sonnet-4-5-20250929" };
        let aliased = |telling: Telling| telling.with(|call| call.model = Some(name.into()));
        let (by_proxy, by_span, by_event) = self.sources;
        let skewed = |telling: Telling| aliased(telling.later(self.skew));
        [
            by_proxy.then(|| ids(base(proxy()), (true, true))),
            by_span.then(|| ids(skewed(base(span())), self.span_knows)),
            by_event.then(|| ids(aliased(base(event())), self.event_knows)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

proptest! {
    /// Whatever is known of them, in whatever order it comes: each call once, and each report with its own call.
    #[test]
    fn any_order_gives_the_same_calls(
        (truths, order) in prop::collection::vec(truth(), 1..6)
            .prop_flat_map(|truths| {
                let count: usize = (1..).zip(&truths).map(|(n, truth)| truth.tellings(n).len()).sum();
                (Just(truths), Just((0..count).collect::<Vec<_>>()).prop_shuffle())
            })
    ) {
        let mut tellings = Vec::new();
        let mut sizes = Vec::new();
        for (number, truth) in (1..).zip(&truths) {
            let of = truth.tellings(number);
            sizes.push(of.len());
            tellings.extend(of);
        }
        sizes.sort_unstable();
        let tellings = numbered(&tellings);
        let shuffled: Vec<_> = order.iter().map(|index| tellings[*index]).collect();
        prop_assert_eq!(shapes(&shuffled), sizes);
        let proxied_are = |call: &Vec<(i64, Option<Rule>)>| call.iter().map(|(number, _)| *number).collect::<Vec<_>>();
        let straight: Vec<_> = arrive(&tellings).iter().map(proxied_are).collect();
        let shuffled: Vec<_> = arrive(&shuffled).iter().map(proxied_are).collect();
        prop_assert_eq!(straight, shuffled);
    }
}
