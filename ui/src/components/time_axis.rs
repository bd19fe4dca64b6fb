//! Five times below a chart: clocks within a day, days and clocks within three, days beyond.

use leptos::prelude::*;

use crate::browser::utc_offset;
use crate::format::time::Stamp;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const YEAR_MS: i64 = 365 * DAY_MS;

/// The times from `from_ms` to `to_ms`.
#[component]
pub fn TimeAxis(from_ms: i64, to_ms: i64) -> impl IntoView {
    let text = move |ms: i64| {
        let stamp = Stamp::new(ms, utc_offset(ms));
        match to_ms - from_ms {
            // A moving day is a moment longer than one.
            length if length <= DAY_MS + HOUR_MS => stamp.short_clock(),
            length if length <= 3 * DAY_MS => stamp.chip(),
            length if length <= YEAR_MS => stamp.day_month(),
            _ => stamp.month_year(),
        }
    };
    let labels = (0..=4_i32).map(|part| {
        let style = match part {
            0 => "left:0;transform:none".to_owned(),
            4 => "left:auto;right:0;transform:none".to_owned(),
            _ => format!("left:{}%", part * 25),
        };
        view! { <span style=style>{text(from_ms + (to_ms - from_ms) / 4 * i64::from(part))}</span> }
    });
    view! { <div class="hx num" aria-hidden="true">{labels.collect_view()}</div> }
}
