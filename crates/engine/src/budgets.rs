//! Keeping budgets: what was spent is read from the rollups after each commit that changes them, beside the calls, and
//! what is used up is published to the proxy, which only looks at memory. So pricing again, deleting and a clock that is
//! set keep it true by themselves. What cannot be read refuses nothing.
//!
//! Calls under way are not counted before they are committed: what many of them cost together may overshoot.
//! Leaves out how far a budget is used up (`model::budget`), when periods begin (`period`) and the words (`words`).

mod period;
mod words;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use api::{Budget, BudgetOf, BudgetState, BudgetStatus, BudgetThen, BudgetUse, Budgets, Event, Spent};
use proxy::{Bar, Bars, Gate};
use store::{Spending, Store, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::events::Events;
use crate::loops::Loops;
use crate::pipeline::millis;
use crate::settings::Settings;
use period::Period;

const QUARTER_MS: i64 = 900_000;
/// What lies this far back rarely changes, and is added up again only when it does.
const SETTLED: i64 = 4 * QUARTER_MS;
/// How long what is kept added up may stay behind.
const STALE: i64 = 6 * SETTLED;
/// Between two looks at least, so that a busy moment is added up once; and ten times as long as a look takes.
const BREATH: Duration = Duration::from_millis(20);
const SHARE: u32 = 10;
/// So often it is looked whether the clock was set, and after a failure.
const EVERY: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_secs(1);
/// Sessions, projects or tags of one budget that are listed.
const LISTED: usize = 20;

/// What is known of budgets at the moment; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    shown: Mutex<Vec<BudgetStatus>>,
    refused: Mutex<HashMap<Named, Arc<AtomicU64>>>,
    wake: Notify,
    /// How often everything was looked at, and by how many looks it was asked for.
    looked: tokio::sync::watch::Sender<u64>,
}

/// A budget's name, and the session, project or tag.
type Named = (String, String);

impl Kept {
    /// Budgets or loops changed.
    pub(crate) fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// Wakes it, and waits until everything was looked at once more.
    pub(crate) async fn looked(&self) {
        let mut looked = self.inner.looked.subscribe();
        // The look that is under way may have begun before what is waited for.
        let target = *looked.borrow_and_update() + 2;
        while *looked.borrow_and_update() < target {
            self.wake();
            if looked.changed().await.is_err() {
                return;
            }
        }
    }

    /// How they stand.
    pub(crate) fn list(&self) -> Vec<BudgetStatus> {
        let mut shown = lock(&self.inner.shown).clone();
        let refused = lock(&self.inner.refused);
        for status in &mut shown {
            let name = &status.budget.name;
            for one in &mut status.uses {
                let named = (name.clone(), one.key.clone().unwrap_or_default());
                one.refused = refused.get(&named).map_or(0, |count| count.load(Ordering::Relaxed));
            }
        }
        shown
    }

