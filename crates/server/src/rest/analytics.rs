//! Tokens and money over time, by tool and by model, in the former LLMFlow's names; and how complete the record is. Days are
//! UTC's, unless `tz` says how many minutes east of it the reader's are.

use std::cmp::Reverse;

use api::{ApiError, CallFilter, GroupBy, Reply, Request, Series, SeriesGroup, Totals};
use axum::Json;
use axum::extract::State;
use http::Uri;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::query;
use super::shape::analytics as shape;
use crate::Host;
use crate::error::{Failure, mismatch};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Intervals in one question to the engine.
const AT_ONCE: usize = 400;

/// The days that are asked for, the last of them today.
struct Window {
    days: u32,
    tz: i64,
    from_ms: i64,
    to_ms: i64,
}

impl Window {
    fn new(days: u32, tz_minutes: i32) -> Self {
        let tz = i64::from(tz_minutes) * 60_000;
        let now = i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        let to_ms = (now + tz).div_euclid(DAY_MS) * DAY_MS + DAY_MS - tz;
        Self { days, tz, from_ms: to_ms - i64::from(days) * DAY_MS, to_ms }
    }

    /// Where its parts begin, and its end.
    fn bounds(&self, step_ms: i64) -> Vec<i64> {
        let parts = (self.to_ms - self.from_ms) / step_ms;
        (0..=parts).map(|part| self.from_ms + part * step_ms).collect()
    }
}

async fn series(
    host: &Host,
    filter: CallFilter,
    bounds_ms: Vec<i64>,
    group: Option<GroupBy>,
) -> Result<Series, Failure> {
    match host.engine.dispatch(Request::GetSeries { filter, bounds_ms, group }).await? {
        Reply::Series(series) => Ok(series),
        _ => Err(mismatch()),
    }
}

/// What each interval adds up to, the empty ones too.
async fn over_time(host: &Host, bounds: &[i64]) -> Result<Vec<(i64, Totals)>, Failure> {
    let mut found: Vec<(i64, Totals)> = Vec::with_capacity(bounds.len());
    let starts = bounds.get(..bounds.len().saturating_sub(1)).unwrap_or_default();
    for (part, starts) in starts.chunks(AT_ONCE).enumerate() {
        let first = part * AT_ONCE;
        let some = bounds.get(first..=first + starts.len()).unwrap_or_default().to_vec();
        let series = series(host, CallFilter::default(), some, None).await?;
        let mut sums: Vec<(i64, Totals)> = starts.iter().map(|start| (*start, Totals::default())).collect();
        for point in series.all {
            if let Some((_, totals)) = usize::try_from(point.interval).ok().and_then(|at| sums.get_mut(at)) {
                *totals = point.totals;
            }
        }
        found.extend(sums);
    }
    Ok(found)
}

/// Each provider's groups over the whole window, dearest first.
async fn by_provider(
    host: &Host,
    window: &Window,
    group: GroupBy,
) -> Result<Vec<(String, Option<String>, Totals)>, Failure> {
    let bounds = vec![window.from_ms, window.to_ms];
    let providers = series(host, CallFilter::default(), bounds.clone(), Some(GroupBy::Provider)).await?;
    let mut found = Vec::new();
    for provider in providers.groups.into_iter().filter_map(|group| group.key) {
        let filter = CallFilter { provider: Some(provider.clone()), ..CallFilter::default() };
        let groups = series(host, filter, bounds.clone(), Some(group)).await?.groups;
        let whole = |group: SeriesGroup| {
            (provider.clone(), group.key, Totals::sum(group.points.iter().map(|point| &point.totals)))
        };
        found.extend(groups.into_iter().map(whole));
    }
    found.sort_by_key(|(_, _, totals)| Reverse((totals.cost, totals.calls)));
    Ok(found)
}

async fn daily(host: &Host, window: &Window) -> Result<Vec<Value>, Failure> {
    let days = over_time(host, &window.bounds(DAY_MS)).await?;
    Ok(days.iter().map(|(start, totals)| shape::day(*start, window.tz, totals)).collect())
}

