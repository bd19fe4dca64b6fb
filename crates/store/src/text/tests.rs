//! Words that many calls have: the same pages and numbers as looking at each call.

use std::cmp::Reverse;

use api::{CallFilter, CallId, Page, SearchOrder, TraceEntry, TracesCursor};
use tempfile::TempDir;

use super::put;
use crate::Store;
use crate::search::Search;

const CALLS: i64 = 90;
const MINUTE_MS: i64 = 60_000;

/// Which calls have which word, by their rows.
fn has(word: &str, seq: i64) -> bool {
    match word {
        "all" => true,
        "second" => seq % 2 == 0,
        // None of the newest has it.
        "early" => started_ms(seq) < 60 * MINUTE_MS,
        _ => false,
    }
}

const WORDS: [&str; 3] = ["all", "second", "early"];

/// Rows are not in the order of time.
fn started_ms(seq: i64) -> i64 {
    seq * 37 % CALLS * MINUTE_MS
}

fn is_counted(seq: i64) -> bool {
    seq % 10 != 0 && seq % 11 != 0
}

async fn filled(folder: &TempDir) -> Store {
    let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
    for seq in 1..=CALLS {
        let words: Vec<&str> = WORDS.into_iter().filter(|word| has(word, seq)).collect();
        insert(&store, seq, started_ms(seq), &words.join(" ")).await;
    }
    store
}

async fn insert(store: &Store, seq: i64, started_ms: i64, words: &str) {
    let mut writer = store.inner.writer.lock().await;
    let connection = writer.connection().unwrap();
    let sql = "INSERT INTO call (seq, id, started_ms, state, failed, provider, operation, method, path, streamed, \
        usage_source, cost_source, replay_of) \
        VALUES (?1, CAST(printf('%016d', ?1) AS BLOB), ?2, 'complete', 0, 'p', ?3, '', '', 0, 'provider', 'computed', \
        CASE WHEN ?1 % 11 = 0 THEN CAST(printf('%016d', 1) AS BLOB) END)";
    let operation = if seq % 10 == 0 { "side_call" } else { "chat" };
    let row = sqlx::query(sql).bind(seq).bind(started_ms).bind(operation);
    row.execute(&mut *connection).await.unwrap();
    put(connection, &[(seq, words)]).await.unwrap();
}

fn id(seq: i64) -> CallId {
    CallId::from_slice(format!("{seq:016}").as_bytes()).unwrap()
}

#[tokio::test]
async fn common_words_are_found_among_the_newest_and_then_among_all() {
    let folder = TempDir::new().unwrap();
    let store = filled(&folder).await;
    for word in WORDS {
        // As typed, a word may go on; in quotes it may not.
        for text in [word.to_owned(), format!("\"{word}\"")] {
            let filter = CallFilter { text: Some(text), ..CallFilter::default() };
            let found = store.find(&filter).await.unwrap().unwrap();
            assert!(found.common.is_some(), "{word} is common");
            let mut expected: Vec<i64> =
                (1..=CALLS).filter(|seq| is_counted(*seq) && has(word, *seq)).collect();
            assert_eq!(store.count_calls(&filter).await.unwrap(), expected.len() as u64, "{word}");

            let (mut listed, mut before) = (Vec::new(), None);
            loop {
                let page = store.list_calls(&filter, Page { limit: 7, offset: 0, before }).await.unwrap();
                assert_eq!(page.total, expected.len() as u64);
                let Some(last) = page.calls.last() else { break };
                before = Some(last.id);
                listed.extend(page.calls.iter().map(|call| call.id));
            }
            expected.sort_unstable_by_key(|seq| Reverse(*seq));
            assert_eq!(listed, expected.iter().map(|seq| id(*seq)).collect::<Vec<_>>(), "{word}, by id");
            let second = store.search(&filter, SearchOrder::Newest, 5, 5, None).await.unwrap();
            let second: Vec<CallId> = second.hits.iter().map(|hit| hit.call.id).collect();
            assert_eq!(second, listed[5..10], "{word}, searched");

            let (mut seen, mut after) = (Vec::new(), None::<TracesCursor>);
            loop {
                let page = store.list_traces(&filter, 7, 0, after.as_ref()).await.unwrap();
                assert_eq!(page.total, expected.len() as u64);
                seen.extend(page.entries.iter().map(|entry| match entry {
                    TraceEntry::Call(call) => call.id,
                    TraceEntry::Trace(trace) => panic!("{trace:?}"),
                }));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            expected.sort_unstable_by_key(|seq| Reverse((started_ms(*seq), *seq)));
            assert_eq!(seen, expected.iter().map(|seq| id(*seq)).collect::<Vec<_>>(), "{word}, by time");
        }
    }
}

#[tokio::test]
async fn a_count_of_common_words_follows_what_comes_and_what_changes() {
    let folder = TempDir::new().unwrap();
    let store = filled(&folder).await;
    let filter = CallFilter { text: Some("al".into()), ..CallFilter::default() };
    let before = store.count_calls(&filter).await.unwrap();
    insert(&store, CALLS + 1, CALLS * MINUTE_MS, "all").await;
    assert_eq!(store.count_calls(&filter).await.unwrap(), before + 1, "the newest are counted each time");
    insert(&store, CALLS + 2, 0, "also").await;
    assert_eq!(store.count_calls(&filter).await.unwrap(), before + 2, "and so is what comes late");
    let mut writer = store.inner.writer.lock().await;
    let connection = writer.connection().unwrap();
    sqlx::query("DELETE FROM call_words WHERE rowid = 1").execute(connection).await.unwrap();
    drop(writer);
    store.inner.kept.committed(started_ms(1), started_ms(1));
    assert_eq!(store.count_calls(&filter).await.unwrap(), before + 1, "a change of the past is seen");
}

#[tokio::test]
async fn words_that_begin_alike_are_found_as_one() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
    // More that begin so than are put together one by one, and fewer.
    for seq in 1..=40 {
        let few = if seq <= 3 { format!("few{seq}") } else { "few".to_owned() };
        insert(&store, seq * 110 + 1, seq, &format!("many{seq} {few} naive")).await;
    }
    let count = async |text: &str| {
        let filter = CallFilter { text: Some(text.to_owned()), ..CallFilter::default() };
        store.count_calls(&filter).await.unwrap()
    };
    let alike = async |text: &str| {
        let mut alike = store.alike(&Search::new(text), "call_vocabulary").await.unwrap();
        alike.remove(text).unwrap_or_default()
    };
    assert_eq!(alike("few").await, ["few", "few1", "few2", "few3"]);
    assert_eq!(alike("many").await, [""; 0], "they are many");
    assert_eq!(alike("naive").await, ["naive"]);
    assert_eq!(alike("none").await, [""; 0]);
    for (text, found) in [
        ("few", 40),
        ("few2", 1),
        ("\"few\"", 37),
        ("many", 40),
        ("many4", 2),
        ("na", 40),
        ("none", 0),
        ("m few -few1", 39),
    ] {
        assert_eq!(count(text).await, found, "{text}");
    }
}
