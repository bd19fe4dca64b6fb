//! The pane while no span is selected: the whole trace, its models, and where to begin.

use std::collections::BTreeMap;

use api::{Money, TraceSummary};
use leptos::prelude::*;

use super::super::Page;
use super::super::row::called;
use crate::colour;
use crate::components::marks::SpanMark;
use crate::format::{duration, money, plural, short, thousands};
use crate::tree::scale::length;
use crate::tree::{Place, Tree};

/// Spans offered to begin with.
const OFFERED: usize = 6;

/// The trace.
#[component]
pub fn About() -> impl IntoView {
    let page = expect_context::<Page>();
    let unknown = move || {
        let asked = page.selected.get()?;
        let done = page.load.progress.with(Option::is_none) && page.load.is_there();
        done.then(|| view! {
            <p class="warn s12 note-in" data-testid="span-not-here">{format!("Span {asked} is not in this trace, or not reported yet.")}</p>
        })
    };
    view! {
        {unknown}
        {move || page.load.summary.with(|trace| trace.as_ref().map(|trace| view! { <Summary trace=trace.clone() /> }))}
        {move || page.load.is_there().then(|| {
            let tree = page.load.tree.get();
            view! { <Models tree=models(&tree) /><Offered places=errors(&tree) title="Errors" testid="trace-errors" />
                <Offered places=dearest(&tree) title="Dearest calls" testid="dearest-calls" /> }
        })}
    }
}

#[component]
fn Summary(trace: TraceSummary) -> impl IntoView {
    let orphans = expect_context::<Page>().tree_now().orphans() as u64;
    let tool = trace.client.as_deref().map(|client| colour::tool(Some(client)).name);
    let session = trace.session_id.clone().map(|id| {
        let href = format!("/traces?session={id}");
        view! { <dt>"Session"</dt><dd class="cut"><a class="mono hov" href=href data-testid="trace-session">{id}</a></dd> }
    });
    let facts = [
        ("Name", Some(trace.name.clone())),
        ("Label", trace.label.clone()),
        ("Service", trace.service.clone()),
        ("Tool", tool),
        ("Took", Some(duration(trace.duration_us))),
        ("Spans", Some(thousands(trace.spans))),
        (
            "Infrastructure",
            (trace.infrastructure > 0)
                .then(|| format!("{} of them, folded away", thousands(trace.infrastructure))),
        ),
        ("Without their parent", (orphans > 0).then(|| thousands(orphans))),
        ("Calls of models", Some(thousands(trace.calls))),
        ("Trace id", Some(trace.id)),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some(view! { <dt>{name}</dt><dd class="cut" title=value>{value.clone()}</dd> })
        })
        .collect_view();
    view! {
        <div class="dh"><p class="t2 s12">"Select a span to see what went into it and what came out: "<kbd>"j"</kbd>" "<kbd>"k"</kbd>"."</p></div>
        <div class="sec" data-testid="trace-about"><div class="sh"><h3>"Trace"</h3></div><dl class="about">{facts}{session}</dl></div>
    }
}

/// Calls, tokens and money of each model.
type PerModel = BTreeMap<String, (u64, u64, Money, u64)>;

fn models(tree: &Tree) -> PerModel {
    let mut models = PerModel::new();
    let mut seen = std::collections::HashSet::new();
    for place in tree.order() {
        let Some(call) = tree.span(*place).and_then(|span| span.call.as_ref()) else { continue };
        if seen.insert(call.id) {
            let sum =
                models.entry(call.model.clone().unwrap_or_else(|| "unknown model".to_owned())).or_default();
            sum.0 += 1;
            sum.1 += call.usage.total().unwrap_or(0);
            sum.2 = sum.2.saturating_add(call.cost.unwrap_or_default());
            sum.3 += u64::from(call.cost.is_some());
        }
    }
    models
}

#[component]
fn Models(tree: PerModel) -> impl IntoView {
    if tree.is_empty() {
        return ().into_any();
    }
    let rows = tree
        .into_iter()
        .map(|(model, (calls, tokens, cost, priced))| {
            let colour = colour::model(&model, false);
            view! {
                <div class="tr dense">
                    <span class="md" style=format!("--c:{colour}") title=model.clone()><span class="cut">{model.clone()}</span></span>
                    <span class="num r t2">{plural(calls, "call", "calls")}</span>
                    <span class="num r t2">{short(tokens)}</span>
                    <span class="num r">{if priced > 0 { money(cost, 4) } else { "–".to_owned() }}</span>
                </div>
            }
        })
        .collect_view();
    view! { <div class="sec permodel"><div class="sh"><h3>"Models"</h3></div>{rows}</div> }.into_any()
}

fn errors(tree: &Tree) -> Vec<Place> {
    let failed = |place: &&Place| tree.span(**place).is_some_and(|span| span.failed);
    tree.order().iter().filter(failed).take(OFFERED).copied().collect()
}

fn dearest(tree: &Tree) -> Vec<Place> {
    let cost = |place: &Place| tree.span(*place).and_then(|span| span.call.as_ref()?.cost);
    let mut calls: Vec<Place> = tree.order().iter().copied().filter(|place| cost(place).is_some()).collect();
    calls.sort_by_key(|place| std::cmp::Reverse(cost(place)));
    calls.truncate(OFFERED);
    calls
}

/// Spans to begin with.
#[component]
fn Offered(places: Vec<Place>, title: &'static str, testid: &'static str) -> impl IntoView {
    let page = expect_context::<Page>();
    let tree = page.tree_now();
    let rows: Vec<_> = places
        .into_iter()
        .filter_map(|place| {
            let span = tree.span(place)?;
            let name = called(span);
            let cost = span.call.as_ref().and_then(|call| call.cost).map(|cost| money(cost, 4));
            Some(view! {
                <button type="button" class="offer" title=name on:click=move |_| page.select(Some(place))>
                    <SpanMark span_type=span.span_type />
                    <span class="cut" class:err=span.failed>{name.clone()}</span>
                    <span class="num t3 end">{cost.unwrap_or_else(|| length(span.duration_ns))}</span>
                </button>
            })
        })
        .collect();
    (!rows.is_empty()).then(
        || view! { <div class="sec" data-testid=testid><div class="sh"><h3>{title}</h3></div>{rows}</div> },
    )
}
