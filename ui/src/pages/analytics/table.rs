//! Each group's row: what it came to, its share, what it was before. Sorted by any column; a row leads to its calls.

use leptos::prelude::*;

use super::Page;
use super::figures::{Figures, Row};
use super::view::Column;
use crate::backend::desktop;
use crate::browser::utc_offset;
use crate::components::copy_button::CopyButton;
use crate::components::icon::{Glyph, Icon};
use crate::format::{money, short, thousands};
use crate::pages::overview::view::{Group, amount};
use crate::provenance::of_sum;

/// The panel.
#[component]
pub fn Table() -> impl IntoView {
    let page = expect_context::<Page>();
    let count = move || {
        page.figures.with(|figures| {
            let figures = figures.as_ref()?;
            let overlap = figures.stacks.overlap();
            Some(view! {
                <span class="sub num">{thousands(figures.rows.len() as u64)}</span>
                {overlap.then(|| view! { <span class="sub">"A call counts under each of its tags."</span> })}
            })
        })
    };
    let text = move |over_time: bool| {
        page.figures.with_untracked(|figures| match (figures, over_time) {
            (None, _) => String::new(),
            (Some(figures), false) => figures.csv(),
            (Some(figures), true) => figures.csv_over_time(utc_offset),
        })
    };
    view! {
        <section class="panel anl-table" data-testid="cost-by-group">
            <div class="phead">
                <h2>{move || format!("By {}", page.view.get().chart.group.word())}</h2>{count}
                <span class="end"></span>
                <CopyButton text=move |()| text(false) label="Copy CSV" title="The table as CSV" testid="copy-csv" />
                {desktop().is_none().then(|| view! {
                    <Download label="CSV" title="Download the table as CSV" testid="download-csv" over_time=false />
                    <Download label="CSV over time" title="Download each row bar by bar as CSV" testid="download-csv-time" over_time=true />
                })}
            </div>
            <Rows />
        </section>
    }
}

/// A link to a file made of what is shown.
#[component]
fn Download(
    label: &'static str,
    title: &'static str,
    testid: &'static str,
    over_time: bool,
) -> impl IntoView {
    let page = expect_context::<Page>();
    let href = move || {
        let text = page.figures.with(|figures| match (figures, over_time) {
            (None, _) => String::new(),
            (Some(figures), false) => figures.csv(),
            (Some(figures), true) => figures.csv_over_time(utc_offset),
        });
        format!("data:text/csv;charset=utf-8,{}", String::from(js_sys::encode_uri_component(&text)))
    };
    let file = move || {
        let chart = page.view.get().chart;
        let part = if over_time { "-over-time" } else { "" };
        format!("llmflow-{}-{}{part}.csv", chart.group.word(), chart.range.word())
    };
    view! {
        <a class="btn sm" href=href download=file title=title data-testid=testid>
            <Glyph icon=Icon::ArrowDown small=true />{label}
        </a>
    }
}

#[component]
fn Rows() -> impl IntoView {
    let page = expect_context::<Page>();
    let columns = Memo::new(move |_| {
        let compare = page.view.get().compare;
        let shown = |column: &Column| compare || !matches!(column, Column::Before | Column::Change);
        Column::ALL.into_iter().filter(shown).collect::<Vec<_>>()
    });
    let head =
        move || columns.get().into_iter().map(|column| view! { <Head column=column /> }).collect_view();
    let rows = move || {
        page.figures.with(|figures| {
            let figures = figures.as_ref()?;
            if figures.rows.is_empty() {
                return Some(view! { <p class="nothing t3 s12">"No calls in this time."</p> }.into_any());
            }
            let columns = columns.get();
            let rows = figures.rows.iter().enumerate();
            let rows = rows.map(|(at, row)| line(page, figures, row, at, &columns));
            Some(rows.collect_view().into_any())
        })
    };
    view! {
        <div class="tbl anl-rows" class:compared=move || page.view.get().compare role="table" aria-label="By group">
            <div class="tr th" role="row">{head}</div>
            <div class="scroll" role="rowgroup">{rows}</div>
        </div>
    }
}

