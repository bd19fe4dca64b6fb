//! What is still needed of packs: the records of calls that are there, and what these name, through chains, however far
//! back. Reads only.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::layout::Place;
use crate::named::{At, Inside, Named, of_record, slice};
use crate::pack::Reader;
use crate::{Store, StoreError};

/// Packs that are remembered while others are looked at.
const REMEMBERED: usize = 8_192;

/// What is needed of one pack.
#[derive(Debug, Default)]
pub(crate) struct Needed {
    /// From and to, in order, none overlapping.
    pub(super) ranges: Vec<(u32, u32)>,
    /// Packs that what is needed names.
    pub(super) needs: BTreeSet<i64>,
    /// Packs of which something may have been needed only by what goes.
    pub(super) freed: BTreeSet<i64>,
    /// Packs that name this one, when it was looked at.
    pub(super) sources: HashSet<i64>,
}

impl Needed {
    /// Whether all of `at..at + len` is.
    pub(crate) fn has(&self, at: u32, len: u32) -> bool {
        let Some(to) = at.checked_add(len) else { return false };
        let index = self.ranges.partition_point(|(from, _)| *from <= at);
        let range = index.checked_sub(1).and_then(|index| self.ranges.get(index));
        len == 0 || range.is_some_and(|(_, end)| to <= *end)
    }
}

/// A round of looking.
pub(super) struct Search<'a> {
    pub(super) store: &'a Store,
    pub(super) reader: Reader<'a>,
    insides: HashMap<i64, Arc<Inside>>,
    sources: HashMap<i64, Arc<HashSet<i64>>>,
    chains: HashMap<At, bool>,
    /// Records of calls that are gone, by pack.
    gone: HashMap<i64, Vec<(u32, u32)>>,
    pub(super) found: HashMap<i64, Needed>,
    /// Packs that cannot be read: what they name is not known, so nothing is taken from anywhere.
    pub(super) damaged: Option<i64>,
}

