//! The table of calls: only the rows on screen are drawn, however many there are.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Page;
use super::row::CallRow;
use super::rows::Entry;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::format::thousands;
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
        if let Some(frame) = frame.get_untracked() {
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
        if let (Some(id), Some(frame)) = (page.selected.get(), frame.get()) {
            if let Some(index) = list.rows.with_untracked(|rows| rows.index_of(id)) {
                scroll_into_view(&frame, index);
            }
        }
    });
    let drawn = move || {
        let (first, last, _) = window.get();
        list.rows
            .with(|rows| (first..last).map(|index| (index, rows.get(index).cloned())).collect::<Vec<_>>())
    };
    let key = |(index, entry): &(usize, Option<Entry>)| match entry {
        Some(entry) => (entry.call.id.to_string(), entry.revision as usize),
        None => (String::new(), *index),
    };
    view! {
        <div
            class="tbl calls" role="grid" aria-label="Calls" data-testid="traces-table"
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
                            Some(entry) => view! { <CallRow entry=entry /> }.into_any(),
                            None => view! { <SkeletonRows rows=1 /> }.into_any(),
                        }}
                    </For>
                </div>
                <InPlaceOfRows />
            </div>
        </div>
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
    let pending = Memo::new(move |_| page.list.rows.with(|rows| rows.pending()));
    view! {
        <div class="tr th" role="row">
            <span class="row g2" role="columnheader" aria-sort="descending">"Time"<Glyph icon=Icon::ArrowDown small=true /></span>
            <span></span>
            <span class="row" role="columnheader">
                "Name"
                <Show when=move || { pending.get() > 0 }>
                    <button
                        type="button" class="new" title="Take in new calls (.)" data-testid="new-calls"
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
                <ErrorPanel what="The calls could not be loaded" error=error retry=move |()| list.reload() />
            }
            .into_any(),
            Some(Ok(())) if empty => view! { <NoMatch /> }.into_any(),
            _ => ().into_any(),
        }
    }
}

/// Names the conditions, each with its way out.
#[component]
fn NoMatch() -> impl IntoView {
    let page = expect_context::<Page>();
    let stamp = |ms: i64| crate::format::time::Stamp::new(ms, crate::browser::utc_offset(ms)).iso();
    let chips = move || {
        let view = page.filter.get();
        let drawn = view.chips(stamp).into_iter().map(|chip| {
            let less = view.without(chip.field);
            let label = format!("Remove {} {}", chip.field, chip.value);
            view! { <button type="button" class="btn sm" on:click=move |_| page.show(less.clone())>{label}</button> }
        });
        drawn.collect_view()
    };
    view! {
        <div class="blank" data-testid="no-match">
            <h2>"No call matches all of these"</h2>
            <p class="t2">"Take one away to see more."</p>
            <div class="row wrap">{chips}</div>
        </div>
    }
}
