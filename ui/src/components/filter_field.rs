//! A filter: its conditions as chips, and the field in which more are typed. Leaves out what the conditions mean and
//! which there are (each page's own).

use leptos::html::Input;
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::browser::focus;
use crate::filter::Chip;
use crate::filter::suggestion::{Suggestion, without_last_word};

const INPUT_ID: &str = "filter-input";

/// Puts the cursor into the filter.
pub fn focus_input() {
    focus(INPUT_ID);
}

/// Chips, field and suggestions. `typed` and `focused` belong to the page: what is offered depends on them.
/// `choose` is a condition with what was typed before it.
#[component]
pub fn FilterField(
    placeholder: &'static str,
    typed: RwSignal<String>,
    focused: RwSignal<bool>,
    #[prop(into)] chips: Signal<Vec<Chip>>,
    #[prop(into)] offered: Signal<Vec<Suggestion>>,
    #[prop(into)] apply: Callback<String>,
    #[prop(into)] choose: Callback<(String, &'static str, String)>,
    #[prop(into)] remove: Callback<&'static str>,
) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let chosen = RwSignal::new(None::<usize>);
    let take = move |suggestion: Suggestion| {
        chosen.set(None);
        let before = without_last_word(&typed.get_untracked());
        match suggestion {
            Suggestion::Field { field, .. } => {
                typed.set(format!("{before}{field}:"));
                focus_input();
            }
            Suggestion::Value { field, value } => {
                typed.set(String::new());
                choose.run((before, field, value));
            }
            Suggestion::Text(text) => {
                typed.set(String::new());
                // What was found is looked at next: suggestions must not cover it.
                if let Some(input) = input.get_untracked() {
                    let _ = input.blur();
                }
                apply.run(text);
            }
        }
    };
    let pointed = move |at: usize| offered.with_untracked(|offered| offered.get(at).cloned());
    let on_key = move |event: web_sys::KeyboardEvent| {
        let count = offered.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => chosen.update(|at| *at = Some(at.map_or(0, |at| (at + 1) % count))),
            "ArrowUp" if count > 0 => {
                chosen.update(|at| *at = Some(at.map_or(count - 1, |at| (at + count - 1) % count)));
            }
            "Enter" => match chosen.get_untracked().and_then(pointed) {
                Some(suggestion) => take(suggestion),
                None if !typed.with_untracked(|typed| typed.trim().is_empty()) => {
                    take(Suggestion::Text(typed.get_untracked()));
                }
                None => {}
            },
            "Tab" if count > 0 && !typed.with_untracked(String::is_empty) => {
                let at = chosen.get_untracked().unwrap_or(usize::from(count > 1));
                if let Some(suggestion) = pointed(at) {
                    take(suggestion);
                }
            }
            "Escape" => {
                typed.set(String::new());
                if let Some(input) = input.get_untracked() {
                    // A field that keeps the cursor can still be left by a click.
                    let _ = input.blur();
                }
            }
            "Backspace" if typed.with_untracked(String::is_empty) => {
                if let Some(last) = chips.with_untracked(|chips| chips.last().map(|chip| chip.field)) {
                    remove.run(last);
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
                <Chips chips=chips remove=remove />
                <input
                    id=INPUT_ID node_ref=input type="text" autocomplete="off" spellcheck="false" role="combobox"
                    aria-label="Filter" aria-expanded=move || focused.get().to_string() aria-controls="filter-options"
                    placeholder=placeholder data-testid="filter-input"
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
fn Chips(chips: Signal<Vec<Chip>>, remove: Callback<&'static str>) -> impl IntoView {
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
                        remove.run(chip.field);
                    }
                >
                    <Glyph icon=Icon::Close small=true />
                </button>
            </span>
        </For>
    }
}
