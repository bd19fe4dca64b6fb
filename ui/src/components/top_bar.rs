//! The bar above a page: its title or its way there, its actions, and the theme.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::live::use_live;
use crate::preferences::Preferences;

/// The bar; `children` stand left (title) and `actions` right.
#[component]
pub fn TopBar(#[prop(optional)] actions: Option<ViewFn>, children: Children) -> impl IntoView {
    let preferences = expect_context::<Preferences>();
    let icon = Signal::derive(move || if preferences.dark.get() { Icon::Sun } else { Icon::Moon });
    view! {
        <header class="top">
            {children()}
            <span class="end"></span>
            {actions.map(|actions| actions.run())}
            <button
                type="button" class="btn icon" title="Theme (t)" aria-label="Theme" data-testid="theme-toggle"
                on:click=move |_| preferences.toggle_theme()
            >
                <Glyph icon=icon />
            </button>
        </header>
    }
}

/// Takes new calls in as they come, or waits.
#[component]
pub fn LiveButton() -> impl IntoView {
    let live = use_live();
    let running = move || !live.paused.get();
    view! {
        <button
            type="button" class="btn" title="Pause live updates (Space)" data-testid="live-toggle"
            aria-pressed=move || running().to_string()
            on:click=move |_| live.paused.update(|paused| *paused = !*paused)
        >
            <i class="dot" class:live=running class:off=move || !running()></i>
            {move || if running() { "Live" } else { "Paused" }}
        </button>
    }
}
