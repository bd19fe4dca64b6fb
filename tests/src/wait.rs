//! Waiting for a condition. The deadline only turns a hang into a failure; nothing is asserted about time.

use std::time::{Duration, Instant};

/// After this time a test that waits has hung.
pub const DEADLINE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer; fails naming `what` when there never is one.
pub async fn wait_until<T>(what: &str, mut answer: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = answer().await {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain for: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// What `attempt` finds when it takes less than `limit`, after which the program rightly does something else. On a busy
/// machine it may take several attempts.
pub async fn unhindered<T>(limit: Duration, mut attempt: impl AsyncFnMut() -> T) -> T {
    wait_until("an attempt that nothing held up", async || {
        let begun = Instant::now();
        let found = attempt().await;
        (begun.elapsed() < limit).then_some(found)
    })
    .await
}

/// The future's value; fails naming `what` when it hangs.
pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("this hangs: {what}"),
    }
}
