//! How large the measurements were over the whole time shown: a row a bucket.

use leptos::prelude::*;

use super::panel::Shown;
use super::plot::{Bucket, distribution, name};
use crate::format::quantity::amount;
use crate::format::{percent, thousands};

/// Rows at most; finer buckets are put together.
const ROWS: usize = 24;

/// The distribution of the chosen line.
#[component]
pub fn Distribution(shown: Memo<Option<Shown>>) -> impl IntoView {
    let chosen = RwSignal::new(0_usize);
    move || {
        shown.with(|shown| {
            let shown = shown.as_ref()?;
            let lines = &shown.chart.lines;
            let at = chosen.get().min(lines.len().saturating_sub(1));
            let rows = distribution(&lines.get(at)?.buckets, ROWS);
            let names: Vec<String> = lines
                .iter()
                .enumerate()
                .map(|(index, line)| name(&shown.chart, index, line, shown.group.is_some()))
                .collect();
            let buttons = (names.len() > 1).then(|| {
                let buttons = names.into_iter().enumerate().map(|(index, name)| {
                    let title = name.clone();
                    view! {
                        <button type="button" class="mono cut" title=title aria-pressed=(index == at).to_string()
                            on:click=move |_| chosen.set(index)>{name}</button>
                    }
                });
                view! { <div class="split-by">{buttons.collect_view()}</div> }
            });
            if rows.is_empty() {
                return Some(view! { <p class="t3 s12 none">"No buckets were reported in this time."</p> }.into_any());
            }
            let unit = shown.chart.metric.unit.clone();
            Some(view! {
                <div class="mdist" data-testid="metric-distribution">
                    <div class="sh"><h3>"Distribution"</h3><span class="t3 s11">"over the time shown"</span></div>
                    {buttons}
                    <Rows rows=rows unit=unit />
                </div>
            }
            .into_any())
        })
    }
}

#[component]
fn Rows(rows: Vec<Bucket>, unit: String) -> impl IntoView {
    let most = rows.iter().map(|row| row.count).max().unwrap_or(1).max(1) as f64;
    let all: u64 = rows.iter().map(|row| row.count).sum();
    rows.into_iter()
        .map(|row| {
            let label = match (row.from, row.to) {
                (None, Some(to)) => format!("up to {}", amount(to, &unit)),
                (Some(from), Some(to)) => format!("{} to {}", amount(from, &unit), amount(to, &unit)),
                (Some(from), None) => format!("above {}", amount(from, &unit)),
                (None, None) => "any".to_owned(),
            };
            let width = format!("width:{:.1}%", row.count as f64 / most * 100.0);
            view! {
                <div class="tr dense" role="row">
                    <span class="num r t2">{label}</span>
                    <span class="track thick"><i style=width></i></span>
                    <span class="num r">{thousands(row.count)}</span>
                    <span class="num r t3">{percent(row.count, all)}</span>
                </div>
            }
        })
        .collect_view()
}
