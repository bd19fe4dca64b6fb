//! Reading the texts of calls for what the index alone cannot tell: phrases, signs, letters exactly. The newest calls come
//! first, beside whoever asks, so that a page of them is there at once and no call is left out in the end.
//! Leaves out what is looked for (`search`) and who asks (`find`).

mod changed;
mod steps;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use api::{CallFilter, Reading};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::changed::Again;
pub(crate) use self::changed::Written;
use self::steps::{STEP, look, run};
use super::Texts;
use super::find::has;
use crate::search::{Search, Term};
use crate::{Store, StoreError};

/// Who asks for what was found so far waits for so many, a page,
const PAGE: usize = 200;
/// or for so long after the reading began, whichever is sooner.
const PATIENCE: Duration = Duration::from_millis(60);
/// Searches that are remembered; who types asks for another one with every letter.
const REMEMBERED: usize = 6;
/// What nobody asks for is read no further, until somebody asks again.
const UNASKED: Duration = Duration::from_secs(1);
/// So long after the end all are read once more.
const LASTS: Duration = Duration::from_secs(300);
/// How often a search begins anew that was outdated while it read.
const TRIES: usize = 3;

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
    /// Calls that changed since they were read.
    again: Again,
    /// It is not what reading everything anew would find.
    is_outdated: AtomicBool,
}

#[derive(Debug)]
struct State {
    rows: Vec<i64>,
    read: u64,
    /// When the last call that was read began.
    back_to_ms: Option<i64>,
    /// Its row: all from here on are read.
    back_to: Option<i64>,
    end: Option<Result<Instant, String>>,
    asked: Instant,
}

#[derive(Debug)]
struct Later {
    /// All calls before this row are read,
    read_to: i64,
    /// and of those behind it these: a call before them has not ended.
    read: HashSet<i64>,
    rows: HashSet<i64>,
    /// Of calls before it that changed since they were read: whether they are found now.
    verdicts: HashMap<i64, bool>,
}

/// What was found.
pub(super) struct Told {
    pub(super) rows: Vec<i64>,
    /// More is being read.
    pub(super) reading: Option<Reading>,
    /// All rows from here on were read.
    pub(super) back_to: i64,
}

/// The readings.
#[derive(Debug, Default)]
pub(crate) struct Scans {
    /// Those that are remembered, the last asked for at the end.
    remembered: Mutex<Vec<Arc<Scan>>>,
    /// What is written, for those.
    pub(crate) written: Written,
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
        !self.is_outdated()
            && *part == self.part
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
            Part::Wanted => self.search.matches(texts),
            Part::Absent(term) => has(texts, term),
        }
    }

    fn outdate(&self) {
        self.is_outdated.store(true, Ordering::SeqCst);
    }

    fn is_outdated(&self) -> bool {
        self.is_outdated.load(Ordering::SeqCst)
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
                    Some(Ok(_)) => {
                        return Ok(Told { rows: state.rows.clone(), reading: None, back_to: i64::MIN });
                    }
                    None if so_far && (state.rows.len() >= PAGE || self.began.elapsed() >= PATIENCE) => {
                        self.wanted.notify_one();
                        let reading = Reading { read: state.read, back_to_ms: state.back_to_ms };
                        let (rows, back_to) = (state.rows.clone(), state.back_to.unwrap_or(i64::MAX));
                        return Ok(Told { rows, reading: Some(reading), back_to });
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
        let mut tries = 0;
        loop {
            let scan = self.scan_of(filter, search, part, words).await?;
            let mut told = scan.told(filter.so_far).await?;
            self.read_later(&scan, words, &mut told.rows).await?;
            tries += 1;
            if !scan.is_outdated() || tries == TRIES {
                return Ok(told);
            }
            self.inner.scans.forget(&scan);
        }
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
            state: Mutex::new(State {
                rows: Vec::new(),
                read: 0,
                back_to_ms: None,
                back_to: None,
                end: None,
                asked: now,
            }),
            stepped: Notify::new(),
            wanted: Notify::new(),
            later: tokio::sync::Mutex::new(Later {
                read_to: top,
                read: HashSet::new(),
                rows: HashSet::new(),
                verdicts: HashMap::new(),
            }),
            again: Again::new(top),
            is_outdated: AtomicBool::new(false),
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

    /// Adds those of the calls that came since, and corrects what was read and changed.
    async fn read_later(
        &self,
        scan: &Scan,
        words: Option<&str>,
        rows: &mut Vec<i64>,
    ) -> Result<(), StoreError> {
        let mut later = scan.later.lock().await;
        let settled = self.settled().await?.max(later.read_to);
        let top = "SELECT coalesce(max(seq) + 1, 0) FROM call";
        let mut end: i64 = sqlx::query_scalar(top).fetch_one(&self.inner.read).await?;
        scan.again.reads_to(end);
        self.read_again(scan, &mut later).await?;
        let mut texts = Texts::new(self);
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
        rows.retain(|row| !later.verdicts.contains_key(row));
        rows.extend(&later.rows);
        rows.extend(later.verdicts.iter().filter(|(_, found)| **found).map(|(row, _)| *row));
        Ok(())
    }
}
