//! Trees of spans as tools report them, and as they should not.

use std::collections::HashSet;

use api::{CallId, CostSource, Money, SpanCall, SpanRow, SpanType, Usage};

use super::critical::critical;
use super::rows::{Row, Shown, rows};
use super::scale::{Window, length};
use super::shares::shares;
use super::{Place, Tree, key};

/// A second.
const S: i64 = 1_000_000_000;

/// `id` below `parent` from second `from` to second `to`.
fn span(id: u64, parent: u64, from: i64, to: i64) -> SpanRow {
    SpanRow {
        id: format!("{id:016x}"),
        parent: (parent > 0).then(|| format!("{parent:016x}")),
        name: format!("span {id}"),
        label: None,
        span_type: SpanType::Custom,
        infrastructure: false,
        start_ns: 1_000 * S + from * S,
        duration_ns: (to - from) * S,
        failed: false,
        service: None,
        call: None,
    }
}

fn call(number: u8, dollars: Option<i64>) -> SpanCall {
    SpanCall {
        id: CallId::from_slice(&[number; 16]).unwrap(),
        model: Some("m".into()),
        usage: Usage::default(),
        cost: dollars.map(|dollars| Money::from_pico(dollars * 1_000_000_000_000)),
        cost_source: if dollars.is_some() { CostSource::Computed } else { CostSource::Unknown },
        first_token_us: None,
        sources: vec![],
    }
}

fn name(tree: &Tree, place: Place) -> String {
    match tree.span(place) {
        Some(span) => span.name.trim_start_matches("span ").to_owned(),
        None => format!("?{}", key(tree.missing(place).unwrap())),
    }
}

/// The rows as `depth:name`.
fn drawn(tree: &Tree, shown: &Shown) -> String {
    let row = |row: &Row| {
        let mark = match (row.parent, row.open) {
            (true, false) => "+",
            _ => "",
        };
        let folded = if row.folded > 0 { format!("/{}", row.folded) } else { String::new() };
        format!("{}:{}{mark}{folded}", row.depth, name(tree, row.place))
    };
    rows(tree, shown).iter().map(row).collect::<Vec<_>>().join(" ")
}

fn ids(places: &[u64]) -> HashSet<String> {
    places.iter().map(|id| format!("{id:016x}")).collect()
}

#[test]
fn children_stand_below_their_parents_by_their_beginning_however_they_came() {
    let mut spans = vec![span(1, 0, 0, 9), span(2, 1, 1, 4), span(3, 1, 5, 8), span(4, 2, 2, 3)];
    let whole = "0:1 1:2 2:4 1:3";
    assert_eq!(drawn(&Tree::build(spans.clone()), &Shown::default()), whole);
    spans.reverse();
    assert_eq!(drawn(&Tree::build(spans.clone()), &Shown::default()), whole);
    spans.push(span(3, 2, 3, 4));
    assert_eq!(drawn(&Tree::build(spans), &Shown::default()), "0:1 1:2 2:4 2:3", "the later word counts");
}

#[test]
fn spans_whose_parent_is_missing_stand_under_a_marker() {
    let tree = Tree::build(vec![span(5, 0, 0, 9), span(2, 7, 1, 2), span(3, 7, 3, 4), span(4, 8, 2, 3)]);
    assert_eq!(drawn(&tree, &Shown::default()), "0:5 0:?7 1:2 1:3 0:?8 1:4");
    assert_eq!(tree.orphans(), 3);
    let marker = tree.find("0000000000000007").unwrap();
    assert_eq!(tree.times(marker), (S, 4 * S), "a marker spans its spans");
    assert_eq!(tree.len(), 4, "markers are no spans");
}

#[test]
fn loops_are_cut_and_said() {
    let tree = Tree::build(vec![span(1, 2, 0, 4), span(2, 3, 1, 3), span(3, 1, 2, 3), span(4, 4, 0, 1)]);
    assert_eq!(rows(&tree, &Shown::default()).len(), 4, "nothing is lost");
    let looped = (0..4).filter(|place| tree.node(*place).unwrap().odd.looped).count();
    assert_eq!(looped, 2);
}

#[test]
fn infrastructure_is_folded_into_what_stands_above_it() {
    let mut spans =
        vec![span(1, 0, 0, 9), span(2, 1, 1, 8), span(3, 2, 2, 7), span(4, 3, 3, 6), span(5, 1, 4, 5)];
    spans[1].infrastructure = true;
    spans[2].infrastructure = true;
    let tree = Tree::build(spans.clone());
    assert_eq!(drawn(&tree, &Shown::default()), "0:1/2 1:4 1:5");
    let unfolded = Shown { unfolded: ids(&[1]), ..Shown::default() };
    assert_eq!(drawn(&tree, &unfolded), "0:1 1:2 2:3 3:4 1:5");
    assert_eq!(drawn(&tree, &Shown { infrastructure: true, ..Shown::default() }), "0:1 1:2 2:3 3:4 1:5");
    assert_eq!(tree.foldable(), 2);
    spans[2].failed = true;
    let tree = Tree::build(spans.clone());
    assert_eq!(drawn(&tree, &Shown::default()), "0:1/1 1:3 2:4 1:5", "what failed is shown");
    spans[0].infrastructure = true;
    assert_eq!(drawn(&Tree::build(spans), &Shown::default()), "0:1/1 1:3 2:4 1:5", "the root stays");
}

