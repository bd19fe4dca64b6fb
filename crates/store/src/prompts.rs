//! The prompts of calls as the provider's prompt cache sees them, read from what is stored: an element that many calls
//! repeat is read once, so that a session costs what is new in it. Leaves out what follows from them (`model::cache`).

use std::collections::HashMap;
use std::sync::Arc;

use api::{BodySide, CallId, CallSummary, Money};
use model::cache::{Outline, Prompt, Segment, outline, segment};
use model::pricing::Facts;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::layout::{Part, Place, decode_parts};
use crate::pack::Reader;
use crate::row::{SUMMARY_COLUMNS, summary};
use crate::{Store, StoreError, bodies, record};

/// Calls of one session that are read.
const MOST_CALLS: i64 = 5_000;
/// Calls before one among which its conversation goes on.
const NEAR: i64 = 256;

/// A call, and what bears on its cache.
#[derive(Clone, Debug)]
pub struct CachedCall {
    /// Its row.
    pub call: CallSummary,
    /// What its cache saved.
    pub saved: Option<Money>,
    /// What it is priced by.
    pub facts: Facts,
    place: Option<Place>,
}

impl Store {
    /// The calls of models of a session, in the order in which they began.
    pub async fn session_prompts(&self, session: u64) -> Result<Vec<CachedCall>, StoreError> {
        let mut query = select();
        query.push("session = ").push_bind(i64::try_from(session).unwrap_or(i64::MAX));
        query.push(" AND +state NOT IN ('open', 'lost') ORDER BY call.seq DESC LIMIT ").push_bind(MOST_CALLS);
        self.cached_calls(query).await
    }

    /// A call, the last one, and those before it in its session; none if there is no such call.
    pub async fn call_prompts(&self, id: CallId) -> Result<Vec<CachedCall>, StoreError> {
        let mut query = select();
        query.push("call.id = ").push_bind(id.as_bytes().to_vec());
        query.push(" OR call.session = (SELECT session FROM call WHERE id = ");
        query.push_bind(id.as_bytes().to_vec());
        query.push(") AND call.id <= ").push_bind(id.as_bytes().to_vec());
        query.push(" ORDER BY call.seq DESC LIMIT ").push_bind(NEAR);
        self.cached_calls(query).await
    }

    async fn cached_calls(&self, mut query: QueryBuilder<Sqlite>) -> Result<Vec<CachedCall>, StoreError> {
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        let mut calls = rows.iter().map(cached).collect::<Result<Vec<_>, _>>()?;
        // Rows are written when calls end; ids rise with their beginnings.
        calls.sort_unstable_by_key(|call| call.call.id);
        Ok(calls)
    }

    /// Reads prompts.
    pub fn prompts(&self) -> Prompts<'_> {
        Prompts { store: self, reader: Reader::new(self), chains: HashMap::new(), segments: HashMap::new() }
    }
}

fn select() -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT saved, billed, pack, at, len, ");
    query.push(SUMMARY_COLUMNS);
    query.push(" FROM call LEFT JOIN call_record ON call_record.seq = call.seq WHERE ");
    query
}

fn cached(row: &SqliteRow) -> Result<CachedCall, StoreError> {
    let pack: Option<i64> = row.try_get("pack")?;
    let place = match pack {
        Some(pack) => Some(Place { pack, at: row.try_get("at")?, len: row.try_get("len")? }),
        None => None,
    };
    let billed: Option<&str> = row.try_get("billed")?;
    let facts = billed.and_then(Facts::from_text).unwrap_or_default();
    let saved = row.try_get::<Option<i64>, _>("saved")?.map(Money::from_pico);
    Ok(CachedCall { call: summary(row)?, saved, facts, place })
}

/// A reader of prompts that remembers what it read.
pub struct Prompts<'a> {
    store: &'a Store,
    reader: Reader<'a>,
    chains: HashMap<Place, Arc<[Place]>>,
    /// By the name of their array: an element means something else in another one.
    segments: HashMap<(&'static str, Place), Arc<Segment>>,
}

impl std::fmt::Debug for Prompts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompts").field("segments", &self.segments.len()).finish_non_exhaustive()
    }
}

impl Prompts<'_> {
    /// The prompt of a call; `None` when it is not there whole.
    pub async fn read(&mut self, cached: &CachedCall) -> Result<Option<Prompt>, StoreError> {
        let Some(place) = cached.place else {
            let body = self.store.body(cached.call.id, BodySide::Request).await?;
            return Ok(body.and_then(|body| outline(&body)));
        };
        let coded = self.reader.stretch(place).await?;
        let record = record::parts(&coded)?;
        let mut outline = Outline::default();
        for part in decode_parts(place.pack, record.layouts[0])? {
            match part {
                Part::Stretch(place) => outline.literal(&self.reader.stretch(place).await?),
                Part::Chain(chain, patches) => {
                    let array = outline.array();
                    let mut patches = patches.iter().peekable();
                    for (number, place) in self.elements(chain).await?.iter().enumerate() {
                        let patch =
                            patches.next_if(|(at, _)| *at == number).map(|(_, patch)| patch.as_slice());
                        outline.element(self.segment(array, *place).await?, patch);
                    }
                }
            }
        }
        Ok(outline.finish())
    }

    async fn elements(&mut self, chain: Place) -> Result<Arc<[Place]>, StoreError> {
        if let Some(elements) = self.chains.get(&chain) {
            return Ok(elements.clone());
        }
        let elements: Arc<[Place]> = bodies::elements(&mut self.reader, chain).await?.into();
        self.chains.insert(chain, elements.clone());
        Ok(elements)
    }

    async fn segment(&mut self, array: &'static str, place: Place) -> Result<Arc<Segment>, StoreError> {
        if let Some(segment) = self.segments.get(&(array, place)) {
            return Ok(segment.clone());
        }
        let read = Arc::new(segment(array, &self.reader.stretch(place).await?));
        self.segments.insert((array, place), read.clone());
        Ok(read)
    }
}
