//! The Sessions page: every session, the latest used first. The address says what is looked for and which page of the
//! list is shown.

use api::{Budgets, SessionFilter, SessionSummary, SessionsPage};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::backend::use_backend;
use crate::browser::{is_on_control, on_key, set_title, utc_offset};
use crate::budget::looped;
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::{ModelName, ToolMark};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::top_bar::{LiveButton, TopBar};
use crate::fetch::{Fetched, fetch};
use crate::format::time::{Stamp, ago};
use crate::format::{duration, money, percent, plural, short, thousands};
use crate::live::use_live;
use crate::pages::overview::limits::fetch_budgets;
use crate::pages::pace::paced_changes;
use crate::pages::session::source_words;

/// Sessions of one page.
const PAGE: u32 = 100;

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Page {
    found: Fetched<SessionsPage>,
    text: Memo<String>,
    number: Memo<u32>,
    selected: RwSignal<Option<usize>>,
    go: Callback<(String, u32)>,
}

/// The page.
#[component]
pub fn Sessions() -> impl IntoView {
    set_title("Sessions");
    let (backend, navigate, query) = (use_backend(), use_navigate(), use_query_map());
    let text = Memo::new(move |_| query.with(|query| query.get("q")).unwrap_or_default());
    let number = Memo::new(move |_| {
        let said = query.with(|query| query.get("page")).and_then(|page| page.parse().ok());
        said.unwrap_or(1_u32).clamp(1, u32::MAX / PAGE)
    });
    let changed = paced_changes();
    let asked = move || {
        changed.track();
        Some((text.get(), number.get()))
    };
    let found = fetch(true, asked, move |(text, number)| {
        let text = Some(text).filter(|text| !text.is_empty());
        backend.sessions(SessionFilter { text, ..SessionFilter::default() }, PAGE, (number - 1) * PAGE)
    });
    let go = Callback::new(move |(text, number): (String, u32)| {
        let text = String::from(js_sys::encode_uri_component(&text));
        let pairs =
            [(!text.is_empty()).then(|| format!("q={text}")), (number > 1).then(|| format!("page={number}"))];
        let query = pairs.into_iter().flatten().collect::<Vec<_>>().join("&");
        let address = if query.is_empty() { "/sessions".to_owned() } else { format!("/sessions?{query}") };
        navigate(&address, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    });
    let page = Page { found, text, number, selected: RwSignal::new(None), go };
    provide_context(page);
    provide_context(fetch_budgets());
    keys(page);
    let empty = Memo::new(move |_| found.with(|found| found.is_some_and(|found| found.sessions.is_empty())));
    view! {
        <TopBar actions=ViewFn::from(|| view! { <LiveButton /> })>
            <h1>"Sessions"</h1>
            <span class="t3 num cut">{move || found.with(|found| found.map(|found| plural(found.total, "session", "sessions")))}</span>
        </TopBar>
        <div class="fbar">
            <label class="fin">
                <Glyph icon=Icon::Search small=true />
                <input
                    type="search" id="session-search" placeholder="Find by what was asked first, or by id"
                    aria-label="Find sessions" data-testid="session-search" prop:value=move || text.get()
                    on:input=move |event| go.run((event_target_value(&event), 1))
                />
            </label>
        </div>
        {move || found.error().map(|error| view! {
            <ErrorPanel what="The sessions could not be loaded" error=error retry=move |()| found.retry() />
        })}
        {move || found.is_late().then(|| view! { <SkeletonRows rows=14 /> })}
        <Show when=move || empty.get()><Nothing /></Show>
        <Show when=move || !empty.get() && found.with(|found| found.is_some())>
            <Table />
            <Pages />
        </Show>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    let page = expect_context::<Page>();
    let searched = move || page.text.with(|text| !text.is_empty());
    view! {
        <div class="blank" data-testid="no-sessions">
            <h2>{move || if searched() { "No session matches" } else { "No sessions yet" }}</h2>
            <p class="t2">{move || if searched() {
                "Nothing was asked first in these words, and no id contains them."
            } else {
                "A session appears when a client names one, or when a call goes on from an earlier one."
            }}</p>
        </div>
    }
}

#[component]
fn Table() -> impl IntoView {
    let page = expect_context::<Page>();
    let rows = move || {
        let sessions = page.found.with(|found| found.map(|found| found.sessions.clone()).unwrap_or_default());
        sessions
            .into_iter()
            .enumerate()
            .map(|(index, session)| view! { <Row index=index session=session /> })
            .collect_view()
    };
    view! {
        <div class="tbl sessions" role="grid" aria-label="Sessions" data-testid="sessions-table">
            <div class="tr th" role="row">
                <span role="columnheader">"Session"</span>
                <span role="columnheader" class="c-model">"Model"</span>
                <span role="columnheader" class="r">"Calls"</span>
                <span role="columnheader" class="r c-tree" title="Agents beside the main one, and turns at which it was wound back">"Agents, forks"</span>
                <span role="columnheader" class="r">"Tokens"</span>
                <span role="columnheader" class="r">"Cached"</span>
                <span role="columnheader" class="r c-time" title="The sum of its calls' durations">"Model time"</span>
                <span role="columnheader" class="r">"Cost"</span>
                <span role="columnheader" class="r">"Last used"</span>
            </div>
            <div class="rows" tabindex="-1">{rows}</div>
        </div>
    }
}

#[component]
fn Row(index: usize, session: SessionSummary) -> impl IntoView {
    let page = expect_context::<Page>();
    let live = use_live();
    let loops = use_loops();
    let id = session.id.clone();
    let looping = Memo::new(move |_| {
        loops.with(|all| {
            let mut loops = all.iter().flat_map(|all| &all.loops);
            loops.find(|found| found.going_on && found.session.as_ref() == Some(&id)).map(looped)
        })
    });
    let title = session.title.clone().unwrap_or_else(|| session.id.clone());
    let hint = format!("{title}\n{}. {}", session.id, source_words(session.source));
    let prompt = session.usage.prompt_total().filter(|prompt| *prompt > 0);
    let cached = session.usage.cache_read.filter(|read| *read > 0).zip(prompt);
    let more = session.models.len().saturating_sub(1);
    let tree = match (session.agents, session.forks) {
        (0, 0) => String::new(),
        (agents, forks) => format!("{agents}, {forks}"),
    };
    let last_ms = session.last_ms;
    view! {
        <div class="tr" role="row" data-testid="session-row" aria-selected=move || (page.selected.get() == Some(index)).to_string()
            on:click=move |_| page.selected.set(Some(index))>
            <span role="gridcell" class="row g3 name">
                <ToolMark client=session.client.clone() />
                <a class="cut ttl" href=format!("/sessions/{}", session.key) title=hint>{title}</a>
                {move || looping.get().map(|what| view! { <span class="pill warn nw" title=what data-testid="in-a-loop">"in a loop"</span> })}
                {(session.errors > 0).then(|| view! { <span class="pill err nw">{plural(session.errors, "error", "errors")}</span> })}
            </span>
            <span role="gridcell" class="c-model row g3" title=session.models.join(", ")>
                <ModelName name=session.models.first().cloned() provider=session.provider.clone() />
                {(more > 0).then(|| view! { <span class="t3 nw">{format!("+{more}")}</span> })}
            </span>
            <span role="gridcell" class="num r">{thousands(session.calls)}</span>
            <span role="gridcell" class="num r t2 c-tree">{tree}</span>
            <span role="gridcell" class="num r">{session.usage.total().map_or_else(|| "–".to_owned(), short)}</span>
            <span role="gridcell" class="num r t2">{cached.map(|(read, all)| percent(read, all))}</span>
            <span role="gridcell" class="num r c-time">{duration(session.duration_us)}</span>
            <span role="gridcell" class="r"><SessionCost session=session.clone() /></span>
            <span role="gridcell" class="num r t2" title=Stamp::new(last_ms, utc_offset(last_ms)).iso()>
                {move || ago(last_ms, live.now.get())}
            </span>
        </div>
    }
}

/// The sessions that go in circles, asked for once a page.
fn use_loops() -> Fetched<Budgets> {
    expect_context::<Fetched<Budgets>>()
}

/// What a session cost, as far as that is known.
#[component]
pub fn SessionCost(session: SessionSummary) -> impl IntoView {
    let unpriced = session.unpriced;
    match (session.cost.pico(), unpriced) {
        (0, 0) => {
            view! { <span class="t3" title="Nothing was billed, or it ran on your own hardware">"–"</span> }
                .into_any()
        }
        (0, _) => {
            view! { <span class="unknown" title="No price or no token count is known">"unknown"</span> }
                .into_any()
        }
        (_, unpriced) => {
            let title = match unpriced {
                0 => "The sum of its calls' costs".to_owned(),
                _ => format!("{} of unknown price, not in the sum", plural(unpriced, "call", "calls")),
            };
            let partial = (unpriced > 0)
                .then(|| view! { <span class="part"><Glyph icon=Icon::Half small=true /></span> });
            view! { <span class="num" title=title>{partial}{money(session.cost, 4)}</span> }.into_any()
        }
    }
}

/// Which part of the list is shown, and the way to the others.
#[component]
fn Pages() -> impl IntoView {
    let page = expect_context::<Page>();
    let total = Memo::new(move |_| page.found.with(|found| found.map_or(0, |found| found.total)));
    let before = move || u64::from(page.number.get() - 1) * u64::from(PAGE);
    let last = move || (before() + u64::from(PAGE)).min(total.get());
    let turn = move |by: i32| {
        let number = page.number.get_untracked().saturating_add_signed(by).max(1);
        page.selected.set(None);
        page.go.run((page.text.get_untracked(), number));
    };
    view! {
        <div class="lf s12 t2" data-testid="session-pages">
            <span class="num">{move || format!("{} to {} of {}", thousands(before() + 1), thousands(last()), thousands(total.get()))}</span>
            <span class="end"></span>
            <button type="button" class="btn icon sm" aria-label="Later sessions" title="Later sessions"
                disabled=move || page.number.get() <= 1 on:click=move |_| turn(-1)>
                <Glyph icon=Icon::ChevronLeft small=true />
            </button>
            <button type="button" class="btn icon sm" aria-label="Earlier sessions" title="Earlier sessions"
                disabled=move || { last() >= total.get() } on:click=move |_| turn(1)>
                <Glyph icon=Icon::ChevronRight small=true />
            </button>
        </div>
    }
}

fn keys(page: Page) {
    let navigate = use_navigate();
    let step = move |by: isize| {
        let count = page.found.with_untracked(|found| found.map_or(0, |found| found.sessions.len()));
        let next = page.selected.get_untracked().map_or(0, |at| at.saturating_add_signed(by));
        page.selected.set((count > 0).then(|| next.min(count - 1)));
    };
    on_key(move |event| {
        match event.key().as_str() {
            "j" | "ArrowDown" => step(1),
            "k" | "ArrowUp" => step(-1),
            "Enter" | " " if is_on_control(event) => return false,
            "Enter" => {
                let at = page.selected.get_untracked();
                let key =
                    page.found.with_untracked(|found| found?.sessions.get(at?).map(|session| session.key));
                match key {
                    Some(key) => navigate(&format!("/sessions/{key}"), NavigateOptions::default()),
                    None => return false,
                }
            }
            "/" => crate::browser::focus("session-search"),
            "Escape" if page.text.with_untracked(|text| !text.is_empty()) => page.go.run((String::new(), 1)),
            _ => return false,
        }
        true
    });
}
