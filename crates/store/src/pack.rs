//! Packs: stretches of bytes that are compressed and written together. Making them, and reading from them.
//! Leaves out what the bytes are (`bodies`, `record`).

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use bytes::Bytes;
use futures_util::TryStreamExt;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::known::{Key, Known, Met, list};
use crate::layout::Place;
use crate::row::statements;
use crate::{Store, StoreError, packing};

/// A pack that has this many bytes takes no more calls: reading one of its stretches unpacks all of it.
const FULL: usize = 64 << 10;
/// No pack is larger than this; a larger claim is damage.
const LARGEST: usize = 1 << 30;
const TOO_LARGE: StoreError = StoreError::Damaged("a call is too large for a pack");
/// Bytes of unpacked packs that a reader holds on to.
const HELD: usize = 16 << 20;
/// Larger ones are unpacked one at a time.
const FETCHED: usize = 1 << 20;
/// Rows in one statement.
const ROWS: usize = 16;
const EDGES: usize = 128;
/// Packs whose lists are learnt at once.
const RECALLED: i64 = 512;

/// A pack as it is written.
#[derive(Debug)]
pub(crate) struct Packed {
    id: i64,
    raw_len: i64,
    known: Vec<u8>,
    bytes: Vec<u8>,
    /// Earlier packs that it names something of.
    needs: BTreeSet<i64>,
}

/// The pack that is being filled.
#[derive(Debug)]
pub(crate) struct Packer<'a> {
    pub(crate) known: &'a mut Known,
    id: i64,
    raw: Vec<u8>,
    listed: Vec<u8>,
    needs: BTreeSet<i64>,
    first: i64,
    full: Vec<Packed>,
}

impl<'a> Packer<'a> {
    pub(crate) fn new(known: &'a mut Known) -> Self {
        let id = known.next_pack();
        let raw = Vec::with_capacity(FULL + FULL / 4);
        Self { known, id, raw, listed: Vec::new(), needs: BTreeSet::new(), first: id, full: Vec::new() }
    }

    /// The pack that stretches go to now.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// Where the next stretch begins.
    pub(crate) fn len(&self) -> Result<u32, StoreError> {
        u32::try_from(self.raw.len()).map_err(|_| TOO_LARGE)
    }

    /// Adds `bytes`.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<Place, StoreError> {
        let at = self.len()?;
        let len = u32::try_from(bytes.len()).map_err(|_| TOO_LARGE)?;
        self.raw.extend_from_slice(bytes);
        Ok(Place { pack: self.id, at, len })
    }

    /// Something of this pack names `place`.
    pub(crate) fn name(&mut self, place: Place) {
        if place.pack != self.id {
            self.needs.insert(place.pack);
        }
    }

    /// From now on `key` is known to be `met`, a stretch of this pack.
    pub(crate) fn remember(&mut self, key: Key, met: Met) {
        self.known.put(key, met);
        list(&mut self.listed, &key, met);
    }

    /// A call is complete: the next one goes to another pack if this one is full.
    pub(crate) fn end_call(&mut self) -> Result<(), StoreError> {
        if self.raw.len() >= FULL { self.close() } else { Ok(()) }
    }

    /// All packs, the last one as full as it is.
    /// And the numbers that were given out for them.
    pub(crate) fn finish(mut self) -> Result<(Vec<Packed>, Range<i64>), StoreError> {
        self.close()?;
        let packs = self.known.begin(self.first);
        Ok((self.full, packs))
    }

    fn close(&mut self) -> Result<(), StoreError> {
        if self.raw.is_empty() {
            return Ok(());
        }
        self.full.push(Packed {
            id: self.id,
            raw_len: i64::try_from(self.raw.len()).unwrap_or(i64::MAX),
            known: std::mem::take(&mut self.listed),
            bytes: packing::pack(&self.raw)?,
            needs: std::mem::take(&mut self.needs),
        });
        self.raw.clear();
        self.id = self.known.next_pack();
        Ok(())
    }
}

pub(crate) async fn put_packs(connection: &mut SqliteConnection, packs: &[Packed]) -> Result<(), StoreError> {
    for some in statements(packs, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO pack (id, raw_len, known, bytes) ");
        query.push_values(some, |mut row, pack| {
            row.push_bind(pack.id)
                .push_bind(pack.raw_len)
                .push_bind(pack.known.as_slice())
                .push_bind(pack.bytes.as_slice());
        });
        query.build().execute(&mut *connection).await?;
    }
    let edges: Vec<(i64, i64)> =
        packs.iter().flat_map(|pack| pack.needs.iter().map(|target| (*target, pack.id))).collect();
    put_edges(connection, &edges).await
}

