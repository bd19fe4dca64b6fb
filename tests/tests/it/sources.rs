//! Switching the proxy while everything else runs on: paused, off, on again, all at once, and onto a taken port.

use std::net::TcpListener;

use api::{CallState, Event, HealthStatus, Reply, Request, SourceState, SourceTarget, Stranded};
use tests::{App, Client, Dialect, Ended, Mock, Plan, Setup, send, try_send, wait_until};

use crate::requests::{ask, request};

async fn switch(app: &App, to: SourceTarget) -> SourceState {
    match app.ask(&Request::SetSource { name: "proxy".into(), to }).await {
        Reply::Source(source) => source.state,
        other => panic!("{other:?}"),
    }
}

async fn state(app: &App) -> SourceState {
    app.health().await.sources.into_iter().find(|source| source.name == "proxy").unwrap().state
}

async fn stranded(app: &App) -> Vec<Stranded> {
    match app.ask(&Request::GetStranded { name: "proxy".into() }).await {
        Reply::Stranded(stranded) => stranded,
        other => panic!("{other:?}"),
    }
}

fn addresses(state: &SourceState) -> &[String] {
    match state {
        SourceState::Running { addresses } | SourceState::Paused { addresses } => addresses,
        SourceState::Stopped | SourceState::Failed { .. } => &[],
    }
}

/// A stream that waits in its middle, with the client that reads it.
async fn under_way(mock: &Mock, app: &App, prompt: &str) -> Client {
    mock.answer(|received| {
        let answer = Plan::default().answer(received);
        if tests::contains(&received.body, b"waits") { answer.gated() } else { answer }
    });
    let mut client = Client::open(app.proxy, &ask(Dialect::Anthropic, true, prompt, "")).await;
    client.head().await.unwrap();
    client.bytes(1).await;
    client
}

#[tokio::test]
async fn paused_calls_go_through_untouched_and_leave_nothing() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let waiting = under_way(&mock, &app, "waits through the pause").await;
    let paused = switch(&app, SourceTarget::Paused).await;
    assert!(matches!(&paused, SourceState::Paused { .. }), "{paused:?}");
    assert!(addresses(&paused).iter().any(|address| *address == app.proxy.to_string()), "{paused:?}");
    assert_eq!(state(&app).await, paused);

    // The same request, paused and recorded, gives the same bytes both ways.
    let rounds = [Dialect::Chat, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini];
    let through = async || {
        let mut answers = Vec::new();
        mock.take();
        for dialect in rounds {
            for stream in [false, true] {
                let response = send(app.proxy, &ask(dialect, stream, "Is this kept?", "X-Odd: é\r\n")).await;
                assert_eq!((response.status(), response.ended), (200, Ended::Whole));
                answers.push(response.body);
            }
        }
        let exchanges = mock.ended(rounds.len() * 2).await;
        let sent: Vec<_> = exchanges
            .into_iter()
            .map(|exchange| (exchange.received.head.headers, exchange.received.body))
            .collect();
        (answers, sent)
    };
    let while_paused = through().await;
    let refused = send(app.proxy, &request("GET", "/passthrough/nobody/x", "", b"")).await;
    assert_eq!(refused.status(), 404, "what the proxy says itself it says all the same");
    assert_eq!(send(app.proxy, &request("GET", "/health", "", b"")).await.json()["recording"], false);

    let health = app.health().await;
    assert_eq!(health.status, HealthStatus::Ok, "it was asked for");
    assert!(health.problems.iter().any(|problem| problem.contains("paused")), "{:?}", health.problems);
    let counted = health.completeness;
    assert_eq!((counted.seen, counted.paused, counted.lost), (1, 8, 0), "{counted:?}");
    // What was under way is recorded to its end, and nothing else is.
    mock.open_gate(100);
    assert_eq!(waiting.rest().await.ended, Ended::Whole);
    assert_eq!(app.recorded(1).await[0].title.as_deref(), Some("waits through the pause"));

    let running = switch(&app, SourceTarget::Running).await;
    assert!(matches!(running, SourceState::Running { .. }), "{running:?}");
    assert_eq!(through().await, while_paused);
    app.recorded(9).await;
    let health = app.health().await;
    assert_eq!((health.completeness.seen, health.completeness.paused), (9, 8));
    assert!(health.problems.is_empty(), "{:?}", health.problems);
}

