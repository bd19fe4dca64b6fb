//! What takes space and what goes when, and deleting by hand what is older or everything.

use api::{Erase, Erased, Retention, Storage};
use leptos::prelude::*;

use super::Page;
use super::words::Group;
use crate::backend::use_backend;
use crate::browser::{now_ms, utc_offset};
use crate::components::erase::{EraseButton, spelled};
use crate::components::states::ErrorPanel;
use crate::fetch::{Fetched, fetch};
use crate::format::time::{Stamp, ago};
use crate::format::{bytes, percent, thousands};
use crate::live::use_live;

const SPACE: &str = "Space on disk storage database size";
const DELETE: &str = "Delete older than days everything reset";
const DAY_MS: i64 = 86_400_000;

/// Whether any of these rows is looked for.
pub fn belongs(page: Page, group: Group) -> bool {
    group == Group::Storage && [SPACE, DELETE].into_iter().any(|words| page.wants(words))
}

/// The rows.
#[component]
pub fn StorageRows() -> impl IntoView {
    let page = expect_context::<Page>();
    let (backend, live) = (use_backend(), use_live());
    let shown = fetch(
        true,
        move || {
            live.configured.track();
            Some(())
        },
        move |()| backend.storage(),
    );
    view! {
        <Show when=move || page.wants(SPACE)><Space shown=shown /></Show>
        <Show when=move || page.wants(DELETE)><Delete shown=shown /></Show>
    }
}

#[component]
fn Space(shown: Fetched<Storage>) -> impl IntoView {
    view! {
        <div class="storage" data-testid="storage">
            {move || shown.error().map(|error| view! {
                <ErrorPanel what="What takes space could not be read" error=error retry=move |()| shown.retry() />
            })}
            {move || shown.with(|shown| shown.map(|storage| view! { <Parts storage=storage.clone() /> }))}
        </div>
    }
}

#[component]
fn Parts(storage: Storage) -> impl IntoView {
    let whole: u64 = storage.parts.iter().map(|part| part.bytes).sum::<u64>().max(1);
    let largest = storage.parts.iter().map(|part| part.bytes).max().unwrap_or(1).max(1);
    let rows = storage
        .parts
        .iter()
        .filter(|part| part.bytes > 0)
        .map(|part| {
            let width = format!("width:{}", percent(part.bytes, largest));
            let title = format!(
                "{} bytes, {} of what is used; estimated from a part of the rows",
                thousands(part.bytes),
                percent(part.bytes, whole)
            );
            let count = part.rows.map(thousands);
            view! {
                <tr title=title>
                    <td>{label(&part.name)}</td>
                    <td class="num t2">{count}</td>
                    <td class="barcell"><span style=width></span></td>
                    <td class="num">{bytes(part.bytes)}</td>
                </tr>
            }
        })
        .collect_view();
    let oldest = storage.oldest_ms.map(|ms| Stamp::new(ms, utc_offset(ms)).weekday_date());
    view! {
        <div class="row g3 total">
            <span class="m num" data-testid="storage-total">{bytes(storage.disk_bytes)}</span>
            <span class="t2 s12">
                {format!("on disk, log included{}{}",
                    if storage.free_bytes > 0 { format!("; {} of it free", bytes(storage.free_bytes)) } else { String::new() },
                    oldest.map(|day| format!("; the oldest call is of {day}")).unwrap_or_default())}
            </span>
        </div>
        <table class="parts"><tbody>{rows}</tbody></table>
        <p class="t2 s12" data-testid="retention">{told(&storage.retention)}</p>
    }
}

fn label(name: &str) -> &'static str {
    match name {
        "bodies" => "Bodies and records, compressed",
        "calls" => "Calls",
        "search" => "Search",
        "reports" => "Reports, compressed",
        "spans" => "Spans",
        "logs" => "Log records",
        "metrics" => "Metric points",
        "former" => "Written by a former version",
        _ => "Indices and unfilled pages",
    }
}

/// What goes when, in words.
fn told(retention: &Retention) -> String {
    let limits = retention.limits;
    let most =
        |count: Option<u64>, what: &str| count.map(|count| format!("the newest {} {what}", thousands(count)));
    let kept: Vec<String> = [
        limits.days.map(|days| format!("{days} days")),
        limits.bytes.map(|most| format!("{} of space", bytes(most))),
        most(limits.traces, "traces"),
        most(limits.logs, "log records"),
        most(limits.metrics, "metric points"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let kept = match kept.as_slice() {
        [] => "Everything is kept, without a limit.".to_owned(),
        kept => format!("Kept: {}; what is beyond goes by itself, the oldest first.", kept.join(", ")),
    };
    let last = retention
        .last
        .map(|last| format!(" Last deleted: {}, {}.", spelled(&last.erased), ago(last.at_ms, now_ms())));
    let tidying = if retention.tidying { " Space is being given back right now." } else { "" };
    format!("{kept}{}{tidying}", last.unwrap_or_default())
}

#[component]
fn Delete(shown: Fetched<Storage>) -> impl IntoView {
    let days = RwSignal::new("30".to_owned());
    let gone = RwSignal::new(None::<Erased>);
    let older = Callback::new(move |()| {
        let days: i64 =
            days.get_untracked().trim().parse().ok().filter(|days| (0..=36_500).contains(days))?;
        Some(Erase::Before(now_ms().saturating_sub(days * DAY_MS)))
    });
    let then = Callback::new(move |erased: Erased| {
        gone.try_set(Some(erased));
        shown.retry();
    });
    let is_days = move || days.with(|days| days.trim().parse::<u32>().is_ok_and(|days| days <= 36_500));
    view! {
        <div class="srow" data-testid="erase-older">
            <div class="what">
                <span class="m">"Delete what is older"</span>
                <p class="t2 s12">"Calls, traces, logs and metrics, for good: their bytes are overwritten, and the space is given back."</p>
                {move || gone.get().map(|gone| view! { <p class="t2 s12" role="status" data-testid="erased">{format!("Deleted {}.", spelled(&gone))}</p> })}
            </div>
            <div class="how">
                <label class="box short">
                    <input
                        type="text" inputmode="numeric" aria-label="Older than so many days" data-testid="erase-days"
                        aria-invalid=move || (!is_days()).to_string()
                        prop:value=move || days.get() on:input=move |event| days.set(event_target_value(&event))
                    />
                    <span class="t3">"days"</span>
                </label>
                <EraseButton what=older then=then testid="erase-older-button" />
            </div>
        </div>
        <div class="srow" data-testid="erase-everything">
            <div class="what">
                <span class="m">"Delete everything"</span>
                <p class="t2 s12">"Settings and keys stay. Calls under way are recorded when they end."</p>
            </div>
            <div class="how">
                <EraseButton
                    what=Callback::new(|()| Some(Erase::Everything)) then=then label="Delete everything"
                    testid="erase-everything-button"
                />
            </div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use api::Limits;

    use super::*;

    #[test]
    fn what_is_kept_is_told() {
        assert_eq!(told(&Retention::default()), "Everything is kept, without a limit.");
        let limits = Limits { days: Some(90), logs: Some(10_000), ..Limits::default() };
        let words = told(&Retention { limits, ..Retention::default() });
        assert!(words.starts_with("Kept: 90 days, the newest 10,000 log records;"), "{words}");
    }
}
