//! One maker, many listeners: what is told is made once and shared, a listener that lags misses some and learns how much.
//! Made only while somebody listens. Also how many may listen at one time. Leaves out what is told (`events`, `live`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use tokio_util::task::TaskTracker;

/// Who listens to one kind of frames. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Fanout<T> {
    frames: Arc<Mutex<Option<broadcast::Sender<T>>>>,
    /// Frames that a listener may lag behind; whoever lags more misses the oldest.
    backlog: usize,
    listeners: Arc<AtomicUsize>,
    /// Listeners at one time.
    most: usize,
    /// The maker and whoever tells a listener.
    pub(crate) tasks: TaskTracker,
}

impl<T: Clone> Fanout<T> {
    pub(crate) fn new(backlog: usize, most: usize) -> Self {
        Self { frames: Arc::default(), backlog, listeners: Arc::default(), most, tasks: TaskTracker::new() }
    }

    /// Frames from now on; the first listener has the maker begin.
    pub(crate) fn listen<F>(
        &self,
        make: impl FnOnce(broadcast::Sender<T>, Self) -> F,
    ) -> broadcast::Receiver<T>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = frames.as_ref() {
            return sender.subscribe();
        }
        let (sender, receiver) = broadcast::channel(self.backlog);
        *frames = Some(sender.clone());
        self.tasks.spawn(make(sender, self.clone()));
        receiver
    }

    /// Ends the making if nobody listens any more; whether it did.
    pub(crate) fn end_if_idle(&self) -> bool {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = frames.as_ref().is_none_or(|sender| sender.receiver_count() == 0);
        if is_idle {
            *frames = None;
        }
        is_idle
    }

    /// A place for one more, while there is one.
    pub(crate) fn enter(&self) -> Option<Place> {
        let place = Place(self.listeners.clone());
        (place.0.fetch_add(1, Ordering::Relaxed) < self.most).then_some(place)
    }

    /// After a stop: waits until every listener was told of it.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A listener's place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_made_while_somebody_listens() {
        let fanout = Fanout::<u32>::new(2, 10);
        let mut made = 0;
        let mut listen = || {
            fanout.listen(|_, _| {
                made += 1;
                std::future::pending()
            })
        };
        let (one, other) = (listen(), listen());
        drop(one);
        assert!(!fanout.end_if_idle(), "one listens");
        drop(other);
        assert!(fanout.end_if_idle());
        let _again = listen();
        assert_eq!(made, 2);
    }

    #[test]
    fn places_are_given_back() {
        let fanout = Fanout::<u32>::new(2, 2);
        let (one, two) = (fanout.enter(), fanout.enter());
        assert!(one.is_some() && two.is_some() && fanout.enter().is_none());
        drop(one);
        assert!(fanout.enter().is_some());
    }
}
