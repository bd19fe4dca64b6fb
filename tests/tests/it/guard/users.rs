//! A process of another user of this machine can read nothing, write nothing and spend nothing, unless it is let in.
//! Such processes can only be made by root, as whom CI runs; elsewhere these tests say that they saw nothing.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::process::Stdio;

use tests::{App, Mock, Setup, contains, send, within};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::requests::request;

const STRANGER: &str = "65533";
/// Sends standard input; then reads until the other side closes, or leaves at once.
const CLIENT: &str = r#"exec 3<>"/dev/tcp/$0/$1" && cat >&3 && if [ "$2" = stay ]; then cat <&3; fi"#;

/// Whether another user's process can be made here.
fn may_be_others() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("not root: no process of another user can be made, so nothing was looked at");
    }
    root
}

/// What `address` answers to a process of another user.
async fn stranger(address: SocketAddr, request: &[u8], then: &str) -> Vec<u8> {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups", "bash", "-c", CLIENT]);
    command.args([address.ip().to_string(), address.port().to_string(), then.to_owned()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(request).await.unwrap();
    within("the other user's process", child.wait_with_output()).await.unwrap().stdout
}

const CLOSE: &str = "Connection: close\r\n";
const SPAN: &[u8] = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"planted","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;
const CHAT: &[u8] = br#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"spend"}]}"#;

fn json(path: &str, more: &str, body: &[u8]) -> Vec<u8> {
    request("POST", path, &format!("Content-Type: application/json\r\n{CLOSE}{more}"), body)
}

fn get(path: &str, more: &str) -> Vec<u8> {
    request("GET", path, &format!("{CLOSE}{more}"), b"")
}

/// Every door of every port.
fn doors(app: &App) -> Vec<(SocketAddr, Vec<u8>)> {
    let socket = "Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let grpc = format!("Content-Type: application/grpc\r\nTE: trailers\r\n{CLOSE}");
    let export = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let mut doors: Vec<(SocketAddr, Vec<u8>)> =
        ["/", "/api/health", "/api/traces", "/api/events", "/login?once=0", "/nothing"]
            .into_iter()
            .map(|path| (app.dashboard, get(path, "")))
            .collect();
    doors.extend([
        (app.dashboard, json("/api/rpc", "", br#"{"type":"get_health"}"#)),
        (app.dashboard, json("/api/rpc", "", br#"{"type":"add_local_key","with":{"name":"planted"}}"#)),
        (app.dashboard, json("/api/spans", "", br#"{"span_name":"planted"}"#)),
        (app.dashboard, json("/v1/traces", "", SPAN)),
        (app.dashboard, request("GET", "/ws", socket, b"")),
        (app.otlp_http, json("/v1/traces", "", SPAN)),
        (app.otlp_http, get("/health", "")),
        (app.otlp_grpc, request("POST", export, &grpc, b"\0\0\0\0\0")),
        (app.proxy, get("/health", "")),
        (app.proxy, get("/providers", "")),
        (app.proxy, get("/v1/models", "Authorization: Bearer sk-their-own\r\n")),
        (app.proxy, json("/v1/chat/completions", "", CHAT)),
        (app.proxy, request("GET", "/v1/realtime?model=gpt-realtime", socket, b"")),
    ]);
    doors
}

async fn start(mock: &Mock, settings: &str) -> App {
    Setup::new(mock.address())
        .settings(settings)
        .variable("OPENAI_API_KEY", "sk-test-0123456789")
        .start()
        .await
}

#[tokio::test]
async fn another_users_process_is_refused_at_every_door() {
    if !may_be_others() {
        return;
    }
    let mock = Mock::start().await;
    let app = start(&mock, "").await;
    let (mut wrong, mut made) = (Vec::new(), 0);
    for (address, request) in doors(&app) {
        for ip in [address.ip(), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            if ip.is_ipv6() && std::net::TcpListener::bind((ip, 0)).is_err() {
                continue;
            }
            made += 1;
            let answer = stranger(SocketAddr::new(ip, address.port()), &request, "stay").await;
            let refused = answer.starts_with(b"HTTP/1.1 403") || contains(&answer, b"grpc-status: 7");
            if !refused || !contains(&answer, b"another user") {
                let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
                let (line, answer) = (String::from_utf8_lossy(line), String::from_utf8_lossy(&answer));
                wrong.push(format!("{ip}:{} {line}: {answer}", address.port()));
            }
        }
    }
    println!("{made} tries of another user, let in {}", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(mock.exchanges().is_empty(), "something was spent");
    assert!(app.calls().await.is_empty() && app.providers().await.local_keys.is_empty());
    assert_eq!(app.health().await.collected.spans, 0);

    // Whoever shows the token may come in, and a local key is good for calls.
    let token = std::fs::read_to_string(app.data().join("token")).unwrap();
    let bearer = format!("Authorization: Bearer {}\r\n", token.trim());
    let answer = stranger(app.dashboard, &get("/api/traces", &bearer), "stay").await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let bearer = format!("Authorization: Bearer {}\r\n", app.local_key("friend").await);
    let answer = stranger(app.proxy, &json("/v1/chat/completions", &bearer, CHAT), "stay").await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let answer = stranger(app.dashboard, &get("/api/traces", &bearer), "stay").await;
    assert!(answer.starts_with(b"HTTP/1.1 403"), "a local key opens nothing but the proxy");
}

/// Who sends and leaves is nobody's any more when we look, and that must not make it root's.
#[tokio::test]
async fn another_users_process_that_leaves_at_once_spends_nothing_either() {
    const TRIES: usize = 40;
    if !may_be_others() {
        return;
    }
    let mock = Mock::start().await;
    let app = start(&mock, "").await;
    for _ in 0..TRIES {
        stranger(app.proxy, &json("/v1/chat/completions", "", CHAT), "leave").await;
        stranger(app.otlp_http, &json("/v1/traces", "", SPAN), "leave").await;
    }
    // Our own, behind all of theirs.
    assert_eq!(send(app.proxy, &json("/v1/chat/completions", "", CHAT)).await.status(), 200);
    app.recorded(1).await;
    assert_eq!(app.health().await.collected.spans, 0);
    app.stop();
    assert_eq!(mock.exchanges().len(), 1, "only our own was sent");
}

#[tokio::test]
async fn other_users_are_let_in_where_the_settings_say_so() {
    if !may_be_others() {
        return;
    }
    let mock = Mock::start().await;
    let app = start(&mock, "allow_other_users = true").await;
    let answer = stranger(app.proxy, &json("/v1/chat/completions", "", CHAT), "stay").await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let answer = stranger(app.dashboard, &get("/api/traces", ""), "stay").await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}
