//! Packs of records: making them ready, writing them, reading a record again. Leaves out what a record is.

use std::collections::HashMap;

use bytes::Bytes;
use model::telemetry::wire;
use serde::de::DeserializeOwned;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{Hash, hash};
use crate::row::statements;
use crate::{Store, StoreError, packing};

/// A pack that has this many bytes takes no more records: reading one unpacks all of it.
const FULL: usize = 64 << 10;
/// Records begin below this in their pack.
pub(super) const AT_BITS: u32 = 17;
/// No pack is larger than this; a larger claim is damage.
const LARGEST: usize = 1 << 30;
/// Bytes of unpacked packs that a reader holds on to.
const HELD: usize = 16 << 20;
/// Packs that a transaction unpacks to know records again; some tens of milliseconds.
const COMPARED: usize = 256;
/// Rows in one statement.
const ROWS: usize = 16;

/// Where a record stands in packs that have no number yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pack: u32,
    at: u32,
}

impl Spot {
    /// As it is stored, once the first of its packs has the number `first`.
    pub(super) fn place(self, first: i64) -> i64 {
        ((first + i64::from(self.pack)) << AT_BITS) + i64::from(self.at)
    }
}

/// A pack as it is written.
#[derive(Debug)]
pub(super) struct Packed {
    raw_len: usize,
    bytes: Vec<u8>,
}

/// The pack that is being filled, and those that are full.
#[derive(Debug, Default)]
pub(super) struct Packer {
    raw: Vec<u8>,
    full: Vec<Packed>,
}

impl Packer {
    /// Adds one encoded record.
    pub(super) fn add(&mut self, record: &[u8]) -> Result<Spot, StoreError> {
        if self.raw.len() >= FULL {
            self.close()?;
        }
        let too_many = StoreError::Damaged("a batch is too large to be packed");
        let (pack, at) = (u32::try_from(self.full.len()), u32::try_from(self.raw.len()));
        let (Ok(pack), Ok(at)) = (pack, at) else { return Err(too_many) };
        self.raw.extend_from_slice(record);
        Ok(Spot { pack, at })
    }

    /// All packs, the last one as full as it is.
    pub(super) fn finish(mut self) -> Result<Vec<Packed>, StoreError> {
        if !self.raw.is_empty() {
            self.close()?;
        }
        Ok(self.full)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.full.push(Packed { raw_len: self.raw.len(), bytes: packing::pack(&self.raw)? });
        self.raw.clear();
        Ok(())
    }
}

/// Writes packs with their numbers.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    packs: &[(i64, &Packed)],
) -> Result<(), StoreError> {
    for some in statements(packs, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO report_pack (id, raw_len, bytes) ");
        query.push_values(some, |mut row, (id, pack)| {
            let raw_len = i64::try_from(pack.raw_len).unwrap_or(i64::MAX);
            row.push_bind(*id).push_bind(raw_len).push_bind(pack.bytes.as_slice());
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// The pack that a place lies in.
pub(super) const fn pack_of(place: i64) -> i64 {
    place >> AT_BITS
}

/// Where in its pack a place is.
fn at(place: i64) -> Option<usize> {
    usize::try_from(place & ((1 << AT_BITS) - 1)).ok()
}

/// Tells while a transaction writes whether records are there already, to the byte.
#[derive(Debug, Default)]
pub(super) struct Written {
    packs: HashMap<i64, Vec<u8>>,
    held: usize,
    unpacked: usize,
}

impl Written {
    /// Whether the record at `place` has these bytes: so many, with this hash. It is not said to when too much would have
    /// to be read for it while others wait to write, or when its pack cannot be read.
    pub(super) async fn has(
        &mut self,
        connection: &mut SqliteConnection,
        place: i64,
        len: usize,
        said: &Hash,
    ) -> Result<bool, StoreError> {
        let id = pack_of(place);
        if !self.packs.contains_key(&id) {
            if self.unpacked >= COMPARED {
                return Ok(false);
            }
            self.unpacked += 1;
            let select = sqlx::query_as("SELECT raw_len, bytes FROM report_pack WHERE id = ?").bind(id);
            let row: Option<(i64, Vec<u8>)> = select.fetch_optional(connection).await?;
            let pack = row.and_then(|(raw_len, packed)| {
                let raw_len = usize::try_from(raw_len).ok().filter(|len| *len <= LARGEST)?;
                packing::unpack(&packed, raw_len).ok()
            });
            let pack = pack.unwrap_or_default();
            if self.held + pack.len() > HELD {
                self.packs.clear();
                self.held = 0;
            }
            self.held += pack.len();
            self.packs.insert(id, pack);
        }
        let record = self.packs.get(&id).zip(at(place)).and_then(|(pack, at)| pack.get(at..)?.get(..len));
        Ok(record.is_some_and(|record| hash(record) == *said))
    }
}

/// Reads records, unpacking each pack once.
pub(crate) struct Records<'a> {
    store: &'a Store,
    packs: HashMap<i64, Bytes>,
    held: usize,
}

impl<'a> Records<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, packs: HashMap::new(), held: 0 }
    }

    /// The record at `place`.
    pub(crate) async fn get<T: DeserializeOwned>(&mut self, place: i64) -> Result<T, StoreError> {
        let pack = self.whole(pack_of(place)).await?;
        // A record says itself where it ends.
        let record = at(place).and_then(|at| pack.get(at..)).and_then(wire::decode);
        record.ok_or(StoreError::Damaged("a report cannot be read"))
    }

    /// All bytes of a pack.
    pub(super) async fn whole(&mut self, id: i64) -> Result<Bytes, StoreError> {
        match self.packs.get(&id) {
            Some(pack) => Ok(pack.clone()),
            None => self.unpack(id).await,
        }
    }

    async fn unpack(&mut self, id: i64) -> Result<Bytes, StoreError> {
        let select = sqlx::query_as("SELECT raw_len, bytes FROM report_pack WHERE id = ?").bind(id);
        let row: Option<(i64, Vec<u8>)> = select.fetch_optional(&self.store.inner.read).await?;
        let (raw_len, packed) = row.ok_or(StoreError::Damaged("a pack of reports is missing"))?;
        let raw_len = usize::try_from(raw_len).ok().filter(|len| *len <= LARGEST);
        let raw_len = raw_len.ok_or(StoreError::Damaged("a pack's length is wrong"))?;
        let pack = Bytes::from(packing::unpack(&packed, raw_len)?);
        if self.held + pack.len() > HELD {
            self.packs.clear();
            self.held = 0;
        }
        self.held += pack.len();
        self.packs.insert(id, pack.clone());
        Ok(pack)
    }
}

/// A value in a column of its own, compressed.
pub(crate) fn decompressed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let raw = packing::unpack(bytes, LARGEST)?;
    wire::decode(&raw).ok_or(StoreError::Damaged("a report cannot be read"))
}
