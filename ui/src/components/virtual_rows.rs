//! A list of which only the rows near the screen are in the page, however many there are. Leaves out what a row is.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::states::SkeletonRows;

/// Rows drawn beyond what is seen, on each side.
const MARGIN: usize = 8;

/// Which rows are on screen, and which one is to be brought there.
#[derive(Clone, Copy)]
pub struct Scroll {
    /// Whether the list is at its top.
    pub at_top: RwSignal<bool>,
    /// The first row seen, and the one after the last.
    pub seen: RwSignal<(usize, usize)>,
    /// The rows in the page: those seen, and some more.
    pub drawn: RwSignal<(usize, usize)>,
    /// A row that must be seen.
    wanted: RwSignal<Option<(usize, u64)>>,
}

impl Scroll {
    pub fn new() -> Self {
        Self {
            at_top: RwSignal::new(true),
            seen: RwSignal::new((0, 0)),
            drawn: RwSignal::new((0, 0)),
            wanted: RwSignal::new(None),
        }
    }

    /// Brings a row into view.
    pub fn to(self, index: usize) {
        self.wanted.update(|wanted| *wanted = Some((index, wanted.map_or(0, |(_, turn)| turn + 1))));
    }
}

/// The rows, each `row` pixels high. `item` gives what a row shows, `None` while it is not loaded; a row is drawn anew
/// when its `key` changes. The children stand below the rows.
#[component]
pub fn VirtualRows<T, K, V>(
    #[prop(into)] total: Signal<usize>,
    row: f64,
    scroll: Scroll,
    item: impl Fn(usize) -> Option<T> + Send + Sync + 'static,
    key: impl Fn(usize, &T) -> K + Clone + Send + Sync + 'static,
    draw: impl Fn(usize, T) -> V + Clone + Send + Sync + 'static,
    #[prop(optional)] testid: &'static str,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    K: Eq + std::hash::Hash + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let frame = NodeRef::<Div>::new();
    let (top, height) = (RwSignal::new(0.0_f64), RwSignal::new(800.0_f64));
    let measure = move || {
        // A frame may be drawn after the page is gone.
        if let Some(Some(frame)) = frame.try_get_untracked() {
            top.set(f64::from(frame.scroll_top()));
            height.set(f64::from(frame.client_height()).max(row));
            scroll.at_top.set(frame.scroll_top() <= 1);
        }
    };
    Effect::new(move |_| {
        frame.track();
        total.track();
        request_animation_frame(measure);
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    let window = Memo::new(move |_| {
        let total = total.get();
        let (first, last) = ((top.get() / row) as usize, ((top.get() + height.get()) / row).ceil() as usize);
        let seen = (first.min(total), last.min(total));
        let drawn = (first.saturating_sub(MARGIN).min(total), (last + MARGIN).min(total));
        (seen, drawn, total)
    });
    Effect::new(move |_| {
        let (seen, drawn, _) = window.get();
        scroll.seen.set(seen);
        scroll.drawn.set(drawn);
    });
    Effect::new(move |_| {
        if let (Some((index, _)), Some(frame)) = (scroll.wanted.get(), frame.get()) {
            bring(&frame, index, row);
        }
    });
    let drawn = move || {
        let (_, (first, last), _) = window.get();
        (first..last).map(|index| (index, item(index))).collect::<Vec<_>>()
    };
    let row_key = move |(index, item): &(usize, Option<T>)| match item {
        Some(item) => (None, Some(key(*index, item))),
        None => (Some(*index), None),
    };
    let padding = move || {
        let (_, (first, last), total) = window.get();
        format!("padding-top:{}px;padding-bottom:{}px", first as f64 * row, (total - last) as f64 * row)
    };
    view! {
        <div class="rows" node_ref=frame tabindex="-1" data-testid=testid on:scroll=move |_| measure()>
            <div style=padding>
                <For each=drawn key=row_key let((index, item))>
                    {match item {
                        Some(item) => draw.clone()(index, item).into_any(),
                        None => view! { <SkeletonRows rows=1 /> }.into_any(),
                    }}
                </For>
            </div>
            {children.map(|children| children())}
        </div>
    }
}

fn bring(frame: &web_sys::HtmlDivElement, index: usize, row: f64) {
    let frame: &web_sys::Element = frame.unchecked_ref();
    let (at, top, height) =
        (index as f64 * row, f64::from(frame.scroll_top()), f64::from(frame.client_height()));
    if at < top {
        frame.set_scroll_top(at as i32);
    } else if at + row > top + height {
        frame.set_scroll_top((at + row - height).ceil() as i32);
    }
}
