//! Search on a real file: what was said is found by its words and as it is written, in calls and in log records; what was
//! deleted is not; the index can be made again at any moment.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod search {
    pub(crate) mod made;
}

use api::{CallFilter, CallId, CallState, CallSummary, Erase, Limits, LogFilter, Page, SearchOrder};
use proptest::prelude::*;
use search::made::{call, log, open, put_calls, put_logs, said};
use store::{Store, Write};
use tempfile::TempDir;

fn filter(text: &str) -> CallFilter {
    CallFilter { text: Some(text.to_owned()), ..CallFilter::default() }
}

async fn found(store: &Store, text: &str) -> Vec<CallId> {
    let page = store.list_calls(&filter(text), Page::default()).await.unwrap();
    assert_eq!(page.total, page.calls.len() as u64, "{text}");
    page.calls.iter().map(|call| call.id).collect()
}

async fn found_logs(store: &Store, text: &str) -> Vec<String> {
    let filter = LogFilter { text: Some(text.to_owned()), ..LogFilter::default() };
    let page = store.list_logs(&filter, 50, 0, None).await.unwrap();
    assert_eq!(page.total, page.logs.len() as u64, "{text}");
    page.logs.into_iter().map(|log| log.text).collect()
}

async fn index_all(store: &Store) {
    while store.index_step().await.unwrap() {}
}

#[tokio::test]
async fn calls_are_found_by_what_was_asked_answered_and_done() {
    let (store, _folder) = open().await;
    let tool = r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"call_Ab12","function":{"name":"read_file",
        "arguments":"{\"path\":\"src/main.rs\",\"line\":42}"}}]},
        {"role":"user","content":"Where is foo::bar( defined? Ask ann@example.com, 東京の天気は晴れ"}]}"#;
    let one = call(tool, "It stands in crates/store/lib.rs.");
    let two = call(r#"{"messages":[{"role":"user","content":"the red fox"}]}"#, "A fox is red, not a dog.");
    let ids = put_calls(&store, vec![one, two]).await;
    for text in [
        "defin",
        "read_file",
        "src/main.rs",
        "foo::bar(",
        "ann@example.com",
        "call_Ab12",
        "crates/store",
        "天気",
        "\"is foo::bar( defined\"",
        "file main 42",
        "resp_one",
        "-dog stands",
        "stands -\"red fox\" -foo::baz",
    ] {
        assert_eq!(found(&store, text).await, ids[..1], "{text}");
    }
    for text in ["fox", "\"red fox\"", "-defined", "-foo::bar(", "red -\"foo bar\"", "fox -main.rs"] {
        assert_eq!(found(&store, text).await, ids[1..], "{text}");
    }
    for text in ["foo.bar(", "src/main_rs", "fox -dog", "\"fox red\"", "nothing", "-defined -fox", "気天"] {
        assert!(found(&store, text).await.is_empty(), "{text}");
    }
    let other = CallFilter { model: Some("another".into()), ..filter("\"red fox\"") };
    assert_eq!(store.count_calls(&other).await.unwrap(), 0);
}

#[tokio::test]
async fn the_best_come_first_and_say_where() {
    let (store, _folder) = open().await;
    let texts = ["the <b>cat</b> sat", "a category of dogs", "cat, cat and cat", "nothing of it"];
    let ids = put_calls(&store, texts.map(|text| call(&said(text), "ok")).to_vec()).await;
    let page = store.search(&filter("cat"), SearchOrder::Best, 10, 0, None).await.unwrap();
    let order: Vec<CallId> = page.hits.iter().map(|hit| hit.call.id).collect();
    assert_eq!(order, [ids[2], ids[0], ids[1]]);
    assert_eq!((page.total, page.compared, page.lag), (3, Some(3), api::SearchLag::default()));
    let parts: Vec<(&str, bool)> = page.hits[1]
        .snippet
        .iter()
        .flat_map(|snippet| &snippet.parts)
        .map(|part| (part.text.as_str(), part.matched))
        .collect();
    assert_eq!(parts, [("the <b>", false), ("cat", true), ("</b> sat", false)]);
    let second = store.search(&filter("cat"), SearchOrder::Best, 1, 1, None).await.unwrap();
    assert_eq!(second.hits[0].call.id, ids[0]);
    let newest = store.search(&filter("cat"), SearchOrder::Newest, 10, 0, None).await.unwrap();
    let order: Vec<CallId> = newest.hits.iter().map(|hit| hit.call.id).collect();
    assert_eq!(order, [ids[2], ids[1], ids[0]]);
    let snippets = store.snippets("sat", &ids, &[], &[]).await.unwrap();
    assert_eq!(snippets.calls.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [ids[0]]);
}

