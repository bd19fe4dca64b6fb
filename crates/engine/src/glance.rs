//! What a tray says at a glance: today's spend, how the proxy is, what switching it would do. Pure; leaves out
//! drawing it and asking for the facts.

use api::{Health, Money, SourceState, SourceTarget, Stats, Stranded};

/// Tools named in one menu; the rest is counted.
const NAMED: usize = 6;

/// How the proxy is, in one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// It forwards and records.
    Recording,
    /// It forwards, or is off: nothing is recorded, as somebody wished.
    Paused,
    /// It does not run, or something is wrong.
    Failed,
}

/// A switch that is offered: its words and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The words.
    pub label: &'static str,
    /// What the proxy is to do.
    pub to: SourceTarget,
}

/// Everything a tray shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// "Today $28.36 · 1,284 calls".
    pub spend: String,
    /// "Recording on port 8080".
    pub status: String,
    /// The picture that goes with it.
    pub picture: Picture,
    /// Pausing or resuming; `None` while the proxy is off.
    pub pause: Option<Switch>,
    /// Turning the proxy off, or on.
    pub power: Switch,
    /// Whom turning it off would strand, a line each; empty while it is off.
    pub stranded: Vec<String>,
    /// The proxy's port, when it listens.
    pub port: Option<u16>,
}

impl Glance {
    /// Without an LLMFlow there is nothing to switch.
    pub fn nothing() -> Self {
        Self {
            spend: "LLMFlow does not run".to_owned(),
            status: "Open the window to start it".to_owned(),
            picture: Picture::Failed,
            pause: None,
            power: ON,
            stranded: Vec::new(),
            port: None,
        }
    }

    /// From today's totals, from how everything is, and from who uses the proxy.
    pub fn of(today: &Stats, health: &Health, stranded: &[Stranded]) -> Self {
        let proxy = health.sources.iter().find(|source| source.name == "proxy").map(|source| &source.state);
        let (status, picture, pause, power) = match proxy {
            Some(SourceState::Running { addresses }) => {
                let picture = if health.completeness.lost > 0 { Picture::Failed } else { Picture::Recording };
                match &health.cannot_store {
                    Some(_) => (unstored(health.completeness.waiting), Picture::Failed, Some(PAUSE), OFF),
                    None => (format!("Recording on {}", place(addresses)), picture, Some(PAUSE), OFF),
                }
            }
            Some(SourceState::Paused { addresses }) => {
                let status = format!("Paused: {} forwards, nothing is recorded", place(addresses));
                (status, Picture::Paused, Some(RESUME), OFF)
            }
            Some(SourceState::Failed { message }) => {
                (format!("Proxy failed: {}", short(message)), Picture::Failed, None, ON)
            }
            Some(SourceState::Stopped) | None => ("Proxy is off".to_owned(), Picture::Paused, None, ON),
        };
        let stranded = if power == OFF { lines(stranded) } else { Vec::new() };
        Self { spend: spend(today), status, picture, pause, power, stranded, port: proxy.and_then(port) }
    }
}

const PAUSE: Switch = Switch { label: "Pause recording", to: SourceTarget::Paused };
const RESUME: Switch = Switch { label: "Resume recording", to: SourceTarget::Resumed };
const OFF: Switch = Switch { label: "Turn proxy off", to: SourceTarget::Stopped };
const ON: Switch = Switch { label: "Turn proxy on", to: SourceTarget::Running };

fn unstored(waiting: u64) -> String {
    format!("Cannot store: {} waiting", counted(waiting, "call"))
}

fn port(state: &SourceState) -> Option<u16> {
    match state {
        SourceState::Running { addresses } | SourceState::Paused { addresses } => {
            addresses.first()?.rsplit_once(':')?.1.parse().ok()
        }
        SourceState::Stopped | SourceState::Failed { .. } => None,
    }
}

fn place(addresses: &[String]) -> String {
    let port = addresses.first().and_then(|address| Some(address.rsplit_once(':')?.1));
    port.map_or_else(|| "no port".to_owned(), |port| format!("port {port}"))
}

/// What fits into a menu; the whole message is in the window.
fn short(message: &str) -> &str {
    message.split([';', ':']).next().unwrap_or(message)
}

fn spend(today: &Stats) -> String {
    let calls = counted(today.calls, "call");
    let unknown =
        if today.unpriced > 0 { format!(" · {} without a price", today.unpriced) } else { String::new() };
    format!("Today {} · {calls}{unknown}", dollars(today.cost))
}

