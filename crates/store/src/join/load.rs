//! Remembering calls as they are stored: after a start, after a failure, and those that were forgotten.

use std::collections::HashMap;

use api::{CallId, CallSummary, Operation, ReportSource, SessionSource};
use model::identity::is_tool;
use model::telemetry::join::{Facts, Ledger, Mark, Member, Rule, Told, digest, family, span_digest};
use model::telemetry::{ids, wire};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::asks_a_model;
use crate::StoreError;
use crate::row::statements;

/// Rows in one statement.
const ROWS: usize = 256;

const COLUMNS: &str = "seq, sources, operation, started_ms, duration_us, status, error, model, client, \
    iif(session_source = 'client', session_id, NULL) AS said, input, cache_read, cache_write_5m, cache_write_1h, output, \
    trace_id, parent_id, request_key, client_request_key, answer_key";

/// The latest calls.
pub(super) async fn latest(
    connection: &mut SqliteConnection,
    ledger: &mut Ledger,
    most: usize,
) -> Result<(), StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM call WHERE state != 'open' AND replay_of IS NULL ORDER BY seq DESC LIMIT ");
    query.push_bind(most);
    let rows = query.build().fetch_all(&mut *connection).await?;
    let Some(first) = rows.last() else { return Ok(()) };
    let first: i64 = first.try_get("seq")?;
    let reports = sqlx::query("SELECT call, source, a, b, matched_by, body FROM call_report WHERE call >= ?");
    let reports = reports.bind(first).fetch_all(connection).await?;
    // The latest are remembered longest.
    learn(ledger, rows.iter().rev(), &reports)
}

/// These calls.
pub(super) async fn these(
    connection: &mut SqliteConnection,
    ledger: &mut Ledger,
    seqs: &[i64],
) -> Result<(), StoreError> {
    for some in statements(seqs, ROWS) {
        let mut calls = QueryBuilder::<Sqlite>::new("SELECT ");
        calls.push(COLUMNS).push(" FROM call WHERE seq IN (");
        push_list(&mut calls, some);
        let rows = calls.build().fetch_all(&mut *connection).await?;
        let mut reports = QueryBuilder::<Sqlite>::new(
            "SELECT call, source, a, b, matched_by, body FROM call_report WHERE call IN (",
        );
        push_list(&mut reports, some);
        let reports = reports.build().fetch_all(&mut *connection).await?;
        learn(ledger, rows.iter(), &reports)?;
    }
    Ok(())
}

/// Numbers, and the bracket that closes their list.
pub(super) fn push_list(query: &mut QueryBuilder<Sqlite>, numbers: &[i64]) {
    let mut list = query.separated(", ");
    for number in numbers {
        list.push_bind(*number);
    }
    query.push(")");
}

fn learn<'r>(
    ledger: &mut Ledger,
    rows: impl Iterator<Item = &'r SqliteRow>,
    reports: &[SqliteRow],
) -> Result<(), StoreError> {
    let (mut told, mut own): (HashMap<i64, Vec<Member>>, _) = (HashMap::new(), HashMap::new());
    for row in reports {
        if let Some((seq, summary)) = before(row)? {
            own.insert(seq, summary);
        }
        if let Some((seq, member)) = reported(row)? {
            told.entry(seq).or_default().push(member);
        }
    }
    for row in rows {
        let seq: i64 = row.try_get("seq")?;
        let mut members = told.remove(&seq).unwrap_or_default();
        let operation = row.try_get::<&str, _>("operation")?.parse().unwrap_or(Operation::Other);
        if row.try_get::<i64, _>("sources")? & bit(ReportSource::Proxy) != 0 && asks_a_model(operation) {
            members.push(Member { mark: Mark::PROXY, facts: proxied(row, own.get(&seq))?, by: None });
        }
        if !members.is_empty() {
            ledger.learn(seq, members);
        }
    }
    Ok(())
}

/// The number of a source, as a bit of `call.sources`.
pub(crate) const fn bit(source: ReportSource) -> i64 {
    match source {
        ReportSource::Proxy => 1,
        ReportSource::Span => 2,
        ReportSource::Event => 4,
    }
}

/// The source with this bit.
pub(crate) const fn source(bit: i64) -> ReportSource {
    match bit {
        2 => ReportSource::Span,
        4 => ReportSource::Event,
        _ => ReportSource::Proxy,
    }
}

/// The mark of a row of `call_report`.
pub(super) fn mark(row: &SqliteRow) -> Result<Mark, StoreError> {
    Ok(Mark { source: source(row.try_get("source")?), a: row.try_get("a")?, b: row.try_get("b")? })
}

/// A report as it is stored.
pub(crate) fn body(row: &SqliteRow) -> Result<Told, StoreError> {
    wire::decode(row.try_get("body")?).ok_or(StoreError::Damaged("a report of a call cannot be read"))
}

