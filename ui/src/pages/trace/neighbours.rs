//! The calls before and after this one in the list that the reader came from.

use api::{CallFilter, CallId, CallSummary, Page};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::app::LastTraces;
use crate::backend::{Backend, use_backend};
use crate::browser::{now_ms, on_key, utc_offset};
use crate::components::icon::{Glyph, Icon};
use crate::fetch::fetch;
use crate::filter::View;

/// Two buttons and their keys.
#[component]
pub fn Neighbours(id: CallId, row: Signal<Option<CallSummary>>) -> impl IntoView {
    let backend = use_backend();
    let LastTraces(last) = expect_context();
    let begun = Memo::new(move |_| row.get().map(|row| row.started_ms));
    let found = fetch(
        true,
        move || Some((begun.get()?, last.get())),
        move |(begun, address)| async move {
            let query = address.split_once('?').map_or("", |(_, query)| query).to_owned();
            let filter = View::parse(&query).filter_at(now_ms(), utc_offset(now_ms()));
            Ok((newer(backend, &filter, id, begun).await, older(backend, filter, id).await))
        },
    );
    let ids = move || found.with(|found| found.copied().unwrap_or_default());
    let navigate = use_navigate();
    let go = Callback::new(move |to: Option<CallId>| {
        if let Some(to) = to {
            navigate(
                &format!("/traces/{to}"),
                NavigateOptions { replace: true, ..NavigateOptions::default() },
            );
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

async fn older(backend: Backend, filter: CallFilter, id: CallId) -> Option<CallId> {
    let page = Page { limit: 1, offset: 0, before: Some(id) };
    backend.calls(filter, page).await.ok()?.calls.first().map(|call| call.id)
}

/// Lists are only read from new to old: the newer neighbour is the last but one of those begun since.
async fn newer(backend: Backend, filter: &CallFilter, id: CallId, begun: i64) -> Option<CallId> {
    let filter = CallFilter { from_ms: Some(begun), ..filter.clone() };
    let part = |limit, offset| Page { limit, offset, before: None };
    let total = backend.calls(filter.clone(), part(1, 0)).await.ok()?.total;
    let offset = u32::try_from(total.saturating_sub(8)).ok()?;
    let page = backend.calls(filter, part(8, offset)).await.ok()?;
    page.calls.iter().rev().find(|call| call.id > id).map(|call| call.id)
}
