//! The table of providers.

use api::{AwsState, KeyOrigin, ProviderStatus};
use leptos::prelude::*;

use super::Page;
use crate::browser::utc_offset;
use crate::colour;
use crate::components::copy_button::CopyButton;
use crate::components::icon::{Glyph, Icon};
use crate::format::thousands;
use crate::format::time::{Stamp, ago};
use crate::live::use_live;

/// Head and rows.
#[component]
pub fn Table() -> impl IntoView {
    let page = expect_context::<Page>();
    let names = Memo::new(move |_| {
        page.shown.with(|shown| {
            let names = shown.iter().flat_map(|shown| shown.providers.iter());
            names.map(|provider| provider.name.clone()).collect::<Vec<_>>()
        })
    });
    view! {
        <div class="tbl provs" role="grid" aria-label="Providers" data-testid="providers-table">
            <div class="tr th" role="row">
                <span role="columnheader">"Provider"</span>
                <span class="c-route" role="columnheader">"Route on the proxy"</span>
                <span class="c-url" role="columnheader">"Goes to"</span>
                <span role="columnheader">"Key"</span>
                <span class="r" role="columnheader" title="Within the last 24 hours">"Calls, 24 h"</span>
                <span class="r" role="columnheader" title="Within the last 24 hours">"Errors"</span>
                <span class="r" role="columnheader">"Last heard"</span>
            </div>
            <For each=move || names.get() key=String::clone let(name)><Row name=name /></For>
        </div>
    }
}

/// One provider of the list, as it is now.
pub fn provider(page: Page, name: String) -> Memo<Option<ProviderStatus>> {
    Memo::new(move |_| {
        page.shown.with(|shown| shown?.providers.iter().find(|provider| provider.name == name).cloned())
    })
}

#[component]
fn Row(name: String) -> impl IntoView {
    let page = expect_context::<Page>();
    let live = use_live();
    let provider = provider(page, name.clone());
    let of = name.clone();
    let selected = Memo::new(move |_| page.selected.with(|selected| selected.as_ref() == Some(&of)));
    let target = name.clone();
    let address = move |()| {
        let route =
            provider.with_untracked(|one| one.as_ref().map(|one| one.route.clone()).unwrap_or_default());
        format!("http://{}{route}", live.proxy_address())
    };
    let shown = move || {
        let one = provider.get()?;
        Some(view! {
            <span role="gridcell" class="row g3">
                <ProviderMark name=one.name.clone() display=one.display_name.clone() />
                <span class="cut ttl" title=one.display_name.clone()>{one.display_name.clone()}</span>
            </span>
            <span role="gridcell" class="c-route row g2">
                <span class="mono t2 cut" title=one.route.clone()>{one.route.clone()}</span>
                <CopyButton text=address title="Copy the address for a client" class="cpb bare" />
            </span>
            <span role="gridcell" class="c-url row g3">
                <span class="mono t2 cut" title=one.base_url.clone()>{one.base_url.clone()}</span>
                {one.custom.then(|| view! { <span class="pill line" title="Set by you">"custom"</span> })}
            </span>
            <span role="gridcell"><KeyCell key_=one.key.clone() /></span>
            <span role="gridcell" class="num r">{count(one.calls)}</span>
            <span role="gridcell" class="num r" class:err={one.errors > 0}>{count(one.errors)}</span>
        })
    };
    view! {
        <div
            class="tr" role="row" data-testid="provider-row" data-name=name
            aria-selected=move || selected.get().to_string()
            on:click=move |_| page.select(Some(target.clone()))
        >
            {shown}
            <span role="gridcell" class="r"><LastHeard ms=Signal::derive(move || provider.with(|one| one.as_ref()?.last_ms)) /></span>
        </div>
    }
}

fn count(count: u64) -> impl IntoView {
    match count {
        0 => view! { <span class="t3">"–"</span> }.into_any(),
        count => thousands(count).into_any(),
    }
}

/// How long ago something was heard, kept fresh.
#[component]
pub fn LastHeard(ms: Signal<Option<i64>>, #[prop(default = "never")] never: &'static str) -> impl IntoView {
    let live = use_live();
    let text = Memo::new(move |_| ms.get().map_or_else(|| never.to_owned(), |ms| ago(ms, live.now.get())));
    let title = move || ms.get().map(|ms| Stamp::new(ms, utc_offset(ms)).iso());
    view! { <span class="num" class:t3=move || ms.get().is_none() title=title>{move || text.get()}</span> }
}

/// The letters of a provider on its colour.
#[component]
pub fn ProviderMark(name: String, display: String, #[prop(optional)] large: bool) -> impl IntoView {
    let (letters, colour) = colour::provider(&name, &display);
    let class = if large { "tm pm lg" } else { "tm pm" };
    view! { <span class=class style=format!("--c:{colour}") aria-hidden="true">{letters}</span> }
}

/// How this machine's AWS credentials are.
fn in_a_word(aws: &AwsState) -> String {
    match (&aws.source, &aws.region) {
        _ if aws.off => "switched off".to_owned(),
        _ if aws.problem.is_some() => "no AWS credentials".to_owned(),
        (Some(source), Some(region)) => format!("{source}, {region}"),
        (Some(source), None) => format!("{source}, no region"),
        (None, _) => "AWS credentials".to_owned(),
    }
}

/// Where a provider's key comes from, with its last characters.
#[component]
pub fn KeyCell(key_: KeyOrigin) -> impl IntoView {
    match key_ {
        KeyOrigin::Keychain { hint, .. } => view! {
            <span class="row g3 keycell" title="In the keychain" data-testid="key-origin">
                <Glyph icon=Icon::Key small=true /><span class="mono nw">"····"{hint}</span><span class="t3 cut">"keychain"</span>
            </span>
        }
        .into_any(),
        KeyOrigin::Environment { variable, hint, .. } => {
            let title = format!("From {variable} in LLMFlow's environment");
            view! {
                <span class="row g3 keycell" title=title data-testid="key-origin">
                    <Glyph icon=Icon::System small=true /><span class="mono nw">"····"{hint}</span><span class="mono t3 cut">{variable}</span>
                </span>
            }
            .into_any()
        }
        KeyOrigin::None => {
            view! { <span class="t3 cut keycell" data-testid="key-origin">"clients bring their own"</span> }.into_any()
        }
        KeyOrigin::Aws(aws) => view! {
            <span class="row g3 keycell" title=in_a_word(&aws) data-testid="key-origin">
                {aws.hint.clone().map(|hint| view! { <Glyph icon=Icon::System small=true /><span class="mono nw">"····"{hint}</span> })}
                <span class="t3 cut">{in_a_word(&aws)}</span>
            </span>
        }
        .into_any(),
        KeyOrigin::NotNeeded => view! { <span class="t3 keycell" data-testid="key-origin">"not needed"</span> }.into_any(),
    }
}
