//! By which way the providers are reached, and whether they can be. The latter is asked only on request: it is the one
//! check that leaves the machine.

use std::collections::BTreeMap;

use proxy::Upstreams;

use super::{Finding, Mark};
use crate::settings::Settings;

const CERTIFICATES: &str = "Install the certificates of the system (on Linux the package ca-certificates).";
/// The proxy in front of the providers, where there is one.
pub(super) fn way(settings: &Settings) -> Option<Finding> {
    const SUBJECT: &str = "Network proxy";
    let outbound = settings.outbound().ok()?;
    let (urls, every) = (settings.base_urls(), settings.every_provider());
    let address = |provider: &proxy::Provider| {
        let url = urls.get(&provider.name).unwrap_or(&provider.base_url);
        // Any resource and any region is reached by the same way.
        url.replace("{resource}", "resource").replace("{region}", "us-east-1")
    };
    let mut by_proxy: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for provider in every.iter() {
        if let Some(proxy) = outbound.shown(&address(provider)) {
            by_proxy.entry(proxy).or_default().push(&provider.display_name);
        }
    }
    let (proxy, providers) = by_proxy.into_iter().max_by_key(|(_, providers)| providers.len())?;
    let said_by = match settings.upstream_proxy.trim() {
        "" => "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY in the environment",
        _ => "upstream_proxy in the settings",
    };
    let says = match providers.len() == every.iter().filter(|it| !is_local(&address(it))).count() {
        true => format!("Every provider is reached through {proxy} ({said_by})."),
        false => {
            format!("{} are reached through {proxy} ({said_by}), the others directly.", providers.join(", "))
        }
    };
    Some(Finding::new(SUBJECT, Mark::Note, says))
}

fn is_local(url: &str) -> bool {
    ["//localhost", "//127.", "//[::1]"].iter().any(|start| url.contains(start))
}

pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    const SUBJECT: &str = "Providers";
    let reached = match Upstreams::new(settings.choices()) {
        Ok(upstreams) => upstreams
            .reach(&settings.outbound().unwrap_or_else(|_| proxy::Outbound::environment()))
            .await
            .map_err(|error| (format!("TLS cannot be set up: {error}."), CERTIFICATES)),
        Err(error) => {
            Err((format!("{error}."), "Mend that address in the settings; LLMFlow does not start before."))
        }
    };
    let reached = match reached {
        Ok(reached) => reached,
        Err((says, remedy)) => return vec![Finding::new(SUBJECT, Mark::Fail, says).remedy(remedy)],
    };
    let answering = reached.iter().filter(|(_, answer)| answer.is_ok());
    let answering: Vec<&str> = answering.map(|(provider, _)| provider.display_name.as_str()).collect();
    let mut findings = Vec::new();
    if !answering.is_empty() {
        findings.push(Finding::new(SUBJECT, Mark::Ok, format!("{} can be reached.", answering.join(", "))));
    }
    for (provider, answer) in &reached {
        let Err(reason) = answer else { continue };
        // A model server on this machine runs when it is wanted.
        let local = provider.local && !settings.base_urls().contains_key(&provider.name);
        let mark = if local { Mark::Note } else { Mark::Warn };
        findings.push(
            Finding::new(&provider.display_name, mark, reason.clone()).remedy(format!(
                "Check the network, or providers.{}.base_url in the settings.",
                provider.name
            )),
        );
    }
    findings
}
