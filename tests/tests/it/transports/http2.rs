//! HTTP/2 from clients in clear, to upstreams over TLS, and between the two versions.

use api::{BodySide, CallState};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use tests::{
    App, Client, Dialect, Ended, Http2, Mock, Piecewise, Plan, Raw, SecureUpstream, Setup, Step, send, whole,
};
use tokio::sync::mpsc;

use crate::requests::{ask, body};

fn post(path: &str, body: &str) -> http::request::Builder {
    let length = body.len().to_string();
    Request::builder()
        .method(Method::POST)
        .uri(format!("http://localhost{path}"))
        .header("content-type", "application/json")
        .header("content-length", length)
}

async fn text(answer: Response<Incoming>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// An app whose OpenAI is `upstream`, trusted by its authority.
async fn towards(upstream: &SecureUpstream, name: &str) -> App {
    let mock = Mock::start().await;
    Setup::new(mock.address())
        .variable("LLMFLOW_UPSTREAM_OPENAI", &format!("https://{name}:{}", upstream.address.port()))
        .variable("SSL_CERT_FILE", &upstream.authority.display().to_string())
        .start()
        .await
}

#[tokio::test]
async fn a_client_may_speak_http_2_to_an_upstream_that_does_not() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let client = Http2::connect(app.proxy).await;
    let said = body(Dialect::Chat, true, "By HTTP/2").to_string();
    let request = post("/v1/chat/completions?q=%41", &said)
        .header("cookie", "a=b")
        .header("cookie", "c=d")
        .header("te", "trailers")
        .header("x-repeated", "one")
        .header("x-repeated", "two")
        .body(whole(said.clone()))
        .unwrap();
    let answer = client.send(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    assert!(
        answer.headers().get("transfer-encoding").is_none() && answer.headers().get("connection").is_none()
    );
    assert_eq!(answer.headers()["x-request-id"], "req_mock_0001");
    let answer = text(answer).await;
    let exchange = mock.ended(1).await.remove(0);
    assert_eq!(answer.as_bytes(), exchange.sent.unwrap().body);
    let received = exchange.received;
    assert_eq!(received.head.start, "POST /v1/chat/completions?q=%41 HTTP/1.1");
    assert_eq!(received.body, said.as_bytes());
    let values = |name: &str| {
        let named = received.head.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| String::from_utf8_lossy(&header.value).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values("host"), [mock.address().to_string()]);
    assert_eq!(values("cookie"), ["a=b; c=d"], "its pieces are one header again");
    assert_eq!(values("x-repeated"), ["one", "two"]);
    let call = app.recorded(1).await.remove(0);
    let detail = app.call(call.id).await;
    assert_eq!((call.state, detail.http_version.as_str()), (CallState::Complete, "HTTP/2"));
    assert!(app.body(call.id, BodySide::Request).await.contains("By HTTP/2"));
    // The host is judged in its pseudo-header as well.
    let foreign = Request::get("http://evil.example/v1/models").body(whole("")).unwrap();
    assert_eq!(client.send(foreign).await.unwrap().status(), 403);
}

#[tokio::test]
async fn many_streams_share_a_clients_connection_and_none_waits_for_another() {
    const STREAMS: usize = 200;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|received| {
        let mut answer = Plan::default().answer(received);
        answer.steps.insert(1, Step::Gate);
        answer
    });
    let client = Http2::connect(app.proxy).await;
    let said = body(Dialect::Chat, true, "Together").to_string();
    let mut answers = Vec::new();
    for _ in 0..STREAMS {
        let request = post("/v1/chat/completions", &said).body(whole(said.clone())).unwrap();
        answers.push(client.send(request).await.unwrap());
    }
    mock.open_gate(STREAMS);
    let expected = text(answers.remove(0)).await;
    for answer in answers {
        assert_eq!(text(answer).await, expected);
    }
    let calls = app.recorded(STREAMS).await;
    assert!(calls.iter().all(|call| call.state == CallState::Complete));
    println!("{STREAMS} streams on one connection");
}

