//! The strip along the bottom: how the answer flowed, from the request to its end.

use api::CallDetail;
use leptos::prelude::*;

use super::Page;
use super::chunks::{Stall, bins, stalls};
use super::tabs::Tab;
use crate::format::{duration, plural, speed, tokens_per_second};

const BINS: usize = 150;
const HEIGHT: f64 = 30.0;

/// The strip; nothing for an answer that was not a stream.
#[component]
pub fn Stream(call: CallDetail) -> impl IntoView {
    let page = expect_context::<Page>();
    let streamed = call.summary.streamed && !call.timing.chunks.is_empty();
    let call = StoredValue::new(call);
    // The Timing tab shows the same chart, larger.
    view! {
        <Show when=move || streamed && page.tab.get() != Tab::Timing>
            <div class="chunks" data-testid="stream-strip"><StreamChart call=call.get_value() /></div>
        </Show>
    }
}

/// The chart with its heading and axis.
#[component]
pub fn StreamChart(call: CallDetail) -> impl IntoView {
    let timing = &call.timing;
    let last = timing.chunks.last().map_or(0, |chunk| chunk.at_us);
    let end = timing.end_us.unwrap_or(last).max(last).max(1);
    let bytes = bins(&timing.chunks, end, BINS);
    let most = bytes.iter().copied().max().unwrap_or(1).max(1) as f64;
    let bars = bytes
        .iter()
        .map(|bytes| {
            let height = if *bytes == 0 { 0.0 } else { (*bytes as f64 / most * HEIGHT).max(2.0) };
            view! { <i style=format!("height:{height:.1}px")></i> }
        })
        .collect_view();
    let share = move |us: u64| us as f64 * 100.0 / end as f64;
    let first = timing.first_token_us.or(timing.first_byte_us);
    let word = if timing.first_token_us.is_some() { "first token" } else { "first byte" };
    let count = timing.chunks.len() as u64 + timing.chunks_untimed;
    let pace = tokens_per_second(call.summary.usage.output, timing.first_token_us, timing.end_us).map(speed);
    let stalled = stalls(&timing.chunks);
    let held = (!stalled.is_empty()).then(|| {
        let sum: u64 = stalled.iter().map(|stall| stall.to_us - stall.from_us).sum();
        view! { <span class="num warn">{format!("{} stalled", duration(sum))}</span> }
    });
    view! {
        <div class="row s11 t3 nw">
            <span class="t2 m">"Stream"</span>
            <span class="num">{plural(count, "chunk", "chunks")}</span>
            <span class="num">{pace}</span>
            {held}
            <span class="end row">
                <span class="row g2"><i class="hatch"></i>"waiting"</span>
                <span class="row g2"><i class="sw llm"></i>"answer, bytes"</span>
            </span>
        </div>
        <div class="flow" role="img" aria-label="Bytes of the answer over time">
            <div class="cbars">{bars}</div>
            {first.map(|first| view! {
                <div class="wait" style=format!("width:{:.2}%", share(first))></div>
                <div class="mk" class:late={share(first) > 70.0} style=format!("left:{:.2}%", share(first))>
                    <b>{format!("{word} {}", duration(first))}</b>
                </div>
            })}
            {stalled.into_iter().map(|stall| gap(stall, share)).collect_view()}
        </div>
        <div class="row s11 t3 num axis">
            {(0..=4_u64).map(|part| view! { <span>{if part == 0 { "0".to_owned() } else { duration(end * part / 4) }}</span> }).collect_view()}
        </div>
    }
}

fn gap(stall: Stall, share: impl Fn(u64) -> f64) -> impl IntoView {
    let (left, width) = (share(stall.from_us), share(stall.to_us) - share(stall.from_us));
    let text = format!("{} stall", duration(stall.to_us - stall.from_us));
    view! {
        <div class="gap" title=text style=format!("left:{left:.2}%;width:{width:.2}%")>
            {(width > 6.0).then(|| view! { <b>{text.clone()}</b> })}
        </div>
    }
}
