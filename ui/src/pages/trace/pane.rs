//! Beside the conversation: the cost by bucket, and what is known of the call itself.

use api::{CallDetail, Tie};
use leptos::prelude::*;

use super::cache::CacheSection;
use super::replays::Replays;
use super::sources::{Sources, is_proxied};
use crate::colour;
use crate::components::copy_button::CopyButton;
use crate::components::cost::CostSection;
use crate::components::marks::{call_type, provenance};
use crate::curl::WEBSOCKET;
use crate::format::time::plain_date;
use crate::format::{bytes, money};
use crate::pages::session::source_words;
use crate::pages::traces::{ReplayOf, RetryOf};

/// The pane.
#[component]
pub fn Pane(call: CallDetail) -> impl IntoView {
    view! {
        <aside class="side-pane" aria-label="About the call" data-testid="trace-about">
            <CostSection call=call.clone() />
            <CacheSection call=call.clone() />
            <Replays call=call.clone() />
            <Sources call=call.clone() />
            <div class="sec">
                <div class="sh"><h3>"Call"</h3></div>
                {call.summary.retry_of.map(|earlier| view! { <RetryOf earlier=earlier /> })}
                {call.summary.replay_of.map(|of| view! { <ReplayOf of=of /> })}
                <dl class="about">{place(&call)}{about(&call)}</dl>
            </div>
        </aside>
    }
}

/// The cost with all that it rests on.
#[component]
pub fn CostTab(call: CallDetail) -> impl IntoView {
    let cost = call.cost.clone();
    let facts = [
        ("Total", cost.total.map(|total| money(total, 6))),
        ("Source", Some(provenance(cost.source).to_owned())),
        ("Price used", cost.price_key.clone()),
        ("Matched by", cost.matched.clone()),
        ("Price date", cost.price_date.as_deref().map(plain_date)),
        (
            "Reasoning",
            call.summary
                .usage
                .reasoning
                .map(|tokens| format!("{} of the output tokens", crate::format::thousands(tokens))),
        ),
    ];
    view! {
        <div class="costtab">
            <CostSection call=call />
            <dl class="about">{facts.into_iter().map(|(name, value)| fact(name, value, false)).collect_view()}</dl>
        </div>
    }
}

/// Where the call stands in its session, with the ways there.
fn place(call: &CallDetail) -> impl IntoView + use<> {
    let lineage = &call.summary.lineage;
    let session = lineage.session.map(|key| (key, call.summary.session_id.clone().unwrap_or_default()));
    let session = session.map(|(key, id)| {
        let how = lineage.source.map(source_words);
        view! {
            <dt>"Session"</dt>
            <dd class="row g2"><a class="mono cut hov" href=format!("/sessions/{key}") title=how data-testid="session-link">{id.clone()}</a>
                <CopyButton text=move |()| id.clone() title="Copy" class="cpb tiny" /></dd>
        }
    });
    let word = match lineage.tie {
        Some(Tie::Fork) => "Forks from",
        Some(Tie::Retry) => "Retries",
        Some(Tie::Spawned) => "Asked for by",
        Some(Tie::Turn) | None => "Goes on from",
    };
    let before = lineage.continues.map(|id| {
        let shown = id.to_string();
        view! {
            <dt>{word}</dt>
            <dd class="row g2"><a class="mono cut hov" href=format!("/traces/{id}") data-testid="continues-link">{shown}</a></dd>
        }
    });
    let agent = lineage.agent.as_ref().map(|agent| {
        let name =
            agent.name.as_ref().map_or_else(|| agent.id.clone(), |name| format!("{name}, {}", agent.id));
        if agent.inferred { format!("{name} (inferred)") } else { name }
    });
    let parent = lineage.agent.as_ref().and_then(|agent| agent.parent.clone());
    let tree = call.summary.in_trace.clone().map(|trace| {
        let span = call.reports.iter().find(|report| report.trace_id.as_ref() == Some(&trace));
        let span = span.and_then(|report| report.span_id.clone()).unwrap_or_else(|| call.summary.id.to_string());
        view! {
            <dt>"Stands in"</dt>
            <dd class="row g2"><a class="mono cut hov" href=format!("/traces/{trace}?span={span}") data-testid="in-trace-link">{trace.clone()}</a></dd>
        }
    });
    view! { {session}{tree}{before}{fact("Agent", agent, false)}{fact("Made by agent", parent, false)} }
}

fn about(call: &CallDetail) -> impl IntoView + use<> {
    let row = &call.summary;
    let how = match (row.method == WEBSOCKET, row.streamed) {
        (true, _) => ", a turn of a WebSocket",
        (false, true) => ", streamed",
        (false, false) => "",
    };
    let proxied = is_proxied(call);
    let (endpoint, upstream) = (format!("{} {}", row.method, row.path), call.upstream.clone());
    let plain = [
        ("Endpoint", Some(endpoint).filter(|_| proxied)),
        ("Reported as", Some(row.path.clone()).filter(|_| !proxied)),
        ("Upstream", Some(upstream).filter(|upstream| !upstream.is_empty())),
        ("Provider", Some(row.provider.clone())),
        ("Tool", Some(colour::tool(row.client.as_deref()).name)),
        ("Type", Some(format!("{}{how}", call_type(row.operation).2))),
        ("Model asked for", call.requested_model.clone()),
        ("Model answered", row.model.clone()),
        ("Stopped because", row.finish_reason.clone()),
        ("Sent", Some(bytes(call.request_body.wire_bytes)).filter(|_| proxied)),
        ("Received", Some(bytes(call.response_body.wire_bytes)).filter(|_| proxied)),
    ];
    let copied = [
        ("Response id", call.response_id.clone()),
        ("Request id", call.request_id.clone()),
        ("Session", row.session_id.clone().filter(|_| row.lineage.session.is_none())),
        ("Trace id", row.trace_id.clone()),
        ("Parent span", row.parent_id.clone()),
        ("Key", call.credential.clone()),
        ("Tags", Some(row.tags.join(", ")).filter(|tags| !tags.is_empty())),
    ];
    let plain = plain.into_iter().map(|(name, value)| fact(name, value, false)).collect_view();
    let copied = copied.into_iter().map(|(name, value)| fact(name, value, true)).collect_view();
    view! { {plain}{copied} }
}

/// A name and its value; nothing when there is no value.
fn fact(name: &'static str, value: Option<String>, id: bool) -> impl IntoView + use<> {
    value.map(|value| {
        let text = value.clone();
        let copy = id.then(|| {
            view! { <CopyButton text=move |()| text.clone() title="Copy" class="cpb tiny" /> }
        });
        let class = if id { "mono cut" } else { "cut" };
        view! { <dt>{name}</dt><dd class="row g2"><span class=class title=value>{value.clone()}</span>{copy}</dd> }
    })
}
