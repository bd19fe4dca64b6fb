//! The way in where a token is asked for: links for browsers, and replacing the token. The token itself is never answered.

use std::sync::PoisonError;
use std::time::Instant;

use api::{ApiError, ErrorKind, Secret};

use crate::Engine;
use crate::token;

impl Engine {
    /// The path of the dashboard that lets a browser in.
    pub(super) fn login_path(&self) -> Result<Secret, ApiError> {
        let guard = &self.inner.guard;
        if !guard.requires_token() {
            return Ok(Secret::new("/"));
        }
        let code = guard.tokens().link(Instant::now()).map_err(|error| {
            tracing::error!(%error, "there are no random numbers");
            ApiError::new(ErrorKind::Unavailable, "This system gives no random numbers now. Try again.")
        })?;
        Ok(Secret::new(format!("/login?once={code}")))
    }

    /// Another token; the path that lets a browser in by it.
    pub(super) async fn renew_token(&self) -> Result<Secret, ApiError> {
        let engine = self.clone();
        self.beside(move || {
            let _turn = engine.inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let token = token::renew_token(&engine.inner.settings.data_dir).map_err(|error| {
                let folder = engine.inner.settings.data_dir.display();
                tracing::warn!(%error, "the token cannot be replaced");
                let error = format!(
                    "The token cannot be replaced: {error}. Check the owner and the free space of {folder}."
                );
                ApiError::new(ErrorKind::Unavailable, error)
            })?;
            engine.inner.guard.tokens().replace(token.reveal());
            let mut entrance = engine.inner.entrance.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *entrance).cancel();
            Ok(())
        })
        .await?;
        self.login_path()
    }
}
