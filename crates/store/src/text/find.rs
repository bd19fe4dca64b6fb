//! Which calls have what is searched for: as far as the index knows, and where it does not, as far as texts were read
//! (`scan`). Leaves out words that many calls have (`common`).

use std::collections::HashSet;

use api::{CallFilter, Reading};
use sqlx::{QueryBuilder, Sqlite};

use super::scan::Part;
use crate::filter::push_where;
use crate::search::{Alike, Search, Term, Text, of_all};
use crate::{Store, StoreError};

/// Of more words that begin alike the index puts the lists together sooner than we.
const ALIKE: usize = 16;

/// Of so few calls that match otherwise those that have the words are listed.
const FEW: u64 = 20_000;
/// The texts of so few are read sooner,
const READ: usize = 500;
/// than the index tells of all the calls that lie between them, which are more than these.
const APART: i64 = 100_000;

/// The few calls that match otherwise.
pub(crate) struct Listed {
    /// Their rows, the first one first.
    pub(crate) rows: Vec<i64>,
    /// Only those that have the words; otherwise nobody looked.
    words_looked_at: bool,
}

/// Which calls have what is searched for.
pub(crate) struct Found {
    pub(crate) search: Search,
    /// The expression for the index; `None` when it knows none of the words.
    pub(crate) words: Option<String>,
    /// That for words which are to be absent, where nothing else is looked for.
    pub(crate) absent_words: Option<String>,
    /// Where texts had to be read, or few calls match otherwise: these, as a JSON array of rows.
    pub(crate) rows: Option<String>,
    /// All that is asked for otherwise holds for these rows.
    pub(crate) whole: bool,
    /// Those that have what is to be absent, as far as texts had to be read for that.
    pub(crate) absent: Option<String>,
    /// Before this row nobody has looked for it yet: what stands there is not found so far.
    pub(crate) absent_from: Option<i64>,
    /// The index alone tells, nothing else is asked for, and so many calls have the words that a page of them is among the
    /// newest: how many.
    pub(crate) common: Option<u64>,
    /// Texts are still being read.
    pub(crate) reading: Option<Reading>,
}

impl Store {
    /// What the filter's text searches for, among the calls that match it otherwise; `None` when there is none. Waits until
    /// all texts are read that have to be, unless the filter asks for what was found so far.
    pub(crate) async fn find(&self, filter: &CallFilter) -> Result<Option<Found>, StoreError> {
        let search = Search::new(filter.text.as_deref().unwrap_or_default());
        if search.is_empty() {
            return Ok(None);
        }
        let alike = self.alike(&search, "call_vocabulary").await?;
        let (words, absent_words) = (search.of_words(&alike), search.absent_words(&alike));
        let (mut rows, mut without, mut reading, mut absent_from) = (None, Vec::new(), None, None);
        if search.reads_texts() {
            let told = self.scan(filter, &search, &Part::Wanted, words.as_deref()).await?;
            (rows, reading) = (Some(serde_json::to_string(&told.rows)?), told.reading);
        }
        for term in search.absent_texts() {
            let with = of_all(search.terms.iter().chain([term]), &alike);
            let told = self.scan(filter, &search, &Part::Absent(term.clone()), with.as_deref()).await?;
            without.extend(told.rows);
            if told.reading.is_some() {
                absent_from = absent_from.max(Some(told.back_to));
            }
            reading = reading.or(told.reading);
        }
        let alone = CallFilter { text: None, so_far: false, ..filter.clone() } == CallFilter::default();
        let mut whole = false;
        let is_absent_known = without.is_empty() && absent_from.is_none();
        if let Some(words) = words.as_deref().filter(|_| rows.is_none() && is_absent_known && !alone) {
            let listed = self.listed_with(filter, &search, words).await?;
            whole = listed.is_some();
            rows = listed.map(|listed| serde_json::to_string(&listed)).transpose()?;
        }
        let absent = (!without.is_empty()).then(|| serde_json::to_string(&without)).transpose()?;
        let common = match words.as_ref().filter(|_| alone && rows.is_none() && is_absent_known) {
            Some(words) => self.common(words).await?,
            None => None,
        };
        Ok(Some(Found { search, words, absent_words, rows, whole, absent, absent_from, common, reading }))
    }

