//! Calls that a batch may go on from: found in the database by their digests, and those of the batch itself.
//! Leaves out choosing among them (`decide`).

use std::collections::{HashMap, HashSet};

use api::{Agent, CallId, CallState, Tie};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::Standing;
use crate::{CallRecord, StoreError};

/// Calls with one digest that are looked at, the latest: a request that is sent a thousand times is no reason to read a
/// thousand rows.
const EACH: i64 = 4;
/// Digests in one statement.
const ROWS: usize = 500;
/// Earlier turns that are looked for at first. Nearly always the last one is there.
const NEAR: usize = 2;

/// What only a call without a session may need is read for those alone.
const COLUMNS: &str = "call.seq, call.id, call.client, iif(call.session IS NULL, call.title, NULL) AS title, call.chain_end, call.chain_answer, call.chain_root, call.response_key, call.session, \
    call.agent, call.agent_parent, call.agent_name, call.agent_inferred, call.state, call.started_ms, \
    (SELECT child.chain_end FROM call AS child WHERE child.continues = call.seq AND child.tie IN ('turn', 'fork') \
     ORDER BY child.seq LIMIT 1) AS next";

/// A call as far as it matters to those that may go on from it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) seq: i64,
    pub(super) id: CallId,
    pub(super) client: Option<String>,
    pub(super) title: Option<String>,
    pub(super) end: Option<i64>,
    pub(super) answer: Option<i64>,
    pub(super) root: Option<i64>,
    pub(super) response: Option<i64>,
    pub(super) session: Option<i64>,
    pub(super) agent: Option<Agent>,
    /// It succeeded, and its answer came to its end.
    pub(super) whole: bool,
    pub(super) started_ms: i64,
    /// What the call that went on from it first had before its answer.
    pub(super) next: Option<i64>,
}

/// Calls by their digests.
#[derive(Debug, Default)]
pub(super) struct KnownCalls {
    calls: HashMap<i64, Known>,
    ends: HashMap<i64, Vec<i64>>,
    responses: HashMap<i64, i64>,
}

impl KnownCalls {
    /// What the database has for `calls`, and the calls that made some of them.
    pub(super) async fn find(
        connection: &mut SqliteConnection,
        calls: &[(i64, &CallRecord)],
        spawners: HashSet<i64>,
    ) -> Result<Self, StoreError> {
        let mut known = Self::default();
        let ties = || calls.iter().map(|(_, call)| &call.ties);
        let chains = || ties().filter_map(|ties| ties.chain.as_ref());
        let near = chains().flat_map(|chain| {
            let earlier = chain.earlier.iter().take(NEAR).map(|earlier| earlier.end);
            earlier.chain([chain.end])
        });
        known.look_up(connection, "chain_end", near.collect()).await?;
        known.look_up(connection, "response_key", ties().filter_map(|ties| ties.previous).collect()).await?;
        known.look_up(connection, "seq", spawners).await?;
        // What went on without us for a while: calls between were not recorded, or their answers came back changed.
        let ends_of_batch: HashSet<i64> = chains().map(|chain| chain.end).collect();
        let lost = chains().filter(|chain| {
            let met = |end: &i64| known.ends.contains_key(end) || ends_of_batch.contains(end);
            chain.earlier.len() > NEAR && !chain.earlier.iter().take(NEAR).any(|earlier| met(&earlier.end))
        });
        let far = lost.flat_map(|chain| chain.earlier.iter().skip(NEAR).map(|earlier| earlier.end));
        let far = far.collect();
        known.look_up(connection, "chain_end", far).await?;
        Ok(known)
    }

    /// The calls with this before their answer.
    pub(super) fn by_end(&self, end: i64) -> impl Iterator<Item = &Known> {
        self.ends.get(&end).into_iter().flatten().filter_map(|seq| self.calls.get(seq))
    }

    pub(super) fn get(&self, seq: i64) -> Option<&Known> {
        self.calls.get(&seq)
    }

    pub(super) fn get_mut(&mut self, seq: i64) -> Option<&mut Known> {
        self.calls.get_mut(&seq)
    }

    /// The call whose answer has this id.
    pub(super) fn by_response(&self, response: i64) -> Option<&Known> {
        self.calls.get(self.responses.get(&response)?)
    }

    /// The sessions of all of them.
    pub(super) fn sessions(&self) -> impl Iterator<Item = i64> {
        self.calls.values().filter_map(|call| call.session)
    }

    #[cfg(test)]
    pub(super) fn rows(&self) -> usize {
        self.calls.len()
    }

    /// A call of the batch, which later ones of the batch may go on from.
    pub(super) fn add(&mut self, seq: i64, call: &CallRecord, standing: &Standing) {
        let (summary, ties) = (&call.detail.summary, &call.ties);
        let end = ties.chain.as_ref().map(|chain| chain.end);
        let went_on = matches!(standing.tie, Some(Tie::Turn | Tie::Fork));
        if let Some(before) = standing.continues.filter(|_| went_on).and_then(|seq| self.calls.get_mut(&seq))
        {
            before.next = before.next.or(end);
        }
        self.insert(Known {
            seq,
            id: summary.id,
            client: summary.client.clone(),
            title: summary.title.clone(),
            end,
            answer: ties.chain.as_ref().and_then(|chain| chain.answer),
            root: ties.chain.as_ref().map(|chain| chain.root),
            response: ties.response,
            session: standing.session,
            agent: standing.agent.clone(),
            whole: summary.state == CallState::Complete,
            started_ms: summary.started_ms,
            next: None,
        });
    }

    fn insert(&mut self, call: Known) {
        if let Some(response) = call.response {
            self.responses.insert(response, call.seq);
        }
        if let Some(end) = call.end {
            let seqs = self.ends.entry(end).or_default();
            if !seqs.contains(&call.seq) {
                seqs.push(call.seq);
                // The earliest of too many makes room.
                if seqs.len() > usize::try_from(EACH).unwrap_or_default() {
                    seqs.sort_unstable();
                    let _earliest = seqs.remove(0);
                }
            }
        }
        self.calls.insert(call.seq, call);
    }

    async fn look_up(
        &mut self,
        connection: &mut SqliteConnection,
        column: &'static str,
        digests: HashSet<i64>,
    ) -> Result<(), StoreError> {
        let digests: Vec<i64> = digests.into_iter().collect();
        for some in digests.chunks(ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new("WITH wanted (digest) AS (");
            query.push_values(some, |mut row, digest| {
                row.push_bind(*digest);
            });
            query
                .push(") SELECT ")
                .push(COLUMNS)
                .push(" FROM wanted CROSS JOIN call WHERE call.seq IN (SELECT seq FROM call WHERE ");
            query.push(column).push(" = wanted.digest ORDER BY seq DESC LIMIT ").push_bind(EACH).push(")");
            for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
                self.insert(read(&row)?);
            }
        }
        Ok(())
    }
}

fn read(row: &SqliteRow) -> Result<Known, StoreError> {
    Ok(Known {
        seq: row.try_get("seq")?,
        id: CallId::from_slice(row.try_get("id")?).ok_or(StoreError::Damaged("a call's id is malformed"))?,
        client: row.try_get("client")?,
        title: row.try_get("title")?,
        end: row.try_get("chain_end")?,
        answer: row.try_get("chain_answer")?,
        root: row.try_get("chain_root")?,
        response: row.try_get("response_key")?,
        session: row.try_get("session")?,
        agent: crate::row::agent(row)?,
        whole: row.try_get::<&str, _>("state")? == CallState::Complete.as_str(),
        started_ms: row.try_get("started_ms")?,
        next: row.try_get("next")?,
    })
}
