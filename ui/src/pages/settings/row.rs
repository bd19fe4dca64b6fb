//! One setting: its words, its control, who said its value, and what came of changing it.

use api::{Setting, SettingKind, SettingOrigin};
use leptos::prelude::*;

use super::Page;
use super::control::Control;
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
    let dirty = move || kind != SettingKind::Switch && draft.get() != written.get();
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
    let wide = kind == SettingKind::List || kind == SettingKind::Text;
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
                    kind=kind name=name.clone() label=label unit=words.unit draft=draft locked=locked wrong=wrong save=save undo=undo
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

fn is_locked(setting: &Setting) -> bool {
    matches!(setting.origin, SettingOrigin::Environment | SettingOrigin::Flag)
}

fn locked_because(setting: &Setting) -> Option<String> {
    match (setting.origin, &setting.variable) {
        (SettingOrigin::Flag, _) => {
            Some("Set on the command line. Start LLMFlow without the flag to change it here.".into())
        }
        (SettingOrigin::Environment, Some(variable)) => {
            Some(format!("Set by {variable} in the environment. Unset it to change it here."))
        }
        (SettingOrigin::Environment, None) => {
            Some("Set in the environment. Unset the variable to change it here.".into())
        }
        (SettingOrigin::Default | SettingOrigin::File, _) => None,
    }
}

/// What the control shows: what is written, else what runs.
fn in_file(setting: &Setting) -> String {
    setting.pending.clone().unwrap_or_else(|| setting.value.clone())
}

/// Who said what the control shows: a change that waits for the next start was written to the file.
fn shown_origin(setting: &Setting) -> SettingOrigin {
    match &setting.pending {
        Some(pending) if *pending == setting.default => SettingOrigin::Default,
        Some(_) => SettingOrigin::File,
        None => setting.origin,
    }
}

/// What the file says; `None` when it says nothing.
fn file_value(setting: &Setting) -> Option<String> {
    let from_file = setting.origin == SettingOrigin::File || setting.pending.is_some();
    from_file.then(|| in_file(setting)).filter(|value| *value != setting.default)
}

fn can_reset(setting: &Setting) -> bool {
    !is_locked(setting) && in_file(setting) != setting.default
}

fn default_text(setting: &Setting) -> String {
    if setting.default.is_empty() { "nothing".to_owned() } else { setting.default.replace('\n', ", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(origin: SettingOrigin, value: &str, pending: Option<&str>) -> Setting {
        Setting {
            name: "proxy_port".into(),
            about: String::new(),
            kind: SettingKind::Number,
            value: value.into(),
            default: "8080".into(),
            origin,
            variable: Some("PROXY_PORT".into()),
            pending: pending.map(Into::into),
        }
    }

    #[test]
    fn the_control_shows_what_is_written() {
        assert_eq!(in_file(&port(SettingOrigin::Default, "8080", None)), "8080");
        assert_eq!(in_file(&port(SettingOrigin::File, "8080", Some("9090"))), "9090");
        assert_eq!(shown_origin(&port(SettingOrigin::Default, "8080", Some("9090"))), SettingOrigin::File);
        assert_eq!(shown_origin(&port(SettingOrigin::File, "9090", Some("8080"))), SettingOrigin::Default);
    }

    #[test]
    fn undo_writes_what_the_file_said_before() {
        assert_eq!(file_value(&port(SettingOrigin::Default, "8080", None)), None);
        assert_eq!(file_value(&port(SettingOrigin::File, "9090", None)).as_deref(), Some("9090"));
        assert_eq!(file_value(&port(SettingOrigin::File, "9090", Some("8080"))), None);
    }

    #[test]
    fn what_comes_from_elsewhere_is_locked_and_says_why() {
        let set = port(SettingOrigin::Environment, "9090", None);
        assert!(is_locked(&set) && !can_reset(&set));
        assert!(locked_because(&set).is_some_and(|text| text.contains("PROXY_PORT")));
        assert_eq!(locked_because(&port(SettingOrigin::File, "9090", None)), None);
    }
}
