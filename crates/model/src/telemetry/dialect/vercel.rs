//! Vercel's AI SDK up to version 6 (`ai.*`), and version 7 where it keeps those names. The outer spans
//! (`ai.generateText`) repeat the tokens of the inner ones (`.doGenerate`): only the inner ones are calls.

use api::{Operation, SpanType};

use super::super::keys::Key;
use super::super::read;
use super::super::reading::SpanReading;
use super::super::told::Told;
use super::super::usage::{Input, Output, Tokens};
use super::super::value::one_line;
use super::super::wire::Span;

pub(super) fn span(span: &Span, told: &Told<'_>) -> SpanReading {
    let facts = &told.facts;
    let operation = facts.text(Key::AiOperation).unwrap_or_default();
    let inner = operation.rsplit('.').next().filter(|word| word.starts_with("do")).unwrap_or_default();
    let span_type = match inner {
        "doEmbed" => SpanType::Embedding,
        "doRerank" => SpanType::Retrieval,
        "" if operation == "ai.toolCall" => SpanType::Tool,
        "" => SpanType::Chain,
        _ => SpanType::Llm,
    };
    let mut reading = read::typed(span, told, span_type);
    if let Some(call) = &mut reading.call {
        call.operation = if inner == "doEmbed" { Operation::Embeddings } else { Operation::Chat };
        call.streamed = Some(inner == "doStream").filter(|_| span_type == SpanType::Llm);
        if span_type == SpanType::Embedding {
            let tokens = facts.first_count(&[Key::AiTokens, Key::AiInputTokens, Key::GenAiInputTokens]);
            call.usage.input = call.usage.input.or(tokens);
        }
        if let Some(uncached) = facts.count(Key::AiNoCacheTokens) {
            call.usage.input = Some(uncached);
        }
        // Version 5 copies Anthropic's own count, which leaves the caches out.
        if call.provider.as_deref() == Some("anthropic") && !facts.any(&[Key::AiNoCacheTokens]) {
            let tokens = Tokens {
                input: facts.first_count(&[Key::AiInputTokens, Key::AiPromptTokens, Key::GenAiInputTokens]),
                output: call.usage.output,
                cache_read: call.usage.cache_read,
                cache_write: call.usage.cache_write_5m,
                total: facts.count(Key::AiTotalTokens),
                ..Tokens::default()
            };
            call.usage.input = tokens.buckets(Input::UncachedUnlessDisproved, Output::Whole).input;
        }
    }
    if span_type == SpanType::Chain {
        reading.label = facts.text(Key::AiFunction).and_then(one_line);
    }
    reading
}
