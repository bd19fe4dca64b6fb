//! The tree and its waterfall: only the rows on screen are drawn, however many there are.
//! Leaves out what stands in a row (`row`).

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Page;
use super::row::SpanRowView;
use crate::tree::rows::Row;
use crate::tree::{Tree, key};

/// A row's height, as in `waterfall.css`.
pub const ROW: f64 = 23.0;
/// Rows drawn beyond what is seen, on each side; the rows drawn change in steps of this many.
const MARGIN: usize = 10;
/// Marks along the axis: about one in this many pixels.
const TICK: f64 = 54.0;
/// Of more rows only the one under the pointer has its length written beside its bar.
const MANY: usize = 2_000;

/// The head and the rows.
#[component]
pub fn Table() -> impl IntoView {
    let page = expect_context::<Page>();
    let frame = NodeRef::<Div>::new();
    let axis = NodeRef::<Div>::new();
    let top = RwSignal::new(0.0_f64);
    let height = RwSignal::new(700.0_f64);
    let width = RwSignal::new(330.0_f64);
    // The first row on screen and how far it is scrolled: it stays there when others come.
    let anchor = StoredValue::new(None::<(String, f64)>);
    let measure = move || {
        // A frame may be drawn after the page is gone.
        let Some(Some(element)) = frame.try_get_untracked() else { return };
        let at = f64::from(element.scroll_top());
        top.set(at);
        height.set(f64::from(element.client_height()).max(ROW));
        if let Some(Some(axis)) = axis.try_get_untracked() {
            width.set(f64::from(axis.client_width()).max(1.0));
        }
        let first = page.rows.with_untracked(|rows| rows.get((at / ROW) as usize).copied());
        let id = first.and_then(|row| page.tree_now().id(row.place).map(str::to_owned));
        anchor.set_value(id.filter(|_| at > 0.0).map(|id| (id, at % ROW)));
    };
    Effect::new(move |_| {
        frame.track();
        request_animation_frame(measure);
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    Effect::new(move |before: Option<usize>| {
        let rows = page.rows.get();
        let changed = before.is_some();
        if let (true, Some((id, rest)), Some(frame)) = (changed, anchor.get_value(), frame.get_untracked()) {
            let place = page.tree_now().find(&id);
            if let Some(at) = rows.iter().position(|row| Some(row.place) == place) {
                let wanted = (at as f64 * ROW + rest).round() as i32;
                // Once the rows are as many as they are now.
                request_animation_frame(move || {
                    if frame.scroll_top() != wanted {
                        frame.set_scroll_top(wanted);
                    }
                });
            }
        }
        request_animation_frame(measure);
        rows.len()
    });
    let drawn = Memo::new(move |_| {
        let total = page.rows.with(|rows| rows.len());
        let first = ((top.get() / ROW) as usize / MARGIN * MARGIN).saturating_sub(MARGIN).min(total);
        let seen = (height.get() / ROW) as usize + 1;
        (first, (first + seen + 3 * MARGIN).min(total), total)
    });
    scroll_to_selected(page, frame);
    let ticks = Memo::new(move |_| page.on_screen().ticks((width.get() / TICK).clamp(2.0, 12.0)));
    let visible = move || {
        let (first, last, _) = drawn.get();
        let tree = page.load.tree.get();
        page.rows.with(|rows| {
            let rows = rows.get(first..last).unwrap_or_default().iter();
            rows.zip(first..).map(|(row, at)| (revision(&tree, row), *row, at)).collect::<Vec<_>>()
        })
    };
    let spacing = move || {
        let (first, last, total) = drawn.get();
        format!("padding-top:{}px;padding-bottom:{}px", first as f64 * ROW, (total - last) as f64 * ROW)
    };
    view! {
        <div
            class="wtree" role="treegrid" aria-label="Spans" data-testid="span-tree" tabindex="0"
            aria-activedescendant=move || page.selected.get().map(|id| row_id(&id))
            class:cp=move || page.critical.get() class:many=move || { drawn.get().2 > MANY }
            class:finding=move || page.words.with(|words| !words.trim().is_empty())
            aria-rowcount=move || drawn.get().2.to_string()
        >
            <div class="wr wh" role="row">
                <div class="nm" role="columnheader">"Span"</div>
                <div class="r c" role="columnheader">"Cost"</div>
                <div class="tl num" node_ref=axis role="columnheader" aria-label="Time">
                    {move || ticks.get().into_iter().map(|(left, label)| {
                        let class = if left < 1.0 { "first" } else if left > 97.0 { "last" } else { "" };
                        view! { <span class=class style=format!("left:{left:.2}%")>{label}</span> }
                    }).collect_view()}
                </div>
            </div>
            <div class="wrows" role="rowgroup" node_ref=frame on:scroll=move |_| measure() on:wheel=move |event| wheel(page, axis, &event)>
                <div class="gl" aria-hidden="true"><div class="glt">
                    {move || ticks.get().into_iter().map(|(left, _)| view! { <i style=format!("left:{left:.2}%")></i> }).collect_view()}
                </div></div>
                <div class="wall" style=spacing>
                    <For each=visible key=|(revision, _, _)| *revision let((_, row, at))>
                        <SpanRowView row=row at=at />
                    </For>
                </div>
            </div>
        </div>
    }
}

/// A row's element.
pub fn row_id(id: &str) -> String {
    format!("span-{id}")
}

/// Changes whenever what a row shows does: a row is drawn once and stays while it is on screen.
fn revision(tree: &Tree, row: &Row) -> (u128, u64) {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (row.place, row.depth, row.parent, row.open, row.folded, row.lines).hash(&mut hasher);
    if let Some(span) = tree.span(row.place) {
        (span.start_ns, span.duration_ns, span.failed, span.infrastructure).hash(&mut hasher);
        (&span.name, &span.label, tree.start_ns(), tree.length_ns()).hash(&mut hasher);
    }
    if let Some(node) = tree.node(row.place) {
        (node.below, node.sum.calls, node.sum.cost.pico(), node.odd.is_odd()).hash(&mut hasher);
    }
    (key(tree.id(row.place).unwrap_or_default()), hasher.finish())
}

/// A newly selected span comes into view; one that stays selected does not move what is read.
fn scroll_to_selected(page: Page, frame: NodeRef<Div>) {
    let done = StoredValue::new(None::<String>);
    Effect::new(move |_| {
        let selected = page.selected.get();
        let place = page.place.get();
        let rows = page.rows.get();
        if done.with_value(|done| *done == selected) {
            return;
        }
        let at = place.and_then(|place| rows.iter().position(|row| row.place == place));
        if at.is_none() && selected.is_some() {
            return;
        }
        done.set_value(selected);
        if let (Some(at), Some(frame)) = (at, frame.get_untracked()) {
            // Once the rows are as many as they are now.
            request_animation_frame(move || scroll_into_view(frame.unchecked_ref(), at));
        }
    });
}

fn scroll_into_view(frame: &web_sys::Element, at: usize) {
    let (row, top, height) =
        (at as f64 * ROW, f64::from(frame.scroll_top()), f64::from(frame.client_height()));
    let far = row < top - height || row > top + 2.0 * height;
    let wanted = if far {
        row - height / 2.0
    } else if row < top {
        row
    } else if row + ROW > top + height {
        row + ROW - height
    } else {
        return;
    };
    frame.set_scroll_top(wanted.ceil() as i32);
}

/// With Ctrl or the command key the wheel zooms about the pointer; sideways it moves through time.
fn wheel(page: Page, axis: NodeRef<Div>, event: &web_sys::WheelEvent) {
    let Some(axis) = axis.get_untracked() else { return };
    let whole = page.load.tree.with_untracked(|tree| tree.length_ns());
    let shown = page.window.get_untracked().unwrap_or_else(|| crate::tree::scale::Window::whole(whole));
    let bounds = axis.get_bounding_client_rect();
    let share = ((f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0)).clamp(0.0, 1.0);
    let next = if event.ctrl_key() || event.meta_key() {
        shown.scaled(1.002_f64.powf(event.delta_y()), share, whole)
    } else if event.delta_x().abs() > event.delta_y().abs() || event.shift_key() {
        let pixels =
            if event.shift_key() && event.delta_x() == 0.0 { event.delta_y() } else { event.delta_x() };
        shown.moved(pixels * shown.length() / bounds.width().max(1.0), whole)
    } else {
        return;
    };
    event.prevent_default();
    page.window.set(Some(next).filter(|next| !next.is_whole(whole)));
    page.settle_soon();
}
