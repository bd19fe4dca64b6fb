//! Behind a network's proxy: tunnels for https, forwarding for http, credentials for it, and nothing of it for this
//! machine itself.

use std::sync::{Arc, Mutex};

use http::Response;
use tests::websocket::{agreement, handshake};
use tests::{App, Line, Mock, Raw, SecureUpstream, Setup, send, whole};
use tokio::net::TcpStream;

/// A proxy that notes what it is asked and leads every tunnel to one place.
struct NetworkProxy {
    raw: Raw,
    asked: Arc<Mutex<Vec<String>>>,
}

impl NetworkProxy {
    async fn start(target: std::net::SocketAddr, credentials: Option<&'static str>) -> Self {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = asked.clone();
        let raw = Raw::start(move |_, mut line| {
            let noted = noted.clone();
            async move {
                let head = line.head().await;
                noted.lock().unwrap().push(head.clone());
                let known = credentials.is_none_or(|known| head.contains(&format!("Basic {known}\r\n")));
                match (known, head.starts_with("CONNECT ")) {
                    (false, _) => {
                        line.write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                            .await;
                    }
                    (true, true) => {
                        let mut upstream = TcpStream::connect(target).await.unwrap();
                        line.write("HTTP/1.1 200 Connection established\r\n\r\n").await;
                        let _ended = tokio::io::copy_bidirectional(&mut line.stream, &mut upstream).await;
                    }
                    (true, false) => {
                        line.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nforwarded").await;
                    }
                }
            }
        })
        .await;
        Self { raw, asked }
    }

