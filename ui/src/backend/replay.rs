//! Asking that a recorded call be sent again.

use api::{ApiError, CallId, Replay, ReplayEdit, ReplayUntil, Reply, Request};

use super::{Backend, unexpected};

impl Backend {
    pub async fn replay(self, id: CallId, edit: ReplayEdit, until: ReplayUntil) -> Result<Replay, ApiError> {
        match self.ask(Request::Replay { id, edit: Box::new(edit), until }).await? {
            Reply::Replay(replay) => Ok(*replay),
            other => Err(unexpected(&other)),
        }
    }
}
