//! A provider's key: which is in use, and the form that adds, tries, replaces or removes it.
//! A key that is typed here goes to the engine and is forgotten; nothing shows it again.

use api::{KeyOrigin, KeyTest, KeychainState, ProviderStatus, Secret};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Page;
use super::key_result::KeyResult;
use super::pane::KeyInUse;
use crate::backend::use_backend;
use crate::change::Change;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::Refused;
use crate::components::two_step::TwoStep;

const INPUT_ID: &str = "key-input";

/// Puts the cursor into the key's field.
pub fn focus_input() {
    let input = document()
        .get_element_by_id(INPUT_ID)
        .and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(input) = input {
        // A field that cannot take the focus stays without it.
        let _ = input.focus();
    }
}

/// The form for the provider called `name`.
#[component]
pub fn KeyForm(name: String, provider: Memo<Option<ProviderStatus>>) -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let typed = RwSignal::new(String::new());
    let (saving, testing, removing) = (Change::new(), Change::new(), Change::new());
    let tested = RwSignal::new(None::<(KeyTest, &'static str)>);
    let saved = RwSignal::new(false);
    let origin = Memo::new(move |_| provider.with(|one| one.as_ref().map(|one| one.key.clone())));
    let stored = move || matches!(origin.get(), Some(KeyOrigin::Keychain { .. }));
    let in_use =
        move || stored() || matches!(origin.get(), Some(KeyOrigin::Environment { .. } | KeyOrigin::Aws(_)));
    let keychain = Memo::new(move |_| page.shown.with(|shown| shown.map(|shown| shown.keychain.clone())));
    let ready = move || matches!(keychain.get(), Some(KeychainState::Ready));
    let has_typed = move || !cleaned(&typed.read()).is_empty();
    let name = StoredValue::new(name);
    let save = move || {
        let key = cleaned(&typed.get_untracked()).to_owned();
        if key.is_empty() || !ready() {
            return;
        }
        saved.set(false);
        saving.run(backend.set_key(name.get_value(), Secret::new(key)), move |shown| {
            page.shown.put(shown);
            typed.try_set(String::new());
            tested.try_set(None);
            saved.try_set(true);
        });
    };
    let test = move |_| {
        let key = Some(cleaned(&typed.get_untracked()).to_owned()).filter(|key| !key.is_empty());
        let whose = if key.is_some() { "the key typed" } else { "the key in use" };
        tested.set(None);
        testing.run(backend.test_key(name.get_value(), key.map(Secret::new)), move |test| {
            tested.try_set(Some((test, whose)));
        });
    };
    let remove = move |()| {
        tested.set(None);
        saved.set(false);
        removing.run(backend.remove_key(name.get_value()), move |shown| page.shown.put(shown));
    };
    let takes_one = Memo::new(move |_| origin.with(|origin| !matches!(origin, Some(KeyOrigin::NotNeeded))));
    let question = Signal::derive(|| "LLMFlow cannot show it again.".to_owned());
    view! {
        <section class="sec keyform">
            <div class="sh"><h3>"Key"</h3><span class="end"></span><KeyInUse provider=provider /></div>
            <p class="explain">{move || origin.get().map(|origin| meaning(&origin))}</p>
            <Show when=move || takes_one.get()>
            <form on:submit=move |event| { event.prevent_default(); save(); }>
                <KeyField typed=typed label=Signal::derive(move || if stored() { "Replace the key" } else { "Add a key" }) />
                <div class="row g3 acts">
                    <button
                        type="submit" class="btn sm pri" data-testid="key-save"
                        disabled=move || !has_typed() || !ready() || saving.busy.get()
                    >
                        {move || if saving.busy.get() { "Saving" } else if stored() { "Replace" } else { "Save" }}
                    </button>
                    <button
                        type="button" class="btn sm" data-testid="key-test" on:click=test
                        title="Asks the provider for its models; costs nothing"
                        disabled=move || testing.busy.get() || !(has_typed() || in_use())
                    >
                        {move || if testing.busy.get() { "Testing" } else { "Test" }}
                    </button>
                    <span class="end"></span>
                    <Show when=stored>
                        <TwoStep label="Remove" question=question yes=remove disabled=removing.busy testid="key-remove" />
                    </Show>
                </div>
            </form>
            </Show>
            {move || (takes_one.get() && !ready()).then(|| view! { <p class="explain warn" data-testid="key-not-stored">{cannot_store(keychain.get())}</p> })}
            {move || (saved.get() && stored()).then(|| view! {
                <p class="explain ok" role="status" data-testid="key-saved"><Glyph icon=Icon::Check small=true />" Kept in the keychain."</p>
            })}
            <Refused error=saving.refused /><Refused error=testing.refused /><Refused error=removing.refused />
            {move || tested.get().map(|(test, whose)| view! { <KeyResult test=test whose=whose /> })}
        </section>
    }
}

/// The field itself; what is in it shows only while its eye is open.
#[component]
fn KeyField(typed: RwSignal<String>, label: Signal<&'static str>) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <label class="field">
            <span class="t3 s11">{move || label.get()}</span>
            <span class="box">
                <input
                    id=INPUT_ID type=move || if open.get() { "text" } else { "password" } autocomplete="new-password"
                    spellcheck="false" autocapitalize="off" data-1p-ignore="" data-testid="key-input"
                    placeholder="Paste it here" prop:value=move || typed.get()
                    on:input=move |event| typed.set(event_target_value(&event))
                    on:keydown=move |event| if event.key() == "Escape" {
                        event.stop_propagation();
                        typed.set(String::new());
                        leave(&event);
                    }
                />
                <button
                    type="button" class="btn icon sm bare" aria-pressed=move || open.get().to_string()
                    title="Show what is typed" aria-label="Show what is typed" data-testid="key-reveal"
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    <Glyph icon=Signal::derive(move || if open.get() { Icon::Struck } else { Icon::Eye }) />
                </button>
            </span>
        </label>
    }
}

