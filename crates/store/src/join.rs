//! Calls of models that reports tell of: joined with the calls that are there, in the one table of calls.
//! Owns what is remembered for that between batches. Leaves out the rules (`model::telemetry::join`), the rows of calls
//! (`row`) and what a report means (the engine reads it).

mod load;
mod read;
mod rows;
mod sync;

pub(crate) use load::{bit, source};
pub(crate) use read::LONGEST_TEXT;

use std::collections::{HashMap, HashSet, VecDeque};

use api::{CallDetail, CallId, CallSummary, Cost, Operation};
use model::pricing::Facts as Billed;
use model::telemetry::ids;
use model::telemetry::join::{Facts, Ledger, Mark, Told, Touched, span_digest};
use model::telemetry::wire::TraceId;
use sqlx::{Connection, SqliteConnection};

use crate::lineage::Lineages;
use crate::telemetry::backlog;
use crate::write::BEGIN;
use crate::{Store, StoreError, rollup};

/// Calls that are remembered to be told of by others.
const REMEMBERED: usize = 20_000;
/// Calls of one trace that wait for spans above theirs, the latest.
const LOOSE: usize = 64;
/// Spans of plumbing between a call's headers and the span that made it.
const HIGHEST: usize = 4;

/// A report that tells of a call.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which one: of a span its trace's key and its id, of a log record its time and its hash.
    pub mark: Mark,
    /// What it says.
    pub told: Told,
    /// What was asked and answered in it, for search.
    pub text: String,
}

/// Some reports of the backlog, read.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    /// The reports.
    pub reports: Vec<Report>,
    /// Batches of the backlog that are done with these.
    pub done: Vec<i64>,
}

/// What joining changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// Calls that are new or changed.
    pub calls: Vec<CallId>,
    /// Traces in which they stand, by their keys.
    pub traces: Vec<TraceId>,
}

/// What a call that others told of costs.
pub type Price = dyn Fn(&CallSummary, &Billed) -> Cost + Send + Sync;

/// Without prices nothing is known to cost anything.
pub(crate) fn unpriced(_: &CallSummary, _: &Billed) -> Cost {
    Cost::default()
}

/// What is remembered of calls, to know them again when somebody else tells of them.
#[derive(Debug, Default)]
pub(crate) struct Joins {
    /// `None` until the first report comes: who sends none pays nothing.
    ledger: Option<Ledger>,
    /// There are reports, so that calls of the proxy may be among what they told.
    wanted: bool,
    /// Calls of the proxy by the trace in their headers, as long as no span of it was found to be theirs.
    loose: HashMap<TraceId, VecDeque<Loose>>,
}

/// A call of the proxy that was made in some span.
#[derive(Clone, Debug)]
struct Loose {
    seq: i64,
    span: [u8; 8],
    facts: Facts,
}

