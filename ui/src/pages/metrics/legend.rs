//! The lines of a chart as a table: what each comes to.

use api::MetricLine;
use leptos::prelude::*;

use super::panel::Shown;
use super::plot::{colour, is_distribution, name, quantile_colour, quantile_name};
use super::view::Measure;
use crate::format::quantity::amount;
use crate::format::{plural, short};

/// The legend.
#[component]
pub fn Legend(shown: Memo<Option<Shown>>) -> impl IntoView {
    move || {
        shown.with(|shown| {
            let shown = shown.as_ref()?;
            let distribution = is_distribution(shown.chart.metric.kind);
            let rows = shown.chart.lines.iter().enumerate().map(|(index, line)| row(shown, index, line)).collect_view();
            let quantiles = shown.chart.lines.first().map(|line| line.quantiles.clone()).unwrap_or_default();
            let heads = match distribution {
                true => {
                    let heads = quantiles.iter().enumerate().map(|(index, one)| {
                        let mark = keyed(shown).then(|| view! { <i class="sw" style=format!("background:{}", quantile_colour(index))></i>" " });
                        view! { <span role="columnheader" class="r" title="In the latest stretch with measurements">{mark}{quantile_name(one.quantile)}</span> }
                    });
                    view! { {heads.collect_view()}<span role="columnheader" class="r">"Mean"</span><span role="columnheader" class="r">"Count"</span> }.into_any()
                }
                false => view! { <span role="columnheader" class="r">"Least"</span><span role="columnheader" class="r">"Most"</span><span role="columnheader" class="r">"Latest"</span><span role="columnheader" class="r">{total_word(shown)}</span> }.into_any(),
            };
            let columns = if distribution { quantiles.len() + 2 } else { 4 };
            let by = shown.group.clone().unwrap_or_else(|| "Line".to_owned());
            let style = format!("--cols:minmax(110px,1fr) repeat({columns},minmax(52px,84px))");
            Some(view! {
                <div class="tbl mleg" style=style role="table" aria-label="Lines" data-testid="metric-legend">
                    <div class="tr th" role="row"><span role="columnheader" class="cut">{by}</span>{heads}</div>
                    {rows}
                </div>
            })
        })
    }
}

/// Whether the columns are what is drawn, rather than the rows.
fn keyed(shown: &Shown) -> bool {
    is_distribution(shown.chart.metric.kind) && shown.measure == Measure::Quantiles && shown.group.is_none()
}

fn total_word(shown: &Shown) -> &'static str {
    let metric = &shown.chart.metric;
    if metric.kind == api::MetricKind::Sum && metric.monotonic { "Growth" } else { "Now" }
}

fn row(shown: &Shown, index: usize, line: &MetricLine) -> impl IntoView + use<> {
    let chart = &shown.chart;
    let unit = &chart.metric.unit;
    let rest = chart.rest > 0 && index + 1 == chart.lines.len();
    let name = name(chart, index, line, shown.group.is_some());
    let say = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| amount(value, unit));
    let known = |values: &[Option<f64>]| values.iter().copied().flatten().collect::<Vec<f64>>();
    let cell = |text: String| view! { <span role="cell" class="num r">{text}</span> };
    let cells: Vec<_> = if is_distribution(chart.metric.kind) {
        let count: f64 = known(&line.values).into_iter().sum();
        let sum: f64 = known(&line.sums).into_iter().sum();
        let mean = (count > 0.0 && line.sums.iter().any(Option::is_some)).then(|| sum / count);
        let quantiles = line.quantiles.iter().map(|one| say(known(&one.values).last().copied()));
        quantiles.chain([say(mean), short(count.max(0.0) as u64)]).map(cell).collect()
    } else {
        let values = known(&line.values);
        let least = values.iter().copied().reduce(f64::min);
        let most = values.iter().copied().reduce(f64::max);
        [say(least), say(most), say(values.last().copied()), amount(line.total, unit)]
            .into_iter()
            .map(cell)
            .collect()
    };
    let resets = (line.resets > 0).then(|| {
        let title = format!("What accumulates began anew {}", plural(line.resets, "time", "times"));
        view! { <span class="pill line nw" title=title>{plural(line.resets, "reset", "resets")}</span> }
    });
    let left_out = (line.left_out > 0).then(|| {
        let title = "Values that are no numbers (NaN, infinite) are in no figure here";
        view! { <span class="pill line nw" title=title>{format!("{} no number", short(line.left_out))}</span> }
    });
    view! {
        <div class="tr dense" role="row" data-testid="metric-line">
            <span role="cell" class="row g3">
                <span class="md cut" style=format!("--c:{}", if keyed(shown) { "transparent" } else { colour(index, rest) }) title=name><span class="cut">{name.clone()}</span></span>{resets}{left_out}
            </span>
            {cells}
        </div>
    }
}
