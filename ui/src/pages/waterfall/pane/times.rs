//! The Timing tab: when the span began and ended, what took its time, and its call step by step.

use api::{ReportSource, SpanRow};
use leptos::prelude::*;

use super::super::Page;
use super::Known;
use crate::browser::utc_offset;
use crate::format::percent;
use crate::format::time::Stamp;
use crate::pages::trace::parts;
use crate::tree::scale::length;
use crate::tree::{NO_END_NS, Place, Tree};

/// The tab.
#[component]
pub fn Times(row: SpanRow, known: Known) -> impl IntoView {
    let page = expect_context::<Page>();
    let tree = page.tree_now();
    let place = tree.find(&row.id);
    let clock = |ns: i64| {
        let ms = ns.div_euclid(1_000_000);
        format!("{}{:06}", Stamp::new(ms, utc_offset(ms)).exact_clock(), ns.rem_euclid(1_000_000))
    };
    let whole = tree.length_ns().unsigned_abs();
    let own = place.map(|place| own_time(&tree, place));
    let critical = place.is_some_and(|place| page.load.path.with_untracked(|path| path.contains(place)));
    let timed = row.start_ns > 0;
    let facts = [
        ("Began", timed.then(|| clock(row.start_ns))),
        (
            "Ended",
            (timed && row.duration_ns != NO_END_NS)
                .then(|| clock(row.start_ns.saturating_add(row.duration_ns))),
        ),
        ("Took", Some(length(row.duration_ns))),
        ("After the trace began", place.filter(|_| timed).map(|place| length(tree.times(place).0))),
        ("Share of the trace", Some(percent(row.duration_ns.max(0).unsigned_abs(), whole))),
        ("Own time", own.map(length)),
        ("On the critical path", Some(if critical { "yes" } else { "no" }.to_owned())),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(name, value)| Some(view! { <dt>{name}</dt><dd class="num">{value?}</dd> }))
        .collect_view();
    let events = move || {
        known.span.and_then(|span| {
            span.with(|span| {
                let span = span.filter(|span| !span.events.is_empty())?;
                let start = span.row.start_ns;
                let rows = span.events.iter().map(|event| {
                    let at = length(event.time_ns.saturating_sub(start));
                    view! { <dt class="cut" title=event.name.clone()>{event.name.clone()}</dt><dd class="num">{at}</dd> }
                });
                Some(view! {
                    <div class="sec"><div class="sh"><h3>"Events"</h3><span class="t3 s12">"after the span began"</span></div>
                        <dl class="about">{rows.collect_view()}</dl></div>
                })
            })
        })
    };
    let call = move || {
        known.call.with(|call| {
            let call = call.filter(|call| call.summary.sources.contains(&ReportSource::Proxy))?;
            Some(view! { <parts::Timing call=call.clone() /> })
        })
    };
    view! {
        <div data-testid="span-timing">
            <div class="sec"><div class="sh"><h3>"The span"</h3></div><dl class="about">{facts}</dl></div>
            {events}
            {call}
        </div>
    }
}

/// How long nothing below it ran.
fn own_time(tree: &Tree, place: Place) -> i64 {
    let (from, to) = tree.times(place);
    let (mut at, mut own) = (from, 0);
    for child in tree.children(place) {
        let (begun, ended) = tree.times(*child);
        own += (begun.min(to) - at).max(0);
        at = at.max(ended.min(to));
    }
    own + (to - at).max(0)
}
