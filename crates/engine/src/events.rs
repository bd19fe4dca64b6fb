//! Telling every dashboard what changed. Slow listeners miss events and are told to fetch everything again.

use std::sync::Arc;
use std::time::Duration;

use api::{CallId, Event};
use store::Latest;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep_until};

/// Events a listener may lag behind before it misses some.
const BACKLOG: usize = 256;
/// Calls named in one event.
const NAMED: usize = 100;

/// What tools reported just now, by name. Of much that came at once only the latest is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// Trace and span, each in hexadecimal digits.
    pub spans: Vec<(String, String)>,
    /// Log records.
    pub logs: Vec<String>,
    /// Points of metrics.
    pub points: Vec<String>,
}

/// The sending side of all events.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    sender: broadcast::Sender<Event>,
    /// What tools reported, by name, for who wants to tell of each.
    reported: broadcast::Sender<Arc<Reported>>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, reported: broadcast::channel(BACKLOG).0 }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }

    pub(crate) fn send(&self, event: Event) {
        // An error only says that nobody listens.
        let _nobody_listens = self.sender.send(event);
    }

    /// These calls were committed.
    pub(crate) fn calls_changed(&self, mut ids: Vec<CallId>) {
        newest(&mut ids);
        if !ids.is_empty() {
            self.send(Event::CallsChanged { ids });
        }
    }

    /// What tools report from now on, by name.
    pub(crate) fn reports(&self) -> broadcast::Receiver<Arc<Reported>> {
        self.reported.subscribe()
    }

    /// These reports were stored.
    pub(crate) fn reported(&self, latest: Latest) {
        if latest.is_empty() || self.reported.receiver_count() == 0 {
            return;
        }
        let reported = Reported {
            spans: latest.spans.iter().map(|(trace, span)| (hex(trace), hex(span))).collect(),
            logs: latest.logs.iter().map(|(time_ns, hash)| store::log_id(*time_ns, *hash)).collect(),
            points: latest.points,
        };
        let _nobody_listens = self.reported.send(Arc::new(reported));
    }

    /// Spans of these traces were stored, or calls in them changed.
    pub(crate) fn traces_changed(&self, mut ids: Vec<String>) {
        ids.drain(..ids.len().saturating_sub(NAMED));
        if !ids.is_empty() {
            self.send(Event::TracesChanged { ids });
        }
    }
}

/// Bytes as events and paths name them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Each call once, and of many only the newest.
fn newest(ids: &mut Vec<CallId>) {
    ids.sort_unstable();
    ids.dedup();
    ids.drain(..ids.len().saturating_sub(NAMED));
}

/// Events as they gather, each fact once: the first comes at once, what follows within the pause comes together.
/// Memory is bounded, however long nobody asks: who asks too late gets [`Event::Resync`].
#[derive(Debug)]
pub struct Gathering {
    events: broadcast::Receiver<Event>,
    pause: Duration,
    /// When the next may be given.
    due: Instant,
    kept: Vec<Event>,
}

impl Gathering {
    /// Of `events`, at least `pause` apart.
    pub fn new(events: broadcast::Receiver<Event>, pause: Duration) -> Self {
        Self { events, pause, due: Instant::now(), kept: Vec::new() }
    }

