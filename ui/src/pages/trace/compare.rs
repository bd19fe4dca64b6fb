//! A replay beside the call it repeats: figures, answers, and what tells the two requests and the two answers apart.
//! Leaves out finding the differences (`structural`).

use api::{BodySide, CallDetail, CallId, Conversation, Money, Part};
use leptos::prelude::*;
use serde_json::{Value, json};

use super::bytes::{LARGE, load};
use crate::backend::{Backend, use_backend};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::fetch::fetch;
use crate::format::{bytes, duration, money, thousands};
use crate::structural::{Change, Difference, Piece, differences, of_bodies, words};

/// Differences that are drawn before somebody asks for all.
const SHOWN: usize = 200;

/// Both calls, as far as they are compared.
#[derive(Clone)]
struct Both {
    calls: [CallDetail; 2],
    answers: [String; 2],
    request: Result<Vec<Difference>, &'static str>,
    answer: Vec<Difference>,
}

/// The tab; `of` is the call that was sent again.
#[component]
pub fn Compare(call: CallDetail, of: CallId) -> impl IntoView {
    let backend = use_backend();
    let call = StoredValue::new(call);
    let both = fetch(true, || Some(()), move |()| both(backend, of, call.get_value()));
    view! {
        <div class="compare" data-testid="compare">
            <p class="t2 s12">"Sent again from "<a class="hov" href=format!("/traces/{of}") data-testid="replay-of">"this call"</a>
                ". Its cost stands in no total but that of replays."</p>
            {move || both.error().map(|error| view! {
                <ErrorPanel what="The call it repeats could not be loaded" error=error retry=move |()| both.retry() />
            })}
            {move || both.is_late().then(|| view! { <SkeletonRows rows=8 /> })}
            {move || both.with(|both| both.map(|both| draw(both.clone())))}
        </div>
    }
}

async fn both(backend: Backend, of: CallId, new: CallDetail) -> Result<Both, api::ApiError> {
    let old = backend.call(of).await?;
    let talks = [backend.conversation(of).await?, backend.conversation(new.summary.id).await?];
    let sizes = [asked(&old), asked(&new)];
    let request = match sizes.iter().all(|(_, size)| *size <= LARGE) {
        true => {
            let [(old_side, old_size), (new_side, new_size)] = sizes;
            let before = load(backend, of, old_side, old_size, true).await?;
            let after = load(backend, new.summary.id, new_side, new_size, true).await?;
            Ok(of_bodies(&before.head, &after.head))
        }
        false => Err("The requests are too large to be compared here."),
    };
    let [before, after] = &talks;
    let answer = differences(&said(before), &said(after));
    Ok(Both { answers: [text(before), text(after)], calls: [old, new], request, answer })
}

/// The client's own body, and how large it is.
fn asked(call: &CallDetail) -> (BodySide, u64) {
    match &call.translated {
        Some(translated) => (BodySide::ClientRequest, translated.request_body.stored_bytes),
        None => (BodySide::Request, call.request_body.stored_bytes),
    }
}

/// What stands in an answer beside the words, which are compared on their own: tools by name and arguments.
fn said(talk: &Conversation) -> Value {
    let parts = || talk.answer.iter().flat_map(|message| &message.parts);
    let tools = parts().filter_map(|part| match part {
        Part::ToolCall { name, arguments, .. } => {
            let read =
                serde_json::from_str::<Value>(arguments).unwrap_or_else(|_| Value::from(arguments.as_str()));
            Some(json!({ "name": name, "arguments": read }))
        }
        _ => None,
    });
    let others = parts().filter_map(|part| match part {
        Part::Media { .. } | Part::Other { .. } | Part::ToolResult { .. } => serde_json::to_value(part).ok(),
        Part::Text { .. } | Part::Refusal { .. } | Part::Thinking { .. } | Part::ToolCall { .. } => None,
    });
    let thoughts = parts().filter_map(|part| match part {
        Part::Thinking { text } => Some(text.as_str()),
        _ => None,
    });
    json!({
        "thinking": thoughts.collect::<Vec<_>>().join("\n"),
        "tools": tools.collect::<Vec<_>>(),
        "others": others.collect::<Vec<_>>(),
    })
}

/// What the model wrote, and the tools that it asked for.
fn text(talk: &Conversation) -> String {
    let mut text = String::new();
    for part in talk.answer.iter().flat_map(|message| &message.parts) {
        match part {
            Part::Text { text: said } | Part::Refusal { text: said } => text.push_str(said),
            Part::ToolCall { name, arguments, .. } => text.push_str(&format!("{name}({arguments})")),
            Part::Thinking { .. } | Part::ToolResult { .. } | Part::Media { .. } | Part::Other { .. } => {
                continue;
            }
        }
        text.push('\n');
    }
    text
}

