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
    ImageInput,
    ImageCacheRead,
    ImageOutput,
    Request,
    Picture,
    SoundIn,
    SoundOut,
    Character,
    Page,
    AnnotatedPage,
    Query,
    WebSearch,
    MapSearch,
    FileSearch,
    CodeSession,
}

/// The table's names of prices. The longer ones first: `…_above_1hr` is a lifetime, not a prompt's size.
const KINDS: [(&str, Kind); 25] = [
    ("cache_creation_input_token_cost_above_1hr", Kind::CacheWriteLong),
    ("cache_creation_input_token_cost_above_12hr", Kind::CacheWriteLong),
    ("cache_creation_input_token_cost", Kind::CacheWrite),
    ("cache_read_input_token_cost", Kind::CacheRead),
    ("cache_read_input_audio_token_cost", Kind::AudioCacheRead),
    ("cache_read_input_image_token_cost", Kind::ImageCacheRead),
    ("input_cost_per_audio_token", Kind::AudioInput),
    ("output_cost_per_audio_token", Kind::AudioOutput),
    ("input_cost_per_image_token", Kind::ImageInput),
    ("output_cost_per_image_token", Kind::ImageOutput),
    ("input_cost_per_token", Kind::Input),
    ("output_cost_per_token", Kind::Output),
    ("output_cost_per_reasoning_token", Kind::Reasoning),
    ("input_cost_per_request", Kind::Request),
    ("output_cost_per_image", Kind::Picture),
    ("input_cost_per_second", Kind::SoundIn),
    ("output_cost_per_second", Kind::SoundOut),
    ("input_cost_per_character", Kind::Character),
    ("ocr_cost_per_page", Kind::Page),
    ("annotation_cost_per_page", Kind::AnnotatedPage),
    ("input_cost_per_query", Kind::Query),
    ("web_search_cost_per_query", Kind::WebSearch),
    ("google_maps_grounding_cost_per_query", Kind::MapSearch),
    ("file_search_cost_per_1k_calls", Kind::FileSearch),
    ("code_interpreter_cost_per_session", Kind::CodeSession),
];

impl Kind {
    /// Whether it is the price of a token, which tables for people show by the million.
    pub(super) fn is_of_tokens(self) -> bool {
        self < Self::Request
    }

    /// Of how many units the table writes the price.
    pub(super) fn written_for(self) -> u32 {
        if self == Self::FileSearch { 1_000 } else { 1 }
    }
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
    /// The name in the table.
    pub(super) fn key(self) -> String {
        let name = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name);
        let above = match self.above {
            0 => String::new(),
            above => format!("_above_{}k_tokens", above / 1_000),
        };
        format!("{name}{above}{}", self.service.suffix())
    }

    /// Takes `input_cost_per_token_above_200k_tokens_priority` apart; `None` for every key that is no price we know.
    pub(super) fn parse(key: &str) -> Option<Self> {
        let (kind, rest) = KINDS.iter().find_map(|(name, kind)| Some((*kind, key.strip_prefix(name)?)))?;
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
    const fn suffix(self) -> &'static str {
        match self {
            Self::Standard => "",
            Self::Flex => "_flex",
            Self::Priority => "_priority",
            Self::Batch => "_batches",
            Self::Ultrafast => "_ultrafast",
            Self::Balanced => "_balanced",
        }
    }

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

    /// Whether a provider's word names a class with prices of its own.
    pub(super) fn has_prices(tier: &str) -> bool {
        Self::from_tier(Some(tier)) != Self::Standard
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
        self.ranked(kind).map(|(_, rate)| rate)
    }

    /// The rate of reasoning, where it has one. A price of output that is made for a long prompt or a class of service
    /// goes before one of reasoning that is not.
    pub(super) fn of_reasoning(&self) -> Option<Rate> {
        let (rank, rate) = self.ranked(Kind::Reasoning)?;
        let output = self.ranked(Kind::Output);
        output.is_none_or(|(of_output, _)| of_output <= rank).then_some(rate)
    }

    fn ranked(&self, kind: Kind) -> Option<((u32, bool), Rate)> {
        let holds = |row: &&Row| {
            let above = u64::from(row.name.above);
            let crossed = above == 0 || self.prompt > above || self.inclusive && self.prompt == above;
            let served = row.name.service == self.service || row.name.service == Service::Standard;
            row.name.kind == kind && crossed && served
        };
        let rank = |row: &&Row| (row.name.above, row.name.service == self.service);
        // Of two rows with one name the later one counts.
        let row = self.rows.iter().filter(holds).max_by_key(rank)?;
        Some((rank(&row), row.rate))
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
            ("ocr_cost_per_page_batches", name(Kind::Page, Service::Batch, 0)),
            ("output_cost_per_image_token", name(Kind::ImageOutput, Service::Standard, 0)),
            ("output_cost_per_image", name(Kind::Picture, Service::Standard, 0)),
            ("output_cost_per_image_1K", None),
            ("output_cost_per_second_720p", None),
            ("input_cost_per_audio_per_second", None),
            ("max_tokens", None),
        ] {
            assert_eq!(RateName::parse(key), expected, "{key}");
            if let Some(name) = expected {
                assert_eq!(name.key(), key, "and put together again");
            }
        }
    }
}
