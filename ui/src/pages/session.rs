//! The Session page: one session's figures, its calls with their agents and forks, and what happened in it in order.
//! Its parts draw.

mod cache;
mod lanes;
mod timeline;
mod turns;

use api::{Erase, SessionDetail, SessionRef, SessionSource};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_params_map, use_query_map};

use crate::backend::use_backend;
use crate::browser::{on_key, set_title, utc_offset};
use crate::components::copy_button::CopyButton;
use crate::components::erase::EraseButton;
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::ToolMark;
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::top_bar::TopBar;
use crate::fetch::{Fetched, fetch};
use crate::format::time::Stamp;
use crate::format::{duration, percent, plural, short, thousands};
use crate::pages::missing::Missing;
use crate::pages::pace::paced_changes;
use crate::pages::sessions::SessionCost;

/// The page for the session in the address.
#[component]
pub fn Session() -> impl IntoView {
    let params = use_params_map();
    // Our own links have keys; an id is what people have at hand.
    let session = Memo::new(move |_| {
        let named = params.with(|params| params.get("key"))?;
        Some(named.parse().map(SessionRef::Key).unwrap_or(SessionRef::Id(named)))
    });
    move || match session.get() {
        Some(session) => view! { <OneSession session=session /> }.into_any(),
        None => view! { <Missing /> }.into_any(),
    }
}

#[component]
fn OneSession(session: SessionRef) -> impl IntoView {
    let (backend, navigate) = (use_backend(), use_navigate());
    let changed = paced_changes();
    let asked = move || {
        changed.track();
        Some(())
    };
    let of = session.clone();
    let found = fetch(true, asked, move |()| backend.session(of.clone()));
    let query = use_query_map();
    let on_timeline = Memo::new(move |_| query.with(|query| query.get("tab")).as_deref() == Some("timeline"));
    let there = Memo::new(move |_| found.with(|found| found.is_some()));
    let session = StoredValue::new(session);
    Effect::new(move |_| {
        found.with(|found| {
            set_title(found.and_then(|found| found.session.title.as_deref()).unwrap_or("Session"));
        });
    });
    on_key(move |event| {
        let back = event.key() == "Escape";
        if back {
            navigate("/sessions", NavigateOptions::default());
        }
        back
    });
    view! {
        <TopBar actions=ViewFn::from(move || view! { <EraseSession found=found /> })><Crumbs found=found /></TopBar>
        {move || found.error().map(|error| view! {
            <ErrorPanel what="This session could not be loaded" error=error retry=move |()| found.retry() />
        })}
        {move || found.is_late().then(|| view! { <SkeletonRows rows=14 /> })}
        <Show when=move || there.get()>
            <div class="session" data-testid="session-page">
                {move || found.with(|found| found.map(|found| view! { <Facts found=found.clone() /> }))}
                <cache::CacheStrip session=session.get_value() changed=changed />
                <Tabs found=found on_timeline=on_timeline />
                <Show when=move || on_timeline.get() fallback=move || view! { <Calls found=found /> }>
                    <timeline::Timeline session=session.get_value() />
                </Show>
            </div>
        </Show>
    }
}

#[component]
fn Calls(found: Fetched<SessionDetail>) -> impl IntoView {
    view! {
        {move || found.with(|found| found.map(|found| {
            let left_out = found.session.calls.saturating_sub(found.calls.len() as u64);
            view! {
                {(left_out > 0).then(|| view! {
                    <p class="notice t2">{format!("The latest {} are shown; {} before them are in Traces.",
                        plural(found.calls.len() as u64, "call", "calls"), thousands(left_out))}</p>
                })}
                <turns::Turns calls=found.calls.clone() />
            }
        }))}
        <turns::Legend />
    }
}

