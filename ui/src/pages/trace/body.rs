//! A body: JSON in colours, anything else as it is, large ones by their ends.

use api::{BodyInfo, BodySide, CallId};
use leptos::prelude::*;

use super::bytes::{Loaded, load};
use crate::backend::use_backend;
use crate::components::code::Code;
use crate::components::copy_button::CopyButton;
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::fetch::fetch;
use crate::format::bytes;

/// JSON up to this size is laid out and coloured.
const PRETTY: usize = 512 * 1024;

/// Loads and draws one body. `raw` leaves it exactly as it is kept.
#[component]
pub fn Body(id: CallId, side: BodySide, info: BodyInfo, #[prop(optional)] raw: bool) -> impl IntoView {
    let size = info.stored_bytes;
    if size == 0 {
        return view! { <p class="t3 s12 none">"No body."</p> }.into_any();
    }
    let backend = use_backend();
    let all = RwSignal::new(false);
    let body = fetch(true, move || Some(all.get()), move |all| load(backend, id, side, size, all));
    let drawn = move || {
        body.with(|body| {
            body.map(|body| {
                let text = body.head.clone();
                view! {
                    <div class="bodybar row"><CopyButton text=move |()| text.clone() label="Copy" class="btn sm" testid="copy-body" /></div>
                    {draw(body, raw)}
                }
            })
        })
    };
    let rest = move || {
        body.with(|body| body.filter(|body| body.tail.is_some()).map(|body| body.total)).map(|total| {
            view! {
                <button type="button" class="more" data-testid="show-all" on:click=move |_| all.set(true)>
                    {format!("Show all {}", bytes(total))}
                </button>
            }
        })
    };
    view! {
        <div class="bodybox">
            {move || body.error().map(|error| view! {
                <ErrorPanel what="The body could not be loaded" error=error retry=move |()| body.retry() />
            })}
            {move || body.is_late().then(|| view! { <SkeletonRows rows=6 /> })}
            {drawn}
            {rest}
        </div>
    }
    .into_any()
}

fn draw(body: &Loaded, raw: bool) -> impl IntoView + use<> {
    let note =
        body.binary.then(|| view! { <p class="warn s12">"Some bytes are not text and are shown as �."</p> });
    let text = match &body.tail {
        Some(tail) => view! {
            <pre class="code wrapped" tabindex="0">{body.head.clone()}</pre>
            <p class="t3 s12 num">{format!("{} left out", bytes(body.left_out))}</p>
            <pre class="code wrapped" tabindex="0">{tail.clone()}</pre>
        }
        .into_any(),
        None if !raw && body.head.len() <= PRETTY => view! { <Code text=body.head.clone() /> }.into_any(),
        None => view! { <pre class="code wrapped" tabindex="0">{body.head.clone()}</pre> }.into_any(),
    };
    view! { {note}{text} }
}
