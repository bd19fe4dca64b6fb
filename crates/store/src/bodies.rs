//! Bodies as segments and prefix chains: storing what is new, and putting a body together again.

mod cut;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::layout::{Part, append_patched, decode_parts, encode_parts};
use crate::{Store, StoreError, packing};

pub(crate) use cut::Cut;
use cut::{Packed, Piece, Segment};

type Hash = [u8; 32];
type NodeKey = [u8; 16];

/// Segments below this size are not worth compressing.
const PACKED_FROM: usize = 96;
/// Rows in one statement; SQLite takes 32,766 values.
const ROWS: usize = 500;
/// Ids remembered before asking the database again.
const REMEMBERED: usize = 20_000;
/// No body is larger than this; a larger claim is damage.
const LARGEST_SEGMENT: usize = 1 << 30;

/// Segments that were compressed lately and need not be again: nearly all of a conversation's next turn. Only a hint;
/// what turns out to be new after all is compressed when it is stored.
#[derive(Debug, Default)]
pub(crate) struct PackedLately {
    hashes: Mutex<HashSet<Hash>>,
}

impl PackedLately {
    /// Compresses what is new in `body`.
    pub(crate) fn pack(&self, body: &mut Cut) -> Result<(), StoreError> {
        for segment in body.segments_mut() {
            if self.is_new(segment.hash) {
                segment.packed = Some(pack(&segment.bytes)?);
            }
        }
        Ok(())
    }

    fn is_new(&self, hash: Hash) -> bool {
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        if hashes.len() > REMEMBERED {
            hashes.clear();
        }
        hashes.insert(hash)
    }
}

/// What storing some bodies gave.
pub(crate) struct NewSegments {
    /// For each body its coded layout.
    pub(crate) layouts: Vec<Vec<u8>>,
    /// For each body the segments nobody had stored before.
    pub(crate) introduced: Vec<Vec<i64>>,
}

/// The ids of segments and nodes: those that come next, and those met lately.
#[derive(Debug)]
pub(crate) struct SegmentIds {
    next_segment: i64,
    next_node: i64,
    segments: HashMap<Hash, i64>,
    nodes: HashMap<NodeKey, i64>,
}

impl SegmentIds {
    pub(crate) async fn load(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let ids = "SELECT coalesce((SELECT max(id) FROM segment), 0) + 1, coalesce((SELECT max(id) FROM node), 0) + 1";
        let (next_segment, next_node) = sqlx::query_as(ids).fetch_one(connection).await?;
        Ok(Self { next_segment, next_node, segments: HashMap::new(), nodes: HashMap::new() })
    }

    /// Forgets what was met: some of it may never have been committed.
    pub(crate) fn forget(&mut self) {
        self.segments.clear();
        self.nodes.clear();
    }

    /// Stores what is new in `bodies`.
    pub(crate) async fn store(
        &mut self,
        connection: &mut SqliteConnection,
        bodies: &[&Cut],
    ) -> Result<NewSegments, StoreError> {
        if self.segments.len() > REMEMBERED || self.nodes.len() > REMEMBERED {
            self.forget();
        }
        self.look_up(connection, bodies).await?;
        let (mut new_segments, mut new_nodes) = (Vec::new(), Vec::new());
        let (mut layouts, mut introduced) = (Vec::new(), Vec::new());
        for body in bodies {
            let (mut parts, mut fresh) = (Vec::new(), Vec::new());
            for piece in &body.pieces {
                parts.push(match piece {
                    Piece::Segment(segment) => {
                        Part::Segment(self.segment(segment, &mut new_segments, &mut fresh))
                    }
                    Piece::Chain(chain) => {
                        let mut parent = None;
                        for (key, segment, patch) in chain {
                            let segment = self.segment(segment, &mut new_segments, &mut fresh);
                            let next = &mut self.next_node;
                            let id = *self.nodes.entry(*key).or_insert_with(|| {
                                let id = *next;
                                *next += 1;
                                new_nodes.push((id, *key, parent, segment, patch.clone()));
                                id
                            });
                            parent = Some(id);
                        }
                        Part::Chain(parent.unwrap_or_default())
                    }
                });
            }
            layouts.push(encode_parts(&parts));
            introduced.push(fresh);
        }
        insert_segments(connection, &new_segments).await?;
        insert_nodes(connection, &new_nodes).await?;
        Ok(NewSegments { layouts, introduced })
    }

