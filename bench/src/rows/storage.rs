//! Row d: what a long coding session takes on disk, and what makes it small.

use std::collections::VecDeque;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::http::Connection;
use crate::proxies::Proxy;
use crate::report::{Report, Section, short};
use crate::session::{Session, Turn};
use crate::upstream::{send_chunk, serve};
use crate::{Options, database, say};

const TURNS: usize = 100;
const SHOWN: [usize; 4] = [25, 50, 75, 100];
/// Between two events, so that most come apart, as they do from a provider.
const GAP: Duration = Duration::from_micros(200);

type Answers = Arc<Mutex<VecDeque<Vec<String>>>>;

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let answers = Answers::default();
    let upstream = upstream(answers.clone())?;
    let proxy = Proxy::llmflow(&options.binary, upstream)?;
    let path = proxy.database().context("our binary has a database")?;
    let (mut session, mut raw) = (Session::new(42), 0);
    let mut growth = Vec::new();
    for turn in 1..=TURNS {
        let Turn { request, events } = session.next();
        raw += request.len() + events.iter().map(String::len).sum::<usize>();
        answers.lock().unwrap_or_else(PoisonError::into_inner).push_back(events);
        send(proxy.to.address, &request).with_context(|| format!("turn {turn}"))?;
        if SHOWN.contains(&turn) {
            say(&format!("a coding session: turn {turn}"));
            proxy.settle()?;
            proxy.settle_index()?;
            growth.push((turn, raw, database::pages(&path)?));
        }
    }
    let folder = proxy.stop()?;
    let anatomy = database::anatomy(&path)?;
    drop(folder);
    let (file, raw) = (number(anatomy.file), number(raw as u64));
    report.at_least("a session of 100 turns, raw to stored", raw / file, 20.0, " : 1");
    let share = |what: &str, bytes: f64| {
        vec![what.to_owned(), kilobytes(bytes), format!("{:.2} %", bytes / raw * 100.0)]
    };
    let (distinct, packed) = (number(anatomy.packs_raw), number(anatomy.packs_packed));
    let mut rows = vec![
        share("sent and received", raw),
        share("distinct (each stretch once)", distinct),
        share("distinct, compressed", packed),
    ];
    rows.extend(anatomy.pages.iter().map(|(part, bytes)| share(&format!("pages: {part}"), number(*bytes))));
    rows.push(share("the file, after checkpoint", file));
    report.add(Section {
        title: "Storage of a coding session".to_owned(),
        columns: vec!["", "bytes", "of raw"],
        rows,
        notes: vec![format!(
            "{TURNS} turns, each resending all before it, with moving cache markers and streamed answers. Storing each \
             stretch once makes it {} times smaller, compressing what is left another {} times.",
            short(raw / distinct),
            short(distinct / packed)
        )],
    });
    let grown = growth.iter().map(|(turn, raw, pages)| {
        let (raw, pages) = (number(*raw as u64), number(*pages));
        let a_turn = pages / number(*turn as u64);
        vec![turn.to_string(), kilobytes(raw), kilobytes(pages), kilobytes(a_turn)]
    });
    report.add(Section {
        title: "Growth by turn".to_owned(),
        columns: vec!["turns", "raw so far", "stored so far", "stored a turn"],
        rows: grown.collect(),
        notes: Vec::new(),
    });
    Ok(())
}

/// Answers each request with the next turn's events.
fn upstream(answers: Answers) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let answer = move |_: &str, stream: &mut TcpStream| {
        let events = answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n\
              request-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\nanthropic-organization-id: 0b0b0b0b-1c1c-2d2d-3e3e\r\n\
              anthropic-ratelimit-tokens-remaining: 400000\r\ntransfer-encoding: chunked\r\n\r\n",
        )?;
        for event in events.iter().flatten() {
            send_chunk(stream, event)?;
            thread::sleep(GAP);
        }
        stream.write_all(b"0\r\n\r\n")
    };
    serve(listener, Arc::new(answer))?;
    Ok(address)
}

fn send(address: SocketAddr, body: &str) -> Result<()> {
    let head = format!(
        "POST /anthropic/v1/messages?beta=true HTTP/1.1\r\nhost: {address}\r\nuser-agent: claude-cli/2.1.197 (external, cli)\r\n\
         x-api-key: sk-ant-bench-0123456789abcdef\r\nanthropic-version: 2023-06-01\r\nx-app: cli\r\n\
         anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14\r\n\
         x-claude-code-session-id: 0f9c2b7e-5a50-4c1e-9a3c-4f7a2f6f9b11\r\nx-stainless-lang: js\r\n\
         x-stainless-runtime: node\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = Connection::open(address)?.ask(&[head.as_bytes(), body.as_bytes()].concat())?;
    let whole = String::from_utf8_lossy(&answer.body).contains("message_stop");
    anyhow::ensure!(answer.status == 200 && whole, "status {}, or the answer is not whole", answer.status);
    Ok(())
}

fn kilobytes(bytes: f64) -> String {
    format!("{} KB", short(bytes / 1024.0))
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn number(bytes: u64) -> f64 {
    bytes as f64
}
