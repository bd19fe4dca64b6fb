//! The rows before and after a trace or a call in the list that the reader came from.

use api::TracesCursor;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::app::LastTraces;
use crate::backend::{Backend, use_backend};
use crate::browser::{now_ms, on_key, utc_offset};
use crate::components::icon::{Glyph, Icon};
use crate::entry::EntryId;
use crate::fetch::fetch;
use crate::filter::View;

/// Two buttons and their keys.
#[component]
pub fn Neighbours(id: EntryId, begun: Memo<Option<i64>>) -> impl IntoView {
    let backend = use_backend();
    let LastTraces(last) = expect_context();
    let found = fetch(
        true,
        move || Some((begun.get()?, last.get())),
        move |(begun, address)| async move {
            let query = address.split_once('?').map_or("", |(_, query)| query).to_owned();
            let filter = View::parse(&query).filter_at(now_ms(), utc_offset(now_ms()));
            let newer = newer(backend, filter.clone(), id, begun).await;
            let cursor = TracesCursor { started_ms: begun, id: id.to_string() };
            let older = backend.traces(filter, 1, Some(cursor), 0).await.ok();
            Ok((newer, older.and_then(|page| page.entries.first().map(EntryId::of))))
        },
    );
    let ids = move || found.with(|found| found.copied().unwrap_or_default());
    let navigate = use_navigate();
    let go = Callback::new(move |to: Option<EntryId>| {
        if let Some(to) = to {
            navigate(&to.address(), NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
    });
    on_key(move |event| {
        match event.key().as_str() {
            "[" => go.run(ids().0),
            "]" => go.run(ids().1),
            _ => return false,
        }
        true
    });
    view! {
        <button
            type="button" class="btn icon sm" title="Previous, newer trace ([)" aria-label="Previous trace"
            data-testid="previous-trace" disabled=move || ids().0.is_none() on:click=move |_| go.run(ids().0)
        >
            <Glyph icon=Icon::ChevronLeft small=true />
        </button>
        <button
            type="button" class="btn icon sm" title="Next, older trace (])" aria-label="Next trace"
            data-testid="next-trace" disabled=move || ids().1.is_none() on:click=move |_| go.run(ids().1)
        >
            <Glyph icon=Icon::ChevronRight small=true />
        </button>
    }
}

/// Lists are only read from new to old: the newer neighbour is the last but one of those begun since.
async fn newer(backend: Backend, filter: api::CallFilter, id: EntryId, begun: i64) -> Option<EntryId> {
    let filter = api::CallFilter { from_ms: Some(begun), ..filter };
    let total = backend.traces(filter.clone(), 1, None, 0).await.ok()?.total;
    let page = backend.traces(filter, 8, None, total.saturating_sub(8)).await.ok()?;
    page.entries.iter().map(EntryId::of).take_while(|entry| *entry != id).last()
}