#[tokio::test]
async fn a_pause_is_forgotten_at_the_next_start() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    switch(&app, SourceTarget::Paused).await;
    // A stream that is not recorded keeps the stop waiting all the same.
    let client = under_way(&mock, &app, "waits while we stop").await;
    app.terminate();
    wait_until("the port to close", async || {
        try_send(app.proxy, &request("GET", "/health", "", b"")).await.is_err().then_some(())
    })
    .await;
    mock.open_gate(100);
    assert_eq!(client.rest().await.ended, Ended::Whole);
    let finished = app.stop();
    assert!(finished.status.success(), "{}", finished.stderr);
    let app = finished.setup.start().await;
    assert!(matches!(state(&app).await, SourceState::Running { .. }));
    send(app.proxy, &ask(Dialect::Chat, false, "kept again", "")).await;
    app.recorded(1).await;
}

#[tokio::test]
async fn off_closes_both_ports_and_lets_streams_end_and_on_opens_them_again() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let before = state(&app).await;
    let waiting = under_way(&mock, &app, "waits while off").await;
    assert_eq!(switch(&app, SourceTarget::Stopped).await, SourceState::Stopped);
    for address in addresses(&before) {
        let address = address.parse().unwrap();
        let refused = try_send(address, &request("GET", "/health", "", b"")).await;
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused, "{address}");
    }
    let health = app.health().await;
    assert_eq!((health.status, health.completeness.open), (HealthStatus::Ok, 1));
    assert!(health.problems.iter().any(|problem| problem.contains("switched off")), "{:?}", health.problems);
    // On again while the old stream still runs.
    assert_eq!(switch(&app, SourceTarget::Running).await, before);
    let response = send(app.proxy, &ask(Dialect::Chat, false, "on again", "")).await;
    assert_eq!(response.status(), 200);
    mock.open_gate(100);
    assert_eq!(waiting.rest().await.ended, Ended::Whole);
    let calls = app.recorded(2).await;
    assert!(calls.iter().all(|call| call.state == CallState::Complete), "{calls:?}");

    assert_eq!(switch(&app, SourceTarget::Stopped).await, SourceState::Stopped);
    let finished = app.stop();
    assert!(finished.status.success() && finished.stdout.contains("Stopped"), "{}", finished.stderr);
}

/// After the grace what is still under way is cut by us, and only that.
#[tokio::test]
async fn off_without_grace_cuts_streams_and_says_so() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings("shutdown_grace_s = 0").start().await;
    let cut = under_way(&mock, &app, "waits too long").await;
    switch(&app, SourceTarget::Stopped).await;
    assert_eq!(cut.rest().await.ended, Ended::Broken);
    let call = app.recorded(1).await.remove(0);
    assert_eq!(call.state, CallState::Truncated);
    assert!(call.error.as_deref().unwrap().contains("LLMFlow was stopped"), "{call:?}");
    // A client that leaves afterwards has left by itself.
    switch(&app, SourceTarget::Running).await;
    drop(under_way(&mock, &app, "waits in vain").await);
    assert_eq!(app.recorded(2).await[0].state, CallState::Cancelled);
}

#[tokio::test]
async fn a_taken_port_fails_with_the_remedy_and_can_be_tried_again() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    switch(&app, SourceTarget::Stopped).await;
    let other = TcpListener::bind(app.proxy).unwrap();
    let failed = switch(&app, SourceTarget::Running).await;
    let SourceState::Failed { message } = &failed else { panic!("{failed:?}") };
    assert!(message.contains("PROXY_PORT") && message.contains("another program"), "{message}");
    assert_eq!(state(&app).await, failed);
    assert_eq!(app.health().await.status, HealthStatus::Degraded);
    drop(other);
    let running = switch(&app, SourceTarget::Running).await;
    assert!(matches!(running, SourceState::Running { .. }), "{running:?}");
    send(app.proxy, &ask(Dialect::Chat, false, "there", "")).await;
    app.recorded(1).await;
    assert_eq!(app.health().await.status, HealthStatus::Ok);
}

