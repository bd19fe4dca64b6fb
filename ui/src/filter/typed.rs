//! Filters as they are typed: `model:gpt-5 tool:codex words`. Pure; leaves out which models and tools there are.

use api::{Bucket, CallState, Operation, Outcome};

use super::{Last, View};

/// A word that can stand before the colon, and what it filters by.
pub const FIELDS: [(&str, &str); 22] = [
    ("model", "Model that answered"),
    ("tool", "Tool or SDK that called"),
    ("provider", "Provider"),
    ("outcome", "success or error"),
    ("state", "How it ended: complete, truncated, cancelled"),
    ("operation", "chat, embeddings, models"),
    ("cost", "Dollars: >0.5, <0.01, 0.1..1"),
    ("price", "unknown or known"),
    ("priced", "partly: the price or a part of the usage is unknown"),
    ("usage", "partial: cut before the provider had told it all; estimated: from the text"),
    ("side", "shown: also what tools do beside their calls"),
    ("replays", "shown: also calls that LLMFlow sent again"),
    ("status", "HTTP status: 429"),
    ("error", "The provider's word for the error"),
    ("bucket", "Has tokens in it: cache_read, output"),
    ("first_token", "known: the time to it was measured"),
    ("body", "cut: kept only in part"),
    ("via", "report: only a tool's report tells of it; proxy: it went through the proxy"),
    ("time", "1h, today, 24h, 7d, 30d"),
    ("tag", "Tag"),
    ("session", "Session id"),
    ("trace", "Trace id"),
];

/// The values of fields whose values are fixed.
pub fn fixed_values(field: &str) -> &'static [&'static str] {
    match field {
        "outcome" => &["success", "error"],
        "state" => &["open", "complete", "upstream_error", "truncated", "cancelled", "unreachable", "lost"],
        "operation" => &[
            "chat",
            "text_completion",
            "embeddings",
            "images",
            "audio",
            "rerank",
            "moderation",
            "ocr",
            "count_tokens",
            "models",
            "batches",
            "files",
            "stored",
            "side_call",
            "other",
        ],
        "side" | "replays" => &["shown"],
        "price" | "first_token" => &["unknown", "known"],
        "priced" => &["partly", "fully"],
        "usage" => &["partial", "estimated", "whole"],
        "bucket" => &["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning"],
        "body" => &["cut", "whole"],
        "via" => &["proxy", "report"],
        "time" => &["1h", "today", "24h", "7d", "30d"],
        _ => &[],
    }
}

/// What stands for calls that have none, in an address.
const NONE: &str = "none";

/// A filter's value as an address writes it.
pub(super) fn named(value: Option<&str>) -> Option<String> {
    value.map(|value| if value.is_empty() { NONE } else { value }.to_owned())
}

fn unnamed(value: String) -> String {
    if value == NONE { String::new() } else { value }
}

/// Whether `value` is `yes`; `None` when it is neither word.
fn one_of(value: &str, yes: &str, no: &str) -> Option<bool> {
    if value == yes { Some(true) } else { (value == no).then_some(false) }
}

/// The word for how much of the tokens the provider told.
pub(super) fn usage_word(partial: Option<bool>, estimated: Option<bool>) -> Option<&'static str> {
    match (partial, estimated) {
        (_, Some(true)) => Some("estimated"),
        (Some(true), _) => Some("partial"),
        (Some(false), _) | (None, Some(false)) => Some("whole"),
        (None, None) => None,
    }
}

fn usage_filter(word: &str) -> Option<(Option<bool>, Option<bool>)> {
    match word {
        "partial" => Some((Some(true), None)),
        "estimated" => Some((None, Some(true))),
        "whole" => Some((Some(false), Some(false))),
        _ => None,
    }
}

impl View {
    /// Sets one condition; `false` when there is no such field or the value makes no sense.
    pub fn set(&mut self, field: &str, value: &str) -> bool {
        self.try_set(field, value).is_some()
    }

    fn try_set(&mut self, field: &str, value: &str) -> Option<()> {
        let filter = &mut self.filter;
        let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
        match field {
            "model" => filter.model = text().map(unnamed),
            "provider" => filter.provider = text(),
            "tool" | "client" => filter.client = text().map(unnamed),
            "tag" => filter.tag = text().map(unnamed),
            "session" => filter.session_id = text().map(unnamed),
            "error" => filter.error_kind = text().map(unnamed),
            "priced" => filter.not_fully_priced = Some(one_of(value, "partly", "fully")?),
            "usage" => (filter.partial, filter.estimated) = usage_filter(value)?,
            "side" => filter.side_calls = (value == "shown").then_some(true)?,
            "replays" => filter.replays = (value == "shown").then_some(true)?,
            "bucket" => filter.bucket = Some(value.parse::<Bucket>().ok()?),
            "first_token" => filter.first_token = Some(one_of(value, "known", "unknown")?),
            "body" => filter.cut = Some(one_of(value, "cut", "whole")?),
            "via" => filter.proxied = Some(one_of(value, "proxy", "report")?),
            "status" if value.parse::<u16>().is_ok() => filter.status = value.parse().ok(),
            "trace" => filter.trace_id = text(),
            "text" => filter.text = text(),
            "outcome" | "status" => filter.outcome = Some(outcome(value)?),
            "state" => filter.state = Some(value.parse::<CallState>().ok()?),
            "operation" | "op" => filter.operation = Some(value.parse::<Operation>().ok()?),
            "cost" => (filter.cost_min_pico, filter.cost_max_pico) = cost_range(value)?,
            "price" => filter.unpriced = Some(is_unknown(value)?),
            "time" => {
                self.last = Some(Last::parse(value)?);
                (filter.from_ms, filter.to_ms) = (None, None);
            }
            _ => return None,
        }
        Some(())
    }

