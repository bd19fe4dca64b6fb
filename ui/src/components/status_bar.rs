//! The bar below everything: listeners, in flight, recorded and lost, disk, connection. Each with a mark and a word.

use api::Health;
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::browser::utc_offset;
use crate::format::{bytes, plural, thousands, time::Stamp};
use crate::live::{Connection, use_live};
use crate::source::SourceMenu;
use crate::today::use_today;

/// The status bar.
#[component]
pub fn StatusBar(help: RwSignal<bool>) -> impl IntoView {
    let live = use_live();
    let health = move || live.health.get();
    view! {
        <footer class="status" data-testid="stats-bar">
            <Sources />
            <Problems />
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

/// Each listener keeps its place: its menu may be open while health is told anew.
#[component]
fn Sources() -> impl IntoView {
    let live = use_live();
    let names = Memo::new(move |_| {
        let names = |health: &Health| health.sources.iter().map(|source| source.name.clone()).collect();
        live.health.with(|health| health.as_ref().map(names).unwrap_or_else(Vec::new))
    });
    view! { <For each=move || names.get() key=String::clone let(name)><SourceMenu name=name /></For> }
}

#[component]
fn Problems() -> impl IntoView {
    let live = use_live();
    let problems = Memo::new(move |_| {
        live.health.with(|health| health.as_ref().map(|health| health.problems.clone()).unwrap_or_default())
    });
    move || {
        let problems = problems.get();
        let first = problems.first().cloned()?;
        Some(view! {
            <span class="row warn cut" title=problems.join("\n") data-testid="health-problem">
                <Glyph icon=Icon::Triangle small=true />
                <span class="cut">{first}</span>
            </span>
        })
    }
}

/// Today's record. While the store cannot be written, the losses since start are what is known.
#[component]
fn Record(health: Health) -> impl IntoView {
    let today = use_today();
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
    let told = move || {
        today.overview.with(|figures| match figures {
            Some(figures) => {
                let lost = (figures.totals.lost + figures.unrecorded).max(counted.lost);
                let text = format!(
                    "{} recorded today · {} lost",
                    thousands(figures.totals.recorded()),
                    thousands(lost)
                );
                (text, lost)
            }
            None => {
                let text =
                    format!("{} recorded · {} lost", thousands(counted.recorded), thousands(counted.lost));
                (text, counted.lost)
            }
        })
    };
    let told = Memo::new(move |_| told());
    let icon =
        Signal::derive(move || if told.with(|told| told.1) > 0 { Icon::Triangle } else { Icon::Check });
    view! {
        <span class="num row" class:warn=move || told.with(|told| told.1 != 0) title=title data-testid="completeness">
            <Glyph icon=icon small=true />
            {move || told.get().0}
        </span>
        <Unpriced />
        <span class="num disk" title=format!("{} in {}", plural(health.calls, "call", "calls"), health.data_dir)>
            {format!("{} on disk", bytes(health.disk_bytes))}
        </span>
    }
}

/// Today's calls whose cost is not, or not fully, known.
#[component]
fn Unpriced() -> impl IntoView {
    let today = use_today();
    let count = Memo::new(move |_| {
        today.overview.with(|figures| figures.map_or(0, |figures| figures.totals.not_fully_priced))
    });
    view! {
        <Show when=move || { count.get() > 0 }>
            <a class="num row warn" href="/traces?time=today&priced=partly" title="Of today; show them" data-testid="unpriced">
                <Glyph icon=Icon::Half small=true />
                {move || format!("{} not fully priced", thousands(count.get()))}
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
