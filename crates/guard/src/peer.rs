//! Who is at the other end of a connection: a process of our user, of another user of this machine, or another machine.
//! Any account may connect to a port on loopback; only the kernel knows which one did (`linux`).

#[cfg(target_os = "linux")]
mod linux;

use std::net::SocketAddr;

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A process of our own user or of root, or one on this machine whose user cannot be known or does not matter.
    Own,
    /// A process of another user of this machine, or one that cannot be found any more.
    OtherUser,
    /// Another machine, a container with a network of its own, or this machine by another address than loopback.
    Network,
}

/// Which users of this machine are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Users {
    /// All, by the settings or since this system does not tell them apart.
    All,
    /// This one and root. Root is let in since it could read our memory and files anyway, and since it is what carries
    /// connections from a Windows host into WSL.
    #[cfg(target_os = "linux")]
    Only(u32),
}

impl Users {
    /// Our own user, where the kernel says whose a connection is.
    #[cfg(target_os = "linux")]
    pub(crate) fn look() -> Self {
        let own = rustix::process::geteuid().as_raw();
        match linux::try_it_out() {
            Ok(Some(found)) if found == own => Self::Only(own),
            found => {
                tracing::warn!(
                    ?found,
                    "the kernel does not say whose a connection is: other users of this machine are not told apart"
                );
                Self::All
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn look() -> Self {
        Self::All
    }

    /// Who connected from `peer` to our `local`.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(unused_variables, reason = "only Linux is asked about a connection")
    )]
    pub(crate) fn meet(self, peer: SocketAddr, local: SocketAddr) -> Peer {
        // One listener may serve both families; then an IPv4 address comes in IPv6's clothes.
        let ip = peer.ip().to_canonical();
        match self {
            _ if !ip.is_loopback() => Peer::Network,
            Self::All => Peer::Own,
            #[cfg(target_os = "linux")]
            Self::Only(own) => {
                let local = SocketAddr::new(local.ip().to_canonical(), local.port());
                match linux::user_of(SocketAddr::new(ip, peer.port()), local) {
                    Ok(Some(user)) if user == own || user == 0 => Peer::Own,
                    Ok(_) => Peer::OtherUser,
                    Err(error) => {
                        tracing::warn!(%error, "the kernel did not say whose a connection is");
                        Peer::OtherUser
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_machine() {
        let local: SocketAddr = "127.0.0.1:3000".parse().unwrap();
        for (address, wanted) in [
            ("127.0.0.1:5", Peer::Own),
            ("127.8.9.1:5", Peer::Own),
            ("[::1]:5", Peer::Own),
            ("[::ffff:127.0.0.1]:5", Peer::Own),
            ("172.17.0.1:5", Peer::Network),
            ("192.168.0.4:5", Peer::Network),
            ("[::ffff:10.0.0.1]:5", Peer::Network),
            ("[fe80::1]:5", Peer::Network),
            ("0.0.0.0:5", Peer::Network),
        ] {
            assert_eq!(Users::All.meet(address.parse().unwrap(), local), wanted, "{address}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn our_own_connections_are_ours_in_both_families_until_they_are_gone() {
        use std::net::{TcpListener, TcpStream};

        let Users::Only(own) = Users::look() else {
            println!("this kernel does not say whose a connection is");
            return;
        };
        for host in ["127.0.0.1", "::1", "::"] {
            let Ok(listener) = TcpListener::bind((host, 0)) else { continue };
            let port = listener.local_addr().unwrap().port();
            let target = if host == "::1" { "::1" } else { "127.0.0.1" };
            let client = TcpStream::connect((target, port)).unwrap();
            let (accepted, peer) = listener.accept().unwrap();
            let local = accepted.local_addr().unwrap();
            assert_eq!(Users::Only(own).meet(peer, local), Peer::Own, "{host}");
            let somebody = Users::Only(own + 7).meet(peer, local);
            assert_eq!(somebody == Peer::Own, own == 0, "root is let in, others are not: {host}");
            drop(client);
            // The kernel says root of a socket that nobody holds any more: that must not let anybody in.
            assert_eq!(Users::Only(own).meet(peer, local), Peer::OtherUser, "{host}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    #[ignore = "prints what a look costs: cargo test --release -p guard -- --ignored --nocapture"]
    fn what_a_look_costs() {
        use std::net::{TcpListener, TcpStream};

        const LOOKS: u32 = 20_000;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect =
            |_| (TcpStream::connect(listener.local_addr().unwrap()).unwrap(), listener.accept().unwrap());
        let clients: Vec<_> = (0..400).map(connect).collect();
        let (peer, local) = (clients[7].0.local_addr().unwrap(), clients[7].0.peer_addr().unwrap());
        let users = Users::look();
        let begun = std::time::Instant::now();
        for _ in 0..LOOKS {
            assert_eq!(users.meet(peer, local), Peer::Own);
        }
        println!("{:?} a look, with {} other connections", begun.elapsed() / LOOKS, clients.len());
    }
}
