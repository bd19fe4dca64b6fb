//! Words that many calls have: how many do, and a page of the newest, without a list of all of them.
//! Leaves out what is looked for otherwise (`find`).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use sqlx::{QueryBuilder, Row, Sqlite};

use super::find::Found;
use crate::kept::{Interval, Of, Sum, WordCount};
use crate::rollup::measures::QUARTER_MS;
use crate::{Store, StoreError};

/// Of more calls than these a list in memory costs more than a page of them.
const COMMON: u64 = if cfg!(test) { 10 } else { 20_000 };
/// Calls, the newest, among which a page with common words is looked for first.
const RECENT: i64 = if cfg!(test) { 20 } else { 20_000 };
/// Newer calls than what is kept of a count may be so many, before nothing is kept.
const NEWER: i64 = if cfg!(test) { 60 } else { 20_000 };

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
    /// How many calls have these words, if they are many and all of them in today's index.
    pub(super) async fn common(&self, words: &str) -> Result<Option<u64>, StoreError> {
        let former = "SELECT EXISTS (SELECT 1 FROM call_text_docsize)";
        if sqlx::query_scalar(former).fetch_one(&self.inner.read).await? {
            return Ok(None);
        }
        let count = self.count_words(words).await?;
        Ok((count > COMMON).then_some(count))
    }

    /// How many calls have these words. What the calls of the past come to is kept until one of them changes: the lists of
    /// common words are long, and a page that follows what happens asks again and again.
    async fn count_words(&self, words: &str) -> Result<u64, StoreError> {
        let began = self.inner.kept.begin();
        let last_ms: Option<i64> =
            sqlx::query_scalar("SELECT max(started_ms) FROM call").fetch_one(&self.inner.read).await?;
        let to_ms = last_ms.unwrap_or(0).div_euclid(QUARTER_MS) * QUARTER_MS;
        let newer = "SELECT count(*), min(seq) FROM (SELECT seq FROM call INDEXED BY call_began \
            WHERE started_ms >= ? LIMIT ?)";
        let (newer, first): (i64, Option<i64>) =
            sqlx::query_as(newer).bind(to_ms).bind(NEWER).fetch_one(&self.inner.read).await?;
        // While the index is made again, calls of the past come to be found.
        let settled = newer < NEWER && self.upkeep("calls_to_index").await? == 0;
        let Some(first) = first.filter(|_| settled) else { return self.count_rows(words, 0, i64::MAX).await };
        let (interval, of) = (Interval { from_ms: i64::MIN, to_ms }, Of::Words(hashed(words)));
        let past = match self.inner.kept.get(interval, of) {
            Some(Sum::Words(kept)) if *kept.words == *words && kept.end == first => kept.calls,
            _ => {
                let calls = self.count_rows(words, 0, first).await?;
                let kept = WordCount { words: words.into(), end: first, calls };
                self.inner.kept.put(began, interval, of, Sum::Words(Arc::new(kept)));
                calls
            }
        };
        Ok(past + self.count_rows(words, first, i64::MAX).await?)
    }

    /// How many calls of these rows have the words.
    async fn count_rows(&self, words: &str, from: i64, end: i64) -> Result<u64, StoreError> {
        let count = "SELECT count(*) FROM call_words WHERE call_words MATCH ? AND rowid >= ? AND rowid < ?";
        let count = sqlx::query_scalar::<_, i64>(count).bind(words).bind(from).bind(end);
        Ok(count.fetch_one(&self.inner.read).await?.unsigned_abs())
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
        let others = sqlx::query_scalar::<_, i64>(others).bind(found.words.as_deref());
        let others = others.fetch_one(&self.inner.read).await?;
        Ok(Some(all.saturating_sub(others.unsigned_abs())))
    }

    /// Among which calls to look first for a page with [common](Found::common) words; `None` when the words are not, or
    /// when there are no more calls than that.
    pub(crate) async fn recent(
        &self,
        found: Option<&Found>,
        order: Order<'_>,
    ) -> Result<Option<Recent>, StoreError> {
        let words = found.filter(|found| found.common.is_some()).and_then(|found| found.words.clone());
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
}

fn hashed(words: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}