    fn refused(&self, named: Named) -> Arc<AtomicU64> {
        lock(&self.inner.refused).entry(named).or_default().clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who keeps them.
pub(crate) struct Keeper {
    pub(crate) kept: Kept,
    pub(crate) loops: Loops,
    pub(crate) store: Store,
    pub(crate) events: Events,
    pub(crate) gate: Gate,
    pub(crate) settings: Arc<RwLock<Arc<Settings>>>,
}

/// What is remembered from look to look.
#[derive(Default)]
struct Memory {
    past: Vec<Past>,
    /// How each stood when it was last looked at, and in which period.
    told: HashMap<(Named, Option<i64>), BudgetState>,
    /// Budgets that have been looked at: what stands when one is first seen is no news.
    known: HashSet<Budget>,
    troubled: bool,
}

/// What was spent until a moment that is over.
struct Past {
    what: Spending,
    sums: HashMap<String, Spent>,
}

impl Keeper {
    /// Runs until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut memory = Memory::default();
        while !stop.is_cancelled() {
            let began = Instant::now();
            let next = self.look(&mut memory).await;
            self.kept.inner.looked.send_modify(|looks| *looks += 1);
            let breath = BREATH.max(began.elapsed() * SHARE);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(breath) => {}
            }
            // Without budgets nobody has to look when calls are recorded.
            let watched = !self.settings().budgets.is_empty();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.kept.inner.wake.notified() => {}
                // How many were refused stands in what is shown, and changes nothing else.
                () = self.gate.refused() => self.events.send(Event::BudgetsChanged),
                () = self.store.spending_changed(), if watched => {}
                () = tokio::time::sleep(next) => {}
            }
        }
    }

    fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at every budget, publishes and tells. Says when to look again at the latest.
    async fn look(&self, memory: &mut Memory) -> Duration {
        let settings = self.settings();
        let budgets = settings.budgets();
        let now = chrono::Local::now();
        let now_ms = now.timestamp_millis();
        let touched = self.store.take_touched();
        memory.past.retain(|past| !is_changed(past, touched));
        let (mut shown, mut bars) = (Vec::new(), self.loops.bars(&settings));
        let mut failed = None;
        for budget in &budgets {
            let period = Period::of(budget.per, &now);
            let sums = match memory.spent(&self.store, budget, period, now_ms).await {
                Ok(sums) => sums,
                Err(error) => {
                    shown.push(unknown(budget, period, &error));
                    failed = Some(error);
                    continue;
                }
            };
            let uses = uses(budget, sums);
            self.bar(&mut bars, budget, period, &uses, settings.dashboard_port);
            self.tell(memory, budget, period, &uses);
            shown.push(status(budget, period, uses));
        }
        memory.past.retain(|past| budgets.iter().any(|budget| is_of(budget, &past.what)));
        memory.known = budgets.iter().cloned().collect();
        self.gate.publish(bars);
        let changed = std::mem::replace(&mut *lock(&self.kept.inner.shown), shown.clone()) != shown;
        if changed {
            self.events.send(Event::BudgetsChanged);
        }
        if let Some(error) = &failed
            && !memory.troubled
        {
            tracing::warn!(%error, "what was spent cannot be read: budgets refuse nothing until it can");
        }
        memory.troubled = failed.is_some();
        if failed.is_some() {
            memory.past.clear();
            return AGAIN;
        }
        let ends = shown.iter().filter_map(|status| status.to_ms).chain(self.loops.next_ms()).min();
        let left = ends.and_then(|end| u64::try_from(end - now_ms).ok()).map(Duration::from_millis);
        left.map_or(EVERY, |left| left.clamp(BREATH, EVERY))
    }

    /// Adds what is used up to what is not sent.
    fn bar(&self, bars: &mut Bars, budget: &Budget, period: Period, uses: &[BudgetUse], dashboard: u16) {
        let over = uses.iter().filter(|one| one.state == BudgetState::Over);
        for one in over.filter(|_| budget.then == BudgetThen::Refuse) {
            let key = one.key.clone().unwrap_or_default();
            let tokens_are_up = budget.tokens.is_some() && one.left_tokens == Some(0);
            let bar = Bar {
                from: moment(period.from_ms.unwrap_or(0)),
                until: period.to_ms.map(moment),
                subscription: budget.subscription,
                local: tokens_are_up,
                message: words::refused(budget, one, period, dashboard).into(),
                refused: self.kept.refused((budget.name.clone(), key.clone())),
            };
            match budget.of {
                BudgetOf::All => bars.all.push(bar),
                BudgetOf::Session => bars.sessions.entry(key).or_default().push(bar),
                BudgetOf::Tag => bars.tags.entry(key).or_default().push(bar),
                BudgetOf::Project => {
                    let tag = format!("{}{key}", model::identity::PROJECT);
                    bars.tags.entry(tag).or_default().push(bar);
                }
            }
        }
    }

    /// Tells once that a budget is near or over.
    fn tell(&self, memory: &mut Memory, budget: &Budget, period: Period, uses: &[BudgetUse]) {
        let is_news = memory.known.contains(budget);
        let at =
            |key: &Option<String>| ((budget.name.clone(), key.clone().unwrap_or_default()), period.from_ms);
        // Another period begins anew.
        memory.told.retain(|((name, _), from_ms), _| *name != budget.name || *from_ms == period.from_ms);
        for one in uses {
            let before = memory.told.get(&at(&one.key)).copied().unwrap_or_default();
            if one.state > before {
                let (title, message) = words::alert(budget, one, period);
                let notify = budget.then != BudgetThen::Warn;
                match one.state {
                    BudgetState::Over => tracing::warn!(budget = budget.name, "{title}: {message}"),
                    _ => tracing::info!(budget = budget.name, "{title}: {message}"),
                }
                if is_news {
                    self.events.send(Event::Alert { title, message, notify });
                }
            }
            if one.state > BudgetState::Under {
                memory.told.insert(at(&one.key), one.state);
            } else {
                // It was raised, priced again or deleted from: the next time is news again.
                memory.told.remove(&at(&one.key));
            }
        }
    }
}

