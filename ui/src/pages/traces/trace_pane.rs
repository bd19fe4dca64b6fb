//! The pane for a trace: facts, cost by bucket and by model, its longest spans, its last exchange.

use std::collections::BTreeMap;

use api::{BucketCosts, CallId, Money, SpanRow, TraceDetail, TraceSummary};
use leptos::prelude::*;

use super::detail::Closer;
use super::exchange::LastExchange;
use super::trace_row::names;
use crate::backend::use_backend;
use crate::browser::utc_offset;
use crate::colour;
use crate::components::cost::bucket;
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::{SpanMark, ToolMark, TraceCost, span_type};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::entry::TraceId;
use crate::fetch::fetch;
use crate::format::time::Stamp;
use crate::format::{duration, money, percent, plural, short, thousands};
use crate::live::use_live;
use crate::tree::scale::{Window, length};
use crate::tree::shares::shares;
use crate::tree::{Place, Tree};

/// Spans looked at for the pane; the trace's page shows all.
const SPANS: u32 = 2_000;
/// Bars in the pane.
const LONGEST: usize = 7;

/// The pane.
#[component]
pub fn TracePane(id: TraceId) -> impl IntoView {
    let backend = use_backend();
    let changed = use_live().trace_changed(id);
    let trace = fetch(
        true,
        move || {
            changed.track();
            Some(())
        },
        move |()| backend.trace(id.to_string(), 0, SPANS),
    );
    let last = Memo::new(move |_| trace.with(|trace| trace.and_then(last_call)));
    let talk = fetch(true, move || last.get(), move |id| backend.conversation(id));
    view! {
        <aside class="det" aria-label="Trace" data-testid="trace-detail">
            {move || trace.error().map(|error| view! {
                <Closer />
                <ErrorPanel what="This trace could not be loaded" error=error retry=move |()| trace.retry() />
            })}
            {move || trace.is_late().then(|| view! { <SkeletonRows rows=9 /> })}
            {move || trace.with(|trace| trace.map(|trace| view! { <About trace=trace.clone() /> }))}
            {move || talk.with(|talk| talk.map(|talk| view! { <LastExchange talk=talk.clone() /> }))}
        </aside>
    }
}

/// The call that began last.
fn last_call(trace: &TraceDetail) -> Option<CallId> {
    let call = |span: &SpanRow| Some((span.start_ns, span.call.as_ref()?.id));
    trace.spans.iter().filter_map(call).max().map(|(_, id)| id)
}

#[component]
fn About(trace: TraceDetail) -> impl IntoView {
    let TraceDetail { trace: row, spans, next } = trace;
    let tree = Tree::build(spans);
    let (title, beside) = names(&row);
    let whole = beside.as_ref().map_or_else(|| title.clone(), |beside| format!("{title}, {beside}"));
    let began = Stamp::new(row.started_ms, utc_offset(row.started_ms));
    let client = row.client.clone().or_else(|| row.service.clone());
    let tool = colour::tool(client.as_deref()).name;
    let errors = (row.errors > 0).then(|| plural(row.errors, "error", "errors"));
    let in_model = shares(&tree)
        .into_iter()
        .find(|share| share.span_type == api::SpanType::Llm)
        .map_or_else(|| "–".to_owned(), |share| length(share.time_ns));
    view! {
        <div class="dh">
            <div class="row g3">
                <SpanMark span_type=row.span_type />
                <span class="b s14 cut" title=whole>{title}</span>
                {beside.map(|beside| view! { <span class="t3 cut">{beside}</span> })}
                <span class="end"></span>
                <Closer />
            </div>
            <div class="row s12 t3 nw under-title">
                <ToolMark client=client />
                <span class="cut">{tool}</span>
                <span class="num" title=format!("{} UTC", Stamp::new(row.started_ms, 0).iso())>{began.exact_clock()}</span>
                <span class="end"></span>
                {errors.map(|errors| view! {
                    <span class="pill err"><Glyph icon=Icon::Octagon small=true />{errors}</span>
                })}
            </div>
            <div class="row g3 acts">
                <a class="btn sm pri" href=format!("/traces/{}", row.id) data-testid="open-trace">"Open trace"<kbd>"Enter"</kbd></a>
            </div>
        </div>
        <dl class="facts">
            <div><dt>"Cost"</dt><dd><TraceCost trace=row.clone() decimals=4 /></dd></div>
            <div><dt>"Total"</dt><dd class="num">{duration(row.duration_us)}</dd></div>
            <div><dt>"In model"</dt><dd class="num">{in_model}</dd></div>
            <div><dt>"Spans"</dt><dd class="num">{short(row.spans)}</dd></div>
        </dl>
        <Costs trace=row />
        <Longest tree=tree more=next.is_some() />
    }
}

