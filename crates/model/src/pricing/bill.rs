//! The buckets of one call, each with its rate. Owns which rate stands in for a missing one, and the surcharges.
//! Leaves out who decides about the cost at all (`pricing`).

use api::{BucketCost, Money};

use super::Billable;
use super::book::PriceMatch;
use super::decimal::{Factor, Rate};
use super::rate::{Kind, Rates, Row, Service};

// A missing cache price means that the provider makes no difference.
const READ: &[Kind] = &[Kind::CacheRead, Kind::Input];
const WRITE: &[Kind] = &[Kind::CacheWrite, Kind::Input];
const WRITE_LONG: &[Kind] = &[Kind::CacheWriteLong, Kind::CacheWrite, Kind::Input];
// Sound and pictures cost what text costs where they have no price of their own.
const AUDIO: &[Kind] = &[Kind::AudioInput, Kind::Input];
const AUDIO_READ: &[Kind] = &[Kind::AudioCacheRead, Kind::AudioInput, Kind::CacheRead, Kind::Input];
const AUDIO_OUTPUT: &[Kind] = &[Kind::AudioOutput, Kind::Output];
const IMAGE: &[Kind] = &[Kind::ImageInput, Kind::Input];
const IMAGE_READ: &[Kind] = &[Kind::ImageCacheRead, Kind::CacheRead, Kind::ImageInput, Kind::Input];
const IMAGE_OUTPUT: &[Kind] = &[Kind::ImageOutput, Kind::Output];

/// What a call is billed for.
#[derive(Debug, Default)]
pub(super) struct Bill {
    pub(super) buckets: Vec<BucketCost>,
    /// Surcharges whose price nobody knows.
    pub(super) missing: Vec<String>,
}

/// How many tokens of one bucket are text, sound and pictures.
#[derive(Clone, Copy)]
struct Split {
    text: Option<u64>,
    sound: Option<u64>,
    pictures: Option<u64>,
}

impl Split {
    /// Sound and pictures are among the tokens, and together no more than these.
    fn of(tokens: Option<u64>, sound: u64, pictures: u64) -> Self {
        let sound = tokens.map(|tokens| sound.min(tokens));
        let rest = tokens.zip(sound).map(|(tokens, sound)| tokens - sound);
        let pictures = rest.map(|rest| pictures.min(rest));
        Self { text: rest.zip(pictures).map(|(rest, pictures)| rest - pictures), sound, pictures }
    }
}

/// Every bucket with something in it; `None` when one of the tokens' has no known price.
pub(super) fn bill(found: &PriceMatch, call: &Billable<'_>) -> Option<Bill> {
    let rows = found.rows_at(call.at_ms);
    let rates = rates(found, &rows, call);
    let factors = found.factors(call);
    let (output, reasoning) = split_output(&rates, call);
    let (usage, sound, pictures) = (call.usage, call.sound, call.units.pictures);
    let input = Split::of(usage.input, sound.input, pictures.input);
    let read = Split::of(usage.cache_read, sound.cache_read, pictures.cache_read);
    let drawn = if call.units.only_pictures { u64::MAX } else { pictures.output };
    let written = Split::of(output, sound.output, drawn);
    let lines: [(&str, Option<u64>, &[Kind]); 12] = [
        ("input", input.text, &[Kind::Input]),
        ("cache_read", read.text, READ),
        ("cache_write_5m", usage.cache_write_5m, WRITE),
        ("cache_write_1h", usage.cache_write_1h, WRITE_LONG),
        ("output", written.text, &[Kind::Output]),
        ("reasoning", reasoning, &[Kind::Reasoning]),
        ("audio_input", input.sound, AUDIO),
        ("audio_cache_read", read.sound, AUDIO_READ),
        ("audio_output", written.sound, AUDIO_OUTPUT),
        ("image_input", input.pictures, IMAGE),
        ("image_cache_read", read.pictures, IMAGE_READ),
        ("image_output", written.pictures, IMAGE_OUTPUT),
    ];
    let mut bill = Bill::default();
    for (name, tokens, kinds) in lines {
        let Some(tokens) = tokens.filter(|tokens| *tokens > 0) else { continue };
        let rate = scaled(rates.first(kinds)?, &factors);
        bill.buckets.push(bucket(name, tokens, rate));
    }
    pieces(&rates, call, &mut bill)?;
    surcharges(found, &rates, call, &mut bill);
    // A call without a single token is free only if the model has a price at all.
    if bill.buckets.is_empty() && rows.is_empty() { None } else { Some(bill) }
}

