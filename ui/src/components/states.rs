//! What stands in for data: a failed question, rows that are still loading.

use api::ApiError;
use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// What failed, why, and what to do.
#[component]
pub fn ErrorPanel(what: &'static str, error: ApiError, #[prop(into)] retry: Callback<()>) -> impl IntoView {
    view! {
        <div class="failed" role="alert" data-testid="error-panel">
            <span class="err"><Glyph icon=Icon::Octagon /></span>
            <div class="grow">
                <div class="m">{what}</div>
                <div class="t2">{error.error}</div>
            </div>
            <button type="button" class="btn sm" on:click=move |_| retry.run(())>"Try again"</button>
        </div>
    }
}

/// Why the change beside it was refused.
#[component]
pub fn Refused(#[prop(into)] error: Signal<Option<ApiError>>) -> impl IntoView {
    move || {
        error.get().map(|error| {
            view! {
                <p class="refused" role="alert" data-testid="refused">
                    <Glyph icon=Icon::Octagon small=true />
                    <span>{error.error}</span>
                </p>
            }
        })
    }
}

/// Rows of bars at their final height: no spinner, no shimmer.
#[component]
pub fn SkeletonRows(rows: usize) -> impl IntoView {
    (0..rows)
        .map(|row| {
            let width = 30 + row * 37 % 45;
            view! { <div class="skel" aria-hidden="true"><i style=format!("width:{width}%")></i></div> }
        })
        .collect_view()
}
