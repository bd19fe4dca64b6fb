//! A database file that is broken, or may not be written: kept aside, and a new one begun, so that recording goes on. Leaves out finding what is
//! wrong in it (`verify`) and putting a copy back (`backup`).

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::backup::{free_name, move_database};
use crate::{Opened, Store, StoreError};

/// Stands beside a database in which something broken was met while it was written.
const SUSPECT: &str = "suspect";

impl Store {
    /// Opens the database at `path` as [`Store::open`] does; where the file is broken it is moved aside, and a new one
    /// begun; so it is where the file may not be written, being somebody else's. What was met while it ran is looked into
    /// first: opening alone reads few pages.
    pub async fn open_or_begin_anew(path: &Path) -> Result<(Self, Opened), StoreError> {
        let broken = is_suspect(path) && is_broken(path).await;
        if !broken {
            forget(path);
            match Self::open(path).await {
                Err(error) if error.is_broken_file() => {}
                Err(StoreError::Folder { path: at, cause }) if is_locked_away(path, &cause) => {
                    let aside = free_name(path, "read-only");
                    // Where nothing can be moved either, the reason why is what was found first.
                    if move_database(path, &aside).is_err() {
                        return Err(StoreError::Folder { path: at, cause });
                    }
                    let (store, opened) = Self::open(path).await?;
                    return Ok((store, Opened { read_only: Some(aside), ..opened }));
                }
                opened => return opened,
            }
        }
        let aside = free_name(path, "damaged");
        move_database(path, &aside).map_err(|cause| StoreError::Folder { path: path.to_owned(), cause })?;
        forget(path);
        let (store, opened) = Self::open(path).await?;
        Ok((store, Opened { damaged: Some(aside), ..opened }))
    }

    /// Keeps in mind, beyond this run, that the file may be broken.
    pub(crate) fn suspect(&self, error: &StoreError) {
        if error.is_broken_file()
            && let Err(error) = fs::write(marker(&self.inner.path), "")
        {
            tracing::warn!(%error, "that the database is damaged could not be noted");
        }
    }
}

/// Whether the file is there and may not be written.
fn is_locked_away(path: &Path, cause: &std::io::Error) -> bool {
    cause.kind() == std::io::ErrorKind::PermissionDenied && path.is_file()
}

impl StoreError {
    /// Whether SQLite says that the file is no sound database.
    pub fn is_broken_file(&self) -> bool {
        let Self::Database(error) = self else { return false };
        let by_driver = || error.downcast_ref::<sqlx::Error>();
        let by_migration = || match error.downcast_ref::<MigrateError>()? {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Some(error),
            _ => None,
        };
        let told = by_driver().or_else(by_migration).and_then(sqlx::Error::as_database_error);
        // SQLITE_CORRUPT with its extended codes, SQLITE_NOTADB.
        let code = told.and_then(|told| told.code()?.parse::<u32>().ok());
        code.is_some_and(|code| matches!(code & 0xff, 11 | 26))
    }
}

fn marker(path: &Path) -> PathBuf {
    path.with_extension(SUSPECT)
}

fn is_suspect(path: &Path) -> bool {
    marker(path).exists()
}

fn forget(path: &Path) {
    // One that stays is looked into once more at the next start.
    drop(fs::remove_file(marker(path)));
}

/// Reads every page.
async fn is_broken(path: &Path) -> bool {
    let check = async {
        let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
        let said: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(said == "ok")
    };
    match check.await {
        Ok(sound) => !sound,
        Err(error) => StoreError::from(error).is_broken_file(),
    }
}

#[cfg(test)]
mod tests {
    use api::CallFilter;

    use super::*;

    /// Overwrites the pages with these numbers, or all behind the first.
    fn spoil(path: &Path, pages: Option<&[u64]>) {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
        let all: Vec<u64> = (2..=file.metadata().unwrap().len() / 4_096).collect();
        for page in pages.unwrap_or(&all) {
            file.seek(SeekFrom::Start((page - 1) * 4_096)).unwrap();
            file.write_all(&[0xa5; 4_096]).unwrap();
        }
    }

    async fn made(path: &Path) {
        Store::open(path).await.unwrap().0.close().await.unwrap();
    }

    /// The first page of an index that opening does not read.
    async fn page_of(path: &Path, name: &str) -> u64 {
        let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        let page = sqlx::query_scalar::<_, i64>("SELECT rootpage FROM sqlite_schema WHERE name = ?");
        let page = page.bind(name).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        page.unsigned_abs()
    }

    #[tokio::test]
    async fn a_broken_file_is_kept_aside_and_a_new_one_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        made(&path).await;
        spoil(&path, None);
        let broken = fs::read(&path).unwrap();
        assert!(Store::open(&path).await.unwrap_err().is_broken_file(), "by itself it is an error");
        let (store, opened) = Store::open_or_begin_anew(&path).await.unwrap();
        assert_eq!(fs::read(opened.damaged.unwrap()).unwrap(), broken, "nothing of it is thrown away");
        assert_eq!(store.stats(&CallFilter::default()).await.unwrap().calls, 0);
        store.close().await.unwrap();
        let (store, opened) = Store::open_or_begin_anew(&path).await.unwrap();
        assert_eq!(opened.damaged, None, "the new one stays");
        store.close().await.unwrap();
    }

    #[tokio::test]
    async fn what_broke_while_it_ran_is_found_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        made(&path).await;
        let page = page_of(&path, "series_metric").await;
        spoil(&path, Some(&[page]));
        let (store, opened) = Store::open_or_begin_anew(&path).await.unwrap();
        assert_eq!(opened.damaged, None, "nobody met it yet");
        store.suspect(&corrupt(&path).await);
        store.close().await.unwrap();
        let (store, opened) = Store::open_or_begin_anew(&path).await.unwrap();
        assert!(opened.damaged.is_some());
        assert!(!is_suspect(&path));
        store.close().await.unwrap();
    }

    /// The error of reading a file that is no database.
    async fn corrupt(beside: &Path) -> StoreError {
        let path = beside.with_file_name("rubbish");
        fs::write(&path, [0xa5; 8_192]).unwrap();
        let mut connection = SqliteConnectOptions::new().filename(&path).connect().await;
        let error = match &mut connection {
            Ok(connection) => {
                sqlx::query("SELECT * FROM sqlite_schema").fetch_all(connection).await.unwrap_err()
            }
            Err(_) => connection.unwrap_err(),
        };
        error.into()
    }

    #[tokio::test]
    async fn a_sound_one_that_was_suspected_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        made(&path).await;
        fs::write(marker(&path), "").unwrap();
        let (store, opened) = Store::open_or_begin_anew(&path).await.unwrap();
        assert_eq!((opened.damaged, is_suspect(&path)), (None, false));
        store.close().await.unwrap();
    }
}
