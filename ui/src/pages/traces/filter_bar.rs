//! The filter: its conditions as chips, and the field in which more are typed.

use leptos::html::Input;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Page;
use super::suggestions::{Suggestion, suggest};
use crate::backend::use_backend;
use crate::browser::utc_offset;
use crate::components::icon::{Glyph, Icon};
use crate::fetch::fetch;
use crate::filter::Chip;
use crate::format::time::Stamp;

const INPUT_ID: &str = "filter-input";

/// Puts the cursor into the filter.
pub fn focus_input() {
    let input = document()
        .get_element_by_id(INPUT_ID)
        .and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(input) = input {
        // A field that cannot take the focus stays without it.
        let _ = input.focus();
    }
}

/// Chips, field and suggestions.
#[component]
pub fn FilterBar() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let input = NodeRef::<Input>::new();
    let typed = RwSignal::new(String::new());
    let focused = RwSignal::new(false);
    let chosen = RwSignal::new(None::<usize>);
    let facets = fetch(true, move || focused.get().then_some(()), move |()| backend.facets());
    let offered = Memo::new(move |_| {
        facets.with(|facets| suggest(&typed.get(), facets.unwrap_or(&api::Facets::default())))
    });
    let apply = move |text: String| {
        page.show(page.filter.get_untracked().with_typed(&text));
        typed.set(String::new());
        chosen.set(None);
    };
    let take = move |suggestion: Suggestion| {
        let before = without_last_word(&typed.get_untracked());
        match suggestion {
            Suggestion::Field { field, .. } => {
                typed.set(format!("{before}{field}:"));
                chosen.set(None);
                focus_input();
            }
            Suggestion::Value { field, value } => {
                let mut view = page.filter.get_untracked().with_typed(&before);
                view.set(field, &value);
                page.show(view);
                typed.set(String::new());
                chosen.set(None);
            }
            Suggestion::Text(text) => apply(text),
        }
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let count = offered.with(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => chosen.update(|at| *at = Some(at.map_or(0, |at| (at + 1) % count))),
            "ArrowUp" if count > 0 => {
                chosen.update(|at| *at = Some(at.map_or(count - 1, |at| (at + count - 1) % count)));
            }
            "Enter" => {
                match chosen.get_untracked().and_then(|at| offered.with(|offered| offered.get(at).cloned())) {
                    Some(suggestion) => take(suggestion),
                    None if !typed.with_untracked(|typed| typed.trim().is_empty()) => {
                        apply(typed.get_untracked());
                    }
                    None => {}
                }
            }
            "Tab" if count > 0 && !typed.with_untracked(String::is_empty) => {
                let at = chosen.get_untracked().unwrap_or(usize::from(count > 1));
                if let Some(suggestion) = offered.with(|offered| offered.get(at).cloned()) {
                    take(suggestion);
                }
            }
            "Escape" => {
                typed.set(String::new());
                if let Some(input) = input.get() {
                    let _ = input.blur();
                }
            }
            "Backspace" if typed.with_untracked(String::is_empty) => {
                let view = page.filter.get_untracked();
                if let Some(last) = view.chips(|ms| ms.to_string()).last() {
                    page.show(view.without(last.field));
                }
                return;
            }
            _ => return,
        }
        event.prevent_default();
    };
    let option = move |(at, suggestion): (usize, Suggestion)| {
        let shown = suggestion.clone();
        view! {
            <button
                type="button" role="option" tabindex="-1" aria-selected=move || (chosen.get() == Some(at)).to_string()
                on:mousedown=move |event| {
                    event.prevent_default();
                    take(suggestion.clone());
                }
            >
                {option_view(shown)}
            </button>
        }
    };
    view! {
        <div class="fbar">
            <div class="fin" on:click=move |_| focus_input()>
                <Glyph icon=Icon::Search />
                <Chips />
                <input
                    id=INPUT_ID node_ref=input type="text" autocomplete="off" spellcheck="false" role="combobox"
                    aria-label="Filter" aria-expanded=move || focused.get().to_string() aria-controls="filter-options"
                    placeholder="Filter, or search inside every prompt and answer" data-testid="filter-input"
                    prop:value=move || typed.get()
                    on:input=move |event| {
                        typed.set(event_target_value(&event));
                        chosen.set(None);
                    }
                    on:focus=move |_| focused.set(true)
                    on:blur=move |_| focused.set(false)
                    on:keydown=on_key
                />
                <kbd>"/"</kbd>
                <Show when=move || focused.get() && !offered.with(Vec::is_empty)>
                    <div class="pop opts" id="filter-options" role="listbox" data-testid="filter-options">
                        {move || offered.get().into_iter().enumerate().map(option).collect_view()}
                    </div>
                </Show>
            </div>
        </div>
    }
}

fn without_last_word(text: &str) -> String {
    match text.rfind(' ') {
        Some(at) => text.get(..=at).unwrap_or_default().to_owned(),
        None => String::new(),
    }
}

fn option_view(suggestion: Suggestion) -> impl IntoView {
    match suggestion {
        Suggestion::Field { field, hint } => {
            view! { <span class="mono m">{field}":"</span><span class="t3 cut">{hint}</span> }.into_any()
        }
        Suggestion::Value { field, value } => {
            view! { <span class="mono t3">{field}":"</span><span class="mono m cut">{value}</span> }
                .into_any()
        }
        Suggestion::Text(text) => {
            view! { <Glyph icon=Icon::Search small=true /><span class="cut">"Search for “"{text}"”"</span> }
                .into_any()
        }
    }
}

#[component]
fn Chips() -> impl IntoView {
    let page = expect_context::<Page>();
    let chips = Memo::new(move |_| {
        page.filter.with(|view| {
            view.chips(|ms| {
                let stamp = Stamp::new(ms, utc_offset(ms));
                format!("{} {}", stamp.day_month(), stamp.short_clock())
            })
        })
    });
    view! {
        <For each=move || chips.get() key=Chip::clone let(chip)>
            <span class="chip" data-testid="filter-chip">
                <span>{chip.field}</span>
                <span class="op">{chip.verb}</span>
                <span class="cut">{chip.value.clone()}</span>
                <button
                    type="button" title="Remove" aria-label=format!("Remove {} {}", chip.field, chip.value)
                    on:click=move |event| {
                        event.stop_propagation();
                        page.show(page.filter.get_untracked().without(chip.field));
                    }
                >
                    <Glyph icon=Icon::Close small=true />
                </button>
            </span>
        </For>
    }
}
