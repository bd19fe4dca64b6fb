//! Binding a port on this machine's own addresses of both families: clients say `localhost` and mean either.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// A port cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program has it.
    #[error(
        "port {port} is taken: it belongs to another program or account; stop that program, or choose another port with {variable}"
    )]
    Taken {
        /// The port.
        port: u16,
        /// The variable that chooses another.
        variable: &'static str,
    },
    /// Something else is wrong.
    #[error("port {port} cannot be listened on: {cause}; choose another port with {variable}")]
    Other {
        /// The port.
        port: u16,
        /// The variable that chooses another.
        variable: &'static str,
        /// Why.
        cause: std::io::Error,
    },
}

/// Binds `port` on 127.0.0.1 and, where the machine has IPv6, on [::1]. `variable` is named in errors.
pub async fn listen(port: u16, variable: &'static str) -> Result<Vec<TcpListener>, ListenError> {
    let addresses =
        [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
    let mut listeners = Vec::new();
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                return Err(ListenError::Taken { port, variable });
            }
            Err(error) if address.is_ipv6() => tracing::debug!(%error, "no IPv6 loopback"),
            Err(cause) => return Err(ListenError::Other { port, variable, cause }),
        }
    }
    Ok(listeners)
}
