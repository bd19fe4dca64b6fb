//! OpenAI's Chat Completions and legacy completions, with the additions of the vendors that speak them
//! (DeepSeek, xAI, Groq, OpenRouter, Perplexity, Mistral, llama.cpp). Leaves out requests (`prompt`).

use api::{Money, Part};
use serde_json::Value;

use super::answer::Answer;
use super::json::{argument_text, count, first_count, index, list, object, owned, text};
use super::{content, pieces, timing};
use crate::pricing::{Sound, decimal};

/// Tool calls stand after everything else that a message says.
const TOOL_CALLS: u64 = 1 << 60;
/// xAI bills in ticks of 10⁻¹⁰ dollars.
const PICO_DOLLARS_PER_TICK: u64 = 100;

/// Takes a completion or one chunk of a stream.
pub(super) fn absorb(value: &Value, answer: &mut Answer) {
    let reading = &mut answer.reading;
    reading.model = owned(value, "model").or_else(|| reading.model.take());
    reading.response_id = owned(value, "id").or_else(|| reading.response_id.take());
    reading.service_tier = owned(value, "service_tier").or_else(|| reading.service_tier.take());
    for (position, choice) in (0..).zip(list(value, "choices")) {
        take_choice(choice, index(choice, "index", position), answer);
    }
    let groq = object(value, "x_groq").and_then(|groq| object(groq, "usage"));
    if let Some(usage) = object(value, "usage").or(groq) {
        take_usage(usage, answer);
    } else if let Some(timings) = object(value, "timings").filter(|_| answer.reading.usage.is_unknown()) {
        take_timings(timings, answer);
    }
    if let Some(timings) = object(value, "timings") {
        timing::take_llama(timings, answer);
    }
    if value.get("choices").is_none() {
        take_llama_completion(value, answer);
    }
}

fn take_choice(choice: &Value, index: u64, answer: &mut Answer) {
    answer.draft(index);
    if let Some(message) = object(choice, "delta").or_else(|| object(choice, "message")) {
        take_message(message, index, answer);
    }
    if let Some(text) = text(choice, "text") {
        answer.add(index, Part::Text { text: text.to_owned() });
    }
    if let Some(reason) = text(choice, "finish_reason") {
        answer.finish(index, reason);
    }
}

fn take_message(message: &Value, index: u64, answer: &mut Answer) {
    if let Some(text) = text(message, "reasoning_content").or_else(|| text(message, "reasoning")) {
        answer.add(index, Part::Thinking { text: text.to_owned() });
    }
    for part in message.get("content").map(content::parts).unwrap_or_default() {
        answer.add(index, part);
    }
    if let Some(text) = text(message, "refusal") {
        answer.add(index, Part::Refusal { text: text.to_owned() });
    }
    for (position, call) in (0..).zip(list(message, "tool_calls")) {
        take_tool_call(call, super::json::index(call, "index", position), index, answer);
    }
    if let Some(function) = object(message, "function_call") {
        take_function(None, function, (TOOL_CALLS, 0), index, answer);
    }
    if let Some(audio) = object(message, "audio") {
        let bytes = text(audio, "data").map(content::decoded_size);
        answer.add(index, content::inline("audio", None, bytes));
    }
}

fn take_tool_call(call: &Value, position: u64, index: u64, answer: &mut Answer) {
    let place = (TOOL_CALLS.saturating_add(position), 0);
    let custom = object(call, "custom");
    let Some(function) = object(call, "function").or(custom) else { return };
    take_function(owned(call, "id"), function, place, index, answer);
}

fn take_function(id: Option<String>, function: &Value, place: (u64, u64), index: u64, answer: &mut Answer) {
    answer.has_output = true;
    let new = || Part::ToolCall { id: None, name: String::new(), arguments: String::new() };
    let Part::ToolCall { id: known_id, name, arguments } = answer.draft(index).part_or(place, new) else {
        return;
    };
    if id.is_some() {
        *known_id = id;
    }
    if let Some(piece) = text(function, "name") {
        // Most vendors send the name once, some repeat it with every fragment; nobody splits it.
        piece.clone_into(name);
    }
    let fragment = function.get("arguments").or_else(|| function.get("input"));
    arguments.push_str(&fragment.map(argument_text).unwrap_or_default());
}

