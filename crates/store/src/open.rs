//! Opening and closing the database: file modes, pragmas, migrations, and what a crash left behind.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::Mutex;

use crate::backup::{before_migration, free_name, move_database};
use crate::kept::Kept;
use crate::known::Known;
use crate::pace::Pace;
use crate::write::{BEGIN, Writer};
use crate::{Inner, Opened, Store, StoreError, pack, rollup};

/// "LLMF": marks the file as ours.
pub(crate) const APPLICATION_ID: u32 = 0x4c4c_4d46;
const READERS: u32 = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The log is taken into the database file when it has this many pages: a page that is written again and again (the
/// head of an index, say) is then copied once for many transactions.
const CHECKPOINT_PAGES: &str = "4000";
/// The writer's page cache, as SQLite wants it: negative is KiB. Full text is merged out of it.
const WRITER_CACHE_KIB: &str = "-8000";
/// Statements that the writer keeps ready: each table's for every power of two rows.
const STATEMENTS: usize = 256;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

impl Store {
    /// Opens the database at `path`, making it (and its folder, both private) when it is not there.
    pub async fn open(path: &Path) -> Result<(Self, Opened), StoreError> {
        refuse_newer(path).await?;
        let moved_aside = prepare_file(path)?;
        let reading = SqliteConnectOptions::new()
            .filename(path)
            .pragma("temp_store", "memory")
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let writing = reading
            .clone()
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("application_id", APPLICATION_ID.to_string())
            // What is deleted is overwritten wherever the page is written anyhow; pages that are free go back whole.
            .pragma("secure_delete", "fast")
            .pragma("journal_size_limit", "67108864")
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .pragma("cache_size", WRITER_CACHE_KIB)
            // A row that is replaced is a row that goes: rollups hear of it.
            .pragma("recursive_triggers", "on")
            .statement_cache_capacity(STATEMENTS);
        let mut connection = SqliteConnection::connect_with(&writing).await?;
        let copied = migrate(&mut connection, path).await?;
        rollup::fill(&mut connection).await?;
        rollup::watch(&mut connection).await?;
        let lost = mark_lost(&mut connection).await?;
        let known = Known::new(pack::next_id(&mut connection).await?);
        let pace = Pace::default();
        let scans = crate::text::scan::Scans::default();
        let writer = Writer::new(connection, writing, pace.clone(), scans.written.clone()).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(Some(Duration::from_secs(30)))
            // A connection to a file does not break while it lies idle.
            .test_before_acquire(false)
            .connect_with(reading.pragma("query_only", "on"))
            .await?;
        let inner = Inner {
            path: path.to_owned(),
            read,
            known: Arc::new(std::sync::Mutex::new(known)),
            kept: Kept::default(),
            scans,
            orphans: std::sync::Mutex::default(),
            pace,
            price: OnceLock::new(),
            tidying: Mutex::default(),
            stopping: AtomicBool::default(),
            writer: Mutex::new(writer),
        };
        Ok((
            Self { inner: Arc::new(inner) },
            Opened { lost, moved_aside, damaged: None, read_only: None, copied },
        ))
    }

    /// Opens the database for reading alone, whoever else has it open.
    pub async fn look(path: &Path) -> Result<Self, StoreError> {
        let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
        let version = crate::inspect::version(path).await?;
        if version > newest {
            return Err(StoreError::Newer { path: path.to_owned() });
        }
        if version < newest {
            return Err(StoreError::Refused(format!(
                "{} was written by an earlier version (schema {version} of {newest}); start LLMFlow once, then look again",
                path.display()
            )));
        }
        let reading = SqliteConnectOptions::new()
            .filename(path)
            .pragma("temp_store", "memory")
            .pragma("query_only", "on")
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let read = SqlitePoolOptions::new().max_connections(1).connect_with(reading.clone()).await?;
        let pace = Pace::default();
        let inner = Inner {
            path: path.to_owned(),
            read,
            known: Arc::new(std::sync::Mutex::new(Known::new(1))),
            kept: Kept::default(),
            scans: crate::text::scan::Scans::default(),
            orphans: std::sync::Mutex::default(),
            price: OnceLock::new(),
            tidying: Mutex::default(),
            stopping: AtomicBool::default(),
            writer: Mutex::new(Writer::none(reading, pace.clone())),
            pace,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Writes everything from the log into the database file and closes it.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.inner.scans.stop().await;
        self.inner.read.close().await;
        let mut writer = self.inner.writer.lock().await;
        if let Some(mut connection) = writer.take_connection() {
            // Merging the text index leaves pages free.
            sqlx::query("PRAGMA incremental_vacuum").fetch_all(&mut connection).await?;
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
            connection.close().await?;
        }
        Ok(())
    }

    /// Bytes of the database files on disk.
    pub fn disk_bytes(&self) -> u64 {
        ["", "-wal", "-shm"]
            .iter()
            .map(|suffix| {
                let mut path = self.inner.path.clone().into_os_string();
                path.push(suffix);
                fs::metadata(path).map_or(0, |file| file.len())
            })
            .sum()
    }
}

/// A database of a newer version is left as it is, to the byte: it is looked at before it is opened for writing.
async fn refuse_newer(path: &Path) -> Result<(), StoreError> {
    let in_folder = |cause| StoreError::Folder { path: path.to_owned(), cause };
    if !path.exists() || is_foreign(path).map_err(in_folder)? {
        return Ok(());
    }
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    // What cannot be looked at says why when it is opened.
    match crate::inspect::version(path).await {
        Ok(version) if version > newest => Err(StoreError::Newer { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// Calls that were under way when the app ended without warning.
async fn mark_lost(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    let lost = sqlx::query(
        "UPDATE call SET state = 'lost', failed = 1, error = 'LLMFlow ended while the call was under way', \
         error_kind = 'LLMFlow ended while the call was under way' WHERE state = 'open'",
    );
    let lost = lost.execute(&mut *transaction).await?.rows_affected();
    rollup::settle(&mut transaction).await?;
    transaction.commit().await?;
    Ok(lost)
}

/// Brings the schema up to date. What a former version wrote is copied first; says where to.
async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let version = schema(connection).await?;
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let copied = match version {
        Some(version) if version < newest => {
            // Nothing else can be said before it is done: the dashboard does not listen yet.
            let megabytes = fs::metadata(path).map_or(0, |file| file.len()) / 1_000_000;
            tracing::warn!(
                "{} ({megabytes} MB) is copied and brought from schema {version} to {newest}; with gigabytes this takes \
                 minutes, and calls are taken when it is done",
                path.display()
            );
            match before_migration(connection, path, version).await {
                Ok(copy) => Some(copy),
                Err(error) => {
                    // Each step of the schema is a transaction: one that fails leaves what was there.
                    tracing::warn!(%error, "the database could not be copied before its schema changes");
                    None
                }
            }
        }
        _ => None,
    };
    MIGRATIONS.run(connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => {
            StoreError::Newer { path: path.to_owned() }
        }
        other => StoreError::Database(Box::new(other)),
    })?;
    Ok(copied)
}

/// The version of the schema; `None` in a file that is new.
async fn schema(connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    let there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')";
    let there: bool = sqlx::query_scalar(there).fetch_one(&mut *connection).await?;
    if !there {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await?)
}

/// Makes the folder 0700 and the file 0600 (SQLite gives its side files the same mode), and moves a database of
/// another program out of the way.
fn prepare_file(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let in_folder = |cause| StoreError::Folder { path: path.to_owned(), cause };
    if let Some(folder) = path.parent() {
        private_folder(folder).map_err(in_folder)?;
    }
    let moved = match is_foreign(path).map_err(in_folder)? {
        true => Some(move_aside(path).map_err(in_folder)?),
        false => None,
    };
    private_file(path).map_err(in_folder)?;
    Ok(moved)
}

pub(crate) fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    // A folder that is there keeps its mode: it may hold more than our files, which are private on their own.
    builder.recursive(true).create(folder)
}

pub(crate) fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let private = || fs::Permissions::from_mode(0o600);
        let file = match options.mode(0o600).open(path) {
            // Whoever took away the right to write it, it is ours to give.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                fs::set_permissions(path, private()).map_err(|_| error)?;
                options.open(path)?
            }
            opened => opened?,
        };
        file.set_permissions(private())
    }
    #[cfg(not(unix))]
    options.open(path).map(drop)
}

