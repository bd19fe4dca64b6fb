//! The pane beside the table: the selected provider's facts, its addresses, its key, a line to try it.

use api::ProviderStatus;
use leptos::prelude::*;

use super::Page;
use super::curl_line::{self, Credential};
use super::key_form::KeyForm;
use super::table::{KeyCell, LastHeard, ProviderMark, provider};
use crate::components::copy_button::CopyButton;
use crate::components::icon::{Glyph, Icon};
use crate::filter::{Last, View};
use crate::format::{percent, thousands};
use crate::live::use_live;
use crate::made_keys::MadeKeys;
use crate::preferences::Preferences;

/// The pane for one provider.
#[component]
pub fn Pane(name: String) -> impl IntoView {
    let page = expect_context::<Page>();
    let provider = provider(page, name.clone());
    let display = Memo::new(move |_| {
        provider.with(|one| one.as_ref().map(|one| one.display_name.clone()).unwrap_or_default())
    });
    let (mark, word) = (name.clone(), name.clone());
    view! {
        <aside class="det provider" aria-label="Provider" data-testid="provider-pane">
            <div class="dh row g5">
                {move || view! { <ProviderMark name=mark.clone() display=display.get() large=true /> }}
                <span class="col grow">
                    <span class="b s14 cut" title=move || display.get()>{move || display.get()}</span>
                    <span class="mono t3 s12 cut">{word}</span>
                </span>
                <button
                    type="button" class="btn icon sm bare" title="Close (Esc)" aria-label="Close" data-testid="close-pane"
                    on:click=move |_| page.select(None)
                >
                    <Glyph icon=Icon::Close />
                </button>
            </div>
            <Facts provider=provider />
            <Addresses provider=provider />
            <KeyForm name=name provider=provider />
            <Try provider=provider />
        </aside>
    }
}

#[component]
fn Facts(provider: Memo<Option<ProviderStatus>>) -> impl IntoView {
    let calls = move || provider.with(|one| one.as_ref().map_or(0, |one| one.calls));
    let errors = move || provider.with(|one| one.as_ref().map_or(0, |one| one.errors));
    let address = move |errors_only: bool| {
        provider.with(|one| {
            let mut view = View { last: Some(Last::Day), ..View::default() };
            view.filter.provider = one.as_ref().map(|one| one.name.clone());
            view.filter.outcome = errors_only.then_some(api::Outcome::Error);
            view.address()
        })
    };
    view! {
        <dl class="facts three">
            <div><dt>"Calls, 24 h"</dt><dd class="num"><a href=move || address(false) title="Show them">{move || thousands(calls())}</a></dd></div>
            <div>
                <dt>"Errors"</dt>
                <dd class="num" class:err=move || { errors() > 0 }>
                    <a href=move || address(true) title="Show them">{move || thousands(errors())}</a>
                    <span class="t3 s11 dim">{move || (errors() > 0).then(|| format!(" {}", percent(errors(), calls())))}</span>
                </dd>
            </div>
            <div><dt>"Last heard"</dt><dd><LastHeard ms=Signal::derive(move || provider.with(|one| one.as_ref()?.last_ms)) /></dd></div>
        </dl>
    }
}

#[component]
fn Addresses(provider: Memo<Option<ProviderStatus>>) -> impl IntoView {
    let live = use_live();
    let route = move || {
        let route = provider.with(|one| one.as_ref().map(|one| one.route.clone()).unwrap_or_default());
        format!("http://{}{route}", live.proxy_address())
    };
    let target =
        move || provider.with(|one| one.as_ref().map(|one| one.base_url.clone()).unwrap_or_default());
    let custom = move || provider.with(|one| one.as_ref().is_some_and(|one| one.custom));
    let change = move || {
        provider.with(|one| one.as_ref().map(|one| format!("/settings#providers.{}.base_url", one.name)))
    };
    view! {
        <section class="sec">
            <div class="sh"><h3>"Addresses"</h3></div>
            <div class="addr">
                <div class="row"><span class="t3 s11">"Clients use"</span><span class="end"></span>
                    <CopyButton text=move |()| route() label="Copy" class="cpb" testid="copy-route" />
                </div>
                <span class="mono" data-testid="provider-route">{route}</span>
                <div class="row"><span class="t3 s11">"Calls go to"</span><span class="end"></span>
                    <a class="cpb" href=change title="Change it in Settings">"Change"</a>
                </div>
                <span class="mono">
                    {target}
                    {move || custom().then(|| view! { " "<span class="pill line" title="Set by you">"custom"</span> })}
                </span>
            </div>
        </section>
    }
}

#[component]
fn Try(provider: Memo<Option<ProviderStatus>>) -> impl IntoView {
    let page = expect_context::<Page>();
    let live = use_live();
    let (preferences, made) = (expect_context::<Preferences>(), expect_context::<MadeKeys>());
    let text = Memo::new(move |_| {
        let one = provider.get()?;
        let local = page.shown.with(|shown| {
            let shown = shown.filter(|shown| shown.local_keys_required)?;
            Some(shown.local_keys.first().map(|local| made.or_blank(local)))
        });
        let credential = Credential::of(&one.key, local);
        Some(curl_line::curl_line(&one, &live.proxy_address(), &credential, preferences.shell.get()))
    });
    let copied = move |()| text.get_untracked().unwrap_or_default();
    view! {
        <section class="sec last">
            <div class="sh">
                <h3>"Try it"</h3><span class="t3 s12 cut">{move || preferences.shell.get().name()}</span>
                <span class="end"></span>
                <CopyButton text=copied label="Copy" class="cpb" testid="copy-curl" />
            </div>
            <pre class="code tried" tabindex="0" data-testid="curl-line">{move || text.get()}</pre>
        </section>
    }
}

/// The key in use as one line, above the form that changes it.
#[component]
pub fn KeyInUse(provider: Memo<Option<ProviderStatus>>) -> impl IntoView {
    move || provider.get().map(|one| view! { <KeyCell key_=one.key /> })
}
