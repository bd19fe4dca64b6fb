//! The Settings page: groups of rows, each with what it is for, its control, and who said its value.
//! Owns finding and jumping; `row` changes a setting, `own` the browser's own choices.

mod budgets;
mod control;
mod desktop;
mod own;
mod row;
mod storage;
mod value;
mod words;

use api::{Setting, SettingsView};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::backend::use_backend;
use crate::browser::{on_key, set_title};
use crate::components::copy_button::CopyButton;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::components::top_bar::TopBar;
use crate::fetch::{Fetched, fetch};
use crate::live::use_live;
use crate::pages::jump::{jump_to_named, show};
use words::{Group, describe};

const FIND_ID: &str = "find-setting";

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub struct Page {
    pub shown: Fetched<SettingsView>,
    /// What is looked for, in small letters.
    wanted: Memo<String>,
}

impl Page {
    /// The names of a group's settings, as far as they are looked for.
    fn names(self, group: Group) -> Vec<String> {
        let of_group = |setting: &&Setting| describe(&setting.name).group == group;
        let wanted = self.wanted.get();
        self.shown.with(|shown| {
            let settings = shown.iter().flat_map(|shown| shown.settings.iter());
            settings
                .filter(of_group)
                .filter(|one| is_about(one, &wanted))
                .map(|one| one.name.clone())
                .collect()
        })
    }

    /// Whether a row that is no setting is looked for.
    pub fn wants(self, words: &str) -> bool {
        self.wanted.with(|wanted| wanted.is_empty() || words.to_lowercase().contains(wanted.as_str()))
    }
}

fn is_about(setting: &Setting, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    wanted.is_empty() || has(&setting.name) || has(&setting.about) || has(&describe(&setting.name).label)
}

/// The page.
#[component]
pub fn Settings() -> impl IntoView {
    set_title("Settings");
    let (backend, live) = (use_backend(), use_live());
    let shown = fetch(
        true,
        move || {
            live.configured.track();
            Some(())
        },
        move |()| backend.settings(),
    );
    let typed = RwSignal::new(String::new());
    let page = Page { shown, wanted: Memo::new(move |_| typed.with(|typed| typed.trim().to_lowercase())) };
    provide_context(page);
    on_key(move |event| {
        match event.key().as_str() {
            "/" => focus(FIND_ID),
            "Escape" if !typed.with_untracked(String::is_empty) => typed.set(String::new()),
            _ => return false,
        }
        true
    });
    jump_to_named(Memo::new(move |_| shown.with(|shown| shown.is_some())));
    let groups =
        move || Group::ALL.into_iter().map(|group| view! { <GroupPanel group=group /> }).collect_view();
    view! {
        <TopBar actions=ViewFn::from(move || view! { <Find typed=typed /> })><h1>"Settings"</h1></TopBar>
        <div class="page scroll settings" data-testid="settings-page">
            <Index page=page />
            <div class="col groups">
                <File shown=shown />
                {move || shown.error().map(|error| view! {
                    <ErrorPanel what="The settings could not be loaded" error=error retry=move |()| shown.retry() />
                })}
                {move || shown.is_late().then(|| view! { <SkeletonRows rows=10 /> })}
                {groups}
            </div>
        </div>
    }
}

/// The way to each group.
#[component]
fn Index(page: Page) -> impl IntoView {
    let links = Group::ALL
        .into_iter()
        .map(|group| {
            let there = Memo::new(move |_| is_shown(page, group));
            let go = move |event: web_sys::MouseEvent| {
                event.prevent_default();
                show(group.id());
            };
            view! { <Show when=move || there.get()><a href=format!("#{}", group.id()) on:click=go>{group.title()}</a></Show> }
        })
        .collect_view();
    view! { <nav class="index" aria-label="Groups of settings">{links}</nav> }
}

fn is_shown(page: Page, group: Group) -> bool {
    !page.names(group).is_empty()
        || own::belongs(page, group)
        || budgets::belongs(page, group)
        || desktop::belongs(page, group)
        || storage::belongs(page, group)
}

#[component]
fn GroupPanel(group: Group) -> impl IntoView {
    let page = expect_context::<Page>();
    let there = Memo::new(move |_| is_shown(page, group));
    let names = Memo::new(move |_| page.names(group));
    view! {
        <Show when=move || there.get()>
            <section class="panel group" id=group.id() data-testid=format!("settings-{}", group.id())>
                <div class="phead"><h2>{group.title()}</h2><span class="sub cut">{group.about()}</span></div>
                {(group == Group::Appearance).then(|| view! { <own::OwnRows /> })}
                {(group == Group::Desktop).then(|| view! { <desktop::LoginRow /> })}
                {(group == Group::Budgets).then(|| view! { <budgets::BudgetRows /> })}
                {(group == Group::Storage).then(|| view! { <storage::StorageRows /> })}
                <For each=move || names.get() key=String::clone let(name)><row::Row name=name /></For>
            </section>
        </Show>
    }
}

/// Where it is all written.
#[component]
fn File(shown: Fetched<SettingsView>) -> impl IntoView {
    let path = Memo::new(move |_| shown.with(|shown| shown.map(|shown| shown.file.clone())));
    move || {
        path.get().map(|path| {
            let copied = path.clone();
            view! {
                <p class="file t2 s12">
                    <span class="nw">"Written to"</span>
                    <span class="mono t1 cut" title=path data-testid="settings-file">{path.clone()}</span>
                    <CopyButton text=move |()| copied.clone() title="Copy the path" class="cpb" />
                    <span class="cut">"Comments in it stay. The environment wins over it, and flags over both."</span>
                </p>
            }
        })
    }
}

#[component]
fn Find(typed: RwSignal<String>) -> impl IntoView {
    view! {
        <label class="find">
            <Glyph icon=Icon::Search />
            <input
                id=FIND_ID type="text" placeholder="Find a setting" aria-label="Find a setting" data-testid="find-setting"
                prop:value=move || typed.get() on:input=move |event| typed.set(event_target_value(&event))
                on:keydown=move |event| if event.key() == "Escape" {
                    typed.set(String::new());
                    leave(&event);
                }
            />
            <kbd>"/"</kbd>
        </label>
    }
}

/// A field that cannot lose or take the focus stays as it is.
fn leave(event: &web_sys::KeyboardEvent) {
    if let Some(field) = event.target().and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = field.blur();
    }
}

fn focus(id: &str) {
    let field = document().get_element_by_id(id);
    if let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = field.focus();
    }
}
