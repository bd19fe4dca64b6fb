//! Full text: taking committed calls from the backlog into the index. Searching is a filter (`filter`).

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};

use crate::bodies::unpack;
use crate::layout::decode_ids;
use crate::write::BEGIN;
use crate::{Store, StoreError};

/// Calls indexed in one transaction: each makes a piece of the index that has to be merged with the others later, so
/// there should be many in it; but recording waits for it.
const CALLS: i64 = 512;
/// Bytes of text after which no more are taken.
const BYTES: usize = 2 << 20;
/// Calls read at once.
const AT_ONCE: usize = 64;
/// Text of one segment beyond this is not indexed.
const SEGMENT_TEXT: usize = 1 << 20;

/// A call in the backlog: its row, its new segments, its answer's text.
type Waiting = (i64, Vec<i64>, String);

impl Store {
    /// Indexes some calls of the backlog; how many. Call again until it says 0.
    pub async fn index_some(&self) -> Result<usize, StoreError> {
        let select = "SELECT seq, segments, answer FROM text_backlog ORDER BY seq LIMIT ?";
        let rows: Vec<(i64, Vec<u8>, String)> =
            sqlx::query_as(select).bind(CALLS).fetch_all(&self.inner.read).await?;
        let mut texts = Vec::with_capacity(rows.len());
        let mut rows = rows.into_iter().peekable();
        let mut bytes = 0;
        while bytes < BYTES && rows.peek().is_some() {
            let some: Vec<Waiting> = rows
                .by_ref()
                .take(AT_ONCE)
                .map(|(seq, segments, answer)| Ok((seq, decode_ids(&segments)?, answer)))
                .collect::<Result<_, StoreError>>()?;
            let ids: Vec<i64> = some.iter().flat_map(|(_, segments, _)| segments).copied().collect();
            let segments = self.segment_rows(&ids).await?;
            // Unpacking and reading takes long enough to hold up calls that are forwarded on this thread.
            let read = tokio::task::spawn_blocking(move || read(some, &segments)).await;
            let read = read.map_err(|error| StoreError::Database(Box::new(error)))??;
            bytes += read.iter().map(|(_, text)| text.len()).sum::<usize>();
            texts.extend(read);
        }
        if texts.is_empty() {
            return Ok(0);
        }
        let mut writer = self.inner.writer.lock().await;
        let indexed = put(writer.connection()?, &texts).await;
        if indexed.is_err() {
            writer.recover().await?;
        }
        indexed.map(|()| texts.len())
    }

    /// Calls that are committed and not yet searchable.
    pub async fn index_lag(&self) -> Result<u64, StoreError> {
        let lag: i64 =
            sqlx::query_scalar("SELECT count(*) FROM text_backlog").fetch_one(&self.inner.read).await?;
        Ok(lag.unsigned_abs())
    }
}

/// What is to be searched for of each call.
fn read(some: Vec<Waiting>, segments: &HashMap<i64, SqliteRow>) -> Result<Vec<(i64, String)>, StoreError> {
    some.into_iter()
        .map(|(seq, ids, mut text)| {
            for segment in ids.iter().filter_map(|id| segments.get(id)) {
                text.push('\n');
                text.push_str(&model::text::searchable(&unpack(segment)?, SEGMENT_TEXT));
            }
            Ok((seq, text))
        })
        .collect()
}

/// Takes these texts into the index and out of the backlog.
async fn put(connection: &mut SqliteConnection, texts: &[(i64, String)]) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO call_text (rowid, text) ");
    insert.push_values(texts, |mut row, (seq, text)| {
        row.push_bind(*seq).push_bind(text.as_str());
    });
    insert.build().persistent(false).execute(&mut *transaction).await?;
    let mut delete = QueryBuilder::<Sqlite>::new("DELETE FROM text_backlog WHERE seq IN (");
    let mut list = delete.separated(", ");
    for (seq, _) in texts {
        list.push_bind(*seq);
    }
    list.push_unseparated(")");
    delete.build().persistent(false).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}
