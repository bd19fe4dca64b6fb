//! Calls in flight, in four fixed slots: what is read there never moves.

use api::InFlight;
use leptos::prelude::*;

use super::marks::ToolMark;
use crate::colour;
use crate::format::{bytes, duration, plural, thousands};
use crate::live::use_live;

/// How many calls in flight have a place of their own.
pub const SLOTS: usize = 4;
/// A bar is full after a minute; a longer call keeps it full.
const FULL_US: u64 = 60_000_000;

/// The strip. It stays once a call was seen, so that the table below keeps its place.
#[component]
pub fn LiveStrip() -> impl IntoView {
    let live = use_live();
    let seen = RwSignal::new(false);
    let total = Memo::new(move |_| live.flying.with(|flying| flying.total));
    Effect::new(move |_| {
        if total.get() > 0 {
            seen.set(true);
        }
    });
    // A call keeps its slot while it lasts.
    let slots = Memo::new(move |before: Option<&Vec<Option<InFlight>>>| {
        live.flying.with(|flying| arrange(before.map(Vec::as_slice).unwrap_or_default(), &flying.calls))
    });
    let more = move || total.get().saturating_sub(slots.with(|slots| slots.iter().flatten().count() as u64));
    view! {
        <Show when=move || seen.get()>
            <section class="strip" data-testid="live-strip" aria-label="Calls in flight">
                {(0..SLOTS).map(|place| view! { <Place slots=slots place=place /> }).collect_view()}
                <span class="num t3 s11 extra">
                    {move || match more() {
                        0 => String::new(),
                        more => format!("+ {}", thousands(more)),
                    }}
                </span>
            </section>
        </Show>
    }
}

/// The calls in slots: those that had one keep it, the others fill what is free, oldest first.
pub fn arrange(before: &[Option<InFlight>], calls: &[InFlight]) -> Vec<Option<InFlight>> {
    let find = |slot: &Option<InFlight>| {
        let id = slot.as_ref()?.id;
        calls.iter().find(|call| call.id == id).cloned()
    };
    let mut slots: Vec<Option<InFlight>> = (0..SLOTS).map(|slot| before.get(slot).and_then(find)).collect();
    let placed: Vec<_> = slots.iter().flatten().map(|call| call.id).collect();
    let mut waiting = calls.iter().filter(|call| !placed.contains(&call.id));
    for slot in slots.iter_mut().filter(|slot| slot.is_none()) {
        *slot = waiting.next().cloned();
    }
    slots
}

#[component]
fn Place(slots: Memo<Vec<Option<InFlight>>>, place: usize) -> impl IntoView {
    let call = Memo::new(move |_| slots.with(|slots| slots.get(place).cloned().flatten()));
    let id = Memo::new(move |_| call.with(|call| call.as_ref().map(|call| call.id)));
    view! {
        {move || match id.get().and_then(|_| call.get_untracked()) {
            Some(first) => view! { <Flight first=first call=call /> }.into_any(),
            None => view! { <div class="slot idle" aria-hidden="true"><div class="lp"></div></div> }.into_any(),
        }}
    }
}

#[component]
fn Flight(first: InFlight, call: Memo<Option<InFlight>>) -> impl IntoView {
    let live = use_live();
    let tool = colour::tool(first.client.as_deref()).name;
    let path = first.path.clone();
    let title = format!("{tool}, {path}");
    let provider = first.provider.clone();
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
    let percent = |us: u64| us.min(FULL_US) as f64 * 100.0 / FULL_US as f64;
    let waited = move || percent(first_byte().unwrap_or_else(|| elapsed.get()));
    let streamed = move || first_byte().map_or(0.0, |first| percent(elapsed.get()) - percent(first)).max(0.0);
    let so_far = move || {
        call.with(|call| match call {
            Some(call) if call.first_byte_us.is_some() => {
                format!("{} · {}", bytes(call.response_bytes), plural(call.chunks, "chunk", "chunks"))
            }
            _ => "no byte yet".to_owned(),
        })
    };
    view! {
        <a class="slot" href=format!("/traces/{}", first.id) title=title data-testid="live-call">
            <span class="row g3">
                <ToolMark client=first.client.clone() />
                <span class="cut m">{move || model.get().unwrap_or_else(|| path.clone())}</span>
                <span class="num end">{move || duration(elapsed.get() / 100_000 * 100_000)}</span>
            </span>
            <span class="row g3">
                <span class="lp grow">
                    <i class="wait" style=move || format!("width:{:.1}%", waited())></i>
                    <i class="run" style=move || format!("width:{:.1}%;background:{}", streamed(), colour())></i>
                </span>
                <span class="num s11 t3">{so_far}</span>
            </span>
        </a>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(number: u8) -> InFlight {
        InFlight {
            id: format!("01935a2b-6f4e-7d11-9a43-0000000000{number:02x}").parse().unwrap(),
            started_ms: 0,
            provider: "openai".into(),
            client: None,
            model: None,
            path: "/v1/responses".into(),
            first_byte_us: None,
            response_bytes: 0,
            chunks: 0,
        }
    }

    #[test]
    fn a_call_keeps_its_slot_when_an_older_one_ends() {
        let all: Vec<_> = (1..=6).map(flight).collect();
        let first = arrange(&[], &all);
        let later = arrange(&first, &all[1..]);
        let ids: Vec<_> = later.iter().flatten().map(|call| call.id).collect();
        assert_eq!(ids, [all[4].id, all[1].id, all[2].id, all[3].id], "the fifth takes the first one's slot");
    }
}
