//! One row of a timeline: a prompt with what it led to, or something that happened on its agent's line.

use api::{TimelineEntry, TimelineKind};
use leptos::prelude::*;

use super::arranged::{Lines, Sum, end_ns};
use super::{LANE, address};
use crate::browser::utc_offset;
use crate::colour;
use crate::components::icon::{Glyph, Icon};
use crate::format::time::Stamp;
use crate::format::{duration, money, plural, short, thousands};
use crate::pages::logs::span_address;

const MS: i64 = 1_000_000;

/// A kind's icon, colour and word.
pub const fn kind_mark(kind: TimelineKind) -> (Icon, &'static str, &'static str) {
    match kind {
        TimelineKind::Prompt => (Icon::Messages, "var(--accent)", "prompt"),
        TimelineKind::Call => (Icon::Model, "var(--span-llm-ink)", "call"),
        TimelineKind::Tool => (Icon::Tool, "var(--span-tool-ink)", "tool"),
        TimelineKind::Decision => (Icon::Key, "var(--text-3)", "decision"),
        TimelineKind::Answer => (Icon::Thought, "var(--span-retrieval-ink)", "answer"),
        TimelineKind::Error => (Icon::Octagon, "var(--err)", "error"),
        TimelineKind::Session => (Icon::System, "var(--text-3)", "session"),
    }
}

/// The word on a kind's switch.
pub const fn kind_plural(kind: TimelineKind) -> &'static str {
    match kind {
        TimelineKind::Prompt => "Prompts",
        TimelineKind::Call => "Calls",
        TimelineKind::Tool => "Tools",
        TimelineKind::Decision => "Decisions",
        TimelineKind::Answer => "Answers",
        TimelineKind::Error => "Errors",
        TimelineKind::Session => "Session",
    }
}

fn clock(ns: i64) -> (String, String) {
    let ms = ns.div_euclid(MS);
    (Stamp::new(ms, utc_offset(ms)).exact_clock(), format!("{} UTC", Stamp::new(ms, 0).iso()))
}

/// A prompt with what it led to.
#[component]
pub fn HeadRow(
    index: usize,
    entry: Option<Box<TimelineEntry>>,
    sum: Sum,
    selected: RwSignal<Option<usize>>,
) -> impl IntoView {
    let (time, utc) = clock(entry.as_ref().map_or(sum.from_ns, |entry| entry.time_ns));
    let title = entry.as_ref().map(|entry| entry.title.clone());
    let took = u64::try_from((sum.to_ns - sum.from_ns) / 1_000).unwrap_or(0);
    let mut said = vec![plural(sum.calls, "call", "calls"), plural(sum.tools, "tool run", "tool runs")];
    if sum.errors > 0 {
        said.push(plural(sum.errors, "error", "errors"));
    }
    let cost = (sum.cost.pico() != 0).then(|| money(sum.cost, 4));
    let links = entry.as_ref().map(|entry| links(entry));
    view! {
        <div class="tr head" role="row" data-testid="timeline-prompt" aria-selected=move || (selected.get() == Some(index)).to_string()
            on:click=move |_| selected.set(Some(index))>
            <span role="gridcell" class="lane" aria-hidden="true"></span>
            <span role="gridcell" class="num t2" title=utc>{time}</span>
            <span role="gridcell" class="row g2 t1"><span class="ty" style="color:var(--accent)"><Glyph icon=Icon::Messages small=true /></span>"prompt"</span>
            <span role="gridcell" class="row g3 what">
                {match title {
                    Some(title) => view! { <span class="cut m" title=title>{title.clone()}</span> }.into_any(),
                    None => view! { <span class="cut t3" title="The tool leaves the prompt's words out unless told otherwise">"Prompt, its words not reported"</span> }.into_any(),
                }}
                <span class="end t3 nw s11">{said.join(", ")}</span>
            </span>
            <span role="gridcell" class="num r nw">{duration(took)}</span>
            <span role="gridcell" class="num r">{cost}</span>
            <span role="gridcell" class="ties">{links}</span>
        </div>
    }
}

