//! The figures that come first: spend, savings, tokens, first token, errors.

use api::{Outcome, ReplayTotals, Totals};
use leptos::prelude::*;

use super::Page;
use super::panel::Figured;
use super::spark::{ErrorSpark, LatencySpark};
use super::spend::{self, STEP_MS, Spend, Spends};
use crate::backend::use_backend;
use crate::components::icon::{Glyph, Icon};
use crate::fetch::fetch;
use crate::filter::View;
use crate::format::{duration, money, percent, plural, share, short, thousands};
use crate::live::use_live;
use crate::provenance::{SumText, change, of_sum, sum_text};

/// The strip.
#[component]
pub fn Kpi() -> impl IntoView {
    let page = expect_context::<Page>();
    let part = page.part(|figures| {
        let times = (figures.first_token, figures.parts.clone());
        (figures.totals, figures.replays, times, figures.price_date.clone())
    });
    let backend = use_backend();
    let live = use_live();
    let step = Memo::new(move |_| live.now.get() / STEP_MS);
    let spends = fetch(
        true,
        move || {
            page.pulse.track();
            Some(step.get())
        },
        move |_| page.pulse.heed(spend::ask(backend)),
    );
    let spends = Memo::new(move |_| spends.with(|spends| spends.copied()));
    view! {
        <section class="panel kpi" aria-label="Today's figures">
            <Figured part=part what="Today's figures could not be loaded" rows=2 draw=move |(totals, replays, (first_token, parts), date)| {
                view! {
                    <Money totals=totals replays=replays spends=spends date=date />
                    <Saved totals=totals />
                    <Tokens totals=totals />
                    <a class="kp" href=page.calls(|view| view.filter.first_token = Some(true)) data-testid="kpi-first-token"
                        title=format!("Over {} today whose first token was timed; streams only", plural(first_token.calls, "call", "calls"))>
                        <div class="lab">"First token"<span class="end"><LatencySpark parts=parts.clone() /></span></div>
                        <div class="fig2 num">{first_token.p50_us.map_or_else(dash, duration)}</div>
                        <div class="cap num">"p50, "<span class="t2">"p95 "{first_token.p95_us.map_or_else(dash, duration)}</span></div>
                    </a>
                    <a class="kp" href=page.calls(|view| view.filter.outcome = Some(Outcome::Error)) data-testid="kpi-errors"
                        title="Status from 400, cut answers, errors inside streams, no upstream. A client that left is none.">
                        <div class="lab">"Errors"<span class="end"><ErrorSpark parts=parts /></span></div>
                        <div class="fig2 num">{thousands(totals.errors)}</div>
                        <div class="cap num">{format!("{} of {}", share(totals.errors, totals.calls), plural(totals.calls, "call", "calls"))}</div>
                    </a>
                }
                .into_any()
            } />
        </section>
    }
}

fn dash() -> String {
    "–".to_owned()
}

#[component]
fn Money(totals: Totals, replays: ReplayTotals, spends: Memo<Option<Spends>>, date: String) -> impl IntoView {
    let page = expect_context::<Page>();
    let unsure = totals.not_fully_priced;
    let today = Spend { now: totals, ..Spend::default() };
    let before = move || spends.get().map(|spends| spends.today.before);
    let longer = move |label: &'static str, testid: &'static str, of: fn(&Spends) -> Spend, date: String| {
        move || {
            spends.get().map(|spends| {
                let spend = of(&spends);
                let mut view = View::default();
                view.filter.from_ms = Some(spend.from_ms);
                view! {
                    <a href=view.address() title=titled(&spend, &format!("in {label}, today included"), &date) data-testid=testid>
                        <div class="fig2 num">{figure(&spend.now)}</div>
                        <div class="cap">{label}" "<Change spend=spend /></div>
                    </a>
                }
            })
        }
    };
    view! {
        <div class="kp spend">
            <div class="lab">
                "Spend"
                {(unsure > 0).then(|| view! {
                    <a class="num warn end" href=page.calls(|view| view.filter.not_fully_priced = Some(true))
                        title="Unknown price or usage, or usage that was only partly reported" data-testid="kpi-unpriced">
                        <Glyph icon=Icon::Half small=true />" "{format!("and {} not fully priced", thousands(unsure))}
                    </a>
                })}
            </div>
            <div class="figs">
                <a href=page.calls(|_| ()) data-testid="spend-today" title=titled(&today, "today", &date)>
                    <div class="fig num">{figure(&totals)}</div>
                    <div class="cap">
                        "today "
                        {move || before().map(|before| view! { <Change spend=Spend { before, ..today } /> })}
                        {(totals.subscription > 0).then(|| view! {
                            <span class="t3 num" data-testid="kpi-equivalent"
                                title=format!("What {} paid for by a subscription would have cost by the API; not spent, and not in the sum", plural(totals.subscription, "call", "calls"))>
                                {format!(" + {} API-equivalent", money(totals.equivalent, 2))}
                            </span>
                        })}
                        {(replays.calls > 0).then(|| view! {
                            <span class="t3 num" data-testid="kpi-replays" title=replayed(&replays)>
                                {format!(" + {} replays", money(replays.cost, 2))}
                            </span>
                        })}
                    </div>
                </a>
                {longer("7 days", "spend-7d", |spends| spends.week, date.clone())}
                {longer("30 days", "spend-30d", |spends| spends.month, date)}
            </div>
        </div>
    }
}