    fn url(&self, credentials: &str) -> String {
        format!("http://{credentials}{}", self.raw.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn get(app: &App, path: &str) -> tests::Response {
    send(app.proxy, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await
}

async fn upstream() -> SecureUpstream {
    SecureUpstream::start("api.provider.example", &["h2", "http/1.1"], async |_| Response::new(whole("ok")))
        .await
}

/// Starts with OpenAI at a name that only the proxy can resolve.
fn behind(upstream: &SecureUpstream, mock: &Mock) -> Setup {
    Setup::new(mock.address())
        .variable("LLMFLOW_UPSTREAM_OPENAI", "https://api.provider.example")
        .variable("LLMFLOW_UPSTREAM_GROQ", "http://plain.provider.example/base")
        .variable("SSL_CERT_FILE", &upstream.authority.display().to_string())
}

#[tokio::test]
async fn the_environments_proxy_is_used_but_for_this_machine() {
    let (upstream, mock) = (upstream().await, Mock::start().await);
    mock.answer(|_| tests::Answer::whole(200, "text/plain", "local"));
    let proxy = NetworkProxy::start(upstream.address, Some("bWU6cGEgc3M=")).await;
    let app = behind(&upstream, &mock)
        .variable("HTTPS_PROXY", &proxy.url("me:pa%20ss@"))
        .variable("http_proxy", &proxy.url("me:pa%20ss@"))
        .start()
        .await;
    assert_eq!(get(&app, "/v1/models").await.text(), "ok");
    assert_eq!(upstream.asked()[0].version, http::Version::HTTP_2, "HTTP/2 in the tunnel too");
    let tunnel = proxy.asked().remove(0);
    assert!(tunnel.starts_with("CONNECT api.provider.example:443 HTTP/1.1\r\n"), "{tunnel}");
    assert!(!tunnel.contains("models"), "what is asked is between us and the upstream");
    assert_eq!(get(&app, "/groq/v1/models").await.text(), "forwarded");
    let forwarded = proxy.asked().remove(1);
    assert!(forwarded.starts_with("GET http://plain.provider.example/base/"), "{forwarded}");
    assert_eq!(get(&app, "/mistral/v1/models").await.text(), "local");
    assert_eq!(proxy.asked().len(), 2, "this machine is reached directly");
    let calls = app.recorded(3).await;
    for call in calls {
        let detail = format!("{:?}", app.call(call.id).await);
        assert!(
            !detail.contains("bWU6cGEgc3M") && !detail.contains("pa%20ss"),
            "the proxy's password is not recorded"
        );
    }
}

#[tokio::test]
async fn a_setting_decides_over_the_environment_and_no_proxy_over_both() {
    let (upstream, mock) = (upstream().await, Mock::start().await);
    let proxy = NetworkProxy::start(upstream.address, None).await;
    let nowhere = "http://127.0.0.1:9";
    let app = behind(&upstream, &mock)
        .variable("HTTPS_PROXY", nowhere)
        .variable("NO_PROXY", "plain.provider.example")
        .settings(&format!("upstream_proxy = \"{}\"", proxy.url("me:secret-of-the-proxy@")))
        .start()
        .await;
    assert_eq!(get(&app, "/v1/models").await.text(), "ok");
    let direct = get(&app, "/groq/v1/models").await;
    assert!(direct.status() == 502 && direct.text().contains("was not found"), "{}", direct.text());
    let settings = app.ask(&api::Request::GetSettings).await;
    let settings = format!("{settings:?}");
    assert!(settings.contains("me:***@") && !settings.contains("secret-of-the-proxy"), "{settings}");

    let app = behind(&upstream, &mock)
        .variable("HTTPS_PROXY", nowhere)
        .settings("upstream_proxy = \"none\"")
        .start()
        .await;
    let direct = get(&app, "/v1/models").await;
    assert!(direct.text().contains("was not found"), "{}", direct.text());
}

#[tokio::test]
async fn a_proxy_that_fails_is_named_with_its_remedy() {
    let (upstream, mock) = (upstream().await, Mock::start().await);
    let proxy = NetworkProxy::start(upstream.address, Some("x")).await;
    let app = behind(&upstream, &mock).variable("ALL_PROXY", &proxy.url("me:wrong-password@")).start().await;
    let refused = get(&app, "/v1/models").await;
    assert_eq!(refused.status(), 502);
    let text = refused.text();
    assert!(
        text.contains("user name and password") && text.contains(&proxy.raw.address.to_string()),
        "{text}"
    );
    assert!(!text.contains("wrong-password") && !app.log().contains("wrong-password"), "{text}");

    let app = behind(&upstream, &mock).variable("HTTPS_PROXY", "http://127.0.0.1:9").start().await;
    let text = get(&app, "/v1/models").await.text();
    assert!(text.contains("through the proxy http://127.0.0.1:9") && text.contains("HTTPS_PROXY"), "{text}");
}

/// A SOCKS proxy resolves the name itself.
#[tokio::test]
async fn socks_is_understood() {
    let (upstream, mock) = (upstream().await, Mock::start().await);
    let target = upstream.address;
    let socks = Raw::start(move |_, mut line: Line| async move {
        let greeting = line.bytes(2).await;
        line.bytes(greeting[1].into()).await;
        line.write([5, 0]).await;
        let request = line.bytes(5).await;
        assert_eq!(request[..4], [5, 1, 0, 3], "by name");
        let name = line.bytes(usize::from(request[4]) + 2).await;
        assert!(name.starts_with(b"api.provider.example"));
        line.write([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        let mut upstream = TcpStream::connect(target).await.unwrap();
        let _ended = tokio::io::copy_bidirectional(&mut line.stream, &mut upstream).await;
    })
    .await;
    let app =
        behind(&upstream, &mock).variable("ALL_PROXY", &format!("socks5h://{}", socks.address)).start().await;
    assert_eq!(get(&app, "/v1/models").await.text(), "ok");
}

/// A WebSocket is tunnelled to plain HTTP, too, and to its port.
#[tokio::test]
async fn a_websocket_to_plain_http_is_tunnelled_to_port_80() {
    let (upstream, mock) = (upstream().await, Mock::start().await);
    let plain = Raw::start(async |_, mut line| {
        line.head().await;
        line.write(agreement("")).await;
        line.rest().await;
    })
    .await;
    let proxy = NetworkProxy::start(plain.address, None).await;
    let app =
        behind(&upstream, &mock).settings(&format!("upstream_proxy = \"{}\"", proxy.url(""))).start().await;
    let mut client = Line::connect(app.proxy).await;
    client.write(handshake("/groq/v1/realtime", "")).await;
    assert!(client.head().await.starts_with("HTTP/1.1 101 "));
    let tunnel = proxy.asked().remove(0);
    assert!(tunnel.starts_with("CONNECT plain.provider.example:80 HTTP/1.1\r\n"), "{tunnel}");
}
