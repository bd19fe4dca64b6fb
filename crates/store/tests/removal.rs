//! What is deleted is gone, what is left comes back to the byte: bodies of every dialect and junk, deleted at random while
//! others are recorded.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

#[path = "removal/made.rs"]
mod made;
#[path = "removal/opaque.rs"]
mod opaque;
#[path = "removal/reports.rs"]
mod reports;

use std::collections::{HashMap, HashSet};

use api::{BodySide, CallFilter, CallId, Erase, Limits, SessionRef};
use made::{Made, Random};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};
use store::{Store, Write};
use tempfile::TempDir;

pub(crate) async fn open(folder: &TempDir) -> Store {
    Store::open(&folder.path().join("data.db")).await.unwrap().0
}

/// Which of these words the files hold anywhere, packs unpacked.
pub(crate) async fn held<'a>(folder: &TempDir, words: impl Iterator<Item = &'a String>) -> HashSet<&'a str> {
    // Words that begin alike share their beginning in the index.
    let tails: HashMap<&[u8], &str> = words.map(|word| (&word.as_bytes()[4..], word.as_str())).collect();
    let path = folder.path().join("data.db");
    let mut held = HashSet::new();
    for side in ["data.db", "data.db-wal", "data.db-shm"] {
        look(&std::fs::read(folder.path().join(side)).unwrap_or_default(), &tails, &mut held);
    }
    let mut database = SqliteConnectOptions::new().filename(&path).read_only(true).connect().await.unwrap();
    for table in ["SELECT bytes, raw_len FROM pack", "SELECT bytes, raw_len FROM report_pack"] {
        for row in sqlx::query(table).fetch_all(&mut database).await.unwrap() {
            let (bytes, raw_len): (Vec<u8>, i64) = (row.get(0), row.get(1));
            let raw = zstd::bulk::decompress(&bytes, usize::try_from(raw_len).unwrap()).unwrap();
            look(&raw, &tails, &mut held);
        }
    }
    held
}

fn look<'a>(bytes: &[u8], tails: &HashMap<&[u8], &'a str>, held: &mut HashSet<&'a str>) {
    let mut letters = 0;
    for (at, byte) in bytes.iter().enumerate() {
        letters = if byte.is_ascii_lowercase() { letters + 1 } else { 0 };
        if letters >= 16 {
            held.extend(tails.get(&bytes[at - 15..=at]));
        }
    }
}

async fn check(store: &Store, made: &Made) {
    let id = made.record.detail.summary.id;
    let read = store.body(id, BodySide::Request).await.unwrap().unwrap_or_default();
    assert!(read == made.record.request.bytes, "the request of call {}", made.number);
    let read = store.body(id, BodySide::Response).await.unwrap().unwrap_or_default();
    assert!(read == made.record.response.bytes, "the answer of call {}", made.number);
    if let Some(client) = &made.record.client {
        let read = store.body(id, BodySide::ClientRequest).await.unwrap().unwrap();
        assert!(read == client[0].bytes, "the client's request of call {}", made.number);
    }
}

async fn write(store: &Store, calls: &[Made]) {
    for some in calls.chunks(16) {
        let batch: Vec<Write> = some.iter().map(|made| Write::Close(Box::new(made.record.clone()))).collect();
        store.write(&batch).await.unwrap();
    }
}

