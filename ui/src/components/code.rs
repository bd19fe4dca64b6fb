//! Text with a fixed pitch: JSON in colours, anything else as it is, long text folded.

use leptos::prelude::*;

use crate::format::thousands;
use crate::json::{self, Kind, Piece};

/// Lines drawn before the rest is asked for: each coloured piece is an element.
const LINES: usize = 400;
/// Characters shown before a text is folded.
pub const FOLD: usize = 4_000;

/// JSON laid out in colours, or the text as it is when it is not JSON.
#[component]
pub fn Code(text: String) -> impl IntoView {
    match json::lines(&text) {
        Some(lines) => view! { <JsonLines lines=lines /> }.into_any(),
        None => view! { <FoldedText text=text code=true /> }.into_any(),
    }
}

#[component]
fn JsonLines(lines: Vec<Vec<Piece>>) -> impl IntoView {
    let shown = RwSignal::new(LINES);
    let total = lines.len();
    let lines = StoredValue::new(lines);
    let draw = move || {
        let count = shown.get();
        lines.with_value(|lines| lines.iter().take(count).map(|line| line_view(line)).collect_view())
    };
    view! {
        <pre class="code json" tabindex="0">{draw}</pre>
        <Show when=move || { shown.get() < total }>
            <button type="button" class="more" on:click=move |_| shown.update(|shown| *shown *= 8)>
                {move || format!("Show more, {} lines left", thousands((total - shown.get().min(total)) as u64))}
            </button>
        </Show>
    }
}

fn line_view(line: &[Piece]) -> impl IntoView + use<> {
    let pieces = line
        .iter()
        .map(|(kind, text)| match kind {
            Kind::Mark => text.clone().into_any(),
            Kind::Key => view! { <span class="key">{text.clone()}</span> }.into_any(),
            Kind::Text => view! { <span class="str">{text.clone()}</span> }.into_any(),
            Kind::Literal => view! { <span class="lit">{text.clone()}</span> }.into_any(),
        })
        .collect_view();
    view! { {pieces}"\n" }
}

/// Text as it is; what is longer than [`FOLD`] characters shows its beginning and offers the rest.
#[component]
pub fn FoldedText(text: String, #[prop(optional)] code: bool) -> impl IntoView {
    let total = text.chars().count();
    let cut = text.char_indices().nth(FOLD).map_or(text.len(), |(index, _)| index);
    let folded = RwSignal::new(cut < text.len());
    let text = StoredValue::new(text);
    let shown = move || {
        text.with_value(|text| match folded.get() {
            true => format!("{}…", text.get(..cut).unwrap_or(text)),
            false => text.clone(),
        })
    };
    view! {
        {match code {
            true => view! { <pre class="code" tabindex="0">{shown}</pre> }.into_any(),
            false => view! { <p class="prose">{shown}</p> }.into_any(),
        }}
        <Show when=move || folded.get()>
            <button type="button" class="more" on:click=move |_| folded.set(false)>
                {format!("Show all {} characters", thousands(total as u64))}
            </button>
        </Show>
    }
}
