//! One local key as a row.

use api::LocalKey;
use leptos::prelude::*;

use super::Page;
use super::table::LastHeard;
use crate::backend::use_backend;
use crate::browser::{now_ms, utc_offset};
use crate::change::Change;
use crate::colour;
use crate::components::copy_button::CopyButton;
use crate::components::marks::ToolMark;
use crate::components::states::Refused;
use crate::components::two_step::TwoStep;
use crate::format::time::{Stamp, list_stamp};
use crate::made_keys::MadeKeys;

/// The row; the key made last, `fresh`, flashes once.
#[component]
pub fn Row(key_: LocalKey, fresh: RwSignal<Option<String>>) -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let change = Change::new();
    let name = key_.name.clone();
    // Only this page still has it, if it was made here.
    let copied = expect_context::<MadeKeys>().find(&key_);
    let is_whole = copied.is_some();
    let of = name.clone();
    let last_used = Signal::derive(move || {
        page.shown.with(|shown| shown?.local_keys.iter().find(|key| key.name == of)?.last_used_ms)
    });
    let is_fresh = fresh.with_untracked(|fresh| fresh.as_ref() == Some(&name));
    let display = colour::tool(Some(&name)).name;
    let removed = name.clone();
    let remove = move |()| {
        change.run(backend.remove_local_key(removed.clone()), move |shown| page.shown.put(shown));
    };
    let made = list_stamp(key_.created_ms, now_ms(), utc_offset(key_.created_ms));
    let question = Signal::derive(|| "Calls with it will fail.".to_owned());
    view! {
        <div class="tr" class:fresh=is_fresh role="row" data-testid="local-key-row" data-name=name>
            <span class="row g3" role="cell"><ToolMark client=Some(name.clone()) /><span class="cut" title=name.clone()>{display}</span></span>
            <span class="row g2" role="cell">
                <span
                    class="mono t2 cut"
                    title=if is_whole { "Copy gives the whole key" } else { "It was shown when it was made. Lost? Remove it and make another." }
                >{masked(&key_.hint)}</span>
                {copied.map(|key| view! {
                    <CopyButton text=move |()| key.clone() label="Copy" class="cpb" testid="copy-local-key" />
                    <span class="t3 s12" data-testid="copy-it-now">"Copy it now: it is not shown again"</span>
                })}
            </span>
            <span class="num t3 c-made" role="cell" title=Stamp::new(key_.created_ms, utc_offset(key_.created_ms)).iso()>{made}</span>
            <span role="cell"><LastHeard ms=last_used never="not yet" /></span>
            <span class="row ends" role="cell">
                <TwoStep label="Remove" question=question yes=remove disabled=change.busy class="btn sm bare" testid="remove-local-key" />
            </span>
        </div>
        <Refused error=change.refused />
    }
}

/// Its kind and its end: enough to tell keys apart.
fn masked(hint: &str) -> String {
    format!("lf-····{hint}")
}
