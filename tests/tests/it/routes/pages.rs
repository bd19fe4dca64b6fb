//! Web pages: those of allowed origins may call and read answers as browsers demand; others get nothing.

use tests::{Answer, Mock, Setup, send};

use crate::requests::request;

const PAGE: &str = "Origin: http://localhost:5173\r\n";

#[tokio::test]
async fn an_allowed_page_may_ask_and_read() {
    let mock = Mock::start().await;
    let settings = "allowed_origins = ['http://localhost:5173']";
    let app = Setup::new(mock.address()).settings(settings).start().await;
    let asked = format!(
        "{PAGE}Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, content-type,x-stainless-os\r\nAccess-Control-Request-Private-Network: true\r\n"
    );
    for path in
        ["/v1/chat/completions", "/anthropic/v1/messages", "/passthrough/gemini/v1beta/x", "/providers"]
    {
        let preflight = send(app.proxy, &request("OPTIONS", path, &asked, b"")).await;
        let header = |name: &str| preflight.head.header(name);
        assert_eq!((preflight.status(), preflight.body.len()), (204, 0), "{path}");
        assert_eq!(header("access-control-allow-origin").as_deref(), Some("http://localhost:5173"));
        assert_eq!(
            header("access-control-allow-headers").as_deref(),
            Some("authorization, content-type,x-stainless-os")
        );
        assert!(header("access-control-allow-methods").unwrap().contains("POST"));
        assert_eq!(header("access-control-allow-private-network").as_deref(), Some("true"));
        assert!(header("access-control-max-age").is_some() && header("vary").unwrap().contains("origin"));
        assert_eq!(header("access-control-allow-credentials"), None);
    }
    assert!(mock.exchanges().is_empty(), "a browser's question is answered here");
    mock.answer(|_| {
        Answer::whole(429, "application/json", "{}")
            .header("x-request-id", "r")
            .header("Retry-After", "1")
            .header("Access-Control-Allow-Origin", "*")
            .header("Access-Control-Allow-Credentials", "true")
            .header("Vary", "Accept-Encoding")
    });
    let answer = send(app.proxy, &request("POST", "/v1/chat/completions", PAGE, b"{}")).await;
    let all = |name: &str| {
        let lines = answer.head.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name));
        lines.map(|line| String::from_utf8_lossy(&line.value).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(answer.status(), 429);
    assert_eq!(all("access-control-allow-origin"), ["http://localhost:5173"]);
    assert_eq!(all("access-control-allow-credentials"), Vec::<String>::new());
    assert_eq!(all("vary"), ["Accept-Encoding", "origin"]);
    let exposed = all("access-control-expose-headers").remove(0);
    assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"), "{exposed}");
    // Our own errors are for the page too.
    let ours = send(app.proxy, &request("POST", "/passthrough/nobody/x", PAGE, b"{}")).await;
    assert_eq!((ours.status(), ours.head.header("access-control-allow-origin").is_some()), (404, true));
}

#[tokio::test]
async fn other_pages_get_nothing() {
    let mock = Mock::start().await;
    let settings = "allowed_origins = ['http://localhost:5173']";
    let app = Setup::new(mock.address()).settings(settings).start().await;
    for page in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://localhost:51730\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        for method in ["OPTIONS", "POST", "GET"] {
            let headers = format!("{page}Access-Control-Request-Method: POST\r\n");
            let refused = send(app.proxy, &request(method, "/v1/models", &headers, b"")).await;
            assert_eq!(refused.status(), 403, "{method} {page}");
            let allows = refused
                .head
                .headers
                .iter()
                .any(|line| line.name.to_lowercase().starts_with("access-control"));
            assert!(!allows, "{method} {page}");
        }
    }
    assert!(mock.exchanges().is_empty());
    // To a program, which is no page, an upstream's own words go through.
    mock.answer(|_| Answer::whole(200, "text/plain", "ok").header("Access-Control-Allow-Origin", "*"));
    let plain = send(app.proxy, &request("OPTIONS", "/v1/models", "", b"")).await;
    assert_eq!(plain.head.header("access-control-allow-origin").as_deref(), Some("*"));
    assert_eq!(mock.exchanges().len(), 1);
}