/// So many that texts are read in several steps.
const MANY: usize = 700;

/// Calls that say the same words, every third of them as a phrase and with an arrow.
async fn many(store: &Store) -> Vec<CallId> {
    let says = |number: usize| match number % 3 {
        0 => format!("n{number} => the red fox"),
        _ => format!("n{number} the fox is red"),
    };
    let calls = (0..MANY).map(|number| call(&said(&says(number)), "ok")).collect();
    put_calls(store, calls).await
}

#[tokio::test]
async fn a_phrase_is_found_in_every_call_that_says_it() {
    let (store, _folder) = open().await;
    let ids = many(&store).await;
    let phrased: Vec<CallId> = ids.iter().step_by(3).rev().copied().collect();
    for text in ["\"red fox\"", "=>", "the -\"fox is\"", "-\"fox is\""] {
        let (mut listed, mut before) = (Vec::new(), None);
        loop {
            let page = store.list_calls(&filter(text), Page { limit: 50, offset: 0, before }).await.unwrap();
            assert_eq!((page.total, page.reading), (phrased.len() as u64, None), "{text}");
            let Some(last) = page.calls.last() else { break };
            before = Some(last.id);
            listed.extend(page.calls.iter().map(|call| call.id));
        }
        assert_eq!(listed, phrased, "{text}");
        assert_eq!(store.stats(&filter(text)).await.unwrap().calls, phrased.len() as u64, "{text}");
    }
    let named = CallFilter { model: Some("gpt-4o".into()), from_ms: Some(0), ..filter("\"red fox\"") };
    assert_eq!(store.count_calls(&named).await.unwrap(), phrased.len() as u64);
    let none = CallFilter { from_ms: Some(1_001), ..named };
    assert_eq!(store.count_calls(&none).await.unwrap(), 0, "the time is looked at each time");
    let erased = store.erase(&Erase::Calls(Box::new(filter("\"red fox\"")))).await.unwrap();
    assert_eq!(erased.calls, phrased.len() as u64);
    assert_eq!(store.count_calls(&filter("\"red fox\"")).await.unwrap(), 0);
}

#[tokio::test]
async fn what_was_found_so_far_comes_to_be_all() {
    let (store, _folder) = open().await;
    let ids = many(&store).await;
    let asked = CallFilter { so_far: true, ..filter("\"red fox\"") };
    let (mut before, mut read) = (0, 0);
    let total = loop {
        let page = store.list_traces(&asked, 10, 0, None).await.unwrap();
        assert!(page.total >= before, "what was found stays found");
        before = page.total;
        let Some(reading) = page.reading else { break page.total };
        assert!(reading.read >= read && reading.read <= MANY as u64);
        read = reading.read;
        tokio::task::yield_now().await;
    };
    assert_eq!(total, ids.len().div_ceil(3) as u64);
}

#[tokio::test]
async fn calls_that_come_after_a_search_are_found_by_it_too() {
    let (store, _folder) = open().await;
    let earlier = many(&store).await.len().div_ceil(3) as u64;
    let phrase = filter("\"red fox\"");
    let under_way = call(&said("a red fox that takes long"), "ok");
    let opened = CallSummary { state: CallState::Open, ..under_way.detail.summary.clone() };
    store.write(&[Write::Open(Box::new(opened))]).await.unwrap();
    assert_eq!(store.count_calls(&phrase).await.unwrap(), earlier);
    let later = put_calls(&store, vec![call(&said("the red fox again"), "ok")]).await;
    assert_eq!(store.count_calls(&phrase).await.unwrap(), earlier + 1);
    store.write(&[Write::Close(Box::new(under_way))]).await.unwrap();
    assert_eq!(store.count_calls(&phrase).await.unwrap(), earlier + 2, "its words came when it ended");
    put_calls(&store, vec![call(&said("no fox is red"), "ok")]).await;
    store.erase(&Erase::Call(later[0])).await.unwrap();
    assert_eq!(store.count_calls(&phrase).await.unwrap(), earlier + 1);
}

