//! Making a local key: for a tool that is known by name, or for any name.

use api::LocalKey;
use api::connect::Tool;
use leptos::prelude::*;

use super::Page;
use crate::backend::use_backend;
use crate::change::Change;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::Refused;
use crate::made_keys::MadeKeys;

/// Longest name.
const LONGEST: usize = 64;

/// A button for each tool without a key, and a field. `fresh` becomes the name of the key made last.
#[component]
pub fn NewLocalKey(keys: Memo<Vec<LocalKey>>, fresh: RwSignal<Option<String>>) -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let change = Change::new();
    let made = expect_context::<MadeKeys>();
    let typed = RwSignal::new(String::new());
    let add = move |name: String| {
        fresh.set(Some(name.clone()));
        change.run(backend.add_local_key(name.clone()), move |api::MadeKey { key, providers }| {
            made.add(name, key.reveal().to_owned());
            page.shown.put(providers);
            typed.try_set(String::new());
        });
    };
    let wrong = Memo::new(move |_| {
        let name = typed.get();
        let name = name.trim();
        let taken = keys.with(|keys| keys.iter().any(|key| key.name == name));
        match (name.is_empty(), is_name(name), taken) {
            (true, ..) | (false, true, false) => None,
            (_, false, _) => Some("Letters, digits, “-”, “_” and “.”, at most 64."),
            (_, _, true) => Some("This name has a key already."),
        }
    });
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let name = typed.get_untracked().trim().to_owned();
        if !name.is_empty() && wrong.get_untracked().is_none() {
            add(name);
        }
    };
    let offered = move || {
        let missing = |tool: &Tool| {
            *tool != Tool::OpenAiSdk && keys.with(|keys| keys.iter().all(|key| key.name != tool.key()))
        };
        let button = |tool: Tool| {
            view! {
                <button
                    type="button" class="btn sm" disabled=move || change.busy.get()
                    data-testid=format!("add-local-key-{}", tool.key()) on:click=move |_| add(tool.key().to_owned())
                >
                    <Glyph icon=Icon::Plus small=true />{tool.name()}
                </button>
            }
        };
        Tool::ALL.into_iter().filter(missing).map(button).collect_view()
    };
    view! {
        <form class="newlocal" on:submit=submit>
            {offered}
            <span class="box">
                <input
                    type="text" maxlength="80" spellcheck="false" autocapitalize="off" autocomplete="off" placeholder="or another name"
                    aria-label="Name of a tool" data-testid="local-key-name"
                    aria-invalid=move || wrong.get().is_some().to_string()
                    prop:value=move || typed.get() on:input=move |event| typed.set(event_target_value(&event))
                />
            </span>
            <button
                type="submit" class="btn sm" data-testid="local-key-add"
                disabled=move || change.busy.get() || wrong.get().is_some() || typed.with(|typed| typed.trim().is_empty())
            >"Add"</button>
            {move || wrong.get().map(|text| view! { <span class="warn s12" role="status">{text}</span> })}
        </form>
        <Refused error=change.refused />
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_name_is_plain() {
        assert!(is_name("claude-code") && is_name("My_tool.2"));
        assert!(!is_name("a b") && !is_name("<b>") && !is_name(&"x".repeat(65)));
    }
}
