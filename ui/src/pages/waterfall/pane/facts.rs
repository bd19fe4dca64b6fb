//! The head of the pane: what the span is, who told of it, its facts in one line.

use api::{ReportSource, SpanRow};
use leptos::prelude::*;

use super::super::Page;
use super::super::row::{called, odd_words};
use super::{Closer, Known};
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::{CostCell, SpanMark, span_type};
use crate::format::{duration, money, percent, plural, thousands};
use crate::pages::traces::CurlButton;
use crate::tree::scale::length;

/// The head.
#[component]
pub fn Head(row: SpanRow, known: Known) -> impl IntoView {
    let page = expect_context::<Page>();
    let tree = page.tree_now();
    let place = tree.find(&row.id);
    let name = called(&row);
    let beside = beside(page, &row);
    let odd = place.and_then(|place| tree.node(place)).and_then(odd_words);
    let message = move || {
        known.span.and_then(|span| {
            span.with(|span| {
                let span = span?;
                let said = span.status_message.clone();
                (span.status_code == 2)
                    .then(|| if said.is_empty() { "It ended with an error.".to_owned() } else { said })
            })
        })
    };
    let curl = move || {
        known.call.with(|call| {
            let call = call.filter(|call| call.summary.sources.contains(&ReportSource::Proxy))?;
            Some(view! { <CurlButton call=call.clone() /> })
        })
    };
    let differs = move || {
        known.call.with(|call| {
            let told = call.into_iter().flat_map(|call| &call.reports).flat_map(|report| {
                report.differs.iter().map(|one| {
                    let word = one.field.replace('_', " ");
                    format!(
                        "{} says {} for {word}, shown is {}",
                        source_word(report.source),
                        one.says,
                        one.shown
                    )
                })
            });
            told.collect::<Vec<_>>()
        })
    };
    let address = row.call.as_ref().map(|call| format!("/traces/{}", call.id));
    view! {
        <div class="dh" data-testid="span-head">
            <div class="row g3">
                <SpanMark span_type=row.span_type />
                <span class="b cut" title=name>{name.clone()}</span>
                <span class="t3 s12 cut">{beside}</span>
                <span class="end"></span>
                {row.call.as_ref().map(|call| badge(&call.sources))}
                {curl}
                {address.map(|address| view! {
                    <a class="btn sm" href=address title="The call's own page (Enter)" data-testid="open-call">"Call"</a>
                })}
                <Closer />
            </div>
            {move || message().map(|message| view! {
                <p class="err s12 said" data-testid="span-error"><Glyph icon=Icon::Octagon small=true />" "{message}</p>
            })}
            {odd.map(|words| view! { <p class="warn s12 said"><Glyph icon=Icon::Clock small=true />" "{sentence(&words)}</p> })}
            {move || differs().into_iter().map(|words| view! {
                <p class="warn s12 said" data-testid="span-differs"><Glyph icon=Icon::Triangle small=true />" "{words}</p>
            }).collect_view()}
        </div>
        <Facts row=row />
    }
}

/// Which of the calls around it this one is, or what kind of span, and who reported it.
fn beside(page: Page, row: &SpanRow) -> String {
    let tree = page.tree_now();
    let word = span_type(row.span_type).2;
    let siblings = tree.find(&row.id).and_then(|place| tree.node(place)?.parent).map(|parent| {
        let calls = tree
            .children(parent)
            .iter()
            .filter_map(|place| tree.span(*place))
            .filter(|span| span.call.is_some());
        calls.map(|span| span.id.clone()).collect::<Vec<_>>()
    });
    let number =
        siblings.and_then(|calls| Some((calls.iter().position(|id| *id == row.id)? + 1, calls.len())));
    match (number, &row.service) {
        (Some((number, count)), _) if count > 1 => format!("call {number} of {count}"),
        (_, Some(service)) => format!("{word}, {service}"),
        _ => word.to_owned(),
    }
}

const fn source_word(source: ReportSource) -> &'static str {
    match source {
        ReportSource::Proxy => "The proxy",
        ReportSource::Span => "The span",
        ReportSource::Event => "An event",
    }
}

/// Who told of the call.
fn badge(sources: &[ReportSource]) -> impl IntoView + use<> {
    let proxied = sources.contains(&ReportSource::Proxy);
    let told = sources.iter().any(|source| *source != ReportSource::Proxy);
    let (word, title) = match (proxied, told) {
        (true, true) => {
            ("proxy + OTLP", "Proxy: bytes, tokens, timing. OTLP: its place in the tree, names, attributes.")
        }
        (true, false) => ("proxy", "It went through the proxy; nobody reported a span of it."),
        _ => ("OTLP", "It did not go through the proxy: what is known of it is what was reported."),
    };
    view! { <span class="pill line" title=title data-testid="span-sources">{word}</span> }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

#[component]
fn Facts(row: SpanRow) -> impl IntoView {
    let page = expect_context::<Page>();
    let tree = page.tree_now();
    let place = tree.find(&row.id);
    let total = length(row.duration_ns);
    let dash = || "–".to_owned();
    if let Some(call) = row.call {
        let prompt = call.usage.prompt_total();
        let input = match prompt.filter(|prompt| *prompt > 0).zip(call.usage.cache_read) {
            Some((prompt, read)) => format!("In, {} cached", percent(read, prompt)),
            None => "In".to_owned(),
        };
        return view! {
            <dl class="facts f2" data-testid="span-facts">
                <div><dt>"Cost"</dt><dd><CostCell cost=call.cost source=call.cost_source open=false /></dd></div>
                <div><dt>{input}</dt><dd class="num">{prompt.map_or_else(dash, thousands)}</dd></div>
                <div><dt>"Out"</dt><dd class="num">{call.usage.output.map_or_else(dash, thousands)}</dd></div>
                <div><dt>"First token"</dt><dd class="num">{call.first_token_us.map_or_else(dash, duration)}</dd></div>
                <div><dt>"Total"</dt><dd class="num">{total}</dd></div>
            </dl>
        }
        .into_any();
    }
    let node = place.and_then(|place| tree.node(place));
    let sum = node.map(|node| node.sum).unwrap_or_default();
    let below = node.map_or(0, |node| node.below);
    let share = percent(row.duration_ns.max(0).unsigned_abs(), tree.length_ns().unsigned_abs());
    let starts = place.map(|place| tree.times(place).0).filter(|_| row.start_ns > 0);
    view! {
        <dl class="facts f2" data-testid="span-facts">
            <div><dt>"Total"</dt><dd class="num">{total}</dd></div>
            <div><dt>"Of the trace"</dt><dd class="num">{share}</dd></div>
            <div><dt>"Begins after"</dt><dd class="num">{starts.map_or_else(dash, length)}</dd></div>
            {(below > 0).then(|| view! { <div><dt>"Below it"</dt><dd class="num">{plural(u64::from(below), "span", "spans")}</dd></div> })}
            {(sum.priced > 0).then(|| view! { <div><dt>"Cost below it"</dt><dd class="num">{money(sum.cost, 4)}</dd></div> })}
        </dl>
    }
    .into_any()
}
