//! The line between two parts of a page that can be dragged; where it was left is remembered.

use leptos::html::Div;
use leptos::prelude::*;
use web_sys::PointerEvent;

use crate::browser::{store, stored};

/// Neither part becomes narrower than this, in pixels.
const LEAST: f64 = 380.0;
/// How far an arrow key moves the line.
const STEP: f64 = 24.0;

/// How wide the right part is, in pixels; `None` as the page's style has it. `name` is under what it is remembered.
pub fn remembered(name: &'static str) -> RwSignal<Option<f64>> {
    RwSignal::new(stored(name).and_then(|width| width.parse().ok()))
}

/// The line, at the left edge of the right part, which its parent element is.
#[component]
pub fn Divider(name: &'static str, width: RwSignal<Option<f64>>) -> impl IntoView {
    let held = StoredValue::new(false);
    let set = move |wanted: f64| {
        let whole = window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(1280.0);
        width.set(Some(wanted.clamp(LEAST, (whole - LEAST - 48.0).max(LEAST)).round()));
    };
    let keep = move || match width.get_untracked() {
        Some(width) => store(name, &width.to_string()),
        None => store(name, ""),
    };
    let line = NodeRef::<Div>::new();
    // The part to the right.
    let bounds = move || Some(line.get_untracked()?.parent_element()?.get_bounding_client_rect());
    let down = move |event: PointerEvent| {
        held.set_value(true);
        if let Some(line) = line.get_untracked() {
            // Without it a fast hand leaves the line behind.
            let _ = line.set_pointer_capture(event.pointer_id());
        }
        event.prevent_default();
    };
    let moved = move |event: PointerEvent| {
        if let (true, Some(bounds)) = (held.get_value(), bounds()) {
            set(bounds.right() - f64::from(event.client_x()));
        }
    };
    let up = move |_: PointerEvent| {
        held.set_value(false);
        keep();
    };
    let pull = move |event: web_sys::KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowLeft" => STEP,
            "ArrowRight" => -STEP,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some(bounds) = bounds() {
            set(bounds.width() + by);
            keep();
        }
    };
    let reset = move |_| {
        width.set(None);
        keep();
    };
    view! {
        <div
            class="divider" node_ref=line role="separator" aria-orientation="vertical" aria-label="Width of the pane" tabindex="0"
            title="Drag to change the width; double click for the usual one" data-testid="divider"
            on:pointerdown=down on:pointermove=moved on:pointerup=up on:pointercancel=up on:keydown=pull on:dblclick=reset
        ></div>
    }
}
