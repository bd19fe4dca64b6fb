//! The Providers page: where calls go, with which key, and the local keys that stand for tools.
//! Owns the address, what is selected and the keys; its parts draw.

mod curl_line;
mod key_form;
mod key_result;
mod keychain;
mod local_key;
mod local_keys;
mod new_local_key;
mod pane;
mod table;

use std::time::Duration;

use api::Providers as Shown;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::backend::use_backend;
use crate::browser::{is_on_control, on_key, set_title};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::top_bar::TopBar;
use crate::fetch::{Fetched, fetch};
use crate::format::plural;
use crate::live::use_live;
use crate::pages::jump::jump_to_named;

/// Calls are counted anew at most this often.
const COUNTING: Duration = Duration::from_secs(2);

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub struct Page {
    pub shown: Fetched<Shown>,
    pub selected: Memo<Option<String>>,
    go: Callback<Option<String>>,
}

impl Page {
    /// Another selection: replaces the entry in the history.
    pub fn select(self, provider: Option<String>) {
        self.go.run(provider);
    }

    /// The provider `by` rows away from the selected one.
    fn step(self, by: isize) {
        let names: Vec<String> = self.shown.with_untracked(|shown| {
            shown
                .map(|shown| shown.providers.iter().map(|one| one.name.clone()).collect())
                .unwrap_or_default()
        });
        let selected = self.selected.get_untracked();
        let at = selected.and_then(|selected| names.iter().position(|name| *name == selected));
        let next = match at {
            Some(at) => at.saturating_add_signed(by).min(names.len().saturating_sub(1)),
            None => 0,
        };
        if let Some(name) = names.get(next) {
            self.select(Some(name.clone()));
        }
    }
}

/// The page.
#[component]
pub fn Providers() -> impl IntoView {
    set_title("Providers");
    let (backend, navigate, query) = (use_backend(), use_navigate(), use_query_map());
    let selected = Memo::new(move |_| query.with(|query| query.get("provider")));
    let go = Callback::new(move |provider: Option<String>| {
        let address = match provider {
            Some(name) => {
                format!("/providers?provider={}", String::from(js_sys::encode_uri_component(&name)))
            }
            None => "/providers".to_owned(),
        };
        navigate(&address, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    });
    let changed = changes();
    let shown = fetch(
        true,
        move || {
            changed.track();
            Some(())
        },
        move |()| backend.providers(),
    );
    let page = Page { shown, selected, go };
    provide_context(page);
    keys(page);
    let known = Memo::new(move |_| shown.with(|shown| shown.is_some()));
    jump_to_named(known);
    let pane = Memo::new(move |_| {
        let selected = selected.get()?;
        let exists =
            |shown: Option<&Shown>| shown?.providers.iter().find(|one| one.name == selected).map(|_| ());
        shown.with(exists).map(|()| selected)
    });
    view! {
        <TopBar>
            <h1>"Providers"</h1>
            <span class="t3 num cut">{move || shown.with(|shown| shown.map(summary))}</span>
        </TopBar>
        {move || shown.error().map(|error| view! {
            <ErrorPanel what="The providers could not be loaded" error=error retry=move |()| shown.retry() />
        })}
        {move || shown.is_late().then(|| view! { <SkeletonRows rows=12 /> })}
        <Show when=move || known.get()>
            <div class="split providers" class:open=move || pane.get().is_some()>
                <section class="list">
                    <div class="grow scrolls" tabindex="-1">
                        <keychain::KeychainNotice />
                        <table::Table />
                        <local_keys::LocalKeys />
                    </div>
                </section>
                {move || pane.get().map(|name| view! { <pane::Pane name=name /> })}
            </div>
        </Show>
    }
}

fn summary(shown: &Shown) -> String {
    use api::KeyOrigin::{Environment, Keychain};
    let with_key =
        shown.providers.iter().filter(|one| matches!(one.key, Keychain { .. } | Environment { .. })).count();
    let all = plural(shown.providers.len() as u64, "provider", "providers");
    match with_key {
        0 => format!("{all}, clients bring their keys"),
        count => format!("{all}, {count} with a key"),
    }
}

/// Counts up when keys or settings changed, and now and then while calls come in.
fn changes() -> RwSignal<u64> {
    let live = use_live();
    let turn = RwSignal::new(0);
    let waiting = StoredValue::new(false);
    Effect::new(move |before: Option<()>| {
        live.configured.track();
        if before.is_some() {
            turn.update(|turn| *turn += 1);
        }
    });
    Effect::new(move |before: Option<()>| {
        live.changes.track();
        if before.is_none() || waiting.get_value() {
            return;
        }
        waiting.set_value(true);
        set_timeout(
            move || {
                // The page may be gone by then.
                if waiting.try_set_value(false).is_none() {
                    turn.try_update(|turn| *turn += 1);
                }
            },
            COUNTING,
        );
    });
    turn
}

fn keys(page: Page) {
    on_key(move |event| {
        match event.key().as_str() {
            "j" | "ArrowDown" => page.step(1),
            "k" | "ArrowUp" => page.step(-1),
            "Enter" | " " if is_on_control(event) => return false,
            "Enter" if page.selected.get_untracked().is_some() => key_form::focus_input(),
            "Escape" if page.selected.get_untracked().is_some() => page.select(None),
            _ => return false,
        }
        true
    });
}
