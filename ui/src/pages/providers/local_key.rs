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

/// The row; the key made last, `fresh`, flashes once.
#[component]
pub fn Row(key_: LocalKey, fresh: RwSignal<Option<String>>) -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let change = Change::new();
    let (name, copied) = (key_.name.clone(), key_.key.clone());
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
                <span class="mono t2 cut" title="Copy gives the whole key">{masked(&key_.key)}</span>
                <CopyButton text=move |()| copied.clone() label="Copy" class="cpb" testid="copy-local-key" />
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

/// Its kind and its end: enough to tell keys apart, not to read one over a shoulder.
fn masked(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    if letters.len() < 16 {
        return key.to_owned();
    }
    let (start, end) = (letters.iter().take(3), letters.iter().skip(letters.len() - 4));
    start.copied().chain("····".chars()).chain(end.copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_key_shows_its_ends_only() {
        assert_eq!(masked("lf-claude-code-3f9a12cd"), "lf-····12cd");
        assert_eq!(masked("short"), "short");
        assert_eq!(masked("schlüsselschlüssel"), "sch····ssel");
    }
}
