//! What can be done with the tree: find, mark the critical path, go to errors, show infrastructure, close, zoom.

use leptos::prelude::*;

use super::Page;
use super::find::Find;
use crate::components::icon::{Glyph, Icon};
use crate::format::thousands;
use crate::tree::scale::{Window, length};

/// The line of buttons.
#[component]
pub fn Toolbar() -> impl IntoView {
    let page = expect_context::<Page>();
    let facts = Memo::new(move |_| page.load.tree.with(|tree| (tree.errors(), tree.foldable())));
    let work = Memo::new(move |_| page.load.path.with(|path| path.work_ns));
    let errors = move || facts.get().0;
    let foldable = move || facts.get().1;
    let zoomed = move || page.window.with(Option::is_some);
    let closed = move || page.shown.with(|shown| shown.closed);
    view! {
        <div class="wtool">
            <Find />
            <button
                type="button" class="btn sm keep" title="Underline what the rest had to wait for" data-testid="critical-path"
                aria-pressed=move || page.critical.get().to_string() on:click=move |_| page.critical.update(|on| *on = !*on)
            >
                <i class="cpm"></i><span class="word">"Critical path"</span>
                <span class="num t3">{move || length(work.get())}</span>
            </button>
            <Show when=move || { errors() > 0 }>
                <button
                    type="button" class="btn sm" title="Next error (e), previous (E)" data-testid="next-error"
                    on:click=move |_| {
                        let next = page.tree_now().error_after(page.place.get_untracked(), true);
                        page.select(next);
                    }
                >
                    <span class="err"><Glyph icon=Icon::Octagon small=true /></span>
                    <span class="word">"Next error"</span><span class="num t3">{move || thousands(errors() as u64)}</span><kbd>"e"</kbd>
                </button>
            </Show>
            <Show when=move || { foldable() > 0 }>
                <button
                    type="button" class="btn sm keep" data-testid="show-infrastructure"
                    title="Spans of HTTP clients, databases and of tools' own insides"
                    aria-pressed=move || page.shown.with(|shown| shown.infrastructure).to_string()
                    on:click=move |_| page.shown.update(|shown| {
                        shown.infrastructure = !shown.infrastructure;
                        shown.unfolded.clear();
                    })
                >
                    <Glyph icon=Icon::Square small=true /><span class="word">"Infrastructure"</span>
                    <span class="num t3">{move || thousands(foldable() as u64)}</span>
                </button>
            </Show>
            <span class="end"></span>
            <Show when=zoomed>
                <button type="button" class="btn sm" title="Show the whole time (Esc)" data-testid="zoom-out" on:click=move |_| page.zoom(None)>
                    "Whole time"
                </button>
            </Show>
            <button
                type="button" class="btn icon sm bare" data-testid="close-all"
                title=move || if closed() { "Open all" } else { "Close all" }
                aria-label=move || if closed() { "Open all" } else { "Close all" }
                on:click=move |_| page.shown.update(|shown| {
                    shown.closed = !shown.closed;
                    shown.turned.clear();
                })
            >
                <Glyph icon=Signal::derive(move || if closed() { Icon::ChevronRight } else { Icon::Traces }) />
            </button>
            <button
                type="button" class="btn icon sm bare" title="Zoom to the selected span, and back (z)"
                aria-label="Zoom to the selected span" data-testid="zoom-to-span" disabled=move || page.place.get().is_none()
                on:click=move |_| zoom_to_selected(page)
            >
                <Glyph icon=Icon::Search />
            </button>
        </div>
    }
}

/// The selected span's time with a little on each side; back when it is on screen already.
pub fn zoom_to_selected(page: Page) {
    let Some(place) = page.place.get_untracked() else { return };
    let tree = page.tree_now();
    let (from, to) = tree.times(place);
    let margin = ((to - from) as f64 * 0.05).max(500.0);
    let wanted = Window { from: from as f64 - margin, to: to as f64 + margin }.within(tree.length_ns());
    let shown = page.window.get_untracked();
    let same = shown.is_some_and(|shown| {
        (shown.from - wanted.from).abs() < wanted.length() * 0.01
            && (shown.to - wanted.to).abs() < wanted.length() * 0.01
    });
    page.zoom((!same).then_some(wanted));
}
