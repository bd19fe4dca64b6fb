//! Starting at login: one entry of this account, with the flags this app was started with. Leaves out how its words are
//! quoted (`server::LoginEntry`).

use auto_launch::{AutoLaunch, AutoLaunchBuilder, WindowsEnableMode};
use server::{LoginEntry, SettingsFlags};
use tauri::{AppHandle, Manager};

/// The entry's name.
const NAME: &str = "LLMFlow";
/// What the entry passes on beside the flags: only the tray is wanted then.
const HIDDEN: &str = "--hidden";

/// The entry, whether it is there or not.
pub(crate) struct Login(Option<AutoLaunch>);

impl Login {
    /// Of this program with these flags.
    #[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "an AppImage is one of Linux's"))]
    pub(crate) fn new(app: &AppHandle, flags: &SettingsFlags) -> Self {
        let word = |word: &str| LoginEntry::HERE.word(word);
        let arguments: Vec<String> =
            std::iter::once(HIDDEN.to_owned()).chain(flags.arguments()).map(|it| word(&it)).collect();
        #[cfg(target_os = "linux")]
        let image = app.env().appimage.map(std::path::PathBuf::from);
        #[cfg(not(target_os = "linux"))]
        let image = None;
        let entry = image.map_or_else(std::env::current_exe, Ok).map_err(|error| error.to_string()).and_then(
            |program| {
                let program = program.display().to_string();
                let mut entry = AutoLaunchBuilder::new();
                // A property list's program is looked for, and so cannot be escaped.
                entry.set_app_path(&if cfg!(target_os = "macos") { program } else { word(&program) });
                entry
                    .set_app_name(NAME)
                    .set_args(&arguments)
                    .set_windows_enable_mode(WindowsEnableMode::CurrentUser);
                entry.build().map_err(|error| error.to_string())
            },
        );
        Self(entry.inspect_err(|error| tracing::warn!(error, "it cannot start at login")).ok())
    }

    /// Whether the entry is there, whoever made it.
    pub(crate) fn is_on(&self) -> bool {
        self.0.as_ref().is_some_and(|entry| entry.is_enabled().unwrap_or(false))
    }

    /// Makes the entry or takes it away.
    pub(crate) fn set(&self, on: bool) -> Result<(), String> {
        let entry = self.0.as_ref().ok_or("LLMFlow's program cannot be found")?;
        match (on, entry.is_enabled().unwrap_or(true)) {
            (true, _) => entry.enable().map_err(|error| error.to_string()),
            (false, true) => entry.disable().map_err(|error| error.to_string()),
            (false, false) => Ok(()),
        }
    }
}

/// Of this app.
pub(crate) fn login(app: &AppHandle) -> tauri::State<'_, Login> {
    app.state()
}
