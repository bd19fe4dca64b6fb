//! Connections to upstreams: what a name stands for is judged where it is looked up, and whom we reached is judged
//! before a byte is sent. Leaves out TLS and the pool (`upstream`).

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::address::{is_forbidden, is_forbidden_address};
use crate::outbound::is_this_machine;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A peer that vanished without a word is found out by TCP itself; a quiet one is never cut.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Box<dyn std::error::Error + Send + Sync>>> + Send>>;

/// Opens connections, but none to a metadata service and none to ourselves.
#[derive(Clone)]
pub(crate) struct Connector {
    http: HttpConnector<Resolver>,
    own_ports: Arc<[u16]>,
    /// Whether metadata services may be reached.
    metadata: bool,
}

impl Connector {
    pub(crate) fn new(own_ports: &[u16]) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        http.set_keepalive(Some(KEEP_ALIVE));
        Self { http, own_ports: own_ports.into(), metadata: false }
    }

    /// The same, to metadata services too, by their addresses.
    pub(crate) fn with_metadata(self) -> Self {
        Self { metadata: true, ..self }
    }

    /// Whether `uri` is a metadata service that may be reached.
    pub(crate) fn is_metadata(&self, uri: &Uri) -> bool {
        self.metadata && uri.host().is_some_and(is_forbidden)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Boxed<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.http.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if !self.metadata && uri.host().is_some_and(is_forbidden) {
            return Box::pin(async { Err(forbidden().into()) });
        }
        let (connecting, own_ports) = (self.http.call(uri), self.own_ports.clone());
        Box::pin(async move {
            let stream = connecting.await?;
            let (here, there) = (stream.inner().local_addr()?, stream.inner().peer_addr()?);
            match is_ourselves(here, there, &own_ports) {
                true => Err(looped(there).into()),
                false => Ok(stream),
            }
        })
    }
}

/// The system's resolver, but for `localhost`, which is this machine on both families, whatever a hosts file says, since
/// model servers listen on either; and for addresses that no name may lead to.
#[derive(Clone)]
struct Resolver(GaiResolver);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        if is_this_machine(name.as_str()) {
            let both =
                vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
            return Box::pin(async move { Ok(both.into_iter()) });
        }
        let found = self.0.call(name);
        Box::pin(async move { judge(found.await?.collect()) })
    }
}

/// Every address must be fit: a name that also leads elsewhere is a trick.
fn judge(found: Vec<SocketAddr>) -> Result<std::vec::IntoIter<SocketAddr>, Error> {
    match found.iter().any(|address| is_forbidden_address(address.ip())) {
        true => Err(forbidden()),
        false => Ok(found.into_iter()),
    }
}

/// Whether a connection leads to one of our listeners. They listen on this machine only, and a connection from an
/// address to itself never left it.
fn is_ourselves(here: SocketAddr, there: SocketAddr, own_ports: &[u16]) -> bool {
    let (here, peer) = (here.ip().to_canonical(), there.ip().to_canonical());
    own_ports.contains(&there.port()) && there.port() != 0 && (peer.is_loopback() || here == peer)
}

fn forbidden() -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        "LLMFlow never calls this address: cloud machines get their credentials there",
    )
}

fn looped(there: SocketAddr) -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        format!("{there} is LLMFlow itself, the call would go in circles"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_also_leads_to_a_metadata_service_leads_nowhere() {
        let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
        assert_eq!(judge(vec![address("1.2.3.4:0"), address("[::1]:0")]).unwrap().len(), 2);
        for bad in ["169.254.169.254:0", "[fd00:ec2::254]:0", "100.100.100.200:0", "[fe80::1]:0"] {
            assert!(judge(vec![address("1.2.3.4:0"), address(bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn ourselves_are_known_whatever_we_are_called() {
        for (here, there, ours) in [
            ("127.0.0.1:40000", "127.0.0.1:8080", true),
            ("127.0.0.1:40000", "127.0.0.2:8080", true),
            ("[::1]:40000", "[::1]:8080", true),
            ("192.168.0.4:40000", "192.168.0.4:8080", true),
            ("[::ffff:127.0.0.1]:40000", "[::ffff:127.0.0.1]:8080", true),
            ("127.0.0.1:40000", "127.0.0.1:8081", false),
            ("192.168.0.4:40000", "192.168.0.5:8080", false),
        ] {
            assert_eq!(is_ourselves(here.parse().unwrap(), there.parse().unwrap(), &[8080]), ours, "{there}");
        }
    }

    #[tokio::test]
    async fn a_listener_of_ours_is_not_reached_by_any_spelling() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // As a name of the resolver's making: decimal, hexadecimal, short, and the real one.
        for host in ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "0", "localhost", "0.0.0.0"] {
            let uri: Uri = format!("http://{host}:{port}/").parse().unwrap();
            let error = Connector::new(&[port]).call(uri.clone()).await.expect_err(host).to_string();
            assert!(error.contains("circles"), "{host}: {error}");
            assert!(Connector::new(&[]).call(uri).await.is_ok(), "{host} leads to the listener");
        }
        let uri: Uri = "http://169.254.169.254/latest".parse().unwrap();
        assert!(Connector::new(&[]).call(uri).await.unwrap_err().to_string().contains("never calls"));
    }
}