#[tokio::test]
async fn without_a_port_it_says_which_setting_to_change() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).start_on(0, free_port()).await;
    assert_eq!(state(&app).await, SourceState::Stopped);
    assert!(app.health().await.problems.is_empty(), "no port was wanted");
    let failed = switch(&app, SourceTarget::Running).await;
    let SourceState::Failed { message } = &failed else { panic!("{failed:?}") };
    assert!(message.contains("proxy_port"), "{message}");
    assert_eq!(switch(&app, SourceTarget::Stopped).await, SourceState::Stopped);
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Many switches at once come one after the other: the last state is one that was asked for, and it is the true one.
#[tokio::test]
async fn switches_at_once_are_taken_in_turn() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut events = Client::open(app.dashboard, &request("GET", "/api/events", "", b"")).await;
    events.head().await.unwrap();
    let targets = [SourceTarget::Stopped, SourceTarget::Running];
    let switches = (0..24).map(|number| switch(&app, targets[number % targets.len()]));
    for answered in futures_util::future::join_all(switches).await {
        assert!(!matches!(answered, SourceState::Failed { .. }), "{answered:?}");
    }
    for target in [SourceTarget::Stopped, SourceTarget::Stopped, SourceTarget::Running, SourceTarget::Running]
    {
        let answered = switch(&app, target).await;
        assert_eq!(state(&app).await, answered);
        let reachable = try_send(app.proxy, &request("GET", "/health", "", b"")).await.is_ok();
        assert_eq!(reachable, target == SourceTarget::Running);
    }
    // Everyone was told, and the last word is the true one.
    const MARK: &str = "settings_changed";
    let last = state(&app).await;
    let (json, body) = ("Content-Type: application/json\r\n", br#"{"value":"false"}"#);
    let marked = send(app.dashboard, &request("PUT", "/api/settings/close_to_tray", json, body)).await;
    assert_eq!(marked.status(), 200, "{}", marked.text());
    let mut text = String::new();
    loop {
        text.push_str(&String::from_utf8(events.piece().await.unwrap().unwrap()).unwrap());
        let told = text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok());
        let states: Vec<SourceState> = told
            .filter_map(|event| match event {
                Event::SourceState { source } => Some(source.state),
                _ => None,
            })
            .collect();
        // Of what follows within a moment only the last is told.
        if states.len() > 1 && text.contains(MARK) {
            assert_eq!(states.last(), Some(&last));
            break;
        }
    }
}

#[tokio::test]
async fn the_stranded_are_the_tools_of_the_last_day() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    assert_eq!(stranded(&app).await, []);
    for agent in ["claude-cli/2.0.0 (external, cli)", "claude-cli/2.0.0 (external, cli)", "OpenAI/Python 1.0"]
    {
        send(app.proxy, &ask(Dialect::Chat, false, "hello", &format!("User-Agent: {agent}\r\n"))).await;
    }
    app.recorded(3).await;
    let waiting = under_way(&mock, &app, "waits").await;
    let tools = wait_until("the open call", async || {
        let tools = stranded(&app).await;
        tools.iter().any(|tool| tool.open > 0).then_some(tools)
    })
    .await;
    let mut seen: Vec<_> = tools.iter().map(|tool| (tool.client.as_deref(), tool.calls, tool.open)).collect();
    // The last used comes first; calls of one millisecond have no order.
    seen.sort_unstable();
    assert_eq!(seen, [(None, 1, 1), (Some("claude-code"), 2, 0), (Some("openai-python"), 1, 0)], "{tools:?}");
    assert!(tools.windows(2).all(|pair| pair[0].last_ms >= pair[1].last_ms), "{tools:?}");
    mock.open_gate(100);
    waiting.rest().await;
}

#[tokio::test]
async fn a_listener_that_is_not_there_is_not_found() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for name in ["", "Proxy", "dashboard", "../proxy", "proxy\u{0}", "'; DROP TABLE call; --"] {
        let stranded = Request::GetStranded { name: name.into() };
        for request_ in [Request::SetSource { name: name.into(), to: SourceTarget::Stopped }, stranded] {
            let body = serde_json::to_vec(&request_).unwrap();
            let json = "Content-Type: application/json\r\n";
            let response = send(app.dashboard, &request("POST", "/api/rpc", json, &body)).await;
            assert_eq!(response.status(), 404, "{request_:?}");
        }
    }
    assert!(matches!(state(&app).await, SourceState::Running { .. }));
}