/// What is billed by the piece instead of tokens: `None` without a known price. Where tokens were counted, they are what
/// is billed.
fn pieces(rates: &Rates<'_>, call: &Billable<'_>, bill: &mut Bill) -> Option<()> {
    let units = &call.units;
    let counted = !call.usage.is_unknown();
    // Of a second of sound the table has the price under one of two names, and a zero under the other one.
    let second = [Kind::SoundOut, Kind::SoundIn].into_iter().filter_map(|kind| rates.of(kind));
    let second = second.max().map(|rate| rate.divided(1_000));
    for (name, count, rate, stands_in) in [
        ("image", units.images, rates.of(Kind::Picture), counted),
        ("audio_ms", units.audio_ms, second, counted),
        ("character", units.characters, rates.of(Kind::Character), counted),
        ("page", units.pages, rates.of(Kind::Page), false),
        ("annotated_page", units.annotated_pages, rates.of(Kind::AnnotatedPage), false),
    ] {
        if count > 0 && !stands_in {
            bill.buckets.push(bucket(name, count, rate?));
        }
    }
    if units.queries > 0 {
        // Who bills an order of documents by its tokens has no price for the query.
        match rates.of(Kind::Query) {
            Some(rate) => bill.buckets.push(bucket("query", units.queries, rate)),
            None if counted => {}
            None => return None,
        }
    }
    if let Some(rate) = rates.of(Kind::Request) {
        bill.buckets.push(bucket("request", 1, rate));
    }
    Some(())
}

/// What is billed beside tokens. Searches are billed one by one, for older Gemini models once a prompt, however many
/// queries it took.
fn surcharges(found: &PriceMatch, rates: &Rates<'_>, call: &Billable<'_>, bill: &mut Bill) {
    let units = &call.units;
    let searches = if found.extra.search_per_prompt { units.web_searches.min(1) } else { units.web_searches };
    for (name, count, rate) in [
        ("web_search", searches, found.search(units.search_size)),
        ("map_search", units.map_searches, rates.of(Kind::MapSearch)),
        ("file_search", units.file_searches, rates.of(Kind::FileSearch)),
        ("code_session", units.code_sessions, rates.of(Kind::CodeSession)),
    ] {
        match rate {
            _ if count == 0 => {}
            Some(rate) => bill.buckets.push(bucket(name, count, rate)),
            None => bill.missing.push(name.to_owned()),
        }
    }
}

/// What cached input would have cost uncached, less what it cost to read and to write; `None` without a known price.
pub(super) fn saved(found: &PriceMatch, call: &Billable<'_>) -> Option<Money> {
    let rows = found.rows_at(call.at_ms);
    let rates = rates(found, &rows, call);
    let factors = found.factors(call);
    let (usage, text) = (call.usage, &[Kind::Input][..]);
    let read = Split::of(usage.cache_read, call.sound.cache_read, call.units.pictures.cache_read);
    let lines = [
        (read.text, READ, text),
        (read.sound, AUDIO_READ, AUDIO),
        (read.pictures, IMAGE_READ, IMAGE),
        (usage.cache_write_5m, WRITE, text),
        (usage.cache_write_1h, WRITE_LONG, text),
    ];
    lines.into_iter().try_fold(Money::ZERO, |saved, (tokens, kinds, uncached)| {
        let Some(tokens) = tokens.filter(|tokens| *tokens > 0) else { return Some(saved) };
        let paid = scaled(rates.first(kinds)?, &factors).times(tokens);
        let uncached = scaled(rates.first(uncached)?, &factors);
        Some(saved.saturating_add(uncached.times(tokens).saturating_sub(paid)))
    })
}

fn rates<'r>(found: &PriceMatch, rows: &'r [Row], call: &Billable<'_>) -> Rates<'r> {
    Rates {
        rows,
        service: Service::from_tier(call.service_tier),
        prompt: call.usage.prompt_total().unwrap_or(0),
        inclusive: found.is_xai,
    }
}

fn scaled(rate: Rate, factors: &[Factor]) -> Rate {
    factors.iter().fold(rate, |rate, factor| rate.scaled_by(*factor))
}

/// Reasoning is part of the output, and a bucket of its own only where it has a price of its own.
fn split_output(rates: &Rates<'_>, call: &Billable<'_>) -> (Option<u64>, Option<u64>) {
    match (call.usage.output, call.usage.reasoning) {
        (Some(output), Some(reasoning)) if rates.of_reasoning().is_some() => {
            let reasoning = reasoning.min(output);
            (Some(output - reasoning), Some(reasoning))
        }
        (output, _) => (output, None),
    }
}

fn bucket(name: &str, tokens: u64, rate: Rate) -> BucketCost {
    BucketCost { bucket: name.to_owned(), tokens, per_million: rate.per_million(), cost: rate.times(tokens) }
}
