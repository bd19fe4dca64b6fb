//! A listener in the status bar, and the menu it opens.

use api::{SourceState, SourceTarget};
use leptos::html::{Button, Div};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::turn_off::TurnOff;
use super::{source_name, switch};
use crate::change::Change;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::Refused;
use crate::live::use_live;

/// The listener's name and state; pressed, what can be done with it.
#[component]
pub fn SourceMenu(name: String) -> impl IntoView {
    let live = use_live();
    let of = name.clone();
    let state = Memo::new(move |_| live.source(&of).unwrap_or(SourceState::Stopped));
    let open = RwSignal::new(false);
    let asking = RwSignal::new(false);
    let button = NodeRef::<Button>::new();
    let pop = NodeRef::<Div>::new();
    let change = Change::new();
    let close = move || {
        open.set(false);
        asking.set(false);
        if let Some(button) = button.get_untracked() {
            // Without the focus the next Tab begins elsewhere, which is bearable.
            let _ = button.focus();
        }
    };
    let to = switch(&name, change, close);
    let look = move || state.with(appearance);
    let keys = move |event: web_sys::KeyboardEvent| {
        match event.key().as_str() {
            "Escape" if asking.get_untracked() => asking.set(false),
            "Escape" if open.get_untracked() => close(),
            "ArrowDown" | "ArrowUp" if open.get_untracked() => {
                step(pop, if event.key() == "ArrowDown" { 1 } else { -1 });
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    Effect::new(move |_| {
        asking.track();
        if pop.get().is_some() {
            request_animation_frame(move || step(pop, 0));
        }
    });
    let (testid, label) = (format!("source-{name}"), source_name(&name));
    let heading = label.clone();
    let proxies = name == "proxy";
    let actions = StoredValue::new((name, label.clone()));
    view! {
        <span class="menu source" on:keydown=keys>
            <button
                node_ref=button type="button" class="row" data-testid=testid aria-haspopup="dialog"
                aria-expanded=move || open.get().to_string() title=move || look().2
                on:click=move |_| if open.get_untracked() { close() } else { open.set(true) }
            >
                <i class=move || look().0></i>
                {label}
                <span class=move || if look().0 == "dot live" { "mono" } else { "" }>{move || look().1}</span>
                <Glyph icon=Icon::ChevronUp small=true />
            </button>
            <Show when=move || open.get()>
                <div class="under" on:click=move |_| close()></div>
                <div node_ref=pop class="pop rising" tabindex="-1" role="dialog" aria-label=heading.clone() data-testid="source-menu">
                    <Show
                        when=move || asking.get()
                        fallback=move || {
                            let label = actions.with_value(|(_, label)| label.clone());
                            view! { <Actions state=state label=label proxies=proxies to=to asking=asking change=change /> }
                        }
                    >
                        <TurnOff
                            name=actions.with_value(|(name, _)| name.clone()) change=change
                            off=move |()| to.run(SourceTarget::Stopped) back=move |()| asking.set(false)
                        />
                    </Show>
                    <Refused error=change.refused />
                </div>
            </Show>
        </span>
    }
}

/// What can be done with a listener that is so.
#[component]
fn Actions(
    state: Memo<SourceState>,
    label: String,
    proxies: bool,
    to: Callback<SourceTarget>,
    asking: RwSignal<bool>,
    change: Change,
) -> impl IntoView {
    let busy = move || change.busy.get();
    let noun = if proxies { format!("the {}", label.to_lowercase()) } else { label.clone() };
    let (pause_hint, off_hint) = match proxies {
        true => ("Calls go through, nothing is kept", "Shows first which tools that stops"),
        false => {
            ("Senders are told that nothing is kept", "Senders try again for a while, then drop their data")
        }
    };
    let item = move |icon, testid: &'static str, words: String, hint: &'static str, does: Callback<()>| {
        view! {
            <button type="button" data-testid=testid disabled=busy on:click=move |_| does.run(())>
                <Glyph icon=icon />
                <span class="col"><span>{words}</span><span class="t3 s11">{hint}</span></span>
            </button>
        }
    };
    let go = move |target| Callback::new(move |()| to.run(target));
    // Whom a proxy that is off strands is shown first; reports are only missed.
    let off = Callback::new(move |()| if proxies { asking.set(true) } else { to.run(SourceTarget::Stopped) });
    move || {
        let pause = || {
            item(
                Icon::Pause,
                "pause-recording",
                "Pause recording".into(),
                pause_hint,
                go(SourceTarget::Paused),
            )
        };
        let turn_off = || item(Icon::Power, "proxy-off", format!("Turn {noun} off"), off_hint, off);
        let turn_on = |words: String| item(Icon::Power, "proxy-on", words, "", go(SourceTarget::Running));
        let about = state.with(|state| appearance(state).2);
        let items = match state.get() {
            SourceState::Running { .. } => view! { {pause()}{turn_off()} }.into_any(),
            SourceState::Paused { .. } => {
                let words = "Resume recording".to_owned();
                let resume = item(Icon::Play, "resume-recording", words, "", go(SourceTarget::Running));
                view! { {resume}{turn_off()} }.into_any()
            }
            SourceState::Stopped => turn_on(format!("Turn {noun} on")).into_any(),
            SourceState::Failed { .. } => turn_on("Try again".into()).into_any(),
        };
        view! {
            <div class="popabout"><b>{label.clone()}</b><span class="t2">{about}</span></div>
            {items}
        }
    }
}

/// A listener's mark, its short word, and the whole of it.
fn appearance(state: &SourceState) -> (&'static str, String, String) {
    match state {
        SourceState::Running { addresses } => {
            let mut ports: Vec<String> = addresses
                .iter()
                .filter_map(|address| Some(format!(":{}", address.rsplit_once(':')?.1)))
                .collect();
            ports.dedup();
            let whole = format!("Listens on {} and records", addresses.join(", "));
            ("dot live", ports.join(" "), whole)
        }
        SourceState::Paused { addresses } => {
            let whole = format!("Answers on {}, records nothing", addresses.join(", "));
            ("dot warn", "paused".to_owned(), whole)
        }
        SourceState::Stopped => ("dot off", "off".to_owned(), "Switched off".to_owned()),
        SourceState::Failed { message } => ("dot err", "failed".to_owned(), message.clone()),
    }
}

/// Moves the focus by `by` among the buttons; from outside them to the first.
fn step(pop: NodeRef<Div>, by: i32) {
    let Some(Some(pop)) = pop.try_get_untracked() else { return };
    let Ok(buttons) = pop.query_selector_all("button:not(:disabled)") else { return };
    let count = i32::try_from(buttons.length()).unwrap_or(0);
    let focused = document().active_element();
    let at = (0..count).find(|at| {
        let button = u32::try_from(*at).ok().and_then(|at| buttons.item(at));
        button.as_ref().and_then(|node| node.dyn_ref::<web_sys::Element>()) == focused.as_ref()
    });
    let next = at.map_or(0, |at| (at + by).rem_euclid(count.max(1)));
    let button = u32::try_from(next).ok().and_then(|at| buttons.item(at));
    if let Some(button) = button.and_then(|node| node.dyn_into::<web_sys::HtmlElement>().ok()) {
        // A button that cannot take the focus keeps it where it was.
        let _ = button.focus();
    }
}
