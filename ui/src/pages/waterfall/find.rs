//! The field that finds spans by their words; Enter goes on to the next one.

use leptos::prelude::*;

use super::Page;
use crate::browser::focus;
use crate::components::icon::{Glyph, Icon};
use crate::format::thousands;
use crate::tree::Place;

const FIELD: &str = "find-in-spans";

/// Puts the cursor into the field.
pub fn focus_field() {
    focus(FIELD);
}

/// The field and how many were found.
#[component]
pub fn Find() -> impl IntoView {
    let page = expect_context::<Page>();
    let on_key = move |event: web_sys::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            go_on(page, !event.shift_key());
        }
        "Escape" => {
            event.prevent_default();
            page.words.set(String::new());
            let field = event_target::<web_sys::HtmlElement>(&event);
            // A field that cannot lose the cursor keeps it.
            let _ = field.blur();
        }
        _ => {}
    };
    let looking = move || page.words.with(|words| !words.trim().is_empty());
    let count = move || {
        looking().then(|| {
            let found = page.found.with(|found| found.len());
            view! { <span class="num t3 s11 nw" role="status" data-testid="found-count">{thousands(found as u64)}" found"</span> }
        })
    };
    view! {
        <label class="wfin">
            <Glyph icon=Icon::Search />
            <input
                id=FIELD type="text" autocomplete="off" spellcheck="false" placeholder="Find in spans"
                aria-label="Find in spans" data-testid="find-in-spans" prop:value=move || page.words.get()
                on:input=move |event| page.words.set(event_target_value(&event)) on:keydown=on_key
            />
            {count}
            <kbd>"f"</kbd>
        </label>
    }
}

/// To the next span that was found, as an open tree shows them; after the last the first.
fn go_on(page: Page, forward: bool) {
    let tree = page.tree_now();
    let found = page.found.get_untracked();
    let at = page.place.get_untracked().map(|place| tree.position(place));
    let place = |place: &Place| (tree.position(*place), *place);
    let next = if forward {
        let later = |position: u32| at.is_none_or(|at| position > at);
        found
            .iter()
            .map(place)
            .filter(|(position, _)| later(*position))
            .min()
            .or_else(|| found.iter().map(place).min())
    } else {
        let before = |position: u32| at.is_some_and(|at| position < at);
        found
            .iter()
            .map(place)
            .filter(|(position, _)| before(*position))
            .max()
            .or_else(|| found.iter().map(place).max())
    };
    if let Some((_, place)) = next {
        page.select(Some(place));
    }
}
