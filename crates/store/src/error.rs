//! What can go wrong with the store, as far as somebody branches on it.

use std::path::PathBuf;

/// The store failed. SQL details go to the log, not to callers. Each says its cause itself, and so has no source that
/// would be told again behind it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database was written by a newer version.
    #[error("{path} was written by a newer LLMFlow; update LLMFlow, or set DATA_DIR to another folder")]
    Newer {
        /// The database.
        path: PathBuf,
    },
    /// The database cannot be read or written.
    #[error("the database cannot be used: {0}")]
    Database(Box<dyn std::error::Error + Send + Sync>),
    /// The data folder cannot be used.
    #[error(
        "{path} cannot be used: {cause}; check its owner and free space, or set DATA_DIR to another folder"
    )]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// What was asked for would harm something, and was not done: why, and what to do instead.
    #[error("{0}")]
    Refused(String),
    /// What is stored contradicts itself.
    #[error("the database is damaged: {0}")]
    Damaged(&'static str),
}

impl StoreError {
    /// Whether it was closed, as it is at the end.
    pub fn is_closed(&self) -> bool {
        let Self::Database(error) = self else { return false };
        matches!(error.downcast_ref::<sqlx::Error>(), Some(sqlx::Error::PoolClosed))
    }

    /// Whether something that is stored cannot be read, while other things may be.
    pub(crate) fn is_damage(&self) -> bool {
        let Self::Database(error) = self else { return matches!(self, Self::Damaged(_)) };
        // JSON that is none, bytes that are not compressed, a page that is not one, a row that is missing.
        let by_sqlite = || {
            let told = error.downcast_ref::<sqlx::Error>()?.as_database_error()?.code()?;
            Some(matches!(told.as_ref(), "11" | "26" | "267" | "523" | "779"))
        };
        let missing = matches!(error.downcast_ref::<sqlx::Error>(), Some(sqlx::Error::RowNotFound));
        error.is::<serde_json::Error>()
            || error.is::<std::io::Error>()
            || missing
            || by_sqlite().unwrap_or(false)
    }

    /// Why, in a few words that fit into a sentence: "database or disk is full".
    pub fn reason(&self) -> String {
        if self.is_broken_file() {
            return "the database is damaged; start LLMFlow again, and it keeps the damaged file and records into a new one"
                .to_owned();
        }
        let Self::Database(error) = self else { return self.to_string() };
        let told = error.downcast_ref::<sqlx::Error>().and_then(|error| error.as_database_error());
        told.map_or_else(|| error.to_string(), |told| told.message().to_owned())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Database(Box::new(error))
    }
}
