//! What only the desktop app can be told: to start at login. In a browser the row says where.

use leptos::prelude::*;

use super::Page;
use super::words::Group;
use crate::backend::{Desktop, desktop};
use crate::change::Change;
use crate::components::states::Refused;
use crate::components::switch::Switch;
use crate::fetch::fetch;

const LOGIN: &str = "Start at login autostart desktop";

/// Whether the row is looked for.
pub fn belongs(page: Page, group: Group) -> bool {
    group == Group::Desktop && page.wants(LOGIN)
}

/// The row.
#[component]
pub fn LoginRow() -> impl IntoView {
    let page = expect_context::<Page>();
    let how = || match desktop() {
        Some(desktop) => view! { <LoginSwitch desktop=desktop /> }.into_any(),
        None => {
            view! { <span class="t3 s12" data-testid="login-elsewhere">"Set it in the desktop app"</span> }
                .into_any()
        }
    };
    view! {
        <Show when=move || page.wants(LOGIN)>
            <div class="srow" data-testid="setting-start-at-login">
                <div class="what">
                    <span class="m">"Start when you log in"</span>
                    <p class="t2 s12">"The desktop app starts in the tray, so that nothing goes unrecorded."</p>
                </div>
                <div class="how">{how()}</div>
            </div>
        </Show>
    }
}

#[component]
fn LoginSwitch(desktop: Desktop) -> impl IntoView {
    let change = Change::new();
    let known = fetch(true, || Some(()), move |()| desktop.starts_at_login());
    let on = Signal::derive(move || known.with(|known| known == Some(&true)));
    let unknown = Signal::derive(move || change.busy.get() || known.with(|known| known.is_none()));
    let set = move |on: bool| change.run(desktop.start_at_login(on), move |()| known.put(on));
    view! {
        <Switch on=on disabled=unknown label="Start when you log in" change=set testid="control-start-at-login" />
        <Refused error=Signal::derive(move || change.refused.get().or_else(|| known.error())) />
    }
}
