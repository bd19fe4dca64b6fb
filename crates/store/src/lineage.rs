//! Which session each call of a batch belongs to, and which call it goes on from. Owns what is remembered between
//! batches: sessions met lately, and the tasks that answers handed to subagents. The decision is in `decide`, the SQL in
//! `known` and `rows`. Leaves out making the digests (`model::identity`).
//!
//! The work a call makes here is a constant number of look-ups and one row of an index, however long its conversation.

mod decide;
mod known;
mod rows;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use api::{Agent, CallId, CallSummary, SessionSource, Tie};
use model::identity::{Chain, SaidAgent};
use sqlx::SqliteConnection;

use crate::{CallRecord, StoreError};

use decide::Found;
use known::{Known, KnownCalls};
use rows::Session;

/// Who holds a session that only reports told of.
const NOBODY: &str = "";
/// Sessions and tasks remembered before asking the database again, or for good.
const REMEMBERED: usize = 20_000;

/// What ties a call to others, as its reader found it.
#[derive(Clone, Debug, Default)]
pub struct Ties {
    /// Whose account or credential paid.
    pub holder: String,
    /// The agent, where the client says so.
    pub agent: Option<SaidAgent>,
    /// Its conversation; `None` when it has none.
    pub chain: Option<Chain>,
    /// The digest of its answer's id, where a later call may name it.
    pub response: Option<i64>,
    /// The digest of the answer's id that it names.
    pub previous: Option<i64>,
}

/// Where a call stands, as its row keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) session: Option<i64>,
    pub(crate) session_id: Option<String>,
    pub(crate) source: Option<SessionSource>,
    pub(crate) agent: Option<Agent>,
    pub(crate) continues: Option<i64>,
    pub(crate) tie: Option<Tie>,
}

/// What is remembered between batches. A failed transaction makes it wrong: it is forgotten then.
#[derive(Debug, Default)]
pub(crate) struct Lineages {
    next_session: i64,
    sessions: HashMap<i64, Session>,
    /// Sessions by what makes them one: id, provider, holder.
    by_id: HashMap<(String, String, String), i64>,
    /// Sessions that reports name, by id and provider: those know no holder.
    by_name: HashMap<(String, String), i64>,
    /// Sessions of the batch.
    touched: BTreeSet<i64>,
    /// The calls that handed tasks to subagents, by the task.
    tasks: HashMap<i64, i64>,
    /// In the order in which they came.
    task_order: VecDeque<i64>,
    /// Rows that were looked at, for those who count.
    #[cfg(test)]
    pub(crate) looked_up: usize,
}

/// Where the calls of a batch stand.
#[derive(Debug, Default)]
pub(crate) struct Placed {
    pub(crate) standings: Vec<Standing>,
    /// When calls of earlier batches began that are in a session only now.
    pub(crate) joined_ms: Vec<i64>,
}

impl Lineages {
    pub(crate) async fn load(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        Ok(Self { next_session: rows::next_session(connection).await?, ..Self::default() })
    }

    /// Forgets calls that are deleted, and sessions whose rows changed with them.
    pub(crate) fn forget(&mut self, seqs: &HashSet<i64>, sessions: &[i64]) {
        let gone: HashSet<i64> = sessions.iter().copied().collect();
        self.sessions.retain(|key, _| !gone.contains(key));
        self.by_id.retain(|_, key| !gone.contains(key));
        self.by_name.retain(|_, key| !gone.contains(key));
        self.tasks.retain(|_, seq| !seqs.contains(seq));
        self.task_order.retain(|task| self.tasks.contains_key(task));
    }

