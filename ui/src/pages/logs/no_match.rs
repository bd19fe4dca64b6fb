//! A filter that keeps no record: which condition to take away, and how many that gives.

use leptos::prelude::*;

use super::Page;
use super::view::LogView;
use crate::backend::{Backend, use_backend};
use crate::browser::{now_ms, utc_offset};
use crate::fetch::fetch;
use crate::filter::Chip;
use crate::format::plural;
use crate::format::time::Stamp;

/// Names the conditions; the one whose removal gives most records comes first.
#[component]
pub fn NoMatch() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let ways = fetch(
        true,
        move || Some(page.filter.get()),
        move |view| async move { Ok(ways_out(backend, view).await) },
    );
    let button = move |at: usize, chip: &Chip, less: &LogView, records: u64| {
        let (label, less) = (format!("Remove {} {}", chip.field, chip.value), less.clone());
        let class = if at == 0 && records > 0 { "btn pri" } else { "btn" };
        view! {
            <button type="button" class=class on:click=move |_| page.show(less.clone())>
                <span class="cut">{label}</span><span class="num dim">{plural(records, "record", "records")}</span>
            </button>
        }
    };
    let buttons = move || {
        ways.with(|ways| {
            let ways = ways.into_iter().flatten().enumerate();
            ways.map(|(at, (chip, less, records))| button(at, chip, less, *records)).collect_view()
        })
    };
    view! {
        <div class="blank" data-testid="no-match">
            <h2>"No record matches all of these"</h2>
            <p class="t2">"Take a condition away to see more."</p>
            <div class="row wrap">{buttons}</div>
        </div>
    }
}

/// Each condition, the view without it, and how many records that shows; most first.
async fn ways_out(backend: Backend, view: LogView) -> Vec<(Chip, LogView, u64)> {
    let mut ways = Vec::new();
    for chip in view.chips(|ms| Stamp::new(ms, utc_offset(ms)).chip()) {
        let less = view.without(chip.field);
        let found = backend.logs(less.filter_at(now_ms(), utc_offset(now_ms())), 1, 0, None).await;
        ways.push((chip, less, found.map_or(0, |page| page.total)));
    }
    ways.sort_by_key(|(_, _, records)| std::cmp::Reverse(*records));
    ways
}
