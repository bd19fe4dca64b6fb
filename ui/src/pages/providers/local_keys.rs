//! The local keys: what they are for, those there are, whether they are required.

use api::LocalKey;
use leptos::prelude::*;

use super::Page;
use super::local_key::Row;
use super::new_local_key::NewLocalKey;
use crate::backend::use_backend;
use crate::change::Change;
use crate::components::states::Refused;
use crate::components::switch::Switch;
use crate::fetch::fetch;
use crate::format::thousands;
use crate::live::use_live;

/// As the setting is called in the file.
const REQUIRED: &str = "local_keys_required";
/// From here on a field finds keys by name.
const MANY: usize = 12;

/// The section below the table.
#[component]
pub fn LocalKeys() -> impl IntoView {
    let page = expect_context::<Page>();
    let keys = Memo::new(move |_| {
        page.shown.with(|shown| shown.map(|shown| shown.local_keys.clone()).unwrap_or_default())
    });
    let wanted = RwSignal::new(String::new());
    let fresh = RwSignal::new(None::<String>);
    let count = move || keys.with(Vec::len);
    let shown = move || {
        let wanted = wanted.get().to_lowercase();
        keys.get().into_iter().filter(|key| key.name.to_lowercase().contains(&wanted)).collect::<Vec<_>>()
    };
    let key = |key: &LocalKey| (key.name.clone(), key.hint.clone());
    view! {
        <section class="locals" id="local-keys" aria-label="Local keys" data-testid="local-keys">
            <div class="sh">
                <h3>"Local keys"</h3>
                <span class="t3 s12 num">{move || (count() > 0).then(|| thousands(count() as u64))}</span>
                <span class="end"></span>
                <Show when=move || { count() > MANY }>
                    <input
                        class="findlocal" type="search" placeholder="Find by name" aria-label="Find a local key"
                        prop:value=move || wanted.get() on:input=move |event| wanted.set(event_target_value(&event))
                    />
                </Show>
            </div>
            <p class="explain">
                "Give each tool a key that is worth something only on this machine: LLMFlow knows the tool by it and puts the provider's real key in its place. Copy it when it is made: LLMFlow keeps only a hash of it, and cannot show it again."
            </p>
            <Required />
            <NewLocalKey keys=keys fresh=fresh />
            <Show when=move || { count() > 0 }>
                <div class="tbl lkeys" role="table" aria-label="Local keys">
                    <div class="tr th" role="row">
                        <span role="columnheader">"For"</span>
                        <span role="columnheader">"Key"</span>
                        <span class="c-made" role="columnheader">"Made"</span>
                        <span role="columnheader" title="Since LLMFlow started">"Last used"</span>
                        <span></span>
                    </div>
                    <For each=shown key=key let(key)><Row key_=key fresh=fresh /></For>
                </div>
            </Show>
        </section>
    }
}

/// Whether a stored key is only for calls that carry a local one.
#[component]
fn Required() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let change = Change::new();
    let live = use_live();
    // The setting rather than what runs: it may take effect only at the next start.
    let settings = fetch(
        true,
        move || {
            live.configured.track();
            Some(())
        },
        move |()| backend.settings(),
    );
    let setting = Memo::new(move |_| {
        settings.with(|shown| shown?.settings.iter().find(|setting| setting.name == REQUIRED).cloned())
    });
    let running = move || page.shown.with(|shown| shown.is_some_and(|shown| shown.local_keys_required));
    let on = Memo::new(move |_| {
        setting
            .with(|one| one.as_ref().map(|one| one.pending.as_ref().unwrap_or(&one.value) == "true"))
            .unwrap_or_else(running)
    });
    let locked = Signal::derive(move || {
        use api::SettingOrigin::{Environment, Flag};
        change.busy.get()
            || setting.with(|one| one.as_ref().is_none_or(|one| matches!(one.origin, Environment | Flag)))
    });
    let later = move || setting.with(|one| one.as_ref().is_some_and(|one| one.pending.is_some()));
    let none =
        Memo::new(move |_| page.shown.with(|shown| shown.is_none_or(|shown| shown.local_keys.is_empty())));
    let set = move |wanted: bool| {
        let value = Some(wanted.to_string());
        change.run(backend.change_setting(REQUIRED.to_owned(), value), move |shown| {
            settings.put(shown);
            page.shown.retry();
        });
    };
    view! {
        <div class="option">
            <Switch
                on=on disabled=locked change=set testid="local-keys-required"
                label="Use stored keys only for calls that carry a local key"
            />
            <span class="col">
                <span>"Use stored keys only for calls that carry a local key"</span>
                <span class="t3 s12">
                    {move || match (on.get(), none.get()) {
                        (true, true) => "No local key is made yet: calls without a key of their own go on without one.",
                        (true, false) => "A call without one is handed on as it came; no key is added to it.",
                        (false, _) => "Off: any program on this machine that sends no key gets the stored one.",
                    }}
                </span>
                {move || later().then(|| view! { <span class="warn s12" data-testid="required-later">"Takes effect at the next start."</span> })}
            </span>
        </div>
        <Refused error=change.refused />
    }
}
