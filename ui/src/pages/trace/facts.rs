//! The top of the page: the way back, the actions, and the facts in one line.

use api::{CallDetail, CallState, Erase};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Page;
use super::replay::ReplayButton;
use super::sources::is_proxied;
use crate::app::LastTraces;
use crate::browser::utc_offset;
use crate::components::copy_button::CopyButton;
use crate::components::erase::EraseButton;
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::{CostCell, StatePill, ToolMark};
use crate::format::time::Stamp;
use crate::format::{duration, percent, short, speed, thousands, tokens_per_second};
use crate::pages::traces::CurlButton;

/// Back to the list, and which call this is.
#[component]
pub fn Crumbs() -> impl IntoView {
    let page = expect_context::<Page>();
    let LastTraces(last) = expect_context();
    let here = move || {
        page.call.with(|call| {
            let row = call?.summary.clone();
            let title = row.title.unwrap_or_else(|| format!("{} {}", row.method, row.path));
            Some(view! {
                <span class="t3">"/"</span>
                <ToolMark client=row.client />
                <h1 class="cut" title=title>{title.clone()}</h1>
            })
        })
    };
    view! {
        <a class="crumb row g2" href=move || last.get() title="Back to the list (Esc)" data-testid="back-to-traces">
            <Glyph icon=Icon::ChevronLeft small=true />"Traces"
        </a>
        {here}
    }
}

/// What can be done with the call.
#[component]
pub fn Actions() -> impl IntoView {
    let page = expect_context::<Page>();
    let LastTraces(last) = expect_context();
    let navigate = use_navigate();
    let id = move || page.call.with(|call| call.map(|call| call.summary.id));
    let what = Callback::new(move |()| Some(Erase::Call(untrack(id)?)));
    let then = Callback::new(move |_| navigate(&last.get_untracked(), NavigateOptions::default()));
    // One under way cannot be deleted.
    let over = Memo::new(move |_| {
        page.call.with(|call| call.is_some_and(|call| call.summary.state != CallState::Open))
    });
    view! {
        <Show when=move || over.get()><EraseButton what=what then=then testid="erase-call" /></Show>
        // What did not go through the proxy cannot be sent again.
        {move || page.call.with(|call| {
            call.filter(|call| is_proxied(call)).map(|call| view! {
                <ReplayButton call=call.clone() />
                <CurlButton call=call.clone() />
            })
        })}
    }
}

/// The facts.
#[component]
pub fn Facts(call: CallDetail) -> impl IntoView {
    let row = call.summary;
    let dash = || "–".to_owned();
    let began = Stamp::new(row.started_ms, utc_offset(row.started_ms));
    let prompt = row.usage.prompt_total().unwrap_or(0);
    let cached = row.usage.cache_read.filter(|read| *read > 0).map(|read| percent(read, prompt));
    let tokens = match (row.usage.total(), cached) {
        (Some(_), Some(cached)) => format!("Tokens, {cached} cached"),
        _ => "Tokens".to_owned(),
    };
    let (wait, first) = match row.streamed {
        true => ("First token", row.first_token_us),
        false => ("First byte", row.first_byte_us),
    };
    let pace = tokens_per_second(row.usage.output, row.first_token_us, row.duration_us).map(speed);
    let total = row.usage.total();
    let counted = format!("{} in, {} out", thousands(prompt), thousands(row.usage.output.unwrap_or(0)));
    let id = row.id.to_string();
    let shown = format!("{}…{}", id.get(..8).unwrap_or_default(), id.get(id.len() - 4..).unwrap_or_default());
    let open = row.state == CallState::Open;
    view! {
        <div class="thead" data-testid="trace-facts">
            <dl class="facts">
                <div><dt>"Cost"</dt><dd><CostCell cost=row.cost source=row.cost_source open=open /></dd></div>
                <div><dt>"Total"</dt><dd class="num">{row.duration_us.map_or_else(dash, duration)}</dd></div>
                <div><dt>{wait}</dt><dd class="num">{first.map_or_else(dash, duration)}</dd></div>
                <div><dt>"Output"</dt><dd class="num">{pace.unwrap_or_else(dash)}</dd></div>
                <div><dt>{tokens}</dt><dd class="num" title=counted>{total.map_or_else(dash, short)}</dd></div>
                <div><dt>"Status"</dt><dd><StatePill call=row.clone() /></dd></div>
            </dl>
            <div class="tf s11 t3 num">
                <div title=format!("{} UTC", Stamp::new(row.started_ms, 0).iso())>
                    {format!("{} {}", began.date(), began.exact_clock())}
                </div>
                <div class="row g2 idline">
                    <span class="mono" title=id.clone() data-testid="trace-id">{shown}</span>
                    <CopyButton text=move |()| id.clone() title="Copy the id" class="cpb tiny" />
                </div>
            </div>
        </div>
    }
}