    /// Places each call of a batch, and writes the sessions they touch.
    pub(crate) async fn place(
        &mut self,
        connection: &mut SqliteConnection,
        calls: &[(i64, &CallRecord)],
    ) -> Result<Placed, StoreError> {
        if self.sessions.len() > REMEMBERED {
            self.sessions.clear();
            self.by_id.clear();
            self.by_name.clear();
        }
        let spawners = calls.iter().filter_map(|(_, call)| self.spawner(call.ties.chain.as_ref()));
        let mut known = KnownCalls::find(connection, calls, spawners.collect()).await?;
        #[cfg(test)]
        {
            self.looked_up += known.rows();
        }
        self.learn_sessions(connection, calls, &known).await?;
        let mut placed = Placed::default();
        let mut joined = Vec::new();
        for (seq, call) in calls {
            let standing = self.place_one(*seq, call, &mut known, &mut joined);
            if call.detail.summary.replay_of.is_none() {
                known.add(*seq, call, &standing);
                self.remember_tasks(*seq, call);
            }
            placed.standings.push(standing);
        }
        let mut before = Vec::new();
        for join in joined {
            let index = calls.iter().position(|(seq, _)| *seq == join.seq);
            match index.and_then(|index| placed.standings.get_mut(index)) {
                Some(standing) => join.take(standing),
                None => before.push(join),
            }
        }
        rows::join(connection, &before).await?;
        placed.joined_ms = before.iter().map(|join| join.started_ms).collect();
        self.put_touched(connection).await?;
        Ok(placed)
    }

