//! A sum of money over calls as a cell: what is known, what it stands on, and the way to the calls.

use api::Totals;
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::provenance::{SumText, of_sum, sum_text};

/// The cell. `when` says which calls, as in "today".
#[component]
pub fn SumCell(
    totals: Totals,
    #[prop(into)] when: String,
    #[prop(into)] price_date: String,
    #[prop(into)] href: String,
) -> impl IntoView {
    let title = of_sum(&totals, &when, &price_date);
    let shown = match sum_text(&totals) {
        SumText::Amount { text, partial } => view! {
            {partial.then(|| view! { <span class="part"><Glyph icon=Icon::Half small=true /></span> })}
            {text}
        }
        .into_any(),
        SumText::Unknown => view! { <span class="unknown">"unknown"</span> }.into_any(),
        SumText::Local => view! { <span class="t3">"local"</span> }.into_any(),
    };
    view! { <a class="num r fig-link" href=href title=title>{shown}</a> }
}
