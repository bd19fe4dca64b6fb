//! Our HTTP client in the form in which AWS's libraries take one: the platform's authorities and the network's proxy, as for
//! calls. It alone may reach metadata services, since this machine's own credentials are there.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};

use crate::client::{self, HttpClient as Client};
use crate::outbound::Outbound;

/// Credentials are small.
const LARGEST_ANSWER: usize = 1 << 20;
/// Where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn client(outbound: &Outbound, own_ports: &[u16]) -> std::io::Result<SharedHttpClient> {
    Ok(SharedHttpClient::new(Ours(client::for_credentials(outbound, own_ports)?)))
}

#[derive(Clone)]
struct Ours(Client<Full<Bytes>>);

impl std::fmt::Debug for Ours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ours")
    }
}

impl HttpClient for Ours {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let stages = [settings.connect_timeout(), settings.read_timeout()];
        let patience = match stages.iter().any(Option::is_some) {
            true => stages.into_iter().flatten().sum(),
            false => PATIENCE,
        };
        SharedHttpConnector::new(Connector { client: self.clone(), patience })
    }
}

#[derive(Debug)]
struct Connector {
    client: Ours,
    patience: Duration,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, patience) = (self.client.0.clone(), self.patience);
        let answer: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
            let late = |elapsed| ConnectorError::timeout(Box::new(elapsed));
            tokio::time::timeout(patience, ask(client, request)).await.map_err(late)?
        });
        HttpConnectorFuture::new(answer)
    }
}

async fn ask(client: Client<Full<Bytes>>, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let unusable = |error: aws_smithy_runtime_api::http::HttpError| ConnectorError::user(error.into());
    let request = request.try_into_http1x().map_err(unusable)?;
    let request = request.map(|body| Full::new(Bytes::copy_from_slice(body.bytes().unwrap_or_default())));
    let response = client.request(request).await.map_err(|error| ConnectorError::io(error.into()))?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(ConnectorError::io)?.to_bytes();
    HttpResponse::try_from(http::Response::from_parts(parts, SdkBody::from(body))).map_err(unusable)
}
