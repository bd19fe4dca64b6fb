//! One setting: its words, its control, who said its value, and what came of changing it.

use api::{Setting, SettingKind, SettingOrigin};
use leptos::prelude::*;

use super::Page;
use super::control::Control;
use super::value::{can_reset, default_text, file_value, in_file, is_locked, locked_because, shown_origin};
use super::words::describe;
use crate::backend::use_backend;
use crate::change::Change;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::Refused;

/// The setting called `name`.
#[component]
pub fn Row(name: String) -> impl IntoView {
    let page = expect_context::<Page>();
    let words = describe(&name);
    let of = name.clone();
    let setting = Memo::new(move |_| {
        page.shown.with(|shown| shown?.settings.iter().find(|setting| setting.name == of).cloned())
    });
    let kind = setting.with_untracked(|one| one.as_ref().map_or(SettingKind::Text, |one| one.kind));
    let written = Memo::new(move |_| setting.with(|one| one.as_ref().map(in_file).unwrap_or_default()));
    let draft = RwSignal::new(written.get_untracked());
    // What is written replaces what was typed only when it changed, not whenever it is asked for.
    Effect::new(move |_| draft.set(written.get()));
    let locked = Signal::derive(move || setting.with(|one| one.as_ref().is_some_and(is_locked)));
    let edit = Edit::new(name.clone(), setting, draft);
    // What is chosen is saved at once.
    let is_typed = kind != SettingKind::Switch && words.choices.is_empty();
    let dirty = move || is_typed && draft.get() != written.get();
    let wrong = Signal::derive(move || edit.change.refused.with(Option::is_some));
    let undo = Callback::new(move |()| {
        draft.set(written.get_untracked());
        edit.change.refused.set(None);
    });
    let save = Callback::new(move |value: String| {
        let changed = written.with_untracked(|written| *written != value);
        if changed && !locked.get_untracked() {
            edit.save(Some(value));
        }
    });
    let wide = kind == SettingKind::List || (kind == SettingKind::Text && words.choices.is_empty());
    let label = words.label.clone();
    view! {
        <div class="srow" class:wide=wide id=name.clone() data-testid=format!("setting-{name}")>
            <div class="what">
                <div class="row g3">
                    <span class="m">{words.label}</span>
                    <span class="mono t3 s11 cut" title=name.clone()>{name.clone()}</span>
                    <Origin setting=setting />
                </div>
                <p class="t2 s12">{move || setting.with(|one| one.as_ref().map(|one| one.about.clone()))}</p>
                <Notes setting=setting />
                <Refused error=edit.change.refused />
            </div>
            <div class="how">
                <Control
                    kind=kind name=name.clone() label=label unit=words.unit choices=words.choices draft=draft locked=locked wrong=wrong save=save undo=undo
                />
                <div class="row g3 after">
                    <Show
                        when=dirty
                        fallback=move || view! { <WaysBack setting=setting edit=edit /> }
                    >
                        <button
                            type="button" class="btn sm pri" data-testid="save-setting" disabled=move || edit.change.busy.get()
                            on:click=move |_| save.run(draft.get_untracked())
                        >"Save"</button>
                        <button type="button" class="btn sm" on:click=move |_| undo.run(())>"Cancel"</button>
                    </Show>
                </div>
            </div>
        </div>
    }
}

/// Changing one setting, and taking the last change back.
#[derive(Clone, Copy)]
struct Edit {
    change: Change,
    /// What to write to undo the last change; the outer `None` when nothing was changed here.
    before: RwSignal<Option<Option<String>>>,
    run: Callback<(Option<String>, bool)>,
}

impl Edit {
    fn new(name: String, setting: Memo<Option<Setting>>, draft: RwSignal<String>) -> Self {
        let page = expect_context::<Page>();
        let backend = use_backend();
        let (change, before) = (Change::new(), RwSignal::new(None));
        let run = Callback::new(move |(value, undoing): (Option<String>, bool)| {
            let was = setting.with_untracked(|one| one.as_ref().and_then(file_value));
            change.run(backend.change_setting(name.clone(), value), move |shown| {
                page.shown.put(shown);
                before.try_set((!undoing).then_some(was));
                // Also when the engine wrote it in another form than was typed.
                if let Some(Some(written)) = setting.try_with_untracked(|one| one.as_ref().map(in_file)) {
                    draft.try_set(written);
                }
            });
        });
        Self { change, before, run }
    }

    fn save(self, value: Option<String>) {
        self.run.run((value, false));
    }
}

/// Who said the value.
#[component]
fn Origin(setting: Memo<Option<Setting>>) -> impl IntoView {
    move || {
        setting.with(|one| {
            let (class, text) = match shown_origin(one.as_ref()?) {
                SettingOrigin::Default => ("pill", "default"),
                SettingOrigin::File => ("pill acc", "set in the file"),
                SettingOrigin::Environment => ("pill info", "environment"),
                SettingOrigin::Flag => ("pill info", "command line"),
            };
            Some(view! { <span class=class data-testid="setting-origin">{text}</span> })
        })
    }
}

/// To what was before, and to the default.
#[component]
fn WaysBack(setting: Memo<Option<Setting>>, edit: Edit) -> impl IntoView {
    let default =
        Memo::new(move |_| setting.with(|one| one.as_ref().filter(|one| can_reset(one)).map(default_text)));
    view! {
        {move || edit.before.get().map(|before| view! {
            <button
                type="button" class="cpb" data-testid="undo-setting" disabled=move || edit.change.busy.get()
                on:click=move |_| edit.run.run((before.clone(), true))
            >"Undo"</button>
        })}
        {move || default.get().map(|default| view! {
            <button
                type="button" class="cpb" data-testid="reset-setting" title=format!("Back to the default: {default}")
                disabled=move || edit.change.busy.get() on:click=move |_| edit.save(None)
            >"Reset"</button>
        })}
    }
}

/// What has to be known about the value: locked, or not in use yet.
#[component]
fn Notes(setting: Memo<Option<Setting>>) -> impl IntoView {
    move || {
        setting.with(|one| {
            let one = one.as_ref()?;
            let lock = locked_because(one).map(|text| {
                view! { <p class="aside t3" data-testid="setting-locked"><Glyph icon=Icon::Lock small=true /><span>{text}</span></p> }
            });
            let pending = one.pending.as_ref().map(|_| {
                let now = if one.value.is_empty() { "none".to_owned() } else { one.value.replace('\n', ", ") };
                view! {
                    <p class="aside warn" data-testid="setting-pending">
                        <Glyph icon=Icon::Clock small=true />
                        <span>"Takes effect at the next start. In use now: "<span class="mono">{now}</span></span>
                    </p>
                }
            });
            Some(view! { {lock}{pending} })
        })
    }
}