#[tokio::test]
async fn an_upstream_that_speaks_http_2_is_spoken_to_in_it() {
    let upstream = SecureUpstream::start("localhost", &["h2", "http/1.1"], async |request| {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let answer = format!("{} {} {}", head.uri, body.len(), head.headers.contains_key("connection"));
        Response::builder().header("x-odd", "kept").body(whole(answer)).unwrap()
    })
    .await;
    let app = towards(&upstream, "localhost").await;
    // An HTTP/1.1 client, with what may not stand in HTTP/2.
    let more = "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\nCookie: a=b; c=d\r\n";
    for _ in 0..3 {
        let response = send(app.proxy, &ask(Dialect::Chat, false, "Up", more)).await;
        assert_eq!((response.status(), response.ended), (200, Ended::Whole));
        assert!(
            response
                .text()
                .starts_with(&format!("https://localhost:{}/v1/chat/comp", upstream.address.port()))
        );
        assert!(response.text().ends_with("false"), "{}", response.text());
    }
    // An HTTP/2 client.
    let client = Http2::connect(app.proxy).await;
    let answer = client.send(post("/v1/chat/completions", "{}").body(whole("{}")).unwrap()).await.unwrap();
    assert!(text(answer).await.contains("2 false"));
    let asked = upstream.asked();
    assert!(asked.iter().all(|asked| asked.version == Version::HTTP_2), "{asked:?}");
    assert_eq!(upstream.connections(), 1, "one connection for all of them");
    let authority = format!("localhost:{}", upstream.address.port());
    for asked in &asked {
        assert_eq!(asked.head.uri.authority().unwrap().as_str(), authority);
        let host = asked.head.headers.get("host").map(|host| host.to_str().unwrap());
        assert!(host.is_none_or(|host| host == authority), "a Host beside :authority says the same");
        assert!(asked.head.headers.get("te").is_none() && asked.head.headers.get("keep-alive").is_none());
    }
    assert_eq!(app.recorded(4).await.len(), 4);
}

#[tokio::test]
async fn an_upstream_with_tls_and_without_http_2_is_spoken_to_in_http_1() {
    let upstream =
        SecureUpstream::start("localhost", &["http/1.1"], async |_| Response::new(whole("ok"))).await;
    let app = towards(&upstream, "localhost").await;
    assert_eq!(send(app.proxy, &ask(Dialect::Chat, false, "Up", "")).await.text(), "ok");
    assert_eq!(upstream.asked()[0].version, Version::HTTP_11);
}

/// Both sides HTTP/2, both bodies in pieces that wait for each other, and trailers at both ends, as gRPC has them.
#[tokio::test]
async fn pieces_and_trailers_go_through_http_2_both_ways() {
    let upstream = SecureUpstream::start("localhost", &["h2"], async |request| {
        let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(1);
        let echo = async move {
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                let Ok(frame) = frame else { return };
                let frame = match frame.into_trailers() {
                    Ok(mut trailers) => {
                        trailers.insert("grpc-status", "0".parse().unwrap());
                        Frame::trailers(trailers)
                    }
                    Err(data) => data,
                };
                if sender.send(Ok(frame)).await.is_err() {
                    return;
                }
            }
        };
        tokio_util::task::TaskTracker::new().spawn(echo);
        Response::new(BodyExt::boxed(StreamBody::new(frames(receiver))))
    })
    .await;
    let app = towards(&upstream, "localhost").await;
    let client = Http2::connect(app.proxy).await;
    let (sender, receiver) = mpsc::channel(1);
    let request = Request::post("http://localhost/v1/stream").header("te", "trailers");
    let request = request.body(BodyExt::boxed(StreamBody::new(frames(receiver)))).unwrap();
    let mut answer = client.send(request).await.unwrap().into_body();
    for piece in ["one", "two", "three"] {
        sender.send(Ok(Frame::data(Bytes::from(piece)))).await.unwrap();
        let echoed = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(echoed, piece, "each is back before the next is sent");
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "abc".parse().unwrap());
    sender.send(Ok(Frame::trailers(trailers))).await.unwrap();
    let trailers = answer.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(
        (&trailers["x-checksum"], &trailers["grpc-status"]),
        (&"abc".parse().unwrap(), &"0".parse().unwrap())
    );
    assert!(answer.frame().await.is_none());
    let call = app.recorded(1).await.remove(0);
    assert_eq!(call.state, CallState::Complete);
    let detail = app.call(call.id).await;
    let recorded = |headers: &[api::Header], name: &str| {
        headers.iter().find(|header| header.name == name).map(|header| header.value.clone())
    };
    assert_eq!(recorded(&detail.request_headers, "trailer:x-checksum").as_deref(), Some("abc"));
    assert_eq!(recorded(&detail.response_headers, "trailer:grpc-status").as_deref(), Some("0"));
}

fn frames(
    receiver: mpsc::Receiver<Result<Frame<Bytes>, std::io::Error>>,
) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, std::io::Error>> {
    stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)))
}