/// The session's calls, or what happened in it.
#[component]
fn Tabs(found: Fetched<SessionDetail>, on_timeline: Memo<bool>) -> impl IntoView {
    let (navigate, path) = (use_navigate(), use_location().pathname);
    let go = Callback::new(move |timeline: bool| {
        let tab = if timeline { "?tab=timeline" } else { "" };
        navigate(&format!("{}{tab}", path.get_untracked()), NavigateOptions::default());
    });
    let calls = move || found.with(|found| found.map(|found| thousands(found.session.calls)));
    let other = move |event: web_sys::KeyboardEvent| {
        if matches!(event.key().as_str(), "ArrowRight" | "ArrowLeft") {
            event.prevent_default();
            go.run(!on_timeline.get_untracked());
        }
    };
    let numbered = window_event_listener(leptos::ev::keydown, move |event| {
        if event.alt_key() && matches!(event.code().as_str(), "Digit1" | "Digit2") {
            event.prevent_default();
            go.run(event.code() == "Digit2");
        }
    });
    on_cleanup(move || numbered.remove());
    let tab = move |label: &'static str, timeline: bool, testid: &'static str| {
        let current = move || on_timeline.get() == timeline;
        view! {
            <button type="button" role="tab" data-testid=testid aria-selected=move || current().to_string()
                tabindex=move || if current() { "0" } else { "-1" } on:click=move |_| go.run(timeline)>
                {label}{(!timeline).then(|| view! { <span class="n">{calls}</span> })}
            </button>
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label="Parts of the session" on:keydown=other>
            {tab("Calls", false, "session-tab-calls")}
            {tab("Timeline", true, "session-tab-timeline")}
        </div>
    }
}

/// Deletes the session, then goes back to the list.
#[component]
fn EraseSession(found: Fetched<SessionDetail>) -> impl IntoView {
    let navigate = use_navigate();
    let key = move || found.with(|found| found.map(|found| found.session.key));
    let what = Callback::new(move |()| Some(Erase::Session(SessionRef::Key(untrack(key)?))));
    let then = Callback::new(move |_| navigate("/sessions", NavigateOptions::default()));
    let there = Memo::new(move |_| key().is_some());
    view! { <Show when=move || there.get()><EraseButton what=what then=then testid="erase-session" /></Show> }
}

#[component]
fn Crumbs(found: Fetched<SessionDetail>) -> impl IntoView {
    view! {
        <a class="crumb row g2" href="/sessions" title="Back to the list (Esc)" data-testid="back-to-sessions">
            <Glyph icon=Icon::ChevronLeft small=true />"Sessions"
        </a>
        {move || found.with(|found| found.map(|found| {
            let session = found.session.clone();
            let title = session.title.unwrap_or_else(|| session.id.clone());
            view! {
                <span class="t3">"/"</span>
                <ToolMark client=session.client />
                <h1 class="cut" title=title>{title.clone()}</h1>
            }
        }))}
    }
}

/// Who says that it is a session.
pub fn source_words(source: SessionSource) -> &'static str {
    match source {
        SessionSource::Client => "The client names this session",
        SessionSource::Inferred => {
            "Inferred: each call repeats the messages and the answer of an earlier one"
        }
        SessionSource::ResponseId => "Each call names the answer it goes on from",
    }
}

#[component]
fn Facts(found: SessionDetail) -> impl IntoView {
    let session = found.session;
    let prompt = session.usage.prompt_total().unwrap_or(0);
    let read = session.usage.cache_read.unwrap_or(0);
    let cached = if prompt == 0 { "–".to_owned() } else { percent(read, prompt) };
    let began = Stamp::new(session.first_ms, utc_offset(session.first_ms));
    let id = session.id.clone();
    view! {
        <div class="thead" data-testid="session-facts">
            <dl class="facts">
                <div><dt>"Cost"</dt><dd><SessionCost session=session.clone() /></dd></div>
                <div><dt>"Calls"</dt><dd class="num">{thousands(session.calls)}</dd></div>
                <div><dt>"Tokens"</dt><dd class="num">{session.usage.total().map_or_else(|| "–".to_owned(), short)}</dd></div>
                <div><dt>"Cache read"</dt><dd class="num">{cached}</dd></div>
                <div><dt>"Model time"</dt><dd class="num">{duration(session.duration_us)}</dd></div>
                <div><dt>"Agents"</dt><dd class="num">{thousands(session.agents)}</dd></div>
                <div><dt>"Forks"</dt><dd class="num">{thousands(session.forks)}</dd></div>
                {(session.errors > 0).then(|| view! { <div><dt>"Errors"</dt><dd class="num err">{thousands(session.errors)}</dd></div> })}
            </dl>
            <div class="tf s11 t3 num">
                <div>{format!("since {} {}", began.date(), began.short_clock())}</div>
                <div class="row g2 idline">
                    <span class="mono cut" title=format!("{}. {}", session.id, source_words(session.source)) data-testid="session-id">{session.id.clone()}</span>
                    <CopyButton text=move |()| id.clone() title="Copy the id" class="cpb tiny" />
                </div>
            </div>
        </div>
    }
}
