//! A corpus that uses every field of the protocol, over every transport, found back to the last attribute, once.

use tests::otlp::Corpus;
use tests::{App, Mock};

use super::{WAYS, sent};

#[tokio::test]
async fn every_field_comes_back_however_it_was_sent() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for (way, seed) in WAYS.into_iter().zip(1..) {
        let exports = Corpus::new(seed).exports();
        for export in &exports {
            assert_eq!(way.send(&app, export).await, Ok(0), "{way:?}, {}", export.path());
        }
        let counted = sent::check(&app, &exports, &format!("{way:?}")).await;
        assert_eq!((counted.spans, counted.logs, counted.points), (11, 31, 45), "{way:?}");
        assert!(counted.attributes > 250, "{counted:?}");
        println!("{way:?}: {counted:?} came back");
        let trace = app.traces().await.remove(0);
        assert_eq!((trace.spans, trace.orphans), (11, 1), "one names a parent that nobody reported");
    }
}

#[tokio::test]
async fn what_is_sent_twice_is_there_once() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let exports = Corpus::new(7).exports();
    for way in [WAYS[0], WAYS[4], WAYS[7]] {
        for export in &exports {
            assert_eq!(way.send(&app, export).await, Ok(0), "{way:?}, {}", export.path());
        }
        sent::check(&app, &exports, &format!("{way:?}")).await;
    }
    assert_eq!(app.traces().await.len(), 1);
    app.digested().await;
    let app = app.stop().setup.start().await;
    sent::check(&app, &exports, "after a start").await;
    assert_eq!(app.traces().await.len(), 1);
}