impl Joins {
    pub(crate) async fn load(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let wanted = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM call_report)");
        Ok(Self { wanted: wanted.fetch_one(connection).await?, ..Self::default() })
    }

    /// Forgets calls that are deleted.
    pub(crate) fn forget(&mut self, seqs: &HashSet<i64>) {
        if let Some(ledger) = &mut self.ledger {
            seqs.iter().for_each(|seq| ledger.forget(*seq));
        }
        for loose in self.loose.values_mut() {
            loose.retain(|call| !seqs.contains(&call.seq));
        }
        self.loose.retain(|_, loose| !loose.is_empty());
    }

    async fn ledger(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        self.wanted = true;
        if self.ledger.is_none() {
            let mut ledger = Ledger::new(REMEMBERED);
            load::latest(connection, &mut ledger, REMEMBERED).await?;
            self.ledger = Some(ledger);
        }
        Ok(())
    }

    /// Calls of the proxy that ended, whose rows are written. Gives those that others told of before.
    pub(crate) async fn proxied(
        &mut self,
        connection: &mut SqliteConnection,
        calls: &[(i64, &CallDetail)],
        next_seq: &mut i64,
    ) -> Result<Touched, StoreError> {
        let mut touched = Touched::default();
        if !self.wanted || calls.is_empty() {
            return Ok(touched);
        }
        self.ledger(connection).await?;
        // Loaded just now, it knows them already: what came to one of them would be lost when it arrives itself.
        if let Some(ledger) = &mut self.ledger {
            calls.iter().for_each(|(seq, _)| ledger.forget(*seq));
        }
        for (seq, call) in calls.iter().filter(|(_, call)| asks_a_model(call.summary.operation)) {
            let context = context(&call.summary);
            let within = match context {
                Some((trace, span)) => above(connection, &trace, span).await?,
                None => Vec::new(),
            };
            let facts = Facts::proxied(call, within);
            if let Some((trace, span)) = context {
                let loose = self.loose.entry(trace).or_default();
                loose.push_back(Loose { seq: *seq, span, facts: facts.clone() });
                loose.drain(..loose.len().saturating_sub(LOOSE));
            }
            let Some(ledger) = &mut self.ledger else { return Ok(touched) };
            let mut next = || take(next_seq);
            ledger.arrive(*seq, Mark::PROXY, facts, &mut next, &mut touched);
        }
        let Some(ledger) = &self.ledger else { return Ok(touched) };
        // Most are told of by nobody else, and are as they were written.
        let gone: HashSet<i64> = touched.gone.iter().map(|(_, stays)| *stays).collect();
        let alone = |seq: &i64| ledger.members(*seq).is_some_and(|members| members.len() == 1);
        let ours: HashSet<i64> = calls.iter().map(|(seq, _)| *seq).collect();
        touched.calls.retain(|seq| !(alone(seq) && ours.contains(seq)) || gone.contains(seq));
        if self.loose.len() > REMEMBERED {
            self.loose.clear();
        }
        Ok(touched)
    }

    /// Looks once more above the spans in which calls of the proxy were made: spans of these traces came meanwhile.
    async fn tighten(
        &mut self,
        connection: &mut SqliteConnection,
        traces: &HashSet<TraceId>,
        next_seq: &mut i64,
        touched: &mut Touched,
    ) -> Result<(), StoreError> {
        for trace in traces {
            let Some(loose) = self.loose.get_mut(trace) else { continue };
            let Some(ledger) = &mut self.ledger else { return Ok(()) };
            loose.retain(|call| ledger.members(call.seq).is_some_and(|members| members.len() == 1));
            for call in loose.iter_mut() {
                let within = above(connection, trace, call.span).await?;
                if within != call.facts.within {
                    call.facts.within = within;
                    let mut next = || take(next_seq);
                    ledger.again(call.seq, Mark::PROXY, call.facts.clone(), &mut next, touched);
                }
            }
        }
        Ok(())
    }
}

/// What writing calls takes beside the connection.
pub(crate) struct Writing<'a> {
    pub(crate) joins: &'a mut Joins,
    pub(crate) lineages: &'a mut Lineages,
    pub(crate) next_seq: &'a mut i64,
    pub(crate) price: &'a Price,
}

impl Store {
    /// Says what calls cost that others told of. Counts once, before the first of them.
    pub fn price_with(&self, price: Box<Price>) {
        let _said_before = self.inner.price.set(price);
    }

    pub(crate) fn price(&self) -> &Price {
        self.inner.price.get().map_or(&unpriced, |price| price.as_ref())
    }

    /// Joins reports with calls, and takes what is done out of the backlog: all of it, or nothing.
    pub async fn commit_digest(&self, digest: &Digest) -> Result<Joined, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let (connection, mut writing) = writer.joining(self.price())?;
        match commit(connection, &mut writing, digest).await {
            Ok((joined, began)) => {
                self.inner.committed(began);
                Ok(joined)
            }
            Err(error) => {
                // Should this fail as well, whoever writes next tries again.
                writer.recover().await?;
                Err(error)
            }
        }
    }
}

