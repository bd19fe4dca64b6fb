//! Refreshing prices and pricing calls again: the buttons, what came of them, and the audit.

use api::{PriceRefresh, RepriceScope, Repricing, RepricingState};
use leptos::prelude::*;

use super::{Page, words};
use crate::backend::use_backend;
use crate::browser::utc_offset;
use crate::change::Change;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::Refused;
use crate::components::two_step::TwoStep;
use crate::format::thousands;
use crate::format::time::Stamp;

/// What the buttons of the bar and the notices share.
#[derive(Clone, Copy)]
pub struct Doing {
    refreshing: Change,
    pricing: Change,
    /// What the last refresh said.
    told: RwSignal<Option<PriceRefresh>>,
}

impl Doing {
    pub fn new() -> Self {
        Self { refreshing: Change::new(), pricing: Change::new(), told: RwSignal::new(None) }
    }
}

/// The page's buttons.
#[component]
pub fn Actions() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let Doing { refreshing, pricing, told } = page.doing;
    let url = move || {
        let url = page.shown.with(|shown| shown.map(|shown| shown.tables.url.clone()).unwrap_or_default());
        format!("Fetches the price table from {url}. Nothing is sent but the request; calls keep their cost.")
    };
    let refresh = move |_| {
        told.set(None);
        refreshing.run(backend.refresh_prices(), move |refresh| {
            told.try_set(Some(refresh));
            page.shown.retry();
        });
    };
    let look = move |_| {
        pricing.run(backend.reprice(RepriceScope::default(), true), move |_| page.shown.retry());
    };
    let reprice = move |()| {
        pricing.run(backend.reprice(RepriceScope::default(), false), move |_| page.shown.retry());
    };
    let question =
        Signal::derive(|| "Every call by the prices of its own time; an audit row is kept.".to_owned());
    view! {
        <button type="button" class="btn sm" title=url data-testid="refresh-prices" disabled=move || refreshing.busy.get() on:click=refresh>
            {move || if refreshing.busy.get() { "Refreshing" } else { "Refresh prices" }}
        </button>
        <button type="button" class="btn sm" title="Says what pricing every call again would change, and changes nothing" data-testid="reprice-look" disabled=move || pricing.busy.get() on:click=look>"Preview"</button>
        <TwoStep label="Price again" yes_label="Price again" question=question yes=reprice disabled=pricing.busy testid="reprice" />
    }
}

/// What is wrong, what is under way, and what came of it.
#[component]
pub fn Notices() -> impl IntoView {
    let page = expect_context::<Page>();
    let Doing { refreshing, pricing, told } = page.doing;
    let trouble = move || {
        page.shown.with(|shown| {
            let tables = &shown?.tables;
            let reason = tables.trouble.clone()?;
            Some(format!(
                "Your own prices cannot be used: {reason}. Mend {} by hand, then start LLMFlow again.",
                tables.own_file
            ))
        })
    };
    let latest = Memo::new(move |_| {
        page.shown
            .with(|shown| shown?.repricings.first().cloned())
            .filter(|run| run.dry_run || run.state == RepricingState::Running)
    });
    view! {
        {move || trouble().map(|text| view! { <div class="notice warn" role="alert"><Glyph icon=Icon::Triangle small=true /><span class="grow">{text}</span></div> })}
        <Refused error=refreshing.refused /><Refused error=pricing.refused />
        {move || told.get().map(|refresh| view! {
            <div class="notice" role="status" data-testid="refreshed"><Glyph icon=Icon::Check small=true /><span class="grow">{refreshed(&refresh)}</span></div>
        })}
        {move || latest.get().map(|run| view! {
            <div class="notice" role="status" data-testid="repricing"><Glyph icon=Icon::Clock small=true /><span class="grow">{words::run(&run)}</span></div>
        })}
    }
}

fn refreshed(refresh: &PriceRefresh) -> String {
    match refresh.new + refresh.changed {
        0 => format!("The table has {} models, and nothing in it is new.", thousands(refresh.models)),
        _ => format!(
            "{} models are new and {} have other prices, from {} on. Recorded calls keep their cost until they are priced again.",
            thousands(refresh.new),
            thousands(refresh.changed),
            refresh.valid_from
        ),
    }
}

/// Who priced what again, and which tables were taken in.
#[component]
pub fn Audit() -> impl IntoView {
    let page = expect_context::<Page>();
    let runs = move || {
        page.shown.with(|shown| {
            let runs = shown.map(|shown| shown.repricings.clone()).unwrap_or_default();
            runs.into_iter().filter(|run| !run.dry_run).collect::<Vec<_>>()
        })
    };
    let refreshes = move || {
        page.shown.with(|shown| shown.map(|shown| shown.tables.refreshes.clone()).unwrap_or_default())
    };
    let stamp = |ms: i64| {
        let stamp = Stamp::new(ms, utc_offset(ms));
        format!("{} {}", stamp.date(), stamp.short_clock())
    };
    let run_row = move |run: Repricing| {
        view! {
            <div class="row g3 auditrow" data-testid="audit-row">
                <span class="num t2 nw">{stamp(run.at_ms)}</span>
                <span class="grow">{words::run(&run)}<span class="t3">{format!(" · by {} · {}", run.by, run.version)}</span>{run.error.map(|error| view! { <span class="err">{format!(" {error}")}</span> })}</span>
            </div>
        }
    };
    let refresh_row = move |refresh: PriceRefresh| {
        view! {
            <div class="row g3 auditrow" data-testid="refresh-row">
                <span class="num t2 nw">{stamp(refresh.at_ms)}</span>
                <span class="grow">{format!("{} new, {} changed, from {} on", thousands(refresh.new), thousands(refresh.changed), refresh.valid_from)}<span class="t3">{format!(" · {} · SHA-256 {}", refresh.source, refresh.sha256.get(..12).unwrap_or_default())}</span></span>
            </div>
        }
    };
    view! {
        <section class="pricebook" aria-label="Audit">
            <div class="sh"><h3>"Priced again"</h3></div>
            {move || runs().is_empty().then(|| view! { <p class="explain nothing">"No call was ever priced again: every cost is the one of its own time."</p> })}
            {move || runs().into_iter().map(run_row).collect_view()}
            {move || (!refreshes().is_empty()).then(|| view! { <div class="sh"><h3>"Refreshed"</h3></div> })}
            {move || refreshes().into_iter().map(refresh_row).collect_view()}
        </section>
    }
}
