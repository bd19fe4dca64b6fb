//! The bar below everything: listeners, in flight, recorded and lost, disk, connection. Each with a mark and a word.

use api::{Health, SourceState, SourceStatus};
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::browser::utc_offset;
use crate::format::{bytes, plural, thousands, time::Stamp};
use crate::live::{Connection, use_live};

/// The status bar.
#[component]
pub fn StatusBar(help: RwSignal<bool>) -> impl IntoView {
    let live = use_live();
    let health = move || live.health.get();
    view! {
        <footer class="status" data-testid="stats-bar">
            {move || health().map(|health| view! { <Sources health=health /> })}
            <span class="end"></span>
            <span class="num row" data-testid="in-flight-count">
                <Glyph icon=Icon::Play small=true />
                {move || format!("{} in flight", thousands(live.flying.with(|flying| flying.total)))}
            </span>
            {move || health().map(|health| view! { <Record health=health /> })}
            <ConnectionState />
            <button type="button" class="help" title="All keys (?)" aria-label="All keys" on:click=move |_| help.set(true)>
                <kbd>"?"</kbd>
            </button>
        </footer>
    }
}

#[component]
fn Sources(health: Health) -> impl IntoView {
    let problems = health.problems.clone();
    let first = problems.first().cloned();
    view! {
        {health.sources.into_iter().map(|source| view! { <Source source=source /> }).collect_view()}
        {first
            .map(|first| {
                view! {
                    <span class="row warn cut" title=problems.join("\n") data-testid="health-problem">
                        <Glyph icon=Icon::Triangle small=true />
                        <span class="cut">{first}</span>
                    </span>
                }
            })}
    }
}

#[component]
fn Source(source: SourceStatus) -> impl IntoView {
    let mut name = source.name.clone();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let (dot, detail, title) = match source.state {
        SourceState::Running { addresses } => {
            let ports: Vec<String> = addresses
                .iter()
                .filter_map(|address| Some(format!(":{}", address.rsplit_once(':')?.1)))
                .collect();
            let mut ports = ports;
            ports.dedup();
            ("dot live", ports.join(" "), format!("Listens on {}", addresses.join(", ")))
        }
        SourceState::Paused { addresses } => (
            "dot warn",
            "paused".to_owned(),
            format!("Forwards on {}, records nothing", addresses.join(", ")),
        ),
        SourceState::Stopped => ("dot off", "off".to_owned(), "Switched off".to_owned()),
        SourceState::Failed { message } => ("dot err", "failed".to_owned(), message),
    };
    let detail_class = if dot == "dot live" { "mono" } else { "" };
    view! {
        <span class="row" title=title data-testid=format!("source-{}", source.name)>
            <i class=dot></i>{name}" "<span class=detail_class>{detail}</span>
        </span>
    }
}

#[component]
fn Record(health: Health) -> impl IntoView {
    let counted = health.completeness;
    let title = format!(
        "Since start: {} reached the proxy, {} recorded, {} open, {} lost, {} bodies cut. {} calls in the store.",
        thousands(counted.seen),
        thousands(counted.recorded),
        thousands(counted.open),
        thousands(counted.lost),
        thousands(counted.cut),
        thousands(health.calls),
    );
    let (icon, class) =
        if counted.lost > 0 { (Icon::Triangle, "num row warn") } else { (Icon::Check, "num row") };
    view! {
        <span class=class title=title data-testid="completeness">
            <Glyph icon=icon small=true />
            {format!("{} recorded · {} lost", thousands(counted.recorded), thousands(counted.lost))}
        </span>
        <Unpriced />
        <span class="num" title=format!("{} in {}", plural(health.calls, "call", "calls"), health.data_dir)>
            {format!("{} on disk", bytes(health.disk_bytes))}
        </span>
    }
}

#[component]
fn Unpriced() -> impl IntoView {
    let live = use_live();
    let count = move || live.unpriced.get();
    view! {
        <Show when=move || { count() > 0 }>
            <a class="num row warn" href="/traces?price=unknown" title="Show them" data-testid="unpriced">
                <Glyph icon=Icon::Half small=true />
                {move || format!("{} not fully priced", thousands(count()))}
            </a>
        </Show>
    }
}

#[component]
fn ConnectionState() -> impl IntoView {
    let live = use_live();
    let shown = move || match live.connection.get() {
        Connection::Connected => ("row", "dot", "Connected".to_owned()),
        Connection::Connecting => ("row", "dot off", "Connecting".to_owned()),
        Connection::Lost(since) => {
            let clock = Stamp::new(since, utc_offset(since)).clock();
            ("row warn", "dot warn", format!("Connection lost, data of {clock}"))
        }
    };
    view! {
        <span class=move || shown().0 data-testid="connection-status" role="status">
            <i class=move || shown().1></i>{move || shown().2}
        </span>
    }
}
