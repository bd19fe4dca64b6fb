//! Which log records have what is searched for, and what of a record is searched. What was stored and is not in the index
//! yet is looked through as it stands, so that nothing that was acknowledged is missed.
//! Leaves out taking records into the index (`reindex`) and the other conditions (`log_list`).

use api::LogFilter;
use model::telemetry::wire::{LogRecord, Value};
use sqlx::{QueryBuilder, Sqlite};

use super::log_list::push_where;
use super::packs::Records;
use crate::search::{Search, of_all};
use crate::text::find::has;
use crate::{Store, StoreError};

/// The index has no positions: of so many records that have all the words, the newest, the texts are read for a phrase.
const PHRASE_LOGS: i64 = 20_000;
/// What has no word at all is looked for in the texts of so many, the newest.
const SIGN_LOGS: i64 = 2_000;
/// Records that are not in the index yet and are looked through.
const WAITING: i64 = 4_096;
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
}

/// What is read of a record to look through it.
type Candidate = (i64, i64, String, Option<String>);

const CANDIDATES: &str = "SELECT place, log.origin, text, event FROM log";

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
        let (mut rows, mut without) = (None, Vec::new());
        if search.reads_texts() {
            let stands = |texts: &[String]| search.stands_in(texts);
            rows = Some(self.verified_logs(filter, words.clone(), indexed, &stands).await?);
        }
        for term in search.absent_texts() {
            let words = of_all(search.terms.iter().chain([term]), &alike);
            let has = |texts: &[String]| has(texts, term);
            without.extend(self.verified_logs(filter, words, indexed, &has).await?);
        }
        let absent = (!without.is_empty()).then(|| serde_json::to_string(&without)).transpose()?;
        let rows = rows.map(|rows| serde_json::to_string(&rows)).transpose()?;
        let mut query = QueryBuilder::<Sqlite>::new(CANDIDATES);
        push_where(&mut query, filter, None);
        query.push(" AND place > ").push_bind(indexed).push(" ORDER BY place DESC LIMIT ").push_bind(WAITING);
        let waiting = self.matching(query, &|texts| search.matches(texts)).await?;
        let waiting = serde_json::to_string(&waiting)?;
        Ok(Some(Found { search, words, absent_words, indexed, rows, absent, waiting }))
    }

    async fn verified_logs(
        &self,
        filter: &LogFilter,
        words: Option<String>,
        indexed: i64,
        wanted: &(dyn Fn(&[String]) -> bool + Sync),
    ) -> Result<Vec<i64>, StoreError> {
        let most = if words.is_some() { PHRASE_LOGS } else { SIGN_LOGS };
        let mut query = QueryBuilder::<Sqlite>::new(CANDIDATES);
        push_where(&mut query, filter, None);
        query.push(" AND place <= ").push_bind(indexed);
        if let Some(words) = words {
            query.push(" AND place IN (SELECT rowid FROM log_words WHERE log_words MATCH ");
            query.push_bind(words).push(")");
        }
        query.push(" ORDER BY place DESC LIMIT ").push_bind(most);
        self.matching(query, wanted).await
    }

    async fn matching(
        &self,
        mut query: QueryBuilder<Sqlite>,
        wanted: &(dyn Fn(&[String]) -> bool + Sync),
    ) -> Result<Vec<i64>, StoreError> {
        let candidates: Vec<Candidate> =
            query.build_query_as().persistent(false).fetch_all(&self.inner.read).await?;
        let (mut records, mut places) = (Records::new(self), Vec::new());
        for (place, origin, line, event) in candidates {
            if wanted(&self.log_texts(&mut records, place, origin, line, event).await?) {
                places.push(place);
            }
        }
        Ok(places)
    }

    /// The texts by which the record of this moment with this hash is found; `None` when there is none.
    pub(crate) async fn log_texts_of(
        &self,
        (time_ns, hash): (i64, i64),
    ) -> Result<Option<Vec<String>>, StoreError> {
        let select = "SELECT place, origin, text, event FROM log WHERE time_ns = ? AND hash = ?";
        let row: Option<Candidate> =
            sqlx::query_as(select).bind(time_ns).bind(hash).fetch_optional(&self.inner.read).await?;
        let Some((place, origin, line, event)) = row else { return Ok(None) };
        self.log_texts(&mut Records::new(self), place, origin, line, event).await.map(Some)
    }

    /// The texts by which a record is found: the line that lists show, what it says, its attributes and who reported it.
    pub(crate) async fn log_texts(
        &self,
        records: &mut Records<'_>,
        place: i64,
        origin: i64,
        line: String,
        event: Option<String>,
    ) -> Result<Vec<String>, StoreError> {
        let record: LogRecord = records.get(place).await?;
        let service = sqlx::query_scalar("SELECT service FROM origin WHERE key = ?").bind(origin);
        let service: Option<Option<String>> = service.fetch_optional(&self.inner.read).await?;
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
        texts.extend(service.flatten());
        Ok(texts)
    }
}

/// Appends a condition for what was found.
pub(super) fn push_found(query: &mut QueryBuilder<Sqlite>, found: &Found) {
    let Found { search, words, absent_words, indexed, rows, absent, waiting } = found;
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
