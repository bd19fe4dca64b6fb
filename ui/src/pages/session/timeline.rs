//! What happened in a session, in order: prompts, calls, tool runs, decisions, each on the line of its agent. Owns what
//! is asked, the filter by kind and the keys.

mod arranged;
mod row;

use std::collections::HashSet;

use api::{SessionRef, TimelineEntry, TimelineKind};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::backend::use_backend;
use crate::browser::{is_on_control, on_key};
use crate::components::icon::Glyph;
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::virtual_rows::{Scroll, VirtualRows};
use crate::fetch::fetch;
use crate::format::thousands;
use crate::live::use_live;
use crate::pages::logs::span_address;
use crate::pages::pace::paced;
use arranged::{KINDS, Row, arrange, counts, lanes, word};
use row::{EntryRow, HeadRow, kind_mark, kind_plural};

/// A row's height, as in the style sheet.
const ROW: f64 = 28.0;
const LANE: usize = 14;

/// The tab.
#[component]
pub fn Timeline(session: SessionRef) -> impl IntoView {
    let (backend, live, query) = (use_backend(), use_live(), use_query_map());
    let changed = paced(move || {
        live.changes.track();
        live.logs.track();
    });
    let told = fetch(
        true,
        move || {
            changed.track();
            Some(())
        },
        move |()| backend.timeline(session.clone()),
    );
    let hidden = Memo::new(move |_| {
        let said = query.with(|query| query.get("hide")).unwrap_or_default();
        KINDS.into_iter().filter(|kind| said.split(',').any(|one| one == word(*kind))).collect::<HashSet<_>>()
    });
    let rows = Memo::new(move |_| {
        let hidden = hidden.get();
        told.with(|told| told.map(|told| arrange(told, &hidden)).unwrap_or_default())
    });
    let total = Memo::new(move |_| rows.with(Vec::len));
    let (scroll, selected) = (Scroll::new(), RwSignal::new(None::<usize>));
    keys(rows, selected, scroll);
    let earlier = Memo::new(move |_| told.with(|told| told.map_or(0, |told| told.earlier)));
    let style = move || format!("--lanes:{}px", 18 + rows.with(|rows| lanes(rows)) * LANE);
    let nothing = Memo::new(move |_| told.with(|told| told.is_some_and(|told| told.entries.is_empty())));
    view! {
        <Kinds told=Signal::derive(move || told.with(|told| told.map(counts))) hidden=hidden />
        {move || (earlier.get() > 0).then(|| view! {
            <p class="notice t2">{format!("The latest entries are shown; {} before them are not.", thousands(earlier.get()))}</p>
        })}
        <div class="tbl tline" role="grid" aria-label="Timeline" data-testid="session-timeline" style=style aria-rowcount=move || total.get().to_string()>
            <div class="tr th" role="row">
                <span role="columnheader"></span>
                <span role="columnheader">"Time"</span>
                <span role="columnheader">"Kind"</span>
                <span role="columnheader">"What happened"</span>
                <span role="columnheader" class="c-model">"Model"</span>
                <span role="columnheader" class="r">"Tokens"</span>
                <span role="columnheader" class="c-bar" title="When within its prompt, and how long">"Within the prompt"</span>
                <span role="columnheader" class="r">"Took"</span>
                <span role="columnheader" class="r">"Cost"</span>
                <span role="columnheader" class="r">"Open"</span>
            </div>
            <VirtualRows
                total=total row=ROW scroll=scroll
                item=move |index| rows.with(|rows| rows.get(index).cloned())
                key=|index, row: &Row| (index, row_key(row))
                draw=move |index, row: Row| match row {
                    Row::Head { entry, sum } => view! { <HeadRow index=index entry=entry sum=sum selected=selected /> }.into_any(),
                    Row::Entry { entry, lines, within } => {
                        view! { <EntryRow index=index entry=*entry lines=lines within=within selected=selected /> }.into_any()
                    }
                }
            >
                {move || told.error().map(|error| view! {
                    <ErrorPanel what="The timeline could not be loaded" error=error retry=move |()| told.retry() />
                })}
                {move || told.is_late().then(|| view! { <SkeletonRows rows=14 /> })}
                {move || nothing.get().then(|| view! {
                    <div class="blank" data-testid="no-timeline"><h2>"Nothing is known of this session but its calls"</h2>
                        <p class="t2">"Prompts, tool runs and decisions appear when the tool reports them over OTLP."</p></div>
                })}
            </VirtualRows>
        </div>
    }
}

