//! The line under the table: what all that match add up to.

use leptos::prelude::*;

use super::Page;
use crate::format::{money, plural, short, thousands};

/// Totals and the keys that matter here.
#[component]
pub fn Totals() -> impl IntoView {
    let page = expect_context::<Page>();
    let line = move || {
        page.stats.with(|stats| {
            let stats = stats?;
            let tokens = stats.usage.total().unwrap_or(0);
            let unpriced = stats.unpriced;
            Some(view! {
                <span class="num" data-testid="total-traces">{plural(page.list.total.get(), "trace", "traces")}</span>
                <span class="num t3" data-testid="total-calls">{plural(stats.calls, "call", "calls")}</span>
                <span class="num t3" class:err=stats.errors != 0 data-testid="total-errors">
                    {plural(stats.errors, "error", "errors")}
                </span>
                <span class="num t3" title=thousands(tokens) data-testid="total-tokens">{short(tokens)}" tokens"</span>
                <span class="num t3" data-testid="total-cost">
                    {money(stats.cost, 2)}
                    {(unpriced > 0).then(|| view! {
                        <span class="warn">{format!(" and {} not fully priced", thousands(unpriced))}</span>
                    })}
                </span>
            })
        })
    };
    view! {
        <div class="lf" data-testid="totals">
            {line}
            <span class="end t3 hints"><kbd>"j"</kbd>" "<kbd>"k"</kbd>" move, "<kbd>"Enter"</kbd>" open, "<kbd>"/"</kbd>" filter"</span>
        </div>
    }
}
