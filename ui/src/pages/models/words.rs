//! Models and prices in words. Pure.

use api::{ModelUse, Models, PriceOrigin, PriceRate, PriceRow, Repricing, RepricingState};

use crate::components::cost::matched;
use crate::format::time::plain_date;
use crate::format::{money, plural, price, thousands};

/// By what a row is selected.
pub fn key(used: &ModelUse) -> String {
    format!("{}/{}", used.provider, used.model.as_deref().unwrap_or_default())
}

/// The model's name.
pub fn name(used: &ModelUse) -> String {
    used.model.clone().unwrap_or_else(|| "no model named".to_owned())
}

/// The line beside the title.
pub fn summary(shown: &Models) -> String {
    let unknown = shown.models.iter().filter(|used| used.unpriced > 0).count() as u64;
    let models = plural(shown.models.len() as u64, "model", "models");
    let priced = match unknown {
        0 => String::new(),
        1 => ", 1 with calls of unknown cost".to_owned(),
        count => format!(", {} with calls of unknown cost", thousands(count)),
    };
    format!("{models}{priced} · {}", version(&shown.tables.version))
}

/// The amount of a model's calls, and what it stands on.
pub fn cost(used: &ModelUse) -> (String, String) {
    let priced = used.calls.saturating_sub(used.unpriced).saturating_sub(used.local);
    let amount = match priced {
        0 if used.local > 0 && used.unpriced == 0 => "local".to_owned(),
        0 => "unknown".to_owned(),
        _ if used.subscription == used.calls => "plan".to_owned(),
        _ => money(used.cost, 4),
    };
    let whole = priced
        .saturating_sub(used.partial)
        .saturating_sub(used.provider_priced)
        .saturating_sub(used.reported)
        .saturating_sub(used.subscription)
        .saturating_sub(used.not_billed);
    let mut lines = vec![plural(used.calls, "call", "calls")];
    for (count, words) in [
        (whole, "reported tokens × price"),
        (used.partial, "partial or estimated"),
        (used.provider_priced, "the provider said what it charged"),
        (used.reported, "a tool said what it cost"),
        (used.subscription, "a subscription pays"),
        (used.not_billed, "not billed"),
        (used.local, "local, without a price"),
        (used.unpriced, "unknown price or usage, not in the sum"),
    ] {
        match count {
            0 => {}
            all if all == used.calls => lines.push(words.to_owned()),
            some => lines.push(format!("{}: {words}", thousands(some))),
        }
    }
    (amount, lines.join("\n"))
}

/// Where a row comes from.
pub fn origin(row: &PriceRow) -> String {
    let from = row.valid_from.as_deref().map(plain_date);
    match (row.origin, from) {
        (PriceOrigin::BuiltIn, None) => format!("built in, {}", plain_date(&row.date)),
        (PriceOrigin::BuiltIn, Some(from)) => format!("built in, from {from}"),
        (PriceOrigin::Refreshed, Some(from)) => format!("refreshed, from {from}"),
        (PriceOrigin::Refreshed, None) => "refreshed".to_owned(),
        (PriceOrigin::Own, Some(from)) => format!("your own, from {from}"),
        (PriceOrigin::Own, None) => "your own".to_owned(),
    }
}

/// How the model's name led to the row.
pub fn how(row: &PriceRow) -> String {
    format!("{} ({})", row.key, matched(&row.matched))
}

/// A price by its name, as a column shows it. What is listed at nothing beside another price (the output of embeddings)
/// is not billed.
pub fn each(row: &PriceRow, name: &str) -> String {
    let is_zero = |rate: &PriceRate| rate.each.chars().all(|letter| matches!(letter, '0' | '.'));
    let rate = row.rates.iter().find(|rate| rate.name == name);
    let shown = rate.filter(|rate| !is_zero(rate) || row.rates.iter().all(is_zero));
    shown.map_or_else(|| "–".to_owned(), |rate| price(&rate.each))
}

