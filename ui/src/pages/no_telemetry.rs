//! What Logs and Metrics say before a tool has reported anything: where it is to send it, and how it is told to.

use api::SourceState;
use leptos::prelude::*;

use crate::components::icon::{Glyph, Icon};
use crate::live::use_live;
use crate::source::source_name;

/// `what` says who would report here.
#[component]
pub fn NoTelemetry(title: &'static str, what: &'static str) -> impl IntoView {
    let live = use_live();
    let sources = Memo::new(move |_| {
        live.health.with(|health| {
            let sources = health.iter().flat_map(|health| &health.sources);
            sources.filter(|source| source.name.starts_with("otlp")).cloned().collect::<Vec<_>>()
        })
    });
    let rows = move || {
        let rows = sources.get().into_iter().map(|source| {
            let (icon, class, words) = match source.state {
                SourceState::Running { addresses } => {
                    (Icon::CircleCheck, "ok", format!("listens on {}", addresses.join(", ")))
                }
                SourceState::Paused { .. } => (Icon::Pause, "warn", "is paused".to_owned()),
                SourceState::Stopped => (Icon::Power, "warn", "is off".to_owned()),
                SourceState::Failed { message } => (Icon::Octagon, "err", message),
            };
            view! {
                <div class="row g3"><span class=class><Glyph icon=icon small=true /></span>
                    <span><b class="m">{source_name(&source.name)}</b>" "{words}</span></div>
            }
        });
        rows.collect_view()
    };
    view! {
        <div class="blank" data-testid="no-telemetry">
            <h2>{title}</h2>
            <p class="t2">{what}</p>
            <div class="s12 t2 col g3">{rows}</div>
            <a class="btn pri" href="/connect">"Connect a tool"</a>
        </div>
    }
}
