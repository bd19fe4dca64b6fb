//! Taking calls away: their rows and everything that hangs on them, in one place, whoever asks for it.
//! Leaves out which calls go (`erase`, `retention`) and what they leave in packs (`sweep`).

use std::collections::{BTreeSet, HashSet};

use api::ReportSource;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::join::bit;
use crate::row::statements;
use crate::{StoreError, rollup};

/// Numbers in one statement.
const ROWS: usize = 256;

/// What went.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemovedCalls {
    pub(crate) seqs: Vec<i64>,
    /// Sessions that have no call left.
    pub(crate) sessions: Vec<i64>,
    /// From when to when they began.
    pub(crate) began_ms: Option<(i64, i64)>,
}

/// Takes these calls out of every table, within the caller's transaction. Those under way stay: their end would bring
/// them back. What reports told of them stays too, and is nobody's from now on.
pub(crate) async fn remove_calls(
    connection: &mut SqliteConnection,
    seqs: &[i64],
) -> Result<RemovedCalls, StoreError> {
    let mut removed = RemovedCalls::default();
    let mut sessions = BTreeSet::new();
    for some in statements(seqs, ROWS) {
        let open: Vec<i64> = numbers("SELECT seq FROM call WHERE state = 'open' AND seq IN (", some, ")")
            .build_query_scalar()
            .fetch_all(&mut *connection)
            .await?;
        let open: HashSet<i64> = open.into_iter().collect();
        let ended: Vec<i64> = some.iter().copied().filter(|seq| !open.contains(seq)).collect();
        for some in statements(&ended, ROWS) {
            take_out(connection, some, &mut removed, &mut sessions).await?;
        }
    }
    for session in sessions {
        let left = "UPDATE session SET first_ms = coalesce((SELECT min(started_ms) FROM call WHERE session = ?1), first_ms) \
            WHERE key = ?1 AND EXISTS (SELECT 1 FROM call WHERE session = ?1)";
        let left = sqlx::query(left).bind(session).execute(&mut *connection).await?;
        if left.rows_affected() == 0 {
            sqlx::query("DELETE FROM session WHERE key = ?").bind(session).execute(&mut *connection).await?;
        }
        removed.sessions.push(session);
    }
    rollup::settle(connection).await?;
    Ok(removed)
}

async fn take_out(
    connection: &mut SqliteConnection,
    seqs: &[i64],
    removed: &mut RemovedCalls,
    sessions: &mut BTreeSet<i64>,
) -> Result<(), StoreError> {
    let statements = [
        (
            "INSERT OR IGNORE INTO pack_dirty (pack, at, len) SELECT pack, at, len FROM call_record WHERE seq IN (",
            ")",
        ),
        ("DELETE FROM call_record WHERE seq IN (", ")"),
        ("DELETE FROM call_words WHERE rowid IN (", ")"),
        ("DELETE FROM call_text WHERE rowid IN (", ")"),
        ("DELETE FROM text_backlog WHERE seq IN (", ")"),
        (
            "UPDATE upkeep SET value = 1 WHERE name = 'former_dirty' AND EXISTS \
             (SELECT 1 FROM call_detail WHERE seq IN (",
            "))",
        ),
        (
            "DELETE FROM body WHERE id IN (SELECT body.id FROM call_detail JOIN body \
             ON body.id IN (request_body, response_body) WHERE call_detail.seq IN (",
            "))",
        ),
        ("DELETE FROM call_detail WHERE seq IN (", ")"),
        ("UPDATE call SET continues = NULL WHERE continues IN (", ")"),
    ];
    for (sql, end) in statements {
        numbers(sql, seqs, end).build().execute(&mut *connection).await?;
    }
    for (source, table, columns) in
        [(ReportSource::Span, "span", "(trace, id)"), (ReportSource::Event, "log", "(time_ns, hash)")]
    {
        let mut query = QueryBuilder::<Sqlite>::new("UPDATE ");
        query.push(table).push(" SET call = NULL WHERE ").push(columns);
        query.push(" IN (SELECT a, b FROM call_report WHERE source = ").push_bind(bit(source));
        query.push(" AND call IN (");
        push_numbers(&mut query, seqs);
        query.push("))");
        query.build().execute(&mut *connection).await?;
    }
    numbers("DELETE FROM call_report WHERE call IN (", seqs, ")").build().execute(&mut *connection).await?;
    let gone: Vec<(i64, Option<i64>, i64)> =
        numbers("DELETE FROM call WHERE seq IN (", seqs, ") RETURNING seq, session, started_ms")
            .build_query_as()
            .fetch_all(&mut *connection)
            .await?;
    note_words(connection, gone.len() as u64).await?;
    for (seq, session, started_ms) in gone {
        removed.seqs.push(seq);
        sessions.extend(session);
        let (from, to) = removed.began_ms.unwrap_or((started_ms, started_ms));
        removed.began_ms = Some((from.min(started_ms), to.max(started_ms)));
    }
    Ok(())
}

/// Counts what the indices of words still say something of, and need not.
pub(crate) async fn note_words(connection: &mut SqliteConnection, removed: u64) -> Result<(), StoreError> {
    let update = sqlx::query("UPDATE upkeep SET value = value + ? WHERE name = 'words_removed'");
    update.bind(i64::try_from(removed).unwrap_or(i64::MAX)).execute(connection).await?;
    Ok(())
}

/// A statement about these numbers.
pub(crate) fn numbers(sql: &'static str, numbers: &[i64], end: &'static str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(sql);
    push_numbers(&mut query, numbers);
    query.push(end);
    query
}

pub(crate) fn push_numbers(query: &mut QueryBuilder<Sqlite>, numbers: &[i64]) {
    let mut list = query.separated(", ");
    for number in numbers {
        list.push_bind(*number);
    }
}
