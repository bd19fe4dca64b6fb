//! The table of models: those without a known price first.

use api::ModelUse;
use leptos::prelude::*;

use super::{Page, SPANS, words};
use crate::colour;
use crate::format::{money, short, thousands};

/// The stretch of time, the head and the rows.
#[component]
pub fn Table() -> impl IntoView {
    let page = expect_context::<Page>();
    let models = Memo::new(move |_| {
        page.shown.with(|shown| shown.map(|shown| shown.models.clone()).unwrap_or_default())
    });
    view! {
        <div class="spans"><div class="seg" role="group" aria-label="Stretch of time">
            {SPANS.iter().enumerate().map(|(at, (label, _))| view! {
                <button type="button" aria-pressed=move || (page.span.get() == at).to_string()
                    on:click=move |_| page.span.set(at)>{*label}</button>
            }).collect_view()}
        </div></div>
        <div class="tbl used" role="grid" aria-label="Models" data-testid="models-table">
            <div class="tr th" role="row">
                <span role="columnheader">"Model"</span>
                <span class="r" role="columnheader">"Calls"</span>
                <span class="r" role="columnheader">"Tokens"</span>
                <span class="r" role="columnheader">"Cost"</span>
                <span class="r c-plan" role="columnheader" title="What calls that a subscription pays for would have cost by the API; not spent">"By the API"</span>
                <span class="r" role="columnheader" title="Dollars a million tokens">"In"</span>
                <span class="r" role="columnheader" title="Dollars a million tokens">"Out"</span>
                <span class="c-row" role="columnheader">"Price"</span>
            </div>
            {move || models.with(|models| models.is_empty()).then(|| view! {
                <p class="explain nothing" data-testid="models-empty">"No call of a model ended in this time. Point a tool at the proxy (Connect), or choose a longer time."</p>
            })}
            <For each=move || models.get() key=|used| (words::key(used), used.calls, used.cost, used.unpriced, used.price.clone().map(|row| (row.key, row.rates.len(), row.date))) let(used)>
                <Row used=used />
            </For>
        </div>
    }
}

#[component]
fn Row(used: ModelUse) -> impl IntoView {
    let page = expect_context::<Page>();
    let key = words::key(&used);
    let of = key.clone();
    let selected = Memo::new(move |_| page.selected.with(|selected| selected.as_ref() == Some(&of)));
    let target = key.clone();
    let (name, (amount, why)) = (words::name(&used), words::cost(&used));
    let unknown = used.unpriced > 0;
    let nothing_known = amount == "unknown";
    let plan = (used.subscription > 0).then(|| money(used.equivalent, 4));
    let (input, output, row, how) = match &used.price {
        Some(row) => (
            words::each(row, "input_cost_per_token"),
            words::each(row, "output_cost_per_token"),
            words::origin(row),
            words::how(row),
        ),
        None if used.local > 0 => {
            ("–".into(), "–".into(), "local".into(), "It runs on your own hardware".into())
        }
        None => ("–".into(), "–".into(), "none".into(), "No row of the prices has this name".into()),
    };
    let missing = used.price.is_none() && used.local == 0;
    let hue = format!("background:{}", colour::model(&name, used.local > 0));
    view! {
        <div class="tr" role="row" data-testid="model-row" data-name=key aria-selected=move || selected.get().to_string()
            on:click=move |_| page.select(Some(target.clone()))
        >
            <span role="gridcell" class="row g3">
                <i class="sw" style=hue></i>
                <span class="cut ttl" title=name>{name.clone()}</span>
                <span class="t3 s11 cut">{used.provider.clone()}</span>
            </span>
            <span role="gridcell" class="num r">{thousands(used.calls)}</span>
            <span role="gridcell" class="num r">{used.usage.total().map_or_else(|| "–".to_owned(), short)}</span>
            <span role="gridcell" class="num r" class:unknown=nothing_known title=why>
                {amount}{(unknown && used.unpriced < used.calls).then(|| view! { <span class="warn" title="Some calls are not in it">" +?"</span> })}
            </span>
            <span role="gridcell" class="num r c-plan t2">{plan.unwrap_or_else(|| "–".to_owned())}</span>
            <span role="gridcell" class="num r">{input}</span>
            <span role="gridcell" class="num r">{output}</span>
            <span role="gridcell" class="c-row cut" class:warn=missing title=how>{row}</span>
        </div>
    }
}
