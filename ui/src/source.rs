//! Switching a listener: the menu behind its name, whom switching it off strands, the strip while it does not record.
//! Leaves out the switching itself (the engine's) and what the page does with live updates (`live`).

mod menu;
mod strip;
mod turn_off;

use api::{SourceState, SourceTarget};
use leptos::prelude::*;

use crate::backend::use_backend;
use crate::change::Change;
use crate::live::use_live;
pub use menu::SourceMenu;
pub use strip::SourceStrip;

/// Whether a listener is as it was told to be.
const fn obeys(state: &SourceState, to: SourceTarget) -> bool {
    matches!(
        (state, to),
        (SourceState::Running { .. }, SourceTarget::Running | SourceTarget::Resumed)
            | (SourceState::Paused { .. }, SourceTarget::Paused)
            | (SourceState::Stopped, SourceTarget::Stopped)
    )
}

/// A listener's switch as its buttons use it: tells the engine, then everybody on the page. `done` is run once it is so.
fn switch(
    name: &str,
    change: Change,
    done: impl Fn() + Copy + Send + Sync + 'static,
) -> Callback<SourceTarget> {
    let (backend, live) = (use_backend(), use_live());
    let name = name.to_owned();
    Callback::new(move |to| {
        change.run(backend.set_source(name.clone(), to), move |source| {
            let obeyed = obeys(&source.state, to);
            live.source_changed(source);
            if obeyed {
                done();
            }
        });
    })
}

/// A listener's name at the start of a sentence.
pub fn source_name(name: &str) -> String {
    match name {
        "otlp_http" => return "OTLP/HTTP".to_owned(),
        "otlp_grpc" => return "OTLP/gRPC".to_owned(),
        _ => {}
    }
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
