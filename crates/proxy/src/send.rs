//! Sending a request to its upstream: once more when the connection turns out to have been dead all along, and with
//! `Expect: 100-continue` meaning what it says. Leaves out what an answer or a failure means (`forward`).

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use http::{Extensions, Request, Response, StatusCode, header, request};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::connect::{CaptureConnection, Connected, capture_connection};
use tokio::sync::Notify;

use crate::body::RequestBody;
use crate::client::{Clients, HttpClient};
use crate::dial::LineHandle;

type ClientError = hyper_util::client::legacy::Error;

/// A connection that was silent for this long may have been closed by the other side meanwhile.
const IDLE: Duration = Duration::from_secs(1);
/// A connection that was dead all along says so within a round trip; who takes longer may have been at work, and what it
/// did must not be done twice.
const AT_ONCE: Duration = Duration::from_millis(300);
/// A server that knows nothing of `Expect` waits for the body; curl gives it this time too.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends `request` and waits for the head of its answer. What never arrived is sent once more, on a connection made for
/// it: other idle ones of the same age may be dead too.
pub(crate) async fn send(
    clients: &Clients,
    request: Request<RequestBody>,
) -> Result<Response<Incoming>, ClientError> {
    let (parts, body) = request.into_parts();
    let (begun, again) = (Instant::now(), body.again());
    let error = match once(&clients.pooled, Request::from_parts(parts.clone(), body)).await {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    let Some(body) = again.filter(|_| never_arrived(&error, begun)).and_then(|again| again.body()) else {
        return Err(error);
    };
    tracing::debug!(%error, "the connection was closed while it was idle, trying a new one");
    once(&clients.fresh, Request::from_parts(parts, body)).await
}

/// One try. When it is dropped, since the client left, its connection is given up.
pub(crate) async fn once<B>(
    client: &HttpClient<B>,
    mut request: Request<B>,
) -> Result<Response<Incoming>, ClientError>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut waiting = Waiting { connection: Some(capture_connection(&mut request)) };
    let answer = client.request(request).await;
    waiting.connection = None;
    answer
}

/// A request that waits for its answer.
struct Waiting {
    connection: Option<CaptureConnection>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(connection) = &self.connection else { return };
        // Others may use a connection of HTTP/2.
        if let Some(connected) = connection.connection_metadata().as_ref().filter(|it| !it.is_negotiated_h2())
            && let Some(line) = line(connected)
        {
            line.give_up();
        }
    }
}

fn line(connected: &Connected) -> Option<LineHandle> {
    let mut extras = Extensions::new();
    connected.get_extras(&mut extras);
    extras.remove()
}

/// Whether the upstream cannot have begun with a request that was sent at `begun` and failed now.
fn never_arrived(error: &ClientError, begun: Instant) -> bool {
    if error.is_connect() {
        return false;
    }
    let mut cause = error.source();
    while let Some(current) = cause {
        // HTTP/2 says which requests were not taken.
        if let Some(error) = current.downcast_ref::<h2::Error>().filter(|error| error.is_remote()) {
            let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
            return refused || (error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR));
        }
        cause = current.source();
    }
    let silent = error.connect_info().and_then(line).and_then(|line| line.silent_at(begun));
    silent.is_some_and(|silent| silent >= IDLE) && begun.elapsed() < AT_ONCE
}

/// The client waits for `100 Continue` before it sends its body, so the body waits for the upstream's word. Clones
/// share it.
#[derive(Clone, Debug)]
pub(crate) struct Expectation(Arc<State>);

#[derive(Debug, Default)]
struct State {
    word: AtomicU8,
    said: Notify,
}

/// What the upstream said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// Nothing yet.
    None,
    /// Go on.
    Continue,
    /// Its answer, without the body.
    Answer,
    /// And the answer is over.
    Over,
}

impl Expectation {
    /// What a request's head expects; the upstream's `100 Continue` will be taken note of in it.
    pub(crate) fn of(parts: &mut request::Parts) -> Option<Self> {
        let expects = parts
            .headers
            .get(header::EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        expects.then(|| {
            let expectation = Self(Arc::default());
            let noted = expectation.clone();
            let mut carrier = Request::new(());
            std::mem::swap(carrier.extensions_mut(), &mut parts.extensions);
            hyper::ext::on_informational(&mut carrier, move |interim| {
                if interim.status() == StatusCode::CONTINUE {
                    noted.say(Word::Continue);
                }
            });
            std::mem::swap(carrier.extensions_mut(), &mut parts.extensions);
            expectation
        })
    }

    /// The upstream answered without having seen the body.
    pub(crate) fn answered(&self) {
        self.say(Word::Answer);
    }

    /// The answer is over: the body will never be wanted.
    pub(crate) fn over(&self) {
        let unsaid = self.0.word.load(Ordering::Acquire) == Word::Answer as u8;
        if unsaid {
            self.0.word.store(Word::Over as u8, Ordering::Release);
            self.0.said.notify_one();
        }
    }

    fn say(&self, word: Word) {
        let first =
            self.0.word.compare_exchange(Word::None as u8, word as u8, Ordering::AcqRel, Ordering::Acquire);
        if first.is_ok() {
            self.0.said.notify_one();
        }
    }

    /// Waits until the body may go on its way; `false` when it will never be wanted.
    pub(crate) async fn wanted(self) -> bool {
        let patience = tokio::time::sleep(PATIENCE);
        tokio::pin!(patience);
        loop {
            let word = self.0.word.load(Ordering::Acquire);
            if word == Word::Continue as u8 {
                return true;
            }
            if word == Word::Over as u8 {
                return false;
            }
            tokio::select! {
                () = self.0.said.notified() => {}
                () = &mut patience, if word == Word::None as u8 => self.say(Word::Continue),
            }
        }
    }
}
