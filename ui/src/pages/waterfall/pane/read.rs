//! The Attributes tab: how the span was read, and beside it everything as it was reported.

use api::{Attribute, AttributeValue, CallDetail, SpanDetail, SpanRow};
use leptos::prelude::*;

use super::Known;
use crate::browser::utc_offset;
use crate::components::attributes::AttributeSection;
use crate::components::cost::CostSection;
use crate::components::marks::{provenance, span_type};
use crate::components::reporter::ReporterSection;
use crate::format::thousands;
use crate::format::time::Stamp;
use crate::pages::trace::parts;
use crate::tree::scale::length;

/// The tab.
#[component]
pub fn Attributes(row: SpanRow, known: Known) -> impl IntoView {
    let call = move || known.call.with(|call| call.cloned());
    let span = move || known.span.and_then(|span| span.with(|span| span.cloned()));
    let read = move || view! { <Read row=row.clone() call=call() span=span() /> };
    view! {
        <div class="attributes" data-testid="span-attributes">
            {read}
            {move || call().map(|call| view! { <CostSection call=call.clone() /><parts::Sources call=call /> })}
            {move || span().map(|span| view! { <Reported span=span /> })}
        </div>
    }
}

/// What the span means.
#[component]
fn Read(row: SpanRow, call: Option<CallDetail>, span: Option<SpanDetail>) -> impl IntoView {
    let usage = row.call.as_ref().map(|call| call.usage).unwrap_or_default();
    let count = |tokens: Option<u64>| tokens.map(thousands);
    let of_call = |of: fn(&CallDetail) -> Option<String>| call.as_ref().and_then(of);
    let status = span.as_ref().map(|span| match span.status_code {
        1 => "ok".to_owned(),
        2 => "error".to_owned(),
        _ => "not said".to_owned(),
    });
    let facts = [
        ("Type", Some(span_type(row.span_type).2.to_owned())),
        ("Name", Some(row.name.clone()).filter(|name| !name.is_empty())),
        ("Label", row.label.clone()),
        ("Service", row.service.clone()),
        ("Kind", span.as_ref().map(|span| span.kind.clone())),
        ("Status", status),
        ("Model", row.call.as_ref().and_then(|call| call.model.clone())),
        ("Provider", of_call(|call| Some(call.summary.provider.clone()))),
        ("Input, uncached", count(usage.input)),
        ("Cache read", count(usage.cache_read)),
        ("Cache write, 5 min", count(usage.cache_write_5m)),
        ("Cache write, 1 h", count(usage.cache_write_1h)),
        ("Output", count(usage.output)),
        ("Reasoning", count(usage.reasoning)),
        ("Cost", row.call.as_ref().map(|call| provenance(call.cost_source).to_owned())),
        ("Stopped because", of_call(|call| call.summary.finish_reason.clone())),
        ("Session", of_call(|call| call.summary.session_id.clone())),
        ("Request id", of_call(|call| call.request_id.clone())),
        ("Response id", of_call(|call| call.response_id.clone())),
        ("Span id", span.as_ref().map(|span| span.row.id.clone())),
        ("Parent", row.parent),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(name, value)| {
            let value = value?;
            Some(view! { <dt>{name}</dt><dd class="cut" title=value>{value.clone()}</dd> })
        })
        .collect_view();
    view! {
        <div class="sec">
            <div class="sh"><h3>"As it was read"</h3></div>
            <dl class="about">{facts}</dl>
        </div>
    }
}

/// Everything as it came.
#[component]
fn Reported(span: SpanDetail) -> impl IntoView {
    let (start_ns, dropped_events, dropped_links) =
        (span.row.start_ns, span.dropped_events, span.dropped_links);
    let events: Vec<Attribute> = span
        .events
        .into_iter()
        .map(|event| {
            let name = format!("{} after {}", event.name, length(event.time_ns.saturating_sub(start_ns)));
            Attribute { key: name, value: AttributeValue::Map(event.attributes) }
        })
        .collect();
    let links = span
        .links
        .into_iter()
        .map(|link| {
            let address = format!("/traces/{}?span={}", link.trace_id, link.span_id);
            let words = format!("{} in {}", link.span_id, link.trace_id);
            view! {
                <li><a class="mono s11 hov" href=address data-testid="span-link">{words}</a>
                    <crate::components::attributes::Attributes attributes=link.attributes /></li>
            }
        })
        .collect_view();
    let has_links = !links.is_empty();
    let logs = span
        .logs
        .into_iter()
        .map(|log| {
            let at = Stamp::new(log.time_ns / 1_000_000, utc_offset(log.time_ns / 1_000_000)).exact_clock();
            view! {
                <li class="row g3 s12">
                    <span class="num t3">{at}</span>
                    <a class="cut hov" href=format!("/logs?log={}", log.id) title=log.text>{log.text.clone()}</a>
                </li>
            }
        })
        .collect_view();
    let has_logs = !logs.is_empty();
    let left_out =
        |count: u32, what: &str| (count > 0).then(|| format!("{count} {what} left out by the sender"));
    view! {
        <AttributeSection title="Attributes, as reported" attributes=span.attributes dropped=span.dropped_attributes testid="reported-attributes" />
        <AttributeSection title="Events" attributes=events testid="span-events" />
        {left_out(dropped_events, "events").map(|words| view! { <p class="note t3 s11">{words}</p> })}
        {has_links.then(|| view! {
            <div class="sec"><div class="sh"><h3>"Links to other spans"</h3></div><ul class="links">{links}</ul></div>
        })}
        {left_out(dropped_links, "links").map(|words| view! { <p class="note t3 s11">{words}</p> })}
        {has_logs.then(|| view! {
            <div class="sec"><div class="sh"><h3>"Log records"</h3></div><ul class="links">{logs}</ul></div>
        })}
        <ReporterSection reporter=span.reporter />
    }
}
