//! One connection to the mock: read a request, play the answer's script, note what happened.

use tokio::net::TcpStream;

use super::{Answer, Exchange, Framing, Received, Sent, State, Step, socket};
use crate::http1::{BodyEnd, Wire};

pub(super) async fn serve(stream: TcpStream, state: &State) {
    let _best_effort = stream.set_nodelay(true);
    let mut wire = Wire::new(stream);
    while let Some(received) = read(&mut wire).await {
        let handler = state.handler.lock().unwrap().clone();
        let answer = handler(&received);
        let is_head = received.method() == "HEAD";
        let upgraded = (answer.status == 101).then(|| received.clone());
        let index = {
            let mut exchanges = state.exchanges.lock().unwrap();
            exchanges.push(Exchange { received, sent: None });
            exchanges.len() - 1
        };
        if let Some(asked) = upgraded {
            let agreed = Sent { whole: true, ..Sent::default() };
            state
                .exchanges
                .lock()
                .unwrap()
                .get_mut(index)
                .into_iter()
                .for_each(|it| it.sent = Some(agreed.clone()));
            if wire.write(&socket::agreement(&asked)).await.is_ok() {
                let (stream, first) = wire.into_parts();
                socket::serve(stream, first, &asked, state).await;
            }
            return;
        }
        let sent = play(&mut wire, state, &answer, is_head).await;
        let go_on = sent.whole && answer.framing != Framing::Close;
        // The list may have been taken by the test meanwhile.
        if let Some(exchange) = state.exchanges.lock().unwrap().get_mut(index) {
            exchange.sent = Some(sent);
        }
        if !go_on {
            return;
        }
    }
}

async fn read(wire: &mut Wire) -> Option<Received> {
    let head = wire.head().await.ok()??;
    let mut end = BodyEnd::of_request(&head);
    let chunked = end == BodyEnd::LastChunk;
    let mut body = Vec::new();
    while let Some(piece) = wire.piece(&mut end).await.ok()? {
        body.extend(piece);
    }
    Some(Received { head, body, chunked })
}

async fn play(wire: &mut Wire, state: &State, answer: &Answer, is_head: bool) -> Sent {
    let mut sent = Sent::default();
    if answer.status == 0 {
        return sent;
    }
    if wire.write(&head(answer)).await.is_err() {
        sent.client_left = true;
        return sent;
    }
    let has_body = !is_head && answer.status != 204 && answer.status != 304;
    for step in answer.steps.iter().filter(|_| has_body) {
        match step {
            Step::Send(bytes) if bytes.is_empty() => {}
            Step::Send(bytes) => {
                if wire.write(&framed(answer.framing, bytes)).await.is_err() {
                    sent.client_left = true;
                    return sent;
                }
                sent.body.extend(bytes);
            }
            Step::Gate => {
                let opened = tokio::select! {
                    permit = state.gate.acquire() => { permit.unwrap().forget(); true }
                    () = wire.closed() => false,
                };
                if !opened {
                    sent.client_left = true;
                    return sent;
                }
            }
            // The connection is dropped; everything written before still arrives.
            Step::Abort => return sent,
        }
    }
    if has_body && answer.framing == Framing::Chunked && wire.write(b"0\r\n\r\n").await.is_err() {
        sent.client_left = true;
        return sent;
    }
    sent.whole = true;
    sent
}

fn head(answer: &Answer) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status)).into_bytes();
    let mut add = |name: &str, value: &[u8]| {
        head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    };
    for (name, value) in &answer.headers {
        add(name, value);
    }
    match answer.framing {
        Framing::Length if answer.status != 204 && answer.status != 304 => {
            add("Content-Length", answer.body().len().to_string().as_bytes());
        }
        Framing::Length => {}
        Framing::Chunked => add("Transfer-Encoding", b"chunked"),
        Framing::Close => add("Connection", b"close"),
    }
    head.extend(b"\r\n");
    head
}

fn framed(framing: Framing, bytes: &[u8]) -> Vec<u8> {
    match framing {
        Framing::Chunked => [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat(),
        Framing::Length | Framing::Close => bytes.to_vec(),
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        529 => "Site is overloaded",
        _ => "Something",
    }
}
