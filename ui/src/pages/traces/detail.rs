//! The pane beside the table: the selected call's facts, its cost by bucket and its last exchange.

use api::{BodySide, CallDetail, CallId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Page;
use super::exchange::LastExchange;
use crate::backend::use_backend;
use crate::browser::utc_offset;
use crate::colour;
use crate::components::copy_button::CopyButton;
use crate::components::cost::CostSection;
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::{CostCell, StatePill, ToolMark, TypeMark};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::curl;
use crate::fetch::fetch;
use crate::format::time::Stamp;
use crate::format::{duration, speed, tokens_per_second};
use crate::live::use_live;

/// Bodies up to this size are put into the curl command.
const CURL_BODY: u64 = 4 * 1024 * 1024;

/// The pane for one call.
#[component]
pub fn Detail(id: CallId) -> impl IntoView {
    let backend = use_backend();
    let changed = use_live().changed(id);
    let call = fetch(
        true,
        move || {
            changed.track();
            Some(())
        },
        move |()| backend.call(id),
    );
    let talk = fetch(
        true,
        move || {
            changed.track();
            Some(())
        },
        move |()| backend.conversation(id),
    );
    view! {
        <aside class="det" aria-label="Call" data-testid="trace-detail">
            {move || call.error().map(|error| view! {
                <Closer />
                <ErrorPanel what="This call could not be loaded" error=error retry=move |()| call.retry() />
            })}
            {move || call.is_late().then(|| view! { <SkeletonRows rows=9 /> })}
            {move || call.with(|call| call.map(|call| view! { <Facts call=call.clone() /> }))}
            {move || talk.with(|talk| talk.map(|talk| view! { <LastExchange talk=talk.clone() /> }))}
        </aside>
    }
}

#[component]
pub fn Closer() -> impl IntoView {
    let page = expect_context::<Page>();
    view! {
        <button
            type="button" class="btn icon sm bare" title="Close (Esc)" aria-label="Close" data-testid="close-detail"
            on:click=move |_| page.select(None)
        >
            <Glyph icon=Icon::Close />
        </button>
    }
}

#[component]
fn Facts(call: CallDetail) -> impl IntoView {
    let row = call.summary.clone();
    let title = row.title.clone().unwrap_or_else(|| format!("{} {}", row.method, row.path));
    let began = Stamp::new(row.started_ms, utc_offset(row.started_ms));
    let speed = tokens_per_second(row.usage.output, row.first_token_us, row.duration_us).map(speed);
    let first = row.first_token_us.map(duration);
    let wait = if row.streamed { "First token" } else { "First byte" };
    let first = if row.streamed { first } else { row.first_byte_us.map(duration) };
    let open = row.state == api::CallState::Open;
    let error = row.error.clone();
    let dash = || "–".to_owned();
    view! {
        <div class="dh">
            <div class="row g3">
                <TypeMark operation=row.operation />
                <span class="b s14 cut" title=title>{title.clone()}</span>
                <span class="end"></span>
                <Closer />
            </div>
            <div class="row s12 t3 nw under-title">
                <ToolMark client=row.client.clone() />
                <span class="cut">{colour::tool(row.client.as_deref()).name}</span>
                <span class="num" title=format!("{} UTC", Stamp::new(row.started_ms, 0).iso())>{began.exact_clock()}</span>
                <span class="end"></span>
                <StatePill call=row.clone() />
            </div>
            {row.retry_of.map(|earlier| view! { <RetryOf earlier=earlier /> })}
            {error.map(|error| view! { <p class="err s12 said">{error}</p> })}
            <div class="row g3 acts">
                <a class="btn sm pri" href=format!("/traces/{}", row.id) data-testid="open-trace">"Open trace"<kbd>"Enter"</kbd></a>
                <CurlButton call=call.clone() />
            </div>
        </div>
        <dl class="facts">
            <div><dt>"Cost"</dt><dd><CostCell cost=row.cost source=row.cost_source open=open /></dd></div>
            <div><dt>{wait}</dt><dd class="num">{first.unwrap_or_else(dash)}</dd></div>
            <div><dt>"Total"</dt><dd class="num">{row.duration_us.map_or_else(dash, duration)}</dd></div>
            <div><dt>"Output"</dt><dd class="num">{speed.unwrap_or_else(dash)}</dd></div>
        </dl>
        <CostSection call=call />
    }
}

/// Where the call stands that this one makes again.
#[component]
pub fn RetryOf(earlier: CallId) -> impl IntoView {
    view! {
        <p class="t2 s12 said" data-testid="retry-of">
            "Asked again after "<a href=format!("/traces/{earlier}")>"the same call"</a>" failed"
        </p>
    }
}

/// The call that this one repeats.
#[component]
pub fn ReplayOf(of: CallId) -> impl IntoView {
    view! {
        <p class="t2 s12 said" data-testid="replayed-from">
            "A replay of "<a href=format!("/traces/{of}")>"this call"</a>", in no total but that of replays"
        </p>
    }
}

/// Copies the call as a command, or as a program in Python or JavaScript; its body is fetched before, so that the copy happens at once.
#[component]
pub fn CurlButton(call: CallDetail) -> impl IntoView {
    let backend = use_backend();
    let body = RwSignal::new(None::<String>);
    let (side, info) = match &call.translated {
        Some(translated) => (BodySide::ClientRequest, &translated.request_body),
        None => (BodySide::Request, &call.request_body),
    };
    let (id, size) = (call.summary.id, info.stored_bytes);
    if size > 0 && size <= CURL_BODY {
        spawn_local(async move {
            if let Ok(part) = backend.body(id, side, 0, CURL_BODY).await {
                body.try_set(Some(part.text));
            }
        });
    }
    let (program, title) = curl::program(&call.summary.method);
    // A turn of a WebSocket is no request.
    let by_http = call.summary.method != curl::WEBSOCKET;
    let call = StoredValue::new(call);
    let copied = move |write: fn(&CallDetail, Option<&str>) -> String| {
        body.with_untracked(|body| call.with_value(|call| write(call, body.as_deref())))
    };
    view! {
        <CopyButton text=move |()| copied(curl::command) label=program title=title testid="copy-curl" />
        {by_http.then(|| view! {
            <CopyButton text=move |()| copied(api::code::python) label="Python"
                title="Copy as Python; the key is read from the environment" testid="copy-python" />
            <CopyButton text=move |()| copied(api::code::javascript) label="JS"
                title="Copy as JavaScript; the key is read from the environment" testid="copy-javascript" />
        })}
    }
}
