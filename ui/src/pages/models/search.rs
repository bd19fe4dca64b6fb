//! Looking through the whole price table.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::words;
use crate::backend::use_backend;
use crate::components::states::ErrorPanel;
use crate::fetch::fetch;
use crate::format::thousands;

const INPUT: &str = "price-search";
/// Rows that are shown.
const SHOWN: u32 = 50;

/// Puts the cursor into the field.
pub fn focus() {
    let found = document().get_element_by_id(INPUT);
    if let Some(input) = found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok()) {
        // A field that cannot take the focus stays without it.
        let _ = input.focus();
    }
}

/// The field and what it finds.
#[component]
pub fn Search() -> impl IntoView {
    let backend = use_backend();
    let text = RwSignal::new(String::new());
    let found = fetch(
        true,
        move || Some(text.get().trim().to_owned()).filter(|text| !text.is_empty()),
        move |text| backend.find_prices(text, SHOWN),
    );
    let count = move || {
        found.with(|page| {
            page.map(|page| match page.total {
                0 => "No row of the prices has these words.".to_owned(),
                total if total > u64::from(SHOWN) => {
                    format!("{} rows, the first {SHOWN} here", thousands(total))
                }
                1 => "1 row".to_owned(),
                total => format!("{} rows", thousands(total)),
            })
        })
    };
    view! {
        <section class="pricebook" aria-label="Price table">
            <div class="sh"><h3>"Price table"</h3><span class="t3 s12 cut">{count}</span><span class="end"></span>
                <input id=INPUT type="search" class="lookup" placeholder="Search all prices ( / )" aria-label="Search all prices" data-testid="price-search"
                    prop:value=move || text.get() on:input=move |event| text.set(event_target_value(&event)) />
            </div>
            {move || found.error().map(|error| view! {
                <ErrorPanel what="The price table could not be searched" error=error retry=move |()| found.retry() />
            })}
            {move || text.with(|text| text.trim().is_empty()).then(|| view! {
                <p class="explain nothing">"Every model that has a price, used or not: search by its name."</p>
            })}
            <div class="tbl pricerows" role="table" aria-label="Rows of the price table">
                {move || found.with(|page| page.map(|page| page.rows.iter().map(|row| {
                    let rates = row.rates.iter().map(|rate| {
                        let of = if rate.of_tokens { " / M" } else { "" };
                        format!("{}: ${}{of}", words::rate_name(&rate.name), rate.each)
                    });
                    let rates = rates.collect::<Vec<_>>().join("\n");
                    view! {
                        <div class="tr" role="row" data-testid="price-row" title=rates>
                            <span role="cell" class="mono cut">{row.key.clone()}</span>
                            <span role="cell" class="num r">{words::each(row, "input_cost_per_token")}</span>
                            <span role="cell" class="num r">{words::each(row, "output_cost_per_token")}</span>
                            <span role="cell" class="t2 cut">{words::origin(row)}</span>
                        </div>
                    }
                }).collect_view()))}
            </div>
        </section>
    }
}
