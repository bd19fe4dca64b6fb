//! The two sides of Analytics: what calls came to, and how complete that is.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// The side that is not shown, for the keys.
pub const OTHER: &str = "analytics-other";

/// The switch between the sides.
#[component]
pub fn Tabs() -> impl IntoView {
    let path = use_location().pathname;
    let tab = move |to: &'static str, label: &'static str| {
        let here = move || path.with(|path| path == to);
        view! {
            <a href=to aria-current=move || here().then_some("page")
                data-testid=move || if here() { "analytics-here" } else { OTHER }>{label}</a>
        }
    };
    view! {
        <nav class="seg anl-tabs" aria-label="Analytics" title="[ and ]">
            {tab("/analytics", "Usage")}{tab("/analytics/completeness", "Completeness")}
        </nav>
    }
}
