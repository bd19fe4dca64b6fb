//! Which metrics count tokens or money, and which tokens. Leaves out their points.

use api::Usage;

use super::call::model;
use super::facts::Facts;
use super::keys::Key;
use super::wire::Attributes;

/// What a point of a metric counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricMeaning {
    /// The tokens, in the metric's own word; `cost` for money, in dollars.
    pub token_type: String,
    /// The same in ours.
    pub counts: Counted,
    /// The model.
    pub model: Option<String>,
    /// The session.
    pub session: Option<String>,
}

/// Tokens or money in our words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Dollars.
    Cost,
    /// Input that came from no cache.
    Input,
    /// All input.
    PromptTotal,
    /// Everything the model wrote.
    Output,
    /// What the model wrote, without its reasoning.
    Answer,
    /// Reasoning.
    Reasoning,
    /// Input from a cache.
    CacheRead,
    /// Input written to a cache.
    CacheWrite,
    /// Input and output.
    Total,
    /// Tokens of another kind.
    Other,
}

impl Counted {
    /// The same of a call; `None` for money and for what calls do not tell.
    pub fn of(self, usage: &Usage) -> Option<u64> {
        match self {
            Self::Cost | Self::Other => None,
            Self::Input => usage.input,
            Self::PromptTotal => usage.prompt_total(),
            Self::Output => usage.output,
            Self::Answer => usage.output.map(|output| output.saturating_sub(usage.reasoning.unwrap_or(0))),
            Self::Reasoning => usage.reasoning,
            Self::CacheRead => usage.cache_read,
            Self::CacheWrite => match (usage.cache_write_5m, usage.cache_write_1h) {
                (None, None) => None,
                (short, long) => Some(short.unwrap_or(0) + long.unwrap_or(0)),
            },
            Self::Total => usage.total(),
        }
    }
}

/// What a metric's points count by its name alone: `None` for those that count neither tokens nor money.
pub fn is_usage(name: &str) -> bool {
    by_name(name).is_some()
}

/// What a point of the metric `name` counts; `None` when it counts neither tokens nor money. Of a histogram its sum
/// counts.
pub fn metric_usage(name: &str, attributes: &Attributes) -> Option<MetricMeaning> {
    let family = by_name(name)?;
    let facts = Facts::of(attributes);
    let word = facts
        .text(Key::GenAiTokenType)
        .or_else(|| ["type", "token_type"].iter().find_map(|key| attributes.text(key)));
    let (token_type, counts) = match family {
        Family::Money => ("cost", Counted::Cost),
        Family::Named(word, counts) => (word, counts),
        Family::ByType(reads) => {
            let word = word.unwrap_or("total");
            (word, reads(word))
        }
    };
    let models =
        [Key::GenAiResponseModel, Key::GenAiRequestModel, Key::Model, Key::LlmModelName, Key::LlmModel];
    Some(MetricMeaning {
        token_type: token_type.to_owned(),
        counts,
        model: facts.first_text(&models).and_then(model),
        session: facts
            .first_text(&[Key::SessionId, Key::GenAiConversation, Key::ConversationId])
            .map(str::to_owned),
    })
}

enum Family {
    Money,
    /// The name says which tokens.
    Named(&'static str, Counted),
    /// An attribute says which tokens, in the tool's own reading.
    ByType(fn(&str) -> Counted),
}

fn by_name(name: &str) -> Option<Family> {
    Some(match name {
        "claude_code.cost.usage" | "continue_cli_cost_usage" | "gen_ai.client.cost" | "gen_ai.usage.cost" => {
            Family::Money
        }
        "claude_code.token.usage" | "continue_cli_token_usage" => Family::ByType(exclusive),
        "gemini_cli.token.usage" => Family::ByType(geminis),
        // Qwen Code asks servers that count reasoning within the answer.
        "qwen-code.token.usage" | "codex.turn.token_usage" | "gen_ai.client.token.usage" => {
            Family::ByType(inclusive)
        }
        "gen_ai.client.inference.usage.input_tokens" | "gen_ai.client.inference.operation.input_tokens" => {
            Family::Named("input", Counted::PromptTotal)
        }
        "gen_ai.client.inference.usage.output_tokens" | "gen_ai.client.inference.operation.output_tokens" => {
            Family::Named("output", Counted::Output)
        }
        "gen_ai.client.inference.usage.cache_read.input_tokens" => {
            Family::Named("cache_read", Counted::CacheRead)
        }
        "gen_ai.client.inference.usage.cache_write.input_tokens" => {
            Family::Named("cache_write", Counted::CacheWrite)
        }
        "gen_ai.client.inference.usage.reasoning.output_tokens" => {
            Family::Named("reasoning", Counted::Reasoning)
        }
        _ => return None,
    })
}

/// Anthropic's reading: input leaves out what came from caches.
fn exclusive(word: &str) -> Counted {
    match word {
        "input" => Counted::Input,
        other => shared(other),
    }
}

/// Gemini's reading: output leaves out what the model thought.
fn geminis(word: &str) -> Counted {
    match word {
        "input" => Counted::PromptTotal,
        "output" => Counted::Answer,
        other => shared(other),
    }
}

/// OpenTelemetry's reading.
fn inclusive(word: &str) -> Counted {
    match word {
        "input" => Counted::PromptTotal,
        "non_cached_input" => Counted::Input,
        other => shared(other),
    }
}

fn shared(word: &str) -> Counted {
    match word {
        "output" | "completion" => Counted::Output,
        "prompt" => Counted::PromptTotal,
        "cacheRead" | "cache" | "cache_read" | "cached_input" => Counted::CacheRead,
        "cacheCreation" | "cache_creation" | "cache_write" | "cache_write_input" => Counted::CacheWrite,
        "thought" | "reasoning" | "reasoning_output" => Counted::Reasoning,
        "total" => Counted::Total,
        _ => Counted::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Value;
    use super::*;

    #[test]
    fn tokens_are_counted_as_their_tool_means_them() {
        for (metric, key, word, expected) in [
            ("claude_code.token.usage", "type", "input", Counted::Input),
            ("claude_code.token.usage", "type", "cacheCreation", Counted::CacheWrite),
            ("gemini_cli.token.usage", "type", "output", Counted::Answer),
            ("gemini_cli.token.usage", "type", "tool", Counted::Other),
            ("gen_ai.client.token.usage", "gen_ai.token.type", "input", Counted::PromptTotal),
            ("codex.turn.token_usage", "token_type", "cached_input", Counted::CacheRead),
        ] {
            let attributes = Attributes(vec![
                (key.to_owned(), Value::Text(word.to_owned())),
                ("model".to_owned(), Value::Text("m[1m]".to_owned())),
            ]);
            let meaning = metric_usage(metric, &attributes).unwrap();
            assert_eq!((meaning.counts, meaning.token_type.as_str()), (expected, word), "{metric}");
            assert_eq!(meaning.model.as_deref(), Some("m"));
        }
        let money = metric_usage("claude_code.cost.usage", &Attributes::default()).unwrap();
        assert_eq!((money.counts, money.token_type.as_str()), (Counted::Cost, "cost"));
        assert_eq!(metric_usage("claude_code.session.count", &Attributes::default()), None);
    }

    #[test]
    fn calls_are_counted_alike() {
        let usage = Usage {
            input: Some(1),
            cache_read: Some(2),
            output: Some(10),
            reasoning: Some(4),
            ..Usage::default()
        };
        assert_eq!(Counted::PromptTotal.of(&usage), Some(3));
        assert_eq!(Counted::Answer.of(&usage), Some(6));
        assert_eq!(Counted::CacheWrite.of(&usage), None);
    }
}