    fn segment<'a>(
        &mut self,
        segment: &'a Segment,
        new: &mut Vec<(i64, &'a Segment)>,
        fresh: &mut Vec<i64>,
    ) -> i64 {
        let next = &mut self.next_segment;
        *self.segments.entry(segment.hash).or_insert_with(|| {
            let id = *next;
            *next += 1;
            new.push((id, segment));
            fresh.push(id);
            id
        })
    }

    /// Learns the ids of what `bodies` need and the database has.
    async fn look_up(
        &mut self,
        connection: &mut SqliteConnection,
        bodies: &[&Cut],
    ) -> Result<(), StoreError> {
        let hashes: HashSet<Hash> = bodies
            .iter()
            .flat_map(|body| body.segments())
            .map(|segment| segment.hash)
            .filter(|hash| !self.segments.contains_key(hash))
            .collect();
        let hashes: Vec<Hash> = hashes.into_iter().collect();
        for some in hashes.chunks(ROWS) {
            let rows = find(connection, "SELECT hash, id FROM segment WHERE hash IN (", some).await?;
            self.segments.extend(rows);
        }
        let keys: HashSet<NodeKey> = bodies
            .iter()
            .flat_map(|body| body.node_keys())
            .filter(|key| !self.nodes.contains_key(key))
            .collect();
        let keys: Vec<NodeKey> = keys.into_iter().collect();
        for some in keys.chunks(ROWS) {
            let rows = find(connection, "SELECT key, id FROM node WHERE key IN (", some).await?;
            self.nodes.extend(rows);
        }
        Ok(())
    }
}

async fn find<const N: usize>(
    connection: &mut SqliteConnection,
    select: &'static str,
    keys: &[[u8; N]],
) -> Result<Vec<([u8; N], i64)>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(select);
    let mut list = query.separated(", ");
    for key in keys {
        list.push_bind(key.to_vec());
    }
    list.push_unseparated(")");
    let rows = query.build_query_as::<(Vec<u8>, i64)>().fetch_all(connection).await?;
    rows.into_iter()
        .map(|(key, id)| {
            Ok((key.try_into().map_err(|_| StoreError::Damaged("a key has a wrong length"))?, id))
        })
        .collect()
}

