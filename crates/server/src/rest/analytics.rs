//! Tokens and money over time, by tool and by model, in the former LLMFlow's names; and how complete the record is. Days are
//! UTC's, unless `tz` says how many minutes east of it the reader's are.

use std::cmp::Reverse;

use api::{ApiError, CallFilter, GroupBy, Reply, Request, Series, SeriesGroup, SeriesPoint, Totals};
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

/// What a provider's calls of one model or tool add up to.
struct Sum {
    /// `None` for calls whose provider nobody knows, and for what more providers there are than are told apart.
    provider: Option<String>,
    key: Option<String>,
    /// So many are added up in it, where there are more than are told apart.
    others: u64,
    totals: Totals,
}

fn whole(points: &[SeriesPoint]) -> Totals {
    Totals::sum(points.iter().map(|point| &point.totals))
}

/// Each provider's groups over the whole window, dearest first. They add up to all calls.
async fn by_provider(host: &Host, window: &Window, group: GroupBy) -> Result<Vec<Sum>, Failure> {
    let bounds = vec![window.from_ms, window.to_ms];
    let providers = series(host, CallFilter::default(), bounds.clone(), Some(GroupBy::Provider)).await?;
    let mut found = Vec::new();
    if providers.more_groups > 0 {
        let (others, totals) = (providers.more_groups, whole(&providers.rest));
        found.push(Sum { provider: None, key: None, others, totals });
    }
    for SeriesGroup { key: provider, points, .. } in providers.groups {
        let Some(provider) = provider else {
            found.push(Sum { provider: None, key: None, others: 0, totals: whole(&points) });
            continue;
        };
        let filter = CallFilter { provider: Some(provider.clone()), ..CallFilter::default() };
        let series = series(host, filter, bounds.clone(), Some(group)).await?;
        let sum = |key, others, points: &[SeriesPoint]| Sum {
            provider: Some(provider.clone()),
            key,
            others,
            totals: whole(points),
        };
        if series.more_groups > 0 {
            found.push(sum(None, series.more_groups, &series.rest));
        }
        found.extend(series.groups.into_iter().map(|group| sum(group.key, 0, &group.points)));
    }
    found.sort_by_key(|sum| Reverse((sum.totals.cost, sum.totals.calls)));
    Ok(found)
}

async fn daily(host: &Host, window: &Window) -> Result<Vec<Value>, Failure> {
    let days = over_time(host, &window.bounds(DAY_MS)).await?;
    Ok(days.iter().map(|(start, totals)| shape::day(*start, window.tz, totals)).collect())
}

async fn by_tool(host: &Host, window: &Window) -> Result<Vec<Value>, Failure> {
    let tools = by_provider(host, window, GroupBy::Client).await?;
    Ok(tools.iter().map(|sum| told(shape::tool, sum)).collect())
}

async fn by_model(host: &Host, window: &Window) -> Result<Vec<Value>, Failure> {
    let models = by_provider(host, window, GroupBy::Model).await?;
    Ok(models.iter().map(|sum| told(shape::model, sum)).collect())
}

fn told(shape: fn(Option<&str>, Option<&str>, &Totals) -> Value, sum: &Sum) -> Value {
    let mut row = shape(sum.provider.as_deref(), sum.key.as_deref(), &sum.totals);
    if let Some(row) = row.as_object_mut().filter(|_| sum.others > 0) {
        row.insert("others".to_owned(), sum.others.into());
    }
    row
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
