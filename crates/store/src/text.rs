//! Full text: what is searched for of a call, taking it into the index, and which calls have a phrase.
//! Leaves out what a word is (`words`).

use api::{CallDetail, CallFilter, SearchLag};
use bytes::Bytes;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::filter::push_where;
use crate::layout::Place;
use crate::pack::Reader;
use crate::row::statements;
use crate::search::{Search, Term, Text, of_all};
use crate::telemetry::Records;
use crate::words::Distinct;
use crate::{Store, StoreError, bodies, record};

/// Rows in one statement.
const ROWS: usize = 128;
/// Text of one stretch beyond this is not indexed.
const LARGEST: usize = 1 << 20;
/// The index has no positions: of so many calls that have all the words, the newest, the texts are read for a phrase.
const PHRASE_CALLS: i64 = 20_000;
/// What has no word at all is looked for in the texts of so many, the newest.
const SIGN_CALLS: i64 = 2_000;

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

/// Which calls have what is searched for.
pub(crate) struct Found {
    pub(crate) search: Search,
    /// Where texts had to be read: these, as a JSON array of rows.
    pub(crate) rows: Option<String>,
    /// Those that have what is to be absent, as far as texts had to be read for that.
    pub(crate) absent: Option<String>,
    /// The index alone tells, nothing else is asked for, and so many calls have the words that a page of them is among the
    /// newest: how many.
    pub(crate) common: Option<u64>,
}

/// Of more calls than these a list in memory costs more than a page of them.
const COMMON: i64 = if cfg!(test) { 10 } else { 20_000 };
/// Calls, the newest, among which a page with common words is looked for first.
const RECENT: i64 = if cfg!(test) { 20 } else { 20_000 };

/// By what a page is in order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order<'a> {
    /// By when calls began, from this moment back.
    Started(Option<i64>),
    /// By their ids, from this one back.
    Id(Option<&'a [u8]>),
}

/// The newest calls: all that come before a place in the order, and from which row on they are.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    words: String,
    first_seq: i64,
    bound: Bound,
}

#[derive(Clone, Debug)]
enum Bound {
    Started(i64),
    Id(Vec<u8>),
}

impl Recent {
    /// Appends that a call is one of them and has the words.
    pub(crate) fn push(&self, query: &mut QueryBuilder<Sqlite>) {
        match &self.bound {
            Bound::Started(started_ms) => query.push(" AND started_ms > ").push_bind(*started_ms),
            Bound::Id(id) => query.push(" AND id > ").push_bind(id.clone()),
        };
        query.push(" AND seq IN (SELECT rowid FROM call_words WHERE call_words MATCH ");
        query.push_bind(self.words.clone()).push(" AND rowid >= ").push_bind(self.first_seq).push(")");
    }
}

impl Store {
    /// What the filter's text searches for, among the calls that match it otherwise; `None` when there is none.
    pub(crate) async fn find(&self, filter: &CallFilter) -> Result<Option<Found>, StoreError> {
        let search = Search::new(filter.text.as_deref().unwrap_or_default());
        if search.is_empty() {
            return Ok(None);
        }
        let (mut rows, mut absent) = (None, None);
        if search.reads_texts() {
            rows = Some(self.verified(filter, search.of_words(), &|texts| search.stands_in(texts)).await?);
        }
        let mut without = Vec::new();
        for term in search.absent_texts() {
            let words = of_all(search.terms.iter().chain([term]));
            let has = |texts: &[String]| has(texts, term);
            without.extend(self.verified(filter, words, &has).await?);
        }
        if !without.is_empty() {
            absent = Some(serde_json::to_string(&without)?);
        }
        let rows = rows.map(|rows| serde_json::to_string(&rows)).transpose()?;
        let alone = CallFilter { text: None, ..filter.clone() } == CallFilter::default();
        let common = match search.of_words().filter(|_| alone && rows.is_none() && absent.is_none()) {
            Some(words) => self.common(&words).await?,
            None => None,
        };
        Ok(Some(Found { search, rows, absent, common }))
    }

    /// How many calls have these words, if they are many and all of them in today's index.
    async fn common(&self, words: &str) -> Result<Option<u64>, StoreError> {
        let former = "SELECT EXISTS (SELECT 1 FROM call_text_docsize)";
        if sqlx::query_scalar(former).fetch_one(&self.inner.read).await? {
            return Ok(None);
        }
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM call_words WHERE call_words MATCH ?")
            .bind(words)
            .fetch_one(&self.inner.read)
            .await?;
        Ok((count > COMMON).then_some(count.unsigned_abs()))
    }