#[tokio::test]
async fn what_is_remembered_of_a_search_ends_with_what_it_read() {
    let (store, _folder) = open().await;
    let phrase = filter("\"red fox\"");
    let earlier = many(&store).await.len().div_ceil(3) as u64;
    assert_eq!(store.count_calls(&phrase).await.unwrap(), earlier);
    store.erase(&Erase::Everything).await.unwrap();
    // Rows are numbered as those that went were.
    let other =
        put_calls(&store, (0..5).map(|at| call(&said(&format!("nothing of that {at}")), "ok")).collect())
            .await;
    let fox = put_calls(&store, vec![call(&said("one red fox"), "ok")]).await;
    assert_eq!(found(&store, "\"red fox\"").await, fox);
    let erased = store.erase(&Erase::Calls(Box::new(phrase))).await.unwrap();
    assert_eq!(erased.calls, 1);
    assert_eq!(found(&store, "nothing").await.len(), other.len());

    let last = put_calls(&store, vec![call(&said("the last red fox"), "ok")]).await;
    assert_eq!(found(&store, "\"red fox\"").await, last);
    store.erase(&Erase::Call(last[0])).await.unwrap();
    store.checkpoint().await.unwrap();
    let again = put_calls(&store, vec![call(&said("not red, no fox"), "ok")]).await;
    assert_eq!(found(&store, "\"red fox\"").await, []);
    assert_eq!(found(&store, "fox -\"red fox\"").await, again);
}

#[tokio::test]
async fn a_phrase_searched_while_the_index_is_made_again_is_found_once_it_is_made() {
    let (store, _folder) = open().await;
    let expected = many(&store).await.len().div_ceil(3) as u64;
    store.rebuild_search().await.unwrap();
    let phrase = filter("\"red fox\"");
    assert_eq!(store.count_calls(&phrase).await.unwrap(), 0, "the lag says why");
    for _ in 0..5 {
        assert!(store.index_step().await.unwrap());
    }
    let some = store.count_calls(&phrase).await.unwrap();
    assert!(some > 0 && some < expected, "{some}");
    index_all(&store).await;
    assert_eq!(store.count_calls(&phrase).await.unwrap(), expected);
}

#[tokio::test]
async fn what_is_to_be_absent_is_never_found_so_far() {
    let (store, _folder) = open().await;
    let ids = many(&store).await;
    for text in ["the -\"fox is\"", "-\"fox is\""] {
        let asked = CallFilter { so_far: true, ..filter(text) };
        let (mut before, expected) = (0, ids.len().div_ceil(3) as u64);
        loop {
            let page = store.list_calls(&asked, Page { limit: 1_000, ..Page::default() }).await.unwrap();
            assert!(page.total >= before && page.total <= expected, "{text}: {} of {expected}", page.total);
            assert!(page.calls.iter().all(|call| ids.iter().position(|id| *id == call.id).unwrap() % 3 == 0));
            before = page.total;
            if page.reading.is_none() {
                break;
            }
        }
        assert_eq!(before, expected);
    }
}

#[tokio::test]
async fn records_that_wait_for_the_index_are_not_missed() {
    const READ: u64 = 20_000;
    let (store, _folder) = open().await;
    let says = |at| if at == 0 { "the needle" } else { "some hay" };
    put_logs(&store, (0..READ).map(|at| log(at, says(at), "x")).collect()).await;
    assert_eq!(found_logs(&store, "needle").await, ["the needle"]);
    put_logs(&store, vec![log(READ, "more hay", "x")]).await;
    let ask = async |to_ms| {
        let filter = LogFilter { text: Some("needle".to_owned()), to_ms, ..LogFilter::default() };
        let page = store.list_logs(&filter, 50, 0, None).await.unwrap();
        (page.total, page.read_back_to_ms)
    };
    let back_to = Some(1_790_000_000_002);
    assert_eq!(ask(None).await, (0, back_to), "what was not looked through is said");
    assert_eq!(ask(back_to).await, (1, None));
    index_all(&store).await;
    assert_eq!(ask(None).await, (1, None));
}