/// Notes which pack (the first of each pair) is needed by which.
pub(crate) async fn put_edges(
    connection: &mut SqliteConnection,
    edges: &[(i64, i64)],
) -> Result<(), StoreError> {
    for some in statements(edges, EDGES) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT OR IGNORE INTO pack_edge (target, source) ");
        query.push_values(some, |mut row, (target, source)| {
            row.push_bind(*target).push_bind(*source);
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// The id after the last pack's.
pub(crate) async fn next_id(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(id), 0) + 1 FROM pack").fetch_one(connection).await?)
}

impl Store {
    /// Learns what the latest packs hold, so that what is stored there is not stored again.
    pub async fn recall(&self) -> Result<(), StoreError> {
        let select = "SELECT id, known FROM pack WHERE id < ? ORDER BY id DESC LIMIT ?";
        let mut before = i64::MAX;
        loop {
            let epoch = self.known().epoch();
            let packs: Vec<(i64, Vec<u8>)> =
                sqlx::query_as(select).bind(before).bind(RECALLED).fetch_all(&self.inner.read).await?;
            let Some((last, _)) = packs.last() else { return Ok(()) };
            let mut known = self.known();
            // What was read may be gone: it is read again.
            if known.epoch() != epoch {
                continue;
            }
            before = *last;
            for (id, listed) in &packs {
                if !known.recall(*id, listed)? {
                    return Ok(());
                }
            }
        }
    }

    /// Bytes that all packs take, compressed: what all records and the distinct content of all bodies cost.
    pub async fn packed_bytes(&self) -> Result<u64, StoreError> {
        let bytes: i64 = sqlx::query_scalar("SELECT coalesce(sum(length(bytes)), 0) FROM pack")
            .fetch_one(&self.inner.read)
            .await?;
        Ok(bytes.unsigned_abs())
    }
}

/// Reads stretches, unpacking each pack once.
pub(crate) struct Reader<'a> {
    store: &'a Store,
    packs: HashMap<i64, Bytes>,
    held: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, packs: HashMap::new(), held: 0 }
    }

    /// The bytes at `place`.
    pub(crate) async fn stretch(&mut self, place: Place) -> Result<Bytes, StoreError> {
        let pack = match self.packs.get(&place.pack) {
            Some(pack) => pack.clone(),
            None => self.unpack(place.pack).await?,
        };
        let (from, len) = (place.at as usize, place.len as usize);
        match from.checked_add(len) {
            Some(to) if to <= pack.len() => Ok(pack.slice(from..to)),
            _ => Err(StoreError::Damaged("a pack is shorter than what stands in it")),
        }
    }

    /// All bytes of a pack; `None` when there is none.
    pub(crate) async fn whole(&mut self, id: i64) -> Result<Option<Bytes>, StoreError> {
        let there = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pack WHERE id = ?)").bind(id);
        let there: bool = there.fetch_one(&self.store.inner.read).await?;
        match self.packs.get(&id) {
            _ if !there => Ok(None),
            Some(pack) => Ok(Some(pack.clone())),
            None => self.unpack(id).await.map(Some),
        }
    }

    /// Unpacks those of these packs that are there, with one question for all of them. What is wrong with one is said when
    /// something of it is read.
    pub(crate) async fn fetch(&mut self, ids: Vec<i64>) -> Result<(), StoreError> {
        let ids: BTreeSet<i64> = ids.into_iter().filter(|id| !self.packs.contains_key(id)).collect();
        if ids.len() < 2 {
            return Ok(());
        }
        if self.held > HELD / 2 {
            self.packs.clear();
            self.held = 0;
        }
        let select = "SELECT id, raw_len, bytes FROM pack WHERE id IN (SELECT value FROM json_each(?)) AND raw_len <= ?";
        let ids = serde_json::to_string(&ids)?;
        let select = sqlx::query_as(select).bind(ids).bind(FETCHED as i64);
        let mut rows = select.fetch(&self.store.inner.read);
        while let Some((id, raw_len, packed)) = rows.try_next().await? {
            let packed: Vec<u8> = packed;
            if self.held + FETCHED > HELD {
                break;
            }
            let _wrong = self.hold(id, raw_len, &packed);
        }
        Ok(())
    }

    async fn unpack(&mut self, id: i64) -> Result<Bytes, StoreError> {
        let select = sqlx::query_as("SELECT raw_len, bytes FROM pack WHERE id = ?").bind(id);
        let row: Option<(i64, Vec<u8>)> = select.fetch_optional(&self.store.inner.read).await?;
        let (raw_len, packed) = row.ok_or(StoreError::Damaged("a pack is missing"))?;
        self.hold(id, raw_len, &packed)
    }

    fn hold(&mut self, id: i64, raw_len: i64, packed: &[u8]) -> Result<Bytes, StoreError> {
        let raw_len = usize::try_from(raw_len).ok().filter(|len| *len <= LARGEST);
        let raw_len = raw_len.ok_or(StoreError::Damaged("a pack's length is wrong"))?;
        let pack = Bytes::from(packing::unpack(packed, raw_len)?);
        if self.held + pack.len() > HELD {
            self.packs.clear();
            self.held = 0;
        }
        self.held += pack.len();
        self.packs.insert(id, pack.clone());
        Ok(pack)
    }
}
