//! What the lists of calls, traces and log records show of a search: where each row says what is looked for, which come
//! first, and how much is not in the index yet. Leaves out the rows themselves.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use api::{CallId, Reading, SearchLag, Snippet};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::backend::{Backend, use_backend};
use crate::browser::utc_offset;
use crate::components::icon::{Glyph, Icon};
use crate::fetch::fetch;
use crate::format::plural;
use crate::format::time::Stamp;

/// Rows that are drawn together are asked for together.
const GATHER: Duration = Duration::from_millis(30);
/// While something is not in the index, it is asked again.
const AGAIN: Duration = Duration::from_secs(2);
/// Rows asked for at once.
const MOST: usize = 200;

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Row {
    Call(CallId),
    Trace(String),
    Log(String),
}

/// Where the rows of a page say what is looked for.
#[derive(Clone, Copy)]
pub struct Found {
    text: Memo<Option<String>>,
    snippets: RwSignal<HashMap<Row, Snippet>>,
    wanted: StoredValue<HashSet<Row>>,
    backend: Backend,
}

impl Found {
    /// Of what is looked for with `text`; rows find it in the context.
    pub fn provide(text: Memo<Option<String>>) {
        let found = Self {
            text,
            snippets: RwSignal::new(HashMap::new()),
            wanted: StoredValue::new(HashSet::new()),
            backend: use_backend(),
        };
        Effect::new(move |before: Option<()>| {
            text.track();
            if before.is_some() {
                found.snippets.update(HashMap::clear);
            }
        });
        provide_context(found);
    }

    fn want(self, row: Row) {
        let first = self.wanted.try_update_value(|wanted| {
            let first = wanted.is_empty();
            wanted.insert(row);
            first
        });
        if first == Some(true) {
            set_timeout(move || self.ask(), GATHER);
        }
    }

    fn ask(self) {
        let Some(wanted) = self.wanted.try_update_value(std::mem::take) else { return };
        let Some(text) = self.text.try_get_untracked().flatten() else { return };
        let (mut calls, mut traces, mut logs) = (Vec::new(), Vec::new(), Vec::new());
        for row in wanted.into_iter().take(MOST) {
            match row {
                Row::Call(id) => calls.push(id),
                Row::Trace(id) => traces.push(id),
                Row::Log(id) => logs.push(id),
            }
        }
        spawn_local(async move {
            let answer = self.backend.snippets(text.clone(), calls, traces, logs).await;
            // Without them the rows are whole, too.
            let Ok(found) = answer else { return };
            if self.text.try_get_untracked().flatten() != Some(text) {
                return;
            }
            self.snippets.update(|snippets| {
                snippets.extend(found.calls.into_iter().map(|(id, snippet)| (Row::Call(id), snippet)));
                snippets.extend(found.traces.into_iter().map(|(id, snippet)| (Row::Trace(id), snippet)));
                snippets.extend(found.logs.into_iter().map(|(id, snippet)| (Row::Log(id), snippet)));
            });
        });
    }
}

/// What a row says of what is looked for; nothing without a search. To be called where a row is made.
pub fn snippet_of(row: Row) -> Memo<Option<Snippet>> {
    let found = use_context::<Found>();
    let own = row.clone();
    Effect::new(move |_| {
        if let Some(found) = found.filter(|found| found.text.with(Option::is_some)) {
            found.want(own.clone());
        }
    });
    Memo::new(move |_| found.and_then(|found| found.snippets.with(|all| all.get(&row).cloned())))
}

