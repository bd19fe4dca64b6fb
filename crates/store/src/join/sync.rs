//! Writing calls as they are now that others told of them: rows of calls that only reports tell of, what reports add to
//! calls of the proxy, and which report tells of which call. Leaves out who tells of what (`join`).

use std::collections::{HashMap, HashSet};

use api::{Agent, CallId, CallSummary, Cost, CostSource, ReportSource, SessionSource};
use model::pricing::Facts;
use model::telemetry::join::{Mark, Member, Together, Told, Touched, answer_digest, digest};
use model::telemetry::wire;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::load::{bit, body, call_id, mark, push_list};
use super::rows::{self, Written};
use super::{Joined, Report, Writing};
use crate::lineage::Standing;
use crate::row::{self, CallRow, Keys, SUMMARY_COLUMNS, Told as ToldRow, statements};
use crate::words::Distinct;
use crate::{StoreError, cost, text};

/// Rows in one statement.
const ROWS: usize = 128;

/// A call that was touched, put together again.
struct Again {
    seq: i64,
    summary: CallSummary,
    /// Reports of it, those of the proxy left out.
    marks: Vec<Mark>,
    proxied: bool,
    /// Its row says something else now than who told of it.
    rewritten: bool,
    /// What it is priced by beside its row.
    facts: Facts,
    /// It was priced once more.
    priced: bool,
    agent: Option<Agent>,
    keys: Keys,
    cost: Cost,
}

/// What is stored of calls that were touched.
struct Stored {
    summaries: HashMap<i64, CallSummary>,
    /// In a session, whoever says so.
    placed: HashSet<i64>,
    /// Every report, stored or new.
    told: HashMap<Mark, Told>,
    /// Of which call each is stored to tell.
    calls: HashMap<Mark, i64>,
    /// What calls of the proxy are priced by.
    billed: HashMap<i64, String>,
    /// Calls of the proxy as it told of them, before others filled them in.
    own: HashMap<i64, Vec<u8>>,
}

impl Stored {
    /// Whether a call of the proxy stands in its session only because reports said so.
    fn by_reports(&self, seq: i64) -> bool {
        let own = self.own.get(&seq).and_then(|own| serde_json::from_slice::<CallSummary>(own).ok());
        let now = self.summaries.get(&seq).and_then(|call| call.lineage.source);
        own.is_some_and(|own| own.lineage.session.is_none()) && now == Some(SessionSource::Client)
    }
}

/// Writes calls that were touched, and says which calls and traces changed, and from when to when they began.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    writing: &mut Writing<'_>,
    touched: &Touched,
    new: &HashMap<Mark, &Report>,
) -> Result<(Joined, Option<(i64, i64)>), StoreError> {
    let gone: Vec<i64> = touched.gone.iter().map(|(goes, _)| *goes).collect();
    let seqs: Vec<i64> = touched.calls.iter().copied().collect();
    let stored = find(connection, &[seqs.as_slice(), &gone].concat(), new).await?;
    let mut calls = Vec::with_capacity(seqs.len());
    for seq in &seqs {
        let members = writing.joins.ledger.as_ref().and_then(|ledger| ledger.members(*seq));
        let Some(members) = members else { continue };
        calls.extend(again(*seq, members, &stored)?);
    }
    // What the proxy knew the price of stays as it is.
    let is_open = |call: &&mut Again| call.summary.cost_source == CostSource::Unknown && call.rewritten;
    for call in calls.iter_mut().filter(|call| !call.proxied || is_open(call)) {
        call.cost = (writing.price)(&call.summary, &call.facts);
        call.priced = true;
        (call.summary.cost, call.summary.cost_source) = (call.cost.total, call.cost.source);
        call.summary.equivalent = call.cost.equivalent;
    }
    name_by_prompts(connection, &mut calls, &stored).await?;
    rows::forget_calls(connection, &gone).await?;
    rows::forget_reports(connection, &[seqs.as_slice(), &gone].concat()).await?;
    rename_doubled(connection, &mut calls, &stored).await?;
    put_told(connection, writing, &calls, new).await?;
    for call in calls.iter().filter(|call| call.proxied) {
        fill(connection, call).await?;
    }
    let placed = place_proxied(connection, writing, &calls, &stored).await?;
    put_reports(connection, writing, &calls, &stored, &placed).await?;
    Ok((joined(connection, &calls, &stored).await?, began(&calls, &stored)))
}

