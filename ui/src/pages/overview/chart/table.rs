//! The same as a table: a row a bar, newest first, a column a group.

use leptos::prelude::*;

use super::bar_name;
use super::stacks::Stacks;
use crate::format::{money, thousands};
use crate::provenance::{SumText, sum_text};

/// Groups that have a column.
const COLUMNS: usize = 5;

/// The table.
#[component]
pub fn Table(stacks: Memo<Option<Stacks>>) -> impl IntoView {
    move || {
        stacks.with(|stacks| {
            let stacks = stacks.as_ref()?;
            let columns = stacks.stacks.len().min(COLUMNS);
            let style = format!("--cols:minmax(150px,1.4fr) 56px repeat({columns},minmax(64px,1fr)) 80px");
            let head = stacks.stacks.iter().take(columns).map(|stack| {
                view! { <span class="r cut" role="columnheader" title=stack.name.clone()>{stack.name.clone()}</span> }
            });
            let rows = (0..stacks.bars.len()).rev().map(|bar| row(stacks, bar, columns));
            Some(view! {
                <div class="tbl as-table" style=style role="table" aria-label="Cost over time" data-testid="chart-table">
                    <div class="tr th" role="row">
                        <span role="columnheader">"time"</span><span class="r" role="columnheader">"calls"</span>
                        {head.collect_view()}
                        <span class="r" role="columnheader">"all"</span>
                    </div>
                    <div class="scroll" role="rowgroup" tabindex="0">{rows.collect_view()}</div>
                </div>
            })
        })
    }
}

fn row(stacks: &Stacks, bar: usize, columns: usize) -> impl IntoView + use<> {
    let totals = stacks.by_bar.get(bar).copied().unwrap_or_default();
    let all = match sum_text(&totals) {
        SumText::Amount { text, .. } => text,
        SumText::Unknown => "unknown".to_owned(),
        SumText::Local => "local".to_owned(),
    };
    let cells = stacks
        .stacks
        .iter()
        .take(columns)
        .map(|stack| {
            let totals = stack.by_bar.get(bar).copied().unwrap_or_default();
            let text = match sum_text(&totals) {
                _ if totals.calls == 0 => "–".to_owned(),
                SumText::Amount { .. } => money(totals.cost, 2),
                SumText::Unknown => "unknown".to_owned(),
                SumText::Local => "local".to_owned(),
            };
            view! { <span class="num r t2" role="cell">{text}</span> }
        })
        .collect_view();
    view! {
        <a class="tr dense" role="row" href=stacks.calls(None, Some(bar))>
            <span class="cut" role="cell">{bar_name(stacks.view.range, stacks.bars.span(bar))}</span>
            <span class="num r t3" role="cell">{thousands(totals.calls)}</span>
            {cells}
            <span class="num r m" role="cell">{all}</span>
        </a>
    }
}
