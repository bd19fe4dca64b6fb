//! A button that copies and says so inside itself. Leaves out what is copied.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Glyph, Icon};
use crate::browser;

const CONFIRMED: Duration = Duration::from_millis(1_200);

/// Copies what `text` returns. `label` stands beside the icon; without one only the icon shows.
#[component]
pub fn CopyButton(
    #[prop(into)] text: Callback<(), String>,
    #[prop(optional)] label: &'static str,
    #[prop(default = "Copy")] title: &'static str,
    #[prop(default = "btn sm")] class: &'static str,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let done = RwSignal::new(None::<bool>);
    let copy = move |event: leptos::ev::MouseEvent| {
        event.stop_propagation();
        let text = text.run(());
        spawn_local(async move {
            done.try_set(Some(browser::copy(&text).await));
            set_timeout(
                move || {
                    done.try_set(None);
                },
                CONFIRMED,
            );
        });
    };
    let icon = Signal::derive(move || match done.get() {
        Some(true) => Icon::Check,
        Some(false) => Icon::Triangle,
        None => Icon::Copy,
    });
    let words = move || match done.get() {
        Some(true) => "Copied",
        Some(false) => "Not allowed",
        None => label,
    };
    view! {
        <button type="button" class=class title=title aria-label=title data-testid=testid on:click=copy>
            <Glyph icon=icon small=true />
            {(!label.is_empty()).then(|| view! { <span>{words}</span> })}
        </button>
    }
}
