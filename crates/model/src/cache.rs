//! Why a prompt was read from the provider's cache or was not. Owns the rule: two prompts, two reports of tokens, the
//! time between, and from them a cause and how many tokens were lost. Leaves out reading prompts (`prompt`), what the
//! tokens cost (`pricing`), and finding the previous call (`engine`).

mod prompt;
#[cfg(test)]
mod tests;

use api::{CacheCause, ContextShare, FirstChange, Usage};

pub use prompt::{Outline, Prompt, Segment, Ttl, outline, segment};

/// OpenAI caches so many tokens at a time: a smaller difference is no miss.
const STEP: u64 = 128;
/// Blocks that Anthropic looks back from a marker for what is in the cache.
const LOOKS_BACK: usize = 20;
const MINUTE_MS: i64 = 60_000;

/// One call, as the rule sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its prompt; `None` when it cannot be read whole.
    pub prompt: Option<&'a Prompt>,
    /// Its tokens.
    pub usage: &'a Usage,
    /// The model.
    pub model: Option<&'a str>,
    /// When it began, in milliseconds.
    pub started_ms: i64,
}

/// What the rule finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What happened.
    pub cause: CacheCause,
    /// The first segment that differs.
    pub first_change: Option<FirstChange>,
    /// How long the cache is kept.
    pub ttl_ms: Option<i64>,
    /// Tokens that the previous call left in the cache.
    pub expected: Option<u64>,
    /// Of them, those that were not read.
    pub lost_tokens: u64,
}

/// Compares a call with the one before it in its conversation.
pub fn compare(before: Option<Seen<'_>>, now: Seen<'_>) -> Verdict {
    let Some(before) = before else {
        return Verdict { cause: CacheCause::First, ..Verdict::default() };
    };
    let (Some(was), Some(is)) = (before.prompt, now.prompt) else { return Verdict::default() };
    let change = was.first_change(is);
    let first_change = change.map(|at| was.describe(is, at));
    let (Some(total), Some(had)) = (now.usage.prompt_total(), before.usage.prompt_total()) else {
        return Verdict { first_change, ..Verdict::default() };
    };
    // Who says how much was written caches what is marked, and nothing else.
    let explicit = was.explicit || is.explicit || before.usage.cache_write_5m.is_some();
    let shortest = minimum(before.model);
    let expected = if explicit {
        before.usage.cache_read.unwrap_or(0).saturating_add(wrote(before.usage))
    } else if had < shortest {
        0
    } else {
        had / STEP * STEP
    };
    let ttl_ms = (expected > 0).then(|| ttl(was, before.usage, explicit));
    let found = Verdict { first_change, ttl_ms, expected: Some(expected), ..Verdict::default() };
    if expected == 0 {
        let cause = if had < shortest { CacheCause::TooShort } else { CacheCause::NotAsked };
        return Verdict { cause, ..found };
    }
    let Some(read) = now.usage.cache_read else { return found };
    let lost = expected.min(total).saturating_sub(read);
    // What was read up to a step less is what can be read.
    if lost == 0 || !explicit && lost < STEP {
        return Verdict { cause: CacheCause::Hit, ..found };
    }
    let gap_ms = now.started_ms.saturating_sub(before.started_ms);
    let cause = if before.model != now.model || was.model != is.model {
        CacheCause::Model
    } else if let Some(cause) = edited(was, is, change) {
        cause
    } else if explicit && !finds(was, is) || was.cache_key != is.cache_key {
        CacheCause::Markers
    } else if ttl_ms.is_some_and(|ttl_ms| gap_ms > ttl_ms) {
        CacheCause::Expired
    } else {
        CacheCause::NotKept
    };
    Verdict { cause, lost_tokens: lost, ..found }
}

/// The bucketed tokens of `usage`, had the `lost` ones been read from the cache. They are the prompt's beginning: what was
/// written stands before what is plain input, and what is kept longer before what is kept shorter.
#[must_use]
pub fn had_it_hit(usage: &Usage, lost: u64) -> Usage {
    let (mut left, mut hit) = (lost, *usage);
    for bucket in [&mut hit.cache_write_1h, &mut hit.cache_write_5m, &mut hit.input] {
        let Some(tokens) = bucket else { continue };
        let taken = left.min(*tokens);
        *tokens -= taken;
        left -= taken;
    }
    hit.cache_read = Some(hit.cache_read.unwrap_or(0).saturating_add(lost - left));
    hit
}

/// What the prompt is made of, with `total` tokens shared out.
pub fn context(prompt: &Prompt, total: Option<u64>) -> Vec<ContextShare> {
    prompt.context(total)
}

/// Whether two prompts look like one conversation's: most of the shorter one is in the other.
pub fn alike(one: &Prompt, other: &Prompt) -> bool {
    one.is_like(other)
}

fn wrote(usage: &Usage) -> u64 {
    usage.cache_write_5m.unwrap_or(0).saturating_add(usage.cache_write_1h.unwrap_or(0))
}

/// What in the request itself broke the cache. A prefix is read as tools, system, messages; effort and thinking come
/// into it between system and messages.
fn edited(was: &Prompt, is: &Prompt, change: Option<usize>) -> Option<CacheCause> {
    // What stands behind the last marker was in no cache.
    let change = change.filter(|at| was.last_marker().is_none_or(|marker| *at <= marker));
    let kind = change.map(|at| was.kind_at(is, at));
    match kind {
        Some(api::ContextPart::Tools) => Some(CacheCause::Tools),
        Some(api::ContextPart::System) => Some(CacheCause::Prefix),
        _ if was.effort != is.effort => Some(CacheCause::Effort),
        Some(_) => Some(CacheCause::Prefix),
        None => None,
    }
}

/// Whether a marker stands where Anthropic finds what the previous call wrote.
fn finds(was: &Prompt, is: &Prompt) -> bool {
    if is.automatic {
        return true;
    }
    let Some(written) = was.last_marker() else { return is.last_marker().is_some() };
    let mut markers = is.markers();
    markers.any(|marker| marker >= written && is.blocks_between(written, marker) <= LOOKS_BACK)
}

fn ttl(was: &Prompt, usage: &Usage, explicit: bool) -> i64 {
    let long = 60 * MINUTE_MS;
    if !explicit {
        return was.kept_ms.unwrap_or(10 * MINUTE_MS);
    }
    match was.shortest_ttl() {
        Some(Ttl::Hour) => long,
        Some(Ttl::Minutes) => 5 * MINUTE_MS,
        None if usage.cache_write_1h.unwrap_or(0) > 0 && usage.cache_write_5m.unwrap_or(0) == 0 => long,
        None => 5 * MINUTE_MS,
    }
}

/// The shortest prompt that is cached, by what providers say of their models.
fn minimum(model: Option<&str>) -> u64 {
    let model = model.unwrap_or_default().replace('.', "-");
    let has = |name: &str| model.contains(name);
    if has("haiku-4-5") || has("opus-4-5") || has("opus-4-6") || has("gemini-2-5-pro") {
        4_096
    } else if has("haiku") {
        2_048
    } else {
        1_024
    }
}
