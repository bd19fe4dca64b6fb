//! The provider that everything is measured against: answers at once, each answer different, a thread per connection.
//! Runs as a process of its own (`bench upstream`), so that its work is nobody else's.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use memchr::memmem;

use crate::process::Process;
use crate::text::Writer;

/// Asks for a stream: number of pieces, microseconds between two.
pub(crate) const STREAM_HEADER: &str = "x-bench-stream";
/// Around the moment a piece was sent, in nanoseconds since 1970.
pub(crate) const STAMP: char = '~';
const ANSWER_BYTES: usize = 600;
const STACK: usize = 128 * 1024;
const READ: usize = 64 * 1024;
/// A chunked body ends like this.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// The upstream as a child process.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl Upstream {
    pub(crate) fn start() -> Result<Self> {
        let mut command = std::process::Command::new(std::env::current_exe()?);
        command.arg("upstream").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::spawn("upstream", &mut command)?;
        let address = process.first_line()?.trim().parse().context("the upstream did not say its address")?;
        Ok(Self { address, _process: process })
    }
}

/// `bench upstream`: serves until its standard input ends, so that it never outlives the bench.
pub(crate) fn run() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", listener.local_addr()?)?;
    output.flush()?;
    let chat = Chat::new();
    serve(listener, Arc::new(move |head, stream| chat.answer(head, stream)))?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Answers one request: its head, and where the answer goes. What a request's body says is nobody's business here.
pub(crate) type Answerer = dyn Fn(&str, &mut TcpStream) -> std::io::Result<()> + Send + Sync;

/// Serves in the background for as long as this process lives.
pub(crate) fn serve(listener: TcpListener, answer: Arc<Answerer>) -> Result<()> {
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            // A client that goes away ends its thread; nothing is owed to it.
            let connection = move || drop(connection(stream, answer.as_ref()));
            drop(thread::Builder::new().stack_size(STACK).spawn(connection));
        }
    };
    thread::Builder::new().spawn(accept)?;
    Ok(())
}

fn connection(mut stream: TcpStream, answer: &Answerer) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(READ);
    let mut piece = vec![0; READ];
    loop {
        buffer.clear();
        let (head_end, length) = loop {
            let read = stream.read(&mut piece)?;
            if read == 0 {
                return Ok(());
            }
            buffer.extend_from_slice(piece.get(..read).unwrap_or_default());
            if let Some(at) = memmem::find(&buffer, b"\r\n\r\n") {
                break (at + 4, content_length(buffer.get(..at).unwrap_or_default()));
            }
        };
        let (head, body) = buffer.split_at(head_end);
        if !skip_body(&mut stream, body, length, &mut piece)? {
            return Ok(());
        }
        answer(&String::from_utf8_lossy(head), &mut stream)?;
    }
}

/// Reads what is left of a body that has `begun`, and keeps nothing of it; `false` when it breaks off.
fn skip_body(
    stream: &mut impl Read,
    begun: &[u8],
    length: Option<usize>,
    piece: &mut [u8],
) -> std::io::Result<bool> {
    let mut seen = begun.len();
    let mut tail = Vec::with_capacity(2 * LAST_CHUNK.len());
    let mut end_with = |bytes: &[u8]| {
        tail.extend_from_slice(bytes.get(bytes.len().saturating_sub(LAST_CHUNK.len())..).unwrap_or_default());
        tail.drain(..tail.len().saturating_sub(LAST_CHUNK.len()));
        tail == LAST_CHUNK
    };
    let mut chunks_ended = end_with(begun);
    while !length.map_or(chunks_ended, |length| seen >= length) {
        let read = stream.read(piece)?;
        if read == 0 {
            return Ok(false);
        }
        seen += read;
        chunks_ended = end_with(piece.get(..read).unwrap_or_default());
    }
    Ok(true)
}

/// `None`: chunked.
fn content_length(head: &[u8]) -> Option<usize> {
    let head = String::from_utf8_lossy(head);
    if header(&head, "transfer-encoding").is_some() {
        return None;
    }
    Some(header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0))
}

/// The value of a header.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Nanoseconds since 1970: one clock for all processes of this machine.
pub(crate) fn now_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// One piece of a chunked body.
pub(crate) fn send_chunk(stream: &mut TcpStream, data: &str) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes())
}

