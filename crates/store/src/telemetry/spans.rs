//! Rows of the table `span`: writing them, those that were sent twice once. Leaves out their traces' rows (`traces`).

use std::collections::{HashMap, HashSet};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::Hash;
use super::packs::{Spot, Written};
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
    /// Of the record, encoded.
    pub(super) len: usize,
    pub(super) said: Hash,
}

/// A row with its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyed<'a> {
    pub(super) trace: i64,
    pub(super) origin: i64,
    pub(super) place: i64,
    pub(super) row: &'a SpanRow,
}

impl Keyed<'_> {
    pub(super) fn stand(&self) -> Stand {
        let row = self.row;
        Stand::new(row.id, row.parent, row.start_ns, row.duration_ns)
    }
}

/// Where a span stands in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) id: i64,
    /// It has a parent.
    pub(super) inner: bool,
    pub(super) start_ns: i64,
    pub(super) end_ns: i64,
}

impl Stand {
    fn new(id: i64, parent: Option<i64>, start_ns: i64, duration_ns: i64) -> Self {
        Self { id, inner: parent.is_some(), start_ns, end_ns: start_ns.saturating_add(duration_ns.max(0)) }
    }
}

/// A row that says something else than the one that was there, and took its place.
#[derive(Debug)]
pub(super) struct Replaced<'a> {
    pub(super) before: There,
    pub(super) now: Keyed<'a>,
}

/// What became of rows.
#[derive(Debug, Default)]
pub(super) struct Put<'a> {
    /// For each row whether it was not there.
    pub(super) new: Vec<bool>,
    /// In the order of the rows, which is that of their traces.
    pub(super) replaced: Vec<Replaced<'a>>,
    /// Places of those that are there to the byte: nothing was written for them.
    pub(super) same: HashSet<i64>,
}

/// Writes rows. One that was there is replaced, unless it ended and its successor did not, or says the very same; the call
/// that it is stays.
pub(super) async fn put<'a>(
    connection: &mut SqliteConnection,
    rows: &[Keyed<'a>],
) -> Result<Put<'a>, StoreError> {
    let mut put = Put { new: Vec::with_capacity(rows.len()), ..Put::default() };
    let mut written = Written::default();
    for some in statements(rows, ROWS) {
        let inserted = insert(connection, some, " ON CONFLICT DO NOTHING").await?;
        if inserted == some.len() as u64 {
            put.new.extend(some.iter().map(|_| true));
            continue;
        }
        let mut there = there(connection, some).await?;
        let (mut again, mut orphans) = (Vec::new(), Vec::new());
        for keyed in some {
            let at = (keyed.trace, keyed.row.id);
            let before = there.remove(&at).ok_or(StoreError::Damaged("a span was not written"))?;
            let is_new = before.place == keyed.place;
            put.new.push(is_new);
            if is_new || !before.gives_way(keyed) {
                orphans.extend((!is_new).then_some(keyed.place));
                there.insert(at, before);
                continue;
            }
            let differs = before.differs(keyed);
            let row = keyed.row;
            if !differs
                && before.tool_call == row.tool_call
                && written.has(connection, before.place, row.len, &row.said).await?
            {
                put.same.insert(keyed.place);
                orphans.push(keyed.place);
                there.insert(at, before);
                continue;
            }
            again.push(*keyed);
            orphans.push(before.place);
            // Of one that is there more than once in these rows, each replaces the one before.
            there.insert(at, There::from(keyed));
            if differs {
                put.replaced.push(Replaced { before, now: *keyed });
            }
        }
        for some in statements(&again, ROWS) {
            insert(connection, some, REPLACE).await?;
        }
        put_orphans(connection, &orphans).await?;
    }
    Ok(put)
}

const REPLACE: &str = " ON CONFLICT DO UPDATE SET parent = excluded.parent, origin = excluded.origin, \
    start_ns = excluded.start_ns, duration_ns = excluded.duration_ns, type = excluded.type, flags = excluded.flags, \
    name = excluded.name, label = excluded.label, ref = excluded.ref, place = excluded.place";

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
#[derive(Debug)]
pub(super) struct There {
    parent: Option<i64>,
    pub(super) origin: i64,
    start_ns: i64,
    duration_ns: i64,
    pub(super) kind: i64,
    pub(super) flags: i64,
    pub(super) name: String,
    pub(super) label: Option<String>,
    tool_call: Option<String>,
    place: i64,
}

impl From<&Keyed<'_>> for There {
    fn from(keyed: &Keyed<'_>) -> Self {
        let row = keyed.row;
        Self {
            parent: row.parent,
            origin: keyed.origin,
            start_ns: row.start_ns,
            duration_ns: row.duration_ns,
            kind: row.kind,
            flags: row.flags,
            name: row.name.clone(),
            label: row.label.clone(),
            tool_call: row.tool_call.clone(),
            place: keyed.place,
        }
    }
}

impl There {
    fn read(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            parent: row.try_get("parent")?,
            origin: row.try_get("origin")?,
            start_ns: row.try_get("start_ns")?,
            duration_ns: row.try_get("duration_ns")?,
            kind: row.try_get("type")?,
            flags: row.try_get("flags")?,
            name: row.try_get("name")?,
            label: row.try_get("label")?,
            tool_call: row.try_get("ref")?,
            place: row.try_get("place")?,
        })
    }

    /// With this id.
    pub(super) fn stand(&self, id: i64) -> Stand {
        Stand::new(id, self.parent, self.start_ns, self.duration_ns)
    }

    /// One that ended stays where its successor did not.
    const fn gives_way(&self, keyed: &Keyed<'_>) -> bool {
        keyed.row.duration_ns >= 0 || self.duration_ns < 0
    }

    fn differs(&self, keyed: &Keyed<'_>) -> bool {
        let row = keyed.row;
        (self.parent, self.origin, self.start_ns, self.duration_ns, self.kind, self.flags)
            != (row.parent, keyed.origin, row.start_ns, row.duration_ns, row.kind, row.flags)
            || (self.name.as_str(), self.label.as_deref()) != (row.name.as_str(), row.label.as_deref())
    }
}

const THERE: &str =
    "SELECT trace, id, parent, origin, start_ns, duration_ns, type, flags, name, label, ref, place FROM span";

async fn there(
    connection: &mut SqliteConnection,
    rows: &[Keyed<'_>],
) -> Result<HashMap<(i64, i64), There>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(THERE);
    query.push(" WHERE (trace, id) IN (");
    query.push_values(rows, |mut columns, keyed| {
        columns.push_bind(keyed.trace).push_bind(keyed.row.id);
    });
    query.push(")");
    let rows = query.build().fetch_all(connection).await?;
    let read = |row: &SqliteRow| Ok(((row.try_get("trace")?, row.try_get("id")?), There::read(row)?));
    rows.iter().map(read).collect()
}

/// The row of one span.
pub(super) async fn one(
    connection: &mut SqliteConnection,
    trace: i64,
    id: i64,
) -> Result<Option<There>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(THERE);
    query.push(" WHERE trace = ").push_bind(trace).push(" AND id = ").push_bind(id);
    query.build().fetch_optional(connection).await?.as_ref().map(There::read).transpose()
}
