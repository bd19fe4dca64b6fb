//! The strip above every page while the proxy does not record: what is so, what it means, how to go on.

use api::{SourceState, SourceTarget};
use leptos::prelude::*;

use super::switch;
use crate::change::Change;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::Refused;
use crate::format::plural;
use crate::live::use_live;

/// Nothing while the proxy runs.
#[component]
pub fn SourceStrip() -> impl IntoView {
    let live = use_live();
    let change = Change::new();
    let to = switch("proxy", change, || ());
    let state = Memo::new(move |_| live.source("proxy"));
    let unrecorded = Memo::new(move |_| {
        live.health.with(|health| health.as_ref().map_or(0, |health| health.completeness.paused))
    });
    let since_start = move || {
        let count = unrecorded.get();
        (count > 0).then(|| format!(" {} since start.", plural(count, "call went by", "calls went by")))
    };

    move || {
        let paused = state.with(|state| matches!(state, Some(SourceState::Paused { .. })));
        let (icon, class, what, means, testid, label) = match state.get()? {
            SourceState::Running { .. } => return None,
            SourceState::Paused { .. } => (
                Icon::Pause,
                "strip-off warn",
                "Recording is paused.".to_owned(),
                "Calls still go through to their providers; nothing of them is kept.",
                "resume-recording",
                "Resume recording",
            ),
            SourceState::Stopped => (
                Icon::Power,
                "strip-off warn",
                "The proxy is off.".to_owned(),
                "Tools that point at it get no answer.",
                "proxy-on",
                "Turn the proxy on",
            ),
            SourceState::Failed { message } => {
                (Icon::Octagon, "strip-off err", message, "", "proxy-on", "Try again")
            }
        };
        Some(view! {
            <div class=class role="status" data-testid="source-strip">
                <Glyph icon=icon />
                <span class="grow"><b>{what}</b>" "{means}{move || paused.then(since_start)}</span>
                <Refused error=change.refused />
                <button type="button" class="btn sm" data-testid=testid disabled=move || change.busy.get()
                    on:click=move |_| to.run(SourceTarget::Running)
                >{label}</button>
            </div>
        })
    }
}
