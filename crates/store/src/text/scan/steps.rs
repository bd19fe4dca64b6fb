//! Reading on: which calls come next, what their texts say, and when that ends. Leaves out who asks (`scan`).

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use api::CallFilter;
use sqlx::{FromRow as _, QueryBuilder, Row as _, Sqlite};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Scan, UNASKED};
use crate::filter::push_where;
use crate::text::{Candidate, Texts};
use crate::{Inner, Store, StoreError};

/// Calls that are looked at in one step.
pub(super) const STEP: usize = 256;
/// What nobody asked for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Readings that take a step at a time: calls that go through need the cores, too.
static STEPS: Semaphore = Semaphore::const_new(1);

/// Where the next step's calls come from.
enum Source {
    /// These rows, the newest last.
    Listed(Vec<i64>),
    /// All below this row.
    Below(i64),
}

impl Store {
    /// The last rows of this range that the index knows by these words, or of all.
    pub(super) async fn rows_below(
        &self,
        words: Option<&str>,
        from: i64,
        end: i64,
    ) -> Result<Vec<i64>, StoreError> {
        let mut query = match words {
            Some(words) => {
                let mut query =
                    QueryBuilder::<Sqlite>::new("SELECT rowid FROM call_words WHERE call_words MATCH ");
                query.push_bind(words.to_owned());
                query
            }
            None => QueryBuilder::<Sqlite>::new("SELECT seq FROM call WHERE 1"),
        };
        query.push(" AND rowid < ").push_bind(end).push(" AND rowid >= ").push_bind(from);
        query.push(" ORDER BY rowid DESC LIMIT ").push_bind(STEP as i64);
        Ok(query.build_query_scalar().fetch_all(&self.inner.read).await?)
    }

    /// Those of these rows that match otherwise and have ended, and when they began.
    pub(super) async fn candidates(
        &self,
        filter: &CallFilter,
        rows: &[i64],
    ) -> Result<Vec<(Candidate, i64)>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT found.seq, pack, at, len, started_ms FROM (SELECT seq, started_ms FROM call NOT INDEXED",
        );
        push_where(&mut query, filter, None);
        query.push(" AND state != 'open' AND seq IN (SELECT value FROM json_each(");
        query.push_bind(serde_json::to_string(rows)?);
        query.push(
            "))) AS found LEFT JOIN call_record ON call_record.seq = found.seq ORDER BY found.seq DESC",
        );
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        rows.iter().map(|row| Ok((Candidate::from_row(row)?, row.try_get("started_ms")?))).collect()
    }

    /// Where to begin: a list, if few calls match otherwise.
    async fn source(&self, scan: &Scan, words: Option<&str>, top: i64) -> Result<Source, StoreError> {
        let listed = self.listed(&scan.filter, words, top).await?;
        Ok(listed.map_or(Source::Below(top), |listed| Source::Listed(listed.rows)))
    }
}

/// The call's row, if it says what is looked for. What cannot be read does not.
pub(super) async fn look(
    scan: &Scan,
    texts: &mut Texts<'_>,
    candidate: Candidate,
) -> Result<Option<i64>, StoreError> {
    match texts.of(candidate).await {
        Ok(said) => Ok(scan.is_wanted(&said).then_some(candidate.0)),
        Err(error) if error.is_damage() => {
            tracing::warn!(seq = candidate.0, %error, "a call cannot be read, and is not searched");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Reads to the end, or until nobody asks any more; then remembers what was found for a while.
pub(super) async fn run(store: Store, scan: Arc<Scan>, words: Option<String>, top: i64) {
    let end = read(&store, &scan, words.as_deref(), top).await;
    let (inner, stop) = (Arc::downgrade(&store.inner), store.inner.scans.stop.clone());
    drop(store);
    if let Some(Err(error)) = &end {
        tracing::warn!(%error, "a search broke off");
    }
    let given_up = || Err("nobody waited for the search".to_owned());
    let ended = |end: Result<(), StoreError>| end.map(|()| Instant::now()).map_err(|error| error.reason());
    scan.state().end = Some(end.map_or_else(given_up, ended));
    scan.stepped.notify_waiters();
    loop {
        let unasked = scan.state().asked.elapsed();
        if unasked >= FORGOTTEN {
            return forget(&inner, &scan);
        }
        let waited = stop.run_until_cancelled(tokio::time::sleep(FORGOTTEN - unasked)).await;
        if waited.is_none() {
            return;
        }
        if inner.upgrade().is_none_or(|inner| !inner.scans.has(&scan)) {
            return;
        }
    }
}

fn forget(inner: &Weak<Inner>, scan: &Arc<Scan>) {
    if let Some(inner) = inner.upgrade() {
        inner.scans.forget(scan);
    }
}

/// `None` when nobody asked any more.
async fn read(
    store: &Store,
    scan: &Arc<Scan>,
    words: Option<&str>,
    top: i64,
) -> Option<Result<(), StoreError>> {
    let mut source = match store.source(scan, words, top).await {
        Ok(source) => source,
        Err(error) => return Some(Err(error)),
    };
    let mut texts = Texts::new(store);
    let stop = &store.inner.scans.stop;
    loop {
        let unasked = scan.state().asked.elapsed();
        if unasked > FORGOTTEN || (unasked > UNASKED && !store.inner.scans.has(scan)) || stop.is_cancelled() {
            return None;
        }
        if unasked > UNASKED {
            let _again = timeout(FORGOTTEN / 4, stop.run_until_cancelled(scan.wanted.notified())).await;
            continue;
        }
        let Ok(_step) = STEPS.acquire().await else { return None };
        let began = Instant::now();
        match step(store, scan, words, &mut source, &mut texts).await {
            Ok(true) => {
                scan.stepped.notify_waiters();
                // Whatever else is asked for has its turn.
                tokio::time::sleep(began.elapsed()).await;
            }
            Ok(false) => return Some(Ok(())),
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Whether there may be more.
async fn step(
    store: &Store,
    scan: &Scan,
    words: Option<&str>,
    source: &mut Source,
    texts: &mut Texts<'_>,
) -> Result<bool, StoreError> {
    let rows = match source {
        Source::Listed(rows) => rows.split_off(rows.len().saturating_sub(STEP)),
        Source::Below(end) => {
            let rows = store.rows_below(words, i64::MIN, *end).await?;
            *end = rows.last().copied().unwrap_or(i64::MIN);
            rows
        }
    };
    if rows.is_empty() {
        return Ok(false);
    }
    let candidates = store.candidates(&scan.filter, &rows).await?;
    texts.fetch(candidates.iter().filter_map(|((_, pack, ..), _)| *pack).collect()).await?;
    for (candidate, started_ms) in candidates {
        let found = look(scan, texts, candidate).await?;
        let mut state = scan.state();
        state.rows.extend(found);
        state.read += 1;
        state.back_to_ms = Some(started_ms);
    }
    scan.state().back_to = rows.last().copied();
    Ok(true)
}
