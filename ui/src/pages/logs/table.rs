//! The table of log records and what stands in its place.

use api::LogRow;
use leptos::prelude::*;

use super::Page;
use super::rows::Entry;
use crate::browser::{is_on_link, now_ms, utc_offset};
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::SeverityMark;
use crate::components::snippet::SnippetText;
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::virtual_rows::VirtualRows;
use crate::format::time::{Stamp, day_start, list_stamp};
use crate::format::{plural, thousands};
use crate::live::{Connection, use_live};
use crate::pages::found::{self, snippet_of};

/// A row's height, as in the style sheet.
const ROW: f64 = 28.0;
const MS: i64 = 1_000_000;

/// The head, the rows and what stands in their place.
#[component]
pub fn Table() -> impl IntoView {
    let page = expect_context::<Page>();
    let list = page.list;
    let total = Memo::new(move |_| list.rows.with(|rows| rows.len()));
    Effect::new(move |_| {
        let (first, last) = list.scroll.drawn.get();
        list.rows.track();
        list.fill(first..last);
    });
    Effect::new(move |_| {
        list.loaded.track();
        let place = |id: &str| list.rows.with_untracked(|rows| rows.index_of(id));
        if let Some(index) = page.selected.with(|selected| selected.as_deref().and_then(place)) {
            list.scroll.to(index);
        }
    });
    Effect::new(move |_| {
        let (first, last) = list.scroll.seen.get();
        page.in_view.set(list.rows.with(|rows| {
            let last = last.min(rows.len()).saturating_sub(1);
            Some((rows.get(last)?.log.time_ns / MS, rows.get(first)?.log.time_ns / MS))
        }));
    });
    // The time column is wider while a row in view is not of today.
    let dated = Memo::new(move |_| {
        let today = day_start(now_ms(), utc_offset(now_ms()));
        let (first, last) = list.scroll.drawn.get();
        list.rows.with(|rows| {
            (first..last).filter_map(|at| rows.get(at)).any(|entry| entry.log.time_ns / MS < today)
        })
    });
    view! {
        <div
            class="tbl logs" class:dated=move || dated.get() role="grid" aria-label="Log records" data-testid="logs-table"
            aria-rowcount=move || total.get().to_string()
        >
            <Head />
            <VirtualRows
                total=total row=ROW scroll=list.scroll
                item=move |index| list.rows.with(|rows| rows.get(index).cloned())
                key=|_, entry: &Entry| (entry.log.id.clone(), entry.log.call)
                draw=|_, entry: Entry| view! { <Row entry=entry /> }
            >
                <InPlaceOfRows />
            </VirtualRows>
        </div>
    }
}

#[component]
fn Head() -> impl IntoView {
    let page = expect_context::<Page>();
    let pending = Memo::new(move |_| page.list.rows.with(|rows| rows.pending()));
    view! {
        <div class="tr th" role="row">
            <span class="row g2" role="columnheader" aria-sort="descending">"Time"<Glyph icon=Icon::ArrowDown small=true /></span>
            <span role="columnheader">"Severity"</span>
            <span role="columnheader" class="c-service">"Service"</span>
            <span role="columnheader" class="c-event">"Event"</span>
            <span class="row" role="columnheader">
                "What"
                <Show when=move || { pending.get() > 0 }>
                    <button
                        type="button" class="new" title="Take in new records (.)" data-testid="new-logs"
                        on:click=move |_| page.list.take_in()
                    >
                        <Glyph icon=Icon::ArrowUp small=true />
                        {move || format!("{} new", thousands(pending.get() as u64))}
                    </button>
                </Show>
            </span>
            <span role="columnheader" class="r" title="What it belongs to: a call, a trace, a session">"Part of"</span>
        </div>
    }
}

/// A record as a row.
#[component]
fn Row(entry: Entry) -> impl IntoView {
    let page = expect_context::<Page>();
    let Entry { log, fresh } = entry;
    let id = log.id.clone();
    let (chosen, own) = (id.clone(), id.clone());
    let selected = move || page.selected.with(|selected| selected.as_deref() == Some(own.as_str()));
    let ms = log.time_ns / MS;
    let event = log.event.clone().unwrap_or_default();
    let service = log.service.clone().unwrap_or_default();
    let (text, whole) = (log.text.clone(), log.text.clone());
    let found = snippet_of(found::Row::Log(log.id.clone()));
    view! {
        <div
            class="tr" class:fresh=fresh role="row" data-testid="log-row" data-id=id
            aria-selected=move || selected().to_string()
            on:click=move |event| if !is_on_link(&event) { page.select(Some(chosen.clone())) }
        >
            <span role="gridcell" class="num t3" title=format!("{} UTC", Stamp::new(ms, 0).iso())>
                {list_stamp(ms, now_ms(), utc_offset(ms))}
            </span>
            <span role="gridcell"><SeverityMark severity=log.severity /></span>
            <span role="gridcell" class="cut t2 c-service" title=service>{service.clone()}</span>
            <span role="gridcell" class="cut mono c-event" title=event>{event.clone()}</span>
            <span role="gridcell" class="cut" title=whole data-testid="log-text">{move || match found.get() {
                Some(found) => view! { <SnippetText snippet=found /> }.into_any(),
                None => text.clone().into_any(),
            }}</span>
            <Ties log=(*log).clone() />
        </div>
    }
}

/// What a record belongs to, each a letter in its place.
#[component]
fn Ties(log: LogRow) -> impl IntoView {
    let call = log.call.map(|id| {
        view! { <a class="tie" href=format!("/traces/{id}") title="Tells of a call: open it" data-testid="log-call"><Glyph icon=Icon::Model small=true /></a> }
    });
    let trace = log.trace_id.as_ref().map(|trace| {
        let href = super::span_address(trace, log.span_id.as_deref());
        view! { <a class="tie" href=href title="Belongs to a trace: open it" data-testid="log-trace"><Glyph icon=Icon::Traces small=true /></a> }
    });
    let session = log.session_id.as_ref().map(|id| {
        let href = format!("/sessions/{}", js_sys::encode_uri_component(id));
        view! { <a class="tie" href=href title=format!("Belongs to the session {id}: open it")><Glyph icon=Icon::Messages small=true /></a> }
    });
    view! { <span role="gridcell" class="ties"><span>{call}</span><span>{trace}</span><span>{session}</span></span> }
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
                <ErrorPanel what="The log records could not be loaded" error=error retry=move |()| list.reload() />
            }
            .into_any(),
            Some(Ok(())) if empty => view! { <super::no_match::NoMatch /> }.into_any(),
            _ => ().into_any(),
        }
    }
}

/// The line below: how many match, and the keys that matter here.
#[component]
pub fn Totals() -> impl IntoView {
    let page = expect_context::<Page>();
    let total = move || page.list.rows.with(|rows| (rows.len() + rows.pending()) as u64);
    view! {
        <div class="lf" data-testid="log-totals">
            <span class="num">{move || plural(total(), "record", "records")}</span>
            <span class="end t3 hints"><kbd>"j"</kbd>" "<kbd>"k"</kbd>" move, "<kbd>"Enter"</kbd>" open what it belongs to, "<kbd>"/"</kbd>" filter"</span>
        </div>
    }
}
