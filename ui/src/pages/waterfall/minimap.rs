//! The whole trace in a strip: every row as a line, the time on screen as a window that can be drawn, moved and pulled.

use std::fmt::Write;

use leptos::html::Div;
use leptos::prelude::*;
use web_sys::PointerEvent;

use super::{Page, Shared};
use crate::components::marks::span_type;
use crate::tree::Tree;
use crate::tree::rows::Row;
use crate::tree::scale::{Window, length};

/// The strip's inside in units of its drawing.
const WIDTH: usize = 800;
const LINES: usize = 24;
/// A press this near to an edge, in pixels, takes the edge.
const NEAR: f64 = 7.0;

/// What a press of the pointer took hold of.
#[derive(Clone, Copy)]
enum Hold {
    /// A new window, begun here.
    New(f64),
    Left,
    Right,
    /// The window as it was, and where it was taken.
    All(Window, f64),
}

/// The strip.
#[component]
pub fn Minimap() -> impl IntoView {
    let page = expect_context::<Page>();
    let frame = NodeRef::<Div>::new();
    let held = StoredValue::new(None::<Hold>);
    let drawing =
        Memo::new(move |_| page.load.tree.with(|tree| page.rows.with(|rows| Shared::new(draw(tree, rows)))));
    let whole = move || page.load.tree.with_untracked(|tree| tree.length_ns());
    // Where the pointer is, in nanoseconds, and how many a pixel has.
    let at = move |event: &PointerEvent| {
        let bounds = frame.get_untracked()?.get_bounding_client_rect();
        let per_pixel = whole() as f64 / bounds.width().max(1.0);
        Some(((f64::from(event.client_x()) - bounds.left()) * per_pixel, per_pixel))
    };
    let down = move |event: PointerEvent| {
        let Some((ns, per_pixel)) = at(&event) else { return };
        let shown = page.window.get_untracked();
        let near = |edge: f64| (ns - edge).abs() <= NEAR * per_pixel;
        let hold = match shown {
            Some(shown) if near(shown.from) => Hold::Left,
            Some(shown) if near(shown.to) => Hold::Right,
            Some(shown) if (shown.from..shown.to).contains(&ns) => Hold::All(shown, ns),
            None if near(0.0) => Hold::Left,
            None if near(whole() as f64) => Hold::Right,
            _ => Hold::New(ns),
        };
        held.set_value(Some(hold));
        if let Some(frame) = frame.get_untracked() {
            // Without it a fast hand leaves the strip behind.
            let _ = frame.set_pointer_capture(event.pointer_id());
        }
        event.prevent_default();
    };
    let moved = move |event: PointerEvent| {
        let (Some(hold), Some((ns, per_pixel))) = (held.get_value(), at(&event)) else { return };
        let shown = page.window.get_untracked().unwrap_or_else(|| Window::whole(whole()));
        let next = match hold {
            Hold::New(from) if (ns - from).abs() < 3.0 * per_pixel => return,
            Hold::New(from) => Window { from, to: ns },
            Hold::Left => Window { from: ns.min(shown.to), ..shown },
            Hold::Right => Window { to: ns.max(shown.from), ..shown },
            Hold::All(before, taken) => before.moved(ns - taken, whole()),
        };
        let next = next.within(whole());
        page.window.set((!next.is_whole(whole())).then_some(next));
    };
    let up = move |_: PointerEvent| {
        if held.get_value().is_some() {
            held.set_value(None);
            page.settle();
        }
    };
    let edges = Memo::new(move |_| {
        let (shown, whole) = (page.on_screen(), page.load.tree.with(|tree| tree.length_ns()) as f64);
        (shown.from * 100.0 / whole, shown.to * 100.0 / whole)
    });
    view! {
        <div class="mini">
            <div
                class="mp" node_ref=frame data-testid="minimap" title="Drag to choose a time; double click for all of it"
                on:pointerdown=down on:pointermove=moved on:pointerup=up on:pointercancel=up
                on:dblclick=move |_| page.zoom(None)
            >
                <svg viewBox=format!("0 0 {WIDTH} {LINES}") preserveAspectRatio="none" aria-hidden="true">
                    {move || drawing.get().iter().map(|(class, path)| view! { <path class=*class d=path.clone()></path> }).collect_view()}
                </svg>
                <span class="shade" style=move || format!("left:0;width:{:.3}%", edges.get().0)></span>
                <span class="shade" style=move || format!("right:0;width:{:.3}%", 100.0 - edges.get().1)></span>
                <Edge left=true edges=edges />
                <Edge left=false edges=edges />
            </div>
        </div>
    }
}

