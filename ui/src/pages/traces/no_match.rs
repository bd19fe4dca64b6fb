//! A filter that keeps nothing: which condition to take away, and how many calls that gives.

use leptos::prelude::*;

use super::Page;
use crate::backend::{Backend, use_backend};
use crate::browser::{now_ms, utc_offset};
use crate::fetch::fetch;
use crate::filter::{Chip, View};
use crate::format::plural;
use crate::format::time::Stamp;

/// Names the conditions; the one whose removal gives most calls comes first.
#[component]
pub fn NoMatch() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let ways = fetch(
        true,
        move || Some(page.filter.get()),
        move |view| async move { Ok(ways_out(backend, view).await) },
    );
    let button = move |at: usize, chip: &Chip, less: &View, calls: u64| {
        let (label, less) = (format!("Remove {} {}", chip.field, chip.value), less.clone());
        let class = if at == 0 && calls > 0 { "btn pri" } else { "btn" };
        view! {
            <button type="button" class=class on:click=move |_| page.show(less.clone())>
                {label}<span class="num dim">{plural(calls, "call", "calls")}</span>
            </button>
        }
    };
    let buttons = move || {
        ways.with(|ways| {
            let ways = ways.into_iter().flatten().enumerate();
            ways.map(|(at, (chip, less, calls))| button(at, chip, less, *calls)).collect_view()
        })
    };
    view! {
        <div class="blank" data-testid="no-match">
            <h2>"No call matches all of these"</h2>
            <p class="t2">"Take a condition away to see more."</p>
            <div class="row wrap">{buttons}</div>
        </div>
    }
}

/// Each condition, the view without it, and how many calls that shows; most first.
async fn ways_out(backend: Backend, view: View) -> Vec<(Chip, View, u64)> {
    let stamp = |ms: i64| {
        let stamp = Stamp::new(ms, utc_offset(ms));
        format!("{} {}", stamp.day_month(), stamp.short_clock())
    };
    let mut ways = Vec::new();
    for chip in view.chips(stamp) {
        let less = view.without(chip.field);
        let page = api::Page { limit: 1, offset: 0, before: None };
        let calls = backend.calls(less.filter_at(now_ms(), utc_offset(now_ms())), page).await;
        ways.push((chip, less, calls.map_or(0, |page| page.total)));
    }
    ways.sort_by_key(|(_, _, calls)| std::cmp::Reverse(*calls));
    ways
}
