//! Keys: from the keychain or the environment into calls that bring none, and never anywhere else. Against a real
//! Secret Service in a session of the test's own.

mod keychain;
mod lent;
mod local;

use api::{KeyOrigin, KeychainState, ProviderStatus, Providers, Request, Secret};
use tests::{App, Mock, Received, Response, Session, Setup, send, wait_until};

use crate::requests::request;

/// Found nowhere but at the provider and in the keychain.
pub(crate) const KEY: &str = "sk-proj-CaNaRyStored0123456789abcdef";

/// An app that lives in a session and uses its keychain.
pub(crate) fn living_in(session: &Session, setup: Setup) -> Setup {
    let setup = session
        .environment()
        .into_iter()
        .filter(|(name, _)| *name != "HOME")
        .fold(setup, |setup, (name, value)| setup.variable(name, &value));
    setup.variable("LLMFLOW_KEYCHAIN", "on")
}

pub(crate) async fn keychain_is(app: &App, wanted: KeychainState) -> Providers {
    wait_until(&format!("the keychain to be {wanted:?}"), async || {
        let providers = app.providers().await;
        (providers.keychain == wanted).then_some(providers)
    })
    .await
}

pub(crate) fn provider<'a>(providers: &'a Providers, name: &str) -> &'a ProviderStatus {
    providers.providers.iter().find(|provider| provider.name == name).unwrap()
}

fn set_key(provider: &str, key: &str) -> Request {
    Request::SetKey { provider: provider.into(), key: Secret::new(key) }
}

/// One call with these header lines, and what the upstream got of it.
async fn call(app: &App, mock: &Mock, target: &str, headers: &str) -> (Response, Received) {
    mock.take();
    let headers = format!("Content-Type: application/json\r\n{headers}");
    let response = send(app.proxy, &request("POST", target, &headers, br#"{"model":"m"}"#)).await;
    let received = mock.ended(1).await.remove(0).received;
    (response, received)
}

fn header(received: &Received, name: &str) -> Option<String> {
    received.head.header(name)
}
