//! How the keychain is, said loudly only when something is to be done.

use api::KeychainState;
use leptos::prelude::*;

use super::Page;
use crate::backend::use_backend;
use crate::change::Change;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::Refused;

/// The strip above the table.
#[component]
pub fn KeychainNotice() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let change = Change::new();
    let state = Memo::new(move |_| page.shown.with(|shown| shown.map(|shown| shown.keychain.clone())));
    let unlock = move |_| change.run(backend.unlock_keychain(), move |shown| page.shown.put(shown));
    let notice = move || {
        let notice = match state.get()? {
            KeychainState::Ready => view! {
                <div class="notice" data-testid="keychain-state">
                    <Glyph icon=Icon::Lock small=true />
                    <span class="t3">"Keys are kept in this system's keychain and never shown again. A client that sends its own key is not touched."</span>
                </div>
            }
            .into_any(),
            KeychainState::Asking => view! {
                <div class="notice" role="status" data-testid="keychain-state">
                    <Glyph icon=Icon::Clock small=true />
                    <span class="t3">"Asking the keychain. Stored keys appear in a moment; your system may ask you to allow it."</span>
                </div>
            }
            .into_any(),
            KeychainState::Locked => view! {
                <div class="notice warn" role="status" data-testid="keychain-state">
                    <Glyph icon=Icon::Lock />
                    <span class="grow">
                        <b>"The keychain is locked."</b>
                        " Keys in it cannot be read or kept until it is unlocked. Keys of clients and from the environment still work."
                    </span>
                    <button type="button" class="btn sm" data-testid="unlock-keychain" disabled=move || change.busy.get() on:click=unlock>
                        {move || if change.busy.get() { "Unlocking" } else { "Unlock" }}
                    </button>
                </div>
            }
            .into_any(),
            KeychainState::Absent { message } => view! {
                <div class="notice warn" role="status" data-testid="keychain-state">
                    <Glyph icon=Icon::Triangle />
                    <span class="grow">
                        <b>"Keys cannot be kept."</b>" "{message}
                    </span>
                    <button type="button" class="btn sm" data-testid="unlock-keychain" disabled=move || change.busy.get() on:click=unlock>
                        "Look again"
                    </button>
                </div>
            }
            .into_any(),
        };
        Some(notice)
    };
    view! { {notice}<Refused error=change.refused /> }
}
