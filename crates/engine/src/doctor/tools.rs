//! The AI tools on this machine: whether they are there, where they send their calls, and what each loses behind a
//! base URL. Tools are looked at, never run. What is known of each stands in `table`.

mod config;
mod found;
mod table;

use proxy::Providers;
use proxy::route::{Route, route};

use super::{Finding, Mark, Patient};
use crate::settings::Settings;
use table::{TOOLS, Tool};

/// A place that says where a tool's calls go.
pub(super) struct Pointer {
    /// The variable or file.
    pub(super) place: String,
    /// The address in it.
    pub(super) url: String,
}

/// Something a tool does differently behind a base URL.
pub(super) struct Loss {
    pub(super) says: &'static str,
    pub(super) remedy: &'static str,
    /// It is known to be so here, not only in general.
    pub(super) here: bool,
}

pub(super) fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let machine = patient.machine;
    let found: Vec<_> = TOOLS.iter().filter_map(|tool| Some((tool, found::find(tool, machine)?))).collect();
    if found.is_empty() {
        let says = "None that the doctor knows was found on PATH or in the usual places.";
        return vec![Finding::new("AI tools", Mark::Note, says)];
    }
    let mut findings = Vec::new();
    for (tool, version) in found {
        let subject = version.map_or(tool.name.to_owned(), |version| format!("{} {version}", tool.name));
        let (pointed, finding) = pointing(patient, tool, &subject);
        findings.push(finding);
        for loss in (tool.losses)(machine) {
            // In general, or before a tool is pointed here, it is only good to know.
            let mark = if pointed && loss.here { Mark::Warn } else { Mark::Note };
            findings.push(Finding::new(&subject, mark, loss.says).remedy(loss.remedy));
        }
    }
    findings
}

/// Whether the tool's calls come here, and the finding that says so.
fn pointing(patient: &Patient<'_>, tool: &Tool, subject: &str) -> (bool, Finding) {
    let port = patient.proxy_port;
    let how = || (tool.how)(port);
    let pointers = (tool.pointers)(patient.machine);
    // With one address the first wins, wherever the others lead.
    let heard = if tool.many { pointers.len() } else { 1 };
    let here = |pointer: &'_ Pointer| path_here(&pointer.url, patient.settings, port);
    let ours = pointers.iter().take(heard).find_map(|pointer| Some((pointer, here(pointer)?)));
    let Some((pointer, path)) = ours else {
        let says = match pointers.first() {
            Some(Pointer { place, url }) => {
                format!("As far as can be seen it sends its calls to {} ({place}), not through LLMFlow.", host_of(url))
            }
            None => "As far as can be seen it is not pointed at LLMFlow, so its calls are not recorded; an alias or a project's own settings could still do it.".to_owned(),
        };
        return (false, Finding::new(subject, Mark::Note, says).remedy(how()));
    };
    let place = &pointer.place;
    if !leads(&patient.settings.every_provider(), &path, tool) {
        let says = format!(
            "It is pointed at LLMFlow with a path that does not lead to its provider ({place}: {}).",
            pointer.url.split('?').next().unwrap_or_default()
        );
        return (true, Finding::new(subject, Mark::Fail, says).remedy(how()));
    }
    if !patient.serving {
        let says =
            format!("It is pointed at LLMFlow ({place}), whose proxy does not run: every call of it fails.");
        let remedy = match patient.instance {
            Some(_) => "llmflow proxy on, or take the address out there.",
            None => "llmflow serve, or take the address out there.",
        };
        return (true, Finding::new(subject, Mark::Fail, says).remedy(remedy));
    }
    (true, Finding::new(subject, Mark::Ok, format!("Its calls go through LLMFlow ({place}).")))
}

/// Whether requests below `path` reach what the tool means to talk to.
fn leads(providers: &Providers, path: &str, tool: &Tool) -> bool {
    match route(providers, "POST", &format!("{path}{}", tool.asks), None) {
        Route::Upstream(to) => {
            let own = to.host.is_none_or(|host| to.provider.base_url.ends_with(&format!("//{host}")));
            own && tool
                .wants
                .is_none_or(|(name, wanted)| to.provider.name == name && to.path_and_query == wanted)
        }
        Route::Health | Route::BedrockHealth | Route::Providers | Route::Refused(_) => false,
    }
}

/// The path of an address of ours; `None` when it is somebody else's.
fn path_here(url: &str, settings: &Settings, port: u16) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (host, number) = match authority.rsplit_once(':') {
        Some((host, number)) => (host, number.parse().ok()?),
        None => (authority, 80),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let local = host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        || settings.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
    (scheme == "http" && local && number == port && port != 0).then(|| path.trim_end_matches('/').to_owned())
}

/// An address without what may be secret in it.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
