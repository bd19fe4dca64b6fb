//! What the colours mean, and how much of the time each took.

use leptos::prelude::*;

use super::Page;
use crate::components::marks::span_type;
use crate::format::{percent, plural};
use crate::tree::scale::length;

/// The line below the rows.
#[component]
pub fn Legend() -> impl IntoView {
    let page = expect_context::<Page>();
    let drawn = move || {
        page.load.shares.with(|shares| {
            let whole = page.load.tree.with_untracked(|tree| tree.length_ns()).unsigned_abs();
            let share = |time: i64| percent(time.unsigned_abs(), whole);
            shares
                .iter()
                .copied()
                .map(|one| {
                    let (_, stem, _) = span_type(one.span_type);
                    let title = format!("{}, running for {}", plural(u64::from(one.spans), "span", "spans"), length(one.time_ns));
                    let counts = one.time_ns.unsigned_abs() * 200 >= whole;
                    view! {
                        <span class="row g2" title=title>
                            <i class="sw" style=format!("background:var(--span-{stem});box-shadow:inset 0 0 0 1px var(--span-{stem}-line)")></i>
                            <span class="t2">{stem}</span>
                            {counts.then(|| view! { <span class="num">{share(one.time_ns)}</span> })}
                        </span>
                    }
                })
                .collect_view()
        })
    };
    view! {
        <div class="wleg s11" data-testid="span-legend">
            {drawn}
            <span class="end t3 nw"><i class="ttm"></i>"waiting for first token"</span>
        </div>
    }
}