fn lines(stranded: &[Stranded]) -> Vec<String> {
    if stranded.is_empty() {
        return vec!["No tool used it within a day".to_owned()];
    }
    let mut lines: Vec<String> = stranded.iter().take(NAMED).map(line).collect();
    let more = stranded.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn line(stranded: &Stranded) -> String {
    let name = stranded.client.as_deref().map_or("Unknown tools", name);
    let under_way = if stranded.open > 0 { format!(", {} under way", stranded.open) } else { String::new() };
    format!("{name}: {} in 24 hours{under_way}", counted(stranded.calls, "call"))
}

fn name(client: &str) -> &str {
    let known = api::connect::Tool::ALL.into_iter().find(|tool| tool.key() == client);
    known.map_or(client, |tool| tool.name())
}

fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// Dollars and cents, rounded half away from zero; what would round to nothing says so.
fn dollars(amount: Money) -> String {
    const CENT: u64 = 10_000_000_000;
    let magnitude = amount.pico().unsigned_abs();
    let sign = if amount.pico() < 0 { "-" } else { "" };
    if magnitude > 0 && magnitude < CENT {
        return format!("{sign}<$0.01");
    }
    let cents = (magnitude + CENT / 2) / CENT;
    format!("{sign}${}.{:02}", thousands(cents / 100), cents % 100)
}

fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use api::{Completeness, HealthStatus, SourceStatus};

    use super::*;

    fn health(state: SourceState) -> Health {
        Health {
            status: HealthStatus::Ok,
            version: String::new(),
            uptime_s: 0,
            sources: vec![SourceStatus { name: "proxy".to_owned(), state }],
            completeness: Completeness::default(),
            collected: api::Collected::default(),
            calls: 0,
            disk_bytes: 0,
            retention: api::Retention::default(),
            data_dir: String::new(),
            price_date: String::new(),
            cannot_store: None,
            problems: Vec::new(),
        }
    }

    fn addresses() -> Vec<String> {
        vec!["127.0.0.1:8080".to_owned(), "[::1]:8080".to_owned()]
    }

    fn tool(client: Option<&str>, calls: u64, open: u64) -> Stranded {
        Stranded { client: client.map(str::to_owned), calls, open, last_ms: 0 }
    }

    #[test]
    fn todays_spend_is_said_in_cents() {
        let said = |pico, calls, unpriced| {
            spend(&Stats { cost: Money::from_pico(pico), calls, unpriced, ..Stats::default() })
        };
        assert_eq!(said(28_361_000_000_000, 1_284, 0), "Today $28.36 · 1,284 calls");
        assert_eq!(said(0, 0, 0), "Today $0.00 · 0 calls");
        assert_eq!(said(4_000_000_000, 1, 1), "Today <$0.01 · 1 call · 1 without a price");
        assert_eq!(said(1_234_995_000_000_000, 2, 0), "Today $1,235.00 · 2 calls");
    }

    #[test]
    fn while_it_runs_it_can_be_paused_and_turned_off() {
        let used = [tool(Some("claude-code"), 31, 1), tool(None, 1, 0), tool(Some("my-script"), 1_200, 0)];
        let glance =
            Glance::of(&Stats::default(), &health(SourceState::Running { addresses: addresses() }), &used);
        assert_eq!(glance.status, "Recording on port 8080");
        assert_eq!((glance.picture, glance.port), (Picture::Recording, Some(8080)));
        assert_eq!((glance.pause, glance.power), (Some(PAUSE), OFF));
        assert_eq!(
            glance.stranded,
            [
                "Claude Code: 31 calls in 24 hours, 1 under way",
                "Unknown tools: 1 call in 24 hours",
                "my-script: 1,200 calls in 24 hours",
            ]
        );
    }

    #[test]
    fn paused_off_and_failed_say_what_they_are() {
        let of = |state| Glance::of(&Stats::default(), &health(state), &[]);
        let paused = of(SourceState::Paused { addresses: addresses() });
        assert_eq!(paused.status, "Paused: port 8080 forwards, nothing is recorded");
        assert_eq!((paused.picture, paused.pause, paused.power), (Picture::Paused, Some(RESUME), OFF));
        assert_eq!(paused.stranded, ["No tool used it within a day"]);
        let off = of(SourceState::Stopped);
        assert_eq!((off.status.as_str(), off.pause, off.power), ("Proxy is off", None, ON));
        assert!(off.stranded.is_empty() && off.port.is_none());
        let failed = of(SourceState::Failed {
            message: "port 8080 is taken by another program; stop that program".to_owned(),
        });
        assert_eq!(failed.status, "Proxy failed: port 8080 is taken by another program");
        assert_eq!(failed.picture, Picture::Failed);
    }

    #[test]
    fn lost_calls_and_long_lists_show() {
        let mut bad = health(SourceState::Running { addresses: addresses() });
        bad.completeness.lost = 2;
        let many: Vec<Stranded> = (0..9).map(|_| tool(None, 1, 0)).collect();
        let glance = Glance::of(&Stats::default(), &bad, &many);
        assert_eq!(glance.picture, Picture::Failed);
        assert_eq!(glance.stranded.len(), 7);
        assert_eq!(glance.stranded[6], "and 3 more");
        bad.completeness = Completeness { waiting: 12, ..Completeness::default() };
        bad.cannot_store = Some("database or disk is full".to_owned());
        let glance = Glance::of(&Stats::default(), &bad, &[]);
        assert_eq!(
            (glance.status.as_str(), glance.picture),
            ("Cannot store: 12 calls waiting", Picture::Failed)
        );
    }
}
