//! Calls nobody made: every model of the table, names as tools write them, tokens around every threshold, every tier.
//! The same ones each time.

use api::{Money, Operation, Usage, UsageSource};
use model::pricing::{Region, SearchSize, Sound, Units};

use super::Call;

const PROVIDERS: [&str; 24] = [
    "openai",
    "anthropic",
    "gemini",
    "azure",
    "bedrock",
    "vertex",
    "cohere",
    "groq",
    "mistral",
    "deepseek",
    "xai",
    "together",
    "fireworks",
    "cerebras",
    "perplexity",
    "openrouter",
    "ollama",
    "lmstudio",
    "vllm",
    "helicone",
    "dashscope",
    "corp",
    "google",
    "x-ai",
];
const TIERS: [&str; 12] = [
    "default",
    "standard",
    "flex",
    "priority",
    "batch",
    "fast",
    "ultrafast",
    "balanced",
    "ON_DEMAND_FLEX",
    "Priority",
    "auto",
    "scale",
];
/// Sizes of prompts at which prices change.
const THRESHOLDS: [u64; 10] =
    [32_000, 100_000, 128_000, 200_000, 256_000, 272_000, 512_000, 131_072, 1_000_000, 64_000];
/// Sunday, 22 November 2026, at midnight.
const BEGIN_MS: i64 = 1_795_305_600_000;

/// Where the calls come from.
pub(super) struct Made<'k> {
    state: u64,
    keys: &'k [&'k str],
    /// Those of them that have a price of something beside tokens.
    special: &'k [&'k str],
}

impl<'k> Made<'k> {
    pub(super) fn new(seed: u64, keys: &'k [&'k str], special: &'k [&'k str]) -> Self {
        Self { state: seed, keys, special }
    }

    pub(super) fn call(&mut self) -> Call {
        let (provider, model) = self.name();
        let usage_source = self.pick(&[
            UsageSource::Provider,
            UsageSource::Provider,
            UsageSource::Provider,
            UsageSource::Provider,
            UsageSource::Partial,
            UsageSource::Estimated,
        ]);
        let usage = if self.one_in(6) { Usage::default() } else { self.usage() };
        let usage_source = if usage.is_unknown() { UsageSource::Unknown } else { usage_source };
        let operation = if self.one_in(8) { self.pick(&Operation::ALL) } else { Operation::Chat };
        Call {
            provider,
            model,
            operation,
            at_ms: BEGIN_MS + self.below(14 * 86_400_000).cast_signed(),
            status: self.pick(&[
                Some(200),
                Some(200),
                Some(200),
                Some(200),
                Some(200),
                Some(200),
                Some(429),
                None,
            ]),
            usage,
            usage_source,
            sound: self.parts(4),
            units: self.units(usage.is_unknown()),
            service_tier: self.some(2, |made| made.pick(&TIERS).to_owned()),
            charged: self.some(25, |made| Money::from_pico(made.below(1 << 45).cast_signed())),
            inference_geo: self
                .some(6, |made| made.pick(&["us", "US", "global", "not_available"]).to_owned()),
            speed: self.some(6, |made| made.pick(&["fast", "Fast", "standard"]).to_owned()),
            region: self.some(6, |made| made.pick(&[Region::Us, Region::Eu, Region::Vertex])),
            subscription: self.one_in(12),
        }
    }

    /// A key of the table as some tool may write it, with a provider that may have it; now and then a name nobody knows.
    fn name(&mut self) -> (String, Option<String>) {
        let among = if self.one_in(6) { self.special } else { self.keys };
        let key = self.pick(among);
        let (head, tail) = key.split_once('/').unwrap_or(("", key));
        let own = match head {
            "" => self.pick(&["openai", "anthropic", "cohere", "codex", "helicone"]),
            "gemini" => self.pick(&["gemini", "google"]),
            "vertex_ai" => "vertex",
            "together_ai" => "together",
            "fireworks_ai" => "fireworks",
            other => other,
        };
        let provider = if self.one_in(5) { self.pick(&PROVIDERS) } else { own };
        let name = if self.one_in(4) { key } else { tail };
        let name = match self.below(40) {
            0 => name.to_uppercase(),
            1 => format!("{name}[1m]"),
            2 => format!("{name}-2026-03-01"),
            3 => format!("{name}-20260301"),
            4 => format!("{name}-latest"),
            5 => format!("models/{name}"),
            6 => format!("{name}@20260301"),
            7 => format!(
                "{}/{name}",
                self.pick(&["anthropic", "x-ai", "google", "mistralai", "openai", "vendor"])
            ),
            8 => format!("us.{name}"),
            9 => format!("ft:{name}:org:suffix:id"),
            10 => format!("ft:{name}"),
            11 => name.replace('-', "."),
            12 => format!(" {name} "),
            13 if self.one_in(2) => format!("{name}-unheard-of"),
            _ => name.to_owned(),
        };
        (provider.to_owned(), (!self.one_in(80)).then_some(name))
    }

    fn usage(&mut self) -> Usage {
        let mut usage = Usage {
            input: self.some(1, Self::tokens),
            cache_read: self.some(2, Self::tokens),
            cache_write_5m: self.some(3, Self::tokens),
            cache_write_1h: self.some(4, Self::tokens),
            output: (!self.one_in(20)).then(|| self.tokens()),
            reasoning: self.some(2, Self::tokens),
        };
        if self.one_in(3) {
            // Just below a threshold, on it, and above.
            let rest: u64 =
                [usage.cache_read, usage.cache_write_5m, usage.cache_write_1h].iter().flatten().sum();
            let at = self.pick(&THRESHOLDS) + self.below(3);
            usage.input = Some(at.saturating_sub(1).saturating_sub(rest));
        }
        usage
    }

    /// Where no tokens were counted, mostly one other thing was.
    fn units(&mut self, alone: bool) -> Units {
        let small = |made: &mut Self, often| made.some(often, |made| made.below(5)).unwrap_or(0);
        let mut units = Units {
            pictures: self.parts(6),
            only_pictures: self.one_in(40),
            web_searches: small(self, 5),
            search_size: self.pick(&[SearchSize::Low, SearchSize::Medium, SearchSize::High]),
            map_searches: small(self, 20),
            file_searches: small(self, 40),
            code_sessions: small(self, 40),
            ..Units::default()
        };
        let count = self.tokens();
        match self.below(if alone { 6 } else { 40 }) {
            0 => units.images = count,
            1 => units.audio_ms = count,
            2 => units.characters = count,
            3 => (units.pages, units.annotated_pages) = (count, small(self, 2)),
            4 => units.queries = count,
            _ => {}
        }
        units
    }

    fn parts(&mut self, often: u64) -> Sound {
        if !self.one_in(often) {
            return Sound::default();
        }
        Sound { input: self.tokens(), cache_read: self.tokens(), output: self.tokens() }
    }

    /// From none to some millions, small and large ones alike.
    fn tokens(&mut self) -> u64 {
        let bits = self.below(23);
        self.below(1 << bits)
    }

    fn some<T>(&mut self, often: u64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.one_in(often).then(|| make(self))
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        let at = self.below(all.len() as u64);
        *all.get(usize::try_from(at).unwrap()).unwrap()
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn below(&mut self, most: u64) -> u64 {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most.max(1)
    }
}