/// A file that is not empty and does not carry our application id. The id stands at byte 68 of an SQLite file.
pub(crate) fn is_foreign(path: &Path) -> std::io::Result<bool> {
    let mut head = [0_u8; 72];
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    // A database whose first transaction is still in the log has no id in its main file yet.
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    if file.read_exact(&mut head).is_err() {
        return Ok(true);
    }
    let id = head.get(68..72).map(|bytes| bytes.iter().fold(0_u32, |id, byte| (id << 8) | u32::from(*byte)));
    Ok(id != Some(APPLICATION_ID) && !(id == Some(0) && Path::new(&log).exists()))
}

fn move_aside(path: &Path) -> std::io::Result<PathBuf> {
    let target = free_name(path, "other");
    move_database(path, &target)?;
    Ok(target)
}

#[cfg(test)]
mod tests {
    use api::{Bucket, CallFilter, Money};

    use super::*;

    /// A call as the first version of the schema kept it.
    const OLD: &str = r#"
        INSERT INTO call (seq, id, started_ms, state, failed, provider, operation, method, path, streamed, input,
            cache_read, usage_source, cost, cost_source, error, session_id)
        VALUES (1, x'00000000000000000000000000000001', 5, 'upstream_error', 1, 'openai', 'chat', 'POST', '/', 0, 9,
            4, 'provider', 70, 'computed', 'overloaded_error: Busy: later', 'old'),
            (2, x'00000000000000000000000000000002', 5, 'complete', 0, 'openai', 'chat', 'POST', '/', 0, 9,
            NULL, 'provider', 70, 'computed', NULL, 'old');
        INSERT INTO call_detail (seq, upstream, http_version, headers, cost, timing, response_body, credential)
        VALUES (1, '', '', x'', '{"buckets": [{"bucket": "input", "cost": 10}, {"bucket": "output", "cost": 40},
            {"bucket": "reasoning", "cost": 20}]}', x'', 7, '[key:1]'), (2, '', '', x'', '{}', x'', NULL, NULL);
        INSERT INTO body (id, info, layout) VALUES (7, '{"cut": true}', x'');
    "#;

    /// A database as the version with this schema left it.
    async fn former(path: &Path, version: i64) {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .pragma("application_id", APPLICATION_ID.to_string());
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let until = |last: i64| {
            let steps = MIGRATIONS.iter().filter(|migration| migration.version <= last).cloned();
            Migrator::with_migrations(steps.collect())
        };
        until(1).run(&mut connection).await.unwrap();
        sqlx::raw_sql(OLD).execute(&mut connection).await.unwrap();
        until(version).run(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    #[tokio::test]
    async fn reports_are_taken_into_a_database_of_every_former_schema() {
        let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap();
        for version in 1..newest {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("data.db");
            former(&path, version).await;
            let (store, _) = Store::open(&path).await.unwrap();
            let span = model::telemetry::wire::Span {
                trace_id: [1; 16],
                span_id: [2; 8],
                start_ns: 6_000_000,
                ..Default::default()
            };
            let write = crate::SpanWrite { span, origin: Arc::default(), reading: Default::default() };
            let reports = crate::Reports { spans: vec![write], ..Default::default() };
            let batch = store.prepare_telemetry(vec![reports], 0).unwrap();
            assert_eq!(store.commit_telemetry(&[batch]).await.unwrap().spans, 1, "{version}");
            let page = store.list_traces(&CallFilter::default(), 10, 0, None).await.unwrap();
            assert_eq!((page.entries.len(), page.total), (3, 3), "{version}");
            let calls = store.list_calls(&CallFilter::default(), api::Page::default()).await.unwrap().calls;
            let by_proxy = |call: &api::CallSummary| {
                call.sources == [api::ReportSource::Proxy] && call.in_trace.is_none()
            };
            assert!(calls.len() == 2 && calls.iter().all(by_proxy), "{version}");
            let rollups = store.verify_rollups().await.unwrap();
            assert_eq!((rollups.calls, rollups.wrong), (2, 0), "{version}");
        }
    }

    #[tokio::test]
    async fn metrics_of_former_versions_stay_what_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        former(&path, 8).await;
        let options = SqliteConnectOptions::new().filename(&path);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let rows = r"
            INSERT INTO origin (key, hash, service, body) VALUES (1, x'01', 'app', x'');
            INSERT INTO series (key, hash, origin, name, description, unit, kind, temporality, monotonic, attributes,
                metadata) VALUES (1, x'01', 1, 'a', 'in words', 's', 1, 1, 1, x'90', x'90'),
                (2, x'02', 1, 'a', 'in words', 's', 1, 1, 1, x'90', x'90'), (3, x'03', 1, 'b', '', '', 0, 0, 0, x'90', x'90');
            INSERT INTO point (series, time_ns, start_ns, int) VALUES (1, 10, 1, 4), (2, 20, 1, 5), (3, 30, 1, 6);";
        sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let (store, _) = Store::open(&path).await.unwrap();
        let found = store.list_metrics(&api::MetricFilter::default()).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|metric| (metric.name.as_str(), metric.description.as_str(), metric.series, metric.total))
            .collect();
        assert_eq!(found, [("a", "in words", 2, 9.0), ("b", "", 1, 6.0)]);
    }

    #[tokio::test]
    async fn calls_of_the_first_schema_are_added_up_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        former(&path, 1).await;
        let (store, opened) = Store::open(&path).await.unwrap();
        assert_eq!(opened.moved_aside, None);
        let overview = store.overview(&[0, 10]).await.unwrap();
        let totals = overview.totals;
        assert_eq!((totals.calls, totals.cost), (2, Money::from_pico(140)));
        let costs = [totals.costs.input, totals.costs.cache_read, totals.costs.output];
        assert_eq!(costs.map(Money::pico), [10, 0, 60]);
        assert_eq!((totals.saved_unknown, totals.cut), (1, 1), "what a cache saved back then is not known");
        assert_eq!(overview.errors.first().and_then(|cause| cause.kind.as_deref()), Some("overloaded_error"));
        let sessions =
            store.list_sessions(&api::SessionFilter::default(), 9, 0, None).await.unwrap().sessions;
        let found: Vec<_> = sessions.iter().map(|session| (session.id.as_str(), session.calls)).collect();
        assert_eq!(found, [("old", 1), ("old", 1)], "one id, two keys");
        let named = CallFilter { session_id: Some("old".into()), ..CallFilter::default() };
        assert_eq!(store.count_calls(&named).await.unwrap(), 2);
        let cached = CallFilter { bucket: Some(Bucket::CacheRead), ..CallFilter::default() };
        assert_eq!(store.count_calls(&cached).await.unwrap(), 1);
    }
}
