//! A call's cost taken apart: a bar and a table of buckets with their prices, and why it is believed.

use api::{BucketCost, CallDetail, Cost, CostSource, PriceOrigin, Usage, UsageSource};
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::marks::provenance;
use crate::format::{money, price, thousands, time::plain_date};

/// A bucket's name and colour.
pub fn bucket(key: &str) -> (&'static str, &'static str) {
    match key {
        "input" => ("Input, uncached", "var(--b-input)"),
        "cache_read" => ("Cache read", "var(--b-read)"),
        "cache_write_5m" => ("Cache write, 5 min", "var(--b-write5)"),
        "cache_write_1h" => ("Cache write, 1 h", "var(--b-write1h)"),
        "output" => ("Output", "var(--b-output)"),
        "audio_input" => ("Audio in, uncached", "var(--b-input)"),
        "audio_cache_read" => ("Audio in, cache read", "var(--b-read)"),
        "audio_output" => ("Audio out", "var(--b-output)"),
        "reasoning" => ("Reasoning", "var(--b-output)"),
        "image_input" => ("Pictures in, uncached", "var(--b-input)"),
        "image_cache_read" => ("Pictures in, cache read", "var(--b-read)"),
        "image_output" | "image" => ("Pictures made", "var(--b-output)"),
        "web_search" => ("Web searches", "var(--m-other)"),
        "map_search" => ("Searches of maps", "var(--m-other)"),
        "file_search" => ("Searches of files", "var(--m-other)"),
        "code_session" => ("Code sessions", "var(--m-other)"),
        "request" => ("Request", "var(--m-other)"),
        "audio_ms" => ("Sound, ms", "var(--b-input)"),
        "character" => ("Characters spoken", "var(--b-input)"),
        "page" => ("Pages", "var(--b-input)"),
        "annotated_page" => ("Annotated pages", "var(--b-input)"),
        "query" => ("Queries", "var(--b-input)"),
        _ => ("Other", "var(--m-other)"),
    }
}

/// Tokens by bucket when nothing was priced.
fn unpriced(usage: &Usage) -> Vec<(&'static str, u64)> {
    let buckets = [
        ("input", usage.input),
        ("cache_read", usage.cache_read),
        ("cache_write_5m", usage.cache_write_5m),
        ("cache_write_1h", usage.cache_write_1h),
        ("output", usage.output),
    ];
    buckets
        .into_iter()
        .filter_map(|(key, tokens)| Some((key, tokens.filter(|tokens| *tokens > 0)?)))
        .collect()
}

/// The sentence under the table: who counted, and the price's date.
pub fn believed(call: &CallDetail) -> String {
    let counted = match call.summary.usage_source {
        UsageSource::Provider | UsageSource::Partial if call.summary.method == "OTLP" => {
            "Tokens as the tool reported them"
        }
        UsageSource::Provider => "Tokens reported by the provider",
        UsageSource::Partial => "Tokens as far as the provider had reported them",
        UsageSource::Estimated => {
            "Nobody reported all tokens; the rest is estimated from the text, four characters a token"
        }
        UsageSource::Unknown => "Nobody reported tokens",
    };
    match (call.cost.source, &call.cost.price_date) {
        (CostSource::Computed | CostSource::Partial | CostSource::Estimated, Some(date)) => {
            format!("{counted}, prices of {}{}{}", plain_date(date), row(&call.cost), missing(&call.cost))
        }
        (CostSource::Subscription, _) => {
            let by_api = match call.cost.equivalent {
                Some(amount) => {
                    format!("By the API it would have cost {}{}", money(amount, 4), row(&call.cost))
                }
                None => "What it would have cost by the API is not known".to_owned(),
            };
            format!("A subscription pays: nothing is spent. {by_api}. {counted}")
        }
        (CostSource::Unknown, _) if call.summary.usage_source != UsageSource::Unknown => {
            format!("{counted}, no price known for this model")
        }
        (source @ (CostSource::NotBilled | CostSource::Local), _) => provenance(source).to_owned(),
        (source, _) => format!("{counted}. {}", provenance(source)),
    }
}

/// Which row of the prices, found how.
fn row(cost: &Cost) -> String {
    let Some(key) = &cost.price_key else { return String::new() };
    let from = cost.valid_from.as_deref().map(|day| format!(" from {}", plain_date(day))).unwrap_or_default();
    let whose = if cost.origin == Some(PriceOrigin::Own) { "your own price of " } else { "" };
    let how = cost.matched.as_deref().map(|rule| format!(" ({})", matched(rule))).unwrap_or_default();
    format!(": {whose}{key}{from}{how}")
}

/// What has no known price.
fn missing(cost: &Cost) -> String {
    if cost.missing.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = cost.missing.iter().map(|key| bucket(key).0).collect();
    format!(". Not in it, for want of a price: {}", names.join(", ").to_lowercase())
}