async fn by_tool(host: &Host, window: &Window) -> Result<Vec<Value>, Failure> {
    let tools = by_provider(host, window, GroupBy::Client).await?;
    Ok(tools.iter().map(|(provider, tool, totals)| shape::tool(provider, tool.as_deref(), totals)).collect())
}

async fn by_model(host: &Host, window: &Window) -> Result<Vec<Value>, Failure> {
    let models = by_provider(host, window, GroupBy::Model).await?;
    let shape = |(provider, model, totals): &(String, Option<String>, Totals)| {
        shape::model(provider, model.as_deref(), totals)
    };
    Ok(models.iter().map(shape).collect())
}

fn asked(query: Option<&str>, usual_days: u32) -> Result<(Window, bool), ApiError> {
    let asked = query::analytics(query.unwrap_or_default(), usual_days)?;
    Ok((Window::new(asked.days, asked.tz_minutes), asked.hourly))
}

/// `GET /api/analytics/token-trends`: every hour or day, the empty ones too.
pub(crate) async fn token_trends(State(host): State<Host>, uri: Uri) -> Result<Json<Value>, Failure> {
    let (window, hourly) = asked(uri.query(), 7)?;
    let (step, interval) = if hourly { (HOUR_MS, "hour") } else { (DAY_MS, "day") };
    let trends = over_time(&host, &window.bounds(step)).await?;
    let trends: Vec<Value> =
        trends.iter().map(|(start, totals)| shape::trend(*start, window.tz, hourly, totals)).collect();
    Ok(Json(json!({"trends": trends, "interval": interval, "days": window.days})))
}

/// `GET /api/analytics/cost-by-tool`.
pub(crate) async fn cost_by_tool(State(host): State<Host>, uri: Uri) -> Result<Json<Value>, Failure> {
    let (window, _) = asked(uri.query(), 30)?;
    Ok(Json(json!({"by_tool": by_tool(&host, &window).await?, "days": window.days})))
}

/// `GET /api/analytics/cost-by-model`.
pub(crate) async fn cost_by_model(State(host): State<Host>, uri: Uri) -> Result<Json<Value>, Failure> {
    let (window, _) = asked(uri.query(), 30)?;
    Ok(Json(json!({"by_model": by_model(&host, &window).await?, "days": window.days})))
}

/// `GET /api/analytics/daily`.
pub(crate) async fn by_day(State(host): State<Host>, uri: Uri) -> Result<Json<Value>, Failure> {
    let (window, _) = asked(uri.query(), 30)?;
    Ok(Json(json!({"daily": daily(&host, &window).await?, "days": window.days})))
}

/// `GET /api/analytics`: days, tools and models at once.
pub(crate) async fn all(State(host): State<Host>, uri: Uri) -> Result<Json<Value>, Failure> {
    let (window, _) = asked(uri.query(), 30)?;
    Ok(Json(json!({
        "daily": daily(&host, &window).await?,
        "by_tool": by_tool(&host, &window).await?,
        "by_model": by_model(&host, &window).await?,
        "days": window.days,
    })))
}

/// `GET /api/completeness`: by tool and day, why calls were lost, and what was counted since start.
pub(crate) async fn completeness(State(host): State<Host>, uri: Uri) -> Result<Json<Value>, Failure> {
    let (window, _) = asked(uri.query(), 7)?;
    let bounds = window.bounds(DAY_MS);
    let request = Request::GetMeter { bounds_ms: bounds.clone() };
    let Reply::Meter(meter) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
    let Reply::Health(health) = host.engine.dispatch(Request::GetHealth).await? else {
        return Err(mismatch());
    };
    let mut shape = shape::meter(&meter, &bounds, window.tz);
    if let Some(shape) = shape.as_object_mut() {
        shape.insert("days".into(), window.days.into());
        shape.insert("since_start".into(), json!(health.completeness));
    }
    Ok(Json(shape))
}