/// Gives new calls other ids than those that are there: a row of the same id would be replaced, and its call be gone.
async fn rename_doubled(
    connection: &mut SqliteConnection,
    calls: &mut [Again],
    stored: &Stored,
) -> Result<(), StoreError> {
    let is_new = |call: &&mut Again| !call.proxied && !stored.summaries.contains_key(&call.seq);
    let mut new: Vec<&mut Again> = calls.iter_mut().filter(is_new).collect();
    let ids: Vec<CallId> = new.iter().map(|call| call.summary.id).collect();
    let taken = rows::taken(connection, &ids).await?;
    for call in new.iter_mut().filter(|call| taken.contains(&call.summary.id)) {
        let Some(first) = call.marks.iter().min() else { continue };
        call.summary.id = call_id(call.summary.started_ms, *first, call.seq)?;
    }
    Ok(())
}

/// What is stored of these calls, and every report of them.
async fn find(
    connection: &mut SqliteConnection,
    seqs: &[i64],
    new: &HashMap<Mark, &Report>,
) -> Result<Stored, StoreError> {
    let mut stored = Stored {
        summaries: HashMap::new(),
        placed: HashSet::new(),
        told: HashMap::new(),
        calls: HashMap::new(),
        billed: HashMap::new(),
        own: HashMap::new(),
    };
    for some in statements(seqs, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT seq, ");
        query.push(SUMMARY_COLUMNS).push(", billed FROM call WHERE seq IN (");
        push_list(&mut query, some);
        for row in query.build().fetch_all(&mut *connection).await? {
            let (seq, summary) = (row.try_get("seq")?, row::summary(&row)?);
            if let (true, Some(billed)) =
                (summary.sources.contains(&ReportSource::Proxy), row.try_get::<Option<String>, _>("billed")?)
            {
                stored.billed.insert(seq, billed);
            }
            if summary.lineage.session.is_some() {
                stored.placed.insert(seq);
            }
            stored.summaries.insert(seq, summary);
        }
    }
    for row in rows::reports(connection, seqs).await? {
        let (seq, mark): (i64, Mark) = (row.try_get("call")?, mark(&row)?);
        if mark.source == ReportSource::Proxy {
            stored.own.insert(seq, row.try_get("body")?);
        } else {
            stored.told.insert(mark, body(&row)?);
            stored.calls.insert(mark, seq);
        }
    }
    stored.told.extend(new.iter().map(|(mark, report)| (*mark, report.told.clone())));
    Ok(stored)
}

