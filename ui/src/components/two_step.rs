//! A button for what cannot be undone: it asks once, in its own place, before it does it.

use leptos::html::Button;
use leptos::prelude::*;

/// `question` says what is lost; `yes` does it. Escape and “Keep” go back.
#[component]
pub fn TwoStep(
    label: &'static str,
    #[prop(into)] question: Signal<String>,
    #[prop(default = "Remove")] yes_label: &'static str,
    #[prop(into)] yes: Callback<()>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(default = "btn sm")] class: &'static str,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let asking = RwSignal::new(false);
    let keep = NodeRef::<Button>::new();
    Effect::new(move |_| {
        if let Some(keep) = keep.get() {
            // A button that cannot take the focus is still there to be clicked.
            let _ = keep.focus();
        }
    });
    let escape = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            event.stop_propagation();
            asking.set(false);
        }
    };
    view! {
        <Show
            when=move || asking.get()
            fallback=move || view! {
                <button type="button" class=class data-testid=testid disabled=move || disabled.get()
                    on:click=move |event| { event.stop_propagation(); asking.set(true); }
                >{label}</button>
            }
        >
            <span class="twostep" role="group" on:keydown=escape on:click=|event| event.stop_propagation()>
                <span class="t2">{move || question.get()}</span>
                <button type="button" class="btn sm danger" data-testid="confirm" disabled=move || disabled.get()
                    on:click=move |_| { asking.set(false); yes.run(()); }
                >{yes_label}</button>
                <button node_ref=keep type="button" class="btn sm" on:click=move |_| asking.set(false)>"Keep"</button>
            </span>
        </Show>
    }
}