#[tokio::test]
async fn ten_thousand_bodies_come_back_and_what_is_deleted_is_nowhere() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder).await;
    let mut random = Random::new(7);
    let mut calls = made::calls(&mut random, 5_000);
    let later = calls.split_off(4_000);
    write(&store, &calls).await;
    for made in &calls {
        check(&store, made).await;
    }
    // Two thirds go at random, in three rounds; others come meanwhile, and go on from what goes.
    let mut deleted: Vec<Made> = Vec::new();
    for (round, more) in later.chunks(400).enumerate() {
        let mut left = Vec::new();
        for made in calls {
            if random.below(3) == 0 {
                store.erase(&Erase::Call(made.record.detail.summary.id)).await.unwrap();
                deleted.push(made);
            } else {
                left.push(made);
            }
        }
        let (tidied, ()) = tokio::join!(store.tidy(), write(&store, more));
        tidied.unwrap();
        left.extend(more.iter().cloned());
        calls = left;
        if round == 1 {
            store.close().await.unwrap();
            store = open(&folder).await;
            store.recall().await.unwrap();
        }
    }
    store.tidy().await.unwrap();
    assert!(store.is_tidy().await.unwrap());
    assert_eq!(store.verify_rollups().await.unwrap().wrong, 0, "what is added up is what is left");
    for made in &calls {
        check(&store, made).await;
    }
    for made in &deleted {
        assert!(store.call(made.record.detail.summary.id).await.unwrap().is_none());
    }
    let filter = CallFilter { side_calls: true, ..CallFilter::default() };
    assert_eq!(store.count_calls(&filter).await.unwrap(), calls.len() as u64);
    let said: HashSet<&str> = calls.iter().flat_map(|made| made.said.iter().map(String::as_str)).collect();
    let gone: HashSet<&str> =
        deleted.iter().map(|made| made.canary.as_str()).filter(|word| !said.contains(word)).collect();
    assert!(gone.len() > 500, "{} words are to be gone", gone.len());
    let held = held(&folder, calls.iter().chain(&deleted).map(|made| &made.canary)).await;
    let still: Vec<_> = gone.intersection(&held).collect();
    assert!(still.is_empty(), "{} of {} words are still there: {still:?}", still.len(), gone.len());
    assert!(
        calls.iter().all(|made| held.contains(made.canary.as_str())),
        "what is looked for would be found"
    );
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_session_goes_with_all_of_it_and_the_space_comes_back() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    store.checkpoint().await.unwrap();
    let empty = store.disk_bytes();
    let calls = made::calls(&mut Random::new(3), 600);
    write(&store, &calls).await;
    store.checkpoint().await.unwrap();
    assert!(store.disk_bytes() > empty * 2);
    let mut sessions: HashMap<&str, Vec<CallId>> = HashMap::new();
    for made in &calls {
        if let Some(session) = &made.record.detail.summary.session_id {
            sessions.entry(session).or_default().push(made.record.detail.summary.id);
        }
    }
    let (largest, ids) = sessions.iter().max_by_key(|(_, ids)| ids.len()).unwrap();
    let what = Erase::Session(SessionRef::Id((*largest).to_owned()));
    let would = store.count_erase(&what).await.unwrap();
    assert_eq!(would.calls, ids.len() as u64);
    assert_eq!(store.erase(&what).await.unwrap(), would);
    assert_eq!(store.session_key(largest).await.unwrap(), None);
    let gone: HashSet<&CallId> = ids.iter().collect();
    for made in calls.iter().filter(|made| !gone.contains(&made.record.detail.summary.id)) {
        check(&store, made).await;
    }
    // A filter that asks for nothing deletes nothing.
    for blank in [
        CallFilter::default(),
        CallFilter { text: Some("\"".into()), ..CallFilter::default() },
        CallFilter { text: Some(" ".into()), so_far: true, ..CallFilter::default() },
        CallFilter { side_calls: true, replays: true, ..CallFilter::default() },
    ] {
        let what = Erase::Calls(Box::new(blank));
        assert!(store.count_erase(&what).await.unwrap().is_nothing(), "{what:?}");
        assert!(store.erase(&what).await.unwrap().is_nothing(), "{what:?}");
    }
    let everything = store.erase(&Erase::Everything).await.unwrap();
    assert_eq!(everything.calls, (calls.len() - ids.len()) as u64);
    store.tidy().await.unwrap();
    assert!(store.disk_bytes() <= empty + 16_384, "{} bytes, {empty} before", store.disk_bytes());
    let sums = store.verify_rollups().await.unwrap();
    assert_eq!((sums.calls, sums.wrong), (0, 0));
    // It goes on recording from nothing.
    write(&store, &calls[..10]).await;
    for made in &calls[..10] {
        check(&store, made).await;
    }
}