/// A call as it is with these members; `None` for one that there is nothing to say about.
fn again(seq: i64, members: &[Member], stored: &Stored) -> Result<Option<Again>, StoreError> {
    let marks: Vec<Mark> =
        members.iter().map(|member| member.mark).filter(|mark| mark.source != ReportSource::Proxy).collect();
    let proxied = members.iter().any(|member| member.mark == Mark::PROXY);
    let told: Vec<&Told> = marks.iter().filter_map(|mark| stored.told.get(mark)).collect();
    let together = Together::new(told.iter().copied());
    let row = stored.summaries.get(&seq);
    let (summary, rewritten) = match (proxied, row) {
        (true, Some(row)) => {
            // Another version may have kept other fields of it.
            let own = stored.own.get(&seq).and_then(|own| serde_json::from_slice(own).ok());
            let mut summary: CallSummary = own.unwrap_or_else(|| row.clone());
            // What is added up or placed meanwhile is not the reports' to change.
            (summary.session_id, summary.lineage) = (row.session_id.clone(), row.lineage.clone());
            // Nor is what it was priced again.
            if summary.cost_source != CostSource::Unknown {
                (summary.cost, summary.cost_source) = (row.cost, row.cost_source);
                summary.equivalent = row.equivalent;
            }
            let filled = together.fill(&mut summary);
            (summary, filled || stored.own.contains_key(&seq))
        }
        (true, None) => return Ok(None),
        (false, row) => {
            let Some(first) = marks.iter().min() else { return Ok(None) };
            let summary = together.summary(call_id(0, *first, 0)?);
            let id = match row {
                Some(row) => row.id,
                None => call_id(summary.started_ms, *first, 0)?,
            };
            (CallSummary { id, ..summary }, true)
        }
    };
    let whose = together.whose();
    let named = |text: Option<String>| text.map(|text| digest(&text));
    Ok(Some(Again {
        seq,
        proxied,
        rewritten,
        facts: facts(stored.billed.get(&seq), &summary, &together),
        priced: false,
        agent: whose.agent.map(|id| Agent {
            id,
            parent: whose.agent_parent,
            name: whose.agent_name,
            inferred: false,
        }),
        keys: Keys {
            sources: members.iter().fold(0, |bits, member| bits | bit(member.mark.source)),
            request: named(together.request_id()),
            client_request: named(together.client_request_id()),
            answer: together.response_id().as_deref().and_then(answer_digest),
        },
        cost: Cost::default(),
        summary,
        marks,
    }))
}

/// What a call is priced by: what was kept of it, and what reports say besides.
fn facts(kept: Option<&String>, call: &CallSummary, together: &Together<'_>) -> Facts {
    let kept = kept.and_then(|kept| Facts::from_text(kept)).unwrap_or_default();
    let asked_for = || together.requested_model().filter(|_| call.model.is_none());
    Facts {
        name: kept.name.clone().or_else(asked_for),
        service_tier: kept.service_tier.clone().or_else(|| together.service_tier()),
        reported: together.cost(),
        ..kept
    }
}

/// A call of which nobody says what was asked is named by its prompt, where the tool told of that in a record of its own.
async fn name_by_prompts(
    connection: &mut SqliteConnection,
    calls: &mut [Again],
    stored: &Stored,
) -> Result<(), StoreError> {
    let nameless = |call: &&Again| !call.proxied && call.summary.title.is_none();
    let sessions = calls.iter().filter(nameless).filter_map(|call| call.summary.session_id.clone());
    let sessions: HashSet<String> = sessions.collect();
    let mut prompts: HashMap<String, Vec<rows::Prompt>> = HashMap::new();
    for session in sessions {
        let found = rows::prompts(connection, &session).await?;
        prompts.insert(session, found);
    }
    for call in calls.iter_mut().filter(|call| nameless(&&**call)) {
        let Some(prompts) = call.summary.session_id.as_ref().and_then(|id| prompts.get(id)) else { continue };
        let told = call.marks.iter().filter_map(|mark| stored.told.get(mark));
        let asked = Together::new(told).whose().prompt;
        let ended = call.summary.started_ms.saturating_add(1).saturating_mul(1_000_000);
        let same = prompts.iter().find(|prompt| asked.is_some() && prompt.id == asked);
        let before = || prompts.iter().find(|prompt| prompt.time_ns <= ended && asked.is_none());
        call.summary.title = same.or_else(before).map(|prompt| prompt.text.clone());
    }
    Ok(())
}

