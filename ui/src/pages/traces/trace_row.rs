//! A trace as a row of the table: what its root is, how many spans, its calls together. It never changes: a changed
//! trace is a new row. Leaves out calls (`row`).

use api::TraceSummary;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Page;
use super::row::SCALE_US;
use crate::browser::{now_ms, utc_offset};
use crate::colour;
use crate::components::icon::Icon;
use crate::components::marks::{SpanMark, StateIcon, ToolMark, TraceCost, span_type};
use crate::components::snippet::SnippetLine;
use crate::entry::{EntryId, TraceId};
use crate::format::time::{Stamp, list_stamp};
use crate::format::{duration, plural, short, thousands};
use crate::pages::found::{Row, snippet_of};

/// A trace as a row.
#[component]
pub fn TraceRow(trace: TraceSummary, fresh: bool) -> impl IntoView {
    let page = expect_context::<Page>();
    let navigate = use_navigate();
    let id = trace.id.parse::<TraceId>().ok().map(EntryId::Trace);
    let address = id.map(EntryId::address).unwrap_or_default();
    let found = snippet_of(Row::Trace(trace.id.clone()));
    let offset = utc_offset(trace.started_ms);
    let selected = move || page.selected.with(|selected| selected.is_some() && *selected == id);
    let (title, beside) = names(&trace);
    let whole = beside.as_ref().map_or_else(|| title.clone(), |beside| format!("{title}, {beside}"));
    let errors = (trace.errors > 0).then(|| plural(trace.errors, "error", "errors"));
    let (icon, word, class) = match &errors {
        Some(errors) => (Icon::Octagon, errors.clone(), "err"),
        None => (Icon::Check, "no errors".to_owned(), "t3"),
    };
    let spans = format!("{}{}", plural(trace.spans, "span", "spans"), folded_words(&trace));
    let open = move |_| navigate(&address, NavigateOptions::default());
    view! {
        <div
            class="tr" class:fresh=fresh role="row" data-testid="trace-row" data-id=trace.id.clone() data-kind="trace"
            aria-selected=move || selected().to_string() on:click=move |_| page.select(id) on:dblclick=open
        >
            <span role="gridcell" class="num t3" title=format!("{} UTC", Stamp::new(trace.started_ms, 0).iso())>
                {list_stamp(trace.started_ms, now_ms(), offset)}
            </span>
            <SpanMark span_type=trace.span_type />
            <span role="gridcell" class="row g3 name">
                <ToolMark client=trace.client.clone().or_else(|| trace.service.clone()) />
                <span class="cut ttl" title=whole>{title}</span>
                {move || found.get().map(|found| view! { <SnippetLine snippet=found /> })}
                {beside.map(|beside| view! { <span class="t3 cut beside">{beside}</span> })}
                {errors.map(|errors| view! { <span class="few nw err">{errors}</span> })}
                {(trace.spans > 1).then(|| view! {
                    <span class="cnt" title=spans data-testid="span-count">{short(trace.spans)}</span>
                })}
            </span>
            <span role="gridcell"><Models trace=trace.clone() /></span>
            <Tokens trace=trace.clone() />
            <span role="gridcell" class="r"><TraceCost trace=trace.clone() decimals=4 /></span>
            <Length trace=trace.clone() />
            <StateIcon icon=icon word=word class=class />
        </div>
    }
}

/// What a trace is called, and what stands beside it: the label says more than the name.
pub fn names(trace: &TraceSummary) -> (String, Option<String>) {
    match trace.label.clone().filter(|label| !label.is_empty() && *label != trace.name) {
        Some(label) => (label, Some(trace.name.clone())),
        None => (trace.name.clone(), None),
    }
}

fn folded_words(trace: &TraceSummary) -> String {
    let mut words = String::new();
    if trace.infrastructure > 0 {
        words = format!(", {} of them infrastructure", thousands(trace.infrastructure));
    }
    if trace.calls > 0 {
        words = format!("{words}, {}", plural(trace.calls, "call of a model", "calls of models"));
    }
    words
}

#[component]
fn Models(trace: TraceSummary) -> impl IntoView {
    let Some(first) = trace.models.first().cloned() else {
        return view! { <span class="t3">"–"</span> }.into_any();
    };
    let more = trace.models.len() - 1;
    let colour = colour::model(&first, false);
    view! {
        <span class="md" style=format!("--c:{colour}") title=trace.models.join(", ")>
            <span class="cut">{first}</span>
            {(more > 0).then(|| view! { <span class="t3 s11">{format!("+{more}")}</span> })}
        </span>
    }
    .into_any()
}

#[component]
fn Tokens(trace: TraceSummary) -> impl IntoView {
    let usage = trace.usage;
    let Some(total) = usage.total() else {
        return view! { <span role="gridcell" class="num r t3">"–"</span> }.into_any();
    };
    let (prompt, output) = (usage.prompt_total().unwrap_or(0), usage.output.unwrap_or(0));
    let title = format!(
        "{} in, of them {} from cache; {} out; {}",
        thousands(prompt),
        thousands(usage.cache_read.unwrap_or(0)),
        thousands(output),
        plural(trace.calls, "call", "calls")
    );
    view! {
        <span role="gridcell" class="num r" title=title>
            <span class="wide">{short(prompt)}<span class="t3">" / "{short(output)}</span></span>
            <span class="narrow">{short(total)}</span>
        </span>
    }
    .into_any()
}

#[component]
fn Length(trace: TraceSummary) -> impl IntoView {
    let (_, stem, _) = span_type(trace.span_type);
    let share = (trace.duration_us as f64 / SCALE_US * 100.0).clamp(0.0, 100.0);
    let over = trace.duration_us as f64 > SCALE_US;
    view! {
        <span role="gridcell" class="lat" title="From its first span's beginning to its last one's end">
            <span class="lb" class:over=over aria-hidden="true">
                <i class="z" style=format!("width:{share:.1}%;background:var(--span-{stem})")></i>
            </span>
            <span class="num r">{duration(trace.duration_us)}</span>
        </span>
    }
}
