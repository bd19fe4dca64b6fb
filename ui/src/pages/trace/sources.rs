//! Who told of a call: the proxy, spans, events; by what they were found to be the same call, what each says, and where
//! they disagree.

use api::{CallDetail, CallReport, ReportSource, Usage};
use leptos::prelude::*;

use crate::components::icon::{Glyph, Icon};
use crate::format::{duration, money, plural, thousands};
use crate::pages::logs::span_address;

/// Whether the call went through the proxy, so that there is a request and an answer to look at.
pub fn is_proxied(call: &CallDetail) -> bool {
    call.summary.sources.contains(&ReportSource::Proxy)
}

/// The rule by which two reports were found to tell of the same call, in words.
fn rule_words(rule: &str) -> String {
    match rule {
        "request_id" => "the provider's request id is the same",
        "client_request_id" => "the client's request id is the same",
        "response_id" => "the answer's id is the same",
        "trace_context" => "the request's trace context names its span",
        "session_tokens_time" => "session, model, tokens and time are the same",
        "tokens_time" => "model, tokens and time are the same, and no other call fits",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

const fn source_word(source: ReportSource) -> (Icon, &'static str) {
    match source {
        ReportSource::Proxy => (Icon::Plug, "Proxy"),
        ReportSource::Span => (Icon::Traces, "Span"),
        ReportSource::Event => (Icon::List, "Event"),
    }
}

/// The section; nothing for a call that only the proxy knows.
#[component]
pub fn Sources(call: CallDetail) -> impl IntoView {
    let told = call.reports.clone();
    let differing: usize = told.iter().map(|report| report.differs.len()).sum();
    (!told.is_empty() || !is_proxied(&call)).then(|| {
        let mark = match differing {
            0 => view! { <span class="pill ok end"><Glyph icon=Icon::Check small=true />"agree"</span> }.into_any(),
            count => view! {
                <span class="pill warn end" data-testid="sources-disagree"><Glyph icon=Icon::Triangle small=true />{plural(count as u64, "difference", "differences")}</span>
            }
            .into_any(),
        };
        let proxy = is_proxied(&call).then(|| view! {
            <div class="told">
                <span class="t2"><Glyph icon=Icon::Plug small=true /></span>
                <div class="grow"><b class="m">"Proxy"</b><span class="t3">" as it went over the wire"</span></div>
            </div>
        });
        let reports = told.iter().cloned().map(|report| view! { <Report report=report /> }).collect_view();
        view! {
            <div class="sec sources" data-testid="call-sources">
                <div class="sh"><h3>"Told by"</h3>{(!told.is_empty()).then_some(mark)}</div>
                {proxy}
                {reports}
                {(!told.is_empty()).then(|| view! { <Figures call=call.clone() /> })}
            </div>
        }
    })
}

/// One reporter: who, and how it was matched.
#[component]
fn Report(report: CallReport) -> impl IntoView {
    let (icon, word) = source_word(report.source);
    let how = match &report.matched_by {
        Some(rule) => format!("Matched: {}", rule_words(rule)),
        None => "The first to tell of it".to_owned(),
    };
    let service = report.service.clone().map(|service| format!(", {service}"));
    let span = report.trace_id.as_ref().map(|trace| {
        let href = span_address(trace, report.span_id.as_deref());
        view! { <a class="hov" href=href data-testid="report-span">"span"</a> }
    });
    let log = report.log_id.as_ref().map(|id| {
        view! { <a class="hov" href=format!("/logs?log={id}") data-testid="report-log">"record"</a> }
    });
    // What has no figure of its own in the table below.
    let others = report.differs.iter().filter(|one| matches!(one.field.as_str(), "status" | "finish_reason"));
    let others = others
        .map(|one| {
            let field = if one.field == "status" { "status" } else { "reason to stop" };
            view! {
                <p class="warn s11 differs"><Glyph icon=Icon::Triangle small=true />
                    {format!(" {field}: says {}, shown is {}", one.says, one.shown)}</p>
            }
        })
        .collect_view();
    view! {
        <div class="told" data-testid="call-report">
            <span class="t2"><Glyph icon=icon small=true /></span>
            <div class="grow">
                <b class="m">{word}</b>" "<span class="mono">{report.name.clone()}</span><span class="t3">{service}</span>
                <div class="t3 s11">{how}</div>
                {others}
            </div>
            <span class="row g3 s11">{span}{log}</span>
        </div>
    }
}

/// The field's name in `differs`, its label, and its figure in a report or a call.
type Figure = (&'static str, &'static str, Option<String>);

fn tokens(usage: &Usage) -> [Figure; 5] {
    let count = |tokens: Option<u64>| tokens.map(thousands);
    let write = match (usage.cache_write_5m, usage.cache_write_1h) {
        (None, None) => None,
        (short, long) => Some(thousands(short.unwrap_or(0) + long.unwrap_or(0))),
    };
    [
        ("input", "Input, uncached", count(usage.input)),
        ("cache_read", "Cache read", count(usage.cache_read)),
        ("cache_write", "Cache write", write),
        ("output", "Output", count(usage.output)),
        ("reasoning", "Reasoning", count(usage.reasoning)),
    ]
}

fn of_report(report: &CallReport) -> Vec<Figure> {
    let mut figures = vec![("model", "Model", report.model.clone())];
    figures.extend(tokens(&report.usage));
    figures.push(("cost", "Cost", report.cost.map(|cost| money(cost, 4))));
    figures.push(("took", "Took", report.duration_us.map(duration)));
    figures
}

fn of_call(call: &CallDetail) -> Vec<Figure> {
    let row = &call.summary;
    let mut figures = vec![("model", "Model", row.model.clone())];
    figures.extend(tokens(&row.usage));
    figures.push(("cost", "Cost", row.cost.map(|cost| money(cost, 4))));
    figures.push(("took", "Took", row.duration_us.map(duration)));
    figures
}

/// What each says beside what is shown; a figure that differs is marked.
#[component]
fn Figures(call: CallDetail) -> impl IntoView {
    let shown = of_call(&call);
    let reports: Vec<_> = call.reports.iter().map(|report| (report.clone(), of_report(report))).collect();
    let heads = reports.iter().map(|(report, _)| {
        let (_, word) = source_word(report.source);
        view! { <th class="r cut" scope="col" title=report.name.clone()>{word}</th> }
    });
    let rows = shown.into_iter().enumerate().filter_map(|(at, (field, label, value))| {
        let said: Vec<_> = reports
            .iter()
            .map(|(report, figures)| {
                let differs = report.differs.iter().find(|one| one.field == field).cloned();
                (figures.get(at).and_then(|figure| figure.2.clone()), differs)
            })
            .collect();
        // A row that nobody has anything to say to is left out.
        if value.is_none() && said.iter().all(|(said, _)| said.is_none()) {
            return None;
        }
        let cells = said.into_iter().map(|(said, differs)| {
            let title = differs.as_ref().map(|one| format!("Says {}, shown is {}", one.says, one.shown));
            let class = if differs.is_some() { "num r cut warn m" } else { "num r cut t2" };
            let mark = differs.is_some().then(|| view! { <Glyph icon=Icon::Triangle small=true />" " });
            let text = said.or(differs.map(|one| one.says)).unwrap_or_else(|| "–".to_owned());
            view! { <td class=class title=title.unwrap_or_else(|| text.clone())>{mark}{text.clone()}</td> }
        });
        let value = value.unwrap_or_else(|| "–".to_owned());
        Some(view! {
            <tr data-testid=format!("figure-{field}")>
                <th class="t3" scope="row">{label}</th><td class="num r cut m" title=value>{value.clone()}</td>{cells.collect_view()}
            </tr>
        })
    });
    let width = format!("min-width:{}px", 96 + 76 * (call.reports.len() + 1));
    view! {
        <div class="figures"><table style=width>
            <thead><tr><th class="what"></th><th class="r" scope="col">"Shown"</th>{heads.collect_view()}</tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table></div>
    }
}

/// What stands where a request or an answer would, of a call that did not go through the proxy.
#[component]
pub fn NotProxied(call: CallDetail) -> impl IntoView {
    let told: Vec<&str> = call.summary.sources.iter().map(|source| source_word(*source).1).collect();
    let by = match told.as_slice() {
        [] => "Reports".to_owned(),
        [one] => format!("A reported {}", one.to_lowercase()),
        several => format!("Reports ({})", several.join(", ").to_lowercase()),
    };
    let attributes = call.reports.iter().find_map(|report| {
        let span = report.trace_id.as_ref().map(|trace| span_address(trace, report.span_id.as_deref()));
        span.or(report.log_id.as_ref().map(|id| format!("/logs?log={id}")))
    });
    view! {
        <div class="blank" data-testid="not-proxied">
            <h2>"Not through the proxy"</h2>
            <p class="t2">{by}" told of this call, so there is no request, answer or timing of it as it went over the wire."</p>
            <div class="row">
                {attributes.map(|href| view! { <a class="btn" href=href>"What was reported"</a> })}
                <a class="btn" href="/connect">"Send this tool through the proxy"</a>
            </div>
        </div>
    }
}
