//! Every path under /api with its methods: the list of which the router is made, and against which the OpenAPI document is
//! held. Leaves out the collector's paths, the guard, and the dashboard's files (`lib`).

use axum::Router;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use http::{HeaderValue, Method, Uri, header};

use crate::{Host, error, events, openapi, rest, rpc};

/// One path and who answers it.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) methods: Vec<&'static str>,
    answers: MethodRouter<Host>,
}

fn at(path: &'static str) -> Route {
    Route { path, methods: Vec::new(), answers: MethodRouter::new() }
}

impl Route {
    fn get<H: Handler<T, Host>, T: 'static>(mut self, handler: H) -> Self {
        self.methods.push("GET");
        Self { answers: self.answers.get(handler), ..self }
    }

    fn post<H: Handler<T, Host>, T: 'static>(mut self, handler: H) -> Self {
        self.methods.push("POST");
        Self { answers: self.answers.post(handler), ..self }
    }

    fn put<H: Handler<T, Host>, T: 'static>(mut self, handler: H) -> Self {
        self.methods.push("PUT");
        Self { answers: self.answers.put(handler), ..self }
    }

    fn delete<H: Handler<T, Host>, T: 'static>(mut self, handler: H) -> Self {
        self.methods.push("DELETE");
        Self { answers: self.answers.delete(handler), ..self }
    }
}

impl Route {
    /// The methods as `Allow` says them.
    fn allow(&self) -> Option<HeaderValue> {
        let head = self.methods.contains(&"GET").then_some("HEAD");
        let all: Vec<&str> = self.methods.iter().copied().chain(head).chain(["OPTIONS"]).collect();
        HeaderValue::try_from(all.join(", ")).ok()
    }

    /// Its answers, to other methods too.
    fn answers(self) -> MethodRouter<Host> {
        let allow = self.allow();
        self.answers.fallback(move |method: Method, uri: Uri| async move {
            let mut response = error::other_method(method, uri).await;
            response.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
            response
        })
    }
}

/// The router of all of them; what is under /api and not among them has an answer, too.
pub(crate) fn router() -> Router<Host> {
    let routed =
        all().into_iter().fold(Router::new(), |router, route| router.route(route.path, route.answers()));
    routed.route("/api/{*unknown}", axum::routing::any(error::unknown))
}

pub(crate) fn all() -> Vec<Route> {
    vec![
        at("/api/openapi.json").get(openapi::document),
        at("/api/rpc").post(rpc::call),
        at("/api/events").get(events::stream),
        at("/api/health").get(rest::health),
        at("/api/health/providers").get(rest::providers::health),
        at("/api/stats").get(rest::stats),
        at("/api/search").get(rest::search::search),
        at("/api/search/index").get(rest::search::lag).post(rest::search::rebuild),
        at("/api/traces").get(rest::traces),
        at("/api/traces/export").get(rest::export::traces),
        at("/api/traces/{id}").get(rest::trace).delete(rest::upkeep::delete_trace),
        at("/api/traces/{id}/replay").post(rest::replay::replay),
        at("/api/traces/{id}/tree").get(rest::telemetry::tree),
        at("/api/timeline").get(rest::timeline::list),
        at("/api/logs").get(rest::telemetry::logs),
        at("/api/logs/filters").get(rest::telemetry::log_filters),
        at("/api/logs/{id}").get(rest::telemetry::log),
        at("/api/metrics").get(rest::telemetry::metrics),
        at("/api/metrics/tokens").get(rest::telemetry::metric_tokens),
        at("/api/metrics/filters").get(rest::telemetry::metric_filters),
        at("/api/metrics/summary").get(rest::telemetry::metric_summary),
        at("/api/metrics/{id}").get(rest::telemetry::metric),
        at("/api/token-usage").get(rest::telemetry::token_usage),
        at("/api/analytics").get(rest::analytics::all),
        at("/api/analytics/token-trends").get(rest::analytics::token_trends),
        at("/api/analytics/cost-by-tool").get(rest::analytics::cost_by_tool),
        at("/api/analytics/cost-by-model").get(rest::analytics::cost_by_model),
        at("/api/analytics/daily").get(rest::analytics::by_day),
        at("/api/completeness").get(rest::analytics::completeness),
        at("/api/calls/{id}/cache").get(rest::cache::call),
        at("/api/sessions").get(rest::sessions::list),
        at("/api/sessions/{id}").get(rest::sessions::one).delete(rest::upkeep::delete_session),
        at("/api/sessions/{id}/cache").get(rest::cache::session),
        at("/api/storage").get(rest::upkeep::storage),
        at("/api/erase").post(rest::upkeep::erase),
        at("/api/export").get(rest::export::exporters),
        at("/api/export/flush").post(rest::export::flush),
        at("/api/export/calls").get(rest::export::calls),
        at("/api/settings").get(rest::settings::list),
        at("/api/settings/{name}").put(rest::settings::change).delete(rest::settings::reset),
        at("/api/budgets").get(rest::budgets::list),
        at("/api/budgets/{name}").put(rest::budgets::set).delete(rest::budgets::remove),
        at("/api/loops/{last}/dismiss").post(rest::budgets::dismiss),
        at("/api/models").get(rest::models::models),
        at("/api/prices").get(rest::models::prices),
        at("/api/prices/repricings").get(rest::models::repricings),
        at("/api/sources").get(rest::sources::list),
        at("/api/sources/{name}").put(rest::sources::switch),
        at("/api/sources/{name}/stranded").get(rest::sources::stranded),
    ]
}
