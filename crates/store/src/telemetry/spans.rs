//! Rows of the table `span`: writing them, those that were sent twice once. Leaves out their traces' rows (`traces`).

use std::collections::{HashMap, HashSet};

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::packs::Spot;
use super::remove::put_orphans;
use crate::StoreError;
use crate::row::statements;

/// Rows in one statement, of 12 columns each.
const ROWS: usize = 128;

/// Bits of `span.flags`.
pub(crate) const FAILED: i64 = 1;
pub(crate) const INFRASTRUCTURE: i64 = 2;
pub(crate) const ECHO: i64 = 4;

/// A row whose trace and origin are numbers in their batch.
#[derive(Debug)]
pub(super) struct SpanRow {
    pub(super) trace: usize,
    pub(super) id: i64,
    pub(super) parent: Option<i64>,
    pub(super) origin: usize,
    pub(super) start_ns: i64,
    pub(super) duration_ns: i64,
    pub(super) kind: i64,
    pub(super) flags: i64,
    pub(super) name: String,
    pub(super) label: Option<String>,
    pub(super) tool_call: Option<String>,
    pub(super) spot: Spot,
}

/// A row with its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyed<'a> {
    pub(super) trace: i64,
    pub(super) origin: i64,
    pub(super) place: i64,
    pub(super) row: &'a SpanRow,
}

/// What became of rows.
#[derive(Debug, Default)]
pub(super) struct Put {
    /// For each row whether it was not there.
    pub(super) new: Vec<bool>,
    /// Traces of which a span was replaced by one that says something else: their sums are to be taken again.
    pub(super) changed: Vec<i64>,
}

/// Writes rows. One that was there is replaced, unless it ended and its successor did not; the call that it is stays.
pub(super) async fn put(connection: &mut SqliteConnection, rows: &[Keyed<'_>]) -> Result<Put, StoreError> {
    let mut put = Put { new: Vec::with_capacity(rows.len()), changed: Vec::new() };
    for some in statements(rows, ROWS) {
        let inserted = insert(connection, some, " ON CONFLICT DO NOTHING").await?;
        if inserted == some.len() as u64 {
            put.new.extend(some.iter().map(|_| true));
            continue;
        }
        let there = there(connection, some).await?;
        let mut again = Vec::new();
        for keyed in some {
            let before = there.get(&(keyed.trace, keyed.row.id));
            let is_new = before.is_some_and(|before| before.place == keyed.place);
            put.new.push(is_new);
            if !is_new {
                again.push(*keyed);
                put.changed.extend(before.is_none_or(|before| before.differs(keyed)).then_some(keyed.trace));
            }
        }
        for some in statements(&again, ROWS) {
            insert(connection, some, REPLACE).await?;
        }
        if !again.is_empty() {
            let stays = self::there(connection, some).await?;
            let stays: HashSet<i64> = stays.into_values().map(|row| row.place).collect();
            let before = there.into_values().map(|row| row.place);
            let came = again.iter().map(|keyed| keyed.place);
            let orphans: Vec<i64> = before.chain(came).filter(|place| !stays.contains(place)).collect();
            put_orphans(connection, &orphans).await?;
        }
    }
    Ok(put)
}

const REPLACE: &str = " ON CONFLICT DO UPDATE SET parent = excluded.parent, origin = excluded.origin, \
    start_ns = excluded.start_ns, duration_ns = excluded.duration_ns, type = excluded.type, flags = excluded.flags, \
    name = excluded.name, label = excluded.label, ref = excluded.ref, place = excluded.place \
    WHERE excluded.duration_ns >= 0 OR duration_ns < 0";

async fn insert(
    connection: &mut SqliteConnection,
    rows: &[Keyed<'_>],
    otherwise: &'static str,
) -> Result<u64, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO span (trace, id, parent, origin, start_ns, duration_ns, type, flags, name, label, ref, place) ",
    );
    query.push_values(rows, |mut columns, Keyed { trace, origin, place, row }| {
        columns
            .push_bind(*trace)
            .push_bind(row.id)
            .push_bind(row.parent)
            .push_bind(*origin)
            .push_bind(row.start_ns)
            .push_bind(row.duration_ns)
            .push_bind(row.kind)
            .push_bind(row.flags)
            .push_bind(row.name.as_str())
            .push_bind(row.label.as_deref())
            .push_bind(row.tool_call.as_deref())
            .push_bind(*place);
    });
    query.push(otherwise);
    Ok(query.build().execute(connection).await?.rows_affected())
}

/// A row that stands in the table.
struct There {
    parent: Option<i64>,
    origin: i64,
    start_ns: i64,
    duration_ns: i64,
    kind: i64,
    flags: i64,
    name: String,
    label: Option<String>,
    place: i64,
}

impl There {
    fn differs(&self, keyed: &Keyed<'_>) -> bool {
        let row = keyed.row;
        (self.parent, self.origin, self.start_ns, self.duration_ns, self.kind, self.flags)
            != (row.parent, keyed.origin, row.start_ns, row.duration_ns, row.kind, row.flags)
            || (self.name.as_str(), self.label.as_deref()) != (row.name.as_str(), row.label.as_deref())
    }
}

async fn there(
    connection: &mut SqliteConnection,
    rows: &[Keyed<'_>],
) -> Result<HashMap<(i64, i64), There>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT trace, id, parent, origin, start_ns, duration_ns, type, flags, name, label, place FROM span \
         WHERE (trace, id) IN (",
    );
    query.push_values(rows, |mut columns, keyed| {
        columns.push_bind(keyed.trace).push_bind(keyed.row.id);
    });
    query.push(")");
    let rows = query.build().fetch_all(connection).await?;
    let mut there = HashMap::with_capacity(rows.len());
    for row in rows {
        let found = There {
            parent: row.try_get("parent")?,
            origin: row.try_get("origin")?,
            start_ns: row.try_get("start_ns")?,
            duration_ns: row.try_get("duration_ns")?,
            kind: row.try_get("type")?,
            flags: row.try_get("flags")?,
            name: row.try_get("name")?,
            label: row.try_get("label")?,
            place: row.try_get("place")?,
        };
        there.insert((row.try_get("trace")?, row.try_get("id")?), found);
    }
    Ok(there)
}
