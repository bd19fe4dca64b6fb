//! A panel's body in its four states: nothing yet, loading, failed, data.

use leptos::prelude::*;

use super::Page;
use crate::components::states::{ErrorPanel, SkeletonRows};

/// Draws a part of today's figures, or says why it cannot.
#[component]
pub fn Figured<T>(
    part: Memo<Option<T>>,
    what: &'static str,
    #[prop(default = 4)] rows: usize,
    draw: impl Fn(T) -> AnyView + Send + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let page = expect_context::<Page>();
    let error = Memo::new(move |_| page.figures.error());
    move || match (part.get(), error.get()) {
        (Some(data), _) => draw(data),
        (None, Some(error)) => {
            view! { <ErrorPanel what=what error=error retry=move |()| page.figures.retry() /> }.into_any()
        }
        (None, None) if page.figures.is_late() => view! { <SkeletonRows rows=rows /> }.into_any(),
        (None, None) => ().into_any(),
    }
}

/// What a panel says when there is nothing to list.
#[component]
pub fn Nothing(text: &'static str) -> impl IntoView {
    view! { <p class="none t3 s12">{text}</p> }
}
