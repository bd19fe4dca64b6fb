//! What to do before there is anything to see.

use api::SourceState;
use api::connect::Tool;
use leptos::prelude::*;

use crate::components::copy_button::CopyButton;
use crate::components::icon::{Glyph, Icon};
use crate::live::use_live;
use crate::pages::connect::{ShellChoice, tools};
use crate::preferences::Preferences;

/// The page before the first call.
#[component]
pub fn FirstRun() -> impl IntoView {
    let live = use_live();
    let preferences = expect_context::<Preferences>();
    let problem = move || {
        live.health.with(|health| health.as_ref().and_then(|health| health.problems.first().cloned()))
    };
    let state = Memo::new(move |_| live.source("proxy"));
    let says = move || match state.get() {
        Some(SourceState::Stopped) => "The proxy is off: turn it on, and ",
        Some(SourceState::Failed { .. }) => "The proxy does not listen, see above. Once it does, ",
        Some(SourceState::Paused { .. }) => "Recording is paused: resume it, and ",
        Some(SourceState::Running { .. }) | None => "The proxy is listening: ",
    };
    let rows = Tool::ALL
        .into_iter()
        .filter(|tool| !matches!(tool, Tool::OpenAiSdk | Tool::ClaudeCodeOnBedrock | Tool::AwsSdk))
        .enumerate()
        .map(|(at, tool)| {
            let proxy = move || format!("http://{}", live.proxy_address());
            let text = move |()| tool.setup(preferences.shell.get_untracked(), &proxy());
            // Which variable or file does not depend on the address.
            let by = tool.way("").by();
            let (letters, ground) = tools::mark(tool);
            let class = if at == 0 { "btn sm pri" } else { "btn sm" };
            view! {
                <div class="fr">
                    <span class=format!("{ground} md24")>{letters}</span>
                    <span class="m">{tool.name()}</span>
                    <span class="t3 s12 mono cut">{by}</span>
                    <span class="end"></span>
                    <CopyButton text=text label="Copy env" class=class testid="copy-env" />
                </div>
            }
        })
        .collect_view();
    view! {
        <div class="page ep" data-testid="first-run">
            <div class="wrap">
                <Art />
                <h2>"Nothing recorded yet"</h2>
                <p class="t2">
                    {says}"point one tool at it and the first call appears here, with its prompt, tokens, timing and cost."
                </p>
                <section class="panel">
                    <div class="phead"><h2>"Point a tool here"</h2><span class="end"></span><ShellChoice /></div>
                    {rows}
                </section>
                <section class="panel alt">
                    <div class="s12 m">"From your own code"</div>
                    <div class="cmd mono">
                        <span class="cut">"base_url="<span class="str">{move || format!("\"http://{}/v1\"", live.proxy_address())}</span></span>
                        <CopyButton text=move |()| format!("http://{}/v1", live.proxy_address()) class="cpb" />
                    </div>
                </section>
                <div class="lines s12 t2">
                    <div class="row">
                        <Glyph icon=Icon::Lock />
                        <span>"Prompts, answers and keys stay on this machine. There is no account and nothing is sent home."</span>
                    </div>
                    {move || problem().map(|problem| view! {
                        <div class="row warn"><Glyph icon=Icon::Triangle /><span>{problem}</span></div>
                    })}
                </div>
            </div>
        </div>
    }
}

#[component]
fn Art() -> impl IntoView {
    view! {
        <svg class="art" viewBox="0 0 560 74" fill="none" aria-hidden="true">
            <g stroke="var(--line-strong)" stroke-width="1.5">
                <path d="M0 20H150C215 20 215 37 280 37" /><path d="M0 54H150C215 54 215 37 280 37" />
                <path d="M280 37C345 37 345 20 410 20H560" stroke-dasharray="3 5" />
                <path d="M280 37C345 37 345 54 410 54H560" stroke-dasharray="3 5" />
            </g>
            <circle cx="280" cy="37" r="19" fill="var(--panel)" stroke="var(--line-strong)" stroke-width="1.5" />
            <g transform="translate(268 25) scale(1.2)" stroke-width="2.2" stroke-linecap="round">
                <path d="M2.5 5.5c5 0 4.5 9 9.5 9h5.5" stroke="var(--accent)" />
                <path d="M2.5 14.5c2.2 0 3.3-1.4 4.2-3.1M10.4 7.2c.6-1 1.4-1.7 2.6-1.7h4.5" stroke="var(--text)" />
            </g>
        </svg>
        <div class="artl s12 t3"><span>"your tools"</span><span>"this machine"</span><span>"your providers"</span></div>
    }
}
