//! The metrics there are: name, who reports it, its kind, and what it comes to in the time shown.

use api::{MetricKind, MetricSummary};
use leptos::prelude::*;

use super::Page;
use super::plot::is_distribution;
use super::view::{MetricsView, Which};
use crate::browser::now_ms;
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::virtual_rows::{Scroll, VirtualRows};
use crate::format::quantity::{amount, unit_word};
use crate::format::time::ago;
use crate::format::{plural, short};

/// A row's height, as in the style sheet.
const ROW: f64 = 40.0;

/// The table.
#[component]
pub fn List() -> impl IntoView {
    let page = expect_context::<Page>();
    let metrics = page.metrics;
    let total = Memo::new(move |_| metrics.with(|metrics| metrics.map_or(0, Vec::len)));
    let scroll = Scroll::new();
    let chosen = Memo::new(move |_| page.view.with(|view| view.which.clone()));
    Effect::new(move |_| {
        let chosen = chosen.get();
        let at =
            metrics.with_untracked(|metrics| metrics?.iter().position(|one| Some(Which::of(one)) == chosen));
        if let Some(at) = at {
            scroll.to(at);
        }
    });
    view! {
        <div class="tbl mtable" role="grid" aria-label="Metrics" data-testid="metrics-table">
            <div class="tr th" role="row">
                <span role="columnheader">"Metric"</span>
                <span role="columnheader" class="r" title="In the time shown: growth of sums, the latest of levels, the number of measurements">"Comes to"</span>
            </div>
            <VirtualRows
                total=total row=ROW scroll=scroll
                item=move |index| metrics.with(|metrics| metrics?.get(index).cloned())
                key=|index, metric: &MetricSummary| (index, Which::of(metric), metric.points, metric.last_ms, metric.total.to_bits())
                draw=move |_, metric: MetricSummary| view! { <Row metric=metric chosen=chosen /> }
            >
                {move || metrics.error().map(|error| view! {
                    <ErrorPanel what="The metrics could not be loaded" error=error retry=move |()| metrics.retry() />
                })}
                {move || metrics.is_late().then(|| view! { <SkeletonRows rows=12 /> })}
                {move || (total.get() == 0 && metrics.with(|metrics| metrics.is_some())).then(|| view! { <Nothing /> })}
            </VirtualRows>
        </div>
        <div class="lf s12"><span class="num">{move || plural(total.get() as u64, "metric", "metrics")}</span></div>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    let page = expect_context::<Page>();
    let text = page.view.with_untracked(|view| view.text.clone());
    let (title, what) = match text {
        Some(text) => (format!("No metric's name has “{text}” in it"), "Search for less of it."),
        None => ("No points in this time".to_owned(), "Choose a longer time above."),
    };
    view! { <div class="blank" data-testid="no-metrics"><h2>{title}</h2><p class="t2">{what}</p></div> }
}

/// What a metric comes to, in its unit.
pub fn comes_to(metric: &MetricSummary) -> String {
    if is_distribution(metric.kind) {
        return format!("{} ×", short(metric.total.max(0.0) as u64));
    }
    amount(metric.total, &metric.unit)
}

/// The word for a metric's kind.
pub const fn kind_word(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Gauge => "gauge",
        MetricKind::Sum => "sum",
        MetricKind::Histogram => "histogram",
        MetricKind::ExponentialHistogram => "exponential histogram",
        MetricKind::Summary => "summary",
    }
}

#[component]
fn Row(metric: MetricSummary, chosen: Memo<Option<Which>>) -> impl IntoView {
    let page = expect_context::<Page>();
    let which = Which::of(&metric);
    let own = which.clone();
    let selected = move || chosen.with(|chosen| chosen.as_ref() == Some(&own));
    let href = page.view.with_untracked(|view| view.at(Some(which.clone())).address());
    let choose = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        let view: MetricsView = page.view.get_untracked();
        page.turn(view.at(Some(which.clone())));
    };
    let unit = unit_word(&metric.unit);
    let heard = ago(metric.last_ms, now_ms());
    let service = metric.service.clone().unwrap_or_else(|| "no service".to_owned());
    let title = format!(
        "{}\n{}\n{}, {}",
        metric.name,
        metric.description,
        plural(metric.series, "series", "series"),
        plural(metric.points, "point", "points")
    );
    view! {
        <a class="tr" role="row" href=href title=title data-testid="metric-row" aria-selected=move || selected().to_string() on:click=choose>
            <span role="gridcell" class="col">
                <span class="mono cut mname">{metric.name.clone()}</span>
                <span class="row g3 s11 t3"><span class="nw">{kind_word(metric.kind)}</span><span class="cut">{service}</span></span>
            </span>
            <span role="gridcell" class="col r">
                <span class="num m">{comes_to(&metric)}</span>
                <span class="s11 t3 cut">{unit.unwrap_or(heard)}</span>
            </span>
        </a>
    }
}
