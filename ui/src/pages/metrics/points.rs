//! A metric's points as they were reported, newest first.

use api::{ApiError, MetricPoint};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Page;
use crate::backend::use_backend;
use crate::browser::utc_offset;
use crate::components::attributes::{AttributeSection, plain};
use crate::components::reporter::ReporterSection;
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::format::thousands;
use crate::format::time::Stamp;

/// Points asked for at once.
const PAGE: u32 = 100;
const MS: i64 = 1_000_000;

/// The list. It is not followed while it is read: asking again is a press on its tab.
#[component]
pub fn Points() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let points = RwSignal::new(Vec::<MetricPoint>::new());
    let total = RwSignal::new(None::<u64>);
    let failed = RwSignal::new(None::<ApiError>);
    let (busy, turn) = (RwSignal::new(false), StoredValue::new(0_u64));
    let window = StoredValue::new(page.window());
    let more = move || {
        let view = page.view.get_untracked();
        let (Some(which), offset) = (view.which.clone(), points.with_untracked(Vec::len)) else { return };
        let query = view.query(&which, window.get_value(), 1);
        let this_turn = turn.get_value();
        busy.set(true);
        spawn_local(async move {
            let answer = backend.points(query, PAGE, u32::try_from(offset).unwrap_or(u32::MAX)).await;
            if turn.try_get_value() != Some(this_turn) {
                return;
            }
            busy.set(false);
            match answer {
                Ok(found) => {
                    failed.set(None);
                    total.set(Some(found.total));
                    points.update(|points| points.extend(found.points));
                }
                Err(error) => failed.set(Some(error)),
            }
        });
    };
    let asked = Memo::new(move |_| page.view.with(|view| (view.which.clone(), view.last, view.fixed)));
    Effect::new(move |_| {
        asked.track();
        turn.update_value(|turn| *turn += 1);
        points.set(Vec::new());
        total.set(None);
        window.set_value(page.window());
        more();
    });
    let left = move || total.get().unwrap_or(0).saturating_sub(points.with(Vec::len) as u64);
    view! {
        <div class="tbl mpoints" role="table" aria-label="Points" data-testid="points-table">
            <div class="tr th" role="row">
                <span role="columnheader">"Time"</span><span role="columnheader">"Series"</span><span role="columnheader" class="r">"Value"</span>
            </div>
            <For each=move || points.get().into_iter().enumerate() key=|(index, point)| (*index, point.id.clone()) let((_, point))>
                <Point point=point />
            </For>
        </div>
        {move || (busy.get() && total.get().is_none()).then(|| view! { <SkeletonRows rows=8 /> })}
        {move || failed.get().map(|error| view! { <ErrorPanel what="The points could not be loaded" error=error retry=move |()| more() /> })}
        {move || (total.get() == Some(0)).then(|| view! { <p class="t3 s12 none">"No points in this time."</p> })}
        <Show when=move || { left() > 0 }>
            <button type="button" class="more pad" disabled=move || busy.get() on:click=move |_| more() data-testid="more-points">
                {move || format!("Show more, {} left", thousands(left()))}
            </button>
        </Show>
    }
}

/// What stands for a point's value in a row.
fn value(point: &MetricPoint) -> String {
    let of =
        |name: &str| point.fields.iter().find(|field| field.key == name).map(|field| plain(&field.value));
    match (of("asInt").or_else(|| of("asDouble")), of("count"), of("sum")) {
        (Some(value), ..) => value,
        (None, Some(count), Some(sum)) => format!("{count} ×, sum {sum}"),
        (None, Some(count), None) => format!("{count} ×"),
        _ => "no value".to_owned(),
    }
}

#[component]
fn Point(point: MetricPoint) -> impl IntoView {
    let open = RwSignal::new(false);
    let ms = point.time_ns / MS;
    let series =
        point.attributes.iter().map(|one| format!("{}={}", one.key, plain(&one.value))).collect::<Vec<_>>();
    let series = if series.is_empty() { "no attributes".to_owned() } else { series.join(" ") };
    let value = value(&point);
    let since = (point.start_ns > 0 && point.start_ns < point.time_ns).then(|| {
        let us = (point.time_ns - point.start_ns) / 1_000;
        format!("over {}", crate::format::duration(us.unsigned_abs()))
    });
    let title = format!(
        "{} UTC{}",
        Stamp::new(ms, 0).iso(),
        since.map(|since| format!(", {since}")).unwrap_or_default()
    );
    let point = RwSignal::new(point);
    let (backend, failed) = (use_backend(), RwSignal::new(None::<ApiError>));
    let toggle = move || {
        open.update(|open| *open = !*open);
        // The list leaves out what is too long for it.
        let id = point.with_untracked(|point| point.shortened.then(|| point.id.clone()));
        let Some(id) = id.filter(|_| open.get_untracked()) else { return };
        spawn_local(async move {
            match backend.point(id).await {
                Ok(whole) => {
                    failed.try_set(None);
                    point.try_set(whole);
                }
                Err(error) => drop(failed.try_set(Some(error))),
            }
        });
    };
    view! {
        <button type="button" class="tr dense" role="row" data-testid="metric-point" aria-expanded=move || open.get().to_string()
            on:click=move |_| toggle()>
            <span role="cell" class="num t3" title=title>{Stamp::new(ms, utc_offset(ms)).chip()}</span>
            <span role="cell" class="mono cut" title=series>{series.clone()}</span>
            <span role="cell" class="num r cut" title=value>{value.clone()}</span>
        </button>
        <Show when=move || open.get()>
            {move || {
                let point = point.get();
                let exemplars = point.fields.iter().find(|field| field.key == "exemplars").is_some();
                let note = exemplars.then_some("Exemplars are shown as dots in the chart, too.");
                view! {
                    <div class="mpoint" data-testid="metric-point-whole">
                        <AttributeSection title="Point" attributes=point.fields />
                        {move || failed.get().map(|error| view! { <p class="note warn s11">{format!("Something long is left out here: {error}")}</p> })}
                        {note.map(|note| view! { <p class="note t3 s11">{note}</p> })}
                        <AttributeSection title="Attributes" attributes=point.attributes />
                        <AttributeSection title="Metadata" attributes=point.metadata />
                        <ReporterSection reporter=point.reporter />
                    </div>
                }
            }}
        </Show>
    }
}
