//! The page of one call: everything about it. Owns what is loaded, the tabs and the keys; its parts draw.
//! Leaves out traces of spans (`waterfall`), whose pages have the same address but for the id's dashes.

mod blocks;
mod body;
mod buckets;
mod bytes;
mod cache;
mod chunks;
mod compare;
mod conversation;
mod diff;
mod facts;
mod headers;
mod message;
mod pane;
pub mod parts;
mod raw;
mod replay;
mod replays;
mod sides;
mod sources;
mod stream;
mod tabs;
mod timing;

use api::{CallDetail, CallId, Conversation};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};

use crate::app::LastTraces;
use crate::backend::use_backend;
use crate::browser::{fits, on_key, press, set_title};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::top_bar::TopBar;
use crate::entry::EntryId;
use crate::fetch::{Fetched, fetch};
use crate::live::use_live;
use crate::pages::missing::Missing;
use crate::pages::neighbours::Neighbours;
use crate::pages::waterfall::Waterfall;

/// Below this there is no room for the pane beside the conversation; `trace.css` says the same.
const NARROW: &str = "(max-width: 1099px)";

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub struct Page {
    pub call: Fetched<CallDetail>,
    pub talk: Fetched<Conversation>,
    /// What was chosen, here or on the page of another call.
    pub tab: RwSignal<tabs::Tab>,
    /// The tabs that this call has.
    tabs: Memo<Vec<tabs::Tab>>,
    /// The chosen one, else the first.
    shown: Memo<tabs::Tab>,
    /// The form that sends the call again is open.
    pub replaying: RwSignal<bool>,
    /// The replay that was sent last from here: it may not be recorded yet.
    sent: RwSignal<Option<CallId>>,
}

impl Page {
    fn new(
        call: Fetched<CallDetail>,
        talk: Fetched<Conversation>,
        tab: RwSignal<tabs::Tab>,
        sent: RwSignal<Option<CallId>>,
    ) -> Self {
        let narrow = fits(NARROW);
        let is_replay = |call: &CallDetail| call.summary.replay_of.is_some();
        let replay = Memo::new(move |_| call.with(|call| call.is_some_and(is_replay)));
        let tabs = Memo::new(move |_| tabs::Tab::of(replay.get(), narrow.get()));
        let shown = Memo::new(move |_| {
            let chosen = tab.get();
            if tabs.with(|tabs| tabs.contains(&chosen)) { chosen } else { tabs::Tab::Conversation }
        });
        Self { call, talk, tab, tabs, shown, replaying: RwSignal::new(false), sent }
    }
}

/// The page for the call or the trace in the address.
#[component]
pub fn Trace() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<EntryId>().ok()));
    let tab = RwSignal::new(tabs::Tab::Conversation);
    let sent = RwSignal::new(None);
    move || match id.get() {
        Some(EntryId::Call(id)) => view! { <OneCall id=id tab=tab sent=sent /> }.into_any(),
        Some(EntryId::Trace(id)) => view! { <Waterfall id=id /> }.into_any(),
        None => view! { <Missing /> }.into_any(),
    }
}

#[component]
fn OneCall(id: CallId, tab: RwSignal<tabs::Tab>, sent: RwSignal<Option<CallId>>) -> impl IntoView {
    let backend = use_backend();
    let changed = use_live().changed(id);
    let key = move || {
        changed.track();
        Some(())
    };
    let call = fetch(true, key, move |()| backend.call(id));
    let talk = fetch(true, key, move |()| backend.conversation(id));
    let page = Page::new(call, talk, tab, sent);
    provide_context(page);
    Effect::new(move |_| {
        call.with(|call| set_title(call.and_then(|call| call.summary.title.as_deref()).unwrap_or("Trace")));
    });
    keys(tab);
    let waits = move || call.is_late().then(|| view! { <SkeletonRows rows=12 /> });
    let begun = Memo::new(move |_| call.with(|call| call.map(|call| call.summary.started_ms)));
    view! {
        <TopBar actions=ViewFn::from(move || view! { <facts::Actions /> })>
            <facts::Crumbs />
            <Neighbours id=EntryId::Call(id) begun=begun />
        </TopBar>
        <div class="trace" data-testid="trace-page">
            {waits}
            {move || call.error().map(|error| view! { <NotThere id=id error=error call=call /> })}
            {move || call.with(|call| call.map(|call| view! {
                <facts::Facts call=call.clone() />
                <replay::ReplayForm call=call.clone() />
                <div class="body">
                    <section class="talk">
                        <tabs::Tabs />
                        <tabs::Panel call=call.clone() />
                        <stream::Stream call=call.clone() />
                    </section>
                    <pane::Pane call=call.clone() />
                </div>
            }))}
        </div>
    }
}

/// A call that cannot be shown: still under way, or failed to load.
#[component]
fn NotThere(id: CallId, error: api::ApiError, call: Fetched<CallDetail>) -> impl IntoView {
    let live = use_live();
    let flying = move || live.flying.with(|flying| flying.calls.iter().find(|call| call.id == id).cloned());
    let Page { sent, .. } = expect_context();
    let just_sent = error.kind == api::ErrorKind::NotFound && sent.get_untracked() == Some(id);
    let error = StoredValue::new(error);
    move || {
        match flying() {
        Some(flying) => view! {
            <div class="blank" data-testid="trace-open">
                <h2>{flying.model.clone().unwrap_or_else(|| flying.path.clone())}" is answering"</h2>
                <p class="t2 num">
                    {format!("{} in {} chunks so far. The page fills in when it ends.",
                        crate::format::bytes(flying.response_bytes), crate::format::thousands(flying.chunks))}
                </p>
            </div>
        }
        .into_any(),
        None if just_sent => view! {
            <div class="blank" data-testid="trace-sent">
                <h2>"Sent"</h2>
                <p class="t2">"The page fills in as soon as the call is recorded."</p>
            </div>
        }
        .into_any(),
        None => view! {
            <ErrorPanel what="This call could not be loaded" error=error.get_value() retry=move |()| call.retry() />
        }
        .into_any(),
    }
    }
}

fn keys(tab: RwSignal<tabs::Tab>) {
    let LastTraces(last) = expect_context();
    let navigate = use_navigate();
    on_key(move |event| {
        match event.key().as_str() {
            "Escape" => navigate(&last.get_untracked(), NavigateOptions::default()),
            "c" => press("copy-curl"),
            _ => return false,
        }
        true
    });
    let handle = window_event_listener(leptos::ev::keydown, move |event| {
        let chosen = event.code().strip_prefix("Digit").and_then(|digit| digit.parse::<usize>().ok());
        if let (true, Some(chosen)) = (event.alt_key(), chosen.and_then(tabs::Tab::numbered)) {
            event.prevent_default();
            tab.set(chosen);
        }
    });
    on_cleanup(move || handle.remove());
}