/// OpenAI's chat completions.
struct Chat {
    text: String,
    count: AtomicU64,
}

impl Chat {
    fn new() -> Self {
        Self { text: Writer::new(11).prose(1 << 20), count: AtomicU64::new(0) }
    }

    fn answer(&self, head: &str, stream: &mut TcpStream) -> std::io::Result<()> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let spec = header(head, STREAM_HEADER).and_then(|spec| spec.split_once(' '));
        match spec.and_then(|(pieces, gap)| Some((pieces.parse().ok()?, gap.parse().ok()?))) {
            Some((pieces, gap)) => self.stream(count, pieces, Duration::from_micros(gap), stream),
            None => stream.write_all(self.whole(count).as_bytes()),
        }
    }

    fn words(&self, count: u64, bytes: usize) -> &str {
        let from = usize::try_from(count.wrapping_mul(7_919)).unwrap_or(0) % (self.text.len() - bytes);
        self.text.get(from..from + bytes).unwrap_or_default()
    }

    fn whole(&self, count: u64) -> String {
        let body = format!(
            r#"{{"id":"chatcmpl-B{count:027}","object":"chat.completion","created":1763700000,"model":"gpt-4o-mini-2024-07-18","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{},"completion_tokens":131,"total_tokens":1043,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}},"service_tier":"default","system_fingerprint":"fp_b547601dbd"}}"#,
            self.words(count, ANSWER_BYTES),
            800 + count % 200,
        );
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_{count:032x}\r\n\
             openai-processing-ms: 312\r\nopenai-version: 2020-10-01\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn stream(&self, count: u64, pieces: u64, gap: Duration, stream: &mut TcpStream) -> std::io::Result<()> {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req_{count:032x}\r\n\
             transfer-encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let event = |delta: &str, finish: &str, usage: &str| {
            format!(
                r#"data: {{"id":"chatcmpl-S{count}","object":"chat.completion.chunk","created":1763700000,"model":"gpt-4o-mini-2024-07-18","choices":[{{"index":0,"delta":{{{delta}}},"finish_reason":{finish}}}]{usage}}}"#
            ) + "\n\n"
        };
        for piece in 0..pieces {
            if piece > 0 {
                thread::sleep(gap);
            }
            let word = self.words(count.wrapping_add(piece), 12);
            let content = format!(r#""content":"{word} {STAMP}{}{STAMP}""#, now_nanos());
            send_chunk(stream, &event(&content, "null", ""))?;
        }
        let usage = r#","usage":{"prompt_tokens":912,"completion_tokens":131,"total_tokens":1043}"#;
        send_chunk(stream, &(event("", r#""stop""#, usage) + "data: [DONE]\n\n"))?;
        stream.write_all(b"0\r\n\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_to_their_end_and_no_further() {
        let skip = |begun: &[u8], rest: &[u8], length| {
            let mut rest = rest;
            // Pieces of three bytes: the end of the chunks comes in two of them.
            let whole = skip_body(&mut rest, begun, length, &mut [0; 3]).unwrap();
            (whole, rest.len())
        };
        assert_eq!(skip(b"", b"", Some(0)), (true, 0));
        assert_eq!(skip(b"ab", b"cdefgh", Some(5)), (true, 3));
        assert_eq!(skip(b"ab", b"cd", Some(5)), (false, 0));
        assert_eq!(skip(b"2\r\nab\r\n0\r", b"\n\r\nGET", None), (true, 3));
        assert_eq!(skip(b"2\r\nab\r\n", b"0\r\n", None), (false, 0));
    }

    #[test]
    fn answers_are_json_and_no_two_are_alike() {
        let chat = Chat::new();
        let body = |count| chat.whole(count).split_once("\r\n\r\n").unwrap().1.to_owned();
        let answer: serde_json::Value = serde_json::from_str(&body(3)).unwrap();
        assert_eq!(answer["usage"]["prompt_tokens"], 803);
        let text = |count| {
            serde_json::from_str::<serde_json::Value>(&body(count)).unwrap()["choices"][0]["message"]["content"]
                .to_string()
        };
        assert_ne!(text(3), text(4));
    }
}