    /// How many calls of models have words that are [common](Found::common); `None` when these are not.
    pub(crate) async fn count_common(&self, found: Option<&Found>) -> Result<Option<u64>, StoreError> {
        let Some((found, all)) = found.and_then(|found| Some((found, found.common?))) else {
            return Ok(None);
        };
        // Those that lists leave out, if there are any.
        let others = "SELECT EXISTS (SELECT 1 FROM call WHERE operation = 'side_call') \
            OR EXISTS (SELECT 1 FROM call INDEXED BY call_replay WHERE replay_of IS NOT NULL)";
        if !sqlx::query_scalar::<_, bool>(others).fetch_one(&self.inner.read).await? {
            return Ok(Some(all));
        }
        let others = "WITH found AS MATERIALIZED (SELECT rowid AS seq FROM call_words WHERE call_words MATCH ?1) \
            SELECT (SELECT count(*) FROM call WHERE operation = 'side_call' AND seq IN found) + \
            (SELECT count(*) FROM call INDEXED BY call_replay \
             WHERE replay_of IS NOT NULL AND operation != 'side_call' AND seq IN found)";
        let words = found.search.of_words().unwrap_or_default();
        let others: i64 = sqlx::query_scalar(others).bind(words).fetch_one(&self.inner.read).await?;
        Ok(Some(all.saturating_sub(others.unsigned_abs())))
    }

    /// Among which calls to look first for a page with [common](Found::common) words; `None` when the words are not, or
    /// when there are no more calls than that.
    pub(crate) async fn recent(
        &self,
        found: Option<&Found>,
        order: Order<'_>,
    ) -> Result<Option<Recent>, StoreError> {
        let words = found.filter(|found| found.common.is_some()).and_then(|found| found.search.of_words());
        let Some(words) = words else { return Ok(None) };
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT count(*), min(seq), min(place) FROM (SELECT seq, ");
        match order {
            Order::Started(from) => {
                query.push("started_ms AS place FROM call INDEXED BY call_began WHERE started_ms <= ");
                query.push_bind(from.unwrap_or(i64::MAX)).push(" ORDER BY started_ms");
            }
            Order::Id(before) => {
                query.push("id AS place FROM call WHERE 1");
                if let Some(before) = before {
                    query.push(" AND id < ").push_bind(before.to_vec());
                }
                query.push(" ORDER BY id");
            }
        }
        query.push(" DESC LIMIT ").push_bind(RECENT).push(")");
        let row = query.build().persistent(false).fetch_one(&self.inner.read).await?;
        if row.try_get::<i64, _>(0)? < RECENT {
            return Ok(None);
        }
        let bound = match order {
            Order::Started(_) => Bound::Started(row.try_get(2)?),
            Order::Id(_) => Bound::Id(row.try_get(2)?),
        };
        Ok(Some(Recent { words, first_seq: row.try_get(1)?, bound }))
    }

    /// Of the newest calls with these words those whose texts are as wanted.
    async fn verified(
        &self,
        filter: &CallFilter,
        words: Option<String>,
        wanted: &(dyn Fn(&[String]) -> bool + Sync),
    ) -> Result<Vec<i64>, StoreError> {
        let most = if words.is_some() { PHRASE_CALLS } else { SIGN_CALLS };
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT call.seq, pack, at, len FROM (SELECT seq FROM call");
        push_where(&mut query, filter, None);
        if let Some(words) = words {
            query.push(" AND seq IN (SELECT rowid FROM call_words WHERE call_words MATCH ");
            query.push_bind(words).push(")");
        }
        query.push(" ORDER BY seq DESC LIMIT ").push_bind(most);
        query.push(") AS call LEFT JOIN call_record ON call_record.seq = call.seq ORDER BY call.seq DESC");
        let candidates: Vec<Candidate> =
            query.build_query_as().persistent(false).fetch_all(&self.inner.read).await?;
        let (mut texts, mut rows) = (Texts::new(self), Vec::new());
        for candidate in candidates {
            if wanted(&texts.of(candidate).await?) {
                rows.push(candidate.0);
            }
        }
        Ok(rows)
    }

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

/// Whether one of `texts` has a term.
pub(crate) fn has(texts: &[String], term: &Term) -> bool {
    texts.iter().any(|text| Text::new(text).has(term))
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