#[component]
fn Head(column: Column) -> impl IntoView {
    let page = expect_context::<Page>();
    let (label, title) = column.heads();
    let first = column == Column::Name;
    let label = move || if first { page.view.get().chart.group.label() } else { label };
    let sorted = move || {
        let view = page.view.get();
        (view.sort == column).then_some(view.reverse)
    };
    let aria = move || match (sorted(), first) {
        (None, _) => "none",
        (Some(reverse), name) if reverse == name => "descending",
        _ => "ascending",
    };
    let arrow = move || {
        sorted().map(|reverse| {
            let icon = if reverse == first { Icon::ArrowDown } else { Icon::ArrowUp };
            view! { <Glyph icon=icon small=true /> }
        })
    };
    view! {
        <span class:r=!first role="columnheader" aria-sort=aria>
            <button type="button" title=title data-testid=format!("sort-{}", column.word())
                on:click=move |_| page.show(page.view.get_untracked().sorted_by(column))>{label}{arrow}</button>
        </span>
    }
}

fn line(page: Page, figures: &Figures, row: &Row, at: usize, columns: &[Column]) -> AnyView {
    let cells = columns.iter().map(|column| cell(figures, row, *column)).collect_view();
    let selected = move || (page.selected.get() == Some(at)).to_string();
    match figures.calls(row) {
        Some(href) => view! {
            <a class="tr dense" role="row" href=href aria-selected=selected data-testid="analytics-row"
                on:focus=move |_| page.selected.set(Some(at))>{cells}</a>
        }
        .into_any(),
        None => view! { <div class="tr dense" role="row" aria-selected=selected data-testid="analytics-row">{cells}</div> }
            .into_any(),
    }
}

fn cell(figures: &Figures, row: &Row, column: Column) -> AnyView {
    let totals = &row.total;
    let usage = &totals.usage;
    let tokens = |count: Option<u64>| match count {
        Some(count) => {
            view! { <span class="num r t2" role="cell" title=thousands(count)>{short(count)}</span> }
                .into_any()
        }
        None => view! { <span class="num r t3" role="cell" title="Nobody said">"–"</span> }.into_any(),
    };
    match column {
        Column::Name => {
            let mono = if figures.view.chart.group == Group::Model { "cut mono" } else { "cut" };
            view! {
                <span class="md" style=format!("--c:{}", row.colour) role="rowheader" title=row.name.clone()>
                    <span class=mono>{row.name.clone()}</span>
                </span>
            }
            .into_any()
        }
        Column::Share => {
            let share = figures.share(row) * 100.0;
            view! {
                <span class="row g3" role="cell">
                    <span class="track grow" aria-hidden="true"><i style=format!("width:{:.2}%;background:{}", share.min(100.0), row.colour)></i></span>
                    <span class="num r t3 share">{in_percent(share)}</span>
                </span>
            }
            .into_any()
        }
        Column::Calls => {
            view! { <span class="num r" role="cell">{thousands(totals.calls)}</span> }.into_any()
        }
        Column::Errors if totals.errors == 0 => {
            view! { <span class="num r t3" role="cell">"–"</span> }.into_any()
        }
        Column::Errors => {
            view! { <span class="num r err" role="cell">{thousands(totals.errors)}</span> }.into_any()
        }
        Column::Prompt => tokens(usage.prompt_total()),
        Column::CacheRead => tokens(usage.cache_read),
        Column::Output => tokens(usage.output),
        Column::Cost if totals.calls == 0 => {
            view! { <span class="num r t3" role="cell">"–"</span> }.into_any()
        }
        Column::Cost => {
            let unsure = totals.not_fully_priced > 0;
            let title = of_sum(totals, &format!("of {}", row.name), "");
            view! {
                <span class="num r m" role="cell" title=title>
                    {unsure.then(|| view! { <span class="part"><Glyph icon=Icon::Half small=true /></span> })}
                    {amount(totals)}
                </span>
            }
            .into_any()
        }
        Column::Saved if totals.saved.pico() == 0 => {
            view! { <span class="num r t3" role="cell">"–"</span> }.into_any()
        }
        Column::Saved => {
            view! { <span class="num r t2" role="cell">{money(totals.saved, 2)}</span> }.into_any()
        }
        Column::Before if row.before.calls == 0 => {
            view! { <span class="num r t3" role="cell">"–"</span> }.into_any()
        }
        Column::Before => {
            let text = figures.view.chart.measure.text(&row.before);
            view! { <span class="num r t2" role="cell">{text}</span> }.into_any()
        }
        Column::Change => {
            view! { <span class="num r t2" role="cell">{figures.changed(totals, &row.before)}</span> }
                .into_any()
        }
    }
}

/// A share with one decimal; what is there is never none of it.
fn in_percent(share: f64) -> String {
    match share {
        small if small > 0.0 && small < 0.05 => "<0.1%".to_owned(),
        share => format!("{share:.1}%"),
    }
}
