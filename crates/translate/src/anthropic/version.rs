//! What a Claude of a certain generation takes, by its name. Claudes that nobody knows yet are taken for new ones; other
//! models that are asked in the same dialect, for cautious ones.

/// What differs between generations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abilities {
    /// `max_tokens` where the request names none: the API wants one.
    pub(super) max_tokens: u64,
    /// The way to think.
    pub(super) thinking: Thinking,
    /// `output_config.format` is known.
    pub(super) formats: bool,
    /// A tool may be forced.
    pub(super) forces_tools: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// It does not.
    Never,
    /// With a budget of tokens.
    Budget,
    /// As it sees fit, with an effort; `xhigh` only where `true`.
    Adaptive { xhigh: bool },
}

/// What can be counted on of a model that is no Claude.
const OTHER: Abilities =
    Abilities { max_tokens: 4_096, thinking: Thinking::Budget, formats: false, forces_tools: true };

/// The abilities of `model`.
pub(super) fn abilities(model: &str) -> Abilities {
    if !model.contains("claude") {
        return OTHER;
    }
    let (major, minor) = generation(model);
    let max_tokens = match (major, minor) {
        (..=2, _) | (3, 0) => 4_096,
        (3, 5) => 8_192,
        (3, _) => 64_000,
        (4, 0 | 1) if model.contains("opus") => 32_000,
        _ => 64_000,
    };
    let thinking = match (major, minor) {
        (..=2, _) | (3, ..=6) => Thinking::Never,
        (3, _) | (4, ..=5) => Thinking::Budget,
        (4, 6) => Thinking::Adaptive { xhigh: false },
        _ => Thinking::Adaptive { xhigh: true },
    };
    let formats = match (major, minor) {
        (..=3, _) | (4, 0) => false,
        (4, 1) => model.contains("opus"),
        _ => true,
    };
    let forces_tools = !(major == 5 && minor > 0 || major > 5);
    Abilities { max_tokens, thinking, formats, forces_tools }
}

/// `claude-sonnet-4-5-20250929` is (4, 5), `claude-3-7-sonnet-latest` (3, 7), `claude-opus-4-20250514` (4, 0).
fn generation(model: &str) -> (u32, u32) {
    let name = model.get(model.find("claude").unwrap_or(0)..).unwrap_or(model);
    let mut numbers = name
        .split(['-', '@', '.', ':'])
        .filter_map(|word| word.strip_prefix('v').unwrap_or(word).parse().ok());
    let newest = (5, 0);
    let Some(major) = numbers.next().filter(|major| *major < 100) else { return newest };
    (major, numbers.next().filter(|minor| *minor < 100).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_generation() {
        for (model, is) in [
            ("claude-3-haiku-20240307", (3, 0)),
            ("claude-3-5-sonnet-latest", (3, 5)),
            ("claude-3-7-sonnet-20250219", (3, 7)),
            ("claude-opus-4-20250514", (4, 0)),
            ("claude-opus-4-1", (4, 1)),
            ("claude-sonnet-4-5-20250929", (4, 5)),
            ("anthropic.claude-haiku-4-5-20251001-v1:0", (4, 5)),
            ("claude-opus-4-6", (4, 6)),
            ("claude-sonnet-5", (5, 0)),
            ("claude-opus-5-5", (5, 5)),
            ("claude-2.1", (2, 1)),
            ("claude-mythos-preview", (5, 0)),
        ] {
            assert_eq!(generation(model), is, "{model}");
        }
    }

    #[test]
    fn generations_differ() {
        let of = |model| abilities(model);
        assert_eq!(
            (of("claude-3-haiku-20240307").max_tokens, of("claude-opus-4-1").max_tokens),
            (4096, 32_000)
        );
        assert_eq!(of("claude-sonnet-4-5").thinking, Thinking::Budget);
        assert_eq!(of("claude-opus-4-6").thinking, Thinking::Adaptive { xhigh: false });
        assert!(of("claude-sonnet-4-5").formats && !of("claude-sonnet-4-20250514").formats);
        assert_eq!(of("deepseek-v4"), OTHER);
        assert!(of("claude-opus-5").forces_tools && !of("claude-opus-5-5").forces_tools);
    }
}
