//! The models that calls used and their prices, over REST.

use api::{ModelUse, Money, Reply, Request};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::Uri;
use serde_json::{Value, json};

use super::paging::Shown;
use super::query;
use crate::Host;
use crate::error::{Failure, mismatch};

/// `GET /api/models`: those of calls since `date_from`, or of all; `names=true` only names them.
pub(crate) async fn models(State(host): State<Host>, uri: Uri) -> Result<Json<Value>, Failure> {
    let (from_ms, only_names) = query::models(uri.query().unwrap_or_default())?;
    let Reply::Models(found) = host.engine.dispatch(Request::GetModels { from_ms }).await? else {
        return Err(mismatch());
    };
    if only_names {
        let mut names: Vec<&str> = found.models.iter().filter_map(|used| used.model.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        return Ok(Json(json!(names)));
    }
    Ok(Json(found.models.iter().map(row).collect()))
}

/// The seed's names; what nobody knows is null, and beside the sums stands how many calls they leave out.
fn row(used: &ModelUse) -> Value {
    let usage = &used.usage;
    let known = used.calls.saturating_sub(used.unpriced).saturating_sub(used.local);
    #[expect(clippy::cast_precision_loss, reason = "a mean in milliseconds is for people")]
    let mean = |timed: u64| used.duration_us as f64 / timed as f64 / 1_000.0;
    json!({
        "model": used.model,
        "provider": used.provider,
        "request_count": used.calls,
        "total_tokens": usage.total(),
        "prompt_tokens": usage.prompt_total(),
        "completion_tokens": usage.output,
        "total_cost": (known > 0).then(|| used.cost.dollars()),
        "avg_latency": (used.timed > 0).then(|| mean(used.timed)),
        "usage": usage,
        "api_equivalent": (used.subscription > 0).then(|| Money::dollars(used.equivalent)),
        "unpriced": used.unpriced,
        "partially_priced": used.partial,
        "subscription": used.subscription,
        "local": used.local,
        "last_ms": used.last_ms,
        "price": used.price,
    })
}

/// `GET /api/prices`: a page of the price table; `q` looks for words in its keys.
pub(crate) async fn prices(State(host): State<Host>, uri: Uri) -> Result<Response, Failure> {
    let (text, limit, offset) = query::prices(uri.query().unwrap_or_default())?;
    let request = Request::FindPrices { text, limit, offset };
    let Reply::Prices(found) = host.engine.dispatch(request).await? else { return Err(mismatch()) };
    let (total, rows) = (found.total, found.rows.len());
    let shown = Shown { uri: &uri, total, rows, limit, offset, placed: false, last: None };
    Ok((shown.headers(), Json(found.rows)).into_response())
}

/// `GET /api/prices/repricings`: what was priced again, the latest first.
pub(crate) async fn repricings(State(host): State<Host>) -> Result<Response, Failure> {
    match host.engine.dispatch(Request::GetRepricings).await? {
        Reply::Repricings(all) => Ok(Json(all).into_response()),
        _ => Err(mismatch()),
    }
}
