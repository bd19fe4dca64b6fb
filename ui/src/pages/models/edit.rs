//! The form for a price of one's own: from a day on, or for ever. Prices of tokens are dollars a million.

use std::collections::BTreeMap;

use api::{ModelUse, OwnPrice, PriceRate, RepriceScope};
use leptos::prelude::*;

use super::{Page, words};
use crate::backend::use_backend;
use crate::change::Change;
use crate::components::states::Refused;
use crate::components::two_step::TwoStep;

/// The prices that the form always has.
const USUAL: [&str; 5] = [
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
    "cache_creation_input_token_cost_above_1hr",
];

/// The form, and the own prices there are.
#[component]
pub fn Edit(model: Memo<Option<ModelUse>>) -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let key = Memo::new(move |_| model.with(|used| used.as_ref().map(words::key)));
    let typed = RwSignal::new(BTreeMap::<String, String>::new());
    let (from, note) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (saving, removing, again) = (Change::new(), Change::new(), Change::new());
    let saved = RwSignal::new(false);
    // Another model, another form.
    Effect::new(move |_| {
        key.track();
        typed.set(BTreeMap::new());
        from.set(String::new());
        note.set(String::new());
        saved.set(false);
    });
    let own = Memo::new(move |_| {
        let key = key.get()?;
        page.shown.with(|shown| {
            let own = shown?.tables.own.iter().filter(|price| price.model.eq_ignore_ascii_case(&key));
            Some(own.cloned().collect::<Vec<_>>())
        })
    });
    let save = move || {
        let Some(model) = key.get_untracked() else { return };
        let rates = typed.get_untracked().into_iter().filter(|(_, each)| !each.trim().is_empty());
        let rates = rates.map(|(name, each)| PriceRate { name, each, of_tokens: true }).collect();
        let text = |text: RwSignal<String>| Some(text.get_untracked()).filter(|text| !text.trim().is_empty());
        let price = OwnPrice { model, valid_from: text(from), note: text(note), rates };
        saved.set(false);
        saving.run(backend.set_price(price), move |_| {
            typed.try_set(BTreeMap::new());
            saved.try_set(true);
            page.shown.retry();
        });
    };
    let reprice = move |_| {
        let model = model.with_untracked(|used| used.as_ref().and_then(|used| used.model.clone()));
        let scope = RepriceScope { model, ..RepriceScope::default() };
        again.run(backend.reprice(scope, false), move |_| {
            saved.try_set(false);
            page.shown.retry();
        });
    };
    let field = move |name: &'static str| {
        let shown = move || {
            model.with(|used| {
                let row = used.as_ref()?.price.as_ref()?;
                row.rates.iter().find(|rate| rate.name == name).map(|rate| rate.each.clone())
            })
        };
        view! {
            <label class="field">
                <span class="t3 s11">{words::rate_name(name)}</span>
                <span class="box"><input type="text" inputmode="decimal" autocomplete="off" data-testid="own-rate" data-name=name
                    placeholder=move || shown().unwrap_or_else(|| "none".to_owned())
                    prop:value=move || typed.with(|typed| typed.get(name).cloned().unwrap_or_default())
                    on:input=move |event| typed.update(|typed| { typed.insert(name.to_owned(), event_target_value(&event)); })
                /></span>
            </label>
        }
    };
    let nothing = move || typed.with(|typed| typed.values().all(|text| text.trim().is_empty()));
    view! {
        <section class="sec ownprice">
            <div class="sh"><h3>"Your own price"</h3><span class="t3 s12 end">"dollars a million tokens"</span></div>
            {move || own.get().unwrap_or_default().into_iter().map(|price| view! { <Own price=price removing=removing /> }).collect_view()}
            <form on:submit=move |event| { event.prevent_default(); save(); }>
                <div class="ratefields">{USUAL.map(field)}
                    <label class="field"><span class="t3 s11">"Holds from, else for ever"</span>
                        <span class="box"><input type="text" placeholder="YYYY-MM-DD" autocomplete="off" data-testid="own-from"
                            prop:value=move || from.get() on:input=move |event| from.set(event_target_value(&event)) /></span>
                    </label>
                </div>
                <label class="field"><span class="t3 s11">"Note"</span>
                    <span class="box"><input type="text" placeholder="Why" autocomplete="off"
                        prop:value=move || note.get() on:input=move |event| note.set(event_target_value(&event)) /></span>
                </label>
                <div class="row g3 acts">
                    <button type="submit" class="btn sm pri" data-testid="own-save" disabled=move || nothing() || saving.busy.get()>
                        {move || if saving.busy.get() { "Saving" } else { "Set price" }}
                    </button>
                    <button type="button" class="btn sm" data-testid="reprice-model" on:click=reprice disabled=move || again.busy.get()
                        title="Each call by the price of its own time; the audit says what changed">"Price its calls again"</button>
                </div>
            </form>
            {move || saved.get().then(|| view! { <p class="explain ok" role="status" data-testid="own-saved">"Set. New calls have this price; recorded ones keep theirs until they are priced again."</p> })}
            <Refused error=saving.refused /><Refused error=removing.refused /><Refused error=again.refused />
        </section>
    }
}

#[component]
fn Own(price: OwnPrice, removing: Change) -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let rates: Vec<String> =
        price.rates.iter().map(|rate| format!("{} ${}", words::rate_name(&rate.name), rate.each)).collect();
    let from = price.valid_from.clone().map_or_else(|| "for ever".to_owned(), |day| format!("from {day}"));
    let note = price.note.clone().map(|note| format!(" · {note}"));
    let question = Signal::derive(|| "Recorded calls keep their cost.".to_owned());
    let remove = move |()| {
        let (model, valid_from) = (price.model.clone(), price.valid_from.clone());
        removing.run(backend.remove_price(model, valid_from), move |_| page.shown.retry());
    };
    view! {
        <div class="row g3 ownrow" data-testid="own-price">
            <span class="grow">{rates.join(", ")}<span class="t3">{format!(" {from}")}{note}</span></span>
            <TwoStep label="Remove" question=question yes=remove disabled=removing.busy testid="own-remove" />
        </div>
    }
}
