//! What became of a call that was sent again: each replay with its model and what it cost. Leaves out comparing (`compare`).

use api::{CallDetail, CallFilter, CallSummary, CallsPage, Page as Part};
use leptos::prelude::*;

use super::Page;
use crate::backend::use_backend;
use crate::browser::utc_offset;
use crate::components::marks::{CostCell, StatePill};
use crate::fetch::fetch;
use crate::format::time::Stamp;
use crate::format::{money, thousands};

/// Replays that are listed.
const SHOWN: u32 = 20;

/// The block; nothing for a call that was never sent again.
#[component]
pub fn Replays(call: CallDetail) -> impl IntoView {
    let (page, backend, id) = (expect_context::<Page>(), use_backend(), call.summary.id);
    let found = fetch(
        true,
        // One more may have been sent when the form closes.
        move || {
            page.replaying.track();
            Some(())
        },
        move |()| {
            let filter = CallFilter { replay_of: Some(id), ..CallFilter::default() };
            backend.calls(filter, Part { limit: SHOWN, ..Part::default() })
        },
    );
    view! {
        {move || found.error().map(|error| view! {
            <div class="sec"><div class="sh"><h3>"Replays"</h3></div>
                <p class="cachetext t3" role="alert">{error.error}" "<button type="button" class="btn sm" on:click=move |_| found.retry()>"Try again"</button></p></div>
        })}
        {move || found.with(|found| found.filter(|found| found.total > 0).map(|found| list(found.clone())))}
    }
}

fn list(found: CallsPage) -> impl IntoView {
    let more = found.total.saturating_sub(found.calls.len() as u64);
    let said = together(&found.calls, more);
    let rows = found.calls.into_iter().map(row).collect_view();
    view! {
        <div class="sec" data-testid="call-replays">
            <div class="sh"><h3>"Replays"</h3><span class="t3 s12 num">{thousands(found.total)}</span><span class="end num s12 t2">{said}</span></div>
            <ul class="replays">{rows}</ul>
            {(more > 0).then(|| view! { <p class="cachetext t3">{format!("and {} earlier", thousands(more))}</p> })}
        </div>
    }
}

fn row(call: CallSummary) -> impl IntoView {
    let began = Stamp::new(call.started_ms, utc_offset(call.started_ms));
    let model = call.model.clone().unwrap_or_else(|| "no model".to_owned());
    let (cost, source) = (call.cost, call.cost_source);
    let open = call.state == api::CallState::Open;
    view! {
        <li>
            <a class="row g3" href=format!("/traces/{}", call.id) data-testid="replay-row" title=format!("{} {}, {model}", began.date(), began.exact_clock())>
                <span class="num t3">{began.short_clock()}</span>
                <span class="cut grow">{model.clone()}</span>
                <StatePill call=call.clone() />
                <CostCell cost=cost source=source open=open />
            </a>
        </li>
    }
}

/// What those listed cost together; nothing where that is not known, or more were sent.
fn together(calls: &[CallSummary], more: u64) -> Option<String> {
    let costs = calls.iter().map(|call| call.cost).collect::<Option<Vec<_>>>().filter(|_| more == 0)?;
    let sum = costs.into_iter().fold(api::Money::ZERO, api::Money::saturating_add);
    (calls.len() > 1).then(|| format!("{} in all", money(sum, 4)))
}
