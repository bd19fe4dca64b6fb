//! No credential reaches the disk, the log or the API: canaries on every route, in every form, echoed in every way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tests::{Answer, App, Fault, Mock, Plan, Setup, Step, contains, database_cells, files, gzip, send};

use crate::requests::request;

const ROUTES: &[&str] = &[
    "/v1/chat/completions",
    "/openai/v1/chat/completions",
    "/anthropic/v1/messages",
    "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
    "/groq/v1/chat/completions",
    "/mistral/v1/chat/completions",
    "/together/v1/chat/completions",
    "/perplexity/chat/completions",
    "/openrouter/v1/chat/completions",
    "/ollama/v1/chat/completions",
    "/cohere/v2/chat",
    "/passthrough/anthropic/v1/messages",
    "/passthrough/gemini/v1beta/models/gemini-2.5-flash:generateContent",
    "/passthrough/openai/v1/responses",
    "/passthrough/helicone/v1/chat/completions",
    "/v1/models",
    "/",
];

/// Every form holds this word in clear or in a coding of it.
const STEM: &str = "CaNaRy";

/// One secret: no two are equal, each has characters that JSON, URLs and base64 treat in their own ways.
fn canary(number: usize) -> String {
    format!("{STEM}{number:04}/xY+z\"q=w&e")
}

/// A secret that can stand in a header and a cookie as it is.
fn plain(number: usize) -> String {
    format!("{STEM}{number:04}-plainSecret")
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
}

/// As .NET writes it.
fn percent_some(text: &str) -> String {
    let coded =
        |byte| if is_unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    text.bytes().map(coded).collect()
}

/// As most others write it.
fn percent_upper(text: &str) -> String {
    let coded =
        |byte| if is_unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(coded).collect()
}

/// A way to send a secret: the header lines, the query, and the secret itself.
struct Form {
    name: String,
    headers: String,
    query: String,
    secret: String,
}

fn forms(from: usize) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut number = from;
    let mut next = || {
        number += 1;
        number
    };
    for name in [
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "Helicone-Auth",
        "x-foo-token",
        "X-Auth-Token",
        "x-amz-security-token",
        "Ocp-Apim-Subscription-Key",
        "X-Client-Secret",
        "proxy-authorization",
        "x-password",
        "X-ApiKey",
        "openai-api-key",
        "authentication",
        "x-access-token",
        "Private-Token",
    ] {
        let secret = canary(next());
        forms.push(Form {
            name: name.into(),
            headers: format!("{name}: {secret}\r\n"),
            query: String::new(),
            secret,
        });
    }
    for scheme in ["Bearer", "bearer", "Token", "Key", "AWS4-HMAC-SHA256", ""] {
        let secret = canary(next());
        let headers = format!("Authorization: {scheme} {secret}\r\n");
        forms.push(Form { name: format!("authorization {scheme}"), headers, query: String::new(), secret });
    }
    let secret = plain(next());
    let basic = STANDARD.encode(format!("user:{secret}"));
    forms.push(Form {
        name: "basic".into(),
        headers: format!("Authorization: Basic {basic}\r\n"),
        query: String::new(),
        secret,
    });
    let secret = plain(next());
    let headers = format!("Cookie: theme=dark; session={secret}; other={secret}2\r\n");
    forms.push(Form { name: "cookie".into(), headers, query: String::new(), secret });
    for name in [
        "key",
        "api_key",
        "access_token",
        "token",
        "KEY",
        "apikey",
        "api-key",
        "sig",
        "auth",
        "secret",
        "password",
    ] {
        let secret = canary(next());
        let query = format!("?alt=sse&{name}={}", percent_some(&secret));
        forms.push(Form { name: format!("?{name}"), headers: String::new(), query, secret });
    }
    let secret = canary(next());
    forms.push(Form {
        name: "all percent".into(),
        headers: String::new(),
        query: format!("?key={}", percent(&secret)),
        secret,
    });
    let secret = canary(next());
    let query = format!("?%6bey={}", percent_some(&secret));
    forms.push(Form { name: "the name percent-encoded".into(), headers: String::new(), query, secret });
    let secret = format!("sk-{}", plain(next()));
    forms.push(Form {
        name: "by its looks".into(),
        headers: format!("X-Whatever: {secret}\r\n"),
        query: String::new(),
        secret,
    });
    forms
}

