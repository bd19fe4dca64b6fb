//! The chart as a table: a row a stretch of time, newest first, a column a line.

use leptos::prelude::*;

use super::panel::Shown;
use super::plot::plot;
use crate::browser::utc_offset;
use crate::format::quantity::amount;
use crate::format::time::Stamp;

/// Lines that have a column.
const COLUMNS: usize = 6;

/// The table.
#[component]
pub fn Table(shown: Memo<Option<Shown>>) -> impl IntoView {
    move || {
        shown.with(|shown| {
            let shown = shown.as_ref()?;
            let plot = plot(&shown.chart, shown.measure, shown.group.is_some());
            let columns = plot.trails.len().min(COLUMNS);
            let more = plot.trails.len() - columns;
            let style = format!("--cols:120px repeat({columns},minmax(60px,1fr))");
            let heads = plot.trails.iter().take(columns).map(|trail| {
                view! { <span class="r cut" role="columnheader" title=trail.name.clone()>{trail.name.clone()}</span> }
            });
            let rows = shown.chart.from_ms.iter().enumerate().rev().map(|(at, from)| {
                let cells = plot.trails.iter().take(columns).map(|trail| {
                    let value = trail.values.get(at).copied().flatten();
                    let text = value.map_or_else(|| "–".to_owned(), |value| amount(value, &plot.unit));
                    view! { <span class="num r" class:t3=value.is_none() role="cell">{text}</span> }
                });
                view! {
                    <div class="tr dense" role="row">
                        <span class="num t2" role="cell">{Stamp::new(*from, utc_offset(*from)).chip()}</span>
                        {cells.collect_view()}
                    </div>
                }
            });
            Some(view! {
                <div class="tbl mas-table" style=style role="table" aria-label="The metric over time" data-testid="metric-as-table">
                    <div class="tr th" role="row"><span role="columnheader">"From"</span>{heads.collect_view()}</div>
                    {rows.collect_view()}
                </div>
                {(more > 0).then(|| view! { <p class="t3 s11 none">{format!("{more} smaller lines have no column; the chart has them.")}</p> })}
            })
        })
    }
}
