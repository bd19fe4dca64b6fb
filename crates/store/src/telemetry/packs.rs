//! Packs of records: making them ready, writing them, reading a record again. Leaves out what a record is.

use std::collections::HashMap;

use bytes::Bytes;
use model::telemetry::wire;
use serde::de::DeserializeOwned;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

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

/// Writes packs, the first with the number `first`.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    first: i64,
    packs: &[Packed],
) -> Result<(), StoreError> {
    let mut id = first;
    for some in statements(packs, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO report_pack (id, raw_len, bytes) ");
        query.push_values(some, |mut row, pack| {
            let raw_len = i64::try_from(pack.raw_len).unwrap_or(i64::MAX);
            row.push_bind(id).push_bind(raw_len).push_bind(pack.bytes.as_slice());
            id += 1;
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
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
        let (id, at) = (place >> AT_BITS, place & ((1 << AT_BITS) - 1));
        let pack = self.whole(id).await?;
        // A record says itself where it ends.
        let record = usize::try_from(at).ok().and_then(|at| pack.get(at..)).and_then(wire::decode);
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
