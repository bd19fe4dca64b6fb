//! Whether providers can be reached: a question without credentials, to which any answer will do.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;

use crate::forward::causes;
use crate::provider::Provider;
use crate::upstream::{Base, HttpClient, Upstreams, client};

const DEADLINE: Duration = Duration::from_secs(10);

impl Upstreams {
    /// Asks every provider at once, but for those whose address the settings leave open; for each that did not answer,
    /// why. Fails when the platform's certificate store
    /// cannot be read.
    pub async fn reach(&self) -> std::io::Result<Vec<(Arc<Provider>, Result<(), String>)>> {
        let client = client(self.own_ports())?;
        let asked = self.providers().iter().filter_map(|provider| Some((provider.clone(), self.settled_base(provider)?))).map(|(provider, base)| {
            let client = client.clone();
            async move { (provider, ask(&client, &base).await) }
        });
        Ok(futures_util::future::join_all(asked).await)
    }
}

async fn ask(client: &HttpClient<Empty<Bytes>>, base: &Base) -> Result<(), String> {
    let request = base.uri("/").and_then(|uri| Request::head(uri).body(Empty::new()).ok());
    let Some(request) = request else { return Err("its address is not valid".into()) };
    match tokio::time::timeout(DEADLINE, client.request(request)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("{} cannot be reached: {}", base.authority, causes(&error))),
        Err(_) => Err(format!("{} did not answer within {} seconds", base.authority, DEADLINE.as_secs())),
    }
}
