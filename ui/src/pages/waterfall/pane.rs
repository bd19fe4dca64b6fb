//! The pane beside the tree: what is known of the selected span, in tabs; of the whole trace while none is selected.

mod about;
mod facts;
mod read;
mod reported;
mod times;

use api::{BodySide, CallDetail, CallId, ReportSource, SpanDetail, SpanRow};
use leptos::prelude::*;

use super::{Page, SPLIT};
use crate::backend::use_backend;
use crate::components::code::Code;
use crate::components::icon::{Glyph, Icon};
use crate::components::split::Divider;
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::fetch::{Fetched, fetch};
use crate::pages::trace::parts;

/// A tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Conversation,
    Input,
    Output,
    Request,
    Response,
    Attributes,
    Raw,
    Timing,
}

impl Tab {
    const ALL: [Self; 8] = [
        Self::Conversation,
        Self::Input,
        Self::Output,
        Self::Request,
        Self::Response,
        Self::Attributes,
        Self::Raw,
        Self::Timing,
    ];

    /// The word in the address.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Input => "input",
            Self::Output => "output",
            Self::Request => "request",
            Self::Response => "response",
            Self::Attributes => "attributes",
            Self::Raw => "raw",
            Self::Timing => "timing",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Conversation => "Conversation",
            Self::Input => "Input",
            Self::Output => "Output",
            Self::Request => "Request",
            Self::Response => "Response",
            Self::Attributes => "Attributes",
            Self::Raw => "Raw",
            Self::Timing => "Timing",
        }
    }

    const fn testid(self) -> &'static str {
        match self {
            Self::Conversation => "span-tab-conversation",
            Self::Input => "span-tab-input",
            Self::Output => "span-tab-output",
            Self::Request => "span-tab-request",
            Self::Response => "span-tab-response",
            Self::Attributes => "span-tab-attributes",
            Self::Raw => "span-tab-raw",
            Self::Timing => "span-tab-timing",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.word() == word)
    }
}

/// What is known of the selected span.
#[derive(Clone, Copy)]
pub struct Known {
    /// `None` for a call that only the proxy saw.
    pub span: Option<Fetched<SpanDetail>>,
    pub call: Fetched<CallDetail>,
}

impl Known {
    /// Which tabs have something to show, in their order.
    fn tabs(self) -> Vec<Tab> {
        let (input, output, told) = self.span.map_or((false, false, false), |span| {
            span.with(|span| {
                span.map_or((false, false, false), |span| {
                    (span.input.is_some(), span.output.is_some(), span.conversation.is_some())
                })
            })
        });
        let (is_call, proxied) = self.call.with(|call| {
            call.map_or((false, false), |call| (true, call.summary.sources.contains(&ReportSource::Proxy)))
        });
        let is_there = |tab: &Tab| match tab {
            Tab::Conversation => is_call || told,
            Tab::Input => input,
            Tab::Output => output,
            Tab::Request | Tab::Response => proxied,
            Tab::Attributes => true,
            Tab::Raw => self.span.is_some() || proxied,
            Tab::Timing => true,
        };
        Tab::ALL.into_iter().filter(is_there).collect()
    }

    fn is_loading(self) -> bool {
        let late = self.span.is_some_and(Fetched::is_late);
        late || self.call.is_late()
    }
}

/// The pane.
#[component]
pub fn Pane(width: RwSignal<Option<f64>>) -> impl IntoView {
    let page = expect_context::<Page>();
    // A span that comes to be known later, or that changes, is looked at again.
    let row = Memo::new(move |_| {
        page.load.tree.with(|tree| page.place.get().and_then(|place| tree.span(place)).cloned())
    });
    let id = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.id.clone())));
    view! {
        <aside class="det" aria-label="Span" data-testid="span-detail">
            <Divider name=SPLIT width=width />
            {move || match id.get().and_then(|_| row.get_untracked()) {
                Some(first) => view! { <OneSpan first=first row=row /> }.into_any(),
                None => view! { <about::About /> }.into_any(),
            }}
        </aside>
    }
}

#[component]
fn OneSpan(first: SpanRow, row: Memo<Option<SpanRow>>) -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let id = first.id.clone();
    // A call that nobody reported a span of stands in the tree under its own id.
    let is_reported = !id.contains('-');
    let span = is_reported.then(|| {
        fetch(
            true,
            move || {
                // Asked for again when its row changed, not whenever the trace grows: what is read stays as it is.
                row.track();
                Some(id.clone())
            },
            move |id| backend.span(page.id.to_string(), id),
        )
    });
    let call_id = Memo::new(move |_| row.with(|row| row.as_ref()?.call.as_ref().map(|call| call.id)));
    let asked = move || {
        row.track();
        call_id.get()
    };
    let call = fetch(true, asked, move |id: CallId| backend.call(id));
    let talk = fetch(true, asked, move |id: CallId| backend.conversation(id));
    let known = Known { span, call };
    parts::provide(call, talk);
    let tabs = Memo::new(move |_| known.tabs());
    let tab = Memo::new(move |_| {
        let asked = page.address.with(|address| address.tab);
        tabs.with(|tabs| {
            let there = asked.filter(|asked| tabs.contains(asked));
            there.or_else(|| tabs.first().copied()).unwrap_or(Tab::Timing)
        })
    });
    alt_keys(page, tabs);
    let shown = Memo::new(move |_| row.get().unwrap_or_else(|| first.clone()));
    let error = move || span.and_then(Fetched::error);
    view! {
        {move || view! { <facts::Head row=shown.get() known=known /> }}
        <Tabs tabs=tabs tab=tab />
        {move || error().map(|error| view! {
            <ErrorPanel what="This span could not be loaded" error=error retry=move |()| if let Some(span) = span { span.retry() } />
        })}
        {move || known.is_loading().then(|| view! { <SkeletonRows rows=8 /> })}
        <div class="tabpanel" role="tabpanel" tabindex="-1">
            {move || view! { <Panel tab=tab.get() row=shown.get() known=known /> }}
        </div>
        {move || (tab.get() != Tab::Timing).then(|| call.with(|call| {
            call.filter(|call| !call.timing.chunks.is_empty()).map(|call| view! { <parts::Strip call=call.clone() /> })
        }))}
    }
}

