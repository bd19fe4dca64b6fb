//! Binding a port on this machine's own addresses of both families: clients say `localhost` and mean either. Where the
//! settings say so, also on an address that others reach; whoever comes there has to show a token (`guard`).

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

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
    #[error(
        "port {port} cannot be listened on at {address}: {cause}; choose another port with {variable}, or another address"
    )]
    Other {
        /// The port.
        port: u16,
        /// The address.
        address: IpAddr,
        /// The variable that chooses another port.
        variable: &'static str,
        /// Why.
        cause: std::io::Error,
    },
}

/// Binds `port` on 127.0.0.1 and, where the machine has IPv6, on [::1]; and on `beyond`, which may stand for all addresses.
/// `variable` is named in errors.
pub async fn listen(
    beyond: Option<IpAddr>,
    port: u16,
    variable: &'static str,
) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    for (ip, wanted) in addresses(beyond) {
        match TcpListener::bind(SocketAddr::new(ip, port)).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if wanted == Wanted::Perhaps => {
                tracing::debug!(%error, %ip, "this address is not listened on");
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                return Err(ListenError::Taken { port, variable });
            }
            Err(error) if wanted == Wanted::IfThere => tracing::debug!(%error, "no IPv6 loopback"),
            Err(cause) => return Err(ListenError::Other { port, address: ip, variable, cause }),
        }
    }
    Ok(listeners)
}

/// How much an address matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// Nothing goes without it.
    Surely,
    /// Where the machine has it; then nobody else may have the port there.
    IfThere,
    /// It may be there already.
    Perhaps,
}

fn addresses(beyond: Option<IpAddr>) -> Vec<(IpAddr, Wanted)> {
    let (four, six) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    match beyond {
        None => vec![(four, Wanted::Surely), (six, Wanted::IfThere)],
        Some(all @ IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => vec![(all, Wanted::Surely), (six, Wanted::IfThere)],
        // On most systems it takes IPv4 too, and then there is nothing left to bind.
        Some(all @ IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => vec![(all, Wanted::Surely), (four, Wanted::Perhaps)],
        Some(one) => {
            let mut all = vec![(four, Wanted::Surely), (six, Wanted::IfThere)];
            all.extend(Some((one, Wanted::Surely)).filter(|_| one != four && one != six));
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_always_among_the_addresses() {
        let bound = |text: &str| {
            let all = addresses(Some(text.parse().unwrap()));
            all.iter().map(|(ip, _)| ip.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(addresses(None).len(), 2);
        assert_eq!(bound("0.0.0.0"), "0.0.0.0 ::1");
        assert_eq!(bound("::"), ":: 127.0.0.1");
        assert_eq!(bound("192.168.0.4"), "127.0.0.1 ::1 192.168.0.4");
        assert_eq!(bound("127.0.0.1"), "127.0.0.1 ::1");
    }

    #[tokio::test]
    async fn all_addresses_take_both_families() {
        for beyond in ["0.0.0.0", "::"] {
            let port = {
                let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                free.local_addr().unwrap().port()
            };
            let Ok(_listening) = listen(Some(beyond.parse().unwrap()), port, "PORT").await else {
                println!("{beyond} cannot be had here");
                continue;
            };
            std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        }
    }
}
