//! Full text: what is searched for of a call, taking it into the index, and which calls have a phrase.
//! Leaves out what a word is (`words`).

use bytes::Bytes;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::layout::Place;
use crate::pack::Reader;
use crate::row::statements;
use crate::telemetry::Records;
use crate::words::{Distinct, Search};
use crate::{Store, StoreError, bodies, record};

/// Rows in one statement.
const ROWS: usize = 128;
/// Text of one stretch beyond this is not indexed.
const LARGEST: usize = 1 << 20;
/// The index has no positions: of so many calls that have all the words, the newest, the texts are read for a phrase.
const PHRASE_CALLS: i64 = 20_000;

/// The words of a call: of its answer, and of what in its request nobody had said before.
pub(crate) fn words(distinct: &mut Distinct, answer: &str, new: &[Bytes]) -> String {
    distinct.add(answer);
    for stretch in new {
        distinct.add(&model::text::searchable(stretch, LARGEST));
    }
    distinct.take()
}

/// Takes these words into the index.
pub(crate) async fn put(connection: &mut SqliteConnection, calls: &[(i64, &str)]) -> Result<(), StoreError> {
    for some in statements(calls, ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO call_words (rowid, words) ");
        insert.push_values(some, |mut row, (seq, words)| {
            row.push_bind(*seq).push_bind(*words);
        });
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Takes these words into the index, instead of what calls were found by until now.
pub(crate) async fn put_again(
    connection: &mut SqliteConnection,
    calls: &[(i64, &str)],
) -> Result<(), StoreError> {
    for some in statements(calls, ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO call_words (rowid, words) ");
        insert.push_values(some, |mut row, (seq, words)| {
            row.push_bind(*seq).push_bind(*words);
        });
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// A call's row, and where its record stands, if it has one.
type Candidate = (i64, Option<i64>, Option<u32>, Option<u32>);

/// Which calls have what is searched for.
pub(crate) enum Found {
    /// Those that the index names.
    Indexed(Search),
    /// Of those in the new index these, as a JSON array of rows.
    Rows(Search, String),
}

impl Store {
    /// What `text` searches for; `None` when nothing is left of it.
    pub(crate) async fn find(&self, text: Option<&str>) -> Result<Option<Found>, StoreError> {
        let search = Search::new(text.unwrap_or_default());
        if search.is_empty() {
            return Ok(None);
        }
        if search.is_words() {
            return Ok(Some(Found::Indexed(search)));
        }
        let select = "SELECT call.seq, pack, at, len FROM call LEFT JOIN call_record ON call_record.seq = call.seq \
            WHERE call.seq IN (SELECT rowid FROM call_words WHERE call_words MATCH ?) ORDER BY call.seq DESC LIMIT ?";
        let candidates = sqlx::query_as(select).bind(search.of_words()).bind(PHRASE_CALLS);
        let candidates: Vec<Candidate> = candidates.fetch_all(&self.inner.read).await?;
        let (mut reader, mut told, mut rows) = (Reader::new(self), Records::new(self), Vec::new());
        for (seq, pack, at, len) in candidates {
            let texts = match (pack, at, len) {
                (Some(pack), Some(at), Some(len)) => said(&mut reader, Place { pack, at, len }).await?,
                _ => self.told_texts(seq, &mut told).await?,
            };
            if search.stands_in(&texts) {
                rows.push(seq);
            }
        }
        Ok(Some(Found::Rows(search, serde_json::to_string(&rows)?)))
    }

    /// Calls that a former version committed and that are not searchable yet.
    pub async fn index_lag(&self) -> Result<u64, StoreError> {
        let lag: i64 =
            sqlx::query_scalar("SELECT count(*) FROM text_backlog").fetch_one(&self.inner.read).await?;
        Ok(lag.unsigned_abs())
    }
}

/// The texts whose words were indexed for the call with this record.
async fn said(reader: &mut Reader<'_>, place: Place) -> Result<Vec<String>, StoreError> {
    let coded = reader.stretch(place).await?;
    let record = record::parts(&coded)?;
    let mut texts = vec![String::from_utf8_lossy(record.answer).into_owned()];
    for new in bodies::new_stretches(reader, place.pack, record.begins, record.layouts[0]).await? {
        texts.push(model::text::searchable(&reader.stretch(new).await?, LARGEST));
    }
    Ok(texts)
}
