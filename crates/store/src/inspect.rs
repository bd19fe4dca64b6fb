//! Looking at a database that nobody has open, without changing a byte of it.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::StoreError;
use crate::open::{MIGRATIONS, is_foreign};

/// What a database is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// It is another program's.
    pub foreign: bool,
    /// The version of its schema.
    pub version: i64,
    /// The version this program writes.
    pub newest: i64,
    /// Calls in it.
    pub calls: u64,
    /// What SQLite's quick check complains of, first things first.
    pub damage: Vec<String>,
}

/// Looks at the database at `path`. Must not be called while an instance has it open.
pub async fn inspect(path: &Path) -> Result<Inspection, StoreError> {
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let mut found = Inspection { newest, ..Inspection::default() };
    if is_foreign(path)? {
        return Ok(Inspection { foreign: true, ..found });
    }
    let mut database = look(path).await?;
    let damage: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(5)").fetch_all(&mut database).await?;
    found.damage = damage.into_iter().filter(|line| line != "ok").collect();
    if found.damage.is_empty() {
        let version: Option<i64> =
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut database).await?;
        found.version = version.unwrap_or_default();
        let calls: i64 = sqlx::query_scalar("SELECT count(*) FROM call").fetch_one(&mut database).await?;
        found.calls = calls.unsigned_abs();
    }
    database.close().await?;
    Ok(found)
}

/// The version of the schema of the database at `path`; 0 when it has none yet.
pub(crate) async fn version(path: &Path) -> Result<i64, StoreError> {
    if path.metadata()?.len() == 0 {
        return Ok(0);
    }
    let mut database = look(path).await?;
    let version =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut database).await;
    database.close().await?;
    let version: Option<i64> = version?;
    Ok(version.unwrap_or_default())
}

async fn look(path: &Path) -> Result<SqliteConnection, StoreError> {
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    // Without a log SQLite need not make its side files, which would be a change.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(!Path::new(&log).exists())
        .disable_statement_logging();
    Ok(options.connect().await?)
}