/// One edge of the window; the arrow keys move it.
#[component]
fn Edge(left: bool, edges: Memo<(f64, f64)>) -> impl IntoView {
    let page = expect_context::<Page>();
    let at = move || if left { edges.get().0 } else { edges.get().1 };
    let label = if left { "Beginning of the time on screen" } else { "End of the time on screen" };
    let words = move || {
        let shown = page.on_screen();
        length(if left { shown.from } else { shown.to } as i64)
    };
    let pull = move |event: web_sys::KeyboardEvent| {
        let whole = page.load.tree.with_untracked(|tree| tree.length_ns());
        let by = match event.key().as_str() {
            "ArrowLeft" => -0.02,
            "ArrowRight" => 0.02,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        let shown = page.window.get_untracked().unwrap_or_else(|| Window::whole(whole));
        let by = by * shown.length();
        let next = match left {
            true => Window { from: shown.from + by, ..shown },
            false => Window { to: shown.to + by, ..shown },
        };
        page.zoom(Some(next.within(whole)));
    };
    view! {
        <b
            class="edge" role="slider" tabindex="0" aria-label=label aria-valuemin="0" aria-valuemax="100"
            aria-valuenow=move || format!("{:.0}", at()) aria-valuetext=words
            style=move || format!("left:{:.3}%", at()) on:keydown=pull
        ></b>
    }
}

/// What each cell of the strip shows; what matters more covers what matters less.
fn weight(class: u8) -> u8 {
    // Errors, then work, then what holds work together.
    match CLASSES.get(class as usize) {
        Some(&"mm-err") => 4,
        Some(&("mm-trace" | "mm-agent" | "mm-chain")) => 1,
        Some(_) => 3,
        None => 0,
    }
}

const CLASSES: [&str; 9] = [
    "mm-llm",
    "mm-trace",
    "mm-agent",
    "mm-chain",
    "mm-tool",
    "mm-retrieval",
    "mm-embedding",
    "mm-custom",
    "mm-err",
];
const EMPTY: u8 = u8::MAX;

/// The strip as a path of lines for each class: as many rows as there are share its lines, so it costs the same for
/// ten spans and for a hundred thousand.
fn draw(tree: &Tree, rows: &[Row]) -> Vec<(&'static str, String)> {
    let lines = rows.len().clamp(1, LINES);
    let mut cells = vec![EMPTY; WIDTH * lines];
    let scale = WIDTH as f64 / tree.length_ns() as f64;
    for (at, row) in rows.iter().enumerate() {
        let Some(span) = tree.span(row.place) else { continue };
        let class = match span.failed {
            true => CLASSES.len() as u8 - 1,
            false => {
                let stem = span_type(span.span_type).1;
                CLASSES.iter().position(|class| class.ends_with(stem)).unwrap_or(7) as u8
            }
        };
        let (from, to) = tree.times(row.place);
        let left = ((from as f64 * scale) as usize).min(WIDTH - 1);
        let right = ((to as f64 * scale).ceil() as usize).clamp(left + 1, WIDTH);
        let line = at * lines / rows.len();
        for cell in cells.iter_mut().take(line * WIDTH + right).skip(line * WIDTH + left) {
            if *cell == EMPTY || weight(class) > weight(*cell) {
                *cell = class;
            }
        }
    }
    let mut paths: Vec<(&'static str, String)> =
        CLASSES.iter().map(|class| (*class, String::new())).collect();
    let (height, gap) = (LINES as f64 / lines as f64, lines as f64);
    for (line, cells) in cells.chunks(WIDTH).enumerate() {
        let y = (line as f64 + 0.5) * LINES as f64 / gap;
        let mut at = 0;
        for run in cells.chunk_by(|a, b| a == b) {
            if let Some((_, path)) = run.first().and_then(|class| paths.get_mut(*class as usize)) {
                let _ = write!(
                    path,
                    "M{at} {:.2}h{}v{:.2}h-{}z",
                    y - height.min(1.2) / 2.0,
                    run.len(),
                    height.min(1.2),
                    run.len()
                );
            }
            at += run.len();
        }
    }
    paths.retain(|(_, path)| !path.is_empty());
    paths
}
