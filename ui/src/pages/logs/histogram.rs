//! Log records over time by severity, with the rows in view marked. A click on a bar shows only its time.

use api::{ApiError, LogFilter};
use leptos::prelude::*;

use super::Page;
use super::view::LogView;
use crate::backend::{Backend, use_backend};
use crate::browser::{now_ms, utc_offset};
use crate::components::states::ErrorPanel;
use crate::components::time_axis::TimeAxis;
use crate::fetch::fetch;
use crate::format::plural;
use crate::format::time::Stamp;
use crate::pages::pace::paced;

const BARS: u32 = 96;
/// Records within less than this are not spread over the whole width.
const SHORTEST_MS: i64 = 10 * 60_000;
/// From here on records are warnings.
const WARN: u8 = 13;

/// One bar: its beginning, and its records: errors, warnings, the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bar {
    from_ms: i64,
    errors: u64,
    warnings: u64,
    others: u64,
}

/// The bars and the stretch of time that they cover.
#[derive(Clone, Debug, PartialEq)]
struct Chart {
    bars: Vec<Bar>,
    from_ms: i64,
    to_ms: i64,
}

/// The chart.
#[component]
pub fn Histogram() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let stale = paced(move || page.list.version.track());
    let chart = fetch(
        true,
        move || {
            stale.track();
            Some(page.filter.get())
        },
        move |view| load(backend, view),
    );
    move || {
        match chart.error() {
        Some(error) => view! {
            <ErrorPanel what="The chart could not be loaded" error=error retry=move |()| chart.retry() />
        }
        .into_any(),
        None => view! {
            <div class="hist" data-testid="log-histogram" role="img" aria-label="Log records over time by severity">
                {chart.with(|chart| chart.map(|chart| view! { <Bars chart=chart.clone() /> }))}
            </div>
        }
        .into_any(),
    }
    }
}

async fn load(backend: Backend, view: LogView) -> Result<Chart, ApiError> {
    let now = now_ms();
    let filter = view.filter_at(now, utc_offset(now));
    let to_ms = filter.to_ms.unwrap_or(now + 1);
    let from_ms = match filter.from_ms {
        Some(from_ms) => from_ms,
        None => first_record(backend, &filter).await?.unwrap_or(now),
    };
    let from_ms = from_ms.min(to_ms - SHORTEST_MS);
    let all = backend.log_histogram(filter.clone(), from_ms, to_ms, BARS).await?;
    let severe = match filter.severity_min.unwrap_or(0) {
        least if least >= WARN => all.clone(),
        _ => {
            let severe = LogFilter { severity_min: Some(WARN), ..filter };
            backend.log_histogram(severe, from_ms, to_ms, BARS).await?
        }
    };
    let bars = all.iter().zip(&severe).map(|(all, severe)| Bar {
        from_ms: all.from_ms,
        errors: all.errors,
        warnings: severe.calls.saturating_sub(all.errors),
        others: all.calls.saturating_sub(severe.calls),
    });
    Ok(Chart { bars: bars.collect(), from_ms, to_ms })
}

/// When the oldest record that matches happened.
async fn first_record(backend: Backend, filter: &LogFilter) -> Result<Option<i64>, ApiError> {
    let total = backend.logs(filter.clone(), 1, 0, None).await?.total;
    let Some(last) = total.checked_sub(1).and_then(|last| u32::try_from(last).ok()) else {
        return Ok(None);
    };
    let oldest = backend.logs(filter.clone(), 1, last, None).await?;
    Ok(oldest.logs.first().map(|log| log.time_ns / 1_000_000))
}

#[component]
fn Bars(chart: Chart) -> impl IntoView {
    let page = expect_context::<Page>();
    let (from_ms, to_ms) = (chart.from_ms, chart.to_ms);
    let most = chart.bars.iter().map(|bar| bar.errors + bar.warnings + bar.others).max().unwrap_or(0).max(1);
    let width = (to_ms - from_ms) / i64::from(BARS);
    let height =
        move |count: u64| if count == 0 { 0.0 } else { (count as f64 / most as f64 * 36.0).max(1.5) };
    let bars = chart
        .bars
        .iter()
        .map(|bar| {
            let from_ms = bar.from_ms;
            let title = format!(
                "{}: {}, {}, {} of less",
                Stamp::new(from_ms, utc_offset(from_ms)).chip(),
                plural(bar.errors, "error", "errors"),
                plural(bar.warnings, "warning", "warnings"),
                plural(bar.others, "record", "records")
            );
            let zoom = move |_| {
                let mut view = page.filter.get_untracked();
                view.last = None;
                (view.filter.from_ms, view.filter.to_ms) = (Some(from_ms), Some(from_ms + width.max(1)));
                page.show(view);
            };
            let part = |class: &'static str, count: u64| {
                view! { <u class=class style=format!("height:{:.1}px", height(count))></u> }
            };
            view! {
                <i title=title on:click=zoom>
                    {part("bad", bar.errors)}{part("hm", bar.warnings)}{part("", bar.others)}
                </i>
            }
        })
        .collect_view();
    // Marks the rows in view, unless they are all.
    let length = (to_ms - from_ms).max(1) as f64;
    let brush = move || {
        let (oldest, newest) = page.in_view.get()?;
        let share = |ms: i64| ((ms - from_ms) as f64 * 100.0 / length).clamp(0.0, 100.0);
        let (left, right) = (share(oldest), share(newest));
        (right - left < 98.0).then(|| {
            let style = format!("left:{left:.2}%;width:{:.2}%", (right - left).max(0.4));
            view! { <div class="brush" style=style aria-hidden="true"></div> }
        })
    };
    view! { <div class="hb">{bars}{brush}</div><TimeAxis from_ms=from_ms to_ms=to_ms /> }
}