    /// Where few calls match otherwise: those of them below row `end`, without those that lack the words where that is sooner
    /// known than read. `None` where they may be many.
    pub(crate) async fn listed(
        &self,
        filter: &CallFilter,
        words: Option<&str>,
        end: i64,
    ) -> Result<Option<Listed>, StoreError> {
        let named = filter.session.is_some()
            || filter.session_id.is_some()
            || filter.trace_id.is_some()
            || filter.replay_of.is_some();
        let otherwise = CallFilter { text: None, so_far: false, ..filter.clone() };
        let mut query = QueryBuilder::<Sqlite>::new("SELECT seq FROM call");
        if !named {
            if self.count_quickly(&otherwise, None).await?.is_none_or(|count| count > FEW) {
                return Ok(None);
            }
            let (from_ms, to_ms) = (filter.from_ms, filter.to_ms);
            let then = CallFilter { from_ms, to_ms, ..CallFilter::default() };
            // Of a short time all are looked at; of a long one SQLite finds a shorter way.
            if self.count_quickly(&then, None).await?.is_some_and(|count| count <= FEW) {
                query.push(" INDEXED BY call_began");
            }
        }
        push_where(&mut query, &otherwise, None);
        query.push(" AND seq < ").push_bind(end).push(" ORDER BY seq");
        let mut rows: Vec<i64> =
            query.build_query_scalar().persistent(false).fetch_all(&self.inner.read).await?;
        let ends = rows.first().copied().zip(rows.last().copied());
        let Some((words, (first, last))) = words.zip(ends) else {
            return Ok(Some(Listed { rows, words_looked_at: false }));
        };
        // Today's index does not know the words of former versions' calls.
        if rows.len() <= READ && last - first > APART || self.has_former().await? {
            return Ok(Some(Listed { rows, words_looked_at: false }));
        }
        let has = "SELECT rowid FROM call_words WHERE call_words MATCH ? AND rowid BETWEEN ? AND ?";
        let has = sqlx::query_scalar(has).bind(words).bind(first).bind(last);
        let has: HashSet<i64> = has.fetch_all(&self.inner.read).await?.into_iter().collect();
        rows.retain(|row| has.contains(row));
        Ok(Some(Listed { rows, words_looked_at: true }))
    }

    /// The same, only those that have what is searched for.
    async fn listed_with(
        &self,
        filter: &CallFilter,
        search: &Search,
        words: &str,
    ) -> Result<Option<Vec<i64>>, StoreError> {
        if self.has_former().await? {
            return Ok(None);
        }
        let Some(Listed { rows, words_looked_at }) = self.listed(filter, Some(words), i64::MAX).await? else {
            return Ok(None);
        };
        if words_looked_at {
            return Ok(Some(rows));
        }
        let texts = self.texts_of(&rows).await?;
        Ok(Some(texts.iter().filter(|(_, texts)| search.matches(texts)).map(|(row, _)| *row).collect()))
    }

    /// For words that may go on, those of the index that begin so, where they are few.
    pub(crate) async fn alike(&self, search: &Search, vocabulary: &'static str) -> Result<Alike, StoreError> {
        let mut alike = Alike::new();
        for begun in search.begun() {
            // The next word is looked for behind any that goes on with what no word has: the index has no shorter way past
            // the calls that have one.
            let mut query =
                QueryBuilder::<Sqlite>::new("WITH RECURSIVE one (word) AS (SELECT (SELECT term FROM ");
            query.push(vocabulary).push(" WHERE term >= ").push_bind(begun.to_owned());
            query.push(" LIMIT 1) UNION ALL SELECT (SELECT term FROM ").push(vocabulary);
            query.push(
                " WHERE term >= one.word || char(1) LIMIT 1) FROM one WHERE substr(one.word, 1, length(",
            );
            query.push_bind(begun.to_owned()).push(")) = ").push_bind(begun.to_owned());
            query
                .push(" LIMIT ")
                .push_bind(ALIKE as i64 + 2)
                .push(") SELECT word FROM one WHERE word IS NOT NULL");
            let mut words: Vec<String> = query.build_query_scalar().fetch_all(&self.inner.read).await?;
            words.retain(|word| word.starts_with(begun));
            if !words.is_empty() && words.len() <= ALIKE {
                alike.insert(begun.to_owned(), words);
            }
        }
        Ok(alike)
    }
}

/// Whether one of `texts` has a term.
pub(crate) fn has(texts: &[String], term: &Term) -> bool {
    texts.iter().any(|text| Text::new(text).has(term))
}