async fn commit(
    connection: &mut SqliteConnection,
    writing: &mut Writing<'_>,
    digest: &Digest,
) -> Result<(Joined, Option<(i64, i64)>), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    writing.joins.ledger(&mut transaction).await?;
    // Of one that is there twice the later one counts.
    let reports: HashMap<Mark, &Report> = digest.reports.iter().map(|report| (report.mark, report)).collect();
    let mut marks: Vec<Mark> = digest.reports.iter().map(|report| report.mark).collect();
    let mut seen = HashSet::new();
    marks.retain(|mark| seen.insert(*mark));
    let there = rows::calls_of(&mut transaction, &marks).await?;
    if let Some(ledger) = &mut writing.joins.ledger {
        let missing: Vec<i64> =
            there.values().filter(|seq| ledger.members(**seq).is_none()).copied().collect();
        load::these(&mut transaction, ledger, &missing).await?;
    }
    let mut touched = Touched::default();
    let traces = reports.values().filter_map(|report| report.told.trace).collect();
    writing.joins.tighten(&mut transaction, &traces, writing.next_seq, &mut touched).await?;
    if let Some(ledger) = &mut writing.joins.ledger {
        for mark in &marks {
            let Some(report) = reports.get(mark) else { continue };
            let facts = Facts::told(&report.told);
            match there.get(mark).map(|seq| now(*mark, *seq, ledger, &touched)) {
                Some(seq) => ledger.again(seq, *mark, facts, &mut || take(writing.next_seq), &mut touched),
                None => {
                    let seq = take(writing.next_seq);
                    ledger.arrive(seq, *mark, facts, &mut || take(writing.next_seq), &mut touched);
                }
            }
        }
    }
    let written = sync::write(&mut transaction, writing, &touched, &reports).await?;
    backlog::done(&mut transaction, &digest.done).await?;
    rollup::settle(&mut transaction).await?;
    transaction.commit().await?;
    Ok(written)
}

/// Writes calls of the proxy that others told of before they ended.
pub(crate) async fn told_before(
    connection: &mut SqliteConnection,
    writing: &mut Writing<'_>,
    touched: &Touched,
) -> Result<Option<(i64, i64)>, StoreError> {
    let (_, began) = sync::write(connection, writing, touched, &HashMap::new()).await?;
    Ok(began)
}

/// The number of the call that `mark` tells of now: `seq` before this digest.
fn now(mark: Mark, mut seq: i64, ledger: &Ledger, touched: &Touched) -> i64 {
    let tells =
        |seq: i64| ledger.members(seq).is_some_and(|all| all.iter().any(|member| member.mark == mark));
    // What gave way was touched.
    if !tells(seq)
        && let Some(other) = touched.calls.iter().find(|seq| tells(**seq))
    {
        return *other;
    }
    for (goes, stays) in &touched.gone {
        if *goes == seq {
            seq = *stays;
        }
    }
    seq
}

fn take(next_seq: &mut i64) -> i64 {
    let seq = *next_seq;
    *next_seq += 1;
    seq
}

/// Whether reports may tell of such a call.
fn asks_a_model(operation: Operation) -> bool {
    use Operation::{Batches, CountTokens, Files, Models, SideCall};
    !matches!(operation, SideCall | Models | CountTokens | Files | Batches)
}

/// The span that a call's headers name.
pub(crate) fn context(call: &CallSummary) -> Option<(TraceId, [u8; 8])> {
    Some((ids::trace_id(call.trace_id.as_deref()?), ids::span_id(call.parent_id.as_deref()?)))
}

/// The digests of a span and of those above it, as far as they are plumbing.
async fn above(
    connection: &mut SqliteConnection,
    trace: &TraceId,
    span: [u8; 8],
) -> Result<Vec<i64>, StoreError> {
    let mut within = vec![span_digest(trace, &span)];
    let Some(key) = rows::trace_key(connection, trace).await? else { return Ok(within) };
    let mut span = i64::from_be_bytes(span);
    while within.len() <= HIGHEST
        && let Some(parent) = rows::above(connection, key, span).await?
    {
        within.push(span_digest(trace, &parent.to_be_bytes()));
        span = parent;
    }
    Ok(within)
}

#[cfg(test)]
mod tests;
