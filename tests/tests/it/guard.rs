//! Local is not safe: foreign hosts, foreign pages and forms are refused on both listeners before anything happens.

mod token;
#[cfg(target_os = "linux")]
mod users;

use std::net::{Ipv6Addr, SocketAddr};

use tests::{App, Client, Mock, Setup, send};

fn asking(host: Option<&str>, more: &str, path: &str) -> Vec<u8> {
    let host = host.map(|host| format!("Host: {host}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\n{host}{more}\r\n").into_bytes()
}

async fn status(address: SocketAddr, request: &[u8]) -> u16 {
    send(address, request).await.status()
}

const STRANGE_HOSTS: &[&str] = &[
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "192.168.1.2:8080",
    "0.0.0.0",
    "[::2]",
    "metadata.google.internal",
    "localhost@evil.example",
    "localhost:x",
    "",
];
const STRANGE_PAGES: &[&str] = &[
    "Origin: null\r\n",
    "Origin: https://evil.example\r\n",
    "Origin: http://localhost:1\r\n",
    "Origin: http://localhost.evil.example\r\n",
    "Origin: \r\n",
    "Origin: file://\r\n",
    "Sec-Fetch-Site: cross-site\r\n",
    "Sec-Fetch-Site: same-site\r\n",
    "sec-fetch-site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n",
    "Origin: http://localhost\r\nOrigin: https://evil.example\r\n",
    "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n",
];

/// What a stranger may try at `path`, each with the statuses that are right.
fn strange(host: &str, path: &str) -> Vec<(String, Vec<u8>, &'static [u16])> {
    let mut tries: Vec<(String, Vec<u8>, &'static [u16])> = Vec::new();
    for host in STRANGE_HOSTS {
        tries.push((format!("host {host:?}"), asking(Some(host), "", path), &[403]));
    }
    for page in STRANGE_PAGES {
        tries.push((format!("{page:?}"), asking(Some(host), page, path), &[403]));
    }
    tries.push(("no host".into(), asking(None, "", path), &[400, 403]));
    for (first, second) in [("localhost", "evil.example"), ("evil.example", "localhost")] {
        let twice = format!("GET {path} HTTP/1.1\r\nHost: {first}\r\nHost: {second}\r\n\r\n");
        tries.push((format!("hosts {first} and {second}"), twice.into_bytes(), &[400, 403]));
        let absolute = format!("GET http://{first}{path} HTTP/1.1\r\nHost: {second}\r\n\r\n");
        tries.push((format!("authority {first}, host {second}"), absolute.into_bytes(), &[400, 403]));
    }
    tries
}

#[tokio::test]
async fn strangers_are_refused() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let own_host = format!("localhost:{}", app.dashboard.port());
    let (mut wrong, mut made) = (Vec::new(), 0);
    for (address, path) in [
        (app.proxy, "/v1/models"),
        (app.proxy, "/health"),
        (app.dashboard, "/api/health"),
        (app.dashboard, "/api/traces"),
        (app.dashboard, "/api/events"),
        (app.dashboard, "/"),
    ] {
        for (what, request, right) in strange(&own_host, path) {
            made += 1;
            let status = Client::open(address, &request).await.status().await;
            if !right.contains(&status) {
                wrong.push(format!("{path} with {what}: {status}"));
            }
        }
    }
    println!("{made} strangers, let in {}", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(mock.exchanges().is_empty(), "nothing of this reached the upstream");
    assert!(app.calls().await.is_empty(), "and nothing of it is recorded");
}

#[tokio::test]
async fn friends_are_let_in() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let own_proxy = format!("http://localhost:{}", app.proxy.port());
    let own_page = format!("http://localhost:{}", app.dashboard.port());
    let own_host = format!("localhost:{}", app.dashboard.port());
    let port = |host: &str| format!("{host}:{}", app.dashboard.port());
    for host in
        ["localhost".to_owned(), port("localhost"), port("127.0.0.1"), port("[::1]"), port("LOCALHOST")]
    {
        for (address, path) in [(app.proxy, "/v1/models"), (app.dashboard, "/api/health")] {
            assert_eq!(status(address, &asking(Some(&host), "", path)).await, 200, "{path} with host {host}");
        }
    }
    let own = format!("Origin: {own_page}\r\nSec-Fetch-Site: same-origin\r\n");
    let asks = async |address, more: &str, path| status(address, &asking(Some(&own_host), more, path)).await;
    assert_eq!(asks(app.dashboard, &own, "/api/health").await, 200, "our own page");
    let own = format!("Origin: {own_proxy}\r\n");
    assert_eq!(asks(app.proxy, &own, "/v1/models").await, 403, "the proxy serves no pages");
    assert_eq!(
        asks(app.dashboard, "Sec-Fetch-Site: none\r\n", "/api/health").await,
        200,
        "typed by a person"
    );
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    assert_eq!(
        asks(app.dashboard, link, "/traces").await,
        200,
        "a person may follow a link to the dashboard"
    );
    assert_eq!(asks(app.dashboard, link, "/api/health").await, 403, "but not to the API");
}

#[tokio::test]
async fn both_families_answer() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        println!("no IPv6 here: only IPv4 was checked");
        return;
    }
    for (address, path) in [(app.proxy, "/health"), (app.dashboard, "/api/health")] {
        let six = SocketAddr::from((Ipv6Addr::LOCALHOST, address.port()));
        for address in [address, six] {
            assert_eq!(status(address, &asking(Some("localhost"), "", path)).await, 200, "{address}");
        }
    }
    // And no other address of this machine does.
    let any = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    if any.connect("192.0.2.1:9").is_ok() {
        let other = any.local_addr().unwrap().ip();
        if !other.is_loopback() && !other.is_unspecified() {
            for port in [app.proxy.port(), app.dashboard.port()] {
                assert!(
                    tokio::net::TcpStream::connect((other, port)).await.is_err(),
                    "{other}:{port} is open to the network"
                );
            }
        }
    }
}

