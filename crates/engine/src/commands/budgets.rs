//! Budgets as pages and the API ask for them, writing one to the settings file, and letting a loop go on.

use std::sync::{Arc, PoisonError};

use api::{ApiError, Budgets, ErrorKind, Event, Reply, Request};

use super::settings::{broken, write};
use crate::Engine;
use crate::budgets;
use crate::settings::{Settings, budgets as file, edit};

impl Engine {
    pub(super) async fn budgets(&self, request: Request) -> Result<Reply, ApiError> {
        match request {
            Request::SetBudget { budget, replaces } => {
                let missing = replaces.clone();
                self.change_budgets(missing, move |text| file::set(text, &budget, replaces.as_deref()))
                    .await?;
            }
            Request::RemoveBudget { name } => {
                self.change_budgets(Some(name.clone()), move |text| file::unset(text, &name)).await?;
            }
            Request::DismissLoop { last } => {
                if !self.inner.loops.dismiss(last) {
                    return Err(ApiError::new(ErrorKind::NotFound, "There is no such loop any more."));
                }
                self.inner.budgets.looked().await;
                self.inner.events.send(Event::BudgetsChanged);
            }
            // The others are answered elsewhere.
            _ => {}
        }
        Ok(Reply::Budgets(Box::new(self.all_budgets())))
    }

    fn all_budgets(&self) -> Budgets {
        budgets::all(&self.inner.budgets, &self.inner.loops)
    }

    /// Changes the list in the settings file; it holds when this is answered.
    async fn change_budgets(
        &self,
        named: Option<String>,
        change: impl FnOnce(&str) -> Result<Option<String>, toml_edit::TomlError> + Send + 'static,
    ) -> Result<(), ApiError> {
        let engine = self.clone();
        self.beside(move || {
            // One change at a time: each begins with what the one before wrote.
            let _turn = engine.inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let running = engine.settings();
            let Some(path) = running.file() else {
                let error =
                    "There is no place for a settings file; name one with --config or LLMFLOW_CONFIG.";
                return Err(ApiError::new(ErrorKind::Unavailable, error));
            };
            let text = running.file_text().map_err(|error| broken(&error))?;
            Settings::assemble(&text, running.origin.clone()).map_err(|error| broken(&error))?;
            let text = if path.exists() { text } else { edit::commented_example() };
            let changed = change(&text).map_err(|error| {
                ApiError::new(
                    ErrorKind::BadRequest,
                    format!("The settings file cannot be changed: {}.", error.message()),
                )
            })?;
            let changed = changed.ok_or_else(|| {
                let error = match &named {
                    Some(name) => format!("There is no budget {name:?}."),
                    None => "The settings file has something else than budgets in their place.".to_owned(),
                };
                ApiError::new(ErrorKind::NotFound, error)
            })?;
            let next = Settings::assemble(&changed, running.origin.clone())
                .map_err(|error| ApiError::parameter("budget", format!("It cannot be set so: {error}.")))?;
            write(path, &changed)?;
            *engine.inner.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
            Ok(())
        })
        .await?;
        self.inner.budgets.looked().await;
        self.inner.events.send(Event::SettingsChanged);
        self.inner.events.send(Event::BudgetsChanged);
        Ok(())
    }

    /// Forgets loops whose calls were deleted.
    pub(super) async fn forget_loops(&self) {
        for last in self.inner.loops.last_calls() {
            if let Ok(None) = self.inner.store.call(last).await {
                self.inner.loops.dismiss(last);
            }
        }
    }
}
