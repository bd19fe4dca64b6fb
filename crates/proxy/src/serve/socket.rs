//! A client's socket as the HTTP server uses it, and a second look at it: whether the client is still there. The server
//! does not read while an upstream takes no more of a body, and would not notice.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// The socket for the server.
pub(crate) struct Socket {
    reader: OwnedReadHalf,
    writer: Arc<OwnedWriteHalf>,
}

/// Whether the client is there.
pub(super) struct Presence {
    writer: Arc<OwnedWriteHalf>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> (Self, Presence) {
        let (reader, writer) = stream.into_split();
        let writer = Arc::new(writer);
        (Self { reader, writer: writer.clone() }, Presence { writer })
    }

    /// The socket as it was; `None` while somebody still looks at it.
    pub(crate) fn into_stream(self) -> Option<TcpStream> {
        self.reader.reunite(Arc::into_inner(self.writer)?).ok()
    }
}

impl Presence {
    /// Waits until the client has closed its side, whatever of it is still unread.
    pub(super) async fn left(&self) {
        left((*self.writer).as_ref()).await;
    }
}

/// Waits until the other side has closed its half, whatever of it is still unread.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) async fn left(stream: &TcpStream) {
    // Of all interests only this one is not met by bytes that wait to be read.
    while let Ok(ready) = stream.ready(Interest::PRIORITY).await {
        if ready.is_read_closed() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Waits until the other side has closed its half, whatever of it is still unread.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) async fn left(stream: &TcpStream) {
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);
    while let Ok(ready) = stream.ready(Interest::READABLE).await {
        if ready.is_read_closed() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(context, buffer)
    }
}

impl Socket {
    fn poll_written(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let stream: &TcpStream = (*self.writer).as_ref();
        loop {
            ready!(stream.poll_write_ready(context))?;
            match write(stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_written(context, |stream| stream.try_write(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_written(context, |stream| stream.try_write_vectored(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The socket closes when the connection is dropped, which is what follows.
    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
