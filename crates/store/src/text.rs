//! Full text: taking committed calls from the backlog into the index. Searching is a filter (`filter`).

use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};

use crate::layout::decode_ids;
use crate::write::BEGIN;
use crate::{Store, StoreError};

/// Calls indexed in one transaction: few, so that recording never waits long.
const CALLS: i64 = 64;
/// Text of one segment beyond this is not indexed.
const SEGMENT_TEXT: usize = 1 << 20;

impl Store {
    /// Indexes some calls of the backlog; how many. Call again until it says 0.
    pub async fn index_some(&self) -> Result<usize, StoreError> {
        let waiting: Vec<(i64, Vec<u8>, String)> =
            sqlx::query_as("SELECT seq, segments, answer FROM text_backlog ORDER BY seq LIMIT ?")
                .bind(CALLS)
                .fetch_all(&self.inner.read)
                .await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let mut texts = Vec::with_capacity(waiting.len());
        for (seq, segments, answer) in waiting {
            let mut text = answer;
            for segment in decode_ids(&segments)? {
                text.push('\n');
                text.push_str(&model::text::searchable(&self.segment_bytes(segment).await?, SEGMENT_TEXT));
            }
            texts.push((seq, text));
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
