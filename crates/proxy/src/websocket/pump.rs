//! One direction of a tunnel: what one side sends is written to the other, a buffer at a time, so that who is slow to
//! take holds back who sends. Leaves out the other direction (`tunnel`).

use std::io;
use std::time::Duration;

use model::websocket::{Frames, Side};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf};
use tokio::net::tcp::OwnedReadHalf;

use super::observer::Observer;
use crate::serve::socket::left;

/// Bytes on their way in one direction.
const ROOM: usize = 16 * 1024;
/// When one side has left, the other has this long after its last word.
pub(super) const LINGER: Duration = Duration::from_secs(30);

/// How a direction ended.
#[derive(Debug)]
pub(super) enum End {
    /// Its sender closed its side, and the other side knows.
    Closed,
    /// Its sender is gone.
    Read(io::Error),
    /// Its receiver is gone.
    Write(io::Error),
}

/// Where a direction begins.
pub(super) trait Source: AsyncRead + Unpin + Send {
    /// Waits until its sender has left, without reading; for ever where only reading tells.
    fn left(&mut self) -> impl Future<Output = ()> + Send;
}

impl Source for OwnedReadHalf {
    async fn left(&mut self) {
        left((*self).as_ref()).await;
    }
}

impl<T: AsyncRead + Unpin + Send> Source for ReadHalf<T> {
    fn left(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// What was written in one direction: whether a frame of one's own may follow.
#[derive(Debug, Default)]
pub(super) struct Written {
    frames: Frames,
    unreadable: bool,
}

impl Written {
    fn push(&mut self, bytes: &[u8]) {
        self.unreadable |= self.frames.push(bytes, &mut |_| Ok(())).is_err();
    }

    /// Whether the last frame is over.
    pub(super) fn between(&self) -> bool {
        !self.unreadable && self.frames.between()
    }
}

/// Carries `first`, and then what `from` sends, to `to`. Nothing is lost when this is dropped but what was on its way.
pub(super) async fn pump(
    side: Side,
    first: &[u8],
    from: &mut impl Source,
    to: &mut (impl AsyncWrite + Unpin),
    written: &mut Written,
    observer: &Observer,
) -> End {
    let mut room = vec![0; ROOM];
    let mut next = first.len();
    if let Some(place) = room.get_mut(..next) {
        place.copy_from_slice(first);
    } else {
        room = first.to_vec();
    }
    loop {
        if next > 0 {
            let bytes = room.get(..next).unwrap_or_default();
            observer.see(side, bytes);
            if let Err(error) = write(bytes, from, to, written).await {
                return End::Write(error);
            }
        }
        next = match from.read(&mut room).await {
            Ok(0) => {
                // Whether that still reaches anybody shows in the other direction.
                let _gone = to.shutdown().await;
                return End::Closed;
            }
            Ok(count) => count,
            Err(error) => return End::Read(error),
        };
    }
}

async fn write(
    mut bytes: &[u8],
    from: &mut impl Source,
    to: &mut (impl AsyncWrite + Unpin),
    written: &mut Written,
) -> io::Result<()> {
    // Nobody would notice that the sender left while the receiver takes nothing.
    let abandoned = async {
        from.left().await;
        tokio::time::sleep(LINGER).await;
    };
    tokio::pin!(abandoned);
    while !bytes.is_empty() {
        let count = tokio::select! {
            biased;
            count = to.write(bytes) => count?,
            () = &mut abandoned => return Err(io::ErrorKind::TimedOut.into()),
        };
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let (now, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
        written.push(now);
        bytes = rest;
    }
    to.flush().await
}
