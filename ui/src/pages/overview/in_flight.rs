//! Calls in flight in four fixed slots, and the one that ended last.

use api::{CallFilter, CallState, CallSummary, InFlight, Page as Part};
use leptos::prelude::*;

use super::Page;
use crate::backend::use_backend;
use crate::colour;
use crate::components::live_strip::{SLOTS, arrange};
use crate::components::marks::{CostCell, ToolMark};
use crate::fetch::fetch;
use crate::format::{bytes, duration, plural, thousands};
use crate::live::use_live;

/// A bar is full after a minute; a longer call keeps it full.
const FULL_US: u64 = 60_000_000;

/// The panel.
#[component]
pub fn InFlightPanel() -> impl IntoView {
    let live = use_live();
    let total = Memo::new(move |_| live.flying.with(|flying| flying.total));
    let slots = Memo::new(move |before: Option<&Vec<Option<InFlight>>>| {
        live.flying.with(|flying| arrange(before.map(Vec::as_slice).unwrap_or_default(), &flying.calls))
    });
    let more = move || total.get().saturating_sub(slots.with(|slots| slots.iter().flatten().count() as u64));
    view! {
        <section class="panel at-live" data-testid="in-flight">
            <div class="phead">
                <h2>"In flight"</h2>
                <span class="pill acc num">{move || thousands(total.get())}</span>
                {move || (more() > 0).then(|| view! { <span class="sub num">{format!("+ {} more", thousands(more()))}</span> })}
                <span class="end s11 t3">"elapsed"</span><span class="s11 t3 r head-far">"so far"</span>
            </div>
            <div class="tbl cols-live">
                {(0..SLOTS).map(|place| view! { <Place slots=slots place=place /> }).collect_view()}
            </div>
            <LastFinished />
        </section>
    }
}

#[component]
fn Place(slots: Memo<Vec<Option<InFlight>>>, place: usize) -> impl IntoView {
    let call = Memo::new(move |_| slots.with(|slots| slots.get(place).cloned().flatten()));
    let id = Memo::new(move |_| call.with(|call| call.as_ref().map(|call| call.id)));
    let nothing = Memo::new(move |_| slots.with(|slots| slots.iter().all(Option::is_none)));
    move || match id.get().and_then(|_| call.get_untracked()) {
        Some(first) => view! { <Flight first=first call=call /> }.into_any(),
        None if place == 0 && nothing.get() => {
            view! { <div class="tr live"><span></span><span class="t3">"Nothing in flight"</span></div> }
                .into_any()
        }
        None => view! { <div class="tr live" aria-hidden="true"></div> }.into_any(),
    }
}

#[component]
fn Flight(first: InFlight, call: Memo<Option<InFlight>>) -> impl IntoView {
    let live = use_live();
    let tool = colour::tool(first.client.as_deref()).name;
    let provider = first.provider.clone();
    let path = first.path.clone();
    let model = Memo::new(move |_| call.with(|call| call.as_ref().and_then(|call| call.model.clone())));
    let colour = move || match model.get() {
        Some(name) => colour::model(&name, colour::is_local(&provider)),
        None => "var(--m-other)",
    };
    let elapsed = Memo::new(move |_| {
        let ms = live.now.get().saturating_sub(first.started_ms).max(0);
        u64::try_from(ms).unwrap_or(0) * 1_000
    });
    let first_byte = move || call.with(|call| call.as_ref().and_then(|call| call.first_byte_us));
    let share = |us: u64| us.min(FULL_US) as f64 * 100.0 / FULL_US as f64;
    let waited = move || share(first_byte().unwrap_or(0));
    let told = Memo::new(move |_| {
        call.with(|call| call.as_ref().map_or((0, 0), |call| (call.response_bytes, call.chunks)))
    });
    let pace = move || {
        let since = elapsed.get().saturating_sub(first_byte()?) as f64 / 1e6;
        (since >= 1.0).then(|| format!("{:.0}/s", told.get().1 as f64 / since))
    };
    let bar = move || {
        match first_byte() {
        Some(_) => view! {
            <div class="lp">
                <i class="ttft" style=format!("width:{:.1}%", waited())></i>
                <i class="run" style=move || format!("width:{:.1}%;background:{}", share(elapsed.get()), colour())></i>
            </div>
        }
        .into_any(),
        None => view! { <div class="lp waiting"></div> }.into_any(),
    }
    };
    let is_answering = Memo::new(move |_| first_byte().is_some());
    let below = format!("{tool}, {path}");
    view! {
        <a class="tr live" href=format!("/traces/{}", first.id) data-testid="in-flight-call"
            title=format!("{below}\nTokens and cost are known when the call has ended.")>
            <ToolMark client=first.client.clone() />
            <span class="col">
                <span class="cut m">{move || model.get().unwrap_or_else(|| "model not read yet".to_owned())}</span>
                <span class="cut s11 t3">{below.clone()}</span>
            </span>
            <span class="col lpw">
                {move || { is_answering.track(); untrack(bar.clone()) }}
                <span class="row s11">
                    {move || match is_answering.get() {
                        true => view! { <span class="num t2">{plural(told.get().1, "chunk", "chunks")}</span> }.into_any(),
                        false => view! { <span class="t3 nw">"no byte yet"</span> }.into_any(),
                    }}
                    <span class="num t3 r">{pace}</span>
                </span>
            </span>
            <span class="num r">{move || duration(elapsed.get() / 100_000 * 100_000)}</span>
            <span class="num r">{move || match told.get().0 { 0 => "–".to_owned(), count => bytes(count) }}</span>
        </a>
    }
}

#[component]
fn LastFinished() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let last = fetch(
        true,
        move || {
            page.pulse.track();
            Some(page.day.get().0)
        },
        move |from| async move {
            let filter = CallFilter { from_ms: Some(from), ..CallFilter::default() };
            let part = Part { limit: 40, offset: 0, before: None };
            let newest = page.pulse.heed(backend.calls(filter, part)).await?.calls;
            Ok(newest.into_iter().filter(|call| call.state != CallState::Open).max_by_key(ended_ms))
        },
    );
    let last = Memo::new(move |_| last.with(|last| last.cloned().flatten()));
    move || last.get().map(|call| view! { <Finished call=call /> })
}

fn ended_ms(call: &CallSummary) -> i64 {
    call.started_ms + i64::try_from(call.duration_us.unwrap_or(0) / 1_000).unwrap_or(0)
}

#[component]
fn Finished(call: CallSummary) -> impl IntoView {
    let live = use_live();
    let ended = ended_ms(&call);
    let ago = Memo::new(move |_| {
        let seconds = (live.now.get() - ended).max(0) / 1_000;
        match seconds {
            0..10 => "now".to_owned(),
            10..60 => format!("{} s ago", seconds / 10 * 10),
            60..3_600 => format!("{} min ago", seconds / 60),
            _ => format!("{} h ago", seconds / 3_600),
        }
    });
    let name = call.title.clone().or(call.model.clone()).unwrap_or_else(|| call.path.clone());
    view! {
        <a class="pfoot" href=format!("/traces/{}", call.id) data-testid="last-finished" title=name>
            <span class="t3 nw">"Last finished"</span>
            <ToolMark client=call.client.clone() />
            <span class="cut">{name.clone()}</span>
            <span class="end num t2 nw">{call.duration_us.map(duration)}</span>
            <span class="nw"><CostCell cost=call.cost source=call.cost_source open=false /></span>
            <span class="num t3 nw">{ago}</span>
        </a>
    }
}
