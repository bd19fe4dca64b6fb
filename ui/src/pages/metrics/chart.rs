//! The chart: lines or stacked bars, what stands behind them as dots that lead to spans, and the values under the
//! pointer.

use leptos::prelude::*;

use super::panel::Shown;
use super::plot::{Plot, Trail, plot};
use crate::browser::utc_offset;
use crate::components::time_axis::TimeAxis;
use crate::format::axis::Axis;
use crate::format::quantity::{amount, tick, unit_word};
use crate::format::time::Stamp;
use crate::pages::logs::span_address;

/// Lines named in the tip.
const NAMED: usize = 8;

/// The chart.
#[component]
pub fn Chart(shown: Memo<Option<Shown>>) -> impl IntoView {
    let hovered = RwSignal::new(None::<usize>);
    move || {
        shown.with(|shown| {
            let shown = shown.as_ref()?;
            let plot = plot(&shown.chart, shown.measure, shown.group.is_some());
            let (least, most) = plot.extent();
            let most = if plot.measures { highest(shown, most) } else { most };
            let axis = Axis::new(least, most);
            let count = shown.chart.from_ms.len();
            let unit = unit_word(&plot.unit);
            let what = heading(shown, &plot);
            Some(view! {
                <figure class="mchart" data-testid="metric-chart" role="img" aria-label=what>
                    <figcaption class="s11 t3">{what.clone()}{unit.map(|unit| format!(", in {unit}"))}</figcaption>
                    <div class="mplot" on:mouseleave=move |_| hovered.set(None)>
                        <Ticks axis=axis unit=plot.unit.clone() />
                        {drawing(&plot, axis, count)}
                        <Columns count=count hovered=hovered />
                        <Exemplars shown=shown.clone() axis=axis measures=plot.measures />
                        {plot.is_empty().then(|| view! { <p class="t3 s12 over">"Nothing was reported in this time."</p> })}
                        <Tip plot=plot starts=shown.chart.from_ms.clone() hovered=hovered />
                    </div>
                    <TimeAxis from_ms=shown.window.0 to_ms=shown.window.1 />
                </figure>
            })
        })
    }
}

/// What is drawn, in words.
fn heading(shown: &Shown, plot: &Plot) -> String {
    use super::view::Measure;
    let metric = &shown.chart.metric;
    let what = match (super::plot::is_distribution(metric.kind), shown.measure) {
        (true, Measure::Quantiles) if shown.group.is_some() => "95th percentile",
        (true, Measure::Quantiles) => "Quantiles",
        (true, Measure::Count) => "Measurements",
        (true, Measure::Sum) => "Sum of the measurements",
        (false, _) if plot.bars => "Growth",
        (false, _) => "Latest value",
    };
    match &shown.group {
        Some(group) => format!("{what} by {group}"),
        None => what.to_owned(),
    }
}

/// Single measurements may lie above every line: the axis makes room up to three times that.
fn highest(shown: &Shown, most: f64) -> f64 {
    let measured = shown.chart.exemplars.iter().map(|one| one.value).filter(|value| value.is_finite());
    let room = if most > 0.0 { most * 3.0 } else { f64::INFINITY };
    measured.fold(most, f64::max).min(room)
}

#[component]
fn Ticks(axis: Axis, unit: String) -> impl IntoView {
    let line = |at: f64| {
        let style = format!("bottom:{:.2}%", axis.share(at) * 100.0);
        view! { <span style=style>{tick(at, &unit)}</span> }
    };
    let zero = (axis.bottom < 0.0).then(|| format!("bottom:{:.2}%", axis.share(0.0) * 100.0));
    view! {
        <div class="ylab" aria-hidden="true">{axis.ticks().into_iter().map(line).collect_view()}</div>
        {zero.map(|style| view! { <i class="zero" style=style></i> })}
    }
}

/// Lines or bars on a ground that is `count` wide and 100 high.
fn drawing(plot: &Plot, axis: Axis, count: usize) -> impl IntoView + use<> {
    let shapes = if plot.bars { stacked(&plot.trails, axis, count) } else { lines(&plot.trails, axis) };
    let ground = format!("0 0 {} 100", count.max(1));
    view! { <svg class="mdraw" viewBox=ground preserveAspectRatio="none" aria-hidden="true">{shapes}</svg> }
}

fn lines(trails: &[Trail], axis: Axis) -> Vec<AnyView> {
    let up = |value: f64| 100.0 - axis.share(value) * 100.0;
    let mut out = Vec::new();
    for trail in trails.iter().rev() {
        // A line has gaps where nothing was reported; a point on its own is a dot.
        let mut points: Vec<(usize, f64)> = Vec::new();
        let values = trail.values.iter().copied().chain([None]).enumerate();
        for (at, value) in values {
            match value.filter(|value| value.is_finite()) {
                Some(value) => points.push((at, value)),
                None if !points.is_empty() => {
                    let last = points.last().copied().filter(|_| points.len() == 1);
                    let text: Vec<String> = points
                        .drain(..)
                        .chain(last)
                        .map(|(at, value)| format!("{:.1},{:.2}", at as f64 + 0.5, up(value)))
                        .collect();
                    let width = if last.is_some() { "4" } else { "1.5" };
                    out.push(
                        view! {
                            <polyline points=text.join(" ") fill="none" stroke=trail.colour stroke-width=width
                                stroke-linejoin="round" stroke-linecap="round" vector-effect="non-scaling-stroke" />
                        }
                        .into_any(),
                    );
                }
                None => {}
            }
        }
    }
    out
}