#[test]
fn parts_can_be_closed_and_all_of_it() {
    let tree = Tree::build(vec![span(1, 0, 0, 9), span(2, 1, 1, 4), span(4, 2, 2, 3), span(3, 1, 5, 8)]);
    let closed = Shown { turned: ids(&[2]), ..Shown::default() };
    assert_eq!(drawn(&tree, &closed), "0:1 1:2+ 1:3");
    let all = Shown { closed: true, ..Shown::default() };
    assert_eq!(drawn(&tree, &all), "0:1 1:2+ 1:3", "the first level stays in view");
    let but = Shown { closed: true, turned: ids(&[2]), ..Shown::default() };
    assert_eq!(drawn(&tree, &but), "0:1 1:2 2:4 1:3");
    assert_eq!(tree.node(0).unwrap().below, 3);
}

#[test]
fn a_red_line_leads_from_an_error_to_the_root() {
    let mut spans =
        vec![span(1, 0, 0, 9), span(2, 1, 1, 2), span(3, 1, 3, 6), span(5, 3, 4, 5), span(6, 1, 7, 8)];
    spans[3].failed = true;
    let tree = Tree::build(spans);
    let rows = rows(&tree, &Shown::default());
    let says = |at: usize| {
        let lines = rows[at].lines;
        (lines.failing, lines.red_next, lines.next)
    };
    assert_eq!(says(0), (true, false, false));
    assert_eq!(says(1), (false, true, true), "the line passes the sibling before it");
    assert_eq!(says(2), (true, false, true));
    assert_eq!(says(3), (true, false, false));
    assert_eq!((rows[3].lines.through, rows[3].lines.red), (1, 0), "grey goes on to the last sibling");
    assert_eq!(tree.error_after(None, true), Some(3));
    assert_eq!(tree.error_after(Some(3), true), Some(3), "the only one comes round again");
    assert_eq!(Tree::build(vec![span(1, 0, 0, 1)]).error_after(None, false), None);
}

#[test]
fn a_call_told_of_by_two_spans_costs_once() {
    let mut spans = vec![span(1, 0, 0, 9), span(2, 1, 1, 8), span(3, 2, 2, 7), span(4, 1, 8, 9)];
    spans[1].call = Some(call(1, Some(2)));
    spans[2].call = Some(call(1, Some(2)));
    spans[3].call = Some(call(2, None));
    let tree = Tree::build(spans);
    let sum = tree.node(0).unwrap().sum;
    assert_eq!((sum.calls, sum.priced, sum.unpriced), (2, 1, 1));
    assert_eq!(sum.cost, Money::from_pico(2_000_000_000_000));
}

#[test]
fn times_that_make_no_sense_are_said() {
    let mut spans =
        vec![span(1, 0, 10, 20), span(2, 1, 8, 12), span(3, 1, 19, 25), span(4, 1, 12, 11), span(5, 1, 0, 0)];
    spans[4].start_ns = 0;
    spans.push(SpanRow { duration_ns: -1, ..span(6, 1, 12, 13) });
    let tree = Tree::build(spans);
    let odd = |id: u64| tree.node(tree.find(&format!("{id:016x}")).unwrap()).unwrap().odd;
    assert_eq!((odd(2).before, odd(2).after), (2 * S, 0));
    assert_eq!((odd(3).before, odd(3).after), (0, 5 * S));
    assert!(odd(4).backwards && odd(5).timeless && !odd(1).is_odd());
    assert!(odd(6).endless && !odd(6).backwards, "an end that was not said is no end before the beginning");
    assert_eq!(tree.length_ns(), 17 * S, "1970 is not part of it");
}

#[test]
fn the_critical_path_follows_what_was_waited_for() {
    let spans = vec![
        span(1, 0, 0, 20),
        span(2, 1, 0, 8),
        span(3, 1, 0, 3),
        span(4, 1, 8, 20),
        span(5, 4, 9, 12),
        span(6, 4, 10, 19),
    ];
    let mut spans = spans;
    spans[0].span_type = SpanType::Agent;
    let tree = Tree::build(spans);
    let path = critical(&tree);
    let on: Vec<String> =
        (0..6).filter(|place| path.contains(*place)).map(|place| name(&tree, place)).collect();
    assert_eq!(on, ["1", "2", "4", "6"], "3 and 5 ended while something longer ran");
    assert_eq!(path.work_ns, 20 * S);
}

