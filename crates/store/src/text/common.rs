//! Words that many calls have: how many do, and a page of the newest, without a list of all of them.
//! Leaves out what is looked for otherwise (`find`).

use sqlx::{QueryBuilder, Row, Sqlite};

use super::find::Found;
use crate::{Store, StoreError};

/// Of more calls than these a list in memory costs more than a page of them.
const COMMON: u64 = if cfg!(test) { 10 } else { 20_000 };
/// Calls, the newest, among which a page with common words is looked for first.
const RECENT: i64 = if cfg!(test) { 20 } else { 20_000 };
/// At the first attempt so many times as many as would do on average.
const FEWER: u64 = if cfg!(test) { 1 } else { 3 };

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
    /// Whether calls stand in the index of a former version.
    pub(super) async fn has_former(&self) -> Result<bool, StoreError> {
        let former = "SELECT EXISTS (SELECT 1 FROM call_text_docsize)";
        Ok(sqlx::query_scalar(former).fetch_one(&self.inner.read).await?)
    }

    /// How many calls have these words, if they are many and all of them in today's index.
    pub(super) async fn common(&self, words: &str) -> Result<Option<u64>, StoreError> {
        if self.has_former().await? {
            return Ok(None);
        }
        let count = self.count_words(words).await?;
        Ok((count > COMMON).then_some(count))
    }

    /// How many calls have these words.
    async fn count_words(&self, words: &str) -> Result<u64, StoreError> {
        // While the index is made again, calls of the past come to be found.
        let kept = match self.upkeep("calls_to_index").await? {
            0 => self.past().await?,
            _ => None,
        };
        let Some(past) = kept else { return self.count_rows(words, 0, i64::MAX).await };
        let before = match self.inner.kept.count(past.interval, words, past.end) {
            Some(calls) => calls,
            None => {
                let calls = self.count_rows(words, 0, past.end).await?;
                self.inner.kept.put_count(past.began, past.interval, words, past.end, calls);
                calls
            }
        };
        Ok(before + self.count_rows(words, past.end, i64::MAX).await?)
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

    /// Among which calls to look for `wanted` with [common](Found::common) words: at the first attempt among so few that they
    /// hold them if the words stand there as often as elsewhere, then among more. `None` when all are to be looked at.
    pub(crate) async fn recent(
        &self,
        found: Option<&Found>,
        order: Order<'_>,
        wanted: u32,
        attempt: u32,
    ) -> Result<Option<Recent>, StoreError> {
        let common = found.and_then(|found| Some((found.words.clone()?, found.common?)));
        let Some((words, common)) = common else { return Ok(None) };
        let all = self.count_model_calls().await?.max(common);
        let few = u64::from(wanted).saturating_mul(FEWER).saturating_mul(all) / common.max(1);
        let few = i64::try_from(few).unwrap_or(i64::MAX);
        let size = match attempt {
            0 => few.min(RECENT),
            1 if few < RECENT => RECENT,
            _ => return Ok(None),
        };
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
        query.push(" DESC LIMIT ").push_bind(size).push(")");
        let row = query.build().persistent(false).fetch_one(&self.inner.read).await?;
        if row.try_get::<i64, _>(0)? < size {
            return Ok(None);
        }
        let bound = match order {
            Order::Started(_) => Bound::Started(row.try_get(2)?),
            Order::Id(_) => Bound::Id(row.try_get(2)?),
        };
        Ok(Some(Recent { words, first_seq: row.try_get(1)?, bound }))
    }
}
