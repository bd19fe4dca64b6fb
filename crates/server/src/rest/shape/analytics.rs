//! Sums over time in the former LLMFlow's names, with what it did not tell beside them. Cost is over the calls whose cost is known;
//! `unpriced_count` says how many others there are.

use api::{Meter, MeterCount, Totals};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

/// The fields that every sum has.
fn sums(totals: &Totals) -> Map<String, Value> {
    let sums = json!({
        "total_cost": totals.cost.dollars(),
        "total_tokens": totals.usage.total().unwrap_or(0),
        "prompt_tokens": totals.usage.prompt_total().unwrap_or(0),
        "completion_tokens": totals.usage.output.unwrap_or(0),
        "usage": totals.usage,
        "request_count": totals.calls,
        "error_count": totals.errors,
        "unpriced_count": totals.unpriced,
        "partial_count": totals.partial,
        "estimated_count": totals.estimated,
        "cache_savings": totals.saved.dollars(),
    });
    match sums {
        Value::Object(sums) => sums,
        _ => Map::new(),
    }
}

fn with(mut sums: Map<String, Value>, more: [(&str, Value); 2]) -> Value {
    sums.extend(more.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(sums)
}

/// `YYYY-MM-DD`, or `YYYY-MM-DD HH:00`, `tz` milliseconds east of UTC.
fn label(start_ms: i64, tz: i64, hourly: bool) -> String {
    let nanos = i128::from(start_ms.saturating_add(tz)) * 1_000_000;
    let Ok(at) = OffsetDateTime::from_unix_timestamp_nanos(nanos) else { return String::new() };
    match hourly {
        true => format!("{} {:02}:00", at.date(), at.hour()),
        false => at.date().to_string(),
    }
}

pub(in crate::rest) fn trend(start_ms: i64, tz: i64, hourly: bool, totals: &Totals) -> Value {
    with(sums(totals), [("bucket", start_ms.into()), ("label", label(start_ms, tz, hourly).into())])
}

pub(in crate::rest) fn day(start_ms: i64, tz: i64, totals: &Totals) -> Value {
    json!({
        "bucket": start_ms,
        "date": label(start_ms, tz, false),
        "tokens": totals.usage.total().unwrap_or(0),
        "cost": totals.cost.dollars(),
        "requests": totals.calls,
        "errors": totals.errors,
        "unpriced_count": totals.unpriced,
    })
}

#[expect(clippy::cast_precision_loss, reason = "no call lasts 285 years")]
pub(in crate::rest) fn tool(provider: Option<&str>, tool: Option<&str>, totals: &Totals) -> Value {
    let mut sums = sums(totals);
    let mean = totals.mean_duration_us().map(|micros| micros as f64 / 1_000.0);
    sums.insert("avg_duration".into(), json!(mean));
    with(sums, [("provider", json!(provider)), ("service_name", json!(tool))])
}

pub(in crate::rest) fn model(provider: Option<&str>, model: Option<&str>, totals: &Totals) -> Value {
    with(sums(totals), [("provider", json!(provider)), ("model", json!(model))])
}

/// By tool and day; `bounds` say when days begin.
pub(in crate::rest) fn meter(meter: &Meter, bounds: &[i64], tz: i64) -> Value {
    let date = |interval: u32| {
        let start = usize::try_from(interval).ok().and_then(|at| bounds.get(at));
        start.map(|start| label(*start, tz, false))
    };
    let dated = |interval: u32, count: &MeterCount| {
        let mut shape = json!(count);
        if let Some(shape) = shape.as_object_mut() {
            shape.insert("date".into(), json!(date(interval)));
        }
        shape
    };
    let tools = meter.tools.iter().map(|tool| {
        let daily: Vec<Value> = tool.points.iter().map(|point| dated(point.interval, &point.count)).collect();
        let total = MeterCount::sum(tool.points.iter().map(|point| &point.count));
        json!({"service_name": tool.client, "total": total, "daily": daily})
    });
    let lost = meter.lost.iter().map(|lost| {
        json!({"date": date(lost.interval), "service_name": lost.client, "why": lost.why, "calls": lost.calls})
    });
    let points = meter.tools.iter().flat_map(|tool| &tool.points);
    json!({
        "total": MeterCount::sum(points.map(|point| &point.count)),
        "by_tool": tools.collect::<Vec<_>>(),
        "lost": lost.collect::<Vec<_>>(),
    })
}
