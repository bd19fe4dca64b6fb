//! The reader's own choices, kept by the browser: theme, navigation, shell.

use api::connect::Shell;
use leptos::prelude::*;

use super::Page;
use super::words::Group;
use crate::preferences::{Preferences, Theme};

const THEME: &str = "Theme light dark system";
const NAVIGATION: &str = "Navigation wide narrow";
const SHELL: &str = "Shell of snippets bash zsh fish PowerShell";

/// Whether any of these rows is looked for.
pub fn belongs(page: Page, group: Group) -> bool {
    group == Group::Appearance && [THEME, NAVIGATION, SHELL].into_iter().any(|words| page.wants(words))
}

/// The rows.
#[component]
pub fn OwnRows() -> impl IntoView {
    let page = expect_context::<Page>();
    let preferences = expect_context::<Preferences>();
    let themes = [(Theme::System, "System"), (Theme::Light, "Light"), (Theme::Dark, "Dark")];
    let navigation = [(false, "Wide"), (true, "Narrow")];
    let shells = Shell::ALL.map(|shell| (shell, shell.name()));
    view! {
        <Show when=move || page.wants(THEME)>
            <OwnRow label="Theme" about="“System” follows this computer." key_="t">
                <Choice
                    label="Theme" testid="choose-theme" options=themes.to_vec() chosen=preferences.theme
                    choose=move |theme| preferences.choose_theme(theme)
                />
            </OwnRow>
        </Show>
        <Show when=move || page.wants(NAVIGATION)>
            <OwnRow label="Navigation" about="A trace keeps its own choice: it needs the room." key_="\\">
                <Choice
                    label="Navigation" testid="choose-navigation" options=navigation.to_vec()
                    chosen=Signal::derive(move || preferences.is_rail(false))
                    choose=move |_| preferences.toggle_rail(false)
                />
            </OwnRow>
        </Show>
        <Show when=move || page.wants(SHELL)>
            <OwnRow label="Shell" about="Whose syntax the lines to copy have.">
                <Choice
                    label="Shell" testid="choose-shell" options=shells.to_vec() chosen=preferences.shell
                    choose=move |shell| preferences.choose_shell(shell)
                />
            </OwnRow>
        </Show>
    }
}

#[component]
fn OwnRow(
    label: &'static str,
    about: &'static str,
    #[prop(optional)] key_: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="srow">
            <div class="what">
                <div class="row g3"><span class="m">{label}</span>{(!key_.is_empty()).then(|| view! { <kbd>{key_}</kbd> })}</div>
                <p class="t2 s12">{about}</p>
            </div>
            <div class="how">{children()}</div>
        </div>
    }
}

/// One of a few: all are seen, one is pressed.
#[component]
fn Choice<T: Copy + PartialEq + Send + Sync + 'static>(
    label: &'static str,
    testid: &'static str,
    options: Vec<(T, &'static str)>,
    #[prop(into)] chosen: Signal<T>,
    #[prop(into)] choose: Callback<T>,
) -> impl IntoView {
    let buttons = options
        .into_iter()
        .map(|(value, words)| {
            let pressed = move || chosen.get() == value;
            let press = move |_| {
                if chosen.get_untracked() != value {
                    choose.run(value);
                }
            };
            view! { <button type="button" aria-pressed=move || pressed().to_string() on:click=press>{words}</button> }
        })
        .collect_view();
    view! { <div class="seg" role="group" aria-label=label data-testid=testid>{buttons}</div> }
}