fn reported(row: &SqliteRow) -> Result<Option<(i64, Member)>, StoreError> {
    let mark = mark(row)?;
    if mark.source == ReportSource::Proxy {
        return Ok(None);
    }
    let by: Option<&str> = row.try_get("matched_by")?;
    let by = Rule::ALL.into_iter().find(|rule| Some(rule.as_str()) == by);
    Ok(Some((row.try_get("call")?, Member { mark, facts: Facts::told(&body(row)?), by })))
}

/// What the proxy told of a call before others filled it in.
fn before(row: &SqliteRow) -> Result<Option<(i64, CallSummary)>, StoreError> {
    if mark(row)?.source != ReportSource::Proxy {
        return Ok(None);
    }
    // Another version may have kept other fields of it: then its row has to do.
    let summary = serde_json::from_slice(row.try_get("body")?).ok();
    summary.map(|summary| Ok((row.try_get("call")?, summary))).transpose()
}

/// What the row of a call of the proxy tells, or what it told before others filled it in. The model asked for is not in
/// it, nor what stands above its span.
fn proxied(row: &SqliteRow, own: Option<&CallSummary>) -> Result<Facts, StoreError> {
    let tokens =
        |column: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(i64::unsigned_abs));
    let named = |column: &str| Ok::<_, StoreError>(row.try_get::<Option<&str>, _>(column)?.map(digest));
    let stored = api::Usage {
        input: tokens("input")?,
        cache_read: tokens("cache_read")?,
        cache_write_5m: tokens("cache_write_5m")?,
        cache_write_1h: tokens("cache_write_1h")?,
        output: tokens("output")?,
        ..api::Usage::default()
    };
    let (model, client): (Option<&str>, Option<&str>) = (row.try_get("model")?, row.try_get("client")?);
    let (usage, model, client, said) = match own {
        Some(own) => {
            let named =
                own.session_id.as_deref().filter(|_| own.lineage.source == Some(SessionSource::Client));
            let said = named.map(digest);
            (own.usage, own.model.as_deref(), own.client.as_deref(), said)
        }
        None => (stored, model, client, named("said")?),
    };
    let (trace, span): (Option<&str>, Option<&str>) = (row.try_get("trace_id")?, row.try_get("parent_id")?);
    let within = trace.map(ids::trace_id).zip(span.map(ids::span_id));
    let start_us = row.try_get::<i64, _>("started_ms")?.saturating_mul(1_000);
    let status: Option<i64> = row.try_get("status")?;
    Ok(Facts {
        source: ReportSource::Proxy,
        request: row.try_get("request_key")?,
        client_request: row.try_get("client_request_key")?,
        answer: row.try_get("answer_key")?,
        span: None,
        within: within.map(|(trace, span)| span_digest(&trace, &span)).into_iter().collect(),
        sessions: [said, None],
        families: [model.map(|model| digest(&family(model))), None],
        input: usage.prompt_total(),
        output: usage.output,
        client: client.filter(|client| is_tool(client)).map(digest),
        start_us,
        end_us: start_us.saturating_add(row.try_get::<Option<i64>, _>("duration_us")?.unwrap_or(0)),
        failed: row.try_get::<Option<&str>, _>("error")?.is_some()
            || status.is_some_and(|status| status >= 400),
    })
}

/// An id for a call that was told of, made of when it began and of what told of it first: the same however often it is
/// worked out.
///
/// `instead_of_seq` is 0, or the number of a call for which that id is not free: what told of another call first may have
/// left it, and that one keeps its id.
pub(super) fn call_id(started_ms: i64, mark: Mark, instead_of_seq: i64) -> Result<CallId, StoreError> {
    let mut named = [0_u8; 32];
    let (source, numbers) = named.split_at_mut(8);
    source.copy_from_slice(&bit(mark.source).to_be_bytes());
    let (a, rest) = numbers.split_at_mut(8);
    let (b, instead) = rest.split_at_mut(8);
    a.copy_from_slice(&mark.a.to_be_bytes());
    b.copy_from_slice(&mark.b.to_be_bytes());
    instead.copy_from_slice(&instead_of_seq.to_be_bytes());
    let named = if instead_of_seq == 0 { named.get(..24).unwrap_or(&named) } else { &named };
    let hash = blake3::hash(named);
    let mut id = [0_u8; 16];
    id.copy_from_slice(hash.as_bytes().split_at(16).0);
    // As RFC 9562 has it: six bytes of time, the version, the variant.
    let time = started_ms.max(0).to_be_bytes();
    id.iter_mut().zip(time.iter().skip(2)).for_each(|(byte, time)| *byte = *time);
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut id;
    *version = *version & 0x0f | 0x70;
    *variant = *variant & 0x3f | 0x80;
    CallId::from_slice(&id).ok_or(StoreError::Damaged("a call's id is malformed"))
}
