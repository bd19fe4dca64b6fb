//! How complete today's record is, in all and by tool.

use api::{CallState, Overview, ToolTotal, Totals};
use leptos::prelude::*;

use super::Page;
use super::panel::Figured;
use crate::colour;
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::ToolMark;
use crate::filter::View;
use crate::format::{duration, share, short, thousands};
use crate::live::use_live;

const TOOLS: usize = 3;
/// Reports that wait this long to be joined with calls are worth a word.
const BEHIND_MS: u64 = 2_000;

#[derive(Clone, PartialEq)]
struct Facts {
    totals: Totals,
    unrecorded: u64,
    tools: Vec<ToolTotal>,
}

impl Facts {
    fn of(figures: &Overview) -> Self {
        let mut tools = figures.tools.clone();
        tools.sort_by_key(|tool| std::cmp::Reverse(tool.totals.calls));
        tools.truncate(TOOLS);
        Self { totals: figures.totals, unrecorded: figures.unrecorded, tools }
    }

    /// Calls that ended, recorded or not.
    fn seen(&self) -> u64 {
        self.totals.calls - self.totals.open + self.unrecorded
    }

    fn lost(&self) -> u64 {
        self.totals.lost + self.unrecorded
    }
}

/// The panel.
#[component]
pub fn Completeness() -> impl IntoView {
    let page = expect_context::<Page>();
    let part = page.part(Facts::of);
    let whole = move || part.get().map(|facts| share(facts.totals.whole, facts.seen()));
    view! {
        <section class="panel at-comp" data-testid="overview-completeness">
            <div class="phead">
                <h2>"Completeness"</h2><span class="sub">"today"</span>
                <a class="end s12 t2" href="/analytics/completeness" data-testid="completeness-all">"By day"</a>
                <span class="num b" title="Calls of which nothing is missing: recorded whole, with all of their usage and a known price">{whole}</span>
            </div>
            <Figured part=part what="Completeness could not be loaded" draw=|facts| view! { <Body facts=facts /> }.into_any() />
        </section>
    }
}

#[component]
fn Body(facts: Facts) -> impl IntoView {
    let totals = facts.totals;
    let (seen, lost) = (facts.seen(), facts.lost());
    let unsure = seen.saturating_sub(totals.whole).saturating_sub(lost);
    let (lost_icon, lost_class) = if lost > 0 { (Icon::Triangle, "err") } else { (Icon::CircleCheck, "ok") };
    let tools = facts.tools.iter().map(|tool| view! { <Tool tool=tool.clone() /> }).collect_view();
    view! {
        <div class="pbody">
            <div class="cm" aria-hidden="true">
                <i style=format!("flex:{};background:var(--ok-fill)", totals.whole)></i>
                {(unsure > 0).then(|| view! { <i style=format!("flex:{unsure};background:var(--warn-fill)")></i> })}
                {(lost > 0).then(|| view! { <i style=format!("flex:{lost};background:var(--err-fill)")></i> })}
                {(seen == 0).then(|| view! { <i style="flex:1;background:var(--track)"></i> })}
            </div>
            <div class="cml">
                <Fact name="Recorded" icon=Icon::CircleCheck class="ok" testid="recorded"
                    value=format!("{} of {}", thousands(totals.recorded()), thousands(seen)) narrow=|_| () />
                <Fact name="Unknown price" icon=Icon::Triangle class=mark(totals.unpriced) testid="unknown-price"
                    value=thousands(totals.unpriced) narrow=|view| view.filter.unpriced = Some(true) />
                <Fact name="Partial usage" icon=Icon::Half class=mark(totals.partial) testid="partial-usage"
                    value=thousands(totals.partial) narrow=|view| view.filter.partial = Some(true) />
                <Fact name="Estimated tokens" icon=Icon::Half class=mark(totals.estimated) testid="estimated-usage"
                    value=thousands(totals.estimated) narrow=|view| view.filter.estimated = Some(true) />
                <Fact name="Lost" icon=lost_icon class=lost_class
                    testid="lost" value=lost_text(totals.lost, facts.unrecorded) narrow=|view| view.filter.state = Some(CallState::Lost) />
                <Fact name="Bodies kept in part" icon=Icon::Struck class=mark(totals.cut) testid="cut"
                    value=thousands(totals.cut) narrow=|view| view.filter.cut = Some(true) />
                <Collected />
            </div>
        </div>
        <div class="tbl clients">{tools}</div>
    }
}

