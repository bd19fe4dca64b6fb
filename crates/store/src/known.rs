//! What later bodies may repeat: stretches and chains met lately, by hash, and where they stand. In memory; each pack
//! lists its own, so that a start finds the latest again. What is forgotten is only stored once more.
//! Leaves out writing packs (`pack`) and what a body is made of (`bodies`).

use std::collections::HashMap;
use std::ops::Range;

use crate::StoreError;
use crate::layout::{Place, get_u32, put};

/// Half of what is remembered, some megabytes: when as much is new, the older half goes.
const GENERATION: usize = 32_768;

/// What stands so many packs back is stored anew: to find what is still needed of a pack, those that name it are read,
/// and they should not be all there are.
const FARTHEST: i64 = 8_192;

/// The first half of a BLAKE3 hash.
pub(crate) type Key = [u8; 16];

/// Something met before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) place: Place,
    /// How many chains stand behind this one, itself included; 0: a stretch.
    pub(crate) depth: u32,
}

/// The memory, and the ids that come next.
#[derive(Debug)]
pub(crate) struct Known {
    newer: HashMap<Key, Met>,
    older: HashMap<Key, Met>,
    next_pack: i64,
    epoch: u64,
    /// Packs that are made ready, and not written yet.
    unwritten: Vec<Range<i64>>,
    /// Whether what is not written yet is taken for unknown.
    pub(crate) cautious: bool,
}

impl Known {
    pub(crate) fn new(next_pack: i64) -> Self {
        Self {
            newer: HashMap::new(),
            older: HashMap::new(),
            next_pack,
            epoch: 0,
            unwritten: Vec::new(),
            cautious: false,
        }
    }

    /// The id of a new pack. One that is never written leaves a gap.
    pub(crate) fn next_pack(&mut self) -> i64 {
        let id = self.next_pack;
        self.next_pack += 1;
        id
    }

    pub(crate) fn get(&mut self, key: &Key) -> Option<Met> {
        if let Some(met) = self.newer.get(key) {
            return self.is_of_use(met).then_some(*met);
        }
        let met = self.older.remove(key)?;
        self.put(*key, met);
        self.is_of_use(&met).then_some(met)
    }

    fn is_of_use(&self, met: &Met) -> bool {
        self.next_pack - met.place.pack < FARTHEST && !(self.cautious && self.is_unwritten(met))
    }

    fn is_unwritten(&self, met: &Met) -> bool {
        self.unwritten.iter().any(|packs| packs.contains(&met.place.pack))
    }

    pub(crate) fn put(&mut self, key: Key, met: Met) {
        if self.newer.len() >= GENERATION {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key, met);
    }

    /// Counts how often everything was forgotten: what was made ready before refers to what may never be written.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Some of what was met will not be written.
    pub(crate) fn forget(&mut self) {
        self.newer.clear();
        self.older.clear();
        self.epoch += 1;
    }

    /// The packs that were given out since `first` are made ready now.
    pub(crate) fn begin(&mut self, first: i64) -> Range<i64> {
        let packs = first..self.next_pack;
        self.unwritten.push(packs.clone());
        packs
    }

    /// These packs are written, or never will be.
    pub(crate) fn end(&mut self, packs: &Range<i64>) {
        self.unwritten.retain(|unwritten| unwritten != packs);
    }

    /// Forgets what `is_gone` says of, and what is not written yet: what was made ready before has to be made again.
    pub(crate) fn forget_some(&mut self, is_gone: impl Fn(Place) -> bool) {
        let Self { newer, older, unwritten, .. } = self;
        let stays = |met: &Met| {
            let is_written = !unwritten.iter().any(|packs| packs.contains(&met.place.pack));
            is_written && !is_gone(met.place)
        };
        newer.retain(|_, met| stays(met));
        older.retain(|_, met| stays(met));
        self.epoch += 1;
    }

    /// Learns what pack `id` lists, unless it is known from a later one; `false` when there is enough.
    pub(crate) fn recall(&mut self, id: i64, listed: &[u8]) -> Result<bool, StoreError> {
        for (key, met) in listing(id, listed)? {
            if self.newer.len() >= GENERATION {
                return Ok(false);
            }
            self.newer.entry(key).or_insert(met);
        }
        Ok(true)
    }
}

/// What pack `id` lists.
pub(crate) fn listing(id: i64, mut listed: &[u8]) -> Result<Vec<(Key, Met)>, StoreError> {
    let mut all = Vec::new();
    while !listed.is_empty() {
        let damaged = StoreError::Damaged("a pack's list ends in the middle");
        let (key, mut rest) = listed.split_first_chunk::<16>().ok_or(damaged)?;
        let place = Place { pack: id, at: get_u32(&mut rest)?, len: get_u32(&mut rest)? };
        let met = Met { place, depth: get_u32(&mut rest)? };
        listed = rest;
        all.push((*key, met));
    }
    Ok(all)
}

/// Adds one to a pack's list.
pub(crate) fn list(listed: &mut Vec<u8>, key: &Key, met: Met) {
    listed.extend_from_slice(key);
    put(listed, u64::from(met.place.at));
    put(listed, u64::from(met.place.len));
    put(listed, u64::from(met.depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        (number as u128).to_le_bytes()
    }

    fn met(number: usize) -> Met {
        Met { place: Place { pack: 5, at: u32::try_from(number).unwrap(), len: 200 }, depth: 3 }
    }

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut known = Known::new(1);
        for number in 0..GENERATION * 3 {
            known.put(key(number), met(number));
            assert_eq!(known.get(&key(0)), Some(met(0)), "{number}");
        }
        assert_eq!(known.get(&key(1)), None);
        assert!(known.newer.len() + known.older.len() <= GENERATION * 2);
    }

    #[test]
    fn a_list_is_learnt_again() {
        let mut listed = Vec::new();
        (0..300).for_each(|number| list(&mut listed, &key(number), met(number)));
        let mut known = Known::new(1);
        assert!(known.recall(5, &listed).unwrap());
        assert!((0..300).all(|number| known.get(&key(number)) == Some(met(number))));
        assert!(known.recall(5, &listed[..18]).is_err());
    }
}
