//! What a provider said to a key.

use api::KeyTest;
use leptos::prelude::*;

use crate::components::icon::{Glyph, Icon};
use crate::format::{duration, plural};

/// The verdict, its figures, and what they mean. `whose` says which key was tried.
#[component]
pub fn KeyResult(test: KeyTest, whose: &'static str) -> impl IntoView {
    let (icon, class, word) = match (test.accepted, test.status) {
        (true, _) => (Icon::Check, "pill ok", "Accepted"),
        (false, Some(_)) => (Icon::Octagon, "pill err", "Refused"),
        (false, None) => (Icon::Triangle, "pill warn", "No answer"),
    };
    let figures = [
        test.status.map(|status| status.to_string()),
        Some(duration(test.duration_us)),
        test.models.map(|models| plural(models, "model", "models")),
    ];
    let figures: Vec<String> = figures.into_iter().flatten().collect();
    view! {
        <div class="keyresult" role="status" data-testid="key-result">
            <div class="row g3">
                <span class=class><Glyph icon=icon small=true />{word}</span>
                <span class="t2 nw">{whose}</span>
                <span class="end"></span>
                <span class="num t3">{figures.join(" · ")}</span>
            </div>
            <p class="t2">{test.message}</p>
        </div>
    }
}
