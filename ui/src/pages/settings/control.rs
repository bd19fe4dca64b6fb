//! The control that fits a setting's kind. It says what was entered; leaves out saving (`row`).

use api::SettingKind;
use leptos::prelude::*;

use crate::components::switch::Switch;

/// `draft` is what stands in the field; `save` is told what to save.
#[component]
pub fn Control(
    kind: SettingKind,
    name: String,
    label: String,
    unit: &'static str,
    choices: &'static [(&'static str, &'static str)],
    draft: RwSignal<String>,
    #[prop(into)] locked: Signal<bool>,
    #[prop(into)] wrong: Signal<bool>,
    #[prop(into)] save: Callback<String>,
    #[prop(into)] undo: Callback<()>,
) -> impl IntoView {
    let testid = format!("control-{name}");
    let keys = move |event: web_sys::KeyboardEvent| {
        let lines = kind == SettingKind::List;
        match event.key().as_str() {
            "Enter" if !lines || event.ctrl_key() || event.meta_key() => save.run(draft.get_untracked()),
            "Escape" => undo.run(()),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let invalid = move || wrong.get().to_string();
    if !choices.is_empty() {
        let button = |(value, words): &(&'static str, &'static str)| {
            let (value, words) = (*value, *words);
            let pressed = move || draft.with(|draft| draft == value).to_string();
            view! {
                <button type="button" aria-pressed=pressed data-value=value disabled=move || locked.get()
                    on:click=move |_| save.run(value.to_owned())>{words}</button>
            }
        };
        let buttons = choices.iter().map(button).collect_view();
        return view! { <div class="seg" role="group" aria-label=label data-testid=testid>{buttons}</div> }
            .into_any();
    }
    match kind {
        SettingKind::Switch => {
            let on = Signal::derive(move || draft.with(|draft| draft == "true"));
            let set = move |on: bool| save.run(on.to_string());
            view! { <Switch on=on disabled=locked label=label change=set testid=testid /> }.into_any()
        }
        SettingKind::List => view! {
            <textarea
                class="box" rows=move || draft.with(|draft| draft.lines().count().clamp(2, 6).to_string()) spellcheck="false"
                aria-label=label aria-invalid=invalid data-testid=testid placeholder="One a line" readonly=move || locked.get()
                prop:value=move || draft.get() on:input=move |event| draft.set(event_target_value(&event)) on:keydown=keys
            ></textarea>
        }
        .into_any(),
        SettingKind::Number | SettingKind::Text => {
            let number = kind == SettingKind::Number;
            view! {
                <span class="box" class:short=number>
                    <input
                        type="text" inputmode=if number { "numeric" } else { "text" } spellcheck="false" autocomplete="off"
                        aria-label=label aria-invalid=invalid data-testid=testid readonly=move || locked.get()
                        prop:value=move || draft.get() on:input=move |event| draft.set(event_target_value(&event)) on:keydown=keys
                    />
                    {(!unit.is_empty()).then(|| view! { <span class="t3">{unit}</span> })}
                </span>
            }
            .into_any()
        }
    }
}
