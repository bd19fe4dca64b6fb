//! Providers, their keys, and local keys: unpack, check, ask `keys`, wrap.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use api::{
    ApiError, AwsState, ErrorKind, KeyOrigin, KeyTest, MadeKey, ProviderStatus, Providers, Reply, Secret,
};
use proxy::provider::KeyForm;
use proxy::{BedrockState, Provider};

use super::internal;
use crate::Engine;
use crate::keys::{self, Refused};
use crate::pipeline::millis;

const DAY_MS: i64 = 86_400_000;

impl Engine {
    pub(super) async fn providers(&self) -> Result<Reply, ApiError> {
        Ok(Reply::Providers(Box::new(self.providers_page().await?)))
    }

    async fn providers_page(&self) -> Result<Providers, ApiError> {
        self.inner.keys.look();
        let since = millis(SystemTime::now()).saturating_sub(DAY_MS);
        let activity = self.inner.store.provider_activity(since).await.map_err(internal)?;
        let mut activity: HashMap<String, store::ProviderActivity> =
            activity.into_iter().map(|found| (found.provider.clone(), found)).collect();
        let chosen = self.inner.settings.base_urls();
        let providers = self.inner.upstreams.providers().iter().map(|provider| {
            let found = activity.remove(&provider.name);
            let base_url = chosen.get(&provider.name);
            ProviderStatus {
                name: provider.name.clone(),
                display_name: provider.display_name.clone(),
                speaks: provider.speaks.clone(),
                variable: provider.key.variables.first().cloned(),
                base_url: base_url.unwrap_or(&provider.base_url).clone(),
                custom: base_url.is_some(),
                route: format!(
                    "{}/{}",
                    if provider.passthrough && !provider.custom { "/passthrough" } else { "" },
                    provider.name
                ),
                key: self.key_origin(provider),
                calls: found.as_ref().map_or(0, |found| found.calls),
                errors: found.as_ref().map_or(0, |found| found.errors),
                last_ms: found.map(|found| found.last_ms),
            }
        });
        Ok(Providers {
            keychain: self.inner.keys.keychain(),
            providers: providers.collect(),
            local_keys: self.inner.keys.local(),
            local_keys_required: self.inner.keys.local_required(),
        })
    }

    /// Where the key of calls comes from; where none is stored and AWS's credentials sign, how these are.
    fn key_origin(&self, provider: &Provider) -> KeyOrigin {
        match self.inner.keys.origin(provider) {
            KeyOrigin::None if provider.key.form == KeyForm::Aws => {
                KeyOrigin::Aws(aws(self.inner.bedrock.known()))
            }
            origin => origin,
        }
    }

    pub(super) async fn set_key(&self, provider: &str, key: &Secret) -> Result<Reply, ApiError> {
        let provider = self.with_key(provider)?;
        let key = keys::clean(key.reveal()).map_err(|reason| ApiError::parameter("key", reason))?;
        self.inner.keys.set(&provider, key).await.map_err(|refused| explain(refused, Some(&provider)))?;
        self.providers().await
    }

    pub(super) async fn remove_key(&self, provider: &str) -> Result<Reply, ApiError> {
        let provider = self.with_key(provider)?;
        if let api::KeyOrigin::Environment { variable, .. } = self.inner.keys.origin(&provider) {
            return Err(ApiError::new(
                ErrorKind::BadRequest,
                format!(
                    "{}'s key comes from LLMFlow's environment: unset {variable} and start LLMFlow again.",
                    provider.display_name
                ),
            ));
        }
        self.inner.keys.remove(&provider).await.map_err(|refused| explain(refused, Some(&provider)))?;
        self.providers().await
    }

    pub(super) async fn unlock_keychain(&self) -> Result<Reply, ApiError> {
        match self.inner.keys.unlock().await {
            // While its user is being asked the answer says so; the rest comes as an event.
            Err(_) if self.inner.keys.keychain() == api::KeychainState::Asking => self.providers().await,
            Err(refused) => Err(explain(refused, None)),
            Ok(()) => self.providers().await,
        }
    }