    /// Waits for something to happen and gives all that has gathered by then; `None` at the end. Nothing is lost when
    /// this is given up and asked again.
    pub async fn next(&mut self) -> Option<Vec<Event>> {
        while self.kept.is_empty() || Instant::now() < self.due {
            let received = if self.kept.is_empty() {
                self.events.recv().await
            } else {
                tokio::select! {
                    received = self.events.recv() => received,
                    () = sleep_until(self.due) => break,
                }
            };
            match received {
                Ok(event) => keep(&mut self.kept, event),
                Err(RecvError::Lagged(_)) => keep(&mut self.kept, Event::Resync),
                Err(RecvError::Closed) if self.kept.is_empty() => return None,
                Err(RecvError::Closed) => break,
            }
        }
        loop {
            match self.events.try_recv() {
                Ok(event) => keep(&mut self.kept, event),
                Err(TryRecvError::Lagged(_)) => keep(&mut self.kept, Event::Resync),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.due = Instant::now() + self.pause;
        Some(std::mem::take(&mut self.kept))
    }
}

/// The same facts in fewer events: what was told later replaces what it makes stale.
fn keep(kept: &mut Vec<Event>, event: Event) {
    match kept.iter_mut().find(|earlier| is_about_the_same(earlier, &event)) {
        Some(earlier) => merge(earlier, event),
        None => kept.push(event),
    }
}

fn is_about_the_same(earlier: &Event, later: &Event) -> bool {
    match (earlier, later) {
        (Event::SourceState { source: earlier }, Event::SourceState { source: later }) => {
            earlier.name == later.name
        }
        (Event::Alert { .. }, Event::Alert { .. }) => earlier == later,
        _ => std::mem::discriminant(earlier) == std::mem::discriminant(later),
    }
}

fn merge(earlier: &mut Event, later: Event) {
    match (earlier, later) {
        (Event::CallsChanged { ids }, Event::CallsChanged { ids: more }) => {
            ids.extend(more);
            newest(ids);
        }
        (Event::TracesChanged { ids }, Event::TracesChanged { ids: more }) => {
            ids.retain(|id| !more.contains(id));
            ids.extend(more);
            ids.drain(..ids.len().saturating_sub(NAMED));
        }
        (earlier, later) => *earlier = later,
    }
}

#[cfg(test)]
mod tests {
    use api::{SourceState, SourceStatus};

    use super::*;

    fn changed(ids: impl IntoIterator<Item = u128>) -> Event {
        Event::CallsChanged {
            ids: ids.into_iter().map(|id| CallId::new(uuid::Uuid::from_u128(id))).collect(),
        }
    }

    fn source(name: &str, state: SourceState) -> Event {
        Event::SourceState { source: SourceStatus { name: name.to_owned(), state } }
    }

    #[tokio::test]
    async fn what_gathers_is_told_once() {
        let events = Events::new();
        let mut listener = Gathering::new(events.subscribe(), Duration::ZERO);
        events.send(changed([1]));
        events.send(source("proxy", SourceState::Stopped));
        events.send(Event::CallProgress { calls: Vec::new(), total: 3 });
        events.send(changed([3, 2, 1]));
        events.send(source("otlp", SourceState::Stopped));
        events.send(source("proxy", SourceState::Running { addresses: Vec::new() }));
        events.send(Event::CallProgress { calls: Vec::new(), total: 2 });
        assert_eq!(
            listener.next().await.unwrap(),
            [
                changed([1, 2, 3]),
                source("proxy", SourceState::Running { addresses: Vec::new() }),
                Event::CallProgress { calls: Vec::new(), total: 2 },
                source("otlp", SourceState::Stopped),
            ]
        );
        drop(events);
        assert_eq!(listener.next().await, None);
    }

    #[tokio::test]
    async fn who_was_too_slow_is_told_to_ask_again() {
        let events = Events::new();
        let mut listener = Gathering::new(events.subscribe(), Duration::ZERO);
        for id in 0..1_000 {
            events.send(changed([id]));
        }
        let told = listener.next().await.unwrap();
        assert_eq!(told[0], Event::Resync);
        assert_eq!(told[1], changed(900..1_000), "of many only the newest are named");
    }

    #[tokio::test]
    async fn the_first_comes_at_once_and_what_follows_comes_together() {
        let events = Events::new();
        let mut listener = Gathering::new(events.subscribe(), Duration::from_secs(3_600));
        events.send(changed([1]));
        assert_eq!(listener.next().await.unwrap(), [changed([1])]);
        events.send(changed([2]));
        // Asked and given up: nothing is lost.
        tokio::select! {
            biased;
            told = listener.next() => panic!("too early: {told:?}"),
            () = std::future::ready(()) => {}
        }
        events.send(changed([3]));
        listener.due = Instant::now();
        assert_eq!(listener.next().await.unwrap(), [changed([2, 3])]);
        events.send(changed([4]));
        drop(events);
        assert_eq!(listener.next().await.unwrap(), [changed([4])], "the last words are said, too");
        assert_eq!(listener.next().await, None);
    }
}
