//! The buckets of one call, each with its rate. Owns which rate stands in for a missing one, and the surcharges.
//! Leaves out who decides about the cost at all (`pricing`).

use api::BucketCost;

use super::Billable;
use super::decimal::{Factor, Rate};
use super::find::PriceMatch;
use super::rate::{Kind, Rates, Service};

/// Every bucket with tokens in it; `None` when one of them has no known price.
pub(super) fn buckets(found: &PriceMatch<'_>, call: &Billable<'_>) -> Option<Vec<BucketCost>> {
    let rates = Rates {
        rows: found.rows,
        service: Service::from_tier(call.service_tier),
        prompt: call.usage.prompt_total().unwrap_or(0),
        inclusive: found.entry.is_xai,
    };
    let factors = found.factors(call);
    let (output, reasoning) = split_output(&rates, call);
    let usage = call.usage;
    // A missing cache price means that the provider makes no difference.
    let lines: [(&str, Option<u64>, &[Kind]); 6] = [
        ("input", usage.input, &[Kind::Input]),
        ("cache_read", usage.cache_read, &[Kind::CacheRead, Kind::Input]),
        ("cache_write_5m", usage.cache_write_5m, &[Kind::CacheWrite, Kind::Input]),
        ("cache_write_1h", usage.cache_write_1h, &[Kind::CacheWriteLong, Kind::CacheWrite, Kind::Input]),
        ("output", output, &[Kind::Output]),
        ("reasoning", reasoning, &[Kind::Reasoning]),
    ];
    let mut buckets = Vec::new();
    for (name, tokens, kinds) in lines {
        let Some(tokens) = tokens.filter(|tokens| *tokens > 0) else { continue };
        let rate = factors.iter().fold(rates.first(kinds)?, |rate, factor: &Factor| rate.scaled_by(*factor));
        buckets.push(bucket(name, tokens, rate));
    }
    buckets.extend(searches(found, call));
    // A call without a single token is free only if the model has a price at all.
    if buckets.is_empty() && found.rows.is_empty() { None } else { Some(buckets) }
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
