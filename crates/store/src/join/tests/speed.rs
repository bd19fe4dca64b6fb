//! What joining costs calls of the proxy: figures to look at.

use std::time::Instant;

use api::ReportSource;

use super::made::{Source, proxied};
use super::{Kept, Write};

const BATCHES: u64 = 100;
const EACH: u64 = 200;

#[tokio::test]
#[ignore = "prints figures, which are worth nothing without --release"]
async fn what_joining_costs_calls_of_the_proxy() {
    for told in [0_u64, 1, 20_000] {
        let kept = Kept::new().await;
        for from in (0..told).step_by(1_000) {
            let event = |number| Source {
                by: ReportSource::Event,
                number: 10_000_000 + number,
                request: true,
                answer: false,
            };
            let events: Vec<Source> = (from..(from + 1_000).min(told)).map(event).collect();
            kept.tell(&events).await;
        }
        let mut took = std::time::Duration::ZERO;
        for batch in 0..BATCHES {
            let call = |number| Source { by: ReportSource::Proxy, number, request: true, answer: true };
            let calls: Vec<Write> = (0..EACH).map(|number| proxied(&call(batch * EACH + number))).collect();
            let batch = kept.store.prepare(calls).unwrap();
            let began = Instant::now();
            kept.store.commit(&batch).await.unwrap();
            took += began.elapsed();
        }
        let calls = u32::try_from(BATCHES * EACH).unwrap();
        println!("{told} reports before: {:?} a call", took / calls);
    }
}