/// `Alt` and a digit choose the tab of that number.
fn alt_keys(page: Page, tabs: Memo<Vec<Tab>>) {
    let handle = window_event_listener(leptos::ev::keydown, move |event| {
        let digit = event.code().strip_prefix("Digit").and_then(|digit| digit.parse::<usize>().ok());
        let chosen =
            digit.and_then(|digit| tabs.with_untracked(|tabs| tabs.get(digit.checked_sub(1)?).copied()));
        if let (true, Some(chosen)) = (event.alt_key(), chosen) {
            event.prevent_default();
            page.show_tab(chosen);
        }
    });
    on_cleanup(move || handle.remove());
}

/// The row of tabs; the arrow keys move along it.
#[component]
fn Tabs(tabs: Memo<Vec<Tab>>, tab: Memo<Tab>) -> impl IntoView {
    let page = expect_context::<Page>();
    let move_by = move |event: web_sys::KeyboardEvent| {
        let tabs = tabs.get_untracked();
        let at = tabs.iter().position(|one| *one == tab.get_untracked()).unwrap_or(0);
        let next = match event.key().as_str() {
            "ArrowRight" => (at + 1) % tabs.len().max(1),
            "ArrowLeft" => (at + tabs.len() - 1) % tabs.len().max(1),
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some(next) = tabs.get(next) {
            page.show_tab(*next);
        }
    };
    let button = move |one: Tab| {
        let current = move || tab.get() == one;
        view! {
            <button
                type="button" role="tab" data-testid=one.testid() aria-selected=move || current().to_string()
                tabindex=move || if current() { "0" } else { "-1" } on:click=move |_| page.show_tab(one)
            >
                {one.label()}
            </button>
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label="Parts of the span" on:keydown=move_by>
            <For each=move || tabs.get() key=|tab| tab.word() let(one)>{button(one)}</For>
        </div>
    }
}

/// What the chosen tab shows.
#[component]
fn Panel(tab: Tab, row: SpanRow, known: Known) -> impl IntoView {
    let call = move || known.call.with(|call| call.cloned());
    let span = move || known.span.and_then(|span| span.with(|span| span.cloned()));
    let input = move || said(span().and_then(|span| span.input), "span-input");
    let output = move || said(span().and_then(|span| span.output), "span-output");
    let side = move |side| move || call().map(|call| view! { <parts::Side call=call side=side /> });
    match tab {
        Tab::Conversation => view! { <Talk known=known /> }.into_any(),
        Tab::Input => input.into_any(),
        Tab::Output => output.into_any(),
        Tab::Request => side(BodySide::Request).into_any(),
        Tab::Response => side(BodySide::Response).into_any(),
        Tab::Attributes => view! { <read::Attributes row=row known=known /> }.into_any(),
        Tab::Raw => view! { <reported::Raw known=known /> }.into_any(),
        Tab::Timing => view! { <times::Times row=row known=known /> }.into_any(),
    }
}

fn said(text: Option<String>, testid: &'static str) -> AnyView {
    view! { <div class="said-io" data-testid=testid>{text.map(|text| view! { <Code text=text /> })}</div> }
        .into_any()
}

/// What was said: as the call's own record tells it, else as the span does.
#[component]
fn Talk(known: Known) -> impl IntoView {
    move || {
        let of_call = known.call.with(|call| call.cloned());
        match of_call {
            Some(call) => Some(view! { <parts::ConversationTab call=call /> }.into_any()),
            None => known.span.and_then(|span| {
                span.with(|span| {
                    let talk = span?.conversation.clone()?;
                    Some(view! { <div class="conv" data-testid="trace-conversation"><parts::Talk talk=talk /></div> }.into_any())
                })
            }),
        }
    }
}

/// Ends the selection.
#[component]
fn Closer() -> impl IntoView {
    let page = expect_context::<Page>();
    view! {
        <button
            type="button" class="btn icon sm bare" title="Close (Esc)" aria-label="Close" data-testid="close-detail"
            on:click=move |_| page.select(None)
        >
            <Glyph icon=Icon::Close />
        </button>
    }
}