#[tokio::test]
async fn log_records_are_found_at_once_and_once_they_are_indexed() {
    let (store, _folder) = open().await;
    let long = format!("{} the needle at its end", "hay ".repeat(2_000));
    put_logs(&store, vec![log(1, "tool foo::bar( failed", "read_file"), log(2, &long, "write_file")]).await;
    for round in 0..2 {
        assert_eq!(found_logs(&store, "foo::bar(").await.len(), 1, "{round}");
        assert_eq!(found_logs(&store, "needle").await.len(), 1, "the body beyond what a list shows");
        assert_eq!(found_logs(&store, "write_file").await.len(), 1, "an attribute");
        assert_eq!(found_logs(&store, "-needle").await.len(), 1);
        assert_eq!(found_logs(&store, "\"foo bar\" -failed").await.len(), 0);
        assert_eq!(found_logs(&store, "-\"foo::bar( failed\"").await.len(), 1);
        assert_eq!(store.search_lag().await.unwrap().logs, if round == 0 { 2 } else { 0 });
        index_all(&store).await;
    }
    let page = store.list_logs(&LogFilter::default(), 50, 0, None).await.unwrap();
    let ids: Vec<String> = page.logs.iter().map(|log| log.id.clone()).collect();
    let snippets = store.snippets("needle", &[], &[], &ids).await.unwrap();
    assert_eq!(snippets.logs.len(), 1);
    store.erase(&Erase::Everything).await.unwrap();
    assert!(found_logs(&store, "needle").await.is_empty());
    put_logs(&store, vec![log(3, "another needle", "x")]).await;
    index_all(&store).await;
    assert_eq!(found_logs(&store, "needle").await, ["another needle"]);
}

#[tokio::test]
async fn a_search_that_reads_only_the_newest_records_says_how_far_back() {
    const READ: u64 = 20_000;
    let (store, _folder) = open().await;
    let says = |at| if at == 0 { "the red fox" } else { "a fox that is red" };
    put_logs(&store, (0..=READ).map(|at| log(at, says(at), "x")).collect()).await;
    index_all(&store).await;
    let first_ms = 1_790_000_000_000;
    let ask = async |text: &str, to_ms| {
        let filter = LogFilter { text: Some(text.to_owned()), to_ms, ..LogFilter::default() };
        let page = store.list_logs(&filter, 50, 0, None).await.unwrap();
        (page.total, page.read_back_to_ms)
    };
    // All of the oldest's millisecond stands before it.
    let back_to = Some(first_ms + 2);
    assert_eq!(ask("\"red fox\"", None).await, (0, back_to));
    let filter = LogFilter { text: Some("\"red fox\"".to_owned()), ..LogFilter::default() };
    let bars = store.log_histogram(&filter, first_ms, first_ms + 1_000_000, 10).await.unwrap();
    assert_eq!(bars.read_back_to_ms, back_to, "the bars say so, too");
    let bars = store.log_histogram(&filter, first_ms, first_ms + 2, 1).await.unwrap();
    assert_eq!((bars.bars[0].calls, bars.read_back_to_ms), (1, None));
    assert_eq!(ask("\"red fox\"", back_to).await, (1, None), "what stands before that");
    assert_eq!(ask("=>", None).await, (0, back_to));
    assert_eq!(ask("fox -\"red fox\"", None).await, (READ - 1, back_to), "what nobody read may say it");
    assert_eq!(ask("fox -\"red fox\"", back_to).await, (1, None));
    assert_eq!(ask("red fox", None).await, (READ + 1, None), "words alone are in the index");
    assert_eq!(ask("\"the red fox\"", None).await, (1, None), "few have all the words");
}

#[tokio::test]
async fn of_a_deleted_record_no_word_is_left_in_the_file() {
    let (store, folder) = open().await;
    put_logs(&store, vec![log(1, "the qwzxcvbnmlkj word", "x"), log(9_000_000, "another one", "y")]).await;
    index_all(&store).await;
    let held = || {
        let bytes = std::fs::read(folder.path().join("data.db")).unwrap();
        // Words that begin alike share their beginning in the index.
        bytes.windows(8).any(|window| window == b"xcvbnmlk")
    };
    store.tidy().await.unwrap();
    assert!(held(), "it is there to be found");
    store.erase(&Erase::Before(1_790_000_001_000)).await.unwrap();
    store.tidy().await.unwrap();
    assert!(found_logs(&store, "qwzxcvbnmlkj").await.is_empty());
    assert_eq!(found_logs(&store, "another").await.len(), 1);
    assert!(!held(), "not a letter of it");
    store.close().await.unwrap();
    assert_eq!(store::verify(&folder.path().join("data.db")).await.unwrap().problems, []);
}

