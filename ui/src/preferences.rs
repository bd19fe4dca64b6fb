//! The reader's own choices, kept between visits: theme, navigation, shell. Leaves out what the address holds.

use api::connect::Shell;
use leptos::prelude::*;

use crate::browser::{on_system_theme, store, stored, system_is_dark};

const THEME: &str = "llmflow.theme";
const NAV: [&str; 2] = ["llmflow.nav", "llmflow.nav.trace"];
const SHELL: &str = "llmflow.shell";

/// Light, dark, or as the computer has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

/// The choices, as the whole app shares them.
#[derive(Clone, Copy)]
pub struct Preferences {
    /// What was chosen.
    pub theme: RwSignal<Theme>,
    /// What that comes to.
    pub dark: RwSignal<bool>,
    /// Whether the navigation is a rail: on most pages, and on Trace, which needs the room.
    rails: [RwSignal<bool>; 2],
    /// Whose syntax snippets have.
    pub shell: RwSignal<Shell>,
}

impl Preferences {
    /// What was chosen before; the theme was already set by `theme.js`.
    pub fn load() -> Self {
        let theme = match stored(THEME).as_deref() {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::System,
        };
        let dark = RwSignal::new(document_theme().as_deref() == Some("dark"));
        let theme = RwSignal::new(theme);
        on_system_theme(move |system_is_dark| {
            if theme.get_untracked() == Theme::System {
                show(dark, system_is_dark);
            }
        });
        let rails = [(NAV[0], "wide"), (NAV[1], "rail")]
            .map(|(key, usual)| RwSignal::new(stored(key).as_deref().unwrap_or(usual) == "rail"));
        let shell = stored(SHELL).and_then(|word| Shell::ALL.into_iter().find(|shell| shell.key() == word));
        Self { theme, dark, rails, shell: RwSignal::new(shell.unwrap_or(Shell::Posix)) }
    }

    pub fn toggle_theme(self) {
        self.choose_theme(if self.dark.get_untracked() { Theme::Light } else { Theme::Dark });
    }

    pub fn choose_theme(self, theme: Theme) {
        self.theme.set(theme);
        let (word, dark) = match theme {
            Theme::System => ("system", system_is_dark()),
            Theme::Light => ("light", false),
            Theme::Dark => ("dark", true),
        };
        store(THEME, word);
        show(self.dark, dark);
    }

    /// Whether the navigation is a rail now.
    pub fn is_rail(self, on_trace: bool) -> bool {
        self.rails[usize::from(on_trace)].get()
    }

    pub fn toggle_rail(self, on_trace: bool) {
        let rail = self.rails[usize::from(on_trace)];
        rail.update(|rail| *rail = !*rail);
        store(NAV[usize::from(on_trace)], if rail.get_untracked() { "rail" } else { "wide" });
    }

    pub fn choose_shell(self, shell: Shell) {
        self.shell.set(shell);
        store(SHELL, shell.key());
    }
}

fn show(dark: RwSignal<bool>, is_dark: bool) {
    dark.set(is_dark);
    if let Some(root) = document().document_element() {
        // Cannot fail: the name is a valid attribute.
        let _ = root.set_attribute("data-theme", if is_dark { "dark" } else { "light" });
    }
}

fn document_theme() -> Option<String> {
    document().document_element()?.get_attribute("data-theme")
}