/// A client that resets its stream, and an upstream that does.
#[tokio::test]
async fn a_reset_stream_is_a_cancel_or_a_break() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|received| Plan::default().answer(received).gated());
    let client = Http2::connect(app.proxy).await;
    let said = body(Dialect::Chat, true, "Leaves").to_string();
    let request = post("/v1/chat/completions", &said).body(whole(said)).unwrap();
    let mut answer = client.send(request).await.unwrap().into_body();
    answer.frame().await.unwrap().unwrap();
    drop(answer);
    assert!(mock.ended(1).await.remove(0).sent.unwrap().client_left, "the upstream hears of it");
    assert_eq!(app.recorded(1).await[0].state, CallState::Cancelled);

    mock.answer(|received| {
        let mut answer = Plan::default().answer(received);
        answer.steps.insert(2, Step::Abort);
        answer
    });
    let said = body(Dialect::Chat, true, "Breaks").to_string();
    let request = post("/v1/chat/completions", &said).body(whole(said)).unwrap();
    let broken = client.send(request).await.unwrap().into_body().collect().await;
    assert!(broken.is_err(), "not a clean end");
    assert_eq!(app.recorded(2).await[0].state, CallState::Truncated);

    // An upstream that resets one stream in the middle leaves the others alone.
    let (breaks, broken) = mpsc::channel::<()>(1);
    let broken = std::sync::Arc::new(tokio::sync::Mutex::new(broken));
    let upstream = SecureUpstream::start("localhost", &["h2"], move |request| {
        let (breaks, broken) = (request.uri().path().ends_with("broken"), broken.clone());
        async move {
            let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"data: 1\n\n")))]);
            let second = stream::once(async move {
                if breaks {
                    broken.lock().await.recv().await;
                    return Err(std::io::Error::other("broken"));
                }
                Ok(Frame::data(Bytes::from_static(b"data: 2\n\n")))
            });
            let body: Piecewise = BodyExt::boxed(StreamBody::new(Box::pin(first.chain(second))));
            Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
        }
    })
    .await;
    let app = towards(&upstream, "localhost").await;
    let get = |path: &str| format!("GET /v1/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
    let mut broken = Client::open(app.proxy, &get("broken")).await;
    broken.head().await.unwrap();
    broken.bytes(9).await;
    let well = send(app.proxy, &get("well")).await;
    breaks.send(()).await.unwrap();
    assert_eq!(broken.rest().await.ended, Ended::Broken);
    assert_eq!((well.ended, well.body.as_slice()), (Ended::Whole, &b"data: 1\n\ndata: 2\n\n"[..]));
    let calls = app.recorded(2).await;
    let state = |end: &str| calls.iter().find(|call| call.path.ends_with(end)).unwrap();
    assert_eq!(state("broken").state, CallState::Truncated, "{:?}", state("broken").error);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_named_with_its_remedy() {
    let upstream = SecureUpstream::start("localhost", &["h2"], async |_| Response::new(whole("ok"))).await;
    let other =
        SecureUpstream::start("elsewhere.example", &["h2"], async |_| Response::new(whole("ok"))).await;
    let no_tls = Raw::start(async |_, mut line| {
        line.write("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        line.rest().await;
    })
    .await;
    let app = Setup::new(no_tls.address)
        .variable("LLMFLOW_UPSTREAM_OPENAI", &format!("https://localhost:{}", upstream.address.port()))
        .variable("LLMFLOW_UPSTREAM_GROQ", &format!("https://localhost:{}", other.address.port()))
        .variable("LLMFLOW_UPSTREAM_MISTRAL", &format!("https://{}", no_tls.address))
        .variable("SSL_CERT_FILE", &other.authority.display().to_string())
        .start()
        .await;
    for (path, said) in [
        ("/v1/models", "SSL_CERT_FILE"),
        ("/groq/v1/models", "for another name"),
        ("/mistral/v1/models", "names an HTTPS server"),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = send(app.proxy, request.as_bytes()).await;
        assert_eq!(response.status(), 502);
        assert!(
            response.text().contains(said) && response.text().contains("TLS"),
            "{path}: {}",
            response.text()
        );
    }
    let calls = app.recorded(3).await;
    assert!(calls.iter().all(|call| call.state == CallState::Unreachable));
    assert!(upstream.asked().is_empty() && other.asked().is_empty());
}

/// An upstream that refuses a stream, or closes down while it is opened: it says that it did nothing, so that the call
/// can be made again, and the client never knows.
#[tokio::test]
async fn a_refused_stream_is_asked_for_again() {
    let upstream = SecureUpstream::by_hand("localhost", &["h2"], async |number, stream| {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let mut taken = 0;
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            taken += 1;
            if (number, taken) == (0, 2) {
                respond.send_reset(h2::Reason::REFUSED_STREAM);
                continue;
            }
            // The connection moves only while it is asked for the next stream.
            tokio_util::task::TaskTracker::new().spawn(async move {
                let mut body = request.into_body();
                while let Some(Ok(piece)) = body.data().await {
                    let _nothing_left = body.flow_control().release_capacity(piece.len());
                }
                let mut sending = respond.send_response(Response::new(()), false).unwrap();
                sending.send_data(format!("answer {taken}").into(), true).unwrap();
            });
        }
    })
    .await;
    let app = towards(&upstream, "localhost").await;
    // The second answer comes on a connection of its own.
    for expected in ["answer 1", "answer 1", "answer 3"] {
        let response = send(app.proxy, &ask(Dialect::Chat, false, "Up", "")).await;
        assert_eq!((response.status(), response.text().as_str()), (200, expected));
    }
    let calls = app.recorded(3).await;
    assert!(calls.iter().all(|call| call.state == CallState::Complete), "three calls, three records");
}