fn leave(event: &web_sys::KeyboardEvent) {
    let field = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(field) = field {
        // A field that keeps the focus is no worse than before.
        let _ = field.blur();
    }
}

/// A key without what comes along when it is copied: spaces, line ends, quotes.
fn cleaned(text: &str) -> &str {
    text.trim().trim_matches(['"', '\'']).trim()
}

fn meaning(origin: &KeyOrigin) -> String {
    match origin {
        KeyOrigin::None => {
            "None is kept here: a call goes on with the key its client sends. With one, clients need none."
                .into()
        }
        KeyOrigin::Keychain { .. } => "Added to calls that bring no key of their own.".into(),
        KeyOrigin::Environment { variable, .. } => {
            format!("Read from {variable} when LLMFlow started. A key saved here comes before it.")
        }
        KeyOrigin::Aws(aws) => match &aws.problem {
            _ if aws.off => "Bedrock is switched off in the settings.".into(),
            Some(problem) => problem.clone(),
            None => "No Bedrock API key is kept here: calls are signed with this machine’s AWS credentials, which are \
                     looked for when a call needs them. Test looks now."
                .into(),
        },
        KeyOrigin::NotNeeded => "Ollama and its like ask for none: calls go on as they come.".into(),
    }
}

fn cannot_store(keychain: Option<KeychainState>) -> &'static str {
    match keychain {
        Some(KeychainState::Locked) => "A key can be tested but not kept while the keychain is locked.",
        Some(KeychainState::Asking) => "A key can be kept once the keychain has answered.",
        _ => "A key can be tested but not kept: there is no keychain.",
    }
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn what_comes_along_when_copying_is_left_out() {
        for text in ["sk-1", " sk-1\n", "\"sk-1\"", "'sk-1' "] {
            assert_eq!(cleaned(text), "sk-1");
        }
        assert_eq!(cleaned("  "), "");
    }
}
