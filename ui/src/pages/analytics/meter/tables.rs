//! The meter's tables: by tool, by day, and why calls were lost. Each figure leads to the calls it counts.

use leptos::prelude::*;

use super::Page;
use super::figures::{Figures, Line, MeterView, Part};
use crate::browser::utc_offset;
use crate::colour;
use crate::components::marks::ToolMark;
use crate::format::thousands;
use crate::format::time::Stamp;

fn head(first: &'static str) -> impl IntoView {
    let parts = Part::ALL.map(|part| {
        let (label, title) = part.heads();
        view! { <span class="r cut" role="columnheader" title=title>{label}</span> }
    });
    view! {
        <div class="tr th" role="row">
            <span role="columnheader">{first}</span><span role="columnheader"></span>{parts.into_iter().collect_view()}
        </div>
    }
}

fn cells(line: &Line) -> impl IntoView + use<> {
    let (whole, unsure, lost) = line.bar();
    let nothing = whole + unsure + lost == 0;
    let bar = view! {
        <span class="cm" role="cell" aria-hidden="true">
            {(whole > 0).then(|| view! { <i style=format!("flex:{whole};background:var(--ok-fill)")></i> })}
            {(unsure > 0).then(|| view! { <i style=format!("flex:{unsure};background:var(--warn-fill)")></i> })}
            {(lost > 0).then(|| view! { <i style=format!("flex:{lost};background:var(--err-fill)")></i> })}
            {nothing.then(|| view! { <i style="flex:1;background:var(--track)"></i> })}
        </span>
    };
    let parts = Part::ALL.map(|part| {
        let count = part.of(&line.count);
        if count == 0 {
            return view! { <span class="num r t3" role="cell">"–"</span> }.into_any();
        }
        let class = match part {
            Part::Lost => "num r err",
            part if part.is_lack() => "num r warn",
            _ => "num r",
        };
        view! { <a class=class role="cell" href=line.calls(part)>{thousands(count)}</a> }.into_any()
    });
    view! { {bar}{parts.into_iter().collect_view()} }
}

/// By tool; a tool can be chosen for the days below.
#[component]
pub fn Tools() -> impl IntoView {
    let page = expect_context::<Page>();
    let tools = Memo::new(move |_| page.fetched.with(|figures| figures.map(|figures| figures.tools.clone())));
    let rows = move || {
        let tools = tools.get()?;
        if tools.is_empty() {
            return Some(view! { <p class="nothing t3 s12">"No calls in this time."</p> }.into_any());
        }
        Some(tools.into_iter().map(|line| view! { <Tool line=line /> }).collect_view().into_any())
    };
    view! {
        <section class="panel mtr-tools">
            <div class="phead"><h2>"By tool"</h2><span class="sub">"a tool's name shows its days"</span></div>
            <div class="tbl mtr-rows" role="table" aria-label="Completeness by tool" data-testid="meter-tools">
                {head("tool")}<div class="scroll" role="rowgroup">{rows}</div>
            </div>
        </section>
    }
}

#[component]
fn Tool(line: Line) -> impl IntoView {
    let page = expect_context::<Page>();
    let client = line.client.clone().flatten();
    let word = client.clone().unwrap_or_default();
    let chosen = {
        let word = word.clone();
        Memo::new(move |_| page.view.with(|view| view.tool.as_ref() == Some(&word)))
    };
    let choose = move |_| {
        let view = page.view.get_untracked();
        let tool = if chosen.get_untracked() { None } else { Some(word.clone()) };
        page.go.run(MeterView { tool, ..view });
    };
    let name = colour::tool(client.as_deref()).name;
    view! {
        <div class="tr dense" role="row" aria-selected=move || chosen.get().to_string() data-testid="meter-tool">
            <span role="rowheader">
                <button type="button" class="row g3" aria-pressed=move || chosen.get().to_string() on:click=choose>
                    <ToolMark client=client /><span class="cut">{name}</span>
                </button>
            </span>
            {cells(&line)}
        </div>
    }
}

/// By day, of all tools or of the chosen one.
#[component]
pub fn Days() -> impl IntoView {
    let page = expect_context::<Page>();
    let days = Memo::new(move |_| page.fetched.with(|figures| figures.map(|figures| figures.days.clone())));
    let whose = move || {
        page.view.with(|view| {
            let tool = view.tool.as_deref()?;
            Some(colour::tool(Some(tool).filter(|tool| !tool.is_empty())).name)
        })
    };
    let rows = move || {
        let row = |line: Line| {
            let day = Stamp::new(line.from_ms, utc_offset(line.from_ms)).weekday_date();
            view! {
                <div class="tr dense" role="row" data-testid="meter-day"><span class="cut" role="rowheader">{day}</span>{cells(&line)}</div>
            }
        };
        days.get().map(|days| days.into_iter().map(row).collect_view())
    };
    view! {
        <section class="panel mtr-days">
            <div class="phead">
                <h2>"By day"</h2><span class="sub">{move || whose().unwrap_or_else(|| "all tools".to_owned())}</span>
                {move || whose().map(|_| view! {
                    <button type="button" class="btn sm bare" title="All tools (Esc)"
                        on:click=move |_| page.go.run(MeterView { tool: None, ..page.view.get_untracked() })>"All tools"</button>
                })}
            </div>
            <div class="tbl mtr-rows" role="table" aria-label="Completeness by day" data-testid="meter-days">
                {head("day")}<div class="scroll" role="rowgroup">{rows}</div>
            </div>
        </section>
    }
}

/// Why calls were lost; nothing when none was.
#[component]
pub fn Reasons() -> impl IntoView {
    let page = expect_context::<Page>();
    let lost = Memo::new(move |_| {
        page.fetched.with(|figures| figures.map(|Figures { lost, .. }| lost.clone()).unwrap_or_default())
    });
    move || {
        let lost = lost.get();
        if lost.is_empty() {
            return None;
        }
        let rows = lost.into_iter().map(|reason| {
            view! {
                <div class="tr" data-testid="lost-reason">
                    <span class="num r err">{thousands(reason.calls)}</span>
                    <span class="row g3"><ToolMark client=reason.client.clone() /><span class="cut">{colour::tool(reason.client.as_deref()).name}</span></span>
                    <span class="cut" title=reason.why>{reason.why.clone()}</span>
                </div>
            }
        });
        Some(view! {
            <section class="panel mtr-lost">
                <div class="phead"><h2>"Lost, and why"</h2></div>
                <div class="tbl">{rows.collect_view()}</div>
            </section>
        })
    }
}