impl<'a> Search<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self {
            store,
            reader: Reader::new(store),
            insides: HashMap::new(),
            sources: HashMap::new(),
            chains: HashMap::new(),
            gone: HashMap::new(),
            found: HashMap::new(),
            damaged: None,
        }
    }

    /// Looks at these packs, and at all of which something may no longer be needed because of what goes out of them.
    pub(super) async fn look(&mut self, seeds: &[(i64, u32, u32)]) -> Result<(), StoreError> {
        let mut work: BTreeSet<i64> = BTreeSet::new();
        for (pack, at, len) in seeds {
            work.insert(*pack);
            if *len > 0 {
                self.gone.entry(*pack).or_default().push((*at, *len));
            }
        }
        while let Some(pack) = work.pop_last() {
            if self.found.contains_key(&pack) {
                continue;
            }
            if self.store.is_stopping() {
                self.found.clear();
                return Ok(());
            }
            let mut dead_chains = BTreeSet::new();
            let needed = self.needed(pack, &mut dead_chains).await?;
            work.extend(needed.freed.iter().chain(&dead_chains));
            self.found.insert(pack, needed);
            self.store.inner.pace.give_way();
        }
        Ok(())
    }

    /// What is needed of one pack. `dead_chains` takes the packs of chains that name it and are not needed themselves.
    async fn needed(&mut self, pack: i64, dead_chains: &mut BTreeSet<i64>) -> Result<Needed, StoreError> {
        let inside = self.inside(pack).await?;
        let sources = self.sources(pack).await?;
        let mut needed = Needed::default();
        needed.sources.clone_from(&sources);
        let mut named: Vec<Named> = Vec::new();
        let mut ranges = Vec::new();
        for (place, names) in &inside.records {
            ranges.push((place.at, place.at.saturating_add(place.len)));
            named.extend(names);
        }
        for source in sources.iter() {
            let other = self.inside(*source).await?;
            let ours = |named: &&Named| named.place.pack == pack;
            named.extend(other.records.iter().flat_map(|(_, names)| names).filter(ours));
            for (at, names) in &other.chains {
                if !names.iter().any(|named| ours(&named)) {
                    continue;
                }
                if self.is_needed((*source, *at)).await? {
                    named.extend(names.iter().filter(ours));
                } else {
                    dead_chains.insert(*source);
                }
            }
        }
        let mut seen = HashSet::new();
        while let Some(Named { place, chain }) = named.pop() {
            if place.pack != pack {
                needed.needs.insert(place.pack);
                continue;
            }
            if place.len > 0 {
                ranges.push((place.at, place.at.saturating_add(place.len)));
            }
            if chain && seen.insert(place.at) {
                named.extend(inside.chains.get(&place.at).into_iter().flatten());
            }
        }
        needed.ranges = merged(ranges);
        self.note_freed(pack, &inside, &seen, &mut needed).await?;
        Ok(needed)
    }

    /// Notes the packs that are named by what goes out of this one.
    async fn note_freed(
        &mut self,
        pack: i64,
        inside: &Inside,
        chains: &HashSet<u32>,
        needed: &mut Needed,
    ) -> Result<(), StoreError> {
        let dead = inside.chains.iter().filter(|(at, _)| !chains.contains(at));
        needed.freed.extend(dead.flat_map(|(_, names)| names).map(|named| named.place.pack));
        if let Some(gone) = self.gone.get(&pack)
            && let Some(raw) = self.reader.whole(pack).await?
        {
            for (at, len) in gone {
                // It may be overwritten already, by a round that did not come to its end.
                let named = slice(&raw, *at, *len).and_then(|coded| of_record(pack, coded));
                needed.freed.extend(named.unwrap_or_default().iter().map(|named| named.place.pack));
            }
        }
        needed.freed.remove(&pack);
        Ok(())
    }

    /// Whether the record of a call that is there leads to this chain. Chains go on from each other only so far, so this
    /// does not lead far either.
    async fn is_needed(&mut self, (pack, at): At) -> Result<bool, StoreError> {
        if let Some(known) = self.chains.get(&(pack, at)) {
            return Ok(*known);
        }
        // Were there a circle, it would hold nothing.
        self.chains.insert((pack, at), false);
        let mut packs = vec![pack];
        packs.extend(self.sources(pack).await?.iter());
        let mut through = Vec::new();
        let mut is_needed = false;
        for other in packs {
            let inside = self.inside(other).await?;
            if inside.by_record.contains(&(pack, at)) {
                is_needed = true;
                break;
            }
            let chains = inside.by_chain.get(&(pack, at)).into_iter().flatten();
            through.extend(chains.map(|chain| (other, *chain)));
        }
        for chain in through {
            if is_needed {
                break;
            }
            is_needed = Box::pin(self.is_needed(chain)).await?;
        }
        self.chains.insert((pack, at), is_needed);
        Ok(is_needed)
    }

    async fn inside(&mut self, pack: i64) -> Result<Arc<Inside>, StoreError> {
        if let Some(inside) = self.insides.get(&pack) {
            return Ok(inside.clone());
        }
        if self.insides.len() >= REMEMBERED {
            self.insides.clear();
        }
        let inside = match self.store.inside(&mut self.reader, pack).await {
            Err(StoreError::Damaged(_)) => {
                self.damaged = Some(pack);
                Inside::default()
            }
            inside => inside?.unwrap_or_default(),
        };
        let inside = Arc::new(inside);
        self.insides.insert(pack, inside.clone());
        Ok(inside)
    }

    async fn sources(&mut self, pack: i64) -> Result<Arc<HashSet<i64>>, StoreError> {
        if let Some(sources) = self.sources.get(&pack) {
            return Ok(sources.clone());
        }
        let sources = sqlx::query_scalar("SELECT source FROM pack_edge WHERE target = ?").bind(pack);
        let sources: Vec<i64> = sources.fetch_all(&self.store.inner.read).await?;
        let sources: Arc<HashSet<i64>> = Arc::new(sources.into_iter().collect());
        self.sources.insert(pack, sources.clone());
        Ok(sources)
    }

    /// What a pack that came later names of this one.
    pub(super) async fn names(&mut self, source: i64, pack: i64) -> Result<Vec<Place>, StoreError> {
        self.insides.remove(&source);
        let inside = self.inside(source).await?;
        let records = inside.records.iter().flat_map(|(_, names)| names);
        let all = records.chain(inside.chains.values().flatten());
        Ok(all.map(|named| named.place).filter(|place| place.pack == pack).collect())
    }
}

/// In order, and those that touch as one.
fn merged(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (from, to) in ranges {
        match merged.last_mut() {
            Some((_, end)) if from <= *end => *end = (*end).max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_put_together_and_asked() {
        let ranges = merged(vec![(10, 12), (0, 4), (3, 6), (6, 8), (20, 30)]);
        assert_eq!(ranges, [(0, 8), (10, 12), (20, 30)]);
        let needed = Needed { ranges, ..Needed::default() };
        assert!(needed.has(0, 8) && needed.has(21, 9) && needed.has(99, 0));
        assert!(!needed.has(0, 9) && !needed.has(8, 1) && !needed.has(19, 3) && !needed.has(30, 1));
    }
}
