//! Which log records have what is searched for, and what of a record is searched. What was stored and is not in the index
//! yet is looked through as it stands, so that nothing that was acknowledged is missed.
//! Leaves out taking records into the index (`reindex`) and the other conditions (`log_list`).

use std::collections::HashMap;

use api::LogFilter;
use model::telemetry::wire::{LogRecord, Value};
use sqlx::{FromRow, QueryBuilder, Sqlite};

use super::log_list::{NANOS, push_where};
use super::packs::Records;
use crate::search::{Search, of_all};
use crate::text::find::has;
use crate::{Store, StoreError};

/// The index has no positions and no signs: for a phrase or a sign the texts of so many records are read, the newest of
/// those that have all the words, and of records that are not in the index yet as many. Whoever asks is told how far back
/// that reached.
const READ: usize = 20_000;
/// Text of one record beyond this is not indexed.
const LARGEST: usize = 1 << 20;

/// Which records have what is searched for.
pub(super) struct Found {
    search: Search,
    /// The expression for the index; `None` when it knows none of the words.
    words: Option<String>,
    /// That for words which are to be absent, where nothing else is looked for.
    absent_words: Option<String>,
    /// Up to this place the index knows them.
    indexed: i64,
    /// Where texts had to be read: these, as a JSON array of places.
    rows: Option<String>,
    /// Those that have what is to be absent, as far as texts had to be read for that.
    absent: Option<String>,
    /// Those behind the index.
    waiting: String,
    /// From this moment on all texts were read, where there are more before it. What stands there is not found: nobody knows
    /// whether it says what is to be absent.
    pub(super) read_back_to_ms: Option<i64>,
}

/// What is read of a record to look through it.
#[derive(FromRow)]
pub(crate) struct Candidate {
    pub(crate) place: i64,
    origin: i64,
    text: String,
    event: Option<String>,
    time_ns: i64,
}

/// What begins a question for candidates.
pub(crate) const CANDIDATES: &str = "SELECT place, log.origin AS origin, text, event, time_ns FROM log";

/// What reading found.
struct Looked {
    places: Vec<i64>,
    /// From this moment on all were read, where there are more before it.
    back_to_ms: Option<i64>,
}

impl Store {
    /// What the filter's text searches for, among the records that match it otherwise; `None` when there is none.
    pub(super) async fn find_logs(&self, filter: &LogFilter) -> Result<Option<Found>, StoreError> {
        let search = Search::new(filter.text.as_deref().unwrap_or_default());
        if search.is_empty() {
            return Ok(None);
        }
        let indexed = self.upkeep("logs_indexed").await?;
        let alike = self.alike(&search, "log_vocabulary").await?;
        let (words, absent_words) = (search.of_words(&alike), search.absent_words(&alike));
        let (mut rows, mut without, mut read_back_to_ms) = (None, Vec::new(), None);
        if search.reads_texts() {
            let stands = |texts: &[String]| search.stands_in(texts);
            let read = self.verified_logs(filter, words.clone(), indexed, &stands).await?;
            (rows, read_back_to_ms) = (Some(serde_json::to_string(&read.places)?), read.back_to_ms);
        }
        for term in search.absent_texts() {
            let words = of_all(search.terms.iter().chain([term]), &alike);
            let has = |texts: &[String]| has(texts, term);
            let read = self.verified_logs(filter, words, indexed, &has).await?;
            without.extend(read.places);
            read_back_to_ms = read_back_to_ms.max(read.back_to_ms);
        }
        let absent = (!without.is_empty()).then(|| serde_json::to_string(&without)).transpose()?;
        let mut query = QueryBuilder::<Sqlite>::new(CANDIDATES);
        push_where(&mut query, filter, None);
        query.push(" AND place > ").push_bind(indexed);
        let read = self.matching(query, &|texts| search.matches(texts)).await?;
        let waiting = serde_json::to_string(&read.places)?;
        read_back_to_ms = read_back_to_ms.max(read.back_to_ms);
        Ok(Some(Found { search, words, absent_words, indexed, rows, absent, waiting, read_back_to_ms }))
    }

