//! llm-proxy's routes and other addresses: whom a client may have us call, and never ourselves.

use tests::{App, Mock, Setup, free_port, send};

use super::{call, local_key};
use crate::requests::request;

async fn refused(app: &App, target: &str) -> (u16, String) {
    let response = send(app.proxy, &request("POST", target, "", b"{}")).await;
    (response.status(), response.text())
}

#[tokio::test]
async fn a_host_is_the_providers_or_an_allowed_one() {
    let (mock, other) = (Mock::start().await, Mock::start().await);
    let port = other.address().port();
    let settings = format!("allowed_upstreams = ['localhost:{port}', '*.gateway.example']");
    let app = Setup::new(mock.address())
        .settings(&settings)
        .variable("OPENAI_API_KEY", "real-openai")
        .start()
        .await;
    for name in ["api.anthropic.com".to_owned(), mock.address().to_string()] {
        let (_, received) =
            call(&app, &mock, &format!("/anthropic/{name}/v1/messages?beta=true"), "", b"{}").await;
        assert_eq!(received.target(), "/v1/messages?beta=true");
    }
    let target = format!("/openai/localhost:{port}/v1/chat/completions?x=1");
    let (_, received) = call(&app, &other, &target, "X-One: 1\r\n", b"{}").await;
    assert_eq!(received.target(), "/v1/chat/completions?x=1");
    assert_eq!(received.head.header("host"), Some(format!("localhost:{port}")));
    assert_eq!(received.head.header("authorization"), None, "no key goes where the client says");
    let (_, received) = call(&app, &other, &target, "Authorization: Bearer own\r\n", b"{}").await;
    assert_eq!(received.head.header("authorization").as_deref(), Some("Bearer own"));
    let local = local_key(&app).await;
    let with_local = request("POST", &target, &format!("Authorization: Bearer {local}\r\n"), b"{}");
    let response = send(app.proxy, &with_local).await;
    assert_eq!(response.status(), 401);
    assert!(response.text().contains("which the client chose"), "{}", response.text());
    let (reached, elsewhere) = (mock.exchanges().len(), other.exchanges().len());
    for host in [
        format!("127.0.0.1:{port}"),
        "localhost".to_owned(),
        format!("localhost.evil.example:{port}"),
        "gateway.example".to_owned(),
        "x.gateway.example:8443".to_owned(),
        "evil.example".to_owned(),
        "192.168.0.1".to_owned(),
        "2130706433:80".to_owned(),
    ] {
        let (status, says) = refused(&app, &format!("/openai/{host}/v1/models")).await;
        assert!(status == 403 && says.contains("allowed_upstreams"), "{host}: {status} {says}");
    }
    for host in [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "100.100.100.200",
        "[::ffff:169.254.169.254]:80",
    ] {
        let (status, says) = refused(&app, &format!("/openai/{host}/latest/meta-data/")).await;
        assert!(status == 403 && says.contains("never calls"), "{host}: {status} {says}");
    }
    assert_eq!((mock.exchanges().len(), other.exchanges().len()), (reached, elsewhere), "nothing was asked");
}

/// However our own listeners are spelled, and wherever the spelling comes from.
#[tokio::test]
async fn a_call_never_comes_back_to_us() {
    let mock = Mock::start().await;
    let (proxy, dashboard) = (free_port(), free_port());
    let spellings = |port: u16| {
        [
            format!("localhost:{port}"),
            format!("127.0.0.1:{port}"),
            format!("127.0.0.2:{port}"),
            format!("0.0.0.0:{port}"),
            format!("[::1]:{port}"),
            format!("[::]:{port}"),
            format!("[::ffff:127.0.0.1]:{port}"),
            format!("LOCALHOST.:{port}"),
        ]
    };
    // Names that only the resolver knows for what they are.
    let disguised =
        |port: u16| [format!("2130706433:{port}"), format!("0x7f000001:{port}"), format!("127.1:{port}")];
    let mut allowed = Vec::new();
    for port in [proxy, dashboard] {
        allowed.extend(spellings(port));
        allowed.extend(disguised(port));
    }
    let settings = format!(
        "allowed_upstreams = {allowed:?}\n[providers.corp]\nbase_url = 'http://2130706433:{proxy}'\n"
    );
    let app = Setup::new(mock.address()).settings(&settings).start_on(proxy, dashboard).await;
    let mut tried = 0;
    for port in [proxy, dashboard] {
        for host in spellings(port) {
            let (status, says) = refused(&app, &format!("/openai/{host}/api/traces")).await;
            assert!(status == 508 && says.contains("circles"), "{host}: {status} {says}");
            tried += 1;
        }
        for host in disguised(port) {
            // They are allowed, but as names of strangers: by https, for which they are no names.
            let (status, says) = refused(&app, &format!("/openai/{host}/api/traces")).await;
            let reached = !says.contains("circles") && !says.contains("invalid dns name");
            assert!(status == 502 && !reached, "{host}: {status} {says}");
            tried += 1;
        }
    }
    let (status, says) = refused(&app, "/corp/v1/models").await;
    assert!(status == 502 && says.contains("circles"), "a base URL in disguise: {status} {says}");
    println!("{tried} spellings of our own listeners, none reached");
    assert!(mock.exchanges().is_empty());
    // Each is a call that was under way, or none at all; nothing came back in as another.
    assert!(
        app.calls()
            .await
            .iter()
            .all(|call| call.path.starts_with("/openai/") || call.path.starts_with("/corp/"))
    );
}

#[tokio::test]
async fn an_address_that_leads_to_metadata_is_refused_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    for address in ["http://169.254.169.254", "http://[fd00:ec2::254]/x", "http://metadata.google.internal"] {
        let mut command = tests::command(home.path());
        let output = command
            .arg("serve")
            .env("LLMFLOW_UPSTREAM_OPENAI", address)
            .env("PROXY_PORT", free_port().to_string())
            .env("DASHBOARD_PORT", free_port().to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("credentials"), "{address}: {said}");
    }
}
