//! The HTTP host: the dashboard's files, REST, RPC and events over one engine, behind one guard.
//!
//! Every handler unpacks, calls `Engine::dispatch` and wraps. Leaves out all logic but the REST shapes.
//! What every binary needs around it is here too: flags, log, signals, starting and stopping, and the same questions
//! to an LLMFlow in another process.

mod assets;
mod error;
mod events;
mod flags;
mod guard;
mod link;
mod log;
mod login;
mod recordings;
mod remote;
mod rest;
mod rpc;
mod running;
mod signals;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware;
use axum::routing::{get, post, put};
use engine::Engine;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

pub use assets::Assets;
pub use flags::SettingsFlags;
pub use link::{Link, Notice, until_midnight};
pub use log::start_log;
pub use login::LoginEntry;
pub use recordings::{Speed, serve_recordings};
pub use remote::Remote;
pub use rest::{Chosen, chosen};
pub use running::Running;
pub use signals::Signals;

/// What handlers share.
#[derive(Clone)]
struct Host {
    engine: Engine,
    assets: Assets,
    stop: CancellationToken,
}

/// Serves the dashboard and its API on `listener` until `stop`; open event streams end then.
pub async fn serve(engine: Engine, assets: Assets, listener: TcpListener, stop: CancellationToken) {
    let router = router(engine, assets, stop.clone());
    let answer = move |request: Request<Incoming>| {
        let mut router = router.clone();
        async move {
            let answered = router.call(request.map(Body::new)).await;
            answered.unwrap_or_else(|never| match never {})
        }
    };
    let full = || tracing::warn!(limit = collector::CONNECTIONS, "too many connections to the dashboard");
    let connections = TaskTracker::new();
    let ending =
        collector::Ending { connections: connections.clone(), stop, force: CancellationToken::new() };
    collector::listen(listener, collector::Patience::default(), answer, full, ending).await;
    connections.close();
    connections.wait().await;
}

/// All routes.
fn router(engine: Engine, assets: Assets, stop: CancellationToken) -> Router {
    let guard = engine.guard();
    let otlp = engine.otlp();
    Router::new()
        .route("/api/rpc", post(rpc::call))
        .route("/api/events", get(events::stream))
        .route("/api/health", get(rest::health))
        .route("/api/stats", get(rest::stats))
        .route("/api/search", get(rest::search::search))
        .route("/api/search/index", get(rest::search::lag).post(rest::search::rebuild))
        .route("/api/traces", get(rest::traces))
        .route("/api/traces/export", get(rest::upkeep::export_traces))
        .route("/api/traces/{id}", get(rest::trace).delete(rest::upkeep::delete_trace))
        .route("/api/traces/{id}/replay", post(rest::replay::replay))
        .route("/api/traces/{id}/tree", get(rest::telemetry::tree))
        .route("/api/logs", get(rest::telemetry::logs))
        .route("/api/logs/filters", get(rest::telemetry::log_filters))
        .route("/api/logs/{id}", get(rest::telemetry::log))
        .route("/api/metrics", get(rest::telemetry::metrics))
        .route("/api/metrics/tokens", get(rest::telemetry::metric_tokens))
        .route("/api/metrics/filters", get(rest::telemetry::metric_filters))
        .route("/api/metrics/summary", get(rest::telemetry::metric_summary))
        .route("/api/metrics/{id}", get(rest::telemetry::metric))
        .route("/api/token-usage", get(rest::telemetry::token_usage))
        .route("/api/analytics", get(rest::analytics::all))
        .route("/api/analytics/token-trends", get(rest::analytics::token_trends))
        .route("/api/analytics/cost-by-tool", get(rest::analytics::cost_by_tool))
        .route("/api/analytics/cost-by-model", get(rest::analytics::cost_by_model))
        .route("/api/analytics/daily", get(rest::analytics::by_day))
        .route("/api/completeness", get(rest::analytics::completeness))
        .route("/api/calls/{id}/cache", get(rest::cache::call))
        .route("/api/sessions/{id}/cache", get(rest::cache::session))
        .route("/api/sessions", get(rest::sessions::list))
        .route("/api/sessions/{id}", get(rest::sessions::one).delete(rest::upkeep::delete_session))
        .route("/api/storage", get(rest::upkeep::storage))
        .route("/api/erase", post(rest::upkeep::erase))
        .route("/api/export/calls", get(rest::upkeep::export_calls))
        .route("/api/budgets", get(rest::budgets::list))
        .route("/api/budgets/{name}", put(rest::budgets::set).delete(rest::budgets::remove))
        .route("/api/loops/{last}/dismiss", post(rest::budgets::dismiss))
        .route("/api/models", get(rest::models::models))
        .route("/api/prices", get(rest::models::prices))
        .route("/api/prices/repricings", get(rest::models::repricings))
        .route("/api/sources", get(rest::sources::list))
        .route("/api/sources/{name}", put(rest::sources::switch))
        .route("/api/sources/{name}/stranded", get(rest::sources::stranded))
        .route("/api/{*unknown}", axum::routing::any(error::unknown))
        .route("/", get(assets::serve))
        .fallback(assets::serve)
        .with_state(Host { engine, assets, stop })
        .merge(collector::routes(otlp.clone()))
        .merge(
            Router::new()
                .route("/", collector::root(otlp.clone()))
                .route("/api/spans", collector::own_spans(otlp.clone())),
        )
        .layer(middleware::from_fn_with_state(otlp, collector::any_address))
        .layer(middleware::from_fn_with_state(guard, guard::check))
}
