//! Full text: what is searched for of a call, and taking it into the index. Searching is a filter (`filter`).

use bytes::Bytes;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::{Store, StoreError};

/// Rows in one statement.
const ROWS: usize = 500;
/// Text of one stretch beyond this is not indexed.
const LARGEST: usize = 1 << 20;

/// What is to be searched for of a call: its answer, and what of its request nobody had said before.
pub(crate) fn of(answer: &str, new: &[Bytes]) -> String {
    let mut text = answer.to_owned();
    for stretch in new {
        let searchable = model::text::searchable(stretch, LARGEST);
        if !searchable.is_empty() {
            text.push('\n');
            text.push_str(&searchable);
        }
    }
    text
}

/// Takes these texts into the index.
pub(crate) async fn put(connection: &mut SqliteConnection, texts: &[(i64, &str)]) -> Result<(), StoreError> {
    for some in texts.chunks(ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO call_text (rowid, text) ");
        insert.push_values(some, |mut row, (seq, text)| {
            row.push_bind(*seq).push_bind(*text);
        });
        insert.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

impl Store {
    /// Calls that a former version committed and that are not searchable yet.
    pub async fn index_lag(&self) -> Result<u64, StoreError> {
        let lag: i64 =
            sqlx::query_scalar("SELECT count(*) FROM text_backlog").fetch_one(&self.inner.read).await?;
        Ok(lag.unsigned_abs())
    }
}
