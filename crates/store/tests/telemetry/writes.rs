//! What a commit counts.

use crate::made::{self, log, logs, put, span, spans};

#[tokio::test]
async fn what_is_sent_twice_is_there_once() {
    let (store, _folder) = made::store().await;
    let request = || spans([span(1, 0, None), made::calls(span(1, 1, Some(0))), span(2, 0, None)]);
    let first = put(&store, vec![request()]).await;
    assert_eq!((first.spans, first.traces.len(), first.works), (3, 2, 1));
    let second = put(&store, vec![request()]).await;
    assert_eq!((second.spans, second.traces.len()), (0, 0), "nothing changed");
    let twice = put(&store, vec![spans([span(3, 0, None), span(3, 0, None)])]).await;
    assert_eq!(twice.spans, 1);
}

#[tokio::test]
async fn equal_records_of_one_request_are_kept_and_a_request_sent_again_is_not() {
    let (store, _folder) = made::store().await;
    let request = || logs([log(1, "same"), log(1, "same"), log(2, "same")]);
    assert_eq!(put(&store, vec![request()]).await.logs, 3);
    assert_eq!(put(&store, vec![request(), request()]).await.logs, 0);
    assert_eq!(put(&store, vec![logs([log(1, "same")])]).await.logs, 0);
}

#[tokio::test]
async fn the_backlog_lasts_until_it_is_passed() {
    let (store, folder) = made::store().await;
    put(&store, vec![spans([made::calls(span(1, 0, None)), span(1, 1, Some(0))])]).await;
    put(&store, vec![spans([made::calls(span(2, 0, None))])]).await;
    assert_eq!(store.backlog().await.unwrap().0, 2);
    store.close().await.unwrap();

    let store = store::Store::open(&folder.path().join("data.db")).await.unwrap().0;
    let taken = store.take_backlog(0, 1).await.unwrap();
    assert_eq!(taken.len(), 1, "as many as asked for");
    let taken = store.take_backlog(0, 100).await.unwrap();
    let works: Vec<_> = taken.iter().flat_map(|batch| &batch.works).copied().collect();
    let works = store.read_works(&works).await.unwrap();
    let store::Work::Span { span: read, .. } = &works[1].work else { panic!("a span") };
    assert_eq!((**read).clone(), span(2, 0, None).span);
    assert_eq!(works[1].origin, made::origin("app"));
    store.pass_backlog(&taken.iter().map(|batch| batch.id).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(store.backlog().await.unwrap(), (0, None));
}
