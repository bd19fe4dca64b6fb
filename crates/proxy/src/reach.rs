//! Whether providers can be reached: a question without credentials, to which any answer will do.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;

use crate::client::{HttpClient, client};
use crate::outbound::Outbound;
use crate::provider::Provider;
use crate::unreachable::explain;
use crate::upstream::{Base, Upstreams};

const DEADLINE: Duration = Duration::from_secs(10);

impl Upstreams {
    /// Asks every provider at once, but for those whose address the settings leave open; for each that did not answer,
    /// why. Fails when TLS cannot be set up.
    pub async fn reach(
        &self,
        outbound: &Outbound,
    ) -> std::io::Result<Vec<(Arc<Provider>, Result<(), String>)>> {
        let client = client(outbound, self.own_ports())?;
        let asked = self
            .providers()
            .iter()
            .filter_map(|provider| Some((provider.clone(), self.settled_base(provider)?)))
            .map(|(provider, base)| {
                let client = client.clone();
                async move { (provider, ask(&client, &base, outbound).await) }
            });
        Ok(futures_util::future::join_all(asked).await)
    }

    /// Asks one provider; `None` for one whose address the settings leave open. Fails when TLS cannot be set up.
    pub async fn reach_one(
        &self,
        provider: &Provider,
        outbound: &Outbound,
    ) -> std::io::Result<Option<Result<(), String>>> {
        let client = client(outbound, self.own_ports())?;
        match self.settled_base(provider) {
            Some(base) => Ok(Some(ask(&client, &base, outbound).await)),
            None => Ok(None),
        }
    }
}

async fn ask(client: &HttpClient<Empty<Bytes>>, base: &Base, outbound: &Outbound) -> Result<(), String> {
    let request = base.uri("/").and_then(|uri| {
        let mut request = Request::head(&uri).body(Empty::new()).ok()?;
        if let Some(authorization) = outbound.authorization(&uri) {
            request.headers_mut().insert(http::header::PROXY_AUTHORIZATION, authorization);
        }
        Some(request)
    });
    let Some(request) = request else { return Err("Its address is not valid.".into()) };
    match tokio::time::timeout(DEADLINE, client.request(request)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(explain(&error, base.authority.as_str())),
        Err(_) => Err(format!("{} did not answer within {} seconds.", base.authority, DEADLINE.as_secs())),
    }
}