/// The rows of calls that did not go through the proxy, with their sessions and words.
async fn put_told(
    connection: &mut SqliteConnection,
    writing: &mut Writing<'_>,
    calls: &[Again],
    new: &HashMap<Mark, &Report>,
) -> Result<(), StoreError> {
    let told: Vec<&Again> = calls.iter().filter(|call| !call.proxied).collect();
    let sessions: Vec<(&CallSummary, Option<&Agent>)> =
        told.iter().map(|call| (&call.summary, call.agent.as_ref())).collect();
    let standings: Vec<Standing> = writing.lineages.place_told(connection, &sessions).await?;
    let rows: Vec<CallRow<'_>> = told
        .iter()
        .zip(&standings)
        .map(|(call, standing)| {
            CallRow::told(
                call.seq,
                &call.summary,
                ToldRow { cost: &call.cost, facts: &call.facts, standing, keys: call.keys },
            )
        })
        .collect();
    row::put_summaries(connection, &rows).await?;
    let (mut distinct, mut texts) = (Distinct::default(), Vec::new());
    for call in &told {
        let said: Vec<&str> =
            call.marks.iter().filter_map(|mark| new.get(mark)).map(|report| report.text.as_str()).collect();
        let said = said.join("\n");
        if !said.is_empty() {
            texts.push((call.seq, text::words(&mut distinct, &said, &[], "")));
        }
    }
    let texts: Vec<(i64, &str)> = texts.iter().map(|(seq, words)| (*seq, words.as_str())).collect();
    text::put_again(connection, &texts).await
}

/// What reports add to a call of the proxy.
async fn fill(connection: &mut SqliteConnection, call: &Again) -> Result<(), StoreError> {
    let (trace, summary) = (call.marks.iter().find(|mark| mark.source == ReportSource::Span), &call.summary);
    // Statements of their own: SQLite touches the indices of the columns that a statement names.
    sqlx::query(
        "UPDATE call SET sources = ?1, trace = coalesce(?2, trace, \
         (SELECT key FROM trace WHERE trace.id = unhex(?6) AND spans > 0)), trace_id = ?3, parent_id = ?4 WHERE seq = ?5",
    )
    .bind(call.keys.sources)
    .bind(trace.map(|mark| mark.a))
    .bind(summary.trace_id.as_deref())
    .bind(summary.parent_id.as_deref())
    .bind(call.seq)
    .bind(row::trace_of(summary))
    .execute(&mut *connection)
    .await?;
    if !call.rewritten {
        return Ok(());
    }
    let usage = &summary.usage;
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE call SET model = ");
    query.push_bind(summary.model.as_deref());
    query.push(", client = ").push_bind(summary.client.as_deref());
    query.push(", title = ").push_bind(summary.title.as_deref());
    query.push(", finish_reason = ").push_bind(summary.finish_reason.as_deref());
    query.push(", first_token_us = ").push_bind(row::signed(summary.first_token_us));
    query.push(", input = ").push_bind(row::signed(usage.input));
    query.push(", cache_read = ").push_bind(row::signed(usage.cache_read));
    query.push(", cache_write_5m = ").push_bind(row::signed(usage.cache_write_5m));
    query.push(", cache_write_1h = ").push_bind(row::signed(usage.cache_write_1h));
    query.push(", output = ").push_bind(row::signed(usage.output));
    query.push(", reasoning = ").push_bind(row::signed(usage.reasoning));
    query.push(", usage_source = ").push_bind(row::word(&summary.usage_source));
    query.push(", billed = ").push_bind(call.facts.to_text());
    query.push(" WHERE seq = ").push_bind(call.seq);
    query.build().execute(&mut *connection).await?;
    if call.priced {
        cost::change(connection, call.seq, &call.cost, true).await?;
    }
    Ok(())
}

