//! Asks Linux whose the socket at the other end is: one question for one socket over netlink (`sock_diag`), which costs the
//! same however many connections there are. The answer names the user that made the socket.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// `SOCK_DIAG_BY_FAMILY`, the type of question and answer.
const BY_FAMILY: u16 = 20;
/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// `IPPROTO_TCP`.
const TCP: u8 = 6;
/// `TCP_LISTEN`: whoever listens on the peer's port is not who connected.
const LISTENING: u8 = 10;
/// `INET_DIAG_NOCOOKIE`, twice.
const ANY_SOCKET: [u8; 8] = [0xff; 8];
const ANY_STATE: u32 = u32::MAX;
/// Of a netlink message's head, `nlmsghdr`.
const HEAD: usize = 16;
/// Of `inet_diag_req_v2`.
const QUESTION: usize = 56;

/// The user that made the socket at `peer` which is connected to our `local`; `None` when no process holds it.
pub(super) fn user_of(peer: SocketAddr, local: SocketAddr) -> io::Result<Option<u32>> {
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(SOCK_DIAG))?;
    let question = question(peer, local);
    rustix::net::sendto(&socket, &question, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 1024];
    // The kernel has answered when the question is sent.
    let (length, _) = rustix::net::recv(&socket, &mut answer, RecvFlags::DONTWAIT)?;
    read(answer.get(..length).unwrap_or_default(), peer, local)
}

/// Asks about a connection of our own.
pub(super) fn try_it_out() -> io::Result<Option<u32>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    user_of(client.local_addr()?, client.peer_addr()?)
}

fn question(peer: SocketAddr, local: SocketAddr) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEAD + QUESTION);
    message.extend(u32::try_from(HEAD + QUESTION).unwrap_or_default().to_ne_bytes());
    message.extend(BY_FAMILY.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    message.extend([0; 8]);
    let family = if peer.is_ipv4() && local.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    message.extend([u8::try_from(family.as_raw()).unwrap_or_default(), TCP, 0, 0]);
    message.extend(ANY_STATE.to_ne_bytes());
    message.extend(peer.port().to_be_bytes());
    message.extend(local.port().to_be_bytes());
    message.extend(octets(peer.ip()));
    message.extend(octets(local.ip()));
    message.extend([0; 4]);
    message.extend(ANY_SOCKET);
    message
}

fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V6(six) => six.octets(),
        IpAddr::V4(four) => {
            let [a, b, c, d] = four.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
    }
}

/// What an answer says: `inet_diag_msg`, or an error.
fn read(answer: &[u8], peer: SocketAddr, local: SocketAddr) -> io::Result<Option<u32>> {
    let unreadable = || io::Error::other("the kernel's answer is not understood");
    let kind = u16::from_ne_bytes(at(answer, 4).ok_or_else(unreadable)?);
    if kind == ERROR {
        let code = i32::from_ne_bytes(at(answer, HEAD).ok_or_else(unreadable)?);
        let error = io::Error::from_raw_os_error(code.saturating_neg());
        return if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) };
    }
    if kind != BY_FAMILY {
        return Err(unreadable());
    }
    let [_, state] = at(answer, HEAD).ok_or_else(unreadable)?;
    let from = u16::from_be_bytes(at(answer, HEAD + 4).ok_or_else(unreadable)?);
    let to = u16::from_be_bytes(at(answer, HEAD + 6).ok_or_else(unreadable)?);
    let user = u32::from_ne_bytes(at(answer, HEAD + 64).ok_or_else(unreadable)?);
    let inode = u32::from_ne_bytes(at(answer, HEAD + 68).ok_or_else(unreadable)?);
    let is_it = (from, to) == (peer.port(), local.port()) && state != LISTENING;
    // A socket that was closed has no inode, and then the kernel says root.
    Ok((is_it && inode != 0).then_some(user))
}

fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(state: u8, from: u16, user: u32, inode: u32) -> Vec<u8> {
        let mut answer = vec![0; HEAD + 72];
        answer[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
        answer[HEAD + 1] = state;
        answer[HEAD + 4..HEAD + 6].copy_from_slice(&from.to_be_bytes());
        answer[HEAD + 6..HEAD + 8].copy_from_slice(&3000_u16.to_be_bytes());
        answer[HEAD + 64..HEAD + 68].copy_from_slice(&user.to_ne_bytes());
        answer[HEAD + 68..HEAD + 72].copy_from_slice(&inode.to_ne_bytes());
        answer
    }

    #[test]
    fn only_a_held_socket_of_that_connection_says_a_user() {
        let (peer, local) = ("127.0.0.1:40000".parse().unwrap(), "127.0.0.1:3000".parse().unwrap());
        let read = |answer: &[u8]| super::read(answer, peer, local);
        assert_eq!(read(&answer(1, 40_000, 1000, 5)).unwrap(), Some(1000));
        assert_eq!(read(&answer(4, 40_000, 0, 0)).unwrap(), None, "nobody holds it any more");
        assert_eq!(read(&answer(LISTENING, 40_000, 1000, 5)).unwrap(), None, "somebody listens there");
        assert_eq!(read(&answer(1, 40_001, 1000, 5)).unwrap(), None, "another connection");
        let mut missing = vec![0; HEAD + 4];
        missing[4..6].copy_from_slice(&ERROR.to_ne_bytes());
        missing[HEAD..].copy_from_slice(&(-2_i32).to_ne_bytes());
        assert_eq!(read(&missing).unwrap(), None, "ENOENT");
        missing[HEAD..].copy_from_slice(&(-1_i32).to_ne_bytes());
        assert!(read(&missing).is_err(), "EPERM");
        let whole = answer(1, 40_000, 1000, 5);
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "cut after {length} bytes");
        }
    }
}
