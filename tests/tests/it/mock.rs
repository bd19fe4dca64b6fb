//! `llmflow mock`: recorded answers come back byte for byte, in the order and with the gaps in which they came.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;

use serde_json::json;
use tests::{Answer, App, Client, Dialect, Ended, Mock, Response, command, send, wait_until};

use crate::requests::{JSON, ask, body, request};

/// The server. Dropping it ends it.
struct Recorded {
    child: Child,
    address: SocketAddr,
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
    }
}

async fn serve(home: &Path, data: &Path, from: &str, speed: &str) -> Recorded {
    let out = home.join(format!("mock-{}", from.len() + speed.len()));
    let file = std::fs::File::create(&out).unwrap();
    let mut child = command(home)
        .args(["mock", "--from", from, "--port", "0", "--speed", speed])
        .env("DATA_DIR", data)
        .stdin(Stdio::null())
        .stderr(file.try_clone().unwrap())
        .stdout(file)
        .spawn()
        .unwrap();
    let address = wait_until("the recordings to be served", async || {
        let said = std::fs::read_to_string(&out).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "{said}");
        let (_, rest) = said.split_once("on http://")?;
        rest.lines().next()?.trim().parse().ok()
    })
    .await;
    Recorded { child, address }
}

async fn of(app: &App, from: &str) -> Recorded {
    serve(&app.home(), &app.data(), from, "max").await
}

/// What tells which recording answered, and why.
fn matched(response: &Response) -> (String, String) {
    let header = |name: &str| response.head.header(name).unwrap_or_default();
    (header("x-llmflow-recording"), header("x-llmflow-matched"))
}

#[tokio::test]
async fn every_dialect_comes_back_byte_for_byte_while_the_app_runs() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let mut recorded = Vec::new();
    for dialect in Dialect::KEYED {
        for stream in [false, true] {
            let asked = ask(dialect, stream, "Hello there", "");
            recorded.push((asked.clone(), send(app.proxy, &asked).await));
        }
    }
    app.recorded(recorded.len()).await;
    let again = of(&app, "all").await;
    for (asked, first) in &recorded {
        let second = send(again.address, asked).await;
        assert_eq!(second.status(), first.status());
        assert_eq!(second.body, first.body, "{}", String::from_utf8_lossy(asked));
        assert_eq!(second.ended, Ended::Whole);
        assert_eq!(second.head.header("content-type"), first.head.header("content-type"));
        assert_eq!(matched(&second).1, "same");
    }
    // Without the provider's name before the path, as the provider's own SDK asks.
    let own = request(
        "POST",
        "/v1/messages",
        JSON,
        body(Dialect::Anthropic, false, "Hello there").to_string().as_bytes(),
    );
    assert_eq!(matched(&send(again.address, &own).await).1, "same");
}

/// Gaps are told by their order and proportion: the long one is before the same piece.
#[tokio::test]
async fn a_stream_keeps_its_gaps() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let pieces: Vec<Vec<u8>> = ["one", "two", "three"]
        .iter()
        .map(|word| {
            format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{word}\"}}}}]}}\n\n")
                .into_bytes()
        })
        .collect();
    let sent = pieces.concat();
    mock.answer(move |_| Answer::stream("text/event-stream", pieces.clone()).gated());
    let asked = ask(Dialect::Chat, true, "Hello there", "");
    let mut client = Client::open(app.proxy, &asked).await;
    client.head().await.unwrap();
    let mut got = Vec::new();
    for gap_ms in [0, 40, 400] {
        if gap_ms > 0 {
            // The gap is made, not waited for: what comes back is measured against it.
            let until = Instant::now() + std::time::Duration::from_millis(gap_ms);
            wait_until("the gap to be there", async || (Instant::now() >= until).then_some(())).await;
            mock.open_gate(1);
        }
        got.extend(client.piece().await.unwrap().unwrap());
    }
    client.rest().await;
    assert_eq!(got, sent);
    let call = app.recorded(1).await.remove(0);
    let chunks = app.call(call.id).await.timing.chunks;
    assert_eq!(chunks.len(), 3, "{chunks:?}");

    let again = serve(&app.home(), &app.data(), "model=gpt-4o-mini", "1").await;
    let mut client = Client::open(again.address, &asked).await;
    client.head().await.unwrap();
    let mut moments = Vec::new();
    let mut back = Vec::new();
    while let Some(piece) = client.piece().await.unwrap() {
        moments.push(Instant::now());
        back.push(piece);
    }
    assert_eq!(back.concat(), sent);
    assert_eq!(back.len(), 3, "piece by piece");
    let gaps: Vec<_> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps[1] > gaps[0], "the longer gap is the longer one: {gaps:?}, recorded {chunks:?}");
}