/// Something that happened.
#[component]
pub fn EntryRow(
    index: usize,
    entry: TimelineEntry,
    lines: Lines,
    within: (i64, i64),
    selected: RwSignal<Option<usize>>,
) -> impl IntoView {
    let (time, utc) = clock(entry.time_ns);
    let (icon, ink, word) = kind_mark(entry.kind);
    let failed = entry.failed == Some(true);
    let title = entry.title.clone();
    let tokens = entry.usage.total();
    let counted = tokens.map(|_| {
        format!(
            "{} in, {} out",
            thousands(entry.usage.prompt_total().unwrap_or(0)),
            thousands(entry.usage.output.unwrap_or(0))
        )
    });
    let href = address(&entry);
    let name = match href {
        Some(href) => view! { <a class="cut ttl" href=href title=title>{title.clone()}</a> }.into_any(),
        None => view! { <span class="cut ttl" title=title>{title.clone()}</span> }.into_any(),
    };
    let agent = entry.agent.clone().map(
        |agent| view! { <span class="pill agent cut" title=format!("Agent {agent}")>{agent.clone()}</span> },
    );
    let trouble = failed.then(|| {
        let (word, class) = match entry.kind {
            TimelineKind::Decision => ("refused", "pill warn"),
            _ => ("failed", "pill err"),
        };
        view! { <span class=class><Glyph icon=Icon::Octagon small=true />{word}</span> }
    });
    let model = entry.model.clone().map(|name| {
        let colour = colour::model(&name, false);
        view! { <span class="md" style=format!("--c:{colour}") title=name><span class="cut">{name.clone()}</span></span> }
    });
    let links = links(&entry);
    view! {
        <div class="tr" role="row" data-testid="timeline-entry" data-kind=word aria-selected=move || (selected.get() == Some(index)).to_string()
            on:click=move |_| selected.set(Some(index))>
            {drawn(&lines)}
            <span role="gridcell" class="num t3" title=utc>{time}</span>
            <span role="gridcell" class="row g2 t2"><span class="ty" style=format!("color:{ink}")><Glyph icon=icon small=true /></span>{word}</span>
            <span role="gridcell" class="row g3 what">{agent}{name}{trouble}</span>
            <span role="gridcell" class="c-model">{model}</span>
            <span role="gridcell" class="num r" title=counted>{tokens.map(short)}</span>
            <Bar entry=entry.clone() within=within />
            <span role="gridcell" class="num r nw">{entry.duration_us.map(duration)}</span>
            <span role="gridcell" class="num r">{entry.cost.map(|cost| money(cost, 4))}</span>
            <span role="gridcell" class="ties">{links}</span>
        </div>
    }
}

/// When within its prompt, and for how long.
#[component]
fn Bar(entry: TimelineEntry, within: (i64, i64)) -> impl IntoView {
    let length = (within.1 - within.0).max(1) as f64;
    let share = |ns: i64| ((ns - within.0) as f64 * 100.0 / length).clamp(0.0, 100.0);
    let (left, right) = (share(entry.time_ns), share(end_ns(&entry)));
    let (colour, moment) = match (entry.kind, entry.failed) {
        (_, Some(true)) => ("var(--err-fill)", false),
        (TimelineKind::Call, _) => ("var(--span-llm)", false),
        (TimelineKind::Tool, _) => ("var(--span-tool)", false),
        _ => ("var(--line-control)", true),
    };
    let width = if moment { "3px".to_owned() } else { format!("max(3px, {:.2}%)", right - left) };
    let style = format!("left:min({left:.2}%, calc(100% - 3px));width:{width};background:{colour}");
    view! { <span role="gridcell" class="c-bar tbar" aria-hidden="true"><i style=style></i></span> }
}

/// The ways to the call, the span and the record.
fn links(entry: &TimelineEntry) -> impl IntoView + use<> {
    let call = entry.call.map(|id| {
        view! { <a class="tie" href=format!("/traces/{id}") title="Open the call" data-testid="entry-call"><Glyph icon=Icon::Model small=true /></a> }
    });
    let span = entry.trace_id.as_ref().map(|trace| {
        let href = span_address(trace, entry.span_id.as_deref());
        view! { <a class="tie" href=href title="Open the span" data-testid="entry-span"><Glyph icon=Icon::Traces small=true /></a> }
    });
    let log = entry.log_id.as_ref().map(|id| {
        view! { <a class="tie" href=format!("/logs?log={id}") title="Open the log record" data-testid="entry-log"><Glyph icon=Icon::List small=true /></a> }
    });
    view! { <span>{call}</span><span>{span}</span><span>{log}</span> }
}

/// The lines that pass, and this entry's place on its own.
fn drawn(lines: &Lines) -> impl IntoView + use<> {
    let x = |lane: usize| 12 + lane * LANE;
    let class = |lane: usize| if lane > 0 { " agent" } else { "" };
    let pass = |(lane, above, below): (usize, bool, bool)| {
        let (top, bottom) = (if above { "0" } else { "50%" }, if below { "-1px" } else { "50%" });
        view! { <i class=format!("ln{}", class(lane)) style=format!("left:{}px;top:{top};bottom:{bottom}", x(lane))></i> }
    };
    let own = lines.own;
    let from = (lines.begins && own > 0).then(|| {
        view! { <i class="br agent" style=format!("left:{}px;width:{}px", x(0), x(own) - x(0))></i> }
    });
    view! {
        <span role="gridcell" class="lane" aria-hidden="true">
            {lines.passes.iter().copied().map(pass).collect_view()}{from}
            <i class=format!("node{}", class(own)) style=format!("left:{}px", x(own))></i>
        </span>
    }
}
