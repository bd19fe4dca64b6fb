//! All keys, one key away.

use leptos::prelude::*;

const KEYS: [(&str, &[(&str, &str)]); 9] = [
    (
        "Everywhere",
        &[
            ("1", "Overview"),
            ("3", "Traces"),
            ("4", "Sessions"),
            ("5", "Logs"),
            ("6", "Metrics"),
            ("7", "Models"),
            ("8", "Analytics"),
            ("9", "Providers"),
            ("t", "Light or dark"),
            ("\\", "Navigation wide or narrow"),
            ("?", "These keys"),
        ],
    ),
    ("Overview", &[("a", "Chart as bars or as a table"), ("Space", "Pause or go on")]),
    (
        "Traces",
        &[
            ("/", "Filter"),
            ("j k", "Next, previous row"),
            ("g G", "First, last row"),
            ("Enter", "Open the selected trace"),
            ("Space", "Pause or go on"),
            (".", "Take in what is new"),
            ("Esc", "Close pane, then clear filters"),
        ],
    ),
    (
        "Trace, Call",
        &[
            ("[ ]", "Previous, next in the list"),
            ("Alt 1-8", "Choose a tab"),
            ("c", "Copy as a command"),
            ("Esc", "Close pane, then back to the list"),
        ],
    ),
    (
        "Spans of a trace",
        &[
            ("j k", "Next, previous span"),
            ("h l", "Close, open"),
            ("e E", "Next, previous error"),
            ("s S", "Next, previous beside it"),
            ("p", "What it belongs to"),
            ("z", "Zoom to it, and back"),
            ("f", "Find"),
            ("Enter", "Open the call"),
        ],
    ),
    (
        "Sessions, Session",
        &[
            ("/", "Find a session"),
            ("j k", "Next, previous row"),
            ("g G", "First, last call"),
            ("Enter", "Open the selected session or call"),
            ("Esc", "Back to the list"),
        ],
    ),
    (
        "Logs, Metrics",
        &[
            ("/", "Filter, find"),
            ("j k", "Next, previous row"),
            ("Enter", "Open what a record belongs to"),
            (".", "Take in new records"),
            ("a", "Chart as a table"),
            ("Esc", "Close pane, then clear"),
        ],
    ),
    (
        "Analytics",
        &[
            ("j k", "Next, previous row"),
            ("Enter", "To the calls of the row"),
            ("m", "Cost, tokens or calls"),
            ("b", "By model, tool, provider, …"),
            ("c", "Compare with the time before"),
            ("[ ]", "Usage, completeness"),
            ("Space", "Pause or go on"),
        ],
    ),
    (
        "Providers, Settings",
        &[
            ("j k", "Next, previous provider"),
            ("Enter", "To its key"),
            ("/", "Find a setting"),
            ("Esc", "Close pane"),
        ],
    ),
];

/// The overlay, over everything while `open`.
#[component]
pub fn KeysOverlay(open: RwSignal<bool>) -> impl IntoView {
    view! {
        <Show when=move || open.get()>
            <div class="veil" on:click=move |_| open.set(false)>
                <div
                    class="keys" role="dialog" aria-modal="true" aria-label="All keys" data-testid="keys-overlay"
                    on:click=|event| event.stop_propagation()
                >
                    <div class="phead">
                        <h2>"Keys"</h2>
                        <span class="end"></span>
                        <button type="button" class="btn sm" autofocus on:click=move |_| open.set(false)>
                            "Close"<kbd>"Esc"</kbd>
                        </button>
                    </div>
                    <div class="keygrid">{KEYS.iter().map(|(name, keys)| group(name, keys)).collect_view()}</div>
                </div>
            </div>
        </Show>
    }
}

fn group(name: &'static str, keys: &'static [(&'static str, &'static str)]) -> impl IntoView {
    let rows = keys
        .iter()
        .map(|(key, does)| {
            let caps = key.split(' ').map(|cap| view! { <kbd>{cap}</kbd> }).collect_view();
            view! { <dt class="row g2">{caps}</dt><dd>{*does}</dd> }
        })
        .collect_view();
    view! { <section><h3>{name}</h3><dl>{rows}</dl></section> }
}
