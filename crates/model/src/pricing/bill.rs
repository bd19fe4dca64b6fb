//! The buckets of one call, each with its rate. Owns which rate stands in for a missing one, and the surcharges.
//! Leaves out who decides about the cost at all (`pricing`).

use api::{BucketCost, Money};

use super::Billable;
use super::decimal::{Factor, Rate};
use super::find::PriceMatch;
use super::rate::{Kind, Rates, Service};

// A missing cache price means that the provider makes no difference.
const READ: &[Kind] = &[Kind::CacheRead, Kind::Input];
const WRITE: &[Kind] = &[Kind::CacheWrite, Kind::Input];
const WRITE_LONG: &[Kind] = &[Kind::CacheWriteLong, Kind::CacheWrite, Kind::Input];
// Sound costs what text costs where it has no price of its own.
const AUDIO: &[Kind] = &[Kind::AudioInput, Kind::Input];
const AUDIO_READ: &[Kind] = &[Kind::AudioCacheRead, Kind::AudioInput, Kind::CacheRead, Kind::Input];
const AUDIO_OUTPUT: &[Kind] = &[Kind::AudioOutput, Kind::Output];

/// Every bucket with tokens in it; `None` when one of them has no known price.
pub(super) fn buckets(found: &PriceMatch<'_>, call: &Billable<'_>) -> Option<Vec<BucketCost>> {
    let rates = rates(found, call);
    let factors = found.factors(call);
    let (output, reasoning) = split_output(&rates, call);
    let usage = call.usage;
    let sound = call.sound;
    let lines: [(&str, Option<u64>, &[Kind]); 9] = [
        ("input", without(usage.input, sound.input), &[Kind::Input]),
        ("cache_read", without(usage.cache_read, sound.cache_read), READ),
        ("cache_write_5m", usage.cache_write_5m, WRITE),
        ("cache_write_1h", usage.cache_write_1h, WRITE_LONG),
        ("output", without(output, sound.output), &[Kind::Output]),
        ("reasoning", reasoning, &[Kind::Reasoning]),
        ("audio_input", within(sound.input, usage.input), AUDIO),
        ("audio_cache_read", within(sound.cache_read, usage.cache_read), AUDIO_READ),
        ("audio_output", within(sound.output, output), AUDIO_OUTPUT),
    ];
    let mut buckets = Vec::new();
    for (name, tokens, kinds) in lines {
        let Some(tokens) = tokens.filter(|tokens| *tokens > 0) else { continue };
        let rate = scaled(rates.first(kinds)?, &factors);
        buckets.push(bucket(name, tokens, rate));
    }
    buckets.extend(searches(found, call));
    // A call without a single token is free only if the model has a price at all.
    if buckets.is_empty() && found.rows.is_empty() { None } else { Some(buckets) }
}

/// What cached input would have cost uncached, less what it cost to read and to write; `None` without a known price.
pub(super) fn saved(found: &PriceMatch<'_>, call: &Billable<'_>) -> Option<Money> {
    let rates = rates(found, call);
    let factors = found.factors(call);
    let (usage, text) = (call.usage, &[Kind::Input][..]);
    let heard = within(call.sound.cache_read, usage.cache_read);
    let lines = [
        (without(usage.cache_read, call.sound.cache_read), READ, text),
        (heard, AUDIO_READ, AUDIO),
        (usage.cache_write_5m, WRITE, text),
        (usage.cache_write_1h, WRITE_LONG, text),
    ];
    lines.into_iter().try_fold(Money::ZERO, |saved, (tokens, kinds, uncached)| {
        let tokens = tokens.unwrap_or(0);
        let paid = scaled(rates.first(kinds)?, &factors).times(tokens);
        let uncached = scaled(rates.first(uncached)?, &factors);
        Some(saved.saturating_add(uncached.times(tokens).saturating_sub(paid)))
    })
}

/// The tokens of a bucket that are no sound.
fn without(tokens: Option<u64>, sound: u64) -> Option<u64> {
    tokens.map(|tokens| tokens.saturating_sub(sound))
}

/// The tokens of a bucket that are sound.
fn within(sound: u64, tokens: Option<u64>) -> Option<u64> {
    tokens.map(|tokens| tokens.min(sound))
}

fn rates<'a>(found: &PriceMatch<'a>, call: &Billable<'_>) -> Rates<'a> {
    Rates {
        rows: found.rows,
        service: Service::from_tier(call.service_tier),
        prompt: call.usage.prompt_total().unwrap_or(0),
        inclusive: found.entry.is_xai,
    }
}

fn scaled(rate: Rate, factors: &[Factor]) -> Rate {
    factors.iter().fold(rate, |rate, factor| rate.scaled_by(*factor))
}

/// Reasoning is part of the output, and a bucket of its own only where it has a price of its own.
fn split_output(rates: &Rates<'_>, call: &Billable<'_>) -> (Option<u64>, Option<u64>) {
    match (call.usage.output, call.usage.reasoning) {
        (Some(output), Some(reasoning)) if rates.of(Kind::Reasoning).is_some() => {
            let reasoning = reasoning.min(output);
            (Some(output - reasoning), Some(reasoning))
        }
        (output, _) => (output, None),
    }
}

/// Searches are billed beside tokens; for older Gemini models once a prompt, however many queries it took.
fn searches(found: &PriceMatch<'_>, call: &Billable<'_>) -> Option<BucketCost> {
    let rate = found.search?;
    let count = if found.entry.search_per_prompt { call.web_searches.min(1) } else { call.web_searches };
    (count > 0).then(|| bucket("web_search", count, rate))
}

fn bucket(name: &str, tokens: u64, rate: Rate) -> BucketCost {
    BucketCost { bucket: name.to_owned(), tokens, per_million: rate.per_million(), cost: rate.times(tokens) }
}
