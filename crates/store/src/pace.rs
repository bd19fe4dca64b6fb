//! How recording shares the processor's cores with the calls that go through. Leaves out when it is late (the engine).

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A call that arrives on a core that records waits at most about this long, where a scheduler's own slice is several
/// milliseconds. Shorter ones cost more in looking at the clock than they gain.
const SLICE: Duration = Duration::from_micros(100);

thread_local! {
    static GAVE_WAY: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Whether there is time to let others go first. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    late: Arc<AtomicBool>,
}

impl Pace {
    /// Recording is late, or no longer: while it is, it takes its full share, so that nothing has to be dropped.
    pub fn set_late(&self, late: bool) {
        self.late.store(late, Ordering::Relaxed);
    }

    /// Whether recording is late.
    fn is_late(&self) -> bool {
        self.late.load(Ordering::Relaxed)
    }

    /// Between two pieces of work: lets whoever waits for this core go first, unless recording is late.
    pub fn give_way(&self) {
        if self.is_late() {
            return;
        }
        let now = Instant::now();
        let due = GAVE_WAY.get().is_none_or(|last| now.duration_since(last) >= SLICE);
        if due {
            thread::yield_now();
            GAVE_WAY.set(Some(Instant::now()));
        }
    }
}
