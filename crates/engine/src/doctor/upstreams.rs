//! Whether the providers can be reached. Asked only on request: this is the one check that leaves the machine.

use proxy::Upstreams;

use super::{Finding, Mark};
use crate::settings::Settings;

const CERTIFICATES: &str = "Install the certificates of the system (on Linux the package ca-certificates).";

pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    const SUBJECT: &str = "Providers";
    let reached = match Upstreams::new(settings.choices()) {
        Ok(upstreams) => upstreams
            .reach()
            .await
            .map_err(|error| (format!("The platform's certificates cannot be read: {error}."), CERTIFICATES)),
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
            Finding::new(&provider.display_name, mark, format!("{reason}.")).remedy(format!(
                "Check the network, or providers.{}.base_url in the settings.",
                provider.name
            )),
        );
    }
    findings
}
