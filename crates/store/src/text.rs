//! Full text: what is searched for of a call, and taking it into the index.
//! Leaves out what a word is (`words`), and which calls have what is looked for (`find`).

pub(crate) mod common;
pub(crate) mod find;
pub(crate) mod scan;

use api::{CallDetail, SearchLag};
use bytes::Bytes;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::layout::Place;
use crate::pack::Reader;
use crate::row::statements;
use crate::telemetry::Records;
use crate::words::Distinct;
use crate::{Store, StoreError, bodies, record};

/// Rows in one statement.
const ROWS: usize = 128;
/// Text of one stretch beyond this is not indexed.
const LARGEST: usize = 1 << 20;

/// The words of a call: of its answer, of what in its request nobody had said before, and the provider's ids.
pub(crate) fn words(distinct: &mut Distinct, answer: &str, new: &[Bytes], ids: &str) -> String {
    distinct.add(answer);
    for stretch in new {
        distinct.add(&model::text::searchable(stretch, LARGEST));
    }
    distinct.add(ids);
    distinct.take()
}

/// The words of texts.
pub(crate) fn words_of(distinct: &mut Distinct, texts: &[String]) -> String {
    texts.iter().for_each(|text| distinct.add(text));
    distinct.take()
}

/// The ids by which a provider knows the call.
pub(crate) fn ids(detail: &CallDetail) -> String {
    joined(detail.response_id.as_deref(), detail.request_id.as_deref())
}

fn joined(response: Option<&str>, request: Option<&str>) -> String {
    response.into_iter().chain(request).collect::<Vec<_>>().join("\n")
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

/// Takes the words of log records at these places into the index.
pub(crate) async fn put_logs(
    connection: &mut SqliteConnection,
    logs: &[(i64, &str)],
) -> Result<(), StoreError> {
    for some in statements(logs, ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO log_words (rowid, words) ");
        insert.push_values(some, |mut row, (place, words)| {
            row.push_bind(*place).push_bind(*words);
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

impl Store {
    /// The texts by which these calls are found, each with its row.
    pub(crate) async fn texts_of(&self, seqs: &[i64]) -> Result<Vec<(i64, Vec<String>)>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT call.seq, pack, at, len FROM call LEFT JOIN call_record ON call_record.seq = call.seq \
             WHERE call.seq IN (SELECT value FROM json_each(",
        );
        query.push_bind(serde_json::to_string(seqs)?).push(")) ORDER BY call.seq DESC");
        let candidates: Vec<Candidate> =
            query.build_query_as().persistent(false).fetch_all(&self.inner.read).await?;
        let (mut texts, mut all) = (Texts::new(self), Vec::with_capacity(candidates.len()));
        texts.fetch(candidates.iter().filter_map(|(_, pack, ..)| *pack).collect()).await?;
        for candidate in candidates {
            all.push((candidate.0, texts.of(candidate).await?));
        }
        Ok(all)
    }

    /// What is stored and not in the index yet.
    pub async fn search_lag(&self) -> Result<SearchLag, StoreError> {
        let calls = "SELECT (SELECT count(*) FROM text_backlog) + (SELECT count(*) FROM call WHERE seq < \
            (SELECT value FROM upkeep WHERE name = 'calls_to_index') AND state != 'open' \
            AND seq NOT IN (SELECT seq FROM call_detail))";
        let logs = "SELECT count(*) FROM log INDEXED BY log_place WHERE place > \
            (SELECT value FROM upkeep WHERE name = 'logs_indexed')";
        let calls: i64 = sqlx::query_scalar(calls).fetch_one(&self.inner.read).await?;
        let logs: i64 = sqlx::query_scalar(logs).fetch_one(&self.inner.read).await?;
        Ok(SearchLag { calls: calls.unsigned_abs(), logs: logs.unsigned_abs() })
    }
}

/// Reads the texts of calls one after the other, each pack once.
struct Texts<'a> {
    store: &'a Store,
    reader: Reader<'a>,
    told: Records<'a>,
}

impl<'a> Texts<'a> {
    fn new(store: &'a Store) -> Self {
        Self { store, reader: Reader::new(store), told: Records::new(store) }
    }

    /// Makes ready what is read of these packs.
    async fn fetch(&mut self, packs: Vec<i64>) -> Result<(), StoreError> {
        self.reader.fetch(packs).await
    }

    async fn of(&mut self, (seq, pack, at, len): Candidate) -> Result<Vec<String>, StoreError> {
        match (pack, at, len) {
            (Some(pack), Some(at), Some(len)) => said(&mut self.reader, Place { pack, at, len }).await,
            _ => self.store.told_texts(seq, &mut self.told).await,
        }
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
    let (response, request) = record::ids(&record)?;
    texts.push(joined(response.as_deref(), request.as_deref()));
    Ok(texts)
}

#[cfg(test)]
mod tests;