#[tokio::test]
async fn what_is_too_old_too_many_or_too_large_goes_while_others_are_recorded() {
    const DAY_MS: i64 = 86_400_000;
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let mut calls = made::calls(&mut Random::new(13), 900);
    let now = 1_000 * DAY_MS;
    // The first third is a hundred days old, but for the sessions that went on since.
    for made in &mut calls {
        let days = if made.number < 300 { 100 } else { 10 };
        made.record.detail.summary.started_ms = now - days * DAY_MS + i64::try_from(made.number).unwrap();
    }
    write(&store, &calls).await;
    let used: HashSet<&str> =
        calls[300..].iter().filter_map(|made| made.record.detail.summary.session_id.as_deref()).collect();
    let stays = |made: &&Made| {
        let session = made.record.detail.summary.session_id.as_deref();
        made.number >= 300 || session.is_some_and(|session| used.contains(session))
    };
    let limits = Limits { days: Some(90), ..Limits::default() };
    let more = made::calls(&mut Random::new(14), 200);
    let (erased, ()) =
        tokio::join!(async { store.retain(&limits, now).await.unwrap() }, write(&store, &more));
    // Those that came meanwhile are from long ago too: the next look takes them.
    let again = store.retain(&limits, now).await.unwrap();
    assert_eq!(
        erased.calls + again.calls,
        (calls.iter().filter(|made| !stays(made)).count() + more.len()) as u64
    );
    assert!(store.retain(&limits, now).await.unwrap().is_nothing());
    store.tidy().await.unwrap();
    for made in calls.iter().filter(stays) {
        check(&store, made).await;
    }
    // By number: the newest stay.
    let limits = Limits { traces: Some(400), ..Limits::default() };
    while !store.retain(&limits, now).await.unwrap().is_nothing() {}
    store.tidy().await.unwrap();
    let every = CallFilter { side_calls: true, ..CallFilter::default() };
    let left = store.count_calls(&every).await.unwrap();
    assert!((390..=400).contains(&left), "{left}");
    for made in &calls[510..] {
        check(&store, made).await;
    }
    // By size: until it fits, or nothing is left.
    let used = store.storage().await.unwrap();
    let used = used.disk_bytes - used.free_bytes;
    let limits = Limits { bytes: Some(used * 3 / 4), ..Limits::default() };
    while !store.retain(&limits, now).await.unwrap().is_nothing() {
        while store.tidy_some().await.unwrap() {}
    }
    store.tidy().await.unwrap();
    let left = store.count_calls(&every).await.unwrap();
    assert!(left > 0 && left < 390, "{left} calls are left");
    check(&store, calls.last().unwrap()).await;
    assert_eq!(store.verify_rollups().await.unwrap().wrong, 0);
    let storage = store.storage().await.unwrap();
    assert!(storage.parts.iter().any(|part| part.name == "bodies" && part.bytes > 0));
    assert_eq!(storage.parts.iter().find(|part| part.name == "calls").unwrap().rows, Some(left));
}

#[tokio::test]
async fn a_file_that_is_uploaded_again_in_another_form_is_stored_once() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let mut random = Random::new(21);
    let file: Vec<u8> = (0..250_000).flat_map(|_| random.next().to_le_bytes()).collect();
    let mut calls = made::calls(&mut random, 6);
    for (number, made) in calls.iter_mut().enumerate() {
        let form = format!("--bound{number}\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n");
        let body = [form.as_bytes(), &vec![b'x'; number * 11], &file, b"\r\n--end--\r\n"].concat();
        made.record.request = store::Body { bytes: body.into(), segmented: true };
    }
    write(&store, &calls).await;
    for made in &calls {
        check(&store, made).await;
    }
    let packed = store.packed_bytes().await.unwrap();
    assert!(packed < file.len() as u64 * 3 / 2, "{packed} bytes for six times {}", file.len());
}

#[tokio::test]
async fn packs_of_the_version_before_say_what_they_need_before_anything_goes() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let calls = made::calls(&mut Random::new(31), 500);
    write(&store, &calls).await;
    store.close().await.unwrap();
    let path = folder.path().join("data.db");
    let mut database = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let before = "DELETE FROM pack_edge; \
        UPDATE upkeep SET value = (SELECT max(id) FROM pack) WHERE name = 'packs_without_edges'";
    sqlx::raw_sql(before).execute(&mut database).await.unwrap();
    drop(database);
    let store = open(&folder).await;
    let (gone, left): (Vec<&Made>, Vec<&Made>) = calls.iter().partition(|made| made.number.is_multiple_of(2));
    for made in &gone {
        store.erase(&Erase::Call(made.record.detail.summary.id)).await.unwrap();
    }
    store.tidy().await.unwrap();
    for made in left {
        check(&store, made).await;
    }
    assert_eq!(store::verify(&path).await.unwrap().problems, []);
}