/// What makes a row another one.
fn row_key(row: &Row) -> String {
    match row {
        Row::Head { entry, sum } => format!(
            "h{:?}{}{}{}{}",
            entry.as_ref().map(|entry| entry.time_ns),
            sum.calls,
            sum.tools,
            sum.to_ns,
            sum.cost.pico()
        ),
        Row::Entry { entry, lines, within } => format!(
            "e{}{}{:?}{:?}{:?}{:?}{}{within:?}{lines:?}",
            entry.time_ns,
            entry.title,
            entry.kind,
            entry.duration_us,
            entry.call,
            entry.failed,
            entry.log_id.is_some()
        ),
    }
}

/// The kinds with how many there are; pressed ones are shown.
#[component]
fn Kinds(told: Signal<Option<[u64; 7]>>, hidden: Memo<HashSet<TimelineKind>>) -> impl IntoView {
    let navigate = use_navigate();
    let path = leptos_router::hooks::use_location().pathname;
    let toggle = Callback::new(move |kind: TimelineKind| {
        let mut hidden = hidden.get_untracked();
        if !hidden.remove(&kind) {
            hidden.insert(kind);
        }
        let words: Vec<&str> = KINDS.into_iter().filter(|kind| hidden.contains(kind)).map(word).collect();
        let hide = if words.is_empty() { String::new() } else { format!("&hide={}", words.join(",")) };
        let address = format!("{}?tab=timeline{hide}", path.get_untracked());
        navigate(&address, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    });
    let button = move |(at, kind): (usize, TimelineKind)| {
        let (icon, stem, _) = kind_mark(kind);
        let count = move || told.get().and_then(|counts| counts.get(at).copied());
        view! {
            <button type="button" data-testid=format!("kind-{}", word(kind)) disabled=move || count() == Some(0)
                aria-pressed=move || (!hidden.with(|hidden| hidden.contains(&kind))).to_string()
                on:click=move |_| toggle.run(kind)>
                <span class="ty" style=format!("color:{stem}")><Glyph icon=icon small=true /></span>{kind_plural(kind)}
                <span class="n num t3">{move || count().map(thousands)}</span>
            </button>
        }
    };
    view! { <div class="kinds" role="group" aria-label="Kinds shown">{KINDS.into_iter().enumerate().map(button).collect_view()}</div> }
}

/// Where an entry leads: its call, else its span, else its record.
fn address(entry: &TimelineEntry) -> Option<String> {
    let call = entry.call.map(|id| format!("/traces/{id}"));
    let span = entry.trace_id.as_ref().map(|trace| span_address(trace, entry.span_id.as_deref()));
    let log = entry.log_id.as_ref().map(|id| format!("/logs?log={id}"));
    call.or(span).or(log)
}

fn keys(rows: Memo<Vec<Row>>, selected: RwSignal<Option<usize>>, scroll: Scroll) {
    let navigate = use_navigate();
    let go = move |to: usize| {
        let count = rows.with_untracked(Vec::len);
        if count > 0 {
            let to = to.min(count - 1);
            selected.set(Some(to));
            scroll.to(to);
        }
    };
    on_key(move |event| {
        let at = selected.get_untracked();
        match event.key().as_str() {
            "j" | "ArrowDown" => go(at.map_or(0, |at| at + 1)),
            "k" | "ArrowUp" => go(at.map_or(0, |at| at.saturating_sub(1))),
            "g" => go(0),
            "G" => go(usize::MAX),
            "Enter" | " " if is_on_control(event) => return false,
            "Enter" => {
                let to = rows.with_untracked(|rows| match rows.get(at?)? {
                    Row::Entry { entry, .. } => address(entry),
                    Row::Head { entry, .. } => address(entry.as_ref()?),
                });
                match to {
                    Some(to) => navigate(&to, NavigateOptions::default()),
                    None => return false,
                }
            }
            _ => return false,
        }
        true
    });
}
