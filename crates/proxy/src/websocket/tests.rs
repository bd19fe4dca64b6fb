//! What following a connection costs others: memory, and time on the threads they share.

use std::cell::Cell;
use std::time::SystemTime;

use api::{CallId, Header};
use flate2::{Compress, Compression, FlushCompress};
use http::HeaderValue;
use model::websocket::Side;
use tokio::sync::mpsc;

use super::records::{Over, Records};
use super::*;
use crate::capture::Capture;
use crate::provider::Providers;
use crate::recorder::{Budget, Counters, Limits, Tap};
use crate::redact::{Fingerprinter, Secrets};

const MEMORY: usize = 1 << 20;

fn tap() -> (Tap, mpsc::Receiver<Capture>) {
    let (sender, captures) = mpsc::channel(4_096);
    let tap = Tap {
        sender,
        counters: Arc::new(Counters::default()),
        budget: Budget::new(MEMORY),
        held: Budget::new(MEMORY),
        limits: Limits { body: 64 << 10 },
        fingerprinter: Fingerprinter::new([7; 32]),
        paused: Arc::default(),
        stopping: Arc::default(),
    };
    (tap, captures)
}

/// How a Realtime connection began; its headers are `size` bytes.
fn head(size: usize) -> Head {
    Head {
        id: CallId::new(uuid::Uuid::now_v7()),
        started: SystemTime::now(),
        provider: Providers::built_in().find("openai").unwrap().clone(),
        upstream: "api.openai.com".to_owned(),
        upstream_path: "/v1/realtime".to_owned(),
        method: "GET".to_owned(),
        path: "/v1/realtime".to_owned(),
        query: None,
        http_version: "HTTP/1.1",
        headers: vec![Header { name: "x-long".to_owned(), value: "l".repeat(size) }],
        credential: None,
        local_key: None,
        replay: None,
        secrets: Secrets::default(),
    }
}

/// A text frame of up to 64 KiB - 1.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[first, 126], &length[..], payload].concat()
}

/// The memory of each turn's headers is taken from what all copies share, until its record is stored; when there is none
/// left, what is under way ends with that reason.
#[test]
fn turns_are_paid_for() {
    let (tap, mut captures) = tap();
    let budget = tap.budget.clone();
    let mut records = Records::new(&tap, head(50_000), Instant::now(), &HeaderMap::new());
    let ask = |records: &mut Records| {
        records.take(Side::Client, &frame(0x81, br#"{"type":"response.create"}"#), Instant::now());
    };
    ask(&mut records);
    assert!(budget.free() < MEMORY - 50_000, "{}", budget.free());
    (0..63).for_each(|_| ask(&mut records));
    records.over(&Over::Client, Instant::now());
    let mut ended: Vec<Capture> = Vec::new();
    while let Ok(capture) = captures.try_recv() {
        ended.extend(matches!(capture, Capture::Closed(_)).then_some(capture));
    }
    assert!((10..25).contains(&ended.len()), "{} turns of a good 50 KB in 1 MiB", ended.len());
    for capture in &ended {
        let Capture::Closed(closed) = capture else { panic!("{capture:?}") };
        assert!(
            matches!(&closed.ending, Ending::Truncated(reason) if reason.contains("no memory left")),
            "{:?}",
            closed.ending
        );
    }
    assert!(budget.free() < MEMORY / 2, "what waits to be stored is not free yet");
    drop(ended);
    assert_eq!(budget.free(), MEMORY);
}

/// A little that unpacks to a lot does not hold up who shares the thread.
#[tokio::test]
async fn unpacking_gives_way() {
    let (tap, _captures) = tap();
    let mut answer = HeaderMap::new();
    answer.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("permessage-deflate"));
    let observer = Observer::start(&tap, head(10), Instant::now(), &answer);
    let mut packer = Compress::new(Compression::best(), false);
    let mut packed = Vec::with_capacity(60_000);
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..32 {
        packer.compress_vec(&blanks, &mut packed, FlushCompress::None).unwrap();
    }
    packer.compress_vec(&[], &mut packed, FlushCompress::Sync).unwrap();
    let message = frame(0xc1, &packed);
    assert!(message.len() < 3 * 16_384);
    message.chunks(16_384).for_each(|bytes| observer.see(Side::Server, bytes));
    let turns = Cell::new(0);
    let other = async {
        while turns.get() < usize::MAX {
            turns.set(turns.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = observer.finish(Over::Client) => {}
        () = other => {}
    }
    let turns = turns.get();
    assert!(turns >= 16, "while 32 MiB were unpacked others had {turns} turns");
}
