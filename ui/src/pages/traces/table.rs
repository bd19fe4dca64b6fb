//! The table of traces and calls: only the rows on screen are drawn, however many there are.

use api::TraceEntry;
use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Page;
use super::no_match::NoMatch;
use super::row::CallRow;
use super::rows::Entry;
use super::trace_row::TraceRow;
use crate::browser::{now_ms, utc_offset};
use crate::components::icon::{Glyph, Icon};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::format::thousands;
use crate::format::time::day_start;
use crate::live::{Connection, use_live};

/// A row's height, as in `traces.css`.
const ROW: f64 = 28.0;
/// Rows drawn beyond what is seen, on each side.
const MARGIN: usize = 8;

/// The head, the rows and what stands in their place.
#[component]
pub fn Table() -> impl IntoView {
    let page = expect_context::<Page>();
    let list = page.list;
    let frame = NodeRef::<Div>::new();
    let top = RwSignal::new(0.0_f64);
    let height = RwSignal::new(800.0_f64);
    let measure = move || {
        // A frame may be drawn after the page is gone.
        if let Some(Some(frame)) = frame.try_get_untracked() {
            top.set(f64::from(frame.scroll_top()));
            height.set(f64::from(frame.client_height()).max(ROW));
            list.at_top.set(frame.scroll_top() <= 1);
        }
    };
    Effect::new(move |_| {
        frame.track();
        list.loaded.track();
        request_animation_frame(measure);
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    let window = Memo::new(move |_| {
        let total = list.rows.with(|rows| rows.len());
        let first = ((top.get() / ROW) as usize).saturating_sub(MARGIN).min(total);
        let last = (((top.get() + height.get()) / ROW) as usize + MARGIN + 1).min(total);
        (first, last.max(first), total)
    });
    Effect::new(move |_| {
        let (first, last, _) = window.get();
        list.rows.track();
        list.fill(first..last);
    });
    Effect::new(move |_| {
        list.loaded.track();
        let place = |id| list.rows.with_untracked(|rows| rows.index_of(id));
        if let (Some(index), Some(frame)) = (page.selected.get().and_then(place), frame.get()) {
            scroll_into_view(&frame, index);
        }
    });
    Effect::new(move |_| {
        page.filter.track();
        if let Some(frame) = frame.get_untracked() {
            frame.set_scroll_top(0);
        }
    });
    Effect::new(move |_| {
        let (first, last) = ((top.get() / ROW) as usize, ((top.get() + height.get()) / ROW) as usize);
        page.in_view.set(list.rows.with(|rows| {
            let last = last.min(rows.len()).saturating_sub(1);
            Some((rows.get(last)?.started_ms(), rows.get(first)?.started_ms()))
        }));
    });
    // The time column is wider while a row in view is not of today.
    let dated = Memo::new(move |_| {
        let today = day_start(now_ms(), utc_offset(now_ms()));
        let (first, last, _) = window.get();
        list.rows
            .with(|rows| (first..last).filter_map(|at| rows.get(at)).any(|entry| entry.started_ms() < today))
    });
    let drawn = move || {
        let (first, last, _) = window.get();
        list.rows
            .with(|rows| (first..last).map(|index| (index, rows.get(index).cloned())).collect::<Vec<_>>())
    };
    let key = |(index, entry): &(usize, Option<Entry>)| match entry {
        Some(entry) => (entry.id.to_string(), entry.revision as usize),
        None => (String::new(), *index),
    };
    view! {
            <div
    class="tbl calls" class:dated=move || dated.get() role="grid" aria-label="Traces and calls" data-testid="traces-table"
                aria-rowcount=move || window.get().2.to_string()
            >
                <Head />
                <div class="rows" node_ref=frame on:scroll=move |_| measure()>
                    <div style=move || {
                        let (first, last, total) = window.get();
                        format!("padding-top:{}px;padding-bottom:{}px", first as f64 * ROW, (total - last) as f64 * ROW)
                    }>
                        <For each=drawn key=key let((_, entry))>
                            {match entry {
                                Some(entry) => row(&entry),
                                None => view! { <SkeletonRows rows=1 /> }.into_any(),
                            }}
                        </For>
                    </div>
                    <InPlaceOfRows />
                </div>
            </div>
        }
}

fn row(entry: &Entry) -> AnyView {
    let fresh = entry.fresh;
    match &*entry.what {
        TraceEntry::Call(call) => view! { <CallRow call=(**call).clone() fresh=fresh /> }.into_any(),
        TraceEntry::Trace(trace) => view! { <TraceRow trace=trace.clone() fresh=fresh /> }.into_any(),
    }
}

fn scroll_into_view(frame: &web_sys::HtmlDivElement, index: usize) {
    let frame: &web_sys::Element = frame.unchecked_ref();
    let (row, top, height) =
        (index as f64 * ROW, f64::from(frame.scroll_top()), f64::from(frame.client_height()));
    let wanted = if row < top {
        row
    } else if row + ROW > top + height {
        row + ROW - height
    } else {
        return;
    };
    frame.set_scroll_top(wanted.ceil() as i32);
}

#[component]
fn Head() -> impl IntoView {
    let page = expect_context::<Page>();
    let newest = move || !page.filter.with(crate::filter::View::best_first);
    let pending = Memo::new(move |_| page.list.rows.with(|rows| rows.pending()));
    view! {
        <div class="tr th" role="row">
            <span class="row g2" role="columnheader" aria-sort=move || newest().then_some("descending")>
                "Time"
                <Show when=newest><Glyph icon=Icon::ArrowDown small=true /></Show>
            </span>
            <span></span>
            <span class="row" role="columnheader">
                "Name"
                <Show when=move || { pending.get() > 0 }>
                    <button
                        type="button" class="new" title="Take in what is new (.)" data-testid="new-calls"
                        on:click=move |_| page.list.take_in()
                    >
                        <Glyph icon=Icon::ArrowUp small=true />
                        {move || format!("{} new", thousands(pending.get() as u64))}
                    </button>
                </Show>
            </span>
            <span role="columnheader">"Model"</span>
            <span class="r" role="columnheader">
                <span class="wide">"In / out"</span><span class="narrow">"Tokens"</span>
            </span>
            <span class="r" role="columnheader">"Cost"</span>
            <span class="r" role="columnheader">"Total"</span>
            <span></span>
        </div>
    }
}

/// Loading, failed, or nothing that matches.
#[component]
fn InPlaceOfRows() -> impl IntoView {
    let page = expect_context::<Page>();
    let live = use_live();
    let list = page.list;
    let lost = move || matches!(live.connection.get(), Connection::Lost(_));
    move || {
        let empty = list.rows.with(|rows| rows.len() + rows.pending() == 0);
        match list.loaded.get() {
            None if list.late.get() => view! { <SkeletonRows rows=16 /> }.into_any(),
            Some(Err(error)) if empty || !lost() => view! {
                <ErrorPanel what="The list could not be loaded" error=error retry=move |()| list.reload() />
            }
            .into_any(),
            // As long as a search reads, nothing found means nothing.
            Some(Ok(())) if empty && list.reading.get().is_some() => {
                view! { <SkeletonRows rows=16 /> }.into_any()
            }
            Some(Ok(())) if empty => view! { <NoMatch /> }.into_any(),
            _ => ().into_any(),
        }
    }
}