#[test]
fn the_critical_path_goes_on_after_a_root_that_only_starts_things() {
    let mut spans = vec![span(1, 0, 0, 2), span(2, 1, 1, 20), span(3, 2, 4, 8), span(4, 2, 9, 20)];
    spans[1].span_type = SpanType::Agent;
    let tree = Tree::build(spans);
    let path = critical(&tree);
    assert!((0..4).all(|place| path.contains(place)));
    assert_eq!(path.work_ns, (1 + 4 + 11) * S, "the root until the agent began, and both steps of the agent");
}

#[test]
fn shares_count_each_moment_once() {
    let mut spans = vec![span(1, 0, 0, 10), span(2, 1, 1, 5), span(3, 1, 3, 7), span(4, 1, 8, 9)];
    spans[0].span_type = SpanType::Agent;
    for one in &mut spans[1..3] {
        one.span_type = SpanType::Llm;
    }
    let found = shares(&Tree::build(spans));
    let of = |kind| {
        found.iter().find(|share| share.span_type == kind).map(|share| (share.spans, share.time_ns / S))
    };
    assert_eq!(of(SpanType::Llm), Some((2, 6)));
    assert_eq!(of(SpanType::Custom), Some((1, 1)));
    assert_eq!(of(SpanType::Agent), Some((1, 3)), "where nothing inside it ran");
    assert_eq!(of(SpanType::Tool), None);
}

#[test]
fn spans_are_found_by_their_words() {
    let mut spans = vec![span(1, 0, 0, 9), span(2, 1, 1, 8)];
    spans[1].label = Some("cargo nextest RUN Übung".into());
    let tree = Tree::build(spans);
    assert_eq!(tree.with_words("NEXTEST run"), HashSet::from([1]));
    assert_eq!(tree.with_words("span").len(), 2);
    assert_eq!(tree.with_words("übung"), HashSet::from([1]));
    assert!(tree.with_words("  ").is_empty());
}

#[test]
fn neighbours_and_ancestors() {
    let tree = Tree::build(vec![span(1, 0, 0, 9), span(2, 1, 1, 4), span(4, 2, 2, 3), span(3, 1, 5, 8)]);
    let at = |id: u64| tree.find(&format!("{id:016x}")).unwrap();
    assert_eq!(tree.sibling(at(2), 1), Some(at(3)));
    assert_eq!(tree.sibling(at(3), 1), None);
    assert_eq!(tree.ancestors(at(4)).collect::<Vec<_>>(), [at(2), at(1)]);
}

#[test]
fn a_window_shows_its_part_and_marks_it_round() {
    let all = Window::whole(118 * S);
    let words = |window: Window| window.ticks(6.0).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
    assert_eq!(words(all), ["0", "20 s", "40 s", "60 s", "80 s", "100 s"]);
    let part = Window { from: 15.2e9, to: 15.45e9 }.within(118 * S);
    assert_eq!(words(part), ["15.20 s", "15.25 s", "15.30 s", "15.35 s", "15.40 s", "15.45 s"]);
    assert_eq!(words(Window::whole(5_400 * S)), ["0", "15 m", "30 m", "45 m", "1 h", "1 h 15 m", "1 h 30 m"]);
    assert_eq!(
        words(Window::whole(3_000)),
        ["0", "500 ns", "1.0 µs", "1.5 µs", "2.0 µs", "2.5 µs", "3.0 µs"]
    );
    assert_eq!(part.bar(0, 118 * S), Some((0.0, 100.0)));
    assert_eq!(part.bar(0, S), None);
    let close = Window { from: 5.0, to: 5.0 }.within(118 * S);
    assert!(close.length() >= 999.0, "{close:?}");
    assert!(all.is_whole(118 * S) && !part.is_whole(118 * S));
    assert!(part.moved(1e12, 118 * S).to <= 118e9);
    assert!(all.scaled(0.5, 0.5, 118 * S).length() < 60e9);
}

#[test]
fn lengths_begin_with_nanoseconds() {
    let cases =
        [(0, "0 ms"), (840, "840 ns"), (420_000, "420 µs"), (38_000_000, "38 ms"), (-2 * S, "−2.00 s")];
    for (ns, text) in cases {
        assert_eq!(length(ns), text);
    }
}

/// A hundred thousand spans take no stack, however deep they lie.
#[test]
fn deep_and_broad_trees_are_built() {
    let deep: Vec<SpanRow> = (1..=100_000).map(|id| span(id, id - 1, 0, 9)).collect();
    let tree = Tree::build(deep);
    assert_eq!(rows(&tree, &Shown::default()).len(), 100_000);
    assert!(critical(&tree).contains(99_999));
    let broad: Vec<SpanRow> = (1..=100_000).map(|id| span(id, u64::from(id > 1), 0, id as i64)).collect();
    let tree = Tree::build(broad);
    assert_eq!(rows(&tree, &Shown::default()).len(), 100_000);
    assert_eq!(tree.order().len(), 100_000);
}
