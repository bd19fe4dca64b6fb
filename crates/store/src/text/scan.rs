//! Reading the texts of calls for what the index alone cannot tell: phrases, signs, letters exactly. The newest calls come
//! first, beside whoever asks, so that a page of them is there at once and no call is left out in the end.
//! Leaves out what is looked for (`search`) and who asks (`find`).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use api::{CallFilter, Reading};
use sqlx::{FromRow as _, QueryBuilder, Row as _, Sqlite};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::find::has;
use super::{Candidate, Texts};
use crate::filter::push_where;
use crate::search::{Search, Term};
use crate::{Inner, Store, StoreError};

/// Calls that are looked at in one step.
const STEP: usize = 256;
/// Who asks for what was found so far waits for so many, a page,
const PAGE: usize = 200;
/// or for so long after the reading began, whichever is sooner.
const PATIENCE: Duration = Duration::from_millis(60);
/// Searches that are remembered; who types asks for another one with every letter.
const REMEMBERED: usize = 6;
/// What nobody asks for is read no further, until somebody asks again,
const UNASKED: Duration = Duration::from_secs(1);
/// and is forgotten after so long.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Reports may say more of a call that was read: so long after the end all are read once more.
const LASTS: Duration = Duration::from_secs(300);
/// Readings that take a step at a time: calls that go through need the cores, too.
static STEPS: Semaphore = Semaphore::const_new(1);

/// What is looked for in texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All that must stand there.
    Wanted,
    /// One term that must not.
    Absent(Term),
}

/// A reading under way, or what it found.
#[derive(Debug)]
pub(super) struct Scan {
    /// The filter's text, and what it is.
    search: Search,
    part: Part,
    /// What calls match otherwise.
    filter: CallFilter,
    began: Instant,
    state: Mutex<State>,
    /// Told of each step.
    stepped: Notify,
    /// Told when somebody asks.
    wanted: Notify,
    /// Calls that came since it began.
    later: tokio::sync::Mutex<Later>,
}

#[derive(Debug)]
struct State {
    rows: Vec<i64>,
    read: u64,
    /// When the last call that was read began.
    back_to_ms: Option<i64>,
    end: Option<Result<Instant, String>>,
    asked: Instant,
}

#[derive(Debug)]
struct Later {
    /// All calls before this row are read,
    read_to: i64,
    /// and of those behind it these: a call before them has not ended.
    read: HashSet<i64>,
    rows: Vec<i64>,
}

/// What was found.
pub(super) struct Told {
    pub(super) rows: Vec<i64>,
    /// More is being read.
    pub(super) reading: Option<Reading>,
}

/// Where the next step's calls come from.
enum Source {
    /// These rows, the newest last.
    Listed(Vec<i64>),
    /// All below this row.
    Below(i64),
}

/// The readings.
#[derive(Debug, Default)]
pub(crate) struct Scans {
    /// Those that are remembered, the last asked for at the end.
    remembered: Mutex<Vec<Arc<Scan>>>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Scans {
    /// Ends all of them, and lets no other begin.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Scan>>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, scan: &Arc<Scan>) -> bool {
        self.all().iter().any(|other| Arc::ptr_eq(scan, other))
    }

    fn forget(&self, scan: &Arc<Scan>) {
        self.all().retain(|other| !Arc::ptr_eq(scan, other));
    }
}

impl Scan {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it finds what is asked for now: of a longer time it is more, and the time is looked at again.
    fn serves(&self, search: &Search, part: &Part, filter: &CallFilter) -> bool {
        let from_ms = self.filter.from_ms.unwrap_or(i64::MIN);
        *part == self.part
            && *search == self.search
            && filter.from_ms.unwrap_or(i64::MIN) >= from_ms
            && CallFilter { from_ms: None, so_far: false, text: None, ..filter.clone() }
                == CallFilter { from_ms: None, ..self.filter.clone() }
            && match self.state().end {
                Some(Ok(ended)) => ended.elapsed() < LASTS,
                Some(Err(_)) => false,
                None => true,
            }
    }

    fn is_wanted(&self, texts: &[String]) -> bool {
        match &self.part {
            Part::Wanted => self.search.stands_in(texts),
            Part::Absent(term) => has(texts, term),
        }
    }

