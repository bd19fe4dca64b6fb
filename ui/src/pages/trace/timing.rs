//! When things happened: each step with its time, and the stream in full.

use api::{CallDetail, ServerTiming};
use leptos::prelude::*;

use super::stream::StreamChart;
use crate::format::{bytes, duration, plural, speed, thousands, tokens_per_second};

/// The tab.
#[component]
pub fn TimingTab(call: CallDetail) -> impl IntoView {
    let timing = &call.timing;
    let end = timing.end_us;
    let steps = [
        ("Request sent to the upstream", timing.request_sent_us),
        ("Status and headers", timing.headers_us),
        ("First byte", timing.first_byte_us),
        ("First token", timing.first_token_us),
        ("End", end),
    ];
    let whole = end.or(timing.chunks.last().map(|chunk| chunk.at_us)).unwrap_or(1).max(1);
    let mut before = 0;
    let rows = steps
        .into_iter()
        .filter_map(|(name, at)| {
            let at = at?;
            let from = before;
            before = at;
            let (left, width) =
                (from as f64 * 100.0 / whole as f64, at.saturating_sub(from) as f64 * 100.0 / whole as f64);
            Some(view! {
                <div class="tr step" role="row">
                    <span>{name}</span>
                    <span class="num r">{duration(at)}</span>
                    <span class="num r t3">{format!("+ {}", duration(at.saturating_sub(from)))}</span>
                    <span class="wt"><i style=format!("left:{left:.2}%;width:{width:.2}%")></i></span>
                </div>
            })
        })
        .collect_view();
    let pace = tokens_per_second(call.summary.usage.output, timing.first_token_us, end).map(speed);
    let untimed = timing.chunks_untimed;
    let size = call.response_body.wire_bytes;
    let count = timing.chunks.len() as u64 + untimed;
    let server = timing.server;
    let streamed = call.summary.streamed && !timing.chunks.is_empty();
    view! {
        <div class="timing" data-testid="trace-timing">
            <div class="tbl">
                <div class="tr th" role="row">
                    <span>"Step"</span><span class="r">"At"</span><span class="r">"After the last"</span><span></span>
                </div>
                {rows}
            </div>
            <p class="t2 s12">
                {pace.map(|pace| format!("{pace} between the first token and the end. "))}
                {(count > 0).then(|| format!("{} in {}. ", bytes(size), plural(count, "chunk", "chunks")))}
                {(untimed > 0).then(|| format!("The last {} chunks have no times of their own.", thousands(untimed)))}
            </p>
            {server.map(|server| view! { <OfServer server=server /> })}
            {streamed.then(|| view! { <div class="tall"><StreamChart call=call /></div> })}
        </div>
    }
}

/// What the server says of its own work.
#[component]
fn OfServer(server: ServerTiming) -> impl IntoView {
    let tokens = |tokens: Option<u64>| tokens.map(|tokens| plural(tokens, "token", "tokens"));
    let drafts = server.drafted.zip(server.drafts_accepted);
    let rows = [
        ("Waiting for its turn", server.queue_us, None),
        ("Loading the model", server.load_us, None),
        ("Reading the prompt", server.prompt_us, tokens(server.prompt_tokens)),
        ("Writing", server.output_us, tokens(server.output_tokens)),
        ("All of it", server.total_us, None),
    ];
    let rows = rows
        .into_iter()
        .filter_map(|(name, micros, tokens)| {
            let micros = micros?;
            Some(view! {
                <div class="tr step" role="row">
                    <span>{name}</span>
                    <span class="num r">{duration(micros)}</span>
                    <span class="num r t3">{tokens}</span>
                    <span></span>
                </div>
            })
        })
        .collect_view();
    view! {
        <div class="tbl" data-testid="server-timing">
            <div class="tr th" role="row">
                <span>"By the server's own clock"</span><span class="r">"Took"</span><span></span><span></span>
            </div>
            {rows}
        </div>
        <p class="t2 s12">
            {server.output_per_second().map(|pace| format!("{} while writing. ", speed(pace)))}
            {drafts.map(|(all, right)| format!("{} of {} drafted tokens were right.", thousands(right), thousands(all)))}
        </p>
    }
}