#[tokio::test]
async fn rest_is_another_door_to_the_same_switch() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let sources = app.get("/api/sources").await.json();
    assert_eq!(
        (&sources[0]["name"], &sources[0]["state"]),
        (&"proxy".into(), &"running".into()),
        "{sources}"
    );
    let put = async |name: &str, more: &str, body: &str| {
        let target = format!("/api/sources/{name}");
        send(app.dashboard, &request("PUT", &target, more, body.as_bytes())).await
    };
    let json = "Content-Type: application/json\r\n";
    for (to, expected) in [("paused", "paused"), ("stopped", "stopped"), ("running", "running")] {
        let answer = put("proxy", json, &format!("{{\"to\":\"{to}\"}}")).await;
        assert_eq!((answer.status(), &answer.json()["state"]), (200, &expected.into()), "{}", answer.text());
        assert_eq!(app.get("/api/sources").await.json()[0], answer.json());
    }
    let paused = r#"{"to":"paused"}"#;
    for (name, more, body, status) in [
        ("nothing", json, paused, 404),
        ("proxy", json, r#"{"to":"exploded"}"#, 400),
        ("proxy", json, r#"{"to":"paused","and":1}"#, 400),
        ("proxy", json, "", 400),
        ("proxy", "", paused, 415),
        ("proxy", "Content-Type: text/plain\r\n", paused, 415),
        ("proxy", "Content-Type: application/json\r\nOrigin: http://evil.example\r\n", paused, 403),
        ("proxy", "Content-Type: application/json\r\nSec-Fetch-Site: cross-site\r\n", paused, 403),
    ] {
        let answer = put(name, more, body).await;
        assert_eq!(answer.status(), status, "{name} {more:?} {body}: {}", answer.text());
        assert!(answer.json()["error"].is_string());
    }
    assert!(matches!(state(&app).await, SourceState::Running { .. }), "none of these switched it");
    send(app.proxy, &ask(Dialect::Chat, false, "hello", "User-Agent: OpenAI/Python 1.0\r\n")).await;
    app.recorded(1).await;
    let tools = app.get("/api/sources/proxy/stranded").await.json();
    assert_eq!((&tools[0]["client"], &tools[0]["calls"]), (&"openai-python".into(), &1.into()), "{tools}");
    assert_eq!(app.get("/api/sources/nothing/stranded").await.status(), 404);
}

#[tokio::test]
async fn the_collector_is_paused_and_switched_as_the_proxy_is() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let name = "otlp_http".to_owned();
    let switch = async |to| match app.ask(&Request::SetSource { name: name.clone(), to }).await {
        Reply::Source(source) => source.state,
        other => panic!("{other:?}"),
    };
    let span = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"s"}]}]}]}"#;
    let sent = async |address| {
        try_send(
            address,
            &request("POST", "/v1/traces", "Content-Type: application/json\r\n", span.as_bytes()),
        )
        .await
    };
    assert!(matches!(switch(SourceTarget::Paused).await, SourceState::Paused { .. }));
    for address in [app.otlp_http, app.dashboard] {
        let answer = sent(address).await.unwrap();
        assert_eq!((answer.status(), &answer.json()["partialSuccess"]["rejectedSpans"]), (200, &"1".into()));
    }
    let health = app.health().await;
    assert_eq!((health.collected.spans, health.collected.paused), (0, 2));
    assert!(
        health.problems.iter().any(|problem| problem.starts_with("OTLP over HTTP is paused")),
        "{health:?}"
    );
    assert!(matches!(switch(SourceTarget::Resumed).await, SourceState::Running { .. }));
    assert_eq!(sent(app.otlp_http).await.unwrap().body, b"{}");
    assert_eq!(switch(SourceTarget::Stopped).await, SourceState::Stopped);
    assert!(sent(app.otlp_http).await.is_err(), "the port is closed");
    assert_eq!(sent(app.otlp_grpc).await.unwrap().status(), 200, "the other runs on");
    assert_eq!(app.health().await.collected.spans, 1, "sent twice, stored once");
    assert!(matches!(switch(SourceTarget::Running).await, SourceState::Running { .. }));
    assert_eq!(sent(app.otlp_http).await.unwrap().status(), 200);
}