/// "table of 2026-11-21" with its day as it is written elsewhere.
fn version(text: &str) -> String {
    let word = |word: &str| {
        let is_day = word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if is_day { plain_date(word) } else { word.to_owned() }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// What a price is the price of: its plain name and what holds only sometimes, "Cache write, 1 h, batch".
pub fn rate_name(name: &str) -> String {
    const TURNS: [(&str, &str); 3] = [("_batches", "batch"), ("_priority", "priority"), ("_flex", "flex")];
    let (name, turn) = TURNS
        .iter()
        .find_map(|(end, word)| Some((name.strip_suffix(end)?, Some(*word))))
        .unwrap_or((name, None));
    let mut parts = name.split("_above_");
    let name = parts.next().unwrap_or(name);
    let plain = match name {
        "input_cost_per_token" => "Input",
        "output_cost_per_token" => "Output",
        "cache_read_input_token_cost" => "Cache read",
        "cache_creation_input_token_cost" => "Cache write",
        "output_cost_per_reasoning_token" => "Reasoning",
        "search_context_cost_per_query.low" => "Web search, little context",
        "search_context_cost_per_query.medium" => "Web search, medium context",
        "search_context_cost_per_query.high" => "Web search, much context",
        other => &other.replace(['_', '.'], " "),
    };
    let above = parts.map(|part| match part {
        // How long the cache is kept.
        "1hr" => "1 h".to_owned(),
        tokens => format!("above {}", tokens.replace('_', " ")),
    });
    let parts = std::iter::once(plain.to_owned()).chain(above).chain(turn.map(str::to_owned));
    parts.collect::<Vec<_>>().join(", ")
}

/// What one run of pricing again did.
pub fn run(run: &Repricing) -> String {
    let changed = if run.dry_run { "would change" } else { "changed" };
    let mut text = format!(
        "{} looked at, {} {changed}, {} newly priced: {} before, {} after",
        plural(run.looked, "call", "calls"),
        thousands(run.changed),
        thousands(run.newly_priced),
        money(run.before, 4),
        money(run.after, 4)
    );
    if run.left > 0 {
        text.push_str(&format!(
            "; {} left as they are, since what they were priced by is not kept",
            thousands(run.left)
        ));
    }
    match run.state {
        RepricingState::Running => text.push_str("; under way"),
        RepricingState::Broken => text.push_str("; ended early"),
        RepricingState::Done => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use api::Money;

    use super::*;

    #[test]
    fn an_unknown_cost_is_never_zero() {
        let used = |unpriced, local, subscription| ModelUse {
            calls: 4,
            unpriced,
            local,
            subscription,
            cost: Money::from_pico(if unpriced == 4 { 0 } else { 1_000_000_000_000 }),
            ..ModelUse::default()
        };
        assert_eq!(cost(&used(4, 0, 0)).0, "unknown");
        assert_eq!(cost(&used(0, 4, 0)).0, "local");
        assert_eq!(cost(&used(0, 0, 4)).0, "plan");
        let (amount, why) = cost(&used(1, 0, 0));
        assert_eq!(amount, "$1.0000");
        assert_eq!(why, "4 calls\n3: reported tokens × price\n1: unknown price or usage, not in the sum");
    }

    #[test]
    fn rows_say_where_they_come_from_and_how_they_were_found() {
        let row = PriceRow {
            key: "gpt-4o".into(),
            matched: "vendor_stripped+dated".into(),
            origin: PriceOrigin::Refreshed,
            date: "2026-12-01".into(),
            valid_from: Some("2026-12-01".into()),
            base_key: None,
            rates: vec![PriceRate {
                name: "input_cost_per_token".into(),
                each: "2.5".into(),
                of_tokens: true,
            }],
        };
        assert_eq!(origin(&row), "refreshed, from 1 Dec 2026");
        assert_eq!(how(&row), "gpt-4o (without its maker’s name, without its date)");
        assert_eq!((each(&row, "input_cost_per_token"), each(&row, "x")), (price("2.5"), "–".to_owned()));
        assert_eq!(version("table of 2026-11-21, changed"), "table of 2026-11-21, changed");
        assert_eq!(version("table of 2026-11-21"), "table of 21 Nov 2026");
    }

    #[test]
    fn prices_have_names() {
        let names = [
            ("input_cost_per_token", "Input"),
            ("cache_creation_input_token_cost_above_1hr", "Cache write, 1 h"),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                "Cache write, 1 h, above 200k tokens",
            ),
            ("output_cost_per_token_above_200k_tokens", "Output, above 200k tokens"),
            ("input_cost_per_token_batches", "Input, batch"),
            ("cache_read_input_token_cost_priority", "Cache read, priority"),
            ("search_context_cost_per_query.low", "Web search, little context"),
            ("input_cost_per_pixel", "input cost per pixel"),
        ];
        for (name, words) in names {
            assert_eq!(rate_name(name), words);
        }
    }

    #[test]
    fn what_costs_nothing_beside_a_price_is_not_billed() {
        let rate =
            |name: &str, each: &str| PriceRate { name: name.into(), each: each.into(), of_tokens: true };
        let (input, output) = ("input_cost_per_token", "output_cost_per_token");
        let mut row = PriceRow {
            key: "text-embedding-3-small".into(),
            matched: "exact".into(),
            origin: PriceOrigin::BuiltIn,
            date: "2026-11-21".into(),
            valid_from: None,
            base_key: None,
            rates: vec![rate(input, "0.02"), rate(output, "0")],
        };
        assert_eq!((each(&row, input), each(&row, output)), ("$0.02".to_owned(), "–".to_owned()));
        row.rates = vec![rate(input, "0"), rate(output, "0.00")];
        assert_eq!(each(&row, input), "$0.00", "a free model is free");
    }
}
