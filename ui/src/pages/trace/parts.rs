//! Parts of a call's page that a span's pane shows, too.

use api::{CallDetail, Conversation};
use leptos::prelude::*;

use super::Page;
use super::stream::StreamChart;
use super::tabs::Tab;
use crate::fetch::Fetched;

pub use super::conversation::{ConversationTab, Talk};
pub use super::raw::Raw;
pub use super::sides::Side;
pub use super::sources::Sources;
pub use super::timing::TimingTab as Timing;

/// Gives the parts what they share.
pub fn provide(call: Fetched<CallDetail>, talk: Fetched<Conversation>) {
    provide_context(Page::new(call, talk, RwSignal::new(Tab::Conversation), RwSignal::new(None)));
}

/// How the answer flowed.
#[component]
pub fn Strip(call: CallDetail) -> impl IntoView {
    view! { <div class="chunks" data-testid="stream-strip"><StreamChart call=call /></div> }
}
