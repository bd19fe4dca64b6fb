//! What became of a prompt cache in words. Leaves out where it is shown.

use api::{CacheCause, CallCache, ContextPart, FirstChange, Money};

use crate::format::{money, thousands};

/// A cause as a heading.
pub fn cause(cause: CacheCause) -> &'static str {
    match cause {
        CacheCause::Hit => "Cache hit",
        CacheCause::First => "First call",
        CacheCause::TooShort => "Too short to cache",
        CacheCause::NotAsked => "Nothing cached before",
        CacheCause::Model => "Model changed",
        CacheCause::Tools => "Tools changed",
        CacheCause::Prefix => "Prefix edited",
        CacheCause::Effort => "Effort changed",
        CacheCause::Markers => "Cache markers moved",
        CacheCause::Expired => "Cache expired",
        CacheCause::NotKept => "Provider did not keep it",
        CacheCause::Unknown => "Not known",
    }
}

/// The same in a sentence.
pub fn explained(cache: &CallCache) -> String {
    let minutes = |ms: Option<i64>| ms.map_or_else(String::new, span);
    match cache.cause {
        CacheCause::Hit => "All that the previous call left in the cache was read.".to_owned(),
        CacheCause::First => "There is no call before it in its conversation.".to_owned(),
        CacheCause::TooShort => {
            "The previous prompt was shorter than what this model’s provider caches.".to_owned()
        }
        CacheCause::NotAsked => {
            "The previous call left nothing in the cache: it had no cache marker.".to_owned()
        }
        CacheCause::Model => {
            "Another model answered than before. Each model has a cache of its own.".to_owned()
        }
        CacheCause::Tools => {
            "A tool was added, taken away, moved or changed. Everything behind it was read anew.".to_owned()
        }
        CacheCause::Prefix => {
            "Something that was sent before was changed. Everything behind it was read anew.".to_owned()
        }
        CacheCause::Effort => {
            "Effort, thinking or the choice of tools changed since the previous call.".to_owned()
        }
        CacheCause::Markers => {
            "The prompt is the same, but the cache markers were taken away or stand too far off.".to_owned()
        }
        CacheCause::Expired => format!(
            "{} went by since the previous call; the cache is kept for {}.",
            minutes(cache.gap_ms),
            minutes(cache.ttl_ms)
        ),
        CacheCause::NotKept => {
            "The prompt begins as before, in time and with its markers: the provider did not keep it."
                .to_owned()
        }
        CacheCause::Unknown => "The prompts or their tokens are not known well enough to say why.".to_owned(),
    }
}

/// What a break cost.
pub fn lost(cache: &CallCache) -> String {
    let tokens = format!("{} tokens", thousands(cache.lost_tokens));
    match cache.lost {
        Some(lost) if cache.subscription => {
            format!("{tokens}, {} by the API’s prices (a subscription pays)", money(lost, 4))
        }
        Some(lost) => format!("{tokens}, {}", money(lost, 4)),
        None => format!("{tokens}, no price known"),
    }
}

/// What the cache saved in a call, less what writing to it cost more.
pub fn against_none(saved: Money) -> String {
    let (amount, word) = match saved.pico() {
        ..0 => (Money::ZERO.saturating_sub(saved), "more"),
        0.. => (saved, "less"),
    };
    format!("The prompt cost {} {word} than it would have without a cache", money(amount, 4))
}

/// Where the first change stands.
pub fn place(change: &FirstChange) -> String {
    let label = change.label.as_deref().map(|label| format!(" {label}")).unwrap_or_default();
    let gone = if change.gone { ", gone" } else { "" };
    format!("{}{label}{gone}", change.path)
}

/// A part of the context, and its colour.
pub fn part(part: ContextPart) -> (&'static str, &'static str) {
    match part {
        ContextPart::Tools => ("Tools", "var(--b-input)"),
        ContextPart::System => ("System prompt", "var(--b-read)"),
        ContextPart::History => ("History", "var(--span-agent)"),
        ContextPart::ToolResults => ("Tool results", "var(--b-write5)"),
        ContextPart::Newest => ("Newest user message", "var(--b-output)"),
        ContextPart::Images => ("Images", "var(--m-other)"),
    }
}

/// A time in words: seconds below two minutes, minutes below two hours.
fn span(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_cache_says_both_times() {
        let text = r#"{"id":"0197c1a0-0000-7000-8000-000000000000","started_ms":0,"previous":null,"cause":"expired",
            "first_change":null,"gap_ms":420000,"ttl_ms":300000,"prompt_tokens":null,"expected":null,"read":null,
            "lost_tokens":73040,"lost":null,"saved":null,"subscription":false,"context":[]}"#;
        let cache: CallCache = serde_json::from_str(text).unwrap();
        assert_eq!(explained(&cache), "7 min went by since the previous call; the cache is kept for 5 min.");
        assert_eq!(lost(&cache), "73,040 tokens, no price known");
    }

    #[test]
    fn what_a_cache_saves_may_be_less_than_nothing() {
        let told = |pico| against_none(Money::from_pico(pico));
        assert_eq!(told(1_300_000_000), "The prompt cost $0.0013 less than it would have without a cache");
        assert_eq!(told(-16_900_000_000), "The prompt cost $0.0169 more than it would have without a cache");
    }
}
