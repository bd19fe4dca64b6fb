//! The pane beside the table: the selected record as it was sent, and what it belongs to.

use api::{Attribute, AttributeValue, LogDetail, LogFilter, LogRow};
use leptos::prelude::*;

use super::Page;
use super::span_address;
use super::view::LogView;
use crate::backend::use_backend;
use crate::browser::utc_offset;
use crate::components::attributes::{AttributeSection, Attributes, plain};
use crate::components::code::{Code, FoldedText};
use crate::components::copy_button::CopyButton;
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::SeverityMark;
use crate::components::reporter::ReporterSection;
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::fetch::fetch;
use crate::format::plural;
use crate::format::time::Stamp;

const MS: i64 = 1_000_000;

/// The pane for one record.
#[component]
pub fn Detail(id: String) -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let log = fetch(true, move || Some(id.clone()), move |id| backend.log(id));
    view! {
        <aside class="det" aria-label="Log record" data-testid="log-detail">
            {move || log.error().map(|error| view! {
                <button type="button" class="btn icon sm bare" title="Close (Esc)" aria-label="Close" on:click=move |_| page.select(None)>
                    <Glyph icon=Icon::Close />
                </button>
                <ErrorPanel what="This record could not be loaded" error=error retry=move |()| log.retry() />
            })}
            {move || log.is_late().then(|| view! { <SkeletonRows rows=9 /> })}
            {move || log.with(|log| log.map(|log| view! { <Record log=log.clone() /> }))}
        </aside>
    }
}

#[component]
fn Record(log: LogDetail) -> impl IntoView {
    let page = expect_context::<Page>();
    let row = log.row.clone();
    let ms = row.time_ns / MS;
    let title = row.event.clone().unwrap_or_else(|| "Log record".to_owned());
    let said = (!log.severity_text.is_empty()).then(|| log.severity_text.clone());
    let service = row.service.clone();
    let body = body(&log);
    view! {
        <div class="dh">
            <div class="row g3">
                <span class="b s14 cut" title=title data-testid="log-title">{title.clone()}</span>
                <span class="end"></span>
                <button type="button" class="btn icon sm bare" title="Close (Esc)" aria-label="Close" data-testid="close-detail"
                    on:click=move |_| page.select(None)><Glyph icon=Icon::Close /></button>
            </div>
            <div class="row s12 t3 nw under-title">
                <SeverityMark severity=row.severity />
                {said.map(|said| view! { <span class="t3 cut" title="The sender's word">{said}</span> })}
                <span class="cut" title=service>{service.clone()}</span>
                <span class="end num" title=format!("{} UTC", Stamp::new(ms, 0).iso())>
                    {Stamp::new(ms, utc_offset(ms)).iso()}
                </span>
            </div>
            <PartOf row=row.clone() />
        </div>
        <div class="sec">
            <div class="sh"><h3>"Body"</h3><span class="end"></span><CopyButton text=move |()| plain(&log.body) title="Copy" class="cpb tiny" /></div>
            <div class="logbody" data-testid="log-body">{body}</div>
        </div>
        <Same row=row />
        <AttributeSection title="Attributes" attributes=log.attributes dropped=log.dropped_attributes testid="log-attributes" />
        <AttributeSection title="Record" attributes=fields(log.time_ns, log.observed_ns, &log.event_name, log.flags) />
        <ReporterSection reporter=log.reporter />
    }
}

/// The record's own fields that have no place of their own above.
fn fields(time_ns: i64, observed_ns: i64, event_name: &str, flags: u32) -> Vec<Attribute> {
    let stamp = |ns: i64| {
        let nanos = ns.rem_euclid(MS);
        (ns != 0).then(|| {
            AttributeValue::Text(format!("{}{nanos:06} UTC", Stamp::new(ns.div_euclid(MS), 0).iso()))
        })
    };
    let name = (!event_name.is_empty()).then(|| AttributeValue::Text(event_name.to_owned()));
    let flags = (flags != 0).then(|| AttributeValue::Int(i64::from(flags)));
    [("time", stamp(time_ns)), ("observed", stamp(observed_ns)), ("event_name", name), ("flags", flags)]
        .into_iter()
        .filter_map(|(key, value)| Some(Attribute { key: key.to_owned(), value: value? }))
        .collect()
}

fn body(log: &LogDetail) -> AnyView {
    match &log.body {
        AttributeValue::Empty => view! { <p class="t3 s12">"No body."</p> }.into_any(),
        AttributeValue::Map(values) => view! { <Attributes attributes=values.clone() /> }.into_any(),
        AttributeValue::List(_) => view! { <Code text=plain(&log.body) /> }.into_any(),
        AttributeValue::Text(text) if text.trim_start().starts_with(['{', '[']) => {
            view! { <Code text=text.clone() /> }.into_any()
        }
        other => view! { <FoldedText text=plain(other) /> }.into_any(),
    }
}

/// The ways to what the record belongs to.
#[component]
fn PartOf(row: LogRow) -> impl IntoView {
    let call = row.call.map(|id| {
        view! { <a class="btn sm pri" href=format!("/traces/{id}") data-testid="open-call"><Glyph icon=Icon::Model small=true />"Call"</a> }
    });
    let trace = row.trace_id.as_ref().map(|trace| {
        let (href, word) = match &row.span_id {
            Some(span) => (span_address(trace, Some(span)), "Span"),
            None => (span_address(trace, None), "Trace"),
        };
        view! { <a class="btn sm" href=href data-testid="open-span"><Glyph icon=Icon::Traces small=true />{word}</a> }
    });
    let session = row.session_id.as_ref().map(|id| {
        let href = format!("/sessions/{}?tab=timeline", js_sys::encode_uri_component(id));
        view! { <a class="btn sm" href=href title=id.clone() data-testid="open-session"><Glyph icon=Icon::Messages small=true />"Session"</a> }
    });
    let none = call.is_none() && trace.is_none() && session.is_none();
    (!none).then(|| view! { <div class="row g3 acts">{call}{trace}{session}</div> })
}

/// The ways to other records of the same trace and session, and how many there are.
#[component]
fn Same(row: LogRow) -> impl IntoView {
    let of_trace = row.trace_id.clone().map(|trace_id| {
        ("Of the same trace", "same-trace", LogFilter { trace_id: Some(trace_id), ..LogFilter::default() })
    });
    let of_session = row.session_id.clone().map(|session_id| {
        (
            "Of the same session",
            "same-session",
            LogFilter { session_id: Some(session_id), ..LogFilter::default() },
        )
    });
    let ways: Vec<_> = [of_trace, of_session].into_iter().flatten().collect();
    (!ways.is_empty()).then(|| {
        let links = ways.into_iter().map(|(label, testid, filter)| {
            view! { <SameAs label=label testid=testid filter=filter log=row.id.clone() /> }
        });
        view! { <div class="sec samerecs">{links.collect_view()}</div> }
    })
}

#[component]
fn SameAs(label: &'static str, testid: &'static str, filter: LogFilter, log: String) -> impl IntoView {
    let backend = use_backend();
    let href = LogView { filter: filter.clone(), last: None, log: Some(log) }.address();
    let count = fetch(
        true,
        move || Some(filter.clone()),
        move |filter| async move { backend.logs(filter, 1, 0, None).await.map(|page| page.total) },
    );
    let count = move || count.with(|count| count.map(|count| plural(*count, "record", "records")));
    view! {
        <a class="row samelink" href=href data-testid=testid>
            <span class="t2">{label}</span><span class="num end m">{count}</span>
            <Glyph icon=Icon::ChevronRight small=true />
        </a>
    }
}