    /// Adds what was typed: known `field:value` words become conditions, the rest is searched for as text.
    pub fn with_typed(&self, input: &str) -> Self {
        let mut view = self.clone();
        let mut words = Vec::new();
        let mut quoted = false;
        for word in input.split_whitespace() {
            // What stands in quotes is looked for, also when it looks like a condition.
            let inside = quoted || word.starts_with('"');
            quoted ^= word.matches('"').count() % 2 == 1;
            let understood = !inside
                && word.split_once(':').is_some_and(|(field, value)| {
                    !value.is_empty() && field != "text" && view.set(field, value)
                });
            if !understood {
                words.push(word);
            }
        }
        if !words.is_empty() {
            view.filter.text = Some(words.join(" "));
        }
        view
    }
}

/// The word for an outcome.
pub const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Error => "error",
    }
}

fn outcome(word: &str) -> Option<Outcome> {
    match word {
        "success" | "ok" => Some(Outcome::Success),
        "error" => Some(Outcome::Error),
        _ => None,
    }
}

fn is_unknown(word: &str) -> Option<bool> {
    match word {
        "unknown" | "none" => Some(true),
        "known" => Some(false),
        _ => None,
    }
}

/// A cost range as it is typed: `>0.5`, `<0.01`, `0.1..1`.
pub fn cost_text(min: Option<i64>, max: Option<i64>) -> Option<String> {
    let dollars = |pico: i64| {
        let text = format!("{}.{:012}", pico / 1_000_000_000_000, pico % 1_000_000_000_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match (min, max) {
        (Some(min), Some(max)) => Some(format!("{}..{}", dollars(min), dollars(max))),
        (Some(min), None) => Some(format!(">{}", dollars(min))),
        (None, Some(max)) => Some(format!("<{}", dollars(max))),
        (None, None) => None,
    }
}

fn cost_range(text: &str) -> Option<(Option<i64>, Option<i64>)> {
    if let Some(min) = text.strip_prefix('>') {
        return Some((Some(pico(min)?), None));
    }
    if let Some(max) = text.strip_prefix('<') {
        return Some((None, Some(pico(max)?)));
    }
    let (min, max) = text.split_once("..")?;
    Some((Some(pico(min)?), Some(pico(max)?)))
}

/// Dollars as decimal text in pico-dollars, exactly.
fn pico(text: &str) -> Option<i64> {
    let text = text.trim_start_matches('=').trim_start_matches('$');
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || part.len() > 12 || !is_number(whole) || !is_number(part) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: i64 = format!("{part:0<12}").parse().ok()?;
    whole.checked_mul(1_000_000_000_000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_words_become_conditions_and_the_rest_is_text() {
        let view = View::default().with_typed("model:gpt-5-mini flaky outcome:error http://x tests");
        assert_eq!(view.filter.model.as_deref(), Some("gpt-5-mini"));
        assert_eq!(view.filter.outcome, Some(Outcome::Error));
        assert_eq!(view.filter.text.as_deref(), Some("flaky http://x tests"));
    }

    #[test]
    fn what_stands_in_quotes_is_looked_for() {
        let view = View::default().with_typed("\"say model:gpt-5 now\" -dog foo::bar( tool:codex");
        assert_eq!(view.filter.text.as_deref(), Some("\"say model:gpt-5 now\" -dog foo::bar("));
        assert_eq!((view.filter.model, view.filter.client.as_deref()), (None, Some("codex")));
    }

    #[test]
    fn costs_are_read_exactly() {
        assert_eq!(cost_range(">0.1"), Some((Some(100_000_000_000), None)));
        assert_eq!(cost_range("<$2"), Some((None, Some(2_000_000_000_000))));
        assert_eq!(cost_range("0.25..1"), Some((Some(250_000_000_000), Some(1_000_000_000_000))));
        assert_eq!(cost_range("cheap"), None);
        assert_eq!(cost_text(Some(100_000_000_000), None).as_deref(), Some(">0.1"));
    }

    #[test]
    fn every_fixed_value_is_accepted() {
        for (field, _) in FIELDS {
            for value in fixed_values(field) {
                assert!(View::default().set(field, value), "{field}:{value}");
            }
        }
    }
}
