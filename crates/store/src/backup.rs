//! Copies of the database: made while it is in use, put back after they were looked at, and one made before every
//! change of the schema. Leaves out single calls as lines of JSON (`exchange`).

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::inspect::inspect;
use crate::open::{is_foreign, private_file};
use crate::{Inspection, StoreError};

/// How the names of copies end that are made before the schema changes.
const BEFORE: &str = "-backup";
/// Files that belong to a database.
const SIDES: [&str; 3] = ["", "-wal", "-shm"];

fn refused(why: impl Into<String>) -> StoreError {
    StoreError::Refused(why.into())
}

/// Copies the database at `path` to `target`, whoever writes to it meanwhile: the copy is as it was at one moment, and
/// complete. Says how much it holds.
pub async fn back_up(path: &Path, target: &Path) -> Result<Inspection, StoreError> {
    if !path.exists() {
        return Err(refused(format!("there is no database at {}; nothing was recorded yet", path.display())));
    }
    if target.exists() {
        return Err(refused(format!(
            "{} is there already; name another file, or move it away",
            target.display()
        )));
    }
    if is_foreign(path)? {
        return Err(refused(format!("{} is not LLMFlow's", path.display())));
    }
    let unfinished = beside(target, ".unfinished");
    let _none_is_fine = fs::remove_file(&unfinished);
    private_file(&unfinished).map_err(|cause| StoreError::Folder { path: target.to_owned(), cause })?;
    let copied = copy(path, &unfinished).await;
    let looked = match copied {
        Ok(()) => inspect(&unfinished).await,
        Err(error) => Err(error),
    };
    let finished = looked.and_then(|found| match found.damage.first() {
        Some(damage) => Err(refused(format!("the copy is damaged, since the database is: {damage}"))),
        None => fs::rename(&unfinished, target).map(|()| found).map_err(StoreError::from),
    });
    if finished.is_err() {
        let _none_is_fine = fs::remove_file(&unfinished);
    }
    finished
}

async fn copy(path: &Path, target: &Path) -> Result<(), StoreError> {
    let mut database = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(std::time::Duration::from_secs(30))
        .disable_statement_logging()
        .connect()
        .await?;
    let name = target.to_str().ok_or_else(|| refused("the file's name is no text"))?;
    let copied = sqlx::query("VACUUM INTO ?").bind(name).execute(&mut database).await;
    database.close().await?;
    copied?;
    Ok(())
}

/// Puts the copy at `from` in the place of the database at `path`, which nobody may have open. What was there is kept
/// beside it; says where.
pub async fn restore(path: &Path, from: &Path) -> Result<(Inspection, Option<PathBuf>), StoreError> {
    if !from.exists() {
        return Err(refused(format!("there is no file {}", from.display())));
    }
    let found = inspect(from).await.map_err(|error| {
        refused(format!("{} cannot be read as a database ({error}); take another copy", from.display()))
    })?;
    if found.foreign {
        return Err(refused(format!("{} is not a database of LLMFlow; take another file", from.display())));
    }
    if found.version > found.newest {
        return Err(refused(format!(
            "{} was written by a newer LLMFlow (schema {}, this one knows {}); update LLMFlow, then restore it",
            from.display(),
            found.version,
            found.newest
        )));
    }
    if let Some(damage) = found.damage.first() {
        return Err(refused(format!("{} is damaged ({damage}); take an older copy", from.display())));
    }
    let cannot = |cause| StoreError::Folder { path: path.to_owned(), cause };
    if let Some(folder) = path.parent() {
        crate::open::private_folder(folder).map_err(cannot)?;
    }
    let unfinished = beside(path, ".unfinished");
    let _none_is_fine = fs::remove_file(&unfinished);
    private_file(&unfinished).map_err(cannot)?;
    // Not the bytes alone: what stands in its log belongs to it.
    if let Err(error) = copy(from, &unfinished).await {
        let _none_is_fine = fs::remove_file(&unfinished);
        return Err(error);
    }
    let aside = path.exists().then(|| free_name(path, "before-restore"));
    if let Some(aside) = &aside {
        move_database(path, aside).map_err(cannot)?;
    }
    if let Err(cause) = fs::rename(&unfinished, path) {
        if let Some(aside) = &aside {
            move_database(aside, path).map_err(cannot)?;
        }
        return Err(cannot(cause));
    }
    Ok((found, aside))
}

/// Copies the database before its schema changes. Takes what stands in the log into the file first.
pub(crate) async fn before_migration(
    connection: &mut SqliteConnection,
    path: &Path,
    version: i64,
) -> Result<PathBuf, StoreError> {
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *connection).await?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    drop_copies(folder);
    let target = beside(path, &format!(".schema-{version}{BEFORE}"));
    private_file(&target)?;
    if let Err(error) = fs::copy(path, &target) {
        // Half a copy helps nobody.
        let _none_is_fine = fs::remove_file(&target);
        return Err(error.into());
    }
    Ok(target)
}

/// Takes away copies that were made before the schema changed: they hold what was deleted since.
pub fn drop_copies(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_copy = |name: &str| name.starts_with("data.db.schema-") && name.ends_with(BEFORE);
    for file in files.filter(|file| file.file_name().to_str().is_some_and(is_copy)) {
        if let Err(error) = fs::remove_file(file.path()) {
            tracing::warn!(%error, path = %file.path().display(), "an old copy of the database cannot be deleted");
        }
    }
}

/// A name for what has to make room that is not taken yet.
pub(crate) fn free_name(path: &Path, why: &str) -> PathBuf {
    let numbered = |number: u32| beside(path, &format!(".{why}-{number}"));
    (1..).map(numbered).find(|name| !name.exists()).unwrap_or_else(|| beside(path, why))
}

/// A database under another name, with the files that belong to it.
pub(crate) fn move_database(from: &Path, to: &Path) -> std::io::Result<()> {
    for side in SIDES {
        let (from, to) = (beside(from, side), beside(to, side));
        if from.exists() {
            fs::rename(from, to)?;
        }
    }
    Ok(())
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}