/// Takes the usage that OpenAI and its kin report: totals that include their parts.
pub(super) fn take_usage(usage: &Value, answer: &mut Answer) {
    let prompt = first_count(usage, &["prompt_tokens", "input_tokens"]);
    let completion = first_count(usage, &["completion_tokens", "output_tokens"]);
    // Realtime leaves the plural out.
    let details = |names: [&str; 3]| names.iter().find_map(|name| object(usage, name));
    let in_details = details(["prompt_tokens_details", "input_tokens_details", "input_token_details"]);
    let out_details = details(["completion_tokens_details", "output_tokens_details", "output_token_details"]);
    let detail = |details: Option<&Value>, key: &str| details.and_then(|details| count(details, key));

    let cached = detail(in_details, "cached_tokens").or_else(|| count(usage, "prompt_cache_hit_tokens"));
    let written = detail(in_details, "cache_write_tokens");
    let written_long = in_details
        .and_then(|details| object(details, "cache_write_tokens_details"))
        .and_then(|split| count(split, "ttl_12h_tokens"));
    let reasoning = detail(out_details, "reasoning_tokens").or_else(|| count(usage, "reasoning_tokens"));

    let heard = detail(in_details, "audio_tokens").unwrap_or(0);
    let heard_before = in_details
        .and_then(|details| object(details, "cached_tokens_details"))
        .and_then(|split| count(split, "audio_tokens"))
        .unwrap_or(0);
    answer.reading.sound = Sound {
        input: heard.saturating_sub(heard_before),
        cache_read: heard_before,
        output: detail(out_details, "audio_tokens").unwrap_or(0),
    };
    answer.reading.units.pictures = pieces::openai_pictures(in_details, out_details);

    let known = &mut answer.reading.usage;
    if let Some(prompt) = prompt {
        known.input = Some(exclusive(prompt, cached.unwrap_or(0) + written.unwrap_or(0)));
        known.cache_read = cached;
        known.cache_write_1h = written_long;
        known.cache_write_5m = written.map(|all| all.saturating_sub(written_long.unwrap_or(0)));
    }
    if let Some(completion) = completion {
        let total = count(usage, "total_tokens");
        known.output = Some(with_reasoning(prompt.unwrap_or(0), completion, reasoning.unwrap_or(0), total));
        known.reasoning = reasoning;
    }
    take_extras(usage, answer);
}

/// Prompt tokens beside the cached ones. A prompt smaller than its cached part was counted without it.
fn exclusive(prompt: u64, cached: u64) -> u64 {
    prompt.checked_sub(cached).unwrap_or(prompt)
}

/// Everything written. xAI leaves reasoning out of `completion` but not out of the total.
fn with_reasoning(prompt: u64, completion: u64, reasoning: u64, total: Option<u64>) -> u64 {
    let all = completion + reasoning;
    if reasoning > 0 && total == Some(prompt + all) { all } else { completion }
}

/// What vendors add to usage: the price they charge, and searches.
fn take_extras(usage: &Value, answer: &mut Answer) {
    let reading = &mut answer.reading;
    let ticks = count(usage, "cost_in_usd_ticks")
        .and_then(|ticks| i64::try_from(ticks.checked_mul(PICO_DOLLARS_PER_TICK)?).ok())
        .map(Money::from_pico);
    let cost = usage.get("cost").and_then(|cost| cost.get("total_cost").or(Some(cost)));
    let money = |cost: &Value| cost.is_number().then(|| decimal::money(&cost.to_string())).flatten();
    let mut charged = cost.and_then(money);
    // With a key of one's own, OpenRouter charges its fee, and the provider charges the rest.
    if usage.get("is_byok").and_then(Value::as_bool) == Some(true) {
        let upstream = usage.get("cost_details").and_then(|details| details.get("upstream_inference_cost"));
        charged = charged.map(|fee| [fee, upstream.and_then(money).unwrap_or_default()].into_iter().sum());
    }
    reading.provider_cost = ticks.or(charged).or(reading.provider_cost);
    reading.units.web_searches = count(usage, "num_search_queries").unwrap_or(reading.units.web_searches);
}

/// llama.cpp's own figures, which it sends even when usage was not asked for.
fn take_timings(timings: &Value, answer: &mut Answer) {
    let usage = &mut answer.reading.usage;
    usage.input = count(timings, "prompt_n").or(usage.input);
    usage.cache_read = count(timings, "cache_n").or(usage.cache_read);
    usage.output = count(timings, "predicted_n").or(usage.output);
}

/// llama.cpp's native `/completion`.
fn take_llama_completion(value: &Value, answer: &mut Answer) {
    if let Some(text) = text(value, "content") {
        answer.add(0, Part::Text { text: text.to_owned() });
    }
    if value.get("stop").and_then(Value::as_bool) == Some(true) {
        answer.finish(0, text(value, "stop_type").unwrap_or("stop"));
    }
}
