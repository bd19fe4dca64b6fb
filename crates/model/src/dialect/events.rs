//! From an answer's bytes to its documents, and from those to the finished [`Answer`].
//! Owns the four framings (one JSON document, SSE, JSON lines, a JSON array). Leaves out what a document says.

use serde_json::Value;

use super::answer::Answer;
use super::json::text;
use super::{
    Dialect, Exchange, anthropic, audio, bedrock, cohere, converse, embeddings, errors, gemini, gemini_live,
    images, kept, mistral, ollama, openai_chat, openai_realtime, openai_responses, timing,
};
use crate::eventstream::{self, Broken};
use crate::pricing::Units;
use crate::{scanner, sse};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Document,
    Sse,
    Lines,
    Array,
    Frames,
}

/// Reads the whole answer.
pub(super) fn assemble(exchange: &Exchange<'_>) -> Answer {
    let mut answer = Answer::default();
    let body = exchange.response.trim_ascii();
    if body.is_empty() {
        return answer;
    }
    match framing(exchange, body) {
        Framing::Document => document(exchange, body, &mut answer),
        Framing::Sse => server_sent(exchange, &mut answer),
        Framing::Lines => lines(exchange, &mut answer),
        Framing::Array => array(exchange, &mut answer),
        Framing::Frames => frames(exchange, &mut answer),
    }
    conclude(exchange, &mut answer);
    answer
}

/// The body's first bytes are trusted before the content type: gateways answer errors as JSON under any type.
fn framing(exchange: &Exchange<'_>, body: &[u8]) -> Framing {
    let kind = exchange.content_type.unwrap_or_default();
    let failed = exchange.status.is_some_and(|status| status >= 400);
    match body.first() {
        Some(b'[') if exchange.dialect == Dialect::Gemini && !failed => Framing::Array,
        Some(b'{') if kind.contains("ndjson") || kind.contains("jsonl") => Framing::Lines,
        Some(b'{') if may_be_lines(exchange.dialect) && has_lines(body) => Framing::Lines,
        Some(b'{' | b'[') => Framing::Document,
        _ if kind.contains("amazon.eventstream") => Framing::Frames,
        _ if kind.contains("event-stream") => Framing::Sse,
        _ if eventstream::begins(exchange.response) => Framing::Frames,
        _ if [&b"data:"[..], b"event:", b":"].iter().any(|start| body.starts_with(start)) => Framing::Sse,
        _ => Framing::Document,
    }
}

fn may_be_lines(dialect: Dialect) -> bool {
    dialect.is_ollama() || matches!(dialect, Dialect::Models | Dialect::Batches | Dialect::Files)
}

/// Whether something follows the body's first line's document.
fn has_lines(body: &[u8]) -> bool {
    let mut scanner = scanner::Scanner::new(body, 0);
    scanner.value().is_some() && scanner.at() < body.len()
}

fn document(exchange: &Exchange<'_>, body: &[u8], answer: &mut Answer) {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            absorb(exchange, &value, answer);
            answer.reading.complete = true;
        }
        Err(_) if exchange.status.is_some_and(|status| status >= 400) => {
            answer.reading.error = errors::line_of_text(body);
            answer.reading.complete = true;
        }
        Err(_) if exchange.dialect == Dialect::Audio && !body.starts_with(b"{") => {
            audio::absorb_bytes(body, exchange.content_type, answer);
        }
        // Uploaded files come back as they are; nobody promised JSON.
        Err(_) if exchange.dialect == Dialect::Files => answer.reading.complete = true,
        Err(error) => answer.notes.push(format!("the answer is not a whole JSON document: {error}")),
    }
}

fn server_sent(exchange: &Exchange<'_>, answer: &mut Answer) {
    answer.reading.streamed = true;
    let mut broken = 0_u64;
    let mut take = |event: sse::SseEvent<'_>| {
        if event.cut {
            answer.notes.push("an event of the stream is too large to be read whole".to_owned());
        }
        let data = event.data.trim_ascii();
        if data == b"[DONE]" {
            answer.reading.complete = true;
        } else if let Ok(value) = serde_json::from_slice::<Value>(data) {
            event_of_stream(exchange, &value, event.end, answer);
        } else if !data.is_empty() {
            broken += 1;
        }
    };
    let mut framer = sse::Framer::new();
    framer.push(exchange.response, &mut take);
    framer.finish(&mut take);
    note_broken(broken, answer);
}

fn lines(exchange: &Exchange<'_>, answer: &mut Answer) {
    answer.reading.streamed = true;
    let mut end = 0;
    let mut broken = 0_u64;
    for line in exchange.response.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if let Ok(value) = serde_json::from_slice::<Value>(line) {
            event_of_stream(exchange, &value, end, answer);
        } else if !line.trim_ascii().is_empty() {
            broken += 1;
        }
    }
    note_broken(broken, answer);
}

fn array(exchange: &Exchange<'_>, answer: &mut Answer) {
    answer.reading.streamed = true;
    let (elements, closed) = scanner::elements(exchange.response);
    let mut broken = u64::from(!closed);
    for range in elements {
        let end = range.end;
        match exchange.response.get(range).map(serde_json::from_slice::<Value>) {
            Some(Ok(value)) => event_of_stream(exchange, &value, end, answer),
            _ => broken += 1,
        }
    }
    note_broken(broken, answer);
    answer.reading.complete = closed;
}

