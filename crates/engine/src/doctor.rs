//! What stands between this machine and a complete record: ports, data folder, settings, keychain, AI tools and how they are
//! pointed, each with what is and the remedy. It changes nothing, and nothing leaves the machine unasked.

mod bedrock;
mod data;
mod holder;
mod keychain;
mod machine;
mod ports;
mod probe;
mod tools;
mod upstreams;

use api::Health;
use serde::Serialize;

use crate::folder::{Instance, running_instance};
use crate::settings::{Settings, SettingsError};

pub use machine::Machine;

/// How a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// It works, with less than there could be.
    Warn,
    /// It does not work.
    Fail,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about (`Proxy port`, `Claude Code`).
    pub subject: String,
    /// How it is.
    pub mark: Mark,
    /// What is.
    pub says: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    fn new(subject: &str, mark: Mark, says: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), mark, says: says.into(), remedy: None }
    }

    fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// This program's version.
    pub version: &'static str,
    /// Whether nothing fails.
    pub ok: bool,
    /// The findings, in the order to read them.
    pub findings: Vec<Finding>,
}

/// What a check may look at.
struct Patient<'a> {
    machine: &'a Machine,
    settings: &'a Settings,
    /// Who runs on the data folder.
    instance: Option<Instance>,
    /// What it says of itself.
    health: Option<Health>,
    /// Where the proxy is, or would be.
    proxy_port: u16,
    /// It answers there.
    serving: bool,
}

/// Looks at everything. `settings` are what would be used, `mistake` is why the file's were not; `online` asks every
/// provider whether it can be reached; `verify` reads everything that is stored.
pub async fn examine(
    machine: &Machine,
    settings: &Settings,
    mistake: Option<&SettingsError>,
    online: bool,
    verify: bool,
) -> Report {
    let instance = running_instance(&settings.data_dir);
    let health = match instance.as_ref().map(|instance| instance.dashboard_port) {
        Some(port) if port != 0 => probe::health(&settings.data_dir, port).await,
        _ => None,
    };
    let proxy_port = instance.as_ref().map_or(settings.proxy_port, |instance| instance.proxy_port);
    let serving = proxy_port != 0 && probe::proxy(proxy_port).await;
    let patient = Patient { machine, settings, instance, health, proxy_port, serving };
    let mut findings = vec![file(settings, mistake)];
    findings.extend(ports::check(&patient).await);
    findings.extend(data::check(&patient).await);
    if verify {
        findings.extend(data::verify(settings).await);
    }
    findings.push(keychain::check(settings).await);
    findings.extend(running(&patient));
    findings.extend(bedrock::check(&patient).await);
    findings.extend(upstreams::way(settings));
    if online {
        findings.extend(upstreams::check(settings).await);
    }
    findings.extend(tools::check(&patient));
    let ok = findings.iter().all(|finding| finding.mark != Mark::Fail);
    Report { version: env!("CARGO_PKG_VERSION"), ok, findings }
}

fn file(settings: &Settings, mistake: Option<&SettingsError>) -> Finding {
    const SUBJECT: &str = "Settings";
    if let Some(mistake) = mistake {
        return Finding::new(SUBJECT, Mark::Fail, mistake.to_string()).remedy(
            "Mend what is named; LLMFlow does not start before. What follows is checked with the defaults.",
        );
    }
    match settings.file() {
        Some(path) if path.exists() => {
            Finding::new(SUBJECT, Mark::Ok, format!("{} is understood.", path.display()))
        }
        Some(path) => Finding::new(
            SUBJECT,
            Mark::Ok,
            format!("{} is not there, so every setting has its default.", path.display()),
        ),
        None => Finding::new(SUBJECT, Mark::Ok, "There is no file, so every setting has its default."),
    }
}

/// What the running instance says is wrong.
fn running(patient: &Patient<'_>) -> Vec<Finding> {
    let Some(health) = &patient.health else { return Vec::new() };
    // What is switched off or does not listen is said with its port.
    let with_its_port = ["The proxy", "Recording is paused", "OTLP over"];
    let elsewhere = |problem: &&String| !with_its_port.iter().any(|begin| problem.starts_with(begin));
    health.problems.iter().filter(elsewhere).map(|problem| told(problem)).collect()
}

/// A problem says first what is, and then what to do.
fn told(problem: &str) -> Finding {
    const SUBJECT: &str = "Running LLMFlow";
    match problem.split_once(". ") {
        Some((says, remedy)) => Finding::new(SUBJECT, Mark::Warn, format!("{says}.")).remedy(remedy),
        None => Finding::new(SUBJECT, Mark::Warn, problem)
            .remedy("Its log says more: stop it and start it with RUST_LOG=info."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_running_one_says_is_wrong_has_a_remedy() {
        let full = told("LLMFlow cannot write to /x/data.db: full. Make room; it is tried again.");
        assert_eq!(full.says, "LLMFlow cannot write to /x/data.db: full.");
        assert_eq!(full.remedy.as_deref(), Some("Make room; it is tried again."));
        assert!(told("Something is wrong.").remedy.is_some());
    }
}