    pub(super) async fn test_key(&self, provider: &str, key: Option<Secret>) -> Result<KeyTest, ApiError> {
        let provider = self.with_key(provider)?;
        let name = &provider.display_name;
        if key.is_none() && matches!(self.key_origin(&provider), KeyOrigin::Aws(_)) {
            return Ok(self.test_aws().await);
        }
        let key = match &key {
            Some(key) => {
                let key = keys::clean(key.reveal()).map_err(|reason| ApiError::parameter("key", reason))?;
                zeroize::Zeroizing::new(key.to_owned())
            }
            None => self.inner.keys.key(&provider).ok_or_else(|| {
                ApiError::new(ErrorKind::NotFound, format!("There is no key for {name} to test."))
            })?,
        };
        let begun = Instant::now();
        let outbound = self.inner.settings.outbound();
        let outbound = outbound.map_err(|wanted| {
            ApiError::new(ErrorKind::BadRequest, format!("The setting upstream_proxy is not {wanted}."))
        })?;
        let tested = proxy::test_key(&self.inner.upstreams, &outbound, &provider, &key).await;
        let tested = tested.map_err(|reason| ApiError::new(ErrorKind::Unavailable, reason))?;
        Ok(KeyTest {
            accepted: tested.accepted,
            status: tested.status,
            message: tested.message,
            duration_us: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            models: tested.models,
        })
    }

    /// Looks for this machine's AWS credentials.
    async fn test_aws(&self) -> KeyTest {
        let begun = Instant::now();
        let state = aws(self.inner.bedrock.look().await);
        let accepted = state.source.is_some() && state.region.is_some();
        let message = match (&state.source, &state.region, &state.problem) {
            _ if state.off => "Bedrock is switched off: bedrock in the settings.".to_owned(),
            (_, _, Some(problem)) => problem.clone(),
            (_, None, _) => {
                "No AWS region is known: set bedrock_region in the settings, or AWS_REGION.".to_owned()
            }
            (Some(source), Some(region), None) => format!(
                "There are AWS credentials ({source}, …{}) and a region ({region}). What they may do, the first call shows.",
                state.hint.unwrap_or_default()
            ),
            (None, _, None) => "The AWS credentials are being looked for: try again shortly.".to_owned(),
        };
        let duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        KeyTest { accepted, status: None, message, duration_us, models: None }
    }

    /// The provider called `name`, if it takes a key.
    fn with_key(&self, name: &str) -> Result<Arc<Provider>, ApiError> {
        let provider = self.inner.upstreams.providers().find(name);
        let provider = provider
            .ok_or_else(|| ApiError::new(ErrorKind::NotFound, format!("There is no provider {name:?}.")))?;
        match provider.key.form {
            KeyForm::NotNeeded => {
                Err(ApiError::parameter("provider", format!("{} takes no key.", provider.display_name)))
            }
            KeyForm::Bearer | KeyForm::Header { .. } | KeyForm::Beside { .. } | KeyForm::Aws => {
                Ok(provider.clone())
            }
        }
    }

    pub(super) async fn add_local_key(&self, name: &str) -> Result<Reply, ApiError> {
        let name = name.trim();
        if !keys::is_local_name(name) {
            let wanted =
                "A local key's name has letters, digits, \"-\", \"_\" and \".\", at most 64 of them.";
            return Err(ApiError::parameter("name", wanted));
        }
        let added = self.inner.keys.add_local(name, millis(SystemTime::now()));
        match added.map_err(|refused| explain(refused, None))? {
            Some(key) => {
                Ok(Reply::LocalKey(Box::new(MadeKey { key, providers: self.providers_page().await? })))
            }
            None => Err(ApiError::parameter("name", format!("There is a local key for {name} already."))),
        }
    }

    pub(super) async fn remove_local_key(&self, name: &str) -> Result<Reply, ApiError> {
        let removed = self.inner.keys.remove_local(name);
        match removed.map_err(|refused| explain(refused, None))? {
            true => self.providers().await,
            false => Err(ApiError::new(ErrorKind::NotFound, format!("There is no local key for {name:?}."))),
        }
    }
}

fn aws(state: BedrockState) -> AwsState {
    let (found, problem) = match state.credentials {
        Some(Ok(found)) => (Some(found), None),
        Some(Err(problem)) => (None, Some(problem)),
        None => (None, None),
    };
    AwsState {
        region: state.region,
        source: found.as_ref().map(|found| found.source.clone()),
        hint: found.as_ref().map(|found| found.hint.clone()),
        expires_ms: found.and_then(|found| found.expires_ms),
        problem,
        off: !state.enabled,
    }
}

fn explain(refused: Refused, provider: Option<&Provider>) -> ApiError {
    match refused {
        Refused::Unavailable(message) => {
            let variable = provider
                .and_then(|provider| provider.key.variables.first())
                .filter(|_| !message.contains("environment"));
            let otherwise = variable
                .map(|name| format!(" Or set {name} in LLMFlow's environment and start it again."))
                .unwrap_or_default();
            ApiError::new(ErrorKind::Unavailable, format!("{message}{otherwise}"))
        }
        Refused::Folder(error) => {
            tracing::error!(%error, "the local keys cannot be written");
            let message =
                "The local keys cannot be written to the data folder. Check its owner and free space.";
            ApiError::new(ErrorKind::Unavailable, message)
        }
    }
}
