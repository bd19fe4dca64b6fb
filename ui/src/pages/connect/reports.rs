//! How each tool is told to report about itself, beside its calls. What is typed is `api::connect::telemetry`'s.

use api::SourceState;
use api::connect::telemetry::{Sender, collector_at};
use leptos::prelude::*;

use crate::components::copy_button::CopyButton;
use crate::live::{Live, use_live};
use crate::preferences::Preferences;

/// The cards of all senders.
#[component]
pub fn Reports() -> impl IntoView {
    let live = use_live();
    let collector = Memo::new(move |_| address(live));
    view! {
        <div class="lead" id="telemetry" data-testid="connect-telemetry">
            <p>
                <b>"Tools can also report about themselves."</b>
                " Spans, events and metrics over OTLP: tool runs, prompts and decisions that no call shows. A call that comes both ways is one call."
            </p>
        </div>
        <div class="grid">{Sender::ALL.into_iter().map(|sender| view! { <Card sender=sender collector=collector /> }).collect_view()}</div>
        <p class="t3 s12 row">
            {move || format!("OTLP over HTTP goes to {}; gRPC to port 4317, unless the settings say otherwise.", collector.get())}
        </p>
    }
}

#[component]
fn Card(sender: Sender, collector: Memo<String>) -> impl IntoView {
    let preferences = expect_context::<Preferences>();
    let text = Signal::derive(move || {
        collector.with(|collector| sender.snippet(preferences.shell.get(), collector))
    });
    view! {
        <section class="panel card" data-testid=format!("telemetry-{}", sender.key())>
            <div class="ch"><h2>{sender.name()}</h2></div>
            <div class="snip">
                <div class="shead"><span class="t3 s12">{move || preferences.shell.get().name()}</span>
                    <span class="end"></span>
                    <CopyButton text=move |()| text.get_untracked() label="Copy" class="cpb" testid="copy-telemetry" />
                </div>
                <pre>{move || text.get()}</pre>
            </div>
            <p class="cfoot t2 s12">{sender.note()}</p>
        </section>
    }
}

/// Where OTLP over HTTP is taken: its own port, else the dashboard's, which is where this page is from.
fn address(live: Live) -> String {
    let own = match live.source("otlp_http") {
        Some(SourceState::Running { addresses } | SourceState::Paused { addresses }) => {
            addresses.first().and_then(|address| address.rsplit_once(':')?.1.parse().ok())
        }
        Some(SourceState::Stopped | SourceState::Failed { .. }) | None => None,
    };
    let page = || window().location().port().ok().and_then(|port| port.parse().ok());
    collector_at(own.or_else(page).unwrap_or(4318))
}
