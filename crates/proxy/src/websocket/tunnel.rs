//! Two connections that have become one WebSocket: bytes go both ways untouched until a side leaves or we stop. Leaves
//! out the handshake and what is recorded.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use model::websocket::{Side, close_frame};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::observer::Observer;
use super::pump::{End, LINGER, Written, pump};
use super::records::Over;
use crate::recorder::{Open, Tap};
use crate::serve::socket::Socket;

/// A side that was told we stop has this long to say good-bye.
const GOOD_BYE: Duration = Duration::from_secs(1);
/// The close code of who goes away.
const GOING_AWAY: u16 = 1001;
const REASON: &str = "LLMFlow is stopping";

/// A WebSocket, before it begins.
pub(crate) struct Tunnel {
    pub(super) client: OnUpgrade,
    pub(super) upstream: OnUpgrade,
    pub(super) observer: Observer,
    /// It is a call under way.
    pub(super) _open: Open,
}

impl Tunnel {
    /// Carries bytes until a side leaves, or, when `stop` says so and no turn is under way, or `force`, we do.
    pub(crate) async fn run(self, tap: &Tap, stop: CancellationToken, force: CancellationToken) {
        let Self { client, upstream, observer, _open } = self;
        let (client, upstream) = match tokio::join!(client, upstream) {
            (Ok(client), Ok(upstream)) => (client, upstream),
            (Err(_), _) => return observer.finish(Over::Client).await,
            (_, Err(error)) => return observer.finish(Over::Upstream(error.to_string())).await,
        };
        let parts = downcast::<TokioIo<Socket>>(client).ok();
        let Some((Some(stream), first)) =
            parts.map(|parts| (parts.io.into_inner().into_stream(), parts.read_buf))
        else {
            tracing::error!("a client's socket cannot be had back");
            return observer.finish(Over::Client).await;
        };
        let (mut from_client, mut to_client) = stream.into_split();
        let (mut from_upstream, mut to_upstream) = tokio::io::split(TokioIo::new(upstream));
        let (mut up, mut down) = (Written::default(), Written::default());
        let over = {
            let upward = pump(Side::Client, &first, &mut from_client, &mut to_upstream, &mut up, &observer);
            let downward = pump(Side::Server, &[], &mut from_upstream, &mut to_client, &mut down, &observer);
            tokio::pin!(upward, downward);
            let ended = async {
                tokio::select! {
                    end = &mut upward => {
                        // What the upstream still says is on its way to a client that may be reading.
                        if !matches!(end, End::Read(_)) {
                            linger(downward, &observer).await;
                        }
                        match end {
                            End::Closed | End::Read(_) => Over::Client,
                            End::Write(error) => Over::Upstream(error.to_string()),
                        }
                    }
                    end = &mut downward => {
                        if matches!(end, End::Closed) {
                            linger(upward, &observer).await;
                        }
                        match end {
                            End::Closed => Over::Upstream("it ended without a word".to_owned()),
                            End::Read(error) => Over::Upstream(error.to_string()),
                            End::Write(_) => Over::Client,
                        }
                    }
                }
            };
            tokio::select! {
                over = ended => Some(over),
                () = told_to_stop(&observer, &stop, &force) => None,
            }
        };
        if let Some(over) = over {
            return observer.finish(over).await;
        }
        if force.is_cancelled() {
            tap.stopping.store(true, Ordering::Relaxed);
        }
        // Its last bytes are random.
        let mask = uuid::Uuid::now_v7().as_bytes().last_chunk().copied().unwrap_or_default();
        tokio::join!(
            say_good_bye(from_client, to_client, &down, None),
            say_good_bye(from_upstream, to_upstream, &up, Some(mask)),
        );
        observer.finish(Over::Stopped).await;
    }
}

async fn told_to_stop(observer: &Observer, stop: &CancellationToken, force: &CancellationToken) {
    let stopped = async {
        stop.cancelled().await;
        observer.idle().await;
    };
    tokio::select! {
        () = stopped => {}
        () = force.cancelled() => {}
    }
}

/// The other direction goes on until it ends or falls silent.
async fn linger(mut other: std::pin::Pin<&mut impl Future<Output = End>>, observer: &Observer) {
    loop {
        let before = observer.moved();
        if tokio::time::timeout(LINGER, &mut other).await.is_ok() || observer.moved() == before {
            return;
        }
    }
}

/// Closes one side as a WebSocket is closed, if that can be said here, and waits shortly for its answer.
async fn say_good_bye(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    written: &Written,
    mask: Option<[u8; 4]>,
) {
    let good_bye = async {
        if written.between() {
            to.write_all(&close_frame(GOING_AWAY, REASON, mask)).await?;
            to.flush().await?;
        }
        to.shutdown().await?;
        tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
        Ok::<_, io::Error>(())
    };
    let _late_or_gone = tokio::time::timeout(GOOD_BYE, good_bye).await;
}
