//! Looks into a database from outside: what is in it, and where its bytes are. SQL that the app has no use for.

use std::future::Future;
use std::path::Path;

use anyhow::Result;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

/// Where the bytes of a database are.
#[derive(Debug, Default)]
pub(crate) struct Anatomy {
    /// Of the file.
    pub(crate) file: u64,
    /// Of all packs before and after compression.
    pub(crate) packs_raw: u64,
    pub(crate) packs_packed: u64,
    /// Pages of tables and their indices, by what they are for.
    pub(crate) pages: Vec<(&'static str, u64)>,
}

/// Tables and their indices, by what they are for. Whatever no prefix names is counted as `other`.
const PARTS: &[(&str, &[&str])] = &[
    ("packs: bodies and details", &["pack"]),
    ("full text", &["call_text", "call_words", "text_backlog"]),
    ("where details stand", &["call_record"]),
    ("calls and their indices", &["call", "call_", "sqlite_autoindex_call"]),
];

/// Calls that are stored with a good ending.
pub(crate) fn complete_calls(path: &Path) -> Result<u64> {
    number(path, "SELECT count(*) FROM call WHERE state = 'complete'")
}

/// Calls that are stored and not searchable yet.
pub(crate) fn waiting_for_index(path: &Path) -> Result<u64> {
    number(path, "SELECT count(*) FROM text_backlog")
}

/// Bytes of all pages in use, the log's included.
pub(crate) fn pages(path: &Path) -> Result<u64> {
    number(path, "SELECT sum(pgsize) FROM dbstat")
}

/// Takes a closed database apart.
pub(crate) fn anatomy(path: &Path) -> Result<Anatomy> {
    let pages = with(path, async |connection| {
        let sizes = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name";
        Ok(sqlx::query_as::<_, (String, i64)>(sizes).fetch_all(connection).await?)
    })?;
    let mut parts: Vec<(&'static str, u64)> = PARTS.iter().map(|(part, _)| (*part, 0)).collect();
    parts.push(("other", 0));
    for (name, bytes) in pages {
        if let Some((_, sum)) = parts.get_mut(part_of(&name)) {
            *sum += bytes.unsigned_abs();
        }
    }
    Ok(Anatomy {
        file: std::fs::metadata(path)?.len(),
        packs_raw: number(path, "SELECT coalesce(sum(raw_len), 0) FROM pack")?,
        packs_packed: number(path, "SELECT coalesce(sum(length(bytes)), 0) FROM pack")?,
        pages: parts,
    })
}

/// The index in `PARTS`; a whole name wins over a beginning.
fn part_of(name: &str) -> usize {
    let whole = PARTS.iter().position(|(_, names)| names.contains(&name));
    let begins = |known: &&str| name.starts_with(known) && (known.len() > 4 || known.ends_with('_'));
    let beginning = || PARTS.iter().position(|(_, names)| names.iter().any(begins));
    whole.or_else(beginning).unwrap_or(PARTS.len())
}

/// One number from a database.
pub(crate) fn number(path: &Path, select: &'static str) -> Result<u64> {
    with(path, async |connection| {
        let number: i64 = sqlx::query_scalar(select).fetch_one(connection).await?;
        Ok(number.unsigned_abs())
    })
}

fn with<T>(path: &Path, ask: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>) -> Result<T> {
    block_on(async {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut connection = options.disable_statement_logging().connect().await?;
        ask(&mut connection).await
    })
}

fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_and_index_has_its_part() {
        let part = |name| PARTS.get(part_of(name)).map_or("other", |(part, _)| *part);
        assert_eq!(part("pack"), "packs: bodies and details");
        assert_eq!(part("call"), "calls and their indices");
        assert_eq!(part("call_window"), "calls and their indices");
        assert_eq!(part("sqlite_autoindex_call_1"), "calls and their indices");
        assert_eq!(part("call_record"), "where details stand");
        assert_eq!(part("call_text_data"), "full text");
        assert_eq!(part("call_words_data"), "full text");
        assert_eq!(part("node"), "other");
        assert_eq!(part("_sqlx_migrations"), "other");
    }
}