    /// Learns the sessions that the calls name, and those of the calls they may go on from.
    async fn learn_sessions(
        &mut self,
        connection: &mut SqliteConnection,
        calls: &[(i64, &CallRecord)],
        known: &KnownCalls,
    ) -> Result<(), StoreError> {
        let summaries = calls.iter().map(|(_, call)| (&call.detail.summary, &call.ties));
        let mut ids: Vec<&str> = summaries
            .filter_map(|(summary, ties)| {
                let id = summary.session_id.as_ref()?;
                let same = (id.clone(), summary.provider.clone(), ties.holder.clone());
                (!self.by_id.contains_key(&same)).then_some(id.as_str())
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut keys: Vec<i64> = known.sessions().filter(|key| !self.sessions.contains_key(key)).collect();
        keys.sort_unstable();
        keys.dedup();
        for session in rows::find(connection, &ids, &keys).await? {
            self.by_id.insert(session.identity(), session.key);
            self.sessions.entry(session.key).or_insert(session);
        }
        Ok(())
    }

    fn place_one(
        &mut self,
        seq: i64,
        call: &CallRecord,
        known: &mut KnownCalls,
        joined: &mut Vec<Joined>,
    ) -> Standing {
        let (summary, ties) = (&call.detail.summary, &call.ties);
        // It repeats a conversation, and is no part of it.
        if summary.replay_of.is_some() {
            return Standing::default();
        }
        let said = summary.session_id.as_ref().map(|id| self.said(id, call));
        let facts = decide::Facts {
            seq,
            said,
            started_ms: summary.started_ms,
            chain: ties.chain.as_ref(),
            previous: ties.previous,
            spawner: self.spawner(ties.chain.as_ref()),
        };
        let found = decide::decide(&facts, known);
        let source = match (&said, &found) {
            (Some(_), _) => SessionSource::Client,
            (None, Some(Found { by_response: true, .. })) => SessionSource::ResponseId,
            (None, _) => SessionSource::Inferred,
        };
        let before = found.as_ref().and_then(|found| known.get_mut(found.seq));
        let Some(key) = said.or_else(|| Some(self.join(before?, source, call, joined))) else {
            return Standing::default();
        };
        let agent = self.agent(key, call, found.as_ref().map(|found| (found, &*known)));
        Standing {
            session: Some(key),
            session_id: self.touch(key, call, agent.is_none()),
            source: Some(source),
            agent,
            continues: found.as_ref().map(|found| found.seq),
            tie: found.map(|found| found.tie),
        }
    }

    /// The session that the client names.
    fn said(&mut self, id: &str, call: &CallRecord) -> i64 {
        let summary = &call.detail.summary;
        let identity = (id.to_owned(), summary.provider.clone(), call.ties.holder.clone());
        if let Some(key) = self.by_id.get(&identity) {
            return *key;
        }
        // One that only reports told of until now: whose it is shows now.
        let (id, provider, holder) = &identity;
        if let Some(key) = self.by_id.remove(&(id.clone(), provider.clone(), NOBODY.to_owned())) {
            if let Some(session) = self.sessions.get_mut(&key) {
                session.held_by(holder);
            }
            self.by_id.insert(identity, key);
            return key;
        }
        self.begin(identity, SessionSource::Client, summary.started_ms)
    }

    /// Places calls that only reports tell of, or that named no session themselves: in the session of that id and provider,
    /// whoever holds it.
    pub(crate) async fn place_told(
        &mut self,
        connection: &mut SqliteConnection,
        calls: &[(&CallSummary, Option<&Agent>)],
    ) -> Result<Vec<Standing>, StoreError> {
        let named = calls.iter().filter_map(|(call, _)| Some((call.session_id.as_ref()?, &call.provider)));
        let unknown =
            named.filter(|(id, provider)| !self.by_name.contains_key(&((*id).clone(), (*provider).clone())));
        let mut ids: Vec<&str> = unknown.map(|(id, _)| id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut found = rows::find(connection, &ids, &[]).await?;
        // Of several the one used last.
        found.sort_by_key(Session::last_ms);
        for session in found {
            let (id, provider, holder) = session.identity();
            self.by_name.insert((id.clone(), provider.clone()), session.key);
            self.by_id.insert((id, provider, holder), session.key);
            self.sessions.entry(session.key).or_insert(session);
        }
        let mut standings = Vec::with_capacity(calls.len());
        for (call, agent) in calls {
            standings.push(call.session_id.as_ref().map_or_else(Standing::default, |id| {
                let key = self.named(id, call);
                if let Some(session) = self.sessions.get_mut(&key) {
                    session.used_by(call, None);
                    self.touched.insert(key);
                }
                Standing {
                    session: Some(key),
                    session_id: Some(id.clone()),
                    source: Some(SessionSource::Client),
                    agent: agent.cloned(),
                    ..Standing::default()
                }
            }));
        }
        self.put_touched(connection).await?;
        Ok(standings)
    }

    /// The session of this id with the call's provider.
    fn named(&mut self, id: &str, call: &CallSummary) -> i64 {
        let name = (id.to_owned(), call.provider.clone());
        if let Some(key) = self.by_name.get(&name).filter(|key| self.sessions.contains_key(key)) {
            return *key;
        }
        let identity = (name.0.clone(), name.1.clone(), NOBODY.to_owned());
        let key = match self.by_id.get(&identity) {
            Some(key) => *key,
            None => self.begin(identity, SessionSource::Client, call.started_ms),
        };
        self.by_name.insert(name, key);
        key
    }

    async fn put_touched(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let touched = std::mem::take(&mut self.touched);
        let touched: Vec<&Session> = touched.iter().filter_map(|key| self.sessions.get(key)).collect();
        rows::put(connection, &touched).await
    }

    /// The session of an earlier call. One that stood alone until now gets one: most calls are never gone on from.
    fn join(
        &mut self,
        before: &mut Known,
        source: SessionSource,
        call: &CallRecord,
        joined: &mut Vec<Joined>,
    ) -> i64 {
        if let Some(key) = before.session {
            return key;
        }
        let (provider, holder) = (&call.detail.summary.provider, &call.ties.holder);
        let identity = (inferred_id(before.id), provider.clone(), holder.clone());
        let key = self.begin(identity.clone(), source, before.started_ms);
        before.session = Some(key);
        if let Some(session) = self.sessions.get_mut(&key) {
            session.begun_by(before);
        }
        let Known { seq, started_ms, .. } = *before;
        joined.push(Joined { seq, session: key, session_id: identity.0, source, started_ms });
        key
    }

    /// A session that nobody met before.
    fn begin(&mut self, identity: (String, String, String), source: SessionSource, first_ms: i64) -> i64 {
        let key = self.next_session;
        self.next_session += 1;
        self.sessions.insert(key, Session::new(key, &identity, source, first_ms));
        self.by_name.insert((identity.0.clone(), identity.1.clone()), key);
        self.by_id.insert(identity, key);
        key
    }

    /// Notes that a session was used, and gives its id.
    fn touch(&mut self, key: i64, call: &CallRecord, by_main: bool) -> Option<String> {
        let session = self.sessions.get_mut(&key)?;
        self.touched.insert(key);
        let root = call.ties.chain.as_ref().filter(|chain| chain.has_tools && by_main);
        session.used_by(&call.detail.summary, root.map(|chain| chain.root));
        Some(session.id.clone())
    }

    /// Whose line of the session the call is on; `None` is the main one.
    fn agent(&self, key: i64, call: &CallRecord, found: Option<(&Found, &KnownCalls)>) -> Option<Agent> {
        let ties = &call.ties;
        let before = found.and_then(|(found, known)| Some((found.tie, known.get(found.seq)?)));
        let before = before.filter(|(_, before)| before.session == Some(key));
        let (spawner, line) = match before {
            Some((Tie::Spawned, spawner)) => (Some(spawner), None),
            Some((_, before)) => (None, Some(&before.agent)),
            None => (None, None),
        };
        let maker = || spawner?.agent.as_ref().map(|agent| agent.id.clone());
        if let Some(said) = &ties.agent {
            let same = line.and_then(Option::as_ref).filter(|agent| agent.id == said.id);
            return Some(Agent {
                id: said.id.clone(),
                parent: said.parent.clone().or_else(|| same?.parent.clone()).or_else(maker),
                name: said.name.clone().or_else(|| same?.name.clone()),
                inferred: false,
            });
        }
        if let Some(agent) = line {
            return agent.clone();
        }
        if spawner.is_some() {
            let id = inferred_agent(call.detail.summary.id.as_bytes());
            return Some(Agent { id, parent: maker(), name: None, inferred: true });
        }
        let (chain, main) = (ties.chain.as_ref()?, self.sessions.get(&key)?.root?);
        let id = inferred_agent(&chain.root.to_le_bytes());
        (chain.root != main).then_some(Agent { id, parent: None, name: None, inferred: true })
    }

    /// The call that asked for what the user says first in this one.
    fn spawner(&self, chain: Option<&Chain>) -> Option<i64> {
        let chain = chain.filter(|chain| chain.earlier.is_empty())?;
        chain.prompts.iter().find_map(|prompt| self.tasks.get(prompt)).copied()
    }

    fn remember_tasks(&mut self, seq: i64, call: &CallRecord) {
        for task in call.ties.chain.iter().flat_map(|chain| &chain.tasks) {
            if self.tasks.insert(*task, seq).is_none() {
                self.task_order.push_back(*task);
            }
        }
        while self.task_order.len() > REMEMBERED {
            if let Some(oldest) = self.task_order.pop_front() {
                self.tasks.remove(&oldest);
            }
        }
    }
}

/// A call that stood alone, and is the first of a session now.
#[derive(Clone, Debug)]
struct Joined {
    seq: i64,
    session: i64,
    session_id: String,
    source: SessionSource,
    started_ms: i64,
}

impl Joined {
    fn take(self, standing: &mut Standing) {
        standing.session = Some(self.session);
        standing.session_id = Some(self.session_id);
        standing.source = Some(self.source);
    }
}

/// Made from the first call's id, so that it is the same however often it is worked out.
fn inferred_id(first: CallId) -> String {
    let hash = blake3::hash(first.as_bytes()).to_hex();
    format!("inferred-{}", hash.get(..12).unwrap_or_default())
}

fn inferred_agent(of: &[u8]) -> String {
    let hash = blake3::hash(of).to_hex();
    format!("agent-{}", hash.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests;
