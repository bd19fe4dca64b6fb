//! What stands in a pack and what that names: records name the stretches and chains of their bodies, a chain the one it
//! goes on from and its own elements. Leaves out deciding what is still needed (`sweep`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bytes::Bytes;

use crate::known::listing;
use crate::layout::{Part, Place, decode_chain, decode_parts};
use crate::pack::Reader;
use crate::{Store, StoreError, record};

/// A place that something names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) place: Place,
    /// A chain stands there; else bytes.
    pub(crate) chain: bool,
}

/// A chain, by where it begins.
pub(crate) type At = (i64, u32);

/// What stands in one pack.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    /// Records of calls that are there, and what they name.
    pub(crate) records: Vec<(Place, Vec<Named>)>,
    /// Chains that the pack lists, and what they name.
    pub(crate) chains: BTreeMap<u32, Vec<Named>>,
    /// Chains that its records name.
    pub(crate) by_record: HashSet<At>,
    /// Chains that its chains name, and which of them do.
    pub(crate) by_chain: HashMap<At, Vec<u32>>,
}

impl Inside {
    /// Other packs than `own` that something in it names.
    pub(crate) fn needs(&self, own: i64) -> BTreeSet<i64> {
        let records = self.records.iter().flat_map(|(_, named)| named);
        let named = records.chain(self.chains.values().flatten()).map(|named| named.place.pack);
        named.filter(|pack| *pack != own).collect()
    }
}

/// What the record that is coded in pack `own` names.
pub(crate) fn of_record(own: i64, coded: &[u8]) -> Result<Vec<Named>, StoreError> {
    let parts = record::parts(coded)?;
    let client = record::client_layouts(&parts)?;
    let mut named = Vec::new();
    for layout in parts.layouts.into_iter().chain(client.iter().map(Vec::as_slice)) {
        named.extend(decode_parts(own, layout)?.into_iter().map(|part| match part {
            Part::Stretch(place) => Named { place, chain: false },
            Part::Chain(place, _) => Named { place, chain: true },
        }));
    }
    Ok(named)
}

/// What the chain that is coded in pack `own` names.
pub(crate) fn of_chain(own: i64, coded: &[u8]) -> Result<Vec<Named>, StoreError> {
    let chain = decode_chain(own, coded)?;
    let base = chain.base.into_iter().map(|place| Named { place, chain: true });
    Ok(base.chain(chain.own.into_iter().map(|place| Named { place, chain: false })).collect())
}

/// The bytes at a place of its pack.
pub(crate) fn slice(raw: &Bytes, at: u32, len: u32) -> Result<&[u8], StoreError> {
    let from = at as usize;
    let bytes = from.checked_add(len as usize).and_then(|to| raw.get(from..to));
    bytes.ok_or(StoreError::Damaged("a pack is shorter than what stands in it"))
}

impl Store {
    /// What stands in pack `id`; `None` when there is no such pack.
    pub(crate) async fn inside(
        &self,
        reader: &mut Reader<'_>,
        id: i64,
    ) -> Result<Option<Inside>, StoreError> {
        let Some(raw) = reader.whole(id).await? else { return Ok(None) };
        let listed = sqlx::query_scalar("SELECT known FROM pack WHERE id = ?").bind(id);
        let listed: Option<Vec<u8>> = listed.fetch_optional(&self.inner.read).await?;
        let records = sqlx::query_as("SELECT at, len FROM call_record WHERE pack = ?").bind(id);
        let records: Vec<(u32, u32)> = records.fetch_all(&self.inner.read).await?;
        let mut inside = Inside::default();
        for (at, len) in records {
            let named = of_record(id, slice(&raw, at, len)?)?;
            let chains = named.iter().filter(|named| named.chain);
            inside.by_record.extend(chains.map(|named| (named.place.pack, named.place.at)));
            inside.records.push((Place { pack: id, at, len }, named));
        }
        for (_, met) in listing(id, &listed.unwrap_or_default())? {
            if met.depth == 0 {
                continue;
            }
            let Place { at, len, .. } = met.place;
            let named = of_chain(id, slice(&raw, at, len)?)?;
            for chain in named.iter().filter(|named| named.chain) {
                inside.by_chain.entry((chain.place.pack, chain.place.at)).or_default().push(at);
            }
            inside.chains.insert(at, named);
        }
        Ok(Some(inside))
    }
}