/// The ways an upstream may give a secret back.
fn echoes(secret: &str) -> Vec<(&'static str, Answer)> {
    let json = serde_json::json!({"error": {"message": format!("Incorrect API key provided: {secret}."), "type": "x"}}).to_string();
    let escaped = json.replace('/', "\\/");
    let body = json.as_bytes().to_vec();
    let split = |bytes: &[u8]| {
        let pieces = bytes.chunks(3).map(<[u8]>::to_vec).collect();
        Answer::stream("application/json", pieces)
    };
    vec![
        ("error body", Answer::whole(401, "application/json", json)),
        ("escaped slashes", Answer::whole(200, "application/json", escaped)),
        ("text", Answer::whole(200, "text/plain", format!("you sent {secret}"))),
        (
            "percent-encoded",
            Answer::whole(200, "text/plain", format!("https://x/?key={}", percent_some(secret))),
        ),
        (
            "percent-encoded in capitals",
            Answer::whole(200, "text/plain", format!("https://x/?key={}", percent_upper(secret))),
        ),
        ("split", split(&body)),
        ("gzip", Answer::whole(200, "application/json", gzip(&body)).header("Content-Encoding", "gzip")),
        ("gzip split", split(&gzip(&body)).header("Content-Encoding", "gzip")),
        ("header", Answer::whole(200, "text/plain", "x").header("x-echo", secret)),
        (
            "header in words",
            Answer::whole(200, "text/plain", "x").header("x-debug", format!("key={secret} is wrong")),
        ),
        (
            "set-cookie",
            Answer::whole(200, "text/plain", "x").header("Set-Cookie", format!("s={secret}; Path=/")),
        ),
        (
            "location",
            Answer::whole(302, "text/plain", "")
                .header("Location", format!("/x?key={}", percent_some(secret))),
        ),
        (
            "stream",
            Answer::stream(
                "text/event-stream",
                vec![
                    format!(
                        "data: {}\n\n",
                        serde_json::json!({"choices": [{"index": 0, "delta": {"content": secret}}]})
                    )
                    .into_bytes(),
                    b"data: [DONE]\n\n".to_vec(),
                ],
            ),
        ),
        ("broken off", {
            let mut answer = split(&body);
            answer.steps.push(Step::Abort);
            answer
        }),
    ]
}

/// The secret in the spellings under which it must not be found.
fn spellings(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    vec![
        secret.to_owned(),
        json.replace('/', "\\/"),
        json,
        percent(secret),
        percent_some(secret),
        percent_upper(secret),
        STANDARD.encode(format!("user:{secret}")),
    ]
}

#[tokio::test]
async fn a_canary_is_found_nowhere() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).log("debug").start().await;
    let mut secrets = Vec::new();
    let mut calls = 0;
    // Every route with every form; the ways to echo take turns so that each form meets each of them over the routes.
    for (at, route) in ROUTES.iter().enumerate() {
        for (index, form) in forms(at * 100).into_iter().enumerate() {
            let echoes = echoes(&form.secret);
            let (echo, answer) = echoes[(at + index) % echoes.len()].clone();
            mock.answer(move |_| answer.clone());
            let prompt = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": format!("my key is {}", form.secret)}]});
            let body = if index % 2 == 0 { prompt.to_string().into_bytes() } else { Vec::new() };
            let target = format!("{route}{}", form.query);
            let method = if body.is_empty() { "GET" } else { "POST" };
            let headers = format!("Content-Type: application/json\r\n{}", form.headers);
            mock.take();
            send(app.proxy, &request(method, &target, &headers, &body)).await;
            calls += 1;
            let received = &mock.ended(1).await[0].received;
            check_arrived(&form, received, &format!("{route}, {}, {echo}", form.name));
            secrets.push((format!("{route}, {}, {echo}", form.name), form.secret));
        }
    }
    println!("{calls} calls with {} canaries", secrets.len());
    let recorded = app.recorded(calls.min(1_000)).await;
    let mut found = check_api(&app, &recorded, &secrets).await;
    let data = app.data();
    let finished = app.stop();
    assert!(finished.status.success());
    let mut look = |place: &str, bytes: &[u8]| {
        // The stem first: nearly every place does not have it, and then no canary is there.
        let stem = contains(bytes, STEM.as_bytes()) || contains(bytes, percent(STEM).as_bytes());
        for (what, secret) in secrets.iter().filter(|_| stem) {
            for spelling in spellings(secret).iter().filter(|spelling| contains(bytes, spelling.as_bytes())) {
                found.push(format!("{place}: {what}: {spelling}"));
            }
        }
    };
    for file in files(finished.setup.data().as_path()) {
        look(&file.display().to_string(), &std::fs::read(&file).unwrap());
    }
    let cells = database_cells(&data.join("data.db")).await;
    assert!(cells.len() > calls, "the database was read");
    for cell in &cells {
        look(&format!("{}.{}", cell.table, cell.column), &cell.bytes);
    }
    look("the log", finished.stderr.as_bytes());
    look("the output", finished.stdout.as_bytes());
    // Basic credentials also hide in base64, where the stem does not show.
    for (what, secret) in &secrets {
        let basic = STANDARD.encode(format!("user:{secret}"));
        assert!(
            !cells.iter().any(|cell| contains(&cell.bytes, basic.as_bytes())),
            "{what}: base64 in the database"
        );
        assert!(!finished.stderr.contains(&basic), "{what}: base64 in the log");
    }
    assert!(found.is_empty(), "{} places: {}", found.len(), found.join("\n"));
}

