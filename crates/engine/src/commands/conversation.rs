//! What was said in one call, read from its stored bodies.

use api::{ApiError, BodySide, CallId, Conversation, ReportSource};
use model::dialect::{self, ByHeaders, Exchange};

use crate::Engine;
use crate::pipeline::find;

impl Engine {
    pub(crate) async fn conversation(&self, id: CallId) -> Result<Conversation, ApiError> {
        let call = self.call(id).await?;
        if !call.summary.sources.contains(&ReportSource::Proxy) {
            return self.reported_conversation(&call).await;
        }
        let request = self.body(id, BodySide::Request).await?;
        let response = self.body(id, BodySide::Response).await?;
        let summary = &call.summary;
        let found = self.inner.upstreams.providers().find(&summary.provider);
        let speaks = found.map_or(summary.provider.as_str(), |provider| provider.speaks.as_str());
        // The bodies are the provider's, whatever the client asked for.
        let path = call.translated.as_ref().map_or(&summary.path, |translated| &translated.upstream_path);
        let exchange = Exchange {
            dialect: dialect::classify(speaks, &summary.method, path),
            provider: speaks,
            path,
            request: &request,
            response: &response,
            status: summary.status,
            content_type: call.response_body.content_type.as_deref(),
            by_headers: ByHeaders::of(|name| find(&call.response_headers, name)),
        };
        Ok(dialect::conversation(&exchange))
    }
}