#[tokio::test]
async fn no_page_may_read_or_frame_us() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for path in
        ["/", "/api/health", "/api/traces", "/api/traces?limit=x", "/api/nothing", "/nothing.js", "/login"]
    {
        let head = app.get(path).await.head;
        if path.starts_with("/api/") {
            assert_eq!(head.header("cache-control").as_deref(), Some("no-store"), "{path}");
        }
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(head.header(name).as_deref(), Some(value), "{path}");
        }
        assert_eq!(head.header("access-control-allow-origin"), None, "{path}");
        assert_eq!(head.header("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        let policy = head.header("content-security-policy").unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'")
                && policy.contains("default-src 'none'")
                && !policy.contains("'unsafe-eval'"),
            "{policy}"
        );
    }
    for traversal in [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/index.html/../../x.db",
    ] {
        assert!(!app.get(traversal).await.text().contains("root:"), "{traversal}");
    }
}

#[tokio::test]
async fn allowed_names_and_origins_are_let_in() {
    let mock = Mock::start().await;
    let settings = "allowed_hosts = ['box.internal']\nallowed_origins = ['http://localhost:5173']";
    let app = Setup::new(mock.address()).settings(settings).start().await;
    assert_eq!(status(app.proxy, &asking(Some("box.internal:8080"), "", "/v1/models")).await, 200);
    assert_eq!(status(app.proxy, &asking(Some("other.internal"), "", "/v1/models")).await, 403);
    let origin = "Origin: http://localhost:5173\r\nSec-Fetch-Site: same-site\r\n";
    assert_eq!(status(app.proxy, &asking(Some("localhost"), origin, "/v1/models")).await, 200);
    assert_eq!(
        status(app.proxy, &asking(Some("localhost"), "Origin: http://localhost:51730\r\n", "/v1/models"))
            .await,
        403
    );
}

/// A client cannot make the proxy fetch from where it likes.
#[tokio::test]
async fn a_client_cannot_choose_a_host() {
    let mock = Mock::start().await;
    let other = Mock::start().await;
    let app = App::start(mock.address()).await;
    for (path, expected) in [
        (format!("/openai/{}/v1/models", other.address()), 403),
        (format!("/anthropic/localhost:{}/v1/x", other.address().port()), 403),
        ("/passthrough/evil.example/v1".to_owned(), 404),
        ("/passthrough/groq/v1".to_owned(), 404),
        ("/passthrough/".to_owned(), 404),
    ] {
        let status = status(app.proxy, &asking(Some("localhost"), "", &path)).await;
        assert_eq!(status, expected, "{path}");
    }
    let header = format!("X-LLMFlow-Provider: {}\r\n", other.address());
    assert_eq!(status(app.proxy, &asking(Some("localhost"), &header, "/v1/models")).await, 404);
    assert!(other.exchanges().is_empty() && mock.exchanges().is_empty());
}
