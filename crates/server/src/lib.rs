//! The HTTP host: the dashboard's files, REST, RPC, events and the former LLMFlow's WebSocket over one engine, behind one guard.
//!
//! Every handler unpacks, calls `Engine::dispatch` and wraps. Leaves out all logic but the REST shapes.
//! What every binary needs around it is here too: flags, log, signals, starting and stopping, and the same questions
//! to an LLMFlow in another process.

mod assets;
mod entrance;
mod error;
mod events;
mod fanout;
mod flags;
mod guard;
mod link;
mod live;
mod log;
mod login;
mod openapi;
mod recordings;
mod remote;
mod rest;
mod routes;
mod rpc;
mod running;
mod signals;
mod unpack;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware;
use axum::routing::get;
use engine::Engine;
use http::Uri;
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
    listeners: events::Listeners,
    live: live::Live,
    stop: CancellationToken,
}

/// Serves the dashboard and its API on `listener` until `stop`; open event streams end then.
pub async fn serve(engine: Engine, assets: Assets, listener: TcpListener, stop: CancellationToken) {
    let guard = engine.guard();
    let (listeners, live) = (events::listeners(), live::live());
    let (told, shown) = (listeners.clone(), live.clone());
    let router = router(Host { engine, assets, listeners, live, stop: stop.clone() });
    let answer = move |request: Request<Incoming>| {
        let mut router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            if let Some(uri) = without_slash(request.uri()) {
                *request.uri_mut() = uri;
            }
            let answered = router.call(request).await;
            answered.unwrap_or_else(|never| match never {})
        }
    };
    let full = || tracing::warn!(limit = collector::CONNECTIONS, "too many connections to the dashboard");
    let connections = TaskTracker::new();
    let ending =
        collector::Ending { connections: connections.clone(), stop, force: CancellationToken::new() };
    collector::listen(listener, guard, collector::Patience::default(), answer, full, ending).await;
    connections.close();
    connections.wait().await;
    told.ended().await;
    shown.ended().await;
}

/// A path under /api without the slash at its end, which means nothing there.
fn without_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_prefix("/api/")?.strip_suffix('/')?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("/api/{}{query}", path.trim_end_matches('/')).parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// All routes.
fn router(host: Host) -> Router {
    let engine = host.engine.clone();
    let otlp = host.engine.otlp();
    routes::router()
        .route("/ws", get(live::socket))
        .route("/login", get(entrance::enter))
        .route("/", get(assets::serve))
        .fallback(assets::serve)
        .with_state(host)
        .merge(collector::routes(otlp.clone()))
        .merge(
            Router::new()
                .route("/", collector::root(otlp.clone()))
                .route("/api/spans", collector::own_spans(otlp.clone())),
        )
        .method_not_allowed_fallback(error::other_method)
        .layer(middleware::from_fn_with_state(otlp, collector::any_address))
        .layer(middleware::from_fn_with_state(engine, guard::check))
}