/// A rule of matching in words.
pub fn matched(rule: &str) -> String {
    let word = |step: &str| match step {
        "exact" => "the same name".to_owned(),
        "provider" => "the same name at this provider".to_owned(),
        "context_stripped" => "without the mark of the long window".to_owned(),
        "fine_tune_stripped" => "the price of its fine-tunes".to_owned(),
        "spread_stripped" => "without its regions".to_owned(),
        "vendor_named" => "by its maker’s name".to_owned(),
        "vendor_stripped" => "without its maker’s name".to_owned(),
        "version_spelling" => "its version with dashes".to_owned(),
        "at_stripped" => "without its version".to_owned(),
        "dated" => "without its date".to_owned(),
        other => other.replace('_', " "),
    };
    rule.split('+').map(word).collect::<Vec<_>>().join(", ")
}

/// The heading, the bar, the table, and the sentence that says why it is believed.
#[component]
pub fn CostSection(call: CallDetail) -> impl IntoView {
    let priced = call.cost.buckets.iter().any(|bucket| bucket.tokens > 0);
    let counted = priced || !unpriced(&call.summary.usage).is_empty();
    view! {
        <div class="sec">
            <div class="sh">
                <h3>"Cost"</h3>
                {counted.then(|| view! {
                    <span class="t3 s11 end num">"tokens"</span>
                    <span class="t3 s11 r per">{priced.then_some("per M")}</span>
                    <span class="t3 s11 r amount">"cost"</span>
                })}
            </div>
            <CostTable call=call />
        </div>
    }
}

#[component]
fn CostTable(call: CallDetail) -> impl IntoView {
    let priced = call.cost.buckets.iter().any(|bucket| bucket.tokens > 0);
    let (icon, class) = match (call.cost.source, call.summary.usage_source) {
        (CostSource::NotBilled | CostSource::Local | CostSource::Subscription, _) => (Icon::Ring, "t3"),
        (CostSource::Provider, _) | (CostSource::Computed, UsageSource::Provider) => (Icon::Check, "ok"),
        _ => (Icon::Half, "warn"),
    };
    let believed = believed(&call);
    let rows = if priced {
        let shown = call.cost.buckets.iter().filter(|bucket| bucket.tokens > 0);
        shown.map(|bucket| view! { <PricedRow bucket=bucket.clone() /> }.into_any()).collect_view()
    } else {
        unpriced(&call.summary.usage)
            .into_iter()
            .map(|(key, tokens)| view! { <CountedRow key_=key tokens=tokens /> }.into_any())
            .collect_view()
    };
    view! {
        <div class="costs" data-testid="cost-table">
            <Stack call=call priced=priced />
            {rows}
            <div class="prov">
                <span class=class><Glyph icon=icon small=true /></span>
                <span>{believed}</span>
            </div>
        </div>
    }
}

#[component]
fn Stack(call: CallDetail, priced: bool) -> impl IntoView {
    let parts: Vec<(&'static str, i64)> = if priced {
        call.cost.buckets.iter().map(|part| (bucket(&part.bucket).1, part.cost.pico() / 1_000)).collect()
    } else {
        let counted = unpriced(&call.summary.usage);
        counted.into_iter().map(|(key, tokens)| (bucket(key).1, i64::try_from(tokens).unwrap_or(0))).collect()
    };
    let parts: Vec<_> = parts.into_iter().filter(|(_, share)| *share > 0).collect();
    (!parts.is_empty()).then(|| {
        let bars = parts
            .into_iter()
            .map(|(colour, share)| view! { <i style=format!("flex:{share};background:{colour}")></i> })
            .collect_view();
        view! { <div class="stack" aria-hidden="true">{bars}</div> }
    })
}

#[component]
fn PricedRow(bucket: BucketCost) -> impl IntoView {
    let (name, colour) = self::bucket(&bucket.bucket);
    view! {
        <div class="tr dense">
            <span class="row g3"><i class="sw" style=format!("background:{colour}")></i>{name}</span>
            <span class="num r t2">{thousands(bucket.tokens)}</span>
            <span class="num r t3">{price(&bucket.per_million)}</span>
            <span class="num r">{money(bucket.cost, 4)}</span>
        </div>
    }
}

#[component]
fn CountedRow(key_: &'static str, tokens: u64) -> impl IntoView {
    let (name, colour) = bucket(key_);
    view! {
        <div class="tr dense">
            <span class="row g3"><i class="sw" style=format!("background:{colour}")></i>{name}</span>
            <span class="num r t2">{thousands(tokens)}</span>
            <span></span>
            <span class="num r t3">"–"</span>
        </div>
    }
}