fn draw(both: Both) -> impl IntoView {
    let Both { calls, answers, request, answer } = both;
    let tools = answers_tools(&calls[1]).then(|| view! {
        <p class="t2 s12" data-testid="stopped-at-tools">"The model asks for tools. LLMFlow runs none: the replay stops here."</p>
    });
    let [before, after] = answers;
    let pieces = words(&before, &after);
    let answer = match (answer.is_empty(), before == after) {
        (true, false) => view! { <p class="t3 s12" data-testid="answer-diff">"In their words, which are marked above."</p> }.into_any(),
        (..) => view! { <Differences found=answer testid="answer-diff" /> }.into_any(),
    };
    let request = match request {
        Ok(found) => view! { <Differences found=found testid="request-diff" /> }.into_any(),
        Err(why) => view! { <p class="t3 s12">{why}</p> }.into_any(),
    };
    view! {
        <Figures calls=calls />
        {tools}
        <h3>"Answers"</h3>
        <div class="sides" data-testid="answers">
            <p class="t3 s11" id="compared-old">"Recorded"</p>
            <p class="t3 s11" id="compared-new">"Replay"</p>
            <pre class="code wrapped" tabindex="0" aria-labelledby="compared-old">{side(&pieces, false)}</pre>
            <pre class="code wrapped" tabindex="0" aria-labelledby="compared-new">{side(&pieces, true)}</pre>
        </div>
        <h3>"What the answers differ in"</h3>
        {answer}
        <h3>"What the requests differ in"</h3>
        {request}
    }
}

fn answers_tools(call: &CallDetail) -> bool {
    let reason = call.summary.finish_reason.as_deref().unwrap_or_default();
    matches!(reason, "tool_calls" | "tool_use" | "function_call" | "TOOL_CALL")
}

/// One side of a text: what both say, and what only this one does.
fn side(pieces: &[Piece], new: bool) -> Vec<AnyView> {
    let drawn = pieces.iter().filter_map(|piece| match piece {
        Piece::Same(text) => Some(view! { <span>{text.clone()}</span> }.into_any()),
        Piece::Removed(text) if !new => Some(view! { <del>{text.clone()}</del> }.into_any()),
        Piece::Added(text) if new => Some(view! { <ins>{text.clone()}</ins> }.into_any()),
        Piece::Removed(_) | Piece::Added(_) => None,
    });
    drawn.collect()
}

#[component]
fn Figures(calls: [CallDetail; 2]) -> impl IntoView {
    let rows = figures(&calls).into_iter().map(|(name, [before, after])| {
        let differs = before != after;
        view! { <tr class:differs=differs><th scope="row">{name}</th><td>{before}</td><td>{after}</td></tr> }
    });
    view! {
        <table class="compared num" data-testid="compare-figures">
            <thead><tr><th></th><th scope="col">"Recorded"</th><th scope="col">"Replay"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
}

fn figures(calls: &[CallDetail; 2]) -> Vec<(&'static str, [String; 2])> {
    let each = |figure: fn(&CallDetail) -> Option<String>| {
        let figure = |call: &CallDetail| figure(call).unwrap_or_else(|| "–".to_owned());
        [figure(&calls[0]), figure(&calls[1])]
    };
    vec![
        ("Provider", each(|call| Some(call.summary.provider.clone()))),
        ("Model", each(|call| call.summary.model.clone())),
        ("Status", each(|call| call.summary.status.map(|status| status.to_string()))),
        ("Cost", each(|call| call.summary.cost.map(|cost: Money| money(cost, 6)))),
        ("Tokens in", each(|call| call.summary.usage.prompt_total().map(thousands))),
        ("Tokens out", each(|call| call.summary.usage.output.map(thousands))),
        ("First token", each(|call| call.summary.first_token_us.map(duration))),
        ("Total", each(|call| call.summary.duration_us.map(duration))),
        ("Stopped because", each(|call| call.summary.finish_reason.clone())),
        ("Answer", each(|call| Some(bytes(call.response_body.stored_bytes)))),
    ]
}

#[component]
fn Differences(found: Vec<Difference>, testid: &'static str) -> impl IntoView {
    if found.is_empty() {
        return view! { <p class="t3 s12" data-testid=testid>"In nothing."</p> }.into_any();
    }
    let all = RwSignal::new(found.len() <= SHOWN);
    let more = found.len().saturating_sub(SHOWN);
    let found = StoredValue::new(found);
    let rows = move || {
        let shown = if all.get() { usize::MAX } else { SHOWN };
        found.with_value(|found| found.iter().take(shown).map(row).collect_view())
    };
    view! {
        <ul class="diffs" data-testid=testid>{rows}</ul>
        <Show when=move || !all.get()>
            <button type="button" class="more" on:click=move |_| all.set(true)>{format!("Show {more} more")}</button>
        </Show>
    }
    .into_any()
}

fn row(found: &Difference) -> impl IntoView + use<> {
    let path = if found.path.is_empty() { "the whole".to_owned() } else { found.path.clone() };
    let (word, shown) = match &found.change {
        Change::Added(value) => ("added", view! { <ins>{plain(value)}</ins> }.into_any()),
        Change::Removed(value) => ("removed", view! { <del>{plain(value)}</del> }.into_any()),
        Change::Changed(Value::String(old), Value::String(new)) => {
            let pieces = words(old, new).into_iter().map(|piece| match piece {
                Piece::Same(text) => view! { <span>{text}</span> }.into_any(),
                Piece::Removed(text) => view! { <del>{text}</del> }.into_any(),
                Piece::Added(text) => view! { <ins>{text}</ins> }.into_any(),
            });
            ("changed", view! { <span>{pieces.collect::<Vec<_>>()}</span> }.into_any())
        }
        Change::Changed(old, new) => {
            ("changed", view! { <del>{plain(old)}</del>" "<ins>{plain(new)}</ins> }.into_any())
        }
    };
    view! { <li><span class="mono path" title=word>{path}</span><span class="t3 s11">{word}</span><pre class="value">{shown}</pre></li> }
}

/// A value as it is read: a text without its quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}