fn stacked(trails: &[Trail], axis: Axis, count: usize) -> Vec<AnyView> {
    let mut out = Vec::new();
    for at in 0..count {
        let mut base = 0.0;
        for trail in trails {
            let Some(value) = trail.values.get(at).copied().flatten().filter(|value| *value > 0.0) else {
                continue;
            };
            let (low, high) = (axis.share(base) * 100.0, axis.share(base + value) * 100.0);
            base += value;
            let (x, y) = (format!("{:.2}", at as f64 + 0.1), format!("{:.2}", 100.0 - high));
            let height = format!("{:.2}", (high - low).max(0.4));
            out.push(view! { <rect x=x y=y width="0.8" height=height fill=trail.colour /> }.into_any());
        }
    }
    out
}

/// A column for each stretch, which the pointer finds.
#[component]
fn Columns(count: usize, hovered: RwSignal<Option<usize>>) -> impl IntoView {
    let column = |at: usize| {
        view! { <i class:hl=move || hovered.get() == Some(at) on:mouseenter=move |_| hovered.set(Some(at))></i> }
    };
    view! { <div class="mcols" aria-hidden="true">{(0..count).map(column).collect_view()}</div> }
}

/// Single measurements, each at its time; where the scale is another, along the bottom.
#[component]
fn Exemplars(shown: Shown, axis: Axis, measures: bool) -> impl IntoView {
    let (from_ms, to_ms) = shown.window;
    let length = (to_ms - from_ms).max(1) as f64 * 1e6;
    let unit = shown.chart.metric.unit.clone();
    let dot = |one: &api::MetricExemplar| {
        let left = (one.time_ns - from_ms * 1_000_000) as f64 / length;
        if !(0.0..=1.0).contains(&left) || !one.value.is_finite() {
            return None;
        }
        let up = if measures { axis.share(one.value) } else { 0.0 };
        let style = format!("left:{:.2}%;bottom:{:.2}%", left * 100.0, up * 100.0);
        let at = Stamp::new(one.time_ns / 1_000_000, utc_offset(one.time_ns / 1_000_000)).exact_clock();
        let said = amount(one.value, &unit);
        Some(match &one.trace_id {
            Some(trace) => {
                let href = span_address(trace, one.span_id.as_deref());
                let title = format!("{said} at {at}: open its span");
                view! { <a class="ex" style=style href=href title=title.clone() aria-label=title data-testid="exemplar"></a> }.into_any()
            }
            None => view! { <i class="ex" style=style title=format!("{said} at {at}, of no span")></i> }
                .into_any(),
        })
    };
    view! { <div class="mex">{shown.chart.exemplars.iter().filter_map(dot).collect_view()}</div> }
}

#[component]
fn Tip(plot: Plot, starts: Vec<i64>, hovered: RwSignal<Option<usize>>) -> impl IntoView {
    move || {
        let at = hovered.get()?;
        let from = *starts.get(at)?;
        let mut said: Vec<(&Trail, f64)> = plot
            .trails
            .iter()
            .filter_map(|trail| Some((trail, trail.values.get(at).copied().flatten()?)))
            .collect();
        if plot.bars {
            said.sort_by(|one, other| other.1.total_cmp(&one.1));
        }
        let more = said.len().saturating_sub(NAMED);
        let rows = said.iter().take(NAMED).map(|(trail, value)| {
            view! {
                <div class="row">
                    <i class="sw" style=format!("background:{}", trail.colour)></i>
                    <span class="cut grow">{trail.name.clone()}</span>
                    <span class="num">{amount(*value, &plot.unit)}</span>
                </div>
            }
        });
        let side = if at * 2 > starts.len() {
            format!("right:{:.1}%", (starts.len() - at) as f64 * 100.0 / starts.len() as f64)
        } else {
            format!("left:{:.1}%", (at + 1) as f64 * 100.0 / starts.len() as f64)
        };
        let nothing = said.is_empty().then(|| view! { <span class="t3">"nothing reported"</span> });
        Some(view! {
            <div class="tip-area" aria-hidden="true"><div class="tip" style=side data-testid="metric-tip">
                <div class="row b"><span class="nw num">{Stamp::new(from, utc_offset(from)).chip()}</span></div>
                {rows.collect_view()}{nothing}
                {(more > 0).then(|| view! { <span class="t3 s11">{format!("and {more} more")}</span> })}
            </div></div>
        })
    }
}
