//! Why the call's prompt was read from the provider's cache or was not, what that cost, and what its context is made of.
//! Leaves out the rule, which is the engine's.

use api::{CallCache, CallDetail, ErrorKind, Operation};
use leptos::prelude::*;

use crate::backend::use_backend;
use crate::components::cache::{against_none, cause, explained, lost, part, place};
use crate::fetch::fetch;
use crate::format::{bytes, percent, thousands};

/// The block; nothing for calls that have no prompt.
#[component]
pub fn CacheSection(call: CallDetail) -> impl IntoView {
    let (backend, id) = (use_backend(), call.summary.id);
    if call.summary.operation != Operation::Chat {
        return ().into_any();
    }
    let found = fetch(true, || Some(()), move |()| backend.call_cache(id));
    let failed = move || found.error().filter(|error| error.kind != ErrorKind::NotFound);
    view! {
        {move || found.is_late().then(|| view! {
            <div class="sec"><div class="sh"><h3>"Prompt cache"</h3></div><p class="cachetext t3">"Comparing with the previous call"</p></div>
        })}
        {move || failed().map(|error| view! {
            <div class="sec"><div class="sh"><h3>"Prompt cache"</h3></div>
                <p class="cachetext t3" role="alert">{error.error}" "<button class="btn sm" on:click=move |_| found.retry()>"Try again"</button></p></div>
        })}
        {move || found.with(|found| found.map(|cache| view! { <Verdict cache=cache.clone() /><Context cache=cache.clone() /> }))}
    }
    .into_any()
}

#[component]
fn Verdict(cache: CallCache) -> impl IntoView {
    let is_break = cache.cause.is_break();
    let change = cache.first_change.as_ref().map(|change| view! {
        <p class="cachetext"><span class="t3">"First changed segment "</span><span class="mono" data-testid="cache-change">{place(change)}</span></p>
    });
    let cost = is_break.then(|| view! {
        <p class="cachetext num"><span class="t3">"Lost "</span><b data-testid="cache-lost">{lost(&cache)}</b></p>
    });
    let read = cache.read.zip(cache.expected.filter(|expected| *expected > 0)).map(|(read, expected)| view! {
        <p class="cachetext num t2">{format!("{} read of {} that the previous call left in the cache", thousands(read), thousands(expected))}</p>
    });
    let saved = cache.saved.filter(|saved| saved.pico() != 0).map(|saved| {
        view! {
            <p class="cachetext num t2">{against_none(saved)}</p>
        }
    });
    let previous = cache.previous.map(|id| view! {
        <a class="hov s12 end" href=format!("/traces/{id}") data-testid="cache-previous">"Previous call"</a>
    });
    view! {
        <div class="sec" data-testid="call-cache">
            <div class="sh"><h3>"Prompt cache"</h3><span class="pill line" class:broke=is_break data-testid="cache-cause">{cause(cache.cause)}</span>{previous}</div>
            <p class="cachetext t2">{explained(&cache)}</p>
            {change}{read}{cost}{saved}
            <p class="cachetext s11 t3" title="Lost: what the call costs at its own price, less what it would have cost had those tokens been read from the cache">
                "Tokens as the provider reported them; the requests compared as they are stored"
            </p>
        </div>
    }
}

#[component]
fn Context(cache: CallCache) -> impl IntoView {
    if cache.context.is_empty() {
        return ().into_any();
    }
    let total = cache.prompt_tokens;
    // The bar is drawn by tokens, or by bytes where no tokens are known.
    let weight = |share: &api::ContextShare| share.tokens.unwrap_or(share.bytes);
    let sum: u64 = cache.context.iter().map(weight).sum::<u64>().max(1);
    let bar = cache.context.iter().map(|share| {
        let style = format!("flex:{} 0 0;background:{}", weight(share), part(share.part).1);
        view! { <i style=style></i> }
    });
    let bar = bar.collect_view();
    let rows = cache.context.iter().map(|share| {
        let (name, colour) = part(share.part);
        let tokens = share.tokens.map_or_else(|| "–".to_owned(), |tokens| format!("~{}", thousands(tokens)));
        view! {
            <div class="ctxrow s12" role="row">
                <i class="sw" style=format!("background:{colour}")></i><span role="rowheader">{name}</span>
                <span class="num r t3" role="cell">{bytes(share.bytes)}</span>
                <span class="num r" role="cell">{tokens}</span>
                <span class="num r t3" role="cell">{percent(weight(share), sum)}</span>
            </div>
        }
    });
    let rows = rows.collect_view();
    view! {
        <div class="sec" data-testid="call-context">
            <div class="sh"><h3>"Context"</h3><span class="end num s12">{total.map(|total| format!("{} tokens", thousands(total)))}</span></div>
            <div class="ctxbar" aria-hidden="true">{bar}</div>
            <div role="table" aria-label="What the context is made of">{rows}</div>
            <p class="cachetext s11 t3">"Bytes are the request’s. Tokens are an estimate: the reported total, shared out by length"</p>
        </div>
    }
    .into_any()
}