#[tokio::test]
async fn what_the_limits_take_away_leaves_the_index_once_it_is_a_tenth() {
    let (store, folder) = open().await;
    // None begins as another does: of a word the index keeps what the one before it does not begin with.
    let word = |at: u64| blake3::hash(&at.to_le_bytes()).to_hex()[..16].to_owned();
    let ids = put_calls(&store, (0..200).map(|at| call(&said(&word(at)), "ok")).collect()).await;
    let file = async || {
        store.checkpoint().await.unwrap();
        String::from_utf8_lossy(&std::fs::read(folder.path().join("data.db")).unwrap()).into_owned()
    };
    let held = |file: &str, at: u64| file.contains(&word(at)[5..]);
    let keep = async |traces: u64| {
        let limits = Limits { traces: Some(traces), ..Limits::default() };
        while !store.retain(&limits, 2_000).await.unwrap().is_nothing() {}
        store.tidy().await.unwrap();
    };
    keep(190).await;
    assert!(found(&store, &word(3)).await.is_empty());
    let few = file().await;
    assert!(held(&few, 3) && held(&few, 199), "a few are left in it");
    keep(100).await;
    assert_eq!(found(&store, &word(199)).await, ids[199..]);
    let rewritten = file().await;
    assert!((0..100).all(|at| !held(&rewritten, at)) && held(&rewritten, 199));
}

#[tokio::test]
async fn the_index_is_made_again_while_calls_come_and_go() {
    let (store, folder) = open().await;
    let mut ids = Vec::new();
    for number in 0..120 {
        let text = format!("number n{number} of many");
        ids.extend(put_calls(&store, vec![call(&said(&text), &format!("answer a{number}"))]).await);
    }
    put_logs(&store, vec![log(1, "a record of many", "x")]).await;
    index_all(&store).await;
    store.rebuild_search().await.unwrap();
    assert_eq!(store.search_lag().await.unwrap(), api::SearchLag { calls: 120, logs: 1 });
    let page = store.search(&filter("n5"), SearchOrder::Newest, 10, 0, None).await.unwrap();
    assert!(page.hits.is_empty() && page.lag.calls == 120, "what is missing is said");
    assert!(store.index_step().await.unwrap());
    // Gone before it is its turn, and come meanwhile.
    store.erase(&Erase::Call(ids[7])).await.unwrap();
    let new = put_calls(&store, vec![call(&said("number n999 of many"), "x")]).await;
    assert_eq!(found(&store, "n999").await, new);
    // A start goes on where it was.
    store.close().await.unwrap();
    let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
    index_all(&store).await;
    store.tidy().await.unwrap();
    assert_eq!(store.search_lag().await.unwrap(), api::SearchLag::default());
    assert!(found(&store, "\"n7 of many\"").await.is_empty(), "what is deleted stays so");
    assert_eq!(found(&store, "\"n119\" \"a119\"").await, ids[119..]);
    assert_eq!(found(&store, "\"n0 of many\"").await, ids[..1]);
    assert_eq!(store.count_calls(&filter("many")).await.unwrap(), 120);
    assert_eq!(found_logs(&store, "many").await.len(), 1);
}

#[test]
fn what_is_there_is_found_and_what_is_deleted_is_not() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let piece = prop_oneof![
        "[a-zé]{1,8}",
        "[A-Z][a-z]{1,5}::[a-z]{1,5}\\(",
        "[a-z]{2,6}@[a-z]{2,6}\\.org",
        "/[a-z]{1,5}/[a-z]{1,5}\\.rs",
        "[一-十日本語]{1,5}",
        "[А-Яа-я]{1,6}",
        "#[0-9]{1,4}"
    ];
    let text = prop::collection::vec(piece, 1..8);
    let calls = prop::collection::vec((text, any::<bool>()), 1..6);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    runner
        .run(&calls, |calls| {
            runtime.block_on(async {
                let (store, _folder): (Store, TempDir) = open().await;
                let texts: Vec<String> = calls.iter().map(|(pieces, _)| pieces.join(" ")).collect();
                let made = texts.iter().map(|text| call(&said(text), "ok")).collect();
                let ids = put_calls(&store, made).await;
                for (id, (_, stays)) in ids.iter().zip(&calls) {
                    if !stays {
                        store.erase(&Erase::Call(*id)).await.unwrap();
                    }
                }
                for (number, (pieces, stays)) in calls.iter().enumerate() {
                    // A text belongs to the call that said it first.
                    let first = texts.iter().position(|text| *text == texts[number]) == Some(number);
                    let quoted = format!("\"{}\"", texts[number]);
                    for asked in pieces.iter().chain([&quoted]) {
                        let is_there = found(&store, asked).await.contains(&ids[number]);
                        prop_assert!(
                            is_there == *stays || !first && !is_there,
                            "{asked} of {:?}",
                            texts[number]
                        );
                    }
                }
                Ok(())
            })
        })
        .unwrap();
}
