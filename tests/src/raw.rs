//! Upstreams that do on a socket what no server does: each connection is handed to a script. Leaves out well-behaved
//! ones (`mock`, `modern`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::wait::within;

/// An upstream of scripts. Dropping it closes every connection.
pub struct Raw {
    /// Where it listens.
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: CancellationToken,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Raw {
    /// Hands each connection with its number, from zero, to `script`.
    pub async fn start<F>(script: impl Fn(usize, Line) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    /// The same on a socket that listens already.
    pub fn on<F>(listener: TcpListener, script: impl Fn(usize, Line) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let (connections, stop, tasks) =
            (Arc::<AtomicUsize>::default(), CancellationToken::new(), TaskTracker::new());
        let (counted, stopped, all) = (connections.clone(), stop.clone(), tasks.clone());
        tasks.spawn(async move {
            while let Some(accepted) = stopped.run_until_cancelled(listener.accept()).await {
                let Ok((stream, _)) = accepted else { continue };
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let (playing, stopped) = (script(number, Line { stream }), stopped.clone());
                all.spawn(async move { stopped.run_until_cancelled(playing).await });
            }
        });
        Self { address, connections, stop }
    }

    /// Connections that were made to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A socket of either side, byte by byte.
pub struct Line {
    /// The socket.
    pub stream: TcpStream,
}

impl Line {
    /// Connects to `address`.
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: within("connecting", TcpStream::connect(address)).await.unwrap() }
    }

    /// Reads until `mark` has come; everything until there. What was there at the end, if the other side closes first.
    pub async fn until(&mut self, mark: &[u8]) -> Vec<u8> {
        let mut read = Vec::new();
        while !read.ends_with(mark) {
            match within("the other side's next byte", self.stream.read_u8()).await {
                Ok(byte) => read.push(byte),
                Err(_) => break,
            }
        }
        read
    }

    /// A head: everything to its empty line.
    pub async fn head(&mut self) -> String {
        String::from_utf8_lossy(&self.until(b"\r\n\r\n").await).into_owned()
    }

    /// Reads exactly so many bytes; fewer when the other side closes.
    pub async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut read = vec![0; count];
        let mut at = 0;
        while at < count {
            match within("the other side's next bytes", self.stream.read(&mut read[at..])).await {
                Ok(0) | Err(_) => break,
                Ok(more) => at += more,
            }
        }
        read.truncate(at);
        read
    }

    /// Everything until the other side closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        let _reset_is_an_end_too = within("the other side's end", self.stream.read_to_end(&mut read)).await;
        read
    }

    /// Writes; a peer that is gone is no fault.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let _gone = within("writing", self.stream.write_all(bytes.as_ref())).await;
    }
}
