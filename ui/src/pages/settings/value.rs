//! What a setting's value comes to: what its control shows, who said it, what undoing it writes. Pure.

use api::{Setting, SettingOrigin};

/// Whether a page cannot change it.
pub fn is_locked(setting: &Setting) -> bool {
    matches!(setting.origin, SettingOrigin::Environment | SettingOrigin::Flag)
}

/// Why not, and where it can be changed.
pub fn locked_because(setting: &Setting) -> Option<String> {
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
pub fn in_file(setting: &Setting) -> String {
    setting.pending.clone().unwrap_or_else(|| setting.value.clone())
}

/// Who said what the control shows: a change that waits for the next start was written to the file.
pub fn shown_origin(setting: &Setting) -> SettingOrigin {
    match &setting.pending {
        Some(pending) if *pending == setting.default => SettingOrigin::Default,
        Some(_) => SettingOrigin::File,
        None => setting.origin,
    }
}

/// What the file says; `None` when it says nothing.
pub fn file_value(setting: &Setting) -> Option<String> {
    let from_file = setting.origin == SettingOrigin::File || setting.pending.is_some();
    from_file.then(|| in_file(setting)).filter(|value| *value != setting.default)
}

/// Whether there is a default to go back to.
pub fn can_reset(setting: &Setting) -> bool {
    !is_locked(setting) && in_file(setting) != setting.default
}

/// The default as a hint shows it.
pub fn default_text(setting: &Setting) -> String {
    if setting.default.is_empty() { "nothing".to_owned() } else { setting.default.replace('\n', ", ") }
}

#[cfg(test)]
mod tests {
    use api::SettingKind;

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
