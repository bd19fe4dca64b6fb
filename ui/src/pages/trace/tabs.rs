//! The tabs of a call, and which part each shows.

use api::{BodySide, CallDetail};
use leptos::prelude::*;

use super::{Page, compare, conversation, pane, raw, sides, sources, timing};

/// A tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Conversation,
    Request,
    Response,
    Cost,
    Raw,
    Timing,
    /// Of a replay: what tells it from the call it repeats.
    Compare,
    /// The pane, where there is no room for it beside the conversation.
    About,
}

impl Tab {
    const ALL: [Self; 8] = [
        Self::Conversation,
        Self::Request,
        Self::Response,
        Self::Cost,
        Self::Raw,
        Self::Timing,
        Self::Compare,
        Self::About,
    ];

    /// The tabs of a call, a replay or not, in a window that may be too narrow for the pane.
    pub fn of(replay: bool, narrow: bool) -> Vec<Self> {
        let there_is = |tab: &Self| match tab {
            Self::Compare => replay,
            Self::About => narrow,
            _ => true,
        };
        Self::ALL.into_iter().filter(there_is).collect()
    }

    /// The tab that `Alt` and this number choose.
    pub fn numbered(number: usize) -> Option<Self> {
        Self::ALL.get(number.checked_sub(1)?).copied()
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Conversation => "Conversation",
            Self::Request => "Request",
            Self::Response => "Response",
            Self::Cost => "Cost",
            Self::Raw => "Raw",
            Self::Timing => "Timing",
            Self::Compare => "Compare",
            Self::About => "About",
        }
    }

    const fn testid(self) -> &'static str {
        match self {
            Self::Conversation => "trace-tab-conversation",
            Self::Request => "trace-tab-request",
            Self::Response => "trace-tab-response",
            Self::Cost => "trace-tab-cost",
            Self::Raw => "trace-tab-raw",
            Self::Timing => "trace-tab-timing",
            Self::Compare => "trace-tab-compare",
            Self::About => "trace-tab-about",
        }
    }
}

/// The row of tabs; the arrow keys move along it.
#[component]
pub fn Tabs() -> impl IntoView {
    let page = expect_context::<Page>();
    let move_by = move |event: web_sys::KeyboardEvent| {
        let tabs = page.tabs.get_untracked();
        let at = tabs.iter().position(|tab| *tab == page.shown.get_untracked()).unwrap_or(0);
        let next = match event.key().as_str() {
            "ArrowRight" => (at + 1) % tabs.len(),
            "ArrowLeft" => (at + tabs.len() - 1) % tabs.len(),
            _ => return,
        };
        event.prevent_default();
        if let Some(tab) = tabs.get(next) {
            page.tab.set(*tab);
        }
    };
    let buttons = move || {
        page.tabs
        .get()
        .into_iter()
        .map(|tab| {
            let current = move || page.shown.get() == tab;
            view! {
                <button
                    type="button" role="tab" data-testid=tab.testid() aria-selected=move || current().to_string()
                    tabindex=move || if current() { "0" } else { "-1" } on:click=move |_| page.tab.set(tab)
                >
                    {tab.label()}
                </button>
            }
        })
        .collect_view()
    };
    view! { <div class="tabs" role="tablist" aria-label="Parts of the call" on:keydown=move_by>{buttons}</div> }
}

/// What the chosen tab shows.
#[component]
pub fn Panel(call: CallDetail) -> impl IntoView {
    let page = expect_context::<Page>();
    let call = StoredValue::new(call);
    move || {
        let call = call.get_value();
        let proxied = sources::is_proxied(&call);
        let inside = match page.shown.get() {
            Tab::Request | Tab::Response | Tab::Raw | Tab::Timing if !proxied => {
                view! { <sources::NotProxied call=call /> }.into_any()
            }
            Tab::Conversation => view! { <conversation::ConversationTab call=call /> }.into_any(),
            Tab::Request => view! { <sides::Side call=call side=BodySide::Request /> }.into_any(),
            Tab::Response => view! { <sides::Side call=call side=BodySide::Response /> }.into_any(),
            Tab::Cost => view! { <pane::CostTab call=call /> }.into_any(),
            Tab::Raw => view! { <raw::Raw call=call /> }.into_any(),
            Tab::Timing => view! { <timing::TimingTab call=call /> }.into_any(),
            Tab::Compare => match call.summary.replay_of {
                Some(of) => view! { <compare::Compare call=call of=of /> }.into_any(),
                None => view! { <conversation::ConversationTab call=call /> }.into_any(),
            },
            Tab::About => view! { <pane::Pane call=call /> }.into_any(),
        };
        view! { <div class="tabpanel" role="tabpanel" tabindex="-1">{inside}</div> }
    }
}