impl Memory {
    /// What was spent of a budget: what is long over from memory, the rest read anew.
    async fn spent(
        &mut self,
        store: &Store,
        budget: &Budget,
        period: Period,
        now_ms: i64,
    ) -> Result<HashMap<String, Spent>, StoreError> {
        let boundary = (now_ms - SETTLED).div_euclid(QUARTER_MS) * QUARTER_MS;
        let boundary = boundary.max(period.from_ms.unwrap_or(i64::MIN));
        let whole = Spending {
            of: budget.of,
            only: budget.only.clone(),
            from_ms: period.from_ms,
            to_ms: period.to_ms,
        };
        let serves = |past: &Past| {
            let until = past.what.to_ms.unwrap_or(i64::MAX);
            past.what == Spending { to_ms: past.what.to_ms, ..whole.clone() }
                && (boundary - STALE..=boundary).contains(&until)
        };
        let at = match self.past.iter().position(serves) {
            Some(at) => at,
            None => {
                let what = Spending { to_ms: Some(boundary), ..whole.clone() };
                let sums = store.spent(&what).await?;
                self.past.retain(|past| what != Spending { to_ms: what.to_ms, ..past.what.clone() });
                self.past.push(Past { what, sums });
                self.past.len() - 1
            }
        };
        let Some(past) = self.past.get(at) else { return Ok(HashMap::new()) };
        let mut sums = store.spent(&Spending { from_ms: past.what.to_ms, ..whole }).await?;
        for (key, before) in &past.sums {
            let sum = sums.entry(key.clone()).or_default();
            *sum = add(*sum, *before);
        }
        Ok(sums)
    }
}

/// Whether a call that changed may be in what is kept added up.
fn is_changed(past: &Past, touched: Option<(i64, i64)>) -> bool {
    let Some((first, last)) = touched else { return false };
    let (from, to) = (past.what.from_ms.unwrap_or(i64::MIN), past.what.to_ms.unwrap_or(i64::MAX));
    first < to && last >= from
}

fn is_of(budget: &Budget, what: &Spending) -> bool {
    budget.of == what.of && budget.only == what.only
}

const fn add(one: Spent, other: Spent) -> Spent {
    Spent {
        cost: one.cost.saturating_add(other.cost),
        equivalent: one.equivalent.saturating_add(other.equivalent),
        tokens: one.tokens.saturating_add(other.tokens),
        subscription_tokens: one.subscription_tokens.saturating_add(other.subscription_tokens),
        unpriced: one.unpriced.saturating_add(other.unpriced),
        calls: one.calls.saturating_add(other.calls),
    }
}

/// How it stands for everything it is about, the fullest first.
fn uses(budget: &Budget, mut sums: HashMap<String, Spent>) -> Vec<BudgetUse> {
    if let Some(only) = &budget.only {
        let spent = sums.remove(only).unwrap_or_default();
        return vec![model::budget::judge(budget, Some(only.clone()), spent)];
    }
    if budget.of == BudgetOf::All {
        return vec![model::budget::judge(budget, None, sums.remove("").unwrap_or_default())];
    }
    let judged = sums.into_iter().map(|(key, spent)| model::budget::judge(budget, Some(key), spent));
    let mut uses: Vec<BudgetUse> = judged.collect();
    uses.sort_by(|one, other| (other.thousandths, &one.key).cmp(&(one.thousandths, &other.key)));
    uses
}

fn status(budget: &Budget, period: Period, mut uses: Vec<BudgetUse>) -> BudgetStatus {
    let more = uses.split_off(uses.len().min(LISTED)).len() as u64;
    BudgetStatus {
        budget: budget.clone(),
        from_ms: period.from_ms,
        to_ms: period.to_ms,
        state: uses.iter().map(|one| one.state).max().unwrap_or_default(),
        uses,
        more,
        problem: None,
    }
}

fn unknown(budget: &Budget, period: Period, error: &StoreError) -> BudgetStatus {
    let problem =
        format!("What was spent cannot be read ({}). Nothing is refused until it can.", error.reason());
    BudgetStatus { state: BudgetState::Unknown, problem: Some(problem), ..status(budget, period, Vec::new()) }
}

fn moment(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms.max(0).unsigned_abs())
}

/// Everything there is to say of budgets and loops.
pub(crate) fn all(kept: &Kept, loops: &Loops) -> Budgets {
    Budgets { budgets: kept.list(), loops: loops.list(millis(SystemTime::now())) }
}

#[cfg(test)]
mod tests;