    async fn verified_logs(
        &self,
        filter: &LogFilter,
        words: Option<String>,
        indexed: i64,
        wanted: &(dyn Fn(&[String]) -> bool + Sync),
    ) -> Result<Looked, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(CANDIDATES);
        push_where(&mut query, filter, None);
        query.push(" AND place <= ").push_bind(indexed);
        if let Some(words) = words {
            query.push(" AND place IN (SELECT rowid FROM log_words WHERE log_words MATCH ");
            query.push_bind(words).push(")");
        }
        self.matching(query, wanted).await
    }

    /// Reads the newest of what `query` asks for.
    async fn matching(
        &self,
        mut query: QueryBuilder<Sqlite>,
        wanted: &(dyn Fn(&[String]) -> bool + Sync),
    ) -> Result<Looked, StoreError> {
        query.push(" ORDER BY time_ns DESC, log.hash DESC LIMIT ").push_bind(READ as i64 + 1);
        let mut candidates: Vec<Candidate> =
            query.build_query_as().persistent(false).fetch_all(&self.inner.read).await?;
        let more = candidates.len() > READ;
        candidates.truncate(READ);
        let ms =
            |candidate: Option<&Candidate>| candidate.map(|candidate| candidate.time_ns.div_euclid(NANOS));
        let (newest, oldest) = (ms(candidates.first()), ms(candidates.last()));
        // Of the oldest's millisecond others may be unread: all of it stands before what was read, unless that is all of it.
        let back_to_ms = if newest > oldest { oldest.map(|oldest| oldest + 1) } else { oldest };
        let (mut texts, mut places) = (LogTexts::new(self), Vec::new());
        for candidate in candidates {
            let place = candidate.place;
            match texts.of(candidate).await {
                Ok(texts) => places.extend(wanted(&texts).then_some(place)),
                Err(error) if error.is_damage() => {
                    tracing::warn!(place, %error, "a log record cannot be read, and is not searched");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Looked { places, back_to_ms: back_to_ms.filter(|_| more) })
    }

    /// The texts by which the record of this moment with this hash is found; `None` when there is none.
    pub(crate) async fn log_texts_of(
        &self,
        (time_ns, hash): (i64, i64),
    ) -> Result<Option<Vec<String>>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(CANDIDATES);
        query.push(" WHERE time_ns = ").push_bind(time_ns).push(" AND hash = ").push_bind(hash);
        let row: Option<Candidate> = query.build_query_as().fetch_optional(&self.inner.read).await?;
        let Some(candidate) = row else { return Ok(None) };
        LogTexts::new(self).of(candidate).await.map(Some)
    }
}

/// Reads the texts of log records one after the other, each pack once.
pub(crate) struct LogTexts<'a> {
    store: &'a Store,
    records: Records<'a>,
    services: HashMap<i64, Option<String>>,
}

impl<'a> LogTexts<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, records: Records::new(store), services: HashMap::new() }
    }

    /// The texts by which a record is found: the line that lists show, what it says, its attributes and who reported it.
    pub(crate) async fn of(&mut self, candidate: Candidate) -> Result<Vec<String>, StoreError> {
        let Candidate { place, origin, text: line, event, .. } = candidate;
        let record: LogRecord = self.records.get(place).await?;
        let mut said = String::new();
        gather(&record.body, &mut said);
        let mut texts = vec![line];
        // Mostly the line is the body.
        if texts.first() != Some(&said) {
            texts.push(said);
        }
        for (name, value) in &record.attributes.0 {
            let mut text = format!("{name} ");
            gather(value, &mut text);
            texts.push(text);
        }
        texts.extend(event);
        texts.extend(self.service(origin).await?);
        Ok(texts)
    }

    async fn service(&mut self, origin: i64) -> Result<Option<String>, StoreError> {
        if let Some(service) = self.services.get(&origin) {
            return Ok(service.clone());
        }
        let select = sqlx::query_scalar("SELECT service FROM origin WHERE key = ?").bind(origin);
        let service: Option<Option<String>> = select.fetch_optional(&self.store.inner.read).await?;
        let service = service.flatten();
        self.services.insert(origin, service.clone());
        Ok(service)
    }
}

/// Appends a condition for what was found.
pub(super) fn push_found(query: &mut QueryBuilder<Sqlite>, found: &Found) {
    let Found { search, words, absent_words, indexed, rows, absent, waiting, read_back_to_ms } = found;
    if let Some(back_to_ms) = read_back_to_ms {
        query.push(" AND time_ns >= ").push_bind(back_to_ms.saturating_mul(NANOS));
    }
    query.push(" AND (place <= ").push_bind(*indexed);
    if let Some(absent) = absent {
        query.push(" AND place NOT IN (SELECT value FROM json_each(").push_bind(absent.clone()).push("))");
    }
    if search.terms.is_empty() {
        if let Some(words) = absent_words {
            query.push(" AND place NOT IN (SELECT rowid FROM log_words WHERE log_words MATCH ");
            query.push_bind(words.clone()).push(")");
        }
    } else if let Some(rows) = rows {
        query.push(" AND place IN (SELECT value FROM json_each(").push_bind(rows.clone()).push("))");
    } else {
        query.push(" AND place IN (SELECT rowid FROM log_words WHERE log_words MATCH ");
        query.push_bind(words.clone().unwrap_or_default()).push(")");
    }
    query.push(" OR place IN (SELECT value FROM json_each(").push_bind(waiting.clone()).push(")))");
}

/// A value as text that is searched, a piece a line.
fn gather(value: &Value, text: &mut String) {
    let room = LARGEST.saturating_sub(text.len());
    let said = match value {
        Value::Empty | Value::Bytes(_) => return,
        Value::Text(said) => said.get(..said.floor_char_boundary(room)).unwrap_or_default().to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::List(values) => return values.iter().for_each(|value| gather(value, text)),
        Value::Map(values) => {
            for (name, value) in &values.0 {
                text.push_str(name);
                text.push(' ');
                gather(value, text);
            }
            return;
        }
    };
    text.push_str(&said);
    text.push('\n');
}
