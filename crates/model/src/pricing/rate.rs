//! A model's rates by kind, service tier and prompt size, and the table's names for them. Leaves out reading the
//! table (`table`) and multiplying (`bill`).

use super::decimal::Rate;

/// What a rate is the price of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Input,
    CacheRead,
    CacheWrite,
    CacheWriteLong,
    Output,
    Reasoning,
    AudioInput,
    AudioCacheRead,
    AudioOutput,
}

/// The class of service, when it has prices of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Service {
    Standard,
    Flex,
    Priority,
    Batch,
    Ultrafast,
    Balanced,
}

/// One price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: RateName,
    pub(super) rate: Rate,
}

/// Which price: the table's key, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RateName {
    pub(super) kind: Kind,
    pub(super) service: Service,
    /// For prompts of more tokens than this.
    pub(super) above: u32,
}

impl RateName {
    /// Takes `input_cost_per_token_above_200k_tokens_priority` apart; `None` for every key that prices no token.
    pub(super) fn parse(key: &str) -> Option<Self> {
        // The longer names first: `…_above_1hr` is a lifetime, not a prompt's size.
        let kinds = [
            ("cache_creation_input_token_cost_above_1hr", Kind::CacheWriteLong),
            ("cache_creation_input_token_cost_above_12hr", Kind::CacheWriteLong),
            ("cache_creation_input_token_cost", Kind::CacheWrite),
            ("cache_read_input_token_cost", Kind::CacheRead),
            ("cache_read_input_audio_token_cost", Kind::AudioCacheRead),
            ("input_cost_per_audio_token", Kind::AudioInput),
            ("output_cost_per_audio_token", Kind::AudioOutput),
            ("input_cost_per_token", Kind::Input),
            ("output_cost_per_token", Kind::Output),
            ("output_cost_per_reasoning_token", Kind::Reasoning),
        ];
        let (kind, rest) = kinds.iter().find_map(|(name, kind)| Some((*kind, key.strip_prefix(name)?)))?;
        let (above, rest) = match rest.strip_prefix("_above_") {
            Some(rest) => {
                let (size, rest) = rest.split_once("k_tokens")?;
                (size.parse::<u32>().ok()?.checked_mul(1_000)?, rest)
            }
            None => (0, rest),
        };
        Some(Self { kind, service: Service::from_suffix(rest)?, above })
    }
}

impl Service {
    fn from_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "" => Some(Self::Standard),
            "_flex" => Some(Self::Flex),
            "_priority" => Some(Self::Priority),
            "_batches" => Some(Self::Batch),
            "_ultrafast" => Some(Self::Ultrafast),
            "_balanced" => Some(Self::Balanced),
            _ => None,
        }
    }

    /// The class that a provider's word names; words without a price of their own are standard.
    pub(super) fn from_tier(tier: Option<&str>) -> Self {
        let tier = tier.unwrap_or_default().to_ascii_lowercase();
        match tier.strip_prefix("on_demand_").unwrap_or(&tier) {
            "flex" => Self::Flex,
            "priority" | "fast" => Self::Priority,
            "batch" => Self::Batch,
            "ultrafast" => Self::Ultrafast,
            "balanced" => Self::Balanced,
            _ => Self::Standard,
        }
    }
}

/// The rates of one model that hold for one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates<'a> {
    pub(super) rows: &'a [Row],
    pub(super) service: Service,
    pub(super) prompt: u64,
    /// A prompt of exactly the threshold counts as above it (xAI).
    pub(super) inclusive: bool,
}

impl Rates<'_> {
    /// The rate of `kind`: of the highest threshold that the prompt crosses and that has one, in the call's class of
    /// service if that has a price of its own.
    pub(super) fn of(&self, kind: Kind) -> Option<Rate> {
        let holds = |row: &&Row| {
            let above = u64::from(row.name.above);
            let crossed = above == 0 || self.prompt > above || self.inclusive && self.prompt == above;
            let served = row.name.service == self.service || row.name.service == Service::Standard;
            row.name.kind == kind && crossed && served
        };
        let rank = |row: &&Row| (row.name.above, row.name.service == self.service);
        self.rows.iter().filter(holds).max_by_key(rank).map(|row| row.rate)
    }

    /// The first of `kinds` that has a rate.
    pub(super) fn first(&self, kinds: &[Kind]) -> Option<Rate> {
        kinds.iter().find_map(|kind| self.of(*kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(kind: Kind, service: Service, above: u32) -> Option<RateName> {
        Some(RateName { kind, service, above })
    }

    #[test]
    fn keys_are_taken_apart() {
        for (key, expected) in [
            ("input_cost_per_token", name(Kind::Input, Service::Standard, 0)),
            (
                "output_cost_per_token_above_272k_tokens_priority",
                name(Kind::Output, Service::Priority, 272_000),
            ),
            ("cache_creation_input_token_cost_above_1hr", name(Kind::CacheWriteLong, Service::Standard, 0)),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                name(Kind::CacheWriteLong, Service::Standard, 200_000),
            ),
            (
                "cache_creation_input_token_cost_above_200k_tokens",
                name(Kind::CacheWrite, Service::Standard, 200_000),
            ),
            ("input_cost_per_token_batches", name(Kind::Input, Service::Batch, 0)),
            ("output_cost_per_reasoning_token", name(Kind::Reasoning, Service::Standard, 0)),
            ("input_cost_per_token_cache_hit", None),
            ("input_cost_per_token_above_xk_tokens", None),
            ("input_cost_per_audio_token", name(Kind::AudioInput, Service::Standard, 0)),
            ("input_cost_per_audio_per_second", None),
            ("max_tokens", None),
        ] {
            assert_eq!(RateName::parse(key), expected, "{key}");
        }
    }
}
