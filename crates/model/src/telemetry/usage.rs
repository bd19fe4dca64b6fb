//! Tokens as dialects count them, put into buckets that exclude each other. Leaves out which attribute holds a count.

use api::Usage;

/// What was said of tokens, in the speaker's own reading.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tokens {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    /// Input that no cache was asked for, where that is said beside the whole.
    pub(super) uncached: Option<u64>,
    pub(super) cache_read: Option<u64>,
    pub(super) cache_write: Option<u64>,
    /// Of what was written to a cache, for the long time.
    pub(super) cache_write_long: Option<u64>,
    pub(super) reasoning: Option<u64>,
    pub(super) total: Option<u64>,
}

/// What `input` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Everything the model was given, from caches too.
    Whole,
    /// What came from no cache: Anthropic's own reading.
    Uncached,
    /// Everything, unless the figures say otherwise: not every instrumentation of Anthropic adds the caches.
    WholeUnlessDisproved,
    /// What came from no cache, unless the total says otherwise.
    UncachedUnlessDisproved,
}

/// What `output` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Everything the model wrote, unless the total says otherwise.
    Whole,
    /// The answer without the reasoning (Gemini's candidates), unless the total says otherwise.
    Answer,
}

impl Tokens {
    /// The same in buckets that exclude each other.
    pub(super) fn buckets(self, input: Input, output: Output) -> Usage {
        let cached = self.cache_read.unwrap_or(0).saturating_add(self.cache_write.unwrap_or(0));
        let whole = match input {
            Input::Whole => true,
            Input::Uncached => false,
            Input::WholeUnlessDisproved => {
                cached <= self.input.unwrap_or(0) && !(cached > 0 && self.is_total(cached))
            }
            Input::UncachedUnlessDisproved => {
                cached > 0 && cached <= self.input.unwrap_or(0) && self.is_total(0)
            }
        };
        let input = if whole { self.input.map(|input| input.saturating_sub(cached)) } else { self.input };
        let long = self.cache_write_long.unwrap_or(0);
        Usage {
            input: self.uncached.or(input),
            cache_read: self.cache_read,
            cache_write_5m: self.cache_write.map(|write| write.saturating_sub(long)),
            cache_write_1h: self.cache_write_long,
            output: self.written(output),
            reasoning: self.reasoning,
        }
    }

    fn written(self, output: Output) -> Option<u64> {
        let (written, reasoning) = (self.output?, self.reasoning.unwrap_or(0));
        let apart = match output {
            // What is a part of the whole is never more than it.
            Output::Whole => reasoning > written || reasoning > 0 && self.is_total(reasoning),
            Output::Answer => !(self.is_total(0) && reasoning <= written),
        };
        Some(if apart { written.saturating_add(reasoning) } else { written })
    }

    /// Whether the total is input, output and so many more.
    fn is_total(self, more: u64) -> bool {
        let sum = self.input.unwrap_or(0).saturating_add(self.output.unwrap_or(0)).saturating_add(more);
        self.total == Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: u64, output: u64, read: u64, write: u64) -> Tokens {
        let some = |count: u64| (count > 0).then_some(count);
        Tokens {
            input: Some(input),
            output: Some(output),
            cache_read: some(read),
            cache_write: some(write),
            ..Tokens::default()
        }
    }

    #[test]
    fn input_is_read_as_its_dialect_means_it() {
        let spoken = tokens(100, 5, 60, 10);
        assert_eq!(spoken.buckets(Input::Whole, Output::Whole).input, Some(30));
        assert_eq!(spoken.buckets(Input::Uncached, Output::Whole).input, Some(100));
        assert_eq!(spoken.buckets(Input::WholeUnlessDisproved, Output::Whole).input, Some(30));
        let raw = tokens(12, 5, 18_250, 900);
        assert_eq!(raw.buckets(Input::WholeUnlessDisproved, Output::Whole).input, Some(12));
        let by_total = Tokens { total: Some(175), ..spoken };
        assert_eq!(by_total.buckets(Input::WholeUnlessDisproved, Output::Whole).input, Some(100));
        let by_total = Tokens { total: Some(105), ..spoken };
        assert_eq!(by_total.buckets(Input::UncachedUnlessDisproved, Output::Whole).input, Some(30));
        assert_eq!(spoken.buckets(Input::UncachedUnlessDisproved, Output::Whole).input, Some(100));
    }

    #[test]
    fn reasoning_is_counted_once() {
        let gemini = Tokens { reasoning: Some(700), ..tokens(10, 300, 0, 0) };
        assert_eq!(gemini.buckets(Input::Whole, Output::Answer).output, Some(1000));
        assert_eq!(
            gemini.buckets(Input::Whole, Output::Whole).output,
            Some(1000),
            "a part is not above its whole"
        );
        let qwen = Tokens { reasoning: Some(100), total: Some(310), ..tokens(10, 300, 0, 0) };
        assert_eq!(
            qwen.buckets(Input::Whole, Output::Answer).output,
            Some(300),
            "the total says it is within"
        );
        let xai = Tokens { reasoning: Some(100), total: Some(410), ..tokens(10, 300, 0, 0) };
        assert_eq!(xai.buckets(Input::Whole, Output::Whole).output, Some(400), "the total says it is beside");
        assert_eq!(Tokens::default().buckets(Input::Whole, Output::Answer), Usage::default());
    }

    #[test]
    fn long_cache_writes_are_taken_from_all_writes() {
        let spoken = Tokens { cache_write_long: Some(4), ..tokens(1, 1, 0, 10) };
        let usage = spoken.buckets(Input::Uncached, Output::Whole);
        assert_eq!((usage.cache_write_5m, usage.cache_write_1h), (Some(6), Some(4)));
    }
}
