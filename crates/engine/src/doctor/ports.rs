//! The ports, on both address families: ours and answering, free, or taken and by whom.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use api::SourceState;

use super::probe::{Found, ask};
use super::{Finding, Mark, Patient, holder};
use crate::listen::{ListenError, listen};
use crate::supervisor::{OTLP_GRPC, OTLP_HTTP, PROXY};

/// One of the listeners.
struct Port {
    /// Its name among the sources; the dashboard is none.
    source: Option<&'static str>,
    subject: &'static str,
    service: &'static str,
    path: &'static str,
    variable: &'static str,
    /// What the settings say.
    set: u16,
    /// What the running instance was started with.
    running: Option<u16>,
}

pub(super) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let ports = [
        Port {
            source: Some(PROXY),
            subject: "Proxy port",
            service: "proxy",
            path: "/health",
            variable: "PROXY_PORT",
            set: patient.settings.proxy_port,
            running: patient.instance.as_ref().map(|instance| instance.proxy_port),
        },
        Port {
            source: None,
            subject: "Dashboard port",
            service: "dashboard",
            path: "/api/health",
            variable: "DASHBOARD_PORT",
            set: patient.settings.dashboard_port,
            running: patient.instance.as_ref().map(|instance| instance.dashboard_port),
        },
        Port {
            source: Some(OTLP_HTTP),
            subject: "OTLP port (HTTP)",
            service: "otlp",
            path: "/health",
            variable: "OTLP_HTTP_PORT",
            set: patient.settings.otlp_http_port,
            running: patient.instance.as_ref().map(|instance| instance.otlp_http_port),
        },
        Port {
            source: Some(OTLP_GRPC),
            subject: "OTLP port (gRPC)",
            service: "otlp",
            path: "/health",
            variable: "OTLP_GRPC_PORT",
            set: patient.settings.otlp_grpc_port,
            running: patient.instance.as_ref().map(|instance| instance.otlp_grpc_port),
        },
    ];
    let mut findings = Vec::new();
    for port in ports {
        match port.running {
            Some(number) => {
                findings.push(served(patient, &port, number).await);
                if number != port.set {
                    let says = format!(
                        "LLMFlow runs on {number}, the settings say {}; they take effect at its next start.",
                        port.set
                    );
                    findings.push(Finding::new(port.subject, Mark::Note, says));
                }
            }
            None => findings.push(free(&port).await),
        }
    }
    findings
}

/// A port that the running instance should listen on.
async fn served(patient: &Patient<'_>, port: &Port, number: u16) -> Finding {
    let found = |mark, says: String| Finding::new(port.subject, mark, says);
    if number == 0 {
        return found(Mark::Ok, "It is switched off in the settings.".into());
    }
    if let Some(name) = port.source
        && let Some(finding) = switched(patient, &found, name, number)
    {
        return finding;
    }
    let (four, six) =
        (SocketAddr::from((Ipv4Addr::LOCALHOST, number)), SocketAddr::from((Ipv6Addr::LOCALHOST, number)));
    let answers = async |address| matches!(ask(address, port.path, port.service).await, Found::Us(_));
    match (answers(four).await, answers(six).await) {
        (true, true) => found(Mark::Ok, format!("LLMFlow answers on {four} and {six}.")),
        (true, false) if !has_ipv6() => {
            found(Mark::Ok, format!("LLMFlow answers on {four}; this machine has no IPv6."))
        }
        (false, false) => {
            found(Mark::Fail, format!("LLMFlow runs but does not answer on port {number}{}.", by(number)))
                .remedy(format!(
                    "Its log says why. Choose another port with {} and start it again.",
                    port.variable
                ))
        }
        (four_answers, _) => {
            let (answering, silent) = if four_answers { (four, six) } else { (six, four) };
            found(Mark::Warn, format!("LLMFlow answers on {answering} and not on {silent}; clients that say localhost may mean either."))
                .remedy("Start LLMFlow again.")
        }
    }
}

/// A listener that somebody switched, or that could not start.
fn switched(
    patient: &Patient<'_>,
    found: &dyn Fn(Mark, String) -> Finding,
    name: &str,
    number: u16,
) -> Option<Finding> {
    let source = patient.health.as_ref()?.sources.iter().find(|source| source.name == name)?;
    if name != PROXY {
        return switched_otlp(&source.state, found, number);
    }
    match &source.state {
        SourceState::Running { .. } => None,
        SourceState::Paused { .. } => Some(
            found(
                Mark::Warn,
                format!("LLMFlow forwards on port {number} and records nothing: recording is paused."),
            )
            .remedy("llmflow proxy resume"),
        ),
        SourceState::Stopped => Some(
            found(Mark::Warn, "The proxy is switched off: tools that point at it fail.".into())
                .remedy("llmflow proxy on"),
        ),
        SourceState::Failed { message } => Some(
            found(Mark::Fail, format!("The proxy does not listen: {message}{}.", by(number)))
                .remedy("Then: llmflow proxy on"),
        ),
    }
}

/// The same of a collector, without which everything else goes on.
fn switched_otlp(
    state: &SourceState,
    found: &dyn Fn(Mark, String) -> Finding,
    number: u16,
) -> Option<Finding> {
    match state {
        SourceState::Running { .. } => None,
        SourceState::Paused { .. } => Some(
            found(
                Mark::Warn,
                format!("It is paused: who sends to port {number} is told that nothing is kept."),
            )
            .remedy("Resume it on the dashboard."),
        ),
        SourceState::Stopped => Some(
            found(Mark::Warn, "It is switched off: what tools report there is not kept.".into())
                .remedy("Switch it on on the dashboard."),
        ),
        SourceState::Failed { message } => {
            Some(found(Mark::Warn, format!("It does not listen: {message}{}.", by(number))).remedy(
                "Let the other program go, or set the port to 0 and send OTLP to the dashboard's port.",
            ))
        }
    }
}

/// A port that is to be free, since nothing of ours runs.
async fn free(port: &Port) -> Finding {
    let (subject, number) = (port.subject, port.set);
    if number == 0 {
        return Finding::new(subject, Mark::Ok, "It is switched off in the settings.");
    }
    let Err(error) = listen(None, number, port.variable).await else {
        return Finding::new(subject, Mark::Ok, format!("Port {number} is free; LLMFlow does not run."));
    };
    if let Found::Us(_) = ask((Ipv4Addr::LOCALHOST, number).into(), port.path, port.service).await {
        let says = format!("Port {number} belongs to an LLMFlow with another data folder{}.", by(number));
        return Finding::new(subject, Mark::Fail, says).remedy(format!(
            "Use that one by setting DATA_DIR to its folder, or choose another port with {}.",
            port.variable
        ));
    }
    // Without its port the collector is on the dashboard's.
    let mark = if matches!(port.source, Some(OTLP_HTTP | OTLP_GRPC)) { Mark::Warn } else { Mark::Fail };
    match error {
        ListenError::Taken { .. } => {
            Finding::new(subject, mark, format!("Port {number} is taken{}.", by(number)))
                .remedy(format!("Stop that program, or choose another port with {}.", port.variable))
        }
        ListenError::Other { cause, .. } => {
            Finding::new(subject, mark, format!("Port {number} cannot be listened on: {cause}."))
                .remedy(format!("Choose another port with {}.", port.variable))
        }
    }
}

/// Who holds a port, as far as this account may see.
fn by(port: u16) -> String {
    match holder::of(port) {
        Some((process, name)) => format!(" by process {process} ({name})"),
        None => String::new(),
    }
}

fn has_ipv6() -> bool {
    std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}