#[tokio::test]
async fn the_nearest_recording_answers() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let asked = |model: &str, words: &str| {
        let body = json!({"model": model, "user": words, "messages": [{"role": "user", "content": words}]});
        request("POST", "/v1/chat/completions", JSON, body.to_string().as_bytes())
    };
    let answer = |text: &'static str| {
        move |_: &tests::Received| {
            let body = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]});
            Answer::whole(200, "application/json", body.to_string())
        }
    };
    let words = ["What is the capital of France?", "What is the capital of Peru?"];
    let mut ids = Vec::new();
    for (number, (words, text)) in words.iter().zip(["Paris", "Lima"]).enumerate() {
        mock.answer(answer(text));
        send(app.proxy, &asked("gpt-4o", words)).await;
        ids.push(app.recorded(number + 1).await.remove(0).id.to_string());
    }
    let again = of(&app, "all").await;
    // The same, whoever asks.
    let same = json!({"messages": [{"content": words[1], "role": "user"}], "user": "x", "model": "gpt-4o"});
    let same =
        send(again.address, &request("POST", "/v1/chat/completions", JSON, same.to_string().as_bytes()))
            .await;
    assert_eq!(matched(&same), (ids[1].clone(), "same".into()));
    assert!(same.text().contains("Lima"));
    // The same words, of another model.
    let prompt = send(again.address, &asked("gpt-5", words[0])).await;
    assert_eq!(matched(&prompt), (ids[0].clone(), "prompt".into()));
    // Other words: in turn.
    for id in [&ids[0], &ids[1], &ids[0]] {
        let turn = send(again.address, &asked("gpt-4o", "Something else entirely?")).await;
        assert_eq!(matched(&turn), (id.clone(), "model".into()));
    }
    // What nothing answers says what was looked for, in a shape that SDKs show.
    let missing = send(again.address, &asked("gpt-5", "Something else entirely?")).await;
    let said = missing.json();
    let message = said["error"]["message"].as_str().unwrap();
    assert_eq!(missing.status(), 404);
    for words in ["2 recordings", "POST /v1/chat/completions", "\"gpt-5\""] {
        assert!(message.contains(words), "{words} in {message}");
    }
    let missing = send(again.address, &request("GET", "/v1/models", "", b"")).await;
    assert_eq!(missing.status(), 404);
    // Hostile bodies are only bodies.
    for hostile in [&b"{broken"[..], b"\xff\xfe", "[".repeat(200_000).as_bytes()] {
        let answer = send(again.address, &request("POST", "/v1/chat/completions", JSON, hostile)).await;
        assert_eq!(answer.status(), 404);
    }
    // Pages of other names are kept out.
    let foreign = send(again.address, b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    assert_eq!(foreign.status(), 403);
}

#[tokio::test]
async fn an_answer_that_broke_off_breaks_off_again_and_errors_are_answers() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|_| {
        let mut answer = Answer::stream("text/event-stream", vec![b"data: {\"choices\":[]}\n\n".to_vec()]);
        answer.steps.push(tests::Step::Abort);
        answer
    });
    let streamed = ask(Dialect::Chat, true, "Hello there", "");
    let first = send(app.proxy, &streamed).await;
    assert_eq!(first.ended, Ended::Broken);
    mock.answer(|_| {
        Answer::whole(429, "application/json", r#"{"error":{"message":"later"}}"#).header("retry-after", "7")
    });
    let refused = ask(Dialect::Chat, false, "Hello there", "");
    send(app.proxy, &refused).await;
    app.recorded(2).await;
    let again = of(&app, "all").await;
    let second = send(again.address, &streamed).await;
    assert_eq!((second.ended, second.body), (Ended::Broken, first.body));
    let second = send(again.address, &refused).await;
    assert_eq!((second.status(), second.head.header("retry-after").as_deref()), (429, Some("7")));
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_is_named() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    for (arguments, words) in [
        (["mock", "--from", "modle=x"], "modle"),
        (["mock", "--from", ""], "Say which calls"),
        (["mock", "--from", "call=1"], "call must be the id"),
        (["mock", "--from", "all"], "no recorded call"),
    ] {
        let ended = command(&app.home()).args(arguments).env("DATA_DIR", app.data()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && said.contains(words), "{arguments:?}: {said}");
    }
}
