//! How a WebSocket ends: whoever leaves, the other side sees what it would see without us, and the record says it.

use api::CallState;
use tests::websocket::{Frame, agreement, handshake};
use tests::{App, Line, Raw, Setup, wait_until};

use super::{agreeing, connected, create, events, say};

/// How a script's connection ends, told to the test.
type Told = tokio::sync::mpsc::UnboundedSender<Option<u16>>;

/// An upstream that begins to answer and then does as `then` says.
async fn beginning<F>(told: Told, then: impl Fn(Line) -> F + Send + Sync + 'static) -> Raw
where
    F: Future<Output = Option<Line>> + Send + 'static,
{
    let then = std::sync::Arc::new(then);
    agreeing(move |_, mut line| {
        let (told, then) = (told.clone(), then.clone());
        async move {
            Frame::read(&mut line).await;
            for event in &events("resp_1", "A beginning of words.")[..2] {
                line.write(say(event).bytes()).await;
            }
            let Some(mut line) = then(line).await else { return };
            let code = Frame::read(&mut line).await.and_then(|frame| frame.code());
            let _test_is_over = told.send(code);
            line.rest().await;
        }
    })
    .await
}

/// Asks, and hears the beginning of the answer.
async fn asked(app: &App) -> Line {
    let mut client = connected(app.proxy, "/v1/responses", "").await;
    client.write(say(&create("Well?")).masked().bytes()).await;
    for event in &events("resp_1", "A beginning of words.")[..2] {
        assert_eq!(Frame::read(&mut client).await.unwrap().as_text(), event.to_string());
    }
    client
}

/// Closing it from here on is a reset.
fn reset(line: &Line) {
    line.stream.set_zero_linger().unwrap();
}

/// A client sees its connection dropped without a close frame, which it calls 1006, as it would without us.
#[tokio::test]
async fn an_upstream_that_dies_drops_the_client() {
    for dies in ["is killed", "is reset"] {
        let (told, _) = tokio::sync::mpsc::unbounded_channel();
        let (go, gone) = tokio::sync::watch::channel(false);
        let upstream = beginning(told, move |line| {
            let mut gone = gone.clone();
            async move {
                gone.wait_for(|go| *go).await.unwrap();
                if dies == "is reset" {
                    reset(&line);
                    drop(line);
                }
                None
            }
        })
        .await;
        let app = App::start(upstream.address).await;
        let mut client = asked(&app).await;
        go.send(true).unwrap();
        assert_eq!(client.rest().await, b"", "no close frame, which nobody sent: the upstream {dies}");
        drop(client);
        let call = app.recorded(1).await.remove(0);
        assert_eq!(call.state, CallState::Truncated, "{dies}");
        assert!(call.error.as_deref().unwrap().contains("broke off"), "{:?}", call.error);
        assert!(call.usage.output.is_some(), "what was written until then is estimated");
    }
}

#[tokio::test]
async fn a_close_of_the_upstream_reaches_the_client_with_its_code() {
    let (told, mut closed) = tokio::sync::mpsc::unbounded_channel();
    let upstream = beginning(told, async |mut line| {
        line.write(Frame::close(1011, "the model fell over").bytes()).await;
        Some(line)
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = asked(&app).await;
    let close = Frame::read(&mut client).await.unwrap();
    assert_eq!((close.code(), &close.payload[2..]), (Some(1011), &b"the model fell over"[..]));
    client.write(Frame::close(1011, "").masked().bytes()).await;
    assert_eq!(closed.recv().await.unwrap(), Some(1011), "and the client's answer the upstream");
    drop(client);
    let call = app.recorded(1).await.remove(0);
    assert_eq!(call.state, CallState::Truncated);
    assert!(call.error.unwrap().contains("1011 the model fell over"));
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_turn() {
    for leaves in ["closes with 4000", "is killed", "is reset"] {
        let (told, mut closed) = tokio::sync::mpsc::unbounded_channel();
        let upstream = beginning(told, async |line| Some(line)).await;
        let app = App::start(upstream.address).await;
        let (mut client, mut left_open) = (asked(&app).await, None);
        let expected = match leaves {
            "closes with 4000" => {
                client.write(Frame::close(4000, "").masked().bytes()).await;
                left_open = Some(client);
                Some(4000)
            }
            "is reset" => {
                reset(&client);
                drop(client);
                None
            }
            _ => {
                drop(client);
                None
            }
        };
        assert_eq!(closed.recv().await.unwrap(), expected, "the upstream's side of a client that {leaves}");
        drop(left_open.take());
        let call = app.recorded(1).await.remove(0);
        assert_eq!(call.state, CallState::Cancelled, "{leaves}: {:?}", call.error);
        assert!(call.usage.output.is_some());
    }
}

/// A client that is gone is noticed while the upstream takes nothing, and the other way round nothing is held back for.
#[tokio::test]
async fn a_client_that_closes_one_way_still_hears() {
    use tokio::io::AsyncWriteExt;
    let upstream = agreeing(async |_, mut line| {
        Frame::read(&mut line).await;
        // Everything that comes until the client has closed its half.
        line.rest().await;
        for event in events("resp_1", "Late.") {
            line.write(say(&event).bytes()).await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = connected(app.proxy, "/v1/responses", "").await;
    client.write(say(&create("Well?")).masked().bytes()).await;
    client.stream.shutdown().await.unwrap();
    let expected: Vec<u8> = events("resp_1", "Late.").iter().flat_map(|event| say(event).bytes()).collect();
    assert_eq!(client.rest().await, expected);
    assert_eq!(app.recorded(1).await[0].state, CallState::Complete);
}

/// A connection without a turn is one call, which shows what was said and how it was closed.
#[tokio::test]
async fn a_connection_without_turns_is_one_call() {
    let upstream = agreeing(async |_, mut line| {
        line.write(Frame::text(r#"{"type":"session.created"}"#).bytes()).await;
        Frame::read(&mut line).await;
        line.write(Frame::close(1000, "bye").bytes()).await;
        line.rest().await;
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = connected(app.proxy, "/v1/realtime?model=gpt-realtime", "").await;
    Frame::read(&mut client).await.unwrap();
    client.write(Frame::text(r#"{"type":"session.update","session":{}}"#).masked().bytes()).await;
    assert_eq!(Frame::read(&mut client).await.unwrap().code(), Some(1000));
    drop(client);
    let call = app.recorded(1).await.remove(0);
    assert_eq!((call.state, call.status, call.method.as_str()), (CallState::Complete, Some(101), "GET"));
    assert_eq!(
        app.body(call.id, api::BodySide::Request).await,
        "{\"type\":\"session.update\",\"session\":{}}\n"
    );
    assert_eq!(app.body(call.id, api::BodySide::Response).await, "{\"type\":\"session.created\"}\n");
    let detail = app.call(call.id).await;
    let closed = detail.response_headers.iter().find(|header| header.name == "trailer:websocket-close");
    assert_eq!(closed.unwrap().value, "1000 bye");
}

/// Who takes nothing holds back who sends, and costs no memory; nothing is lost when it goes on.
#[tokio::test]
async fn a_slow_reader_holds_the_sender_back() {
    const MESSAGES: usize = 1_024;
    let (counted, mut written) = tokio::sync::watch::channel(0_usize);
    let upstream = agreeing(move |_, mut line| {
        let counted = counted.clone();
        async move {
            for number in 1..=MESSAGES {
                line.write(Frame { opcode: 2, ..Frame::text(&"x".repeat(64 << 10)) }.bytes()).await;
                counted.send(number).unwrap();
            }
            line.rest().await;
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let before = tests::memory(app.process_id());
    let mut client = connected(app.proxy, "/v1/unheard/of", "").await;
    // It is held back once nothing moves any more.
    let mut last = 0;
    let held = wait_until("the upstream to be held back", async || {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let now = *written.borrow_and_update();
        let same = now == std::mem::replace(&mut last, now);
        (same && now > 0).then_some(now)
    })
    .await;
    assert!(held < MESSAGES / 2, "{held} messages of 64 KiB are on their way");
    assert!(tests::memory(app.process_id()) < before + (24 << 20));
    for _ in 0..MESSAGES {
        let frame = Frame::read(&mut client).await.unwrap();
        assert!(frame.payload.len() == 64 << 10 && frame.payload.iter().all(|byte| *byte == b'x'));
    }
}

/// An open WebSocket is a call under way: a stop waits for its turn, and then says good-bye to both sides.
#[tokio::test]
async fn a_stop_waits_for_the_turn_and_then_goes_away() {
    let (told, mut closed) = tokio::sync::mpsc::unbounded_channel();
    let (go, gone) = tokio::sync::watch::channel(false);
    let upstream = beginning(told, move |mut line| {
        let mut gone = gone.clone();
        async move {
            gone.wait_for(|go| *go).await.unwrap();
            line.write(say(&events("resp_1", "A beginning of words.")[2]).bytes()).await;
            Some(line)
        }
    })
    .await;
    let app = App::start(upstream.address).await;
    let mut client = asked(&app).await;
    app.terminate();
    wait_until("the port to close", async || {
        tokio::net::TcpStream::connect(app.proxy).await.is_err().then_some(())
    })
    .await;
    go.send(true).unwrap();
    assert!(Frame::read(&mut client).await.unwrap().as_text().contains("response.completed"));
    assert_eq!(Frame::read(&mut client).await.unwrap().code(), Some(1001));
    assert_eq!(closed.recv().await.unwrap(), Some(1001));
    drop(client);
    app.ends().await;
}

/// Nothing is under way where no turn is: nobody waits for such a connection.
#[tokio::test]
async fn a_stop_does_not_wait_for_a_connection_without_a_turn() {
    let (told, mut closed) = tokio::sync::mpsc::unbounded_channel();
    let upstream = agreeing(move |_, mut line| {
        let told = told.clone();
        async move {
            Frame::read(&mut line).await;
            for event in events("resp_1", "Done.") {
                line.write(say(&event).bytes()).await;
            }
            told.send(Frame::read(&mut line).await.and_then(|frame| frame.code())).unwrap();
            line.rest().await;
        }
    })
    .await;
    // Longer than any test may take.
    let app = Setup::new(upstream.address).settings("shutdown_grace_s = 3600").start().await;
    let mut client = connected(app.proxy, "/v1/responses", "").await;
    client.write(say(&create("Well?")).masked().bytes()).await;
    for _ in 0..3 {
        Frame::read(&mut client).await.unwrap();
    }
    app.recorded(1).await;
    app.terminate();
    assert_eq!(Frame::read(&mut client).await.unwrap().code(), Some(1001));
    assert_eq!(closed.recv().await.unwrap(), Some(1001));
    drop(client);
    assert!(app.ends().await.status.success());
}

/// After the grace a turn is cut, with a good-bye where a frame may stand.
#[tokio::test]
async fn a_turn_is_cut_after_the_grace() {
    let (told, mut closed) = tokio::sync::mpsc::unbounded_channel();
    let upstream = beginning(told, async |line| Some(line)).await;
    let setup = Setup::new(upstream.address).settings("shutdown_grace_s = 1");
    let app = setup.start().await;
    let mut client = asked(&app).await;
    app.terminate();
    assert_eq!(Frame::read(&mut client).await.unwrap().code(), Some(1001));
    assert_eq!(closed.recv().await.unwrap(), Some(1001));
    drop(client);
    let finished = app.ends().await;
    let cells = tests::database_cells(&finished.setup.data().join("data.db")).await;
    let states: Vec<&[u8]> =
        cells.iter().filter(|cell| cell.column == "state").map(|cell| cell.bytes.as_slice()).collect();
    assert_eq!(states, [b"truncated"]);
}

/// When there is no memory left for the record it says so, and the bytes go on; the next connection is read again.
#[tokio::test]
async fn a_record_without_room_goes_blind_and_the_bytes_go_on() {
    let upstream = agreeing(async |number, mut line| {
        Frame::read(&mut line).await;
        let text = if number == 0 { "long ".repeat(1 << 20) } else { "short".to_owned() };
        for event in events("resp_1", &text) {
            line.write(say(&event).bytes()).await;
        }
        line.rest().await;
    })
    .await;
    let app = Setup::new(upstream.address).settings("memory_mb = 1").start().await;
    for (number, state) in [(1, CallState::Truncated), (2, CallState::Complete)] {
        let mut client = connected(app.proxy, "/v1/responses", "").await;
        client.write(say(&create("Well?")).masked().bytes()).await;
        let text = if number == 1 { "long ".repeat(1 << 20) } else { "short".to_owned() };
        for event in events("resp_1", &text) {
            let expected = event.to_string();
            assert!(Frame::read(&mut client).await.unwrap().as_text() == expected);
        }
        drop(client);
        let call = app.recorded(number).await.remove(0);
        assert_eq!(call.state, state, "{:?}", call.error);
        assert_eq!(call.error.is_some_and(|error| error.contains("memory")), number == 1);
    }
}

/// As many as there may be, and no more.
#[tokio::test]
async fn websockets_count_as_connections() {
    let upstream = Raw::start(async |_, mut line| {
        line.head().await;
        line.write(agreement("")).await;
        line.rest().await;
    })
    .await;
    let app = Setup::new(upstream.address).settings("max_connections = 8").start().await;
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(connected(app.proxy, "/v1/realtime", "").await);
    }
    let mut more = Line::connect(app.proxy).await;
    more.write(handshake("/v1/realtime", "")).await;
    assert!(more.head().await.starts_with("HTTP/1.1 503 "));
    open.clear();
    wait_until("room", async || {
        let mut again = Line::connect(app.proxy).await;
        again.write(handshake("/v1/realtime", "")).await;
        again.head().await.starts_with("HTTP/1.1 101 ").then_some(())
    })
    .await;
}
