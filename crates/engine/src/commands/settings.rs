//! The Settings page: every setting as a row, and writing one to the settings file.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use api::{ApiError, ErrorKind, Event, SettingsView};

use crate::Engine;
use crate::engine::upstreams;
use crate::settings::{Settings, SettingsError, edit, rows};

impl Engine {
    /// The settings with what took effect since the start.
    pub(crate) fn live(&self) -> Arc<Settings> {
        self.inner.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether closing the window leaves LLMFlow running in the tray.
    pub fn close_to_tray(&self) -> bool {
        self.live().close_to_tray
    }

    /// How long calls under way may go on after a stop.
    pub fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.live().shutdown_grace_s.into())
    }

    pub(super) async fn settings_view(&self) -> Result<SettingsView, ApiError> {
        let engine = self.clone();
        self.beside(move || {
            let running = engine.settings();
            let next = running.read_again().map_err(|error| broken(&error))?;
            Ok(SettingsView {
                file: running.file().map(|path| path.display().to_string()).unwrap_or_default(),
                settings: rows::rows(running, &engine.live(), &next),
            })
        })
        .await
    }

    pub(super) async fn change_setting(
        &self,
        name: String,
        value: Option<String>,
    ) -> Result<SettingsView, ApiError> {
        let engine = self.clone();
        self.beside(move || {
            // One change at a time: each begins with what the one before wrote.
            let _turn = engine.inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let next = Arc::new(change(engine.settings(), &name, value.as_deref())?);
            engine.inner.keys.require_local(next.local_keys_required);
            *engine.inner.live.write().unwrap_or_else(PoisonError::into_inner) = next;
            Ok(())
        })
        .await?;
        self.inner.upkeep.wake();
        self.inner.budgets.wake();
        self.inner.events.send(Event::SettingsChanged);
        self.settings_view().await
    }

    /// Does what touches files off the threads that forward calls, to its end even when nobody waits any more.
    pub(super) async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.inner.tracker.spawn_blocking(work).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the settings could not be worked on");
            Err(ApiError::new(ErrorKind::Internal, "LLMFlow made a mistake; its log says more."))
        })
    }
}

/// Writes the setting and returns what the next start will make of the file.
fn change(running: &Settings, name: &str, value: Option<&str>) -> Result<Settings, ApiError> {
    let providers = running.read_again().unwrap_or_else(|_| running.clone()).every_provider();
    let Some(kind) = rows::kind(&providers, name) else {
        return Err(ApiError::new(ErrorKind::NotFound, format!("There is no setting {name:?}.")));
    };
    if let Some(decided) = rows::decided_elsewhere(running, name) {
        return Err(ApiError::parameter(name, format!("{name} is set by {decided}.")));
    }
    let Some(path) = running.file() else {
        let error = "There is no place for a settings file; name one with --config or LLMFLOW_CONFIG.";
        return Err(ApiError::new(ErrorKind::Unavailable, error));
    };
    let wrong = |reason: String| ApiError::parameter(name, format!("{name} cannot be set so: {reason}."));
    let text = running.file_text().map_err(|error| broken(&error))?;
    let before = Settings::assemble(&text, running.origin.clone()).map_err(|error| broken(&error))?;
    let text = if path.exists() { text } else { edit::commented_example() };
    let changed = match value {
        Some(value) => edit::set(&text, name, &edit::parse(name, kind, value).map_err(wrong)?),
        None => {
            let default = rows::text(&Settings::default(), name);
            edit::unset(&text, name, &edit::parse(name, kind, &default).map_err(wrong)?)
        }
    }
    .map_err(|error| wrong(error.message().to_owned()))?;
    let next = Settings::assemble(&changed, running.origin.clone()).map_err(|error| match error {
        SettingsError::Malformed { summary, .. } => wrong(summary),
        other => wrong(other.to_string()),
    })?;
    if let Some(reason) = next.cut_off(&before) {
        return Err(wrong(reason));
    }
    upstreams(&next).map_err(|error| wrong(error.to_string()))?;
    write(path, &changed)?;
    Ok(next)
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), ApiError> {
    edit::write(path, text).map_err(|error| {
        tracing::warn!(%error, path = %path.display(), "the settings file cannot be written");
        let error = format!(
            "The settings file {} cannot be written: {error}. Check its owner and free space, or name another with --config.",
            path.display()
        );
        ApiError::new(ErrorKind::Unavailable, error)
    })
}

/// The file as it stands cannot be read: its owner has to mend it.
pub(super) fn broken(error: &SettingsError) -> ApiError {
    ApiError::new(
        ErrorKind::Unavailable,
        format!("{error}. LLMFlow goes on with what it was started with; mend the file by hand."),
    )
}