/// What came over OTLP since start, and what of it was not kept or is not joined yet.
#[component]
fn Collected() -> impl IntoView {
    let live = use_live();
    let collected = Memo::new(move |_| {
        live.health.with(|health| health.as_ref().map(|health| health.collected).unwrap_or_default())
    });
    let told = move || {
        let told = collected.get();
        let title = format!(
            "Over OTLP since start: {} spans, {} log records, {} points stored; {} rejected as unusable, {} refused \
             for now, {} requests unreadable; {} not joined with calls yet, the oldest for {}.",
            thousands(told.spans),
            thousands(told.logs),
            thousands(told.points),
            thousands(told.rejected),
            thousands(told.refused),
            thousands(told.unreadable),
            thousands(told.waiting),
            duration(told.lag_ms.saturating_mul(1_000)),
        );
        let not_kept = told.rejected + told.refused + told.unreadable;
        let nothing = told.spans + told.logs + told.points + not_kept == 0;
        let behind = told.waiting > 0 && told.lag_ms >= BEHIND_MS;
        let (icon, class, text) = match (nothing, not_kept, behind) {
            (true, ..) => (Icon::Ring, "t3", "nothing".to_owned()),
            (_, 0, false) => {
                let (count, one) = match (told.spans, told.logs) {
                    (0, 0) => (told.points, "point"),
                    (0, logs) => (logs, "log record"),
                    (spans, _) => (spans, "span"),
                };
                let s = if count == 1 { "" } else { "s" };
                (Icon::CircleCheck, "ok", format!("{} {one}{s}", short(count)))
            }
            (_, 0, true) => {
                (Icon::Half, "warn", format!("{} behind", duration(told.lag_ms.saturating_mul(1_000))))
            }
            _ => (Icon::Triangle, "warn", format!("{} not kept", thousands(not_kept))),
        };
        view! {
            <a href="/logs" title=title data-testid="collected">
                <span class=class><Glyph icon=icon small=true /></span>
                <span class="t2 cut">"Over OTLP since start"</span>
                <span class="num m r">{text}</span>
            </a>
        }
    };
    view! { {told} }
}

fn mark(count: u64) -> &'static str {
    if count > 0 { "warn" } else { "t3" }
}

/// Of calls without any record, only their number is known.
fn lost_text(known: u64, unrecorded: u64) -> String {
    match unrecorded {
        0 => thousands(known),
        _ => format!("{}, {} without a trace", thousands(known + unrecorded), thousands(unrecorded)),
    }
}

#[component]
fn Fact(
    name: &'static str,
    icon: Icon,
    class: &'static str,
    testid: &'static str,
    value: String,
    narrow: fn(&mut View),
) -> impl IntoView {
    let page = expect_context::<Page>();
    view! {
        <a href=page.calls(narrow) data-testid=testid>
            <span class=class><Glyph icon=icon small=true /></span>
            <span class="t2 cut">{name}</span>
            <span class="num m r">{value}</span>
        </a>
    }
}

#[component]
fn Tool(tool: ToolTotal) -> impl IntoView {
    let page = expect_context::<Page>();
    let ended = tool.totals.calls - tool.totals.open;
    let whole = tool.totals.whole;
    let width = if ended == 0 { 0.0 } else { whole as f64 * 100.0 / ended as f64 };
    let fill = if width > 99.0 { "var(--ok-fill)" } else { "var(--warn-fill)" };
    let name = colour::tool(tool.client.as_deref()).name;
    let href = page.calls(|view| view.filter.client = Some(tool.client.clone().unwrap_or_default()));
    view! {
        <a class="tr" href=href title=format!("{name}: nothing is missing of {} of {} calls", thousands(whole), thousands(ended))>
            <span class="row g3"><ToolMark client=tool.client /><span class="cut">{name.clone()}</span></span>
            <span class="track thick"><i style=format!("width:{width:.1}%;background:{fill}")></i></span>
            <span class="num r">{share(whole, ended)}</span>
        </a>
    }
}
