//! Bodies of no known form that are sent again with changes: they come back to the byte, what is stored grows with what is
//! new, and what is deleted takes only its own pieces with it.

use api::{BodyInfo, Erase};
use proptest::prelude::*;
use store::Store;
use tempfile::TempDir;

use super::made::{self, Made, Random};
use super::{check, open, write};

/// Bytes of the first version: as good as random, so that compression does not count.
const LENGTH: usize = 2 << 20;
/// What one change may cost beside its own bytes: the pieces that it touches, of which two are as large as they get.
const TOUCHED: u64 = 3 * (256 << 10);

/// Where, how many bytes go, how many come.
type Edit = (prop::sample::Index, usize, usize);

#[test]
fn what_is_stored_of_an_opaque_body_grows_with_what_is_new() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let edit = (any::<prop::sample::Index>(), 0_usize..5_000, 0_usize..5_000);
    let edits = (any::<u64>(), prop::collection::vec(edit, 1..7), any::<u8>());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(4));
    let outcome = runner.run(&edits, |(seed, edits, gone)| {
        runtime.block_on(grows(seed, &edits, gone));
        Ok(())
    });
    outcome.unwrap();
}

async fn grows(seed: u64, edits: &[Edit], gone: u8) {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let mut random = Random::new(seed);
    let mut file: Vec<u8> = bytes(&mut random, LENGTH);
    let mut calls = made::calls(&mut random, edits.len() + 1);
    let mut before = 0;
    for (number, made) in calls.iter_mut().enumerate() {
        let mut new = file.len();
        if let Some((at, less, more)) = number.checked_sub(1).and_then(|number| edits.get(number)) {
            let at = at.index(file.len());
            let end = (at + less).min(file.len());
            file.splice(at..end, bytes(&mut random, *more));
            new = *more;
        }
        // Neither an object nor an array, whatever was drawn.
        let body = [b"\x00".as_slice(), &file].concat();
        let length = body.len() as u64;
        made.record.detail.request_body =
            BodyInfo { wire_bytes: length, stored_bytes: length, ..BodyInfo::default() };
        made.record.request = store::Body { bytes: body.into(), segmented: true };
        made.record.detail.response_body = BodyInfo::default();
        made.record.response = store::Body::default();
        write(&store, std::slice::from_ref(made)).await;
        let packed = store.packed_bytes().await.unwrap();
        assert!(packed - before < new as u64 + TOUCHED, "{} bytes more for {new} new ones", packed - before);
        before = packed;
    }
    keeps_the_rest(&store, &calls, gone).await;
    store.close().await.unwrap();
    assert_eq!(store::verify(&folder.path().join("data.db")).await.unwrap().problems, []);
}

/// Every other version, as `gone` says, is deleted; the others come back as they were.
async fn keeps_the_rest(store: &Store, calls: &[Made], gone: u8) {
    let (gone, left): (Vec<_>, Vec<_>) =
        calls.iter().enumerate().partition(|(number, _)| gone >> (number % 8) & 1 == 1);
    for (_, made) in gone {
        store.erase(&Erase::Call(made.record.detail.summary.id)).await.unwrap();
    }
    store.tidy().await.unwrap();
    for (_, made) in &left {
        check(store, made).await;
    }
    if left.is_empty() {
        assert_eq!(store.packed_bytes().await.unwrap(), 0);
    }
}

fn bytes(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count.div_ceil(8)).flat_map(|_| random.next().to_le_bytes()).take(count).collect()
}
