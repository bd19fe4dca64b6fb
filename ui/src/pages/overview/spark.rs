//! Two small charts of today's hours: how long the first token took, and errors.

use api::WindowPart;
use leptos::prelude::*;

const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 26.0;

/// p50 as a line, p95 as the ground above it.
#[component]
pub fn LatencySpark(parts: Vec<WindowPart>) -> impl IntoView {
    let last = parts.len().saturating_sub(1).max(1) as f64;
    let x = |hour: usize| hour as f64 / last * WIDTH;
    let points: Vec<(f64, u64, u64)> = parts
        .iter()
        .enumerate()
        .filter_map(|(hour, part)| Some((x(hour), part.first_token.p50_us?, part.first_token.p95_us?)))
        .collect();
    let most = points.iter().map(|(_, _, p95)| *p95).max().unwrap_or(0).max(1) as f64;
    let y = |us: u64| HEIGHT - 1.5 - us as f64 / most * (HEIGHT - 4.5);
    let line = |of: fn(&(f64, u64, u64)) -> u64| {
        let points: Vec<String> =
            points.iter().map(|point| format!("{:.1},{:.1}", point.0, y(of(point)))).collect();
        points.join(" ")
    };
    let (p50, p95) = (line(|point| point.1), line(|point| point.2));
    // A single hour is no line.
    (points.len() > 1).then(|| {
        view! {
            <svg class="spark" viewBox="0 0 100 26" preserveAspectRatio="none" aria-hidden="true">
                <polyline points=p95 fill="none" stroke="var(--text-3)" stroke-width="1" vector-effect="non-scaling-stroke" />
                <polyline points=p50 fill="none" stroke="var(--text)" stroke-width="1.5" vector-effect="non-scaling-stroke" />
            </svg>
        }
    })
}

/// A bar an hour.
#[component]
pub fn ErrorSpark(parts: Vec<WindowPart>) -> impl IntoView {
    let most = parts.iter().map(|part| part.errors).max().unwrap_or(0).max(1) as f64;
    let bars = parts
        .iter()
        .map(|part| {
            let (height, colour) = match part.errors {
                0 => (1.5, "var(--track)"),
                errors => ((errors as f64 / most * 22.0).max(4.0), "var(--err-fill)"),
            };
            view! { <i style=format!("height:{height:.1}px;background:{colour}")></i> }
        })
        .collect_view();
    view! { <span class="eb" aria-hidden="true">{bars}</span> }
}
