//! The filter of the Traces page: what can be typed, and what a condition does. Leaves out drawing
//! (`components::filter_field`).

use leptos::prelude::*;

use super::Page;
use super::suggestions::suggest;
use crate::backend::use_backend;
use crate::browser::utc_offset;
use crate::components::filter_field::FilterField;
use crate::fetch::fetch;
use crate::format::time::Stamp;

/// Chips, field and suggestions.
#[component]
pub fn FilterBar() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let (typed, focused) = (RwSignal::new(String::new()), RwSignal::new(false));
    let facets = fetch(true, move || focused.get().then_some(()), move |()| backend.facets());
    let offered = Memo::new(move |_| {
        facets.with(|facets| suggest(&typed.get(), facets.unwrap_or(&api::Facets::default())))
    });
    let chips =
        Memo::new(move |_| page.filter.with(|view| view.chips(|ms| Stamp::new(ms, utc_offset(ms)).chip())));
    view! {
        <FilterField
            placeholder="Filter, or search inside every prompt and answer" typed=typed focused=focused chips=chips
            offered=offered
            apply=move |text: String| page.show(page.filter.get_untracked().with_typed(&text))
            choose=move |(before, field, value): (String, &'static str, String)| {
                let mut view = page.filter.get_untracked().with_typed(&before);
                view.set(field, &value);
                page.show(view);
            }
            remove=move |field: &'static str| page.show(page.filter.get_untracked().without(field))
        />
    }
}
