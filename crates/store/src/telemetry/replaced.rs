//! What replacing spans changes of their traces' rows, told by the differences: a trace is not added up again.

use sqlx::SqliteConnection;

use super::edges::{Edge, Edges};
use super::spans::{FAILED, INFRASTRUCTURE, Replaced, Stand};
use crate::StoreError;

/// A trace's row, as far as replacing a span can change it.
struct Sums {
    first_ns: i64,
    last_ns: i64,
    root: (bool, i64, i64),
    infrastructure: i64,
    errors: i64,
}

/// The root's columns.
struct Root<'a> {
    stand: Stand,
    name: &'a str,
    label: Option<&'a str>,
    kind: i64,
    origin: i64,
}

/// Brings the rows of traces up to date, of whose spans these were replaced, in the order in which that happened. Those of
/// a trace stand together; all spans and the sums of those that were not there are written.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    edges: &mut Edges,
    replaced: &[Replaced<'_>],
) -> Result<(), StoreError> {
    for Replaced { before, now } in replaced {
        edges.replace(now.trace, &before.stand(now.row.id), &now.stand());
    }
    for of_trace in replaced.chunk_by(|one, other| one.now.trace == other.now.trace) {
        if let Some(first) = of_trace.first() {
            of(connection, edges, first.now.trace, of_trace).await?;
        }
    }
    Ok(())
}

async fn of(
    connection: &mut SqliteConnection,
    edges: &mut Edges,
    trace: i64,
    replaced: &[Replaced<'_>],
) -> Result<(), StoreError> {
    let (first_ns, last_ns, inner, start_ns, id) = sqlx::query_as(
        "SELECT first_ns, last_ns, root_inner != 0, root_start_ns, root_id FROM trace WHERE key = ?",
    )
    .bind(trace)
    .fetch_one(&mut *connection)
    .await?;
    let mut sums = Sums { first_ns, last_ns, root: (inner, start_ns, id), infrastructure: 0, errors: 0 };
    let (mut first_left, mut last_left, mut root_left) = (false, false, false);
    let mut root = None;
    for Replaced { before, now } in replaced {
        let row = now.row;
        let difference = |bit: i64| i64::from(row.flags & bit != 0) - i64::from(before.flags & bit != 0);
        sums.infrastructure += difference(INFRASTRUCTURE);
        sums.errors += difference(FAILED);
        let (then, stand) = (before.stand(row.id), now.stand());
        if stand.start_ns <= sums.first_ns {
            sums.first_ns = stand.start_ns;
        } else {
            first_left |= then.start_ns == sums.first_ns;
        }
        if stand.end_ns >= sums.last_ns {
            sums.last_ns = stand.end_ns;
        } else {
            last_left |= then.end_ns == sums.last_ns;
        }
        if Edge::Root.rank(&stand) <= sums.root {
            sums.root = Edge::Root.rank(&stand);
            let (name, label) = (row.name.as_str(), row.label.as_deref());
            root = Some(Root { stand, name, label, kind: row.kind, origin: now.origin });
        } else {
            root_left |= Edge::Root.rank(&then) == sums.root;
        }
    }
    // The one that stood at the edge left it: who stands there now?
    if first_left && let Some((first, _)) = edges.utmost(connection, trace, Edge::First).await? {
        sums.first_ns = first.start_ns;
    }
    if last_left && let Some((last, _)) = edges.utmost(connection, trace, Edge::Last).await? {
        sums.last_ns = last.end_ns;
    }
    let found = if root_left { edges.utmost(connection, trace, Edge::Root).await? } else { None };
    if let Some((stand, row)) = &found {
        let (name, label) = (row.name.as_str(), row.label.as_deref());
        root = Some(Root { stand: *stand, name, label, kind: row.kind, origin: row.origin });
    }
    put(connection, trace, &sums, root.as_ref()).await
}

async fn put(
    connection: &mut SqliteConnection,
    trace: i64,
    sums: &Sums,
    root: Option<&Root<'_>>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE trace SET first_ns = ?2, last_ns = ?3, infra = infra + ?4, errors = errors + ?5 WHERE key = ?1",
    )
    .bind(trace)
    .bind(sums.first_ns)
    .bind(sums.last_ns)
    .bind(sums.infrastructure)
    .bind(sums.errors)
    .execute(&mut *connection)
    .await?;
    if let Some(root) = root {
        sqlx::query(
            "UPDATE trace SET root_inner = ?2, root_start_ns = ?3, root_id = ?4, root_name = ?5, root_label = ?6, \
             root_type = ?7, origin = ?8 WHERE key = ?1",
        )
        .bind(trace)
        .bind(root.stand.inner)
        .bind(root.stand.start_ns)
        .bind(root.stand.id)
        .bind(root.name)
        .bind(root.label)
        .bind(root.kind)
        .bind(root.origin)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
