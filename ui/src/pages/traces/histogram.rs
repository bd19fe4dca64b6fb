//! Calls over time, with the rows in view marked. A click on a bar shows only its time.

use api::{ApiError, CallFilter, HistogramBar, Page as Part};
use leptos::prelude::*;

use super::Page;
use crate::backend::{Backend, use_backend};
use crate::browser::{now_ms, utc_offset};
use crate::components::states::ErrorPanel;
use crate::fetch::fetch;
use crate::filter::View;
use crate::format::plural;
use crate::format::time::Stamp;

const BARS: u32 = 96;
/// Calls within less than this are not spread over the whole width.
const SHORTEST_MS: i64 = 10 * 60_000;
const DAY_MS: i64 = 86_400_000;
const YEAR_MS: i64 = 365 * DAY_MS;

/// The bars and the stretch of time that they cover.
#[derive(Clone, Debug, PartialEq)]
struct Chart {
    bars: Vec<HistogramBar>,
    from_ms: i64,
    to_ms: i64,
}

/// The chart.
#[component]
pub fn Histogram() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let chart = fetch(
        true,
        move || {
            page.list.version.track();
            Some(page.filter.get())
        },
        move |view| load(backend, view),
    );
    move || match chart.error() {
        Some(error) => view! {
            <ErrorPanel what="The chart could not be loaded" error=error retry=move |()| chart.retry() />
        }
        .into_any(),
        None => view! {
            <div class="hist" data-testid="histogram" role="img" aria-label="Calls over time">
                {chart.with(|chart| chart.map(|chart| view! { <Bars chart=chart.clone() /> }))}
            </div>
        }
        .into_any(),
    }
}

async fn load(backend: Backend, view: View) -> Result<Chart, ApiError> {
    let now = now_ms();
    let filter = view.filter_at(now, utc_offset(now));
    let to_ms = filter.to_ms.unwrap_or(now + 1);
    let from_ms = match filter.from_ms {
        Some(from_ms) => from_ms,
        None => first_call(backend, &filter).await?.unwrap_or(now),
    };
    let from_ms = from_ms.min(to_ms - SHORTEST_MS);
    let bars = backend.histogram(filter, from_ms, to_ms, BARS).await?;
    Ok(Chart { bars, from_ms, to_ms })
}

/// When the oldest call that matches began.
async fn first_call(backend: Backend, filter: &CallFilter) -> Result<Option<i64>, ApiError> {
    let part = |offset| Part { limit: 1, offset, before: None };
    let total = backend.calls(filter.clone(), part(0)).await?.total;
    let Some(last) = total.checked_sub(1).and_then(|last| u32::try_from(last).ok()) else {
        return Ok(None);
    };
    let oldest = backend.calls(filter.clone(), part(last)).await?;
    Ok(oldest.calls.first().map(|call| call.started_ms))
}

#[component]
fn Bars(chart: Chart) -> impl IntoView {
    let page = expect_context::<Page>();
    let most = chart.bars.iter().map(|bar| bar.calls).max().unwrap_or(0).max(1) as f64;
    let width = (chart.to_ms - chart.from_ms) / i64::from(BARS);
    let bars = chart
        .bars
        .iter()
        .map(|bar| {
            let from_ms = bar.from_ms;
            let height = |count: u64| if count == 0 { 0.0 } else { (count as f64 / most * 36.0).max(1.5) };
            let (bad, good) = (height(bar.errors), height(bar.calls.saturating_sub(bar.errors)));
            let begins = Stamp::new(from_ms, utc_offset(from_ms));
            let title = format!(
                "{} {}: {}, {}",
                begins.day_month(),
                begins.short_clock(),
                plural(bar.calls, "call", "calls"),
                plural(bar.errors, "error", "errors")
            );
            let zoom = move |_| {
                let mut view = page.filter.get_untracked();
                view.last = None;
                (view.filter.from_ms, view.filter.to_ms) = (Some(from_ms), Some(from_ms + width.max(1)));
                page.show(view);
            };
            view! {
                <i title=title on:click=zoom>
                    <b style=format!("height:{bad:.1}px")></b>
                    <u style=format!("height:{good:.1}px")></u>
                </i>
            }
        })
        .collect_view();
    // Marks the rows in view, unless they are all.
    let (from_ms, length) = (chart.from_ms, (chart.to_ms - chart.from_ms).max(1) as f64);
    let brush = move || {
        let (oldest, newest) = page.in_view.get()?;
        let share = |ms: i64| ((ms - from_ms) as f64 * 100.0 / length).clamp(0.0, 100.0);
        let (left, right) = (share(oldest), share(newest));
        (right - left < 98.0).then(|| {
            let style = format!("left:{left:.2}%;width:{:.2}%", (right - left).max(0.4));
            view! { <div class="brush" style=style aria-hidden="true"></div> }
        })
    };
    view! {
        <div class="hb" title="Calls, by when they began"><span class="hc s11 t3">"Calls"</span>{bars}{brush}</div>
        <div class="hx num" aria-hidden="true">
            {labels(chart.from_ms, chart.to_ms)
                .into_iter()
                .map(|(left, text)| view! { <span style=left>{text}</span> })
                .collect_view()}
        </div>
    }
}

/// Five times along the axis: clocks within two days, dates beyond.
fn labels(from_ms: i64, to_ms: i64) -> Vec<(String, String)> {
    let text = |ms: i64| {
        let stamp = Stamp::new(ms, utc_offset(ms));
        match to_ms - from_ms {
            0..=DAY_MS => stamp.short_clock(),
            length if length <= 3 * DAY_MS => format!("{} {}", stamp.day_month(), stamp.short_clock()),
            length if length <= YEAR_MS => stamp.day_month(),
            _ => stamp.month_year(),
        }
    };
    (0..=4_i32)
        .map(|part| {
            let style = match part {
                0 => "left:0;transform:none".to_owned(),
                4 => "left:auto;right:0;transform:none".to_owned(),
                _ => format!("left:{}%", part * 25),
            };
            (style, text(from_ms + (to_ms - from_ms) * i64::from(part) / 4))
        })
        .collect()
}