/// Tokens and money by bucket, then by model.
#[component]
fn Costs(trace: TraceSummary) -> impl IntoView {
    let buckets = by_bucket(&trace);
    if buckets.is_empty() {
        return ().into_any();
    }
    let stack = buckets
        .iter()
        .map(|(key, tokens, cost)| {
            let share = if trace.costs.total() == Money::ZERO {
                *tokens
            } else {
                (cost.pico() / 1_000).unsigned_abs()
            };
            view! { <i style=format!("flex:{share};background:{}", bucket(key).1)></i> }
        })
        .collect_view();
    let priced = trace.costs != BucketCosts::default();
    let rows = buckets
        .into_iter()
        .map(|(key, tokens, cost)| {
            let (name, colour) = bucket(key);
            view! {
                <div class="tr dense">
                    <span class="row g3"><i class="sw" style=format!("background:{colour}")></i>{name}</span>
                    <span class="num r t2">{thousands(tokens)}</span>
                    <span></span>
                    <span class="num r">{if priced { money(cost, 4) } else { "–".to_owned() }}</span>
                </div>
            }
        })
        .collect_view();
    let cached = trace.usage.cache_read.zip(trace.usage.prompt_total()).filter(|(read, _)| *read > 0);
    let unpriced = trace.unpriced;
    view! {
        <div class="sec">
            <div class="sh">
                <h3>"Cost"</h3>
                <span class="t3 s12">{plural(trace.calls, "call", "calls")}</span>
                <span class="t3 s11 end num">"tokens"</span>
                <span class="t3 s11 r per"></span>
                <span class="t3 s11 r amount">"cost"</span>
            </div>
            <div class="costs" data-testid="cost-table">
                <div class="stack" aria-hidden="true">{stack}</div>
                {rows}
                <div class="prov">
                    {match unpriced {
                        0 => view! { <span class="ok"><Glyph icon=Icon::Check small=true /></span> }.into_any(),
                        _ => view! { <span class="warn"><Glyph icon=Icon::Half small=true /></span> }.into_any(),
                    }}
                    <span>
                        {cached.map(|(read, all)| format!("{} of the input from cache. ", percent(read, all)))}
                        {match unpriced {
                            0 => "Each call counted once, whoever told of it.".to_owned(),
                            unpriced => format!("{} not priced.", plural(unpriced, "call is", "calls are")),
                        }}
                    </span>
                </div>
            </div>
        </div>
    }
    .into_any()
}

fn by_bucket(trace: &TraceSummary) -> Vec<(&'static str, u64, Money)> {
    let (usage, costs) = (trace.usage, trace.costs);
    [
        ("input", usage.input, costs.input),
        ("cache_read", usage.cache_read, costs.cache_read),
        ("cache_write_5m", usage.cache_write_5m, costs.cache_write_5m),
        ("cache_write_1h", usage.cache_write_1h, costs.cache_write_1h),
        ("output", usage.output, costs.output),
    ]
    .into_iter()
    .filter_map(|(key, tokens, cost)| Some((key, tokens.filter(|tokens| *tokens > 0)?, cost)))
    .collect()
}

/// The longest spans in the order in which they began.
#[component]
fn Longest(tree: Tree, more: bool) -> impl IntoView {
    let shown = longest(&tree, LONGEST);
    let all = tree.len() as u64;
    let window = Window::whole(tree.length_ns());
    let note = match shown.len() as u64 {
        some if some < all || more => {
            format!("{}{}, showing the {some} longest", short(all), if more { "+" } else { "" })
        }
        _ => thousands(all),
    };
    let rows = shown
        .into_iter()
        .filter_map(|place| {
            let span = tree.span(place)?;
            let (_, stem, _) = span_type(span.span_type);
            let (from, to) = tree.times(place);
            let (left, width) = window.bar(from, to)?;
            let name = span.label.clone().filter(|label| !label.is_empty()).unwrap_or_else(|| span.name.clone());
            let bar = format!("left:{left:.2}%;width:{width:.2}%;background:var(--span-{stem});box-shadow:inset 0 0 0 1px var(--span-{stem}-line)");
            let title = format!("{name}, {}", length(span.duration_ns));
            Some(view! {
                <div class="lrow" title=title>
                    <SpanMark span_type=span.span_type />
                    <span class="cut" class:err=span.failed>{name}</span>
                    <span class="ltl" aria-hidden="true"><i style=bar></i></span>
                </div>
            })
        })
        .collect_view();
    view! {
        <div class="sec" data-testid="longest-spans">
            <div class="sh"><h3>"Spans"</h3><span class="t3 s12">{note}</span></div>
            {rows}
        </div>
    }
}

/// The longest spans that are no infrastructure.
fn longest(tree: &Tree, most: usize) -> Vec<Place> {
    let mut by_length: BTreeMap<(i64, u32), Place> = BTreeMap::new();
    for place in
        tree.order().iter().copied().filter(|place| tree.node(*place).is_some_and(|node| !node.foldable))
    {
        if let Some(span) = tree.span(place) {
            by_length.insert((span.duration_ns, u32::MAX - tree.position(place)), place);
            if by_length.len() > most {
                by_length.pop_first();
            }
        }
    }
    let mut longest: Vec<Place> = by_length.into_values().collect();
    longest.sort_by_key(|place| tree.position(*place));
    longest
}
