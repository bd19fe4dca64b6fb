//! The pane beside the table: one model's calls, its price with where it comes from, and the form for one's own.

use api::ModelUse;
use leptos::prelude::*;

use super::edit::Edit;
use super::{Page, words};
use crate::components::icon::{Glyph, Icon};
use crate::filter::View;
use crate::format::{duration, money, price, thousands};

/// The pane.
#[component]
pub fn Pane(model: Memo<Option<ModelUse>>) -> impl IntoView {
    let page = expect_context::<Page>();
    let name = move || model.with(|used| used.as_ref().map(words::name));
    let provider = move || model.with(|used| used.as_ref().map(|used| used.provider.clone()));
    view! {
        <aside class="det model" aria-label="Model" data-testid="model-pane">
            <div class="dh row g5">
                <span class="col grow">
                    <span class="b s14 cut" title=name>{name}</span>
                    <span class="mono t3 s12 cut">{provider}</span>
                </span>
                <button type="button" class="btn icon sm bare" title="Close (Esc)" aria-label="Close" data-testid="close-pane"
                    on:click=move |_| page.select(None)
                >
                    <Glyph icon=Icon::Close />
                </button>
            </div>
            {move || model.get().map(|used| view! { <Facts used=used /> })}
            {move || model.get().map(|used| view! { <Price used=used /> })}
            <Edit model=model />
        </aside>
    }
}

#[component]
fn Facts(used: ModelUse) -> impl IntoView {
    let calls = {
        let mut view = View::default();
        view.filter.model = used.model.clone();
        view.filter.provider = Some(used.provider.clone());
        view.address()
    };
    let (amount, why) = words::cost(&used);
    let mean = used.duration_us.checked_div(used.timed).map_or_else(|| "–".to_owned(), duration);
    let tokens = |tokens: Option<u64>| tokens.map_or_else(|| "–".to_owned(), thousands);
    let usage = used.usage;
    view! {
        <dl class="facts three">
            <div><dt>"Calls"</dt><dd class="num"><a href=calls title="Show them">{thousands(used.calls)}</a></dd></div>
            <div><dt>"Cost"</dt><dd class="num" title=why.clone()>{amount}</dd></div>
            <div><dt>"Mean time"</dt><dd class="num">{mean}</dd></div>
            <div><dt>"Input"</dt><dd class="num">{tokens(usage.input)}</dd></div>
            <div><dt>"Cache read"</dt><dd class="num">{tokens(usage.cache_read)}</dd></div>
            <div><dt>"Output"</dt><dd class="num">{tokens(usage.output)}</dd></div>
        </dl>
        <p class="explain believed">{why.replace('\n', " · ")}</p>
        {(used.subscription > 0).then(|| view! {
            <p class="explain" data-testid="model-equivalent">{format!("By the API, what the subscription pays for would have cost {}. Nothing of it is spent.", money(used.equivalent, 4))}</p>
        })}
    }
}

#[component]
fn Price(used: ModelUse) -> impl IntoView {
    let Some(row) = used.price.clone() else {
        let text = if used.local > 0 {
            "It runs on your own hardware and has no price by nature. Set one below if you want its calls to have one."
        } else {
            "No row of the prices has this name, and no rule leads to one. A price is never guessed: set one below, or refresh the prices, and price its calls again."
        };
        return view! { <section class="sec"><div class="sh"><h3>"Price"</h3></div><p class="explain" class:warn=used.local == 0 data-testid="no-price">{text}</p></section> }.into_any();
    };
    let base = row.base_key.clone().map(|key| format!(" Prices it does not name are those of {key}."));
    let rates = row
        .rates
        .iter()
        .map(|rate| {
            let of = if rate.of_tokens { "/ M" } else { "each" };
            view! {
                <div class="tr dense">
                    <span class="cut" title=rate.name.clone()>{words::rate_name(&rate.name)}</span>
                    <span class="num r">{price(&rate.each)}</span>
                    <span class="t3 s11">{of}</span>
                </div>
            }
        })
        .collect_view();
    view! {
        <section class="sec">
            <div class="sh"><h3>"Price"</h3><span class="t3 s12 cut end" data-testid="price-origin">{words::origin(&row)}</span></div>
            <p class="explain" data-testid="price-how">{words::how(&row)}{base}</p>
            <div class="rates">{rates}</div>
        </section>
    }
    .into_any()
}
