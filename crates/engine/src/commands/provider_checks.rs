//! Whether providers can be reached and take their keys: asked when somebody wants to know, all at once, each with a
//! deadline, by calls that cost nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{ApiError, ErrorKind, KeyOrigin, ProviderCheck, ProviderState};
use futures_util::future::join_all;
use proxy::provider::KeyForm;
use proxy::{Outbound, Provider};

use crate::Engine;

const PATIENCE: Duration = Duration::from_secs(5);
/// What runs on this machine answers at once or not at all.
const LOCAL_PATIENCE: Duration = Duration::from_secs(2);

impl Engine {
    /// How each provider is, in the order of the table.
    pub(super) async fn check_providers(&self) -> Result<Vec<ProviderCheck>, ApiError> {
        let outbound = self.inner.settings.outbound().map_err(|wanted| {
            ApiError::new(ErrorKind::BadRequest, format!("The setting upstream_proxy is not {wanted}."))
        })?;
        let checks = self.inner.upstreams.providers().iter().map(|provider| self.check(provider, &outbound));
        Ok(join_all(checks).await)
    }

    async fn check(&self, provider: &Arc<Provider>, outbound: &Outbound) -> ProviderCheck {
        let begun = Instant::now();
        let patience = if provider.local { LOCAL_PATIENCE } else { PATIENCE };
        let answer = tokio::time::timeout(patience, self.state_of(provider, outbound)).await;
        let (state, message) = answer.unwrap_or_else(|_| {
            let name = &provider.display_name;
            (ProviderState::Error, Some(format!("{name} did not answer within {} s.", patience.as_secs())))
        });
        let asked = state != ProviderState::Unconfigured;
        let duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let duration_us = asked.then_some(duration_us);
        ProviderCheck { name: provider.name.clone(), state, duration_us, message }
    }

    async fn state_of(
        &self,
        provider: &Arc<Provider>,
        outbound: &Outbound,
    ) -> (ProviderState, Option<String>) {
        let custom = self.inner.settings.base_urls().contains_key(&provider.name);
        if provider.key.form == KeyForm::NotNeeded {
            return match self.inner.upstreams.reach_one(provider, outbound).await {
                Ok(Some(Ok(()))) => (ProviderState::Ok, None),
                // A model server on this machine runs when it is wanted.
                Ok(Some(Err(_)) | None) if !custom => (ProviderState::Unconfigured, None),
                Ok(Some(Err(reason))) => (ProviderState::Error, Some(reason)),
                Ok(None) => (ProviderState::Unconfigured, None),
                Err(error) => (ProviderState::Error, Some(format!("TLS cannot be set up: {error}."))),
            };
        }
        if matches!(self.inner.keys.origin(provider), KeyOrigin::None) && provider.key.form != KeyForm::Aws {
            return (ProviderState::Unconfigured, None);
        }
        match self.test_key(&provider.name, None).await {
            Ok(test) if test.accepted => (ProviderState::Ok, None),
            // AWS's credentials that nobody set are nothing wrong.
            Ok(_) if provider.key.form == KeyForm::Aws => (ProviderState::Unconfigured, None),
            Ok(test) => (ProviderState::Error, Some(test.message)),
            Err(_) if provider.key.check.is_none() => {
                match self.inner.upstreams.reach_one(provider, outbound).await {
                    Ok(Some(Ok(()))) => (ProviderState::Ok, None),
                    Ok(Some(Err(reason))) => (ProviderState::Error, Some(reason)),
                    Ok(None) | Err(_) => (ProviderState::Unconfigured, None),
                }
            }
            Err(error) if error.kind == ErrorKind::NotFound => (ProviderState::Unconfigured, None),
            Err(error) => (ProviderState::Error, Some(error.error)),
        }
    }
}
