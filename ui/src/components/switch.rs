//! A switch: on or off at once, without a further press.

use leptos::prelude::*;

/// `label` is its name for those who do not see what stands beside it.
#[component]
pub fn Switch(
    #[prop(into)] on: Signal<bool>,
    #[prop(into)] disabled: Signal<bool>,
    #[prop(into)] label: String,
    #[prop(into)] change: Callback<bool>,
    #[prop(optional, into)] testid: String,
) -> impl IntoView {
    view! {
        <button
            type="button" class="switch" role="switch" aria-checked=move || on.get().to_string() aria-label=label
            data-testid=testid disabled=move || disabled.get()
            on:click=move |_| change.run(!on.get_untracked())
        >
            <i></i>
        </button>
    }
}
