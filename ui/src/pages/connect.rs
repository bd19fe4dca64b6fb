//! The Connect page: how to point each tool at the proxy, with its own key or with a local one.

mod reports;
pub mod tools;

use api::Providers;
use api::connect::{Shell, Tool};
use leptos::prelude::*;

use crate::backend::use_backend;
use crate::browser::set_title;
use crate::components::copy_button::CopyButton;
use crate::components::icon::{Glyph, Icon};
use crate::components::top_bar::TopBar;
use crate::fetch::{Fetched, fetch};
use crate::live::use_live;
use crate::made_keys::MadeKeys;
use crate::preferences::Preferences;

/// The page.
#[component]
pub fn Connect() -> impl IntoView {
    set_title("Connect");
    let (backend, live) = (use_backend(), use_live());
    // Without an answer the cards are as they are without local keys.
    let keys = fetch(
        true,
        move || {
            live.configured.track();
            Some(())
        },
        move |()| backend.providers(),
    );
    view! {
        <TopBar><h1>"Connect"</h1></TopBar>
        <div class="page scroll" data-testid="connect-page">
            <div class="lead">
                <p>
                    <b>"Point a tool here and it shows up within a second."</b>
                    " The proxy hands every request on unchanged, with the key your tool sends. Keys and prompts stay on this machine."
                </p>
                <span class="end"></span>
                <ShellChoice />
            </div>
            <div class="grid">{Tool::ALL.into_iter().map(|tool| view! { <Card tool=tool keys=keys /> }).collect_view()}</div>
            <p class="t3 s12 row">
                <Glyph icon=Icon::Lock small=true />
                {move || format!("The proxy listens on {}. To stop recording a tool, unset the variable.", live.proxy_address())}
            </p>
            <reports::Reports />
        </div>
    }
}

/// One shell for all snippets.
#[component]
pub fn ShellChoice() -> impl IntoView {
    let preferences = expect_context::<Preferences>();
    let buttons = Shell::ALL
        .into_iter()
        .map(|shell| {
            let chosen = move || preferences.shell.get() == shell;
            view! {
                <button
                    type="button" role="tab" aria-selected=move || chosen().to_string()
                    aria-pressed=move || chosen().to_string() on:click=move |_| preferences.choose_shell(shell)
                >
                    {shell.name()}
                </button>
            }
        })
        .collect_view();
    view! { <div class="seg" role="tablist" aria-label="Shell" data-testid="shell-choice">{buttons}</div> }
}

#[component]
fn Card(tool: Tool, keys: Fetched<Providers>) -> impl IntoView {
    let live = use_live();
    let (preferences, made) = (expect_context::<Preferences>(), expect_context::<MadeKeys>());
    let local = Memo::new(move |_| {
        keys.with(|keys| keys?.local_keys.iter().find(|key| key.name == tool.key()).cloned())
    });
    let in_use = Memo::new(move |_| keys.with(|keys| keys.is_some_and(|keys| !keys.local_keys.is_empty())));
    let with_local = RwSignal::new(false);
    // Where stored keys are only for local keys, a tool without its own needs one.
    Effect::new(move |_| with_local.set(keys.with(|keys| keys.is_some_and(|keys| keys.local_keys_required))));
    let text = Signal::derive(move || {
        let key = local.get().filter(|_| with_local.get()).map(|local| made.or_blank(&local));
        tool.snippet(preferences.shell.get(), &format!("http://{}", live.proxy_address()), key.as_deref())
    });
    let choice = move || {
        let has_key = local.with(Option::is_some);
        let own = view! {
            <button
                type="button" class="withkey" aria-pressed=move || with_local.get().to_string() data-testid="with-local-key"
                title="Send a key that is worth something only here; LLMFlow puts the real one in its place"
                on:click=move |_| with_local.update(|on| *on = !*on)
            ><Glyph icon=Icon::Key small=true />"local key"</button>
        };
        let make = || view! { <a class="withkey" href="/providers#local-keys" title="Make a local key for it">"Make a local key"</a> };
        match (has_key, in_use.get()) {
            (true, _) => own.into_any(),
            (false, true) => make().into_any(),
            (false, false) => ().into_any(),
        }
    };
    let blank = move || {
        let is_blank =
            with_local.get() && local.with(|local| local.as_ref().is_some_and(|it| made.find(it).is_none()));
        is_blank.then(|| {
            view! {
                <span data-testid="key-is-blank">
                    " Put the local key in its place: it was shown when it was made. Lost? "
                    <a href="/providers#local-keys">"Make another"</a>"."
                </span>
            }
        })
    };
    let (letters, class) = tools::mark(tool);
    let lines = move || {
        let text = text.get();
        text.lines().map(snippet_line).collect_view()
    };
    view! {
        <section class="panel card" data-testid=format!("connect-{}", tool.key())>
            <div class="ch">
                <span class=format!("{class} lg")>{letters}</span>
                <span class="col"><h2>{tools::title(tool)}</h2><span class="t3 s12 cut">{tools::covers(tool)}</span></span>
            </div>
            <div class="snip">
                <div class="shead"><span class="t3 s12">{move || preferences.shell.get().name()}</span>
                    <span class="end"></span>
                    {choice}
                    <CopyButton text=move |()| text.get_untracked() label="Copy" class="cpb" testid="copy-snippet" />
                </div>
                <pre>{lines}</pre>
            </div>
            <p class="cfoot t2 s12">{tools::note(tool)}{blank}</p>
        </section>
    }
}

/// A line with its keyword, name and value apart.
fn snippet_line(line: &str) -> impl IntoView + use<> {
    let value = ["http", "lf-"].iter().find_map(|start| line.find(start));
    let Some(at) = value else {
        return view! { <span>{line.to_owned()}"\n"</span> }.into_any();
    };
    let (before, value) = line.split_at(at);
    let value = value.to_owned();
    view! { <span><b>{before.to_owned()}</b><span class="str">{value}</span>"\n"</span> }.into_any()
}
