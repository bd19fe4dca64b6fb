//! A stretch of what was said, what was looked for marked. It is text: whatever looks like markup in it is shown as it is.

use api::Snippet;
use leptos::prelude::*;

/// The stretch.
#[component]
pub fn SnippetText(snippet: Snippet) -> impl IntoView {
    let parts = snippet.parts.into_iter().map(|part| match part.matched {
        true => view! { <mark>{part.text}</mark> }.into_any(),
        false => part.text.into_any(),
    });
    parts.collect_view()
}

/// The stretch as a line of a row, whole in its title.
#[component]
pub fn SnippetLine(snippet: Snippet) -> impl IntoView {
    let whole: String = snippet.parts.iter().map(|part| part.text.as_str()).collect();
    view! { <span class="t2 cut found" title=whole data-testid="snippet"><SnippetText snippet=snippet /></span> }
}
