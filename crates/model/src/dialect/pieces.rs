//! What is billed by the piece or has a price of its own: pictures, seconds of sound, characters, pages, queries, and the
//! tools that providers run. Leaves out the prices.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answer::Answer;
use super::json::{count, list, object, text};
use super::{Dialect, Exchange, Reading};
use crate::pricing::{SearchSize, Sound};

/// What only the request says.
pub(super) fn take_asked(exchange: &Exchange<'_>, request: &Value, reading: &mut Reading) {
    let speaks = exchange.dialect == Dialect::Audio && exchange.path.ends_with("/speech");
    if speaks && let Some(input) = text(request, "input") {
        reading.units.characters = input.chars().count() as u64;
    }
    if reading.units.web_searches > 0 {
        reading.units.search_size = search_size(request);
    }
}

/// How much context searches were to bring: Chat Completions, Perplexity and Responses each have a place for it.
fn search_size(request: &Value) -> SearchSize {
    let options = object(request, "web_search_options");
    let tools = list(request, "tools").iter();
    let size = options.into_iter().chain(tools).find_map(|holder| text(holder, "search_context_size"));
    match size {
        Some("low") => SearchSize::Low,
        Some("high") => SearchSize::High,
        _ => SearchSize::Medium,
    }
}

/// Tokens of pictures, by the details of OpenAI's usage.
pub(super) fn openai_pictures(input: Option<&Value>, output: Option<&Value>) -> Sound {
    let of =
        |details: Option<&Value>| details.and_then(|details| count(details, "image_tokens")).unwrap_or(0);
    let seen_before = input.and_then(|details| object(details, "cached_tokens_details"));
    Sound {
        input: of(input).saturating_sub(of(seen_before)),
        cache_read: of(seen_before),
        output: of(output),
    }
}

/// Pictures made: those of a document, or the one that an event of a stream completes.
pub(super) fn take_images(value: &Value, completed: bool, answer: &mut Answer) {
    let made = list(value, "data").len() + list(value, "predictions").len();
    answer.reading.units.images += made as u64 + u64::from(completed);
}

/// How long a written-down sound was, where its transcript says so.
pub(super) fn take_duration(value: &Value, answer: &mut Answer) {
    take_seconds(value, "duration", answer);
}

/// So many seconds of sound, as a number or as its text.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
pub(super) fn take_seconds(holder: &Value, key: &str, answer: &mut Answer) {
    let seconds = holder.get(key).and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()));
    if let Some(seconds) = seconds.filter(|seconds| (0.0..=1e9).contains(seconds)) {
        answer.reading.units.audio_ms = (seconds * 1_000.0).round() as u64;
    }
}

/// Pages that Mistral read.
pub(super) fn take_pages(value: &Value, answer: &mut Answer) {
    if let Some(usage) = object(value, "usage_info") {
        let units = &mut answer.reading.units;
        units.pages = count(usage, "pages_processed").unwrap_or(0);
        units.annotated_pages = count(usage, "pages_processed_annotation").unwrap_or(0);
    }
}

/// Cohere's units of searching.
pub(super) fn take_queries(value: &Value, answer: &mut Answer) {
    let billed = object(value, "meta").and_then(|meta| object(meta, "billed_units"));
    answer.reading.units.queries = billed.and_then(|units| count(units, "search_units")).unwrap_or(0);
}

/// Tools that OpenAI runs for the model: each search of files, and each container of the code interpreter once.
pub(super) fn take_tools(output: &[Value], answer: &mut Answer) {
    let of = |kind: &'static str| output.iter().filter(move |item| text(item, "type") == Some(kind));
    let containers: BTreeSet<Option<&str>> =
        of("code_interpreter_call").map(|item| text(item, "container_id")).collect();
    let units = &mut answer.reading.units;
    units.file_searches = of("file_search_call").count() as u64;
    units.code_sessions = containers.len() as u64;
}

/// Gemini bills a prompt that was grounded on maps once.
pub(super) fn take_maps(candidate: &Value, answer: &mut Answer) {
    let grounding = object(candidate, "groundingMetadata");
    let chunks = grounding.map(|grounding| list(grounding, "groundingChunks")).unwrap_or_default();
    if chunks.iter().any(|chunk| chunk.get("maps").is_some()) {
        answer.reading.units.map_searches = 1;
    }
}

/// Tokens of sound and pictures, by the details of Gemini's usage.
pub(super) fn take_gemini(usage: &Value, reading: &mut Reading) {
    let of = |keys: [&str; 2], modality: &str| {
        let details =
            keys.iter().map(|key| list(usage, key)).find(|list| !list.is_empty()).unwrap_or_default();
        let such = details.iter().filter(|detail| text(detail, "modality") == Some(modality));
        such.filter_map(|detail| count(detail, "tokenCount")).sum::<u64>()
    };
    let split = |modality: &str| {
        let cached = of(["cacheTokensDetails", ""], modality);
        Sound {
            input: of(["promptTokensDetails", ""], modality).saturating_sub(cached),
            cache_read: cached,
            output: of(["candidatesTokensDetails", "responseTokensDetails"], modality),
        }
    };
    (reading.sound, reading.units.pictures) = (split("AUDIO"), split("IMAGE"));
}
