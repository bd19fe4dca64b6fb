//! The top of the page: the way back, what the trace is, its facts in one line.

use api::{SpanType, TraceSummary};
use leptos::prelude::*;

use super::Page;
use crate::app::LastTraces;
use crate::browser::utc_offset;
use crate::components::copy_button::CopyButton;
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::{SpanMark, ToolMark, TraceCost};
use crate::format::time::Stamp;
use crate::format::{duration, percent, plural, short, thousands};
use crate::tree::scale::length;

/// Back to the list, and which trace this is.
#[component]
pub fn Crumbs() -> impl IntoView {
    let page = expect_context::<Page>();
    let LastTraces(last) = expect_context();
    let here = move || {
        page.load.summary.with(|trace| {
            let trace = trace.as_ref()?;
            let label = trace.label.clone().filter(|label| !label.is_empty() && *label != trace.name);
            let name = trace.name.clone();
            Some(view! {
                <span class="t3">"/"</span>
                <ToolMark client=trace.client.clone().or_else(|| trace.service.clone()) />
                {label.map(|label| view! {
                    <span class="crumb cut" title=label>{label.clone()}</span><span class="t3">"/"</span>
                })}
                <SpanMark span_type=trace.span_type />
                <h1 class="cut" title=name>{name.clone()}</h1>
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

/// The facts.
#[component]
pub fn Facts() -> impl IntoView {
    let page = expect_context::<Page>();
    let in_model = Memo::new(move |_| {
        page.load.shares.with(|shares| {
            let of = shares.iter().find(|share| share.span_type == SpanType::Llm);
            of.map(|share| share.time_ns)
        })
    });
    move || {
        page.load.summary.with(|trace| {
            trace.as_ref().map(|trace| view! { <Line trace=trace.clone() in_model=in_model.get() /> })
        })
    }
}

#[component]
fn Line(trace: TraceSummary, in_model: Option<i64>) -> impl IntoView {
    let page = expect_context::<Page>();
    let began = Stamp::new(trace.started_ms, utc_offset(trace.started_ms));
    let tokens = trace.usage.total();
    let title = match trace.usage.prompt_total().filter(|prompt| *prompt > 0).zip(trace.usage.cache_read) {
        Some((prompt, read)) => format!("Tokens, {} cached", percent(read, prompt)),
        None => "Tokens".to_owned(),
    };
    let errors = (trace.errors > 0).then(|| plural(trace.errors, "error", "errors"));
    let (id, short_id) = (trace.id.clone(), shortened(&trace.id));
    let progress = move || {
        page.load.progress.get().map(|here| {
            view! { <span class="info s12 num" role="status" data-testid="trace-progress">{thousands(here as u64)}" loaded"</span> }
        })
    };
    let calls = plural(trace.calls, "call of a model", "calls of models");
    view! {
        <div class="thead">
            <dl class="facts" data-testid="trace-facts">
                <div><dt>"Cost"</dt><dd><TraceCost trace=trace.clone() decimals=4 /></dd></div>
                <div><dt>"Total"</dt><dd class="num">{duration(trace.duration_us)}</dd></div>
                <div><dt>"In model"</dt><dd class="num" title=calls>{in_model.map_or_else(|| "–".to_owned(), length)}</dd></div>
                <div class="f-tokens"><dt>{title}</dt>
                    <dd class="num" title=tokens.map(thousands)>{tokens.map_or_else(|| "–".to_owned(), short)}</dd></div>
                <div><dt>"Spans"</dt>
                    <dd class="num row g3">
                        <span data-testid="span-total">{thousands(trace.spans)}</span>
                        {errors.map(|errors| view! {
                            <span class="err s12 m row g2"><Glyph icon=Icon::Octagon small=true />{errors}</span>
                        })}
                        {progress}
                    </dd></div>
            </dl>
            <div class="tf s11 t3">
                <div class="num" title=format!("{} UTC", Stamp::new(trace.started_ms, 0).iso())>
                    {format!("{} {}", began.day_month(), began.exact_clock())}
                </div>
                <div class="row g2 idline"><span class="mono hov" title=trace.id>{short_id}</span>
                    <CopyButton text=move |()| id.clone() title="Copy the trace's id" class="cpb tiny" /></div>
            </div>
        </div>
    }
}

fn shortened(id: &str) -> String {
    match (id.get(..8), id.get(id.len().saturating_sub(4)..)) {
        (Some(first), Some(last)) if id.len() > 16 => format!("{first}…{last}"),
        _ => id.to_owned(),
    }
}