/// A frame whose checksum is wrong was changed on its way: no client takes the answer, so it is an error.
fn frames(exchange: &Exchange<'_>, answer: &mut Answer) {
    answer.reading.streamed = true;
    let mut broken = 0_u64;
    for frame in eventstream::frames(exchange.response) {
        match frame {
            Ok(frame) => match bedrock::carried(&frame) {
                bedrock::Carried::Value(value) => event_of_stream(exchange, &value, frame.end, answer),
                bedrock::Carried::Error(error) => answer.reading.error = Some(error),
                bedrock::Carried::Unreadable => broken += 1,
            },
            Err(Broken::Cut) => answer.notes.push(Broken::Cut.to_string()),
            Err(reason) => {
                answer.reading.broken_frames += 1;
                answer.notes.push(reason.to_string());
                answer
                    .reading
                    .error
                    .get_or_insert_with(|| errors::told("event_stream", Some(&reason.to_string())));
            }
        }
    }
    answer.reading.broken_frames += broken;
    note_broken(broken, answer);
}

fn note_broken(broken: u64, answer: &mut Answer) {
    if broken > 0 {
        answer
            .notes
            .push(format!("{broken} of the stream's events could not be read; the stream may be cut"));
    }
}

fn event_of_stream(exchange: &Exchange<'_>, value: &Value, end: usize, answer: &mut Answer) {
    absorb(exchange, value, answer);
    if answer.has_output && answer.reading.first_token_at.is_none() {
        answer.reading.first_token_at = Some(end);
    }
}

/// Takes one document or event of the answer.
fn absorb(exchange: &Exchange<'_>, value: &Value, answer: &mut Answer) {
    let failed = exchange.status.is_some_and(|status| status >= 400);
    if (failed || !exchange.dialect.tells_of_the_past())
        && let Some(error) = errors::line(value, failed)
    {
        answer.reading.error = Some(match exchange.by_headers.error.filter(|_| failed) {
            // Of its own accord such a body says only the rest.
            Some(kind) if errors::error_kind(&error) == error => errors::told(kind, Some(&error)),
            _ => error,
        });
    }
    bedrock::take_metrics(value, answer);
    match exchange.dialect {
        Dialect::OpenaiChat | Dialect::OpenaiCompletions => {
            openai_chat::absorb(value, answer);
            timing::take_seconds(value, answer);
        }
        Dialect::OpenaiResponses => openai_responses::absorb(value, answer),
        Dialect::OpenaiRealtime => openai_realtime::absorb(value, answer),
        Dialect::OpenaiEmbeddings | Dialect::GeminiEmbeddings | Dialect::Rerank | Dialect::Moderation => {
            embeddings::absorb(value, answer);
        }
        Dialect::Images => images::absorb(value, answer),
        Dialect::Audio => audio::absorb(value, answer),
        Dialect::Ocr => mistral::absorb_pages(value, answer),
        Dialect::MistralConversations => mistral::absorb(value, answer),
        Dialect::Anthropic => anthropic::absorb(value, answer),
        Dialect::Gemini if gemini_live::is_live(exchange.path) => {
            gemini::absorb(&gemini_live::as_element(value), answer);
        }
        Dialect::Gemini => gemini::absorb(value, answer),
        Dialect::OllamaChat | Dialect::OllamaGenerate => ollama::absorb(value, answer),
        Dialect::CohereChat => cohere::absorb(value, answer),
        Dialect::Converse => converse::absorb(value, answer),
        Dialect::BedrockInvoke => bedrock::absorb(value, answer),
        Dialect::Stored => kept::absorb_stored(exchange, value, answer),
        Dialect::Batches | Dialect::Files => kept::absorb_listed(value, answer),
        // A model that is being fetched tells how far it is, and at last that it is there.
        Dialect::Models => answer.reading.complete |= text(value, "status") == Some("success"),
        // Counting uses no tokens that anyone pays for, and what is unknown is recorded raw.
        Dialect::AnthropicCountTokens | Dialect::GeminiCountTokens | Dialect::CountTokens => {}
        Dialect::SideCall | Dialect::Unknown => {}
    }
}

fn conclude(exchange: &Exchange<'_>, answer: &mut Answer) {
    // Compatible servers forget `[DONE]`; nothing else ends an OpenAI stream.
    let openai = matches!(exchange.dialect, Dialect::OpenaiChat | Dialect::OpenaiCompletions);
    if openai && answer.reading.streamed && answer.all_finished() {
        answer.reading.complete = true;
    }
    if exchange.status.is_none_or(|status| status < 400) {
        bedrock::take_counts(&exchange.by_headers, answer);
    }
    // Lines of results have no last one that says so: a connection that ends well ended them.
    let lines_of_results = matches!(exchange.dialect, Dialect::Batches | Dialect::Files);
    let reading = &mut answer.reading;
    reading.complete |= reading.streamed && lines_of_results;
    // A stream tells everything itself, if it is not cut.
    reading.in_background &= !reading.streamed;
    if exchange.dialect.tells_of_the_past() && !reading.usage.is_unknown() {
        reading.read_again = Some(std::mem::take(&mut reading.usage)).filter(|_| reading.complete);
        (reading.units, reading.provider_cost) = (Units::default(), None);
    }
    let known = !reading.usage.is_unknown();
    let said_finally = reading.complete || reading.usage_final;
    reading.usage_final = known && said_finally;
    let promised_success = exchange.status.is_none_or(|status| status < 400);
    reading.error_in_stream = reading.error.is_some() && promised_success;
    if reading.streamed && !reading.complete && reading.error.is_none() {
        answer.notes.push("the answer stops before its end".to_owned());
    }
}