/// The strip above a list that was searched. `version` counts what came; `best` is whether the best come first, where the
/// list can do that, and how many were compared for it; `reading` is how far the search has come, until it ends; `further`
/// is how far back texts were read where they are too many, and what looks before that.
#[component]
pub fn SearchStrip(
    text: Memo<Option<String>>,
    version: RwSignal<u64>,
    #[prop(optional)] best: Option<(Memo<bool>, Callback<bool>, RwSignal<u64>)>,
    #[prop(optional)] reading: Option<RwSignal<Option<Reading>>>,
    #[prop(optional)] further: Option<(RwSignal<Option<i64>>, Callback<i64>)>,
) -> impl IntoView {
    let backend = use_backend();
    let tick = RwSignal::new(0_u64);
    let lag = fetch(
        true,
        move || {
            version.track();
            tick.track();
            text.with(Option::is_some).then_some(())
        },
        move |()| backend.search_lag(),
    );
    let missing = Memo::new(move |_| lag.with(|lag| lag.copied()));
    Effect::new(move |_| {
        tick.track();
        if missing.get().is_some_and(|lag| lag != SearchLag::default()) {
            set_timeout(
                move || {
                    // The page may be gone by then.
                    let _gone = tick.try_update(|tick| *tick += 1);
                },
                AGAIN,
            );
        }
    });
    let order = best.map(|(best, choose, compared)| {
        let button = move |label: &'static str, wanted: bool, testid: &'static str| {
            view! {
                <button
                    type="button" data-testid=testid aria-pressed=move || (best.get() == wanted).to_string()
                    on:click=move |_| choose.run(wanted)
                >{label}</button>
            }
        };
        let compared = move || {
            best.get().then(|| {
                let calls = plural(compared.get(), "call", "calls");
                view! { <span class="t3 nw" data-testid="compared">{format!("of the newest {calls} that say it")}</span> }
            })
        };
        view! {
            <div class="seg" role="group" aria-label="Which come first">
                {button("Newest first", false, "order-newest")}
                {button("Best first", true, "order-best")}
            </div>
            {compared}
        }
    });
    view! {
        <Show when=move || text.with(Option::is_some)>
            <div class="sbar" data-testid="search-strip">
                {order.clone()}
                <span class="t3 cut sb-help" title="Every word must be there, as a word or the beginning of one">
                    "“in quotes” is a phrase, -word is without it, names and paths are found as they are written"
                </span>
                {move || reading.and_then(|reading| reading.get()).map(|reading| view! {
                    <span class="nw" role="status" data-testid="search-reading">{reading_words(reading)}</span>
                })}
                {move || further.and_then(|(back_to, look)| back_to.get().map(|ms| (ms, look))).map(|(ms, look)| view! {
                    <span class="row g2 nw" role="status" data-testid="search-further">
                        {further_words(ms)}
                        <button type="button" class="btn sm" on:click=move |_| look.run(ms)>"Look before that"</button>
                    </span>
                })}
                <span class="end nw" role="status" data-testid="search-lag">{move || match missing.get() {
                    None => ().into_any(),
                    Some(lag) if lag == SearchLag::default() => {
                        view! { <span class="t3">"Index: complete"</span> }.into_any()
                    }
                    Some(lag) => view! {
                        <span class="row g2 warn"><Glyph icon=Icon::Triangle small=true />{lag_words(lag)}</span>
                    }
                    .into_any(),
                }}</span>
            </div>
        </Show>
    }
}

/// How far a search has come.
fn reading_words(reading: Reading) -> String {
    let calls = plural(reading.read, "call", "calls");
    match reading.back_to_ms.map(|ms| Stamp::new(ms, utc_offset(ms))) {
        Some(back_to) => format!(
            "Reading what was said: {calls}, back to {} {}",
            back_to.day_month(),
            back_to.short_clock()
        ),
        None => format!("Reading what was said: {calls}"),
    }
}

/// How far back texts were read.
fn further_words(ms: i64) -> String {
    let back_to = Stamp::new(ms, utc_offset(ms));
    format!("Only the newest records were read, back to {} {}", back_to.day_month(), back_to.short_clock())
}

/// How much is not in the index yet.
fn lag_words(lag: SearchLag) -> String {
    let mut words = Vec::new();
    if lag.calls > 0 {
        words.push(plural(lag.calls, "call", "calls"));
    }
    if lag.logs > 0 {
        words.push(plural(lag.logs, "log record", "log records"));
    }
    format!("Not in the index yet: {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_said_in_words() {
        assert_eq!(
            lag_words(SearchLag { calls: 1_200, logs: 1 }),
            "Not in the index yet: 1,200 calls, 1 log record"
        );
        assert_eq!(lag_words(SearchLag { calls: 1, logs: 0 }), "Not in the index yet: 1 call");
    }
}
