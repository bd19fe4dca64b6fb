//! The navigation: the pages there are, in the order of their keys.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icon::{Glyph, Icon, Logo};
use crate::app::LastTraces;

/// The left column, wide or as a rail.
#[component]
pub fn SideNav() -> impl IntoView {
    let LastTraces(traces) = expect_context();
    view! {
        <nav class="side" aria-label="Main">
            <div class="brand"><Logo /><span>"LLMFlow"</span></div>
            <NavLink icon=Icon::Traces label="Traces" to=traces root="/traces" key_="3" testid="tab-traces" />
            <NavLink icon=Icon::Key label="Providers" to="/providers".to_owned() root="/providers" key_="9" testid="tab-providers" />
            <div class="navsep"></div>
            <NavLink icon=Icon::Plug label="Connect" to="/connect".to_owned() root="/connect" testid="tab-connect" />
            <NavLink icon=Icon::Sliders label="Settings" to="/settings".to_owned() root="/settings" testid="tab-settings" />
        </nav>
    }
}

#[component]
fn NavLink(
    icon: Icon,
    label: &'static str,
    #[prop(into)] to: Signal<String>,
    root: &'static str,
    #[prop(optional)] key_: &'static str,
    testid: &'static str,
) -> impl IntoView {
    let path = use_location().pathname;
    let current = move || path.with(|path| path.starts_with(root)).then_some("page");
    let title = if key_.is_empty() { label.to_owned() } else { format!("{label} ({key_})") };
    view! {
        <a class="nav" href=move || to.get() title=title data-testid=testid aria-current=current>
            <Glyph icon=icon />
            <span>{label}</span>
            {(!key_.is_empty()).then(|| view! { <span class="k">{key_}</span> })}
        </a>
    }
}
