//! What the settings decide about providers, their addresses and the way to them.

use std::collections::BTreeMap;

use proxy::{Azure, BedrockChoice, CHATGPT, Choices, Custom, NotAProxy, Outbound, Providers};

use super::{ProviderSettings, Settings};

impl Settings {
    /// The providers that are not in the table.
    pub(super) fn custom(&self) -> Vec<Custom> {
        let built_in = Providers::built_in();
        let own = self
            .providers
            .iter()
            .filter(|(name, _)| built_in.find(name).is_none() && !name.eq_ignore_ascii_case(CHATGPT));
        own.map(|(name, provider)| Custom {
            name: name.clone(),
            display_name: provider.display_name.clone().unwrap_or_default(),
            base_url: provider.base_url.clone().unwrap_or_default(),
            path_prefix: provider.path_prefix.clone().unwrap_or_default(),
            dialect: provider.dialect.clone().unwrap_or_default(),
            key_env: provider.key_env.clone().unwrap_or_default(),
        })
        .collect()
    }

    /// Every provider there is with these settings; those of the table when the others cannot be used.
    pub(crate) fn every_provider(&self) -> Providers {
        Providers::with(&self.custom()).unwrap_or_default()
    }

    /// What these settings decide about upstreams.
    pub(crate) fn choices(&self) -> Choices {
        let azure = self.providers.iter().find(|(name, _)| name.eq_ignore_ascii_case("azure"));
        let azure = azure.map(|(_, azure)| azure.clone()).unwrap_or_default();
        Choices {
            base_urls: self.base_urls(),
            custom: self.custom(),
            allowed: self.allowed_upstreams.clone(),
            azure: Azure {
                resource: azure.resource,
                api_version: azure.api_version,
                deployments: azure.deployments,
                // Deployments are named by variables whose names depend on a call's model.
                variable: |name| std::env::var(name).ok(),
            },
            bedrock: BedrockChoice {
                enabled: self.bedrock,
                region: Some(self.bedrock_region.trim().to_owned()).filter(|region| !region.is_empty()),
            },
            own_ports: [self.proxy_port, self.dashboard_port].into_iter().filter(|port| *port != 0).collect(),
        }
    }

    /// By which way upstreams are reached.
    pub(crate) fn outbound(&self) -> Result<Outbound, NotAProxy> {
        let except = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| std::env::var(name).ok());
        match self.upstream_proxy.contains(HIDDEN) {
            true => Err(NotAProxy),
            false => Outbound::of_setting(&self.upstream_proxy, &except.unwrap_or_default()),
        }
    }

    /// The addresses that replace providers' own, the user's own providers' among them.
    pub(crate) fn base_urls(&self) -> BTreeMap<String, String> {
        let mut bases = self.origin.bases.clone();
        let set = |(name, provider): (&String, &ProviderSettings)| {
            Some((name.to_lowercase(), provider.base_url.clone()?))
        };
        bases.extend(self.providers.iter().filter_map(set));
        bases
    }
}

/// What stands for a password where a proxy's address is shown.
const HIDDEN: &str = ":***@";

/// A proxy's address for people.
pub(crate) fn without_password(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else { return url.to_owned() };
    let (scheme, user) = before.split_once("://").unwrap_or(("", before));
    match user.split_once(':') {
        Some((name, _)) if scheme.is_empty() => format!("{name}{HIDDEN}{host}"),
        Some((name, _)) => format!("{scheme}://{name}{HIDDEN}{host}"),
        None => url.to_owned(),
    }
}
