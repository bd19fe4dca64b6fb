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
}

impl Tab {
    const ALL: [Self; 7] = [
        Self::Conversation,
        Self::Request,
        Self::Response,
        Self::Cost,
        Self::Raw,
        Self::Timing,
        Self::Compare,
    ];

    /// The tabs of a call.
    fn of(replay: bool) -> &'static [Self] {
        let every: &'static [Self] = &Self::ALL;
        if replay { every } else { every.split_last().map_or(every, |(_, others)| others) }
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
        }
    }
}

/// The row of tabs; the arrow keys move along it.
#[component]
pub fn Tabs() -> impl IntoView {
    let page = expect_context::<Page>();
    let replay =
        Memo::new(move |_| page.call.with(|call| call.is_some_and(|call| call.summary.replay_of.is_some())));
    let move_by = move |event: web_sys::KeyboardEvent| {
        let tabs = Tab::of(replay.get_untracked());
        let at = tabs.iter().position(|tab| *tab == page.tab.get_untracked()).unwrap_or(0);
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
        Tab::of(replay.get())
        .iter()
        .map(|tab| {
            let tab = *tab;
            let current = move || page.tab.get() == tab;
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
        let inside = match page.tab.get() {
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
        };
        view! { <div class="tabpanel" role="tabpanel" tabindex="-1">{inside}</div> }
    }
}