/// Calls of the proxy that named no session stand in the one that reports name, as long as those tell of them. Gives those
/// that do.
async fn place_proxied(
    connection: &mut SqliteConnection,
    writing: &mut Writing<'_>,
    calls: &[Again],
    stored: &Stored,
) -> Result<HashSet<i64>, StoreError> {
    let (mut homeless, mut left) = (Vec::new(), Vec::new());
    for call in calls.iter().filter(|call| call.proxied) {
        let by_reports = stored.by_reports(call.seq);
        if stored.placed.contains(&call.seq) && !by_reports {
            continue;
        }
        let told = call.marks.iter().filter_map(|mark| stored.told.get(mark));
        let whose = Together::new(told).whose();
        match whose.session.or(whose.conversation) {
            Some(session) => {
                homeless.push((call, CallSummary { session_id: Some(session), ..call.summary.clone() }));
            }
            None if by_reports => left.push((call.seq, Standing::default())),
            None => {}
        }
    }
    let sessions: Vec<(&CallSummary, Option<&Agent>)> =
        homeless.iter().map(|(call, summary)| (summary, call.agent.as_ref())).collect();
    let standings = writing.lineages.place_told(connection, &sessions).await?;
    let placed: HashSet<i64> = homeless.iter().map(|(call, _)| call.seq).collect();
    for (seq, standing) in homeless.iter().map(|(call, _)| call.seq).zip(standings).chain(left) {
        sqlx::query("UPDATE call SET session = ?, session_id = ?, session_source = ? WHERE seq = ?")
            .bind(standing.session)
            .bind(standing.session_id)
            .bind(standing.source.map(SessionSource::as_str))
            .bind(seq)
            .execute(&mut *connection)
            .await?;
    }
    Ok(placed)
}

async fn put_reports(
    connection: &mut SqliteConnection,
    writing: &Writing<'_>,
    calls: &[Again],
    stored: &Stored,
    placed: &HashSet<i64>,
) -> Result<(), StoreError> {
    let mut written: Vec<(i64, Mark, Option<model::telemetry::join::Rule>, Vec<u8>)> = Vec::new();
    let mut moved = Vec::new();
    for call in calls {
        let members = writing.joins.ledger.as_ref().and_then(|ledger| ledger.members(call.seq));
        for member in members.unwrap_or_default() {
            if let Some(told) = stored.told.get(&member.mark) {
                written.push((call.seq, member.mark, member.by, wire::encode(told)));
            }
            if member.mark.source != ReportSource::Proxy && stored.calls.get(&member.mark) != Some(&call.seq)
            {
                moved.push((member.mark, call.seq));
            }
        }
        let own = stored.own.get(&call.seq).cloned();
        let first_time = || serde_json::to_vec(stored.summaries.get(&call.seq)?).ok();
        if call.proxied
            && (call.rewritten || placed.contains(&call.seq))
            && let Some(own) = own.or_else(first_time)
        {
            written.push((call.seq, Mark::PROXY, None, own));
        }
    }
    rows::point(connection, &moved).await?;
    let reports: Vec<Written<'_>> = written
        .iter()
        .map(|(call, mark, by, body)| Written { call: *call, mark: *mark, by: *by, body })
        .collect();
    rows::put_reports(connection, &reports).await
}

async fn joined(
    connection: &mut SqliteConnection,
    calls: &[Again],
    stored: &Stored,
) -> Result<Joined, StoreError> {
    let mut ids: Vec<CallId> = calls.iter().map(|call| call.summary.id).collect();
    ids.extend(stored.summaries.values().map(|summary| summary.id));
    ids.sort_unstable();
    ids.dedup();
    let marks = calls.iter().flat_map(|call| &call.marks);
    let mut traces: Vec<i64> =
        marks.filter(|mark| mark.source == ReportSource::Span).map(|mark| mark.a).collect();
    traces.sort_unstable();
    traces.dedup();
    Ok(Joined { calls: ids, traces: rows::trace_ids(connection, &traces).await? })
}

/// From when to when calls that changed began.
fn began(calls: &[Again], stored: &Stored) -> Option<(i64, i64)> {
    let now = calls.iter().map(|call| call.summary.started_ms);
    let all = || now.clone().chain(stored.summaries.values().map(|summary| summary.started_ms));
    all().min().zip(all().max())
}