    /// What it found, waiting for its end, or for something to show.
    async fn told(&self, so_far: bool) -> Result<Told, StoreError> {
        loop {
            let stepped = self.stepped.notified();
            {
                let mut state = self.state();
                state.asked = Instant::now();
                match &state.end {
                    Some(Err(why)) => return Err(StoreError::Database(why.clone().into())),
                    Some(Ok(_)) => return Ok(Told { rows: state.rows.clone(), reading: None }),
                    None if so_far && (state.rows.len() >= PAGE || self.began.elapsed() >= PATIENCE) => {
                        self.wanted.notify_one();
                        let reading = Reading { read: state.read, back_to_ms: state.back_to_ms };
                        return Ok(Told { rows: state.rows.clone(), reading: Some(reading) });
                    }
                    None => {}
                }
            }
            // It tells of each step; who waits for the end asks often enough for it to go on.
            self.wanted.notify_one();
            let most = if so_far { PATIENCE.saturating_sub(self.began.elapsed()) } else { UNASKED / 3 };
            let _late = timeout(most, stepped).await;
        }
    }
}

impl Store {
    /// What of `part` is found, among the calls that match the filter otherwise. The index knows them by `words`, if by any.
    pub(super) async fn scan(
        &self,
        filter: &CallFilter,
        search: &Search,
        part: &Part,
        words: Option<&str>,
    ) -> Result<Told, StoreError> {
        let scan = self.scan_of(filter, search, part, words).await?;
        let mut told = scan.told(filter.so_far).await?;
        self.read_later(&scan, words, &mut told.rows).await?;
        Ok(told)
    }

    /// One that is under way, or a new one.
    async fn scan_of(
        &self,
        filter: &CallFilter,
        search: &Search,
        part: &Part,
        words: Option<&str>,
    ) -> Result<Arc<Scan>, StoreError> {
        let find = |scans: &mut Vec<Arc<Scan>>| {
            let at = scans.iter().position(|scan| scan.serves(search, part, filter))?;
            let scan = scans.remove(at);
            scans.push(scan.clone());
            Some(scan)
        };
        if let Some(scan) = find(&mut self.inner.scans.all()) {
            return Ok(scan);
        }
        let top = self.settled().await?;
        let filter = CallFilter { text: None, so_far: false, ..filter.clone() };
        let mut scans = self.inner.scans.all();
        // Another may have begun it meanwhile.
        if let Some(scan) = find(&mut scans) {
            return Ok(scan);
        }
        let now = Instant::now();
        let scan = Arc::new(Scan {
            search: search.clone(),
            part: part.clone(),
            filter,
            began: now,
            state: Mutex::new(State { rows: Vec::new(), read: 0, back_to_ms: None, end: None, asked: now }),
            stepped: Notify::new(),
            wanted: Notify::new(),
            later: tokio::sync::Mutex::new(Later { read_to: top, read: HashSet::new(), rows: Vec::new() }),
        });
        scans.push(scan.clone());
        let surplus = scans.len().saturating_sub(REMEMBERED);
        scans.drain(..surplus);
        drop(scans);
        let words = words.map(str::to_owned);
        self.inner.scans.tracker.spawn(run(self.clone(), scan.clone(), words, top));
        Ok(scan)
    }

    /// From this row on calls may still come to have words.
    async fn settled(&self) -> Result<i64, StoreError> {
        let select = "SELECT coalesce((SELECT min(seq) FROM call WHERE state = 'open'), \
            (SELECT max(seq) + 1 FROM call), 0)";
        Ok(sqlx::query_scalar(select).fetch_one(&self.inner.read).await?)
    }

    /// Adds those of the calls that came since.
    async fn read_later(
        &self,
        scan: &Scan,
        words: Option<&str>,
        rows: &mut Vec<i64>,
    ) -> Result<(), StoreError> {
        let mut later = scan.later.lock().await;
        let settled = self.settled().await?.max(later.read_to);
        let (mut texts, mut end) = (Texts::new(self), i64::MAX);
        while later.read_to < end {
            let mut some = self.rows_below(words, later.read_to, end).await?;
            let more = some.len() == STEP;
            end = some.last().copied().filter(|_| more).unwrap_or(later.read_to);
            some.retain(|row| !later.read.contains(row));
            for (candidate, _) in self.candidates(&scan.filter, &some).await? {
                later.read.insert(candidate.0);
                later.rows.extend(look(scan, &mut texts, candidate).await?);
            }
        }
        later.read_to = settled;
        later.read.retain(|row| *row >= settled);
        rows.extend(&later.rows);
        Ok(())
    }

    /// The last rows of this range that the index knows by these words, or of all.
    async fn rows_below(&self, words: Option<&str>, from: i64, end: i64) -> Result<Vec<i64>, StoreError> {
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
    async fn candidates(
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
        Ok(listed.map_or(Source::Below(top), |(rows, _)| Source::Listed(rows)))
    }
}

/// The call's row, if it says what is looked for. What cannot be read does not.
async fn look(scan: &Scan, texts: &mut Texts<'_>, candidate: Candidate) -> Result<Option<i64>, StoreError> {
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
async fn run(store: Store, scan: Arc<Scan>, words: Option<String>, top: i64) {
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
    Ok(true)
}
