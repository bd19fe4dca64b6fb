//! What the mock's model says and which fault befalls the saying.

use super::{Answer, Dialect, Framing, Received, Step};

/// Tokens in exclusive buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Uncached input.
    pub input: u64,
    /// Input from the cache.
    pub cache_read: u64,
    /// Input written to the cache for five minutes (Anthropic).
    pub cache_write_5m: u64,
    /// Input written to the cache for an hour (Anthropic).
    pub cache_write_1h: u64,
    /// Output, reasoning included.
    pub output: u64,
    /// Of it, reasoning.
    pub reasoning: u64,
}

impl Tokens {
    /// Everything the model was given.
    pub fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// An error of the provider's shape.
    Status(u16),
    /// An error page of a gateway.
    Html,
    /// A body that ends in the middle of its JSON.
    InvalidJson,
    /// The connection is cut before the head.
    BeforeHead,
    /// The connection is cut in the middle of the body.
    Disconnect,
    /// A stream ends cleanly but without its last events.
    Truncate,
    /// A stream's last events are an error.
    ErrorEvent,
}

/// What the model says.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The text.
    pub text: String,
    /// Its thoughts; empty for none.
    pub thinking: String,
    /// The tool it calls, with arguments as JSON, unless the request does not offer it or carries its result.
    pub tool: Option<(String, String)>,
    /// The tool it calls at the same time.
    pub also: Option<(String, String)>,
    /// The tool it calls once the request carries the result of the first.
    pub then: Option<(String, String)>,
    /// The tokens it reports.
    pub tokens: Tokens,
    /// Pieces the text comes in.
    pub pieces: usize,
    /// Compressed, when the client accepts that.
    pub gzip: bool,
    /// Cut into pieces of so many bytes.
    pub split: Option<usize>,
    /// Lines of streams end with CR LF.
    pub crlf: bool,
    /// Streams carry comments.
    pub comments: bool,
    /// WebSockets are agreed to; else they are refused with a 426.
    pub sockets: bool,
    /// What goes wrong.
    pub fault: Fault,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            text: "Grüße aus Köln 🌍: the answer is forty-two.".into(),
            thinking: String::new(),
            tool: None,
            also: None,
            then: None,
            tokens: Tokens {
                input: 1_201,
                cache_read: 307,
                cache_write_5m: 0,
                cache_write_1h: 0,
                output: 89,
                reasoning: 0,
            },
            pieces: 6,
            gzip: false,
            split: None,
            crlf: false,
            comments: false,
            sockets: false,
            fault: Fault::None,
        }
    }
}

impl Plan {
    /// The answer to a request.
    pub fn answer(&self, received: &Received) -> Answer {
        if self.sockets && received.head.header("upgrade").is_some() && received.method() == "GET" {
            return Answer::whole(101, "", "");
        }
        let Some(dialect) = Dialect::of(received) else { return elsewhere(received) };
        let answer = match self.fault {
            Fault::BeforeHead => return Answer::nothing(),
            Fault::Status(status) => dialect.error(status),
            Fault::Html => {
                Answer::whole(502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>")
            }
            Fault::None | Fault::InvalidJson | Fault::Disconnect | Fault::Truncate | Fault::ErrorEvent => {
                self.spoil(dialect.answer(self, received), dialect)
            }
        };
        let answer = answer.header("x-request-id", "req_mock_0001").header("Server", "mock");
        let accepts = received.head.header("accept-encoding").is_some_and(|value| value.contains("gzip"));
        let answer = if self.gzip && accepts { answer.gzipped() } else { answer };
        match self.split {
            Some(size) => answer.split(size),
            None => answer,
        }
    }

    fn spoil(&self, mut answer: Answer, dialect: Dialect) -> Answer {
        let streamed = answer.framing == Framing::Chunked;
        let middle = answer.steps.len() / 2;
        match self.fault {
            Fault::Disconnect if streamed => answer.steps.insert(middle, Step::Abort),
            Fault::Disconnect => {
                let body = answer.body();
                let (first, second) = body.split_at(body.len() / 2);
                answer.steps = vec![Step::Send(first.to_vec()), Step::Abort, Step::Send(second.to_vec())];
            }
            Fault::Truncate if streamed => answer.steps.truncate(middle),
            Fault::ErrorEvent if streamed => {
                answer.steps.truncate(middle);
                answer.steps.push(Step::Send(dialect.error_event(self)));
            }
            Fault::InvalidJson if streamed => {
                answer.steps.insert(middle, Step::Send(dialect.broken_event(self)));
            }
            Fault::InvalidJson => {
                let mut body = answer.body();
                body.truncate(body.len() / 2);
                answer.steps = vec![Step::Send(body)];
            }
            _ => {}
        }
        answer
    }

    /// An event stream's text with this plan's line ends.
    pub(super) fn lines(&self, text: &str) -> Vec<u8> {
        match self.crlf {
            true => text.replace('\n', "\r\n").into_bytes(),
            false => text.as_bytes().to_vec(),
        }
    }

    /// A stream of events: `(name, data)`, the name empty for none.
    pub(super) fn events(&self, events: &[(&str, String)]) -> Answer {
        let pieces = events.iter().enumerate().map(|(index, (name, data))| {
            let comment = if self.comments && index % 2 == 0 { ": keep-alive\n\n" } else { "" };
            let name = if name.is_empty() { String::new() } else { format!("event: {name}\n") };
            self.lines(&format!("{comment}{name}data: {data}\n\n"))
        });
        Answer::stream("text/event-stream; charset=utf-8", pieces.collect())
            .header("Cache-Control", "no-cache")
    }

    /// The text in pieces, cut at characters.
    pub(super) fn text_pieces(&self) -> Vec<String> {
        let characters: Vec<char> = self.text.chars().collect();
        let size = characters.len().div_ceil(self.pieces.max(1)).max(1);
        characters.chunks(size).map(|piece| piece.iter().collect()).collect()
    }

    /// The tool to call now: one that the request offers, by how many results it carries.
    pub(super) fn tool_for(&self, received: &Received) -> Option<(&str, &str)> {
        self.tools_for(received).into_iter().next()
    }

    /// The tools to call now.
    pub(super) fn tools_for(&self, received: &Received) -> Vec<(&str, &str)> {
        let count = |mark: &str| memchr::memmem::find_iter(&received.body, mark).count();
        let results: usize = [
            "\"tool_result\"",
            "\"function_call_output\"",
            "\"functionResponse\"",
            "\"toolResult\"",
            "\"role\":\"tool\"",
            "\"role\": \"tool\"",
        ]
        .into_iter()
        .map(count)
        .sum();
        let tools = match results {
            0 => [self.tool.as_ref(), self.also.as_ref()],
            1 => [self.then.as_ref(), None],
            _ => [None, None],
        };
        let offered = |name: &str| count(&format!("\"{name}\"")) > 0;
        let tools = tools.into_iter().flatten().map(|(name, arguments)| (name.as_str(), arguments.as_str()));
        tools.filter(|(name, _)| offered(name)).collect()
    }
}

/// What is no model's business.
fn elsewhere(received: &Received) -> Answer {
    if received.head.header("upgrade").is_some() {
        return Answer::whole(426, "application/json", "{}");
    }
    if received.path().ends_with("/inference-profiles") {
        return Answer::whole(200, "application/json", r#"{"inferenceProfileSummaries":[]}"#);
    }
    if received.path().ends_with("/models") && received.method() == "GET" {
        let body = r#"{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","created":1700000000,"owned_by":"openai"}]}"#;
        return Answer::whole(200, "application/json", body);
    }
    Answer::whole(200, "application/json", "{}")
}