fn check_arrived(form: &Form, received: &tests::Received, what: &str) {
    // A connection's own credentials end with the connection.
    if form.name == "proxy-authorization" {
        return;
    }
    for line in form.headers.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        let arrived = received.head.header(name);
        // Helicone takes its key as a bearer only, so a bare one is made one on its routes.
        let bearer = name.eq_ignore_ascii_case("helicone-auth") && what.contains("helicone/");
        let arrived = arrived.as_deref().map(|value| match bearer {
            true => value.strip_prefix("Bearer ").unwrap_or(value),
            false => value,
        });
        assert_eq!(arrived, Some(value.trim()), "{what}: the upstream gets the credential");
    }
    if let Some((_, query)) = form.query.split_once('?') {
        assert!(
            received.target().ends_with(query),
            "{what}: the upstream gets the query: {}",
            received.target()
        );
    }
}

async fn check_api(app: &App, calls: &[api::CallSummary], secrets: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for call in calls {
        let shown = app.get(&format!("/api/traces/{}", call.id)).await.text();
        let conversation = serde_json::to_string(&app.conversation(call.id).await).unwrap();
        for text in [shown, conversation] {
            // A key in a prompt is a key too when it is the call's own.
            if let Some(at) = text.find(STEM) {
                let near =
                    String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(60)..text.len().min(at + 40)])
                        .into_owned();
                found.push(format!("the API: {}: {near}", culprit(&text, secrets)));
            }
        }
    }
    for path in ["/api/traces?limit=1000", "/api/stats", "/api/health"] {
        if app.get(path).await.text().contains(STEM) {
            found.push(path.to_owned());
        }
    }
    found
}

fn culprit(text: &str, secrets: &[(String, String)]) -> String {
    let inside = |secret: &str| spellings(secret).iter().any(|spelling| text.contains(spelling.as_str()));
    let names = secrets.iter().filter(|(_, secret)| inside(secret)).map(|(what, _)| what.as_str());
    names.collect::<Vec<_>>().join(" / ")
}

/// A secret in the error of a call that never reached an upstream, and in one that broke off, while they are shown.
#[tokio::test]
async fn an_unreachable_upstream_does_not_tell_the_key() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).log("debug").start().await;
    mock.follow(Plan { fault: Fault::BeforeHead, ..Plan::default() });
    let secret = plain(1);
    let target = format!("/v1/chat/completions?key={secret}");
    send(app.proxy, &request("POST", &target, "Content-Type: application/json\r\n", b"{}")).await;
    let call = app.recorded(1).await.remove(0);
    assert!(!app.get(&format!("/api/traces/{}", call.id)).await.text().contains(STEM));
    assert!(!app.stop().stderr.contains(STEM));
}

/// While a call is open its key is in no event and no list of calls under way.
#[tokio::test]
async fn an_open_call_does_not_show_its_key() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|received| Plan::default().answer(received).gated());
    let target = format!("/v1/chat/completions?key={}", plain(1));
    let headers = format!("Content-Type: application/json\r\nAuthorization: Bearer {}\r\n", plain(2));
    let body = br#"{"model":"gpt-4o-mini","stream":true,"messages":[]}"#;
    let mut client = tests::Client::open(app.proxy, &request("POST", &target, &headers, body)).await;
    client.head().await.unwrap();
    let shown = tests::wait_until("the open call", async || {
        let shown = app.ask(&api::Request::ListInFlight).await;
        matches!(&shown, api::Reply::InFlight(calls) if !calls.is_empty())
            .then(|| serde_json::to_string(&shown).unwrap())
    })
    .await;
    assert!(!shown.contains(STEM), "{shown}");
    assert!(!app.get("/api/traces").await.text().contains(STEM));
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    send(app.proxy, &request("GET", "/v1/models", "", b"")).await;
    app.recorded(1).await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&app.data()), 0o700);
    for file in files(&app.data()) {
        assert_eq!(mode(&file), 0o600, "{} while it runs", file.display());
    }
    let finished = app.stop();
    for file in files(&finished.setup.data()) {
        assert_eq!(mode(&file), 0o600, "{} afterwards", file.display());
    }
}
