//! `require_token`: what asks for it, what shows it, the link that works once, and addresses beside loopback.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use tests::websocket::{Frame, handshake};
use tests::{App, Client, Ended, Http2, Line, Mock, Setup, contains, files, send, whole};

use super::{asking, status};
use crate::cli::{borrowed, err, out, run, towards};
use crate::requests::{JSON, request};

const CHAT: &[u8] = br#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}"#;
const SPAN: &[u8] = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"one","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;

async fn start(mock: &Mock) -> App {
    Setup::new(mock.address()).settings("require_token = true").start().await
}

fn token(app: &App) -> String {
    std::fs::read_to_string(app.data().join("token")).unwrap().trim().to_owned()
}

/// Everything that asks for the token: where, and with what.
fn doors(app: &App) -> Vec<(SocketAddr, &'static str, &'static str, &'static [u8])> {
    vec![
        (app.dashboard, "GET", "/", b""),
        (app.dashboard, "GET", "/boot.js", b""),
        (app.dashboard, "GET", "/api/traces", b""),
        (app.dashboard, "GET", "/api/nothing", b""),
        (app.dashboard, "GET", "/api/events", b""),
        (app.dashboard, "GET", "/ws", b""),
        (app.dashboard, "POST", "/api/rpc", br#"{"type":"get_health"}"#),
        (app.dashboard, "POST", "/v1/traces", SPAN),
        (app.otlp_http, "POST", "/v1/traces", SPAN),
        (app.otlp_http, "POST", "/", SPAN),
    ]
}

#[tokio::test]
async fn the_dashboard_its_api_and_otlp_ask_for_the_token() {
    let mock = Mock::start().await;
    let app = start(&mock).await;
    let token = token(&app);
    let wrong = format!("{}0", &token[..token.len() - 1]);
    for (address, method, path, body) in doors(&app) {
        for shown in [
            String::new(),
            "Authorization: Bearer \r\n".to_owned(),
            format!("Authorization: Bearer {wrong}x\r\n"),
            format!("Authorization: Basic {token}\r\n"),
            "Cookie: llmflow_session_1=9999999999.00\r\n".to_owned(),
            "X-LLMFlow-Token: \r\n".to_owned(),
        ] {
            let answer = send(address, &request(method, path, &format!("{JSON}{shown}"), body)).await;
            assert_eq!(answer.status(), 401, "{method} {path} with {shown:?}: {}", answer.text());
            assert_eq!(answer.head.header("www-authenticate").as_deref(), Some("Bearer"), "{path}");
            assert!(!answer.text().contains(&token), "{path}");
        }
    }
    assert_eq!(app.get("/api/health").await.json()["token"], "required");
    assert_eq!(app.get("/api/health").await.json().get("data_dir"), None, "no more than that it is there");
    for shown in [format!("Authorization: Bearer {token}\r\n"), format!("X-LLMFlow-Token: {token}\r\n")] {
        for (address, path) in [(app.dashboard, "/api/traces"), (app.otlp_http, "/health")] {
            assert_eq!(status(address, &asking(Some("localhost"), &shown, path)).await, 200, "{path}");
        }
        for address in [app.dashboard, app.otlp_http] {
            let answer = send(address, &request("POST", "/v1/traces", &format!("{JSON}{shown}"), SPAN)).await;
            assert_eq!(answer.status(), 200, "{}", answer.text());
        }
    }
    // gRPC says it in its own words.
    for (shown, code) in [("", "16"), (token.as_str(), "0")] {
        let export = "http://localhost/opentelemetry.proto.collector.trace.v1.TraceService/Export";
        let export = http::Request::post(export).header("content-type", "application/grpc");
        let export = export.header("authorization", format!("Bearer {shown}"));
        let answer =
            Http2::connect(app.otlp_grpc).await.send(export.body(whole(&b"\0\0\0\0\0"[..])).unwrap()).await;
        let answer = answer.unwrap();
        let said = answer.headers().get("grpc-status").map(|value| value.to_str().unwrap().to_owned());
        // A success says so in its trailers.
        assert_eq!(said.unwrap_or_else(|| "0".to_owned()), code);
    }
    // Calls go on as before: tools have keys of their own, which the token must not take the place of.
    assert_eq!(send(app.proxy, &request("POST", "/v1/chat/completions", JSON, CHAT)).await.status(), 200);
    let finished = app.stop();
    assert!(finished.stdout.contains("/login?once="), "the way in is printed: {}", finished.stdout);
    assert!(!finished.stdout.contains(&token) && !finished.stderr.contains(&token), "and the token is not");
}

#[tokio::test]
async fn a_link_lets_a_browser_in_once() {
    let mock = Mock::start().await;
    let app = start(&mock).await;
    let environment = towards(&app);
    let mut environment = borrowed(&environment);
    environment.push(("LLMFLOW_REQUIRE_TOKEN", "on"));
    let opened = run(&app.home(), &["open", "--print"], &environment).await;
    let link = out(&opened).trim().to_owned();
    let path = link.strip_prefix(&format!("http://localhost:{}", app.dashboard.port()));
    let path = path.unwrap_or_else(|| panic!("{link} {}", err(&opened))).to_owned();
    assert!(path.starts_with("/login?once=") && !link.contains(&token(&app)), "{link}");

    // Looking, and fetching ahead of a click, use nothing up.
    let head =
        send(app.dashboard, format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await;
    assert_eq!(head.status(), 401);
    assert_eq!(
        status(app.dashboard, &asking(Some("localhost"), "Sec-Purpose: prefetch\r\n", &path)).await,
        401
    );
    let foreign = "Origin: https://evil.example\r\n";
    assert_eq!(status(app.dashboard, &asking(Some("localhost"), foreign, &path)).await, 403);

    let first = app.get(&path).await;
    assert_eq!((first.status(), first.head.header("location").as_deref()), (303, Some("/")));
    assert_eq!(first.head.header("cache-control").as_deref(), Some("no-store"));
    let cookie = first.head.header("set-cookie").unwrap();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let again = app.get(&path).await;
    assert_eq!((again.status(), again.head.header("set-cookie")), (401, None), "it works once");
    assert!(again.text().contains("llmflow open"), "and says how to make another: {}", again.text());

    let cookie = format!("Cookie: a=b; {}\r\n", cookie.split(';').next().unwrap());
    let with = async |more: &str| {
        status(app.dashboard, &asking(Some("localhost"), &format!("{cookie}{more}"), "/api/traces")).await
    };
    assert_eq!(with("").await, 200);
    assert_eq!(with("Sec-Fetch-Site: same-origin\r\n").await, 200);
    assert_eq!(
        with("Origin: http://localhost:1\r\nSec-Fetch-Site: same-site\r\n").await,
        403,
        "not with another page"
    );
    assert_eq!(
        status(app.otlp_http, &asking(Some("localhost"), &cookie, "/v1/traces")).await,
        401,
        "a cookie opens nothing but the dashboard"
    );
    // A browser that comes from elsewhere leaves its cookie at home, and is asked once more by our own page.
    let page = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let elsewhere = format!("{page}Sec-Fetch-Site: cross-site\r\n");
    let asked = send(app.dashboard, &asking(Some("localhost"), &elsewhere, "/traces")).await;
    assert!(asked.status() == 401 && asked.text().contains("http-equiv=refresh"), "{}", asked.text());
    let asked = send(app.dashboard, &asking(Some("localhost"), page, "/traces")).await;
    assert!(asked.status() == 401 && asked.text().contains("llmflow open"), "{}", asked.text());

    // Another token ends whatever the one before gave.
    let before = token(&app);
    let rotated = run(&app.home(), &["token", "--rotate"], &environment).await;
    assert_eq!(out(&rotated).trim(), token(&app), "{}", err(&rotated));
    assert_ne!(before, token(&app));
    assert_eq!(with("").await, 401);
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let shown = async |token: &str| {
        status(app.dashboard, &asking(Some("localhost"), &bearer(token), "/api/traces")).await
    };
    assert_eq!((shown(&before).await, shown(&token(&app)).await), (401, 200));
}

/// Browsers send no credentials with the question that comes before a page's request.
#[tokio::test]
async fn an_allowed_page_may_report_with_the_token_and_is_told_so_without() {
    let mock = Mock::start().await;
    let settings = "require_token = true\nallowed_origins = ['http://app.example:5173']";
    let app = Setup::new(mock.address()).settings(settings).start().await;
    let question = |origin: &str, path: &str| {
        let asked =
            "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-llmflow-token\r\n";
        request("OPTIONS", path, &format!("Origin: {origin}\r\n{asked}"), b"")
    };
    const PAGE: &str = "http://app.example:5173";
    let reports = ["/v1/traces", "/v1/logs", "/v1/metrics", "/", "/api/spans"];
    let doors = reports.map(|path| (app.dashboard, path)).into_iter();
    let doors = doors.chain([(app.otlp_http, "/v1/traces"), (app.proxy, "/v1/chat/completions")]);
    for (address, path) in doors {
        let told = send(address, &question(PAGE, path)).await;
        let header = |name: &str| told.head.header(name);
        assert_eq!((told.status(), told.body.len()), (204, 0), "{path}");
        assert_eq!(header("access-control-allow-origin").as_deref(), Some(PAGE), "{path}");
        assert_eq!(header("access-control-allow-headers").as_deref(), Some("x-llmflow-token"), "{path}");
        assert!(header("access-control-allow-methods").unwrap().contains("POST"), "{path}");
        for other in ["http://evil.example", "null"] {
            let refused = send(address, &question(other, path)).await;
            assert_eq!(refused.status(), 403, "{other} {path}");
            assert_eq!(refused.head.header("access-control-allow-origin"), None, "{other} {path}");
        }
    }
    let rest = send(app.dashboard, &question(PAGE, "/api/traces")).await;
    assert_eq!(
        (rest.status(), rest.head.header("access-control-allow-origin")),
        (401, None),
        "what is stored is ours"
    );
    for address in [app.dashboard, app.otlp_http] {
        let page = format!("{JSON}Origin: {PAGE}\r\n");
        assert_eq!(send(address, &request("POST", "/v1/traces", &page, SPAN)).await.status(), 401);
        let shown = format!("{page}X-LLMFlow-Token: {}\r\n", token(&app));
        let taken = send(address, &request("POST", "/v1/traces", &shown, SPAN)).await;
        assert_eq!(taken.status(), 200, "{}", taken.text());
        assert_eq!(
            taken.head.header("access-control-allow-origin").as_deref(),
            Some(PAGE),
            "it may read the answer"
        );
    }
}

/// The program itself goes on as if nothing was asked.
#[tokio::test]
async fn the_command_line_shows_the_token_by_itself_and_to_nobody_else() {
    let mock = Mock::start().await;
    let app = start(&mock).await;
    send(app.proxy, &request("POST", "/v1/chat/completions", JSON, CHAT)).await;
    let environment = towards(&app);
    let mut environment = borrowed(&environment);
    let otlp = app.otlp_http.port().to_string();
    environment.push(("OTLP_HTTP_PORT", &otlp));
    let said = run(&app.home(), &["status", "--json"], &environment).await;
    let said: serde_json::Value = serde_json::from_str(&out(&said)).unwrap();
    assert!(said["health"]["completeness"]["seen"].as_u64() == Some(1), "{said}");
    let paused = run(&app.home(), &["proxy", "pause"], &environment).await;
    assert_eq!(paused.status.code(), Some(0), "{}", err(&paused));
    let exported = run(&app.home(), &["export"], &environment).await;
    assert_eq!(out(&exported).lines().count(), 1, "{}", err(&exported));
    let examined = run(&app.home(), &["doctor"], &environment).await;
    assert!(!out(&examined).contains("does not answer"), "{}", out(&examined));
    let variables = run(&app.home(), &["env", "--telemetry"], &environment).await;
    let shown = format!("OTEL_EXPORTER_OTLP_HEADERS=\"x-llmflow-token={}\"", token(&app));
    assert!(out(&variables).contains(&shown), "{}", out(&variables));
    for output in [&paused, &exported, &examined] {
        assert!(!out(output).contains(&token(&app)) && !err(output).contains(&token(&app)));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(app.data().join("token")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

/// What opens LLMFlow goes to no provider and stays in no record.
#[tokio::test]
async fn the_token_and_the_cookie_go_no_further_than_the_proxy() {
    let mock = Mock::start().await;
    let app = start(&mock).await;
    let token = token(&app);
    for name in ["Authorization: Bearer", "x-api-key:", "api-key:", "x-goog-api-key:"] {
        let misplaced = format!("{JSON}{name} {token}\r\n");
        let answer = send(app.proxy, &request("POST", "/v1/chat/completions", &misplaced, CHAT)).await;
        assert_eq!(answer.status(), 403, "{name}: {}", answer.text());
        assert!(answer.text().contains("x-llmflow-token"), "{}", answer.text());
    }
    let cookie = "llmflow_session_3000=9999999999.c0ffee";
    let shown = format!("{JSON}X-LLMFlow-Token: {token}\r\nCookie: a=1; {cookie}; b=2\r\n");
    assert_eq!(send(app.proxy, &request("POST", "/v1/chat/completions", &shown, CHAT)).await.status(), 200);
    let alone = format!("{JSON}Cookie: {cookie}\r\n");
    assert_eq!(send(app.proxy, &request("POST", "/v1/chat/completions", &alone, CHAT)).await.status(), 200);
    let sent = mock.ended(2).await;
    assert_eq!(sent[0].received.head.header("cookie").as_deref(), Some("a=1; b=2"));
    assert_eq!(sent[1].received.head.header("cookie"), None);
    assert!(sent.iter().all(|exchange| exchange.received.head.header("x-llmflow-token").is_none()));
    let finished = app.stop();
    for file in files(&finished.setup.data()) {
        let bytes = std::fs::read(&file).unwrap();
        let own = file.file_name().is_some_and(|name| name == "token");
        assert!(own || !contains(&bytes, token.as_bytes()), "the token is in {}", file.display());
    }
}

/// An address of this machine that is not loopback, where it has one.
fn outside() -> Option<IpAddr> {
    let any = UdpSocket::bind("0.0.0.0:0").ok()?;
    any.connect("192.0.2.1:9").ok()?;
    let ip = any.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

const EVERYWHERE: &str = "proxy_host = '0.0.0.0'\ndashboard_host = '0.0.0.0'\notlp_host = '0.0.0.0'";

#[tokio::test]
async fn without_a_token_nothing_listens_beside_loopback() {
    let mock = Mock::start().await;
    let settings = EVERYWHERE.replace("dashboard_host = '0.0.0.0'", "");
    let setup = Setup::new(mock.address()).settings(&settings);
    let app = setup.start_on(tests::free_port(), tests::free_port()).await;
    let problems = app.health().await.problems;
    for setting in ["proxy_host", "otlp_host"] {
        let told =
            problems.iter().any(|told| told.contains(setting) && told.contains("require_token = true"));
        assert!(told, "{setting}: {problems:?}");
    }
    for address in [app.proxy, app.otlp_http, app.otlp_grpc] {
        assert!(tokio::net::TcpStream::connect(address).await.is_err(), "{address} listens all the same");
    }
}

#[tokio::test]
async fn from_beside_loopback_only_the_token_or_a_local_key_lets_in() {
    let Some(ip) = outside() else {
        println!("this machine has no other address: nothing was looked at");
        return;
    };
    let mock = Mock::start().await;
    let settings = format!("require_token = true\n{EVERYWHERE}");
    let setup =
        Setup::new(mock.address()).settings(&settings).variable("OPENAI_API_KEY", "sk-test-0123456789");
    let app = setup.start().await;
    let token = token(&app);
    let at = |address: SocketAddr| SocketAddr::new(ip, address.port());
    let shown = format!("X-LLMFlow-Token: {token}\r\n");
    for (address, path) in [
        (app.dashboard, "/api/health"),
        (app.dashboard, "/api/traces"),
        (app.otlp_http, "/health"),
        (app.proxy, "/health"),
        (app.proxy, "/v1/models"),
    ] {
        let ask = async |more: &str| status(at(address), &asking(Some("localhost"), more, path)).await;
        assert_eq!(ask("").await, 401, "{path}");
        assert_eq!(ask("Authorization: Bearer sk-their-own\r\n").await, 401, "{path}");
        assert_eq!(ask(&shown).await, 200, "{path}");
    }
    let by = async |host: &str, more: &str| {
        status(at(app.dashboard), &asking(Some(host), more, "/api/traces")).await
    };
    let own = ip.to_string();
    assert_eq!(
        (by(&own, &shown).await, by(&own, "").await),
        (200, 401),
        "the address that was asked is ours"
    );
    for foreign in ["192.0.2.1", "box.internal", &format!("{ip}.nip.io")] {
        assert_eq!(by(foreign, &shown).await, 403, "a name has to be allowed all the same: {foreign}");
    }
    assert_eq!(
        status(app.dashboard, &asking(Some(&own), &shown, "/api/traces")).await,
        403,
        "it was not asked"
    );
    let made = request(
        "POST",
        "/api/rpc",
        &format!("{JSON}{shown}"),
        br#"{"type":"add_local_key","with":{"name":"box"}}"#,
    );
    let made = send(app.dashboard, &made).await.json();
    let key = made["with"]["key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let chat = |key: &str| {
        request("POST", "/v1/chat/completions", &format!("{JSON}Authorization: Bearer {key}\r\n"), CHAT)
    };
    assert_eq!(send(at(app.proxy), &chat(&key)).await.status(), 200);
    assert_eq!(send(at(app.proxy), &chat("lf-box-00000000000000000000000000000000")).await.status(), 401);
    let link = app.stop().stdout;
    assert!(link.contains("/login?once="), "{link}");
}

#[tokio::test]
async fn what_the_token_let_in_ends_when_it_is_replaced() {
    let mock = Mock::start().await;
    let app = start(&mock).await;
    let shown = format!("{JSON}Authorization: Bearer {}\r\n", token(&app));
    let mut events = Client::open(app.dashboard, &request("GET", "/api/events", &shown, b"")).await;
    events.head().await.unwrap();
    let mut socket = Line::connect(app.dashboard).await;
    socket.write(handshake("/ws", &shown)).await;
    assert!(socket.head().await.starts_with("HTTP/1.1 101 "));
    let renew = request("POST", "/api/rpc", &shown, br#"{"type":"renew_token"}"#);
    assert_eq!(send(app.dashboard, &renew).await.status(), 200);
    assert_eq!(events.rest().await.ended, Ended::Whole, "the stream says that it is over");
    let last = loop {
        let frame = Frame::read(&mut socket).await.unwrap();
        if frame.opcode == 8 {
            break frame;
        }
    };
    assert_eq!(last.code(), Some(1008));
    let again = send(app.dashboard, &request("GET", "/api/events", &shown, b"")).await;
    assert_eq!(again.status(), 401);
    let shown = format!("{JSON}Authorization: Bearer {}\r\n", token(&app));
    let mut events = Client::open(app.dashboard, &request("GET", "/api/events", &shown, b"")).await;
    assert!(events.head().await.unwrap().start.contains("200"));
}
