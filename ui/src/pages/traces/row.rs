//! A call as a row of the table. It never changes: a changed call is a new row. Leaves out traces (`trace_row`).

use api::{CallState, CallSummary};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Page;
use crate::browser::{now_ms, utc_offset};
use crate::components::marks::{
    CostCell, ModelName, StateIcon, ToolMark, TypeMark, call_type, state_mark, trouble,
};
use crate::components::snippet::SnippetLine;
use crate::entry::EntryId;
use crate::format::time::{Stamp, list_stamp};
use crate::format::{duration, short, thousands};
use crate::pages::found::{Row, snippet_of};

/// The latency bars share one scale: what lasts longer is cut and shows a notch.
pub const SCALE_US: f64 = 60_000_000.0;

/// A call as a row.
#[component]
pub fn CallRow(call: CallSummary, fresh: bool) -> impl IntoView {
    let page = expect_context::<Page>();
    let navigate = use_navigate();
    let id = call.id;
    let found = snippet_of(Row::Call(id));
    let offset = utc_offset(call.started_ms);
    let selected = move || page.selected.with(|selected| *selected == Some(EntryId::Call(id)));
    let title = call.title.clone().unwrap_or_else(|| format!("{} {}", call.method, call.path));
    let trouble = trouble(&call).map(
        |(word, class)| view! { <span class=format!("why cut {class}") title=word>{word.clone()}</span> },
    );
    let retry = call.retry_of.map(|_| {
        view! { <span class="t3 s11 nw" title="The same call as one that failed shortly before" data-testid="retry">"again"</span> }
    });
    let (icon, word, class) = state_mark(&call);
    let open = move |_| navigate(&format!("/traces/{id}"), NavigateOptions::default());
    view! {
        <div
            class="tr" class:fresh=fresh role="row" data-testid="trace-row" data-id=id.to_string()
            aria-selected=move || selected().to_string() on:click=move |_| page.select(Some(EntryId::Call(id))) on:dblclick=open
        >
            <span role="gridcell" class="num t3" title=format!("{} UTC", Stamp::new(call.started_ms, 0).iso())>
                {list_stamp(call.started_ms, now_ms(), offset)}
            </span>
            <TypeMark operation=call.operation />
            <span role="gridcell" class="row g3 name">
                <ToolMark client=call.client.clone() />
                <span class="cut ttl" title=title>{title.clone()}</span>
                {move || found.get().map(|found| view! { <SnippetLine snippet=found /> })}
                {retry}
                {trouble}
            </span>
            <span role="gridcell"><ModelName name=call.model.clone() provider=call.provider.clone() /></span>
            <Tokens call=call.clone() />
            <span role="gridcell" class="r">
                <CostCell cost=call.cost source=call.cost_source open=call.state == CallState::Open />
            </span>
            <Latency call=call.clone() />
            <StateIcon icon=icon word=word class=class />
        </div>
    }
}

#[component]
fn Tokens(call: CallSummary) -> impl IntoView {
    let (prompt, output) = (call.usage.prompt_total(), call.usage.output);
    let Some(total) = call.usage.total() else {
        return view! { <span role="gridcell" class="num r t3">"–"</span> }.into_any();
    };
    let title = format!(
        "{} in, of them {} from cache; {} out",
        thousands(prompt.unwrap_or(0)),
        thousands(call.usage.cache_read.unwrap_or(0)),
        thousands(output.unwrap_or(0))
    );
    view! {
        <span role="gridcell" class="num r" title=title>
            <span class="wide">
                {short(prompt.unwrap_or(0))}<span class="t3">" / "{short(output.unwrap_or(0))}</span>
            </span>
            <span class="narrow">{short(total)}</span>
        </span>
    }
    .into_any()
}

/// A two-part bar: waiting for the first token, then writing.
#[component]
fn Latency(call: CallSummary) -> impl IntoView {
    let stem = call_type(call.operation).1;
    let total = call.duration_us;
    let waited = call.first_token_us.or(call.first_byte_us.filter(|_| call.streamed)).unwrap_or(0);
    let share = |us: f64| (us / SCALE_US * 100.0).clamp(0.0, 100.0);
    let wait = share(waited.min(total.unwrap_or(waited)) as f64);
    let rest = (share(total.unwrap_or(0) as f64) - wait).max(0.0);
    let over = total.is_some_and(|total| total as f64 > SCALE_US);
    let title = match (call.first_token_us, total) {
        (Some(first), Some(total)) => {
            format!("First token after {}, all after {}", duration(first), duration(total))
        }
        (None, Some(total)) => format!("All after {}", duration(total)),
        _ => "Not ended".to_owned(),
    };
    view! {
        <span role="gridcell" class="lat" title=title>
            <span class="lb" class:over=over aria-hidden="true">
                <i class="a" style=format!("width:{wait:.1}%")></i>
                <i class="z" style=format!("width:{rest:.1}%;background:var(--span-{stem})")></i>
            </span>
            <span class="num r">{total.map_or_else(|| "–".to_owned(), duration)}</span>
        </span>
    }
}
