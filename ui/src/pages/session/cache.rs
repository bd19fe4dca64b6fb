//! The session's prompt cache: what it saved and lost, and each break with its cause and its cost.

use api::{CallCache, SessionCache, SessionRef};
use leptos::prelude::*;

use crate::backend::use_backend;
use crate::browser::utc_offset;
use crate::components::cache::{cause, explained, lost, place};
use crate::fetch::fetch;
use crate::format::time::Stamp;
use crate::format::{money, plural, thousands};

/// The strip; the breaks fold out.
#[component]
pub fn CacheStrip(session: SessionRef, changed: RwSignal<u64>) -> impl IntoView {
    let backend = use_backend();
    let asked = move || {
        changed.track();
        Some(())
    };
    let found = fetch(true, asked, move |()| backend.session_cache(session.clone()));
    let open = RwSignal::new(false);
    view! {
        <section class="cachestrip s12" aria-label="Prompt cache" data-testid="session-cache">
            {move || found.is_late().then(|| view! { <p class="t3">"Comparing the calls’ prompts"</p> })}
            {move || found.error().map(|error| view! {
                <p class="t3" role="alert">"Prompt cache: "{error.error}" "<button class="btn sm" on:click=move |_| found.retry()>"Try again"</button></p>
            })}
            {move || found.with(|found| found.map(|cache| view! { <Strip cache=cache.clone() open=open /> }))}
        </section>
    }
}

#[component]
fn Strip(cache: SessionCache, open: RwSignal<bool>) -> impl IntoView {
    let breaks = cache.breaks;
    let unpriced = (cache.unpriced > 0)
        .then(|| format!(", {} without a known price", plural(cache.unpriced, "break", "breaks")));
    let rows: Vec<(usize, CallCache)> =
        cache.calls.into_iter().enumerate().filter(|(_, call)| call.cause.is_break()).collect();
    let rows = StoredValue::new(rows);
    view! {
        <div class="row g3">
            <b>"Prompt cache"</b>
            <span class="num">"saved "<span data-testid="session-cache-saved">{money(cache.saved, 4)}</span></span>
            <span class="num" class:warn=move || { breaks > 0 }>
                "lost "<span data-testid="session-cache-lost">{money(cache.lost, 4)}</span>
                {format!(", {} tokens in {}", thousands(cache.lost_tokens), plural(breaks, "break", "breaks"))}{unpriced}
            </span>
            <span class="end t3 s11">"Reported tokens at each call’s own price"</span>
            {(breaks > 0).then(|| view! {
                <button class="btn sm" data-testid="session-cache-open" aria-expanded=move || open.get().to_string()
                    on:click=move |_| open.update(|open| *open = !*open)>
                    {move || if open.get() { "Hide breaks" } else { "Show breaks" }}
                </button>
            })}
        </div>
        <Show when=move || open.get()>
            <ol class="breaks">{rows.with_value(|rows| rows.iter().map(|(turn, call)| one(*turn, call)).collect_view())}</ol>
        </Show>
    }
}

fn one(turn: usize, call: &CallCache) -> impl IntoView + use<> {
    let began = Stamp::new(call.started_ms, utc_offset(call.started_ms));
    let change = call.first_change.as_ref().map(place);
    view! {
        <li class="breakrow" data-testid="session-cache-break">
            <span class="num t3">{format!("call {}", turn + 1)}</span>
            <a class="hov" href=format!("/traces/{}", call.id) title=explained(call)>{cause(call.cause)}</a>
            <span class="mono cut t2">{change}</span>
            <span class="num r">{lost(call)}</span>
            <span class="num r t3" title=began.iso()>{began.clock()}</span>
        </li>
    }
}