async fn insert_segments(
    connection: &mut SqliteConnection,
    new: &[(i64, &Segment)],
) -> Result<(), StoreError> {
    for some in new.chunks(ROWS) {
        let mut packed = Vec::with_capacity(some.len());
        for (_, segment) in some {
            packed.push(match &segment.packed {
                Some(packed) => packed.clone(),
                None => pack(&segment.bytes)?,
            });
        }
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT INTO segment (id, hash, raw_len, packed, bytes) ");
        query.push_values(some.iter().zip(packed), |mut row, ((id, segment), packed)| {
            row.push_bind(*id)
                .push_bind(segment.hash.to_vec())
                .push_bind(i64::try_from(segment.bytes.len()).unwrap_or(i64::MAX));
            match packed {
                Packed::Smaller(bytes) => row.push_bind(true).push_bind(bytes),
                Packed::AsIs => row.push_bind(false).push_bind(segment.bytes.to_vec()),
            };
        });
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

type NewNode = (i64, NodeKey, Option<i64>, i64, Option<Vec<u8>>);

async fn insert_nodes(connection: &mut SqliteConnection, new: &[NewNode]) -> Result<(), StoreError> {
    for some in new.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO node (id, key, parent, segment, patch) ");
        query.push_values(some, |mut row, (id, key, parent, segment, patch)| {
            row.push_bind(*id)
                .push_bind(key.to_vec())
                .push_bind(*parent)
                .push_bind(*segment)
                .push_bind(patch.clone());
        });
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Compressed, when that helps.
fn pack(bytes: &[u8]) -> Result<Packed, StoreError> {
    if bytes.len() < PACKED_FROM {
        return Ok(Packed::AsIs);
    }
    let packed = packing::pack(bytes)?;
    Ok(if packed.len() < bytes.len() { Packed::Smaller(packed) } else { Packed::AsIs })
}

/// The raw bytes of a segment.
pub(crate) fn unpack(row: &SqliteRow) -> Result<Vec<u8>, StoreError> {
    let (raw_len, packed, bytes): (i64, bool, Vec<u8>) =
        (row.try_get("raw_len")?, row.try_get("packed")?, row.try_get("bytes")?);
    if !packed {
        return Ok(bytes);
    }
    let raw_len = usize::try_from(raw_len).ok().filter(|len| *len <= LARGEST_SEGMENT);
    packing::unpack(&bytes, raw_len.ok_or(StoreError::Damaged("a segment's length is wrong"))?)
}

impl Store {
    /// The decoded bytes of body `id`, exactly as they were stored.
    pub(crate) async fn body_bytes(&self, id: i64) -> Result<Vec<u8>, StoreError> {
        let layout: Vec<u8> = sqlx::query_scalar("SELECT layout FROM body WHERE id = ?")
            .bind(id)
            .fetch_one(&self.inner.read)
            .await?;
        let mut body = Vec::new();
        for part in decode_parts(&layout)? {
            match part {
                Part::Segment(id) => body.extend_from_slice(&self.segment_bytes(id).await?),
                Part::Chain(node) => self.append_chain(node, &mut body).await?,
            }
        }
        Ok(body)
    }

    /// The raw bytes of one segment.
    async fn segment_bytes(&self, id: i64) -> Result<Vec<u8>, StoreError> {
        let row = sqlx::query("SELECT raw_len, packed, bytes FROM segment WHERE id = ?")
            .bind(id)
            .fetch_one(&self.inner.read)
            .await?;
        unpack(&row)
    }

    /// The rows of some segments, by id, for [`unpack`]. One that is not there is left out.
    pub(crate) async fn segment_rows(&self, ids: &[i64]) -> Result<HashMap<i64, SqliteRow>, StoreError> {
        let mut found = HashMap::new();
        for some in ids.chunks(ROWS) {
            let mut query =
                QueryBuilder::<Sqlite>::new("SELECT id, raw_len, packed, bytes FROM segment WHERE id IN (");
            let mut list = query.separated(", ");
            for id in some {
                list.push_bind(*id);
            }
            list.push_unseparated(")");
            for row in query.build().persistent(false).fetch_all(&self.inner.read).await? {
                found.insert(row.try_get("id")?, row);
            }
        }
        Ok(found)
    }

    /// Bytes that all segments take, compressed: what the distinct content of all bodies costs.
    pub async fn stored_segment_bytes(&self) -> Result<u64, StoreError> {
        let bytes: i64 = sqlx::query_scalar("SELECT coalesce(sum(length(bytes)), 0) FROM segment")
            .fetch_one(&self.inner.read)
            .await?;
        Ok(bytes.unsigned_abs())
    }

    async fn append_chain(&self, node: i64, body: &mut Vec<u8>) -> Result<(), StoreError> {
        let path = "WITH RECURSIVE path (id, parent, segment, patch, depth) AS (
                SELECT id, parent, segment, patch, 0 FROM node WHERE id = ?
                UNION ALL
                SELECT node.id, node.parent, node.segment, node.patch, depth + 1
                FROM path JOIN node ON node.id = path.parent
            )
            SELECT path.patch, raw_len, packed, bytes FROM path JOIN segment ON segment.id = path.segment
            ORDER BY depth DESC";
        for row in sqlx::query(path).bind(node).fetch_all(&self.inner.read).await? {
            let patch: Option<Vec<u8>> = row.try_get("patch")?;
            append_patched(body, &unpack(&row)?, patch.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }
}
