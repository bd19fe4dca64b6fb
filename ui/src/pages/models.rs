//! The Models page: every model that calls used, by which price, with what it cost; the price table; prices of one's own;
//! refreshing prices and pricing calls again. Owns the address, what is shown and when it is asked for again.

mod again;
mod edit;
mod pane;
mod search;
mod table;
mod words;

use std::time::Duration;

use api::{ModelUse, Models as Shown, RepricingState};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::backend::use_backend;
use crate::browser::{is_on_control, now_ms, on_key, set_title};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::top_bar::TopBar;
use crate::fetch::{Fetched, fetch};
use crate::live::use_live;

/// Sums are asked for anew at most this often.
const PACE: Duration = Duration::from_secs(5);
/// How far a repricing is, is asked for this often.
const WATCHING: Duration = Duration::from_millis(500);
const DAY_MS: i64 = 86_400_000;
/// Stretches of time to choose from, in days; none is all time.
const SPANS: [(&str, Option<i64>); 4] =
    [("24 h", Some(1)), ("7 days", Some(7)), ("30 days", Some(30)), ("All", None)];

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub struct Page {
    pub shown: Fetched<Shown>,
    /// `provider/model` of the selected one.
    pub selected: Memo<Option<String>>,
    /// In words: the stretch of time that is added up.
    pub span: RwSignal<usize>,
    doing: again::Doing,
    go: Callback<Option<String>>,
}

impl Page {
    pub fn select(self, model: Option<String>) {
        self.go.run(model);
    }

    /// The model that is selected.
    pub fn model(self) -> Memo<Option<ModelUse>> {
        Memo::new(move |_| {
            let selected = self.selected.get()?;
            self.shown.with(|shown| shown?.models.iter().find(|used| words::key(used) == selected).cloned())
        })
    }

    fn step(self, by: isize) {
        let keys: Vec<String> = self.shown.with_untracked(|shown| {
            shown.map(|shown| shown.models.iter().map(words::key).collect()).unwrap_or_default()
        });
        let selected = self.selected.get_untracked();
        let at = selected.and_then(|selected| keys.iter().position(|key| *key == selected));
        let next = at.map_or(0, |at| at.saturating_add_signed(by).min(keys.len().saturating_sub(1)));
        if let Some(key) = keys.get(next) {
            self.select(Some(key.clone()));
        }
    }
}

/// The page.
#[component]
pub fn Models() -> impl IntoView {
    set_title("Models");
    let (backend, navigate, query) = (use_backend(), use_navigate(), use_query_map());
    let selected = Memo::new(move |_| query.with(|query| query.get("model")));
    let go = Callback::new(move |model: Option<String>| {
        let address = match model {
            Some(key) => format!("/models?model={}", String::from(js_sys::encode_uri_component(&key))),
            None => "/models".to_owned(),
        };
        navigate(&address, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    });
    let span = RwSignal::new(2_usize);
    let turn = turns();
    let shown = fetch(
        true,
        move || {
            turn.track();
            Some(span.get())
        },
        move |span| {
            let days = SPANS.get(span).and_then(|(_, days)| *days);
            backend.models(days.map(|days| now_ms() - days * DAY_MS))
        },
    );
    let page = Page { shown, selected, span, doing: again::Doing::new(), go };
    provide_context(page);
    watch(page);
    keys(page);
    let known = Memo::new(move |_| shown.with(|shown| shown.is_some()));
    let model = page.model();
    let open = Memo::new(move |_| model.with(Option::is_some));
    view! {
        <TopBar actions=ViewFn::from(|| view! { <again::Actions /> })>
            <h1>"Models"</h1>
            <span class="t3 num cut" data-testid="models-summary">{move || shown.with(|shown| shown.map(words::summary))}</span>
        </TopBar>
        {move || shown.error().map(|error| view! {
            <ErrorPanel what="The models could not be loaded" error=error retry=move |()| shown.retry() />
        })}
        {move || shown.is_late().then(|| view! { <SkeletonRows rows=12 /> })}
        <Show when=move || known.get()>
            <div class="split models" class:open=move || open.get()>
                <section class="list">
                    <div class="grow scrolls" tabindex="-1">
                        <again::Notices />
                        <table::Table />
                        <search::Search />
                        <again::Audit />
                    </div>
                </section>
                <Show when=move || open.get()><pane::Pane model=model /></Show>
            </div>
        </Show>
    }
}

/// Counts up when prices changed, and now and then while calls come in.
fn turns() -> RwSignal<u64> {
    let live = use_live();
    let turn = RwSignal::new(0);
    let waiting = StoredValue::new(false);
    Effect::new(move |before: Option<()>| {
        live.configured.track();
        if before.is_some() {
            turn.update(|turn| *turn += 1);
        }
    });
    Effect::new(move |before: Option<()>| {
        live.changes.track();
        if before.is_none() || waiting.get_value() {
            return;
        }
        waiting.set_value(true);
        set_timeout(
            move || {
                // The page may be gone by then.
                if waiting.try_set_value(false).is_none() {
                    turn.try_update(|turn| *turn += 1);
                }
            },
            PACE,
        );
    });
    turn
}

/// While calls are priced again, how far that is.
fn watch(page: Page) {
    Effect::new(move |_| {
        let is_running = page.shown.with(|shown| {
            shown.is_some_and(|shown| shown.repricings.iter().any(|run| run.state == RepricingState::Running))
        });
        if is_running {
            set_timeout(
                move || {
                    if page.span.try_get_untracked().is_some() {
                        page.shown.retry();
                    }
                },
                WATCHING,
            );
        }
    });
}

fn keys(page: Page) {
    on_key(move |event| {
        match event.key().as_str() {
            "j" | "ArrowDown" => page.step(1),
            "k" | "ArrowUp" => page.step(-1),
            "/" => search::focus(),
            "Enter" | " " if is_on_control(event) => return false,
            "Escape" if page.selected.get_untracked().is_some() => page.select(None),
            _ => return false,
        }
        true
    });
}
