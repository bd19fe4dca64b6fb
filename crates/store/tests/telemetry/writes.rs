//! What a commit counts.

use model::telemetry::wire::{Attributes, Value};
use sqlx::{Connection, SqliteConnection};

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

/// How many packs there are, and every span with its place.
async fn written(folder: &tempfile::TempDir) -> (i64, Vec<(i64, i64)>) {
    let address = format!("sqlite://{}", folder.path().join("data.db").display());
    let mut connection = SqliteConnection::connect(&address).await.unwrap();
    let packs =
        sqlx::query_scalar("SELECT count(*) FROM report_pack").fetch_one(&mut connection).await.unwrap();
    let places = sqlx::query_as("SELECT id, place FROM span ORDER BY trace, id");
    let places = places.fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    (packs, places)
}

#[tokio::test]
async fn what_is_sent_again_as_it_is_there_is_not_written_again() {
    let (store, folder) = made::store().await;
    let odd = |value: f64| {
        let mut write = made::calls(span(1, 1, Some(0)));
        write.span.attributes = Attributes(vec![("odd".into(), Value::Double(value))]);
        write
    };
    let request = || spans([span(1, 0, None), odd(f64::NAN)]);
    put(&store, vec![request(), logs([log(1, "line")])]).await;
    let first = written(&folder).await;
    assert_eq!(first.0, 1);
    let again = put(&store, vec![request(), logs([log(1, "line")])]).await;
    assert_eq!((again.spans, again.logs, again.works), (0, 0, 0), "it waits to be joined already");
    assert_eq!(written(&folder).await, first);
    assert_eq!(store.backlog().await.unwrap().0, 1);

    // With something new beside them they stay where they are.
    put(&store, vec![request(), spans([span(2, 0, None)])]).await;
    let (packs, places) = written(&folder).await;
    assert_eq!((packs, &places[..2]), (2, &first.1[..]));

    // What says something else in an attribute alone is another one.
    let changed = odd(2.0);
    let works = put(&store, vec![spans([span(1, 0, None), changed.clone()])]).await.works;
    let (packs, now) = written(&folder).await;
    assert_eq!((packs, works), (3, 1));
    let moved = now.iter().zip(&places).filter(|(now, before)| now != before).count();
    assert_eq!(moved, 1);
    let found = store.span(changed.span.trace_id, changed.span.span_id).await.unwrap().unwrap();
    assert_eq!(found.span, changed.span);
    let whole = store.span(changed.span.trace_id, span(1, 0, None).span.span_id).await.unwrap().unwrap();
    assert_eq!(whole.span, span(1, 0, None).span);

    // Also after a start.
    store.close().await.unwrap();
    let store = store::Store::open(&folder.path().join("data.db")).await.unwrap().0;
    put(&store, vec![spans([span(1, 0, None), changed])]).await;
    assert_eq!(written(&folder).await, (packs, now));
}
