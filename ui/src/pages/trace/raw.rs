//! Both bodies exactly as they are kept; a stream as its events with the time each arrived.

use api::{BodySide, CallDetail, ChunkTiming};
use leptos::prelude::*;

use super::body::Body;
use super::bytes::{LARGE, load};
use super::chunks::event_times;
use crate::backend::use_backend;
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::fetch::fetch;
use crate::format::{duration, thousands};

/// Events drawn before more are asked for.
const EVENTS: usize = 300;

/// The tab.
#[component]
pub fn Raw(call: CallDetail) -> impl IntoView {
    let id = call.summary.id;
    let request = call.request_body.clone();
    let response = call.response_body.clone();
    let is_stream = call.summary.streamed && response.stored_bytes <= LARGE;
    let hashes = [("Request", &request.wire_sha256), ("Response", &response.wire_sha256)]
        .into_iter()
        .filter_map(|(name, hash)| {
            Some(view! { <span class="cut" title=hash.clone()?>{name}" sha256 "{hash.clone()?}</span> })
        })
        .collect_view();
    let whose = call.translated.as_ref().map(|_| {
        view! { <p class="t3 s12">"The provider's side: what it got and sent. The client's is under Request and Response."</p> }
    });
    view! {
        <div class="http" data-testid="trace-raw">
            {whose}
            <p class="t3 s11 mono col hashes">{hashes}</p>
            <h3>"Request body"</h3>
            <Body id=id side=BodySide::Request info=request raw=true />
            <h3>{if is_stream { "Response stream" } else { "Response body" }}</h3>
            {match is_stream {
                true => view! { <Events call=call /> }.into_any(),
                false => view! { <Body id=id side=BodySide::Response info=response raw=true /> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn Events(call: CallDetail) -> impl IntoView {
    let backend = use_backend();
    let (id, size) = (call.summary.id, call.response_body.stored_bytes);
    let body = fetch(true, || Some(()), move |()| load(backend, id, BodySide::Response, size, true));
    let shown = RwSignal::new(EVENTS);
    let chunks = StoredValue::new(call.timing.chunks);
    let rows = move || {
        body.with(|body| {
            let body = body?;
            let events = chunks.with_value(|chunks| split(&body.head, chunks));
            let left = events.len().saturating_sub(shown.get());
            let timed = events.iter().any(|(at, _)| at.is_some());
            let rows = events
                .into_iter()
                .take(shown.get())
                .map(|(at, text)| {
                    let at = at.map(duration).unwrap_or_default();
                    view! { <div class="ev"><span class="num t3 r">{at}</span><pre>{text}</pre></div> }
                })
                .collect_view();
            let more = (left > 0).then(|| {
                view! {
                    <button type="button" class="more" on:click=move |_| shown.update(|shown| *shown *= 4)>
                        {format!("Show more, {} events left", thousands(left as u64))}
                    </button>
                }
            });
            Some(view! { <div class="evs" class:untimed=!timed data-testid="stream-events">{rows}</div>{more} })
        })
    };
    view! {
        {move || body.error().map(|error| view! {
            <ErrorPanel what="The stream could not be loaded" error=error retry=move |()| body.retry() />
        })}
        {move || body.is_late().then(|| view! { <SkeletonRows rows=8 /> })}
        {rows}
    }
}

/// The events of a stream: blocks divided by an empty line, each with its time when that is known.
fn split(body: &str, chunks: &[ChunkTiming]) -> Vec<(Option<u64>, String)> {
    let mut starts = Vec::new();
    let mut texts = Vec::new();
    let mut at = 0;
    for block in body.split_inclusive("\n\n") {
        if !block.trim().is_empty() {
            starts.push(at);
            texts.push(block.trim_end().to_owned());
        }
        at += block.len() as u64;
    }
    let times = event_times(&starts, chunks, body.len() as u64);
    let time = |index: usize| times.as_ref().and_then(|times| times.get(index)).copied();
    texts.into_iter().enumerate().map(|(index, text)| (time(index), text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_falls_apart_into_events() {
        let chunks = [ChunkTiming { at_us: 5, bytes: 9 }, ChunkTiming { at_us: 9, bytes: 9 }];
        let events = split("data: a\n\ndata: b\n\n", &chunks);
        assert_eq!(events, [(Some(5), "data: a".to_owned()), (Some(9), "data: b".to_owned())]);
    }
}
