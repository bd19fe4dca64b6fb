//! The completeness meter: of the calls of some days what was seen, recorded, priced and lost, by tool and day, and why;
//! beside it what was counted since start. Owns the address, what is asked and the keys.

mod figures;
mod tables;

use api::MeterCount;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use super::tabs::{OTHER, Tabs};
use crate::backend::use_backend;
use crate::browser::{is_on_control, midnight, now_ms, on_key, press, set_title};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::top_bar::{LiveButton, TopBar};
use crate::fetch::{Fetched, fetch};
use crate::format::{percent, thousands};
use crate::live::use_live;
use crate::today::Pulse;
use figures::{Figures, Line, MeterView, Part, RANGES, days};

const HOUR_MS: i64 = 3_600_000;

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Page {
    view: Memo<MeterView>,
    fetched: Fetched<Figures>,
    go: Callback<MeterView>,
}

/// The page.
#[component]
pub fn MeterPage() -> impl IntoView {
    set_title("Completeness");
    let (backend, live, navigate) = (use_backend(), use_live(), use_navigate());
    let search = use_location().search;
    let view = Memo::new(move |_| search.with(|search| MeterView::parse(search)));
    let go = Callback::new(move |view: MeterView| {
        let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        navigate(&view.address(), options);
    });
    let pulse = Pulse::start(live);
    let hour = Memo::new(move |_| live.now.get().div_euclid(HOUR_MS));
    // A loss is known by the counters at once, also when it leaves no row.
    let lost =
        Memo::new(move |_| live.health.with(|health| health.as_ref().map(|health| health.completeness.lost)));
    let fetched = fetch(
        true,
        move || {
            pulse.track();
            hour.track();
            lost.track();
            Some(view.get())
        },
        move |view: MeterView| {
            let now = now_ms();
            let bounds = days(view.range, |day| midnight(now, day));
            pulse.heed(async move {
                let meter = backend.meter(bounds.clone()).await?;
                Ok(Figures::new(view, &bounds, &meter))
            })
        },
    );
    let page = Page { view, fetched, go };
    provide_context(page);
    on_key(move |event| {
        match event.key().as_str() {
            "Enter" | " " if is_on_control(event) => return false,
            " " => live.paused.update(|paused| *paused = !*paused),
            "[" | "]" => press(OTHER),
            "Escape" if page.view.with_untracked(|view| view.tool.is_some()) => {
                page.go.run(MeterView { tool: None, ..page.view.get_untracked() });
            }
            _ => return false,
        }
        true
    });
    let loaded = Memo::new(move |_| fetched.with(|figures| figures.is_some()));
    let error = Memo::new(move |_| fetched.error());
    let body = move || match (loaded.get(), error.get()) {
        (true, _) => view! {
            <Strip />
            <tables::Tools />
            <tables::Days />
            <tables::Reasons />
            <SinceStart />
        }
        .into_any(),
        (false, Some(error)) => {
            let retry = move |()| fetched.retry();
            view! { <ErrorPanel what="Completeness could not be loaded" error=error retry=retry /> }
                .into_any()
        }
        (false, None) if fetched.is_late() => view! { <SkeletonRows rows=8 /> }.into_any(),
        (false, None) => ().into_any(),
    };
    view! {
        <TopBar actions=ViewFn::from(|| view! { <Ranges /><LiveButton /> })>
            <h1>"Analytics"</h1>
            <Tabs />
        </TopBar>
        <div class="page mtr" data-testid="completeness-page">{body}</div>
    }
}

#[component]
fn Ranges() -> impl IntoView {
    let page = expect_context::<Page>();
    let buttons = RANGES.map(|range| {
        let choose = move |_| page.go.run(MeterView { range, ..page.view.get_untracked() });
        view! {
            <button type="button" data-testid=format!("range-{}", range.word())
                aria-pressed=move || page.view.with(|view| view.range == range).to_string() on:click=choose>{range.label()}</button>
        }
    });
    view! { <div class="seg" role="group" aria-label="How far back">{buttons.into_iter().collect_view()}</div> }
}

/// The figures that come first.
#[component]
fn Strip() -> impl IntoView {
    let page = expect_context::<Page>();
    let all = Memo::new(move |_| page.fetched.with(|figures| figures.map(|figures| figures.all.clone())));
    move || {
        let all = all.get()?;
        let count = all.count;
        let of = |part: u64, whole: u64, words: &str| {
            if whole == 0 { String::new() } else { format!("{} {words}", percent(part, whole)) }
        };
        let unsure = count.partial.saturating_add(count.estimated);
        Some(view! {
            <section class="panel anl-strip" aria-label="In all">
                <Figure line=all.clone() part=Part::Seen note=seen_words(&count) />
                <Figure line=all.clone() part=Part::Recorded note=of(count.recorded, count.seen, "of those seen") />
                <Figure line=all.clone() part=Part::Priced note=of(count.priced, count.ledger(), "of the ledger") />
                <Figure line=all.clone() part=Part::Partial note=format!("and {} estimated, {} in all", thousands(count.estimated), thousands(unsure)) />
                <Figure line=all.clone() part=Part::Lost note=format!("{} without any row", thousands(count.unrecorded)) />
                <Figure line=all part=Part::Unmatched note=format!("{} seen and reported, too", thousands(count.matched)) />
            </section>
        })
    }
}

fn seen_words(count: &MeterCount) -> String {
    let said = [(count.open, "under way"), (count.side, "side calls")];
    let said = said.into_iter().filter(|(calls, _)| *calls > 0);
    said.map(|(calls, words)| format!("{} {words}", thousands(calls))).collect::<Vec<_>>().join(", ")
}

#[component]
fn Figure(line: Line, part: Part, note: String) -> impl IntoView {
    let (label, title) = part.heads();
    let count = part.of(&line.count);
    let class = if part.is_lack() && count > 0 { "kfig num warn" } else { "kfig num" };
    view! {
        <a class="kf" href=line.calls(part) title=title data-testid=format!("meter-{}", label.replace(' ', "-"))>
            <div class="lab cap1">{label}</div>
            <div class=class>{thousands(count)}</div>
            <div class="cap t3 cut">{note}</div>
        </a>
    }
}

/// What the proxy counted since it started: the same calls, before they are rows.
#[component]
fn SinceStart() -> impl IntoView {
    let live = use_live();
    let counted =
        Memo::new(move |_| live.health.with(|health| health.as_ref().map(|health| health.completeness)));
    move || {
        let counted = counted.get()?;
        let of = |count: u64, words: &'static str| {
            view! { <span class="num"><span class="m">{thousands(count)}</span>" "{words}</span> }
        };
        Some(view! {
            <section class="panel mtr-start" data-testid="since-start">
                <div class="phead"><h2>"Since LLMFlow started"</h2><span class="sub">"as the proxy counted"</span></div>
                <div class="counts">
                    {of(counted.seen, "seen")}<span class="t3">"="</span>{of(counted.recorded, "recorded")}
                    <span class="t3">"+"</span>{of(counted.open, "under way")}<span class="t3">"+"</span>
                    {of(counted.waiting, "waiting to be stored")}<span class="t3">"+"</span>{of(counted.lost, "lost")}
                    <span class="t3 end">{format!("{} went through while recording was paused; they are in none of these.", thousands(counted.paused))}</span>
                </div>
            </section>
        })
    }
}