/// What recorded calls cost that were sent again, in words.
fn replayed(replays: &ReplayTotals) -> String {
    let unpriced = match replays.unpriced {
        0 => String::new(),
        unpriced => format!("; the cost of {} is not known", thousands(unpriced)),
    };
    let calls = plural(replays.calls, "recorded call", "recorded calls");
    format!("{calls} sent again from here for {}; not in the sum{unpriced}", money(replays.cost, 6))
}

fn titled(spend: &Spend, when: &str, date: &str) -> String {
    of_sum(&spend.now, when, date)
}

fn figure(totals: &Totals) -> AnyView {
    match sum_text(totals) {
        SumText::Amount { text, .. } => text.into_any(),
        SumText::Unknown => view! { <span class="unknown">"unknown"</span> }.into_any(),
        SumText::Local => view! { <span class="t3">"local"</span> }.into_any(),
    }
}

/// How much more or less than in the stretch before, up to the same time of day.
#[component]
fn Change(spend: Spend) -> impl IntoView {
    let percent = change(spend.now.cost.pico(), spend.before.cost.pico())?;
    let title = format!("{} in the stretch before, up to the same time of day", money(spend.before.cost, 2));
    let (icon, text) = match percent {
        0 => (None, "±0%".to_owned()),
        1..1_000 => (Some(Icon::ArrowUp), format!("{percent}%")),
        1_000.. => (Some(Icon::ArrowUp), format!("× {}", thousands((percent / 100 + 1).unsigned_abs()))),
        _ => (Some(Icon::ArrowDown), format!("{}%", -percent)),
    };
    Some(view! {
        <span class="num dl" title=title>{icon.map(|icon| view! { <Glyph icon=icon small=true /> })}{text}</span>
    })
}

#[component]
fn Saved(totals: Totals) -> impl IntoView {
    let page = expect_context::<Page>();
    let read = totals.usage.cache_read.unwrap_or(0);
    let prompt = totals.usage.prompt_total().unwrap_or(0);
    let unknown = totals.saved_unknown;
    let title = format!(
        "Cached input at the uncached price, less what it cost, less the premium for writing to the cache.\n\
         {} of {} prompt tokens were read from a cache.\n{}",
        thousands(read),
        thousands(prompt),
        match unknown {
            0 => "Known for every call.".to_owned(),
            calls => format!("Unknown for {}, which are not in it.", plural(calls, "call", "calls")),
        }
    );
    let known = totals.calls == 0 || unknown < totals.calls.saturating_sub(totals.open).max(1);
    let class = if totals.saved.pico() > 0 { "fig2 num ok" } else { "fig2 num" };
    let caption = match unknown {
        0 => "today, after paying for writes".to_owned(),
        calls => format!("today, net; {} unknown", thousands(calls)),
    };
    view! {
        <a class="kp" title=title data-testid="kpi-saved"
            href=page.calls(|view| view.filter.bucket = Some(api::Bucket::CacheRead))>
            <div class="lab">"Saved by cache"<span class="end num t3">{format!("{} read", percent(read, prompt))}</span></div>
            {if known {
                view! { <div class=class>{money(totals.saved, 2)}</div> }.into_any()
            } else {
                view! { <div class="fig2"><span class="unknown">"unknown"</span></div> }.into_any()
            }}
            <div class="cap">{caption}</div>
        </a>
    }
}

#[component]
fn Tokens(totals: Totals) -> impl IntoView {
    let page = expect_context::<Page>();
    let prompt = totals.usage.prompt_total().unwrap_or(0);
    let output = totals.usage.output.unwrap_or(0);
    let title = format!(
        "{} read by models, {} written by them, as providers reported",
        thousands(prompt),
        thousands(output)
    );
    view! {
        <a class="kp" title=title data-testid="kpi-tokens" href=page.calls(|_| ())>
            <div class="lab">"Tokens"</div>
            <div class="fig2 num">{short(prompt + output)}</div>
            <div class="cap num">{format!("{} in, {} out", short(prompt), short(output))}</div>
        </a>
    }
}
