//! zstd with contexts that are kept: making one costs more than compressing a small segment.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use crate::StoreError;

/// Most segments are a few kilobytes: there the next levels cost half as much time again for one percent of space.
const LEVEL: i32 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// `bytes` compressed.
pub(crate) fn pack(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(LEVEL)?),
        };
        let mut packed = compressor.compress(bytes)?;
        // It was made as large as it could have become.
        packed.shrink_to_fit();
        Ok(packed)
    })
}

/// What `packed` holds; an error when that is more than `largest` bytes.
pub(crate) fn unpack(packed: &[u8], largest: usize) -> Result<Vec<u8>, StoreError> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new()?),
        };
        Ok(decompressor.decompress(packed, largest)?)
    })
}
