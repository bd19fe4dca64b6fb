//! Which bucket each block of a conversation was billed to, and about how many tokens it took. Pure.
//! A provider bills by prefix: what was read from its cache comes first, then what was written, then the rest.
//! Where the borders cannot be known, a block has no bucket.

use api::{Conversation, Message, Part, Usage};

/// Where a block was billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bucket {
    Input,
    Read,
    Write5m,
    Write1h,
    Output,
    #[default]
    Unknown,
}

impl Bucket {
    /// The class that colours a block's edge, and the words for it.
    pub const fn shown(self) -> (&'static str, &'static str) {
        match self {
            Self::Input => ("b-input", "Billed as uncached input"),
            Self::Read => ("b-read", "Read from the provider's cache"),
            Self::Write5m => ("b-write5", "Written to the provider's cache for 5 minutes"),
            Self::Write1h => ("b-write1h", "Written to the provider's cache for 1 hour"),
            Self::Output => ("b-output", "Billed as output"),
            Self::Unknown => ("b-none", "The bucket of this part is not known"),
        }
    }
}

/// What a block took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub bucket: Bucket,
    /// Estimated from the block's share of the text.
    pub tokens: Option<u64>,
}

/// The shares of all blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    pub tools: Share,
    pub messages: Vec<Share>,
    pub answer: Vec<Share>,
}

/// An image's weight in characters: about fifteen hundred tokens.
const IMAGE: usize = 6_000;
/// How far an estimated border may be off.
const SLACK: f64 = 0.15;

/// Divides the tokens of a call among its blocks.
pub fn divide(talk: &Conversation, usage: &Usage) -> Shares {
    let tools: usize = talk.tools.iter().map(tool_weight).sum();
    let mut weights = vec![tools];
    weights.extend(talk.messages.iter().map(weight));
    let mut markers = vec![false];
    markers.extend(talk.messages.iter().map(|message| message.cache_marker));
    let tokens = spread(&weights, usage.prompt_total());
    let buckets = prompt_buckets(&weights, &markers, usage);
    let mut shares = buckets.into_iter().zip(tokens).map(|(bucket, tokens)| Share { bucket, tokens });
    let tools = shares.next().unwrap_or_default();
    let messages = shares.collect();
    let answer: Vec<usize> = talk.answer.iter().map(weight).collect();
    let answer =
        spread(&answer, usage.output).into_iter().map(|tokens| Share { bucket: Bucket::Output, tokens });
    Shares { tools, messages, answer: answer.collect() }
}

/// `total` divided in proportion to `weights`.
pub fn spread(weights: &[usize], total: Option<u64>) -> Vec<Option<u64>> {
    let sum: usize = weights.iter().sum();
    let part = |weight: &usize| match (sum, total) {
        (0, _) | (_, None) => None,
        (_, Some(total)) => Some((*weight as f64 * total as f64 / sum as f64).round() as u64),
    };
    weights.iter().map(part).collect()
}

fn prompt_buckets(weights: &[usize], markers: &[bool], usage: &Usage) -> Vec<Bucket> {
    let has = |tokens: Option<u64>| tokens.is_some_and(|tokens| tokens > 0);
    let written = match (has(usage.cache_write_5m), has(usage.cache_write_1h)) {
        (true, true) => Some(Bucket::Unknown),
        (true, false) => Some(Bucket::Write5m),
        (false, true) => Some(Bucket::Write1h),
        (false, false) => None,
    };
    let count = weights.len();
    if usage.prompt_total().is_none() {
        return vec![Bucket::Unknown; count];
    }
    if !has(usage.cache_read) && written.is_none() {
        return vec![Bucket::Input; count];
    }
    let marked: Vec<usize> = (0..count).filter(|index| markers.get(*index) == Some(&true)).collect();
    let Some(last) = marked.last().copied() else {
        return by_estimate(weights, usage);
    };
    // The cache ends at the last marker; what was read ends at the earlier marker that fits the counts best.
    let earlier = marked.get(..marked.len() - 1).unwrap_or_default();
    let bucket = |index: usize| match (has(usage.cache_read), written) {
        _ if index > last => Bucket::Input,
        (true, None) => Bucket::Read,
        (false, written) => written.unwrap_or(Bucket::Unknown),
        (true, Some(written)) => match nearest(earlier, weights, usage) {
            Some(end) if index <= end => Bucket::Read,
            Some(_) => written,
            None => Bucket::Unknown,
        },
    };
    (0..count).map(bucket).collect()
}

/// The marker whose prefix is nearest to the share of tokens that was read.
fn nearest(marked: &[usize], weights: &[usize], usage: &Usage) -> Option<usize> {
    let wanted = usage.cache_read? as f64 / usage.prompt_total()?.max(1) as f64;
    let sum = weights.iter().sum::<usize>().max(1) as f64;
    let share = |end: usize| weights.iter().take(end + 1).sum::<usize>() as f64 / sum;
    let distance = |end: &usize| (share(*end) - wanted).abs();
    marked.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// Without markers: only what lies clearly before or behind the border has a bucket.
fn by_estimate(weights: &[usize], usage: &Usage) -> Vec<Bucket> {
    let (read, total) =
        (usage.cache_read.unwrap_or(0) as f64, usage.prompt_total().unwrap_or(0).max(1) as f64);
    let border = read / total;
    let sum = weights.iter().sum::<usize>().max(1) as f64;
    let mut end = 0.0;
    let bucket = |weight: &usize| {
        let start = end;
        end += *weight as f64 / sum;
        if end <= border - SLACK {
            Bucket::Read
        } else if start >= border + SLACK {
            Bucket::Input
        } else {
            Bucket::Unknown
        }
    };
    weights.iter().map(bucket).collect()
}

fn tool_weight(tool: &api::ToolDefinition) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    tool.name.len() + text(&tool.description) + text(&tool.schema)
}

fn weight(message: &Message) -> usize {
    message.parts.iter().map(part_weight).sum()
}

/// A part's weight in characters.
pub fn part_weight(part: &Part) -> usize {
    match part {
        Part::Text { text } | Part::Thinking { text } | Part::Refusal { text } => text.len(),
        Part::ToolCall { name, arguments, .. } => name.len() + arguments.len(),
        Part::ToolResult { text, .. } => text.len(),
        Part::Media { .. } => IMAGE,
        Part::Other { json, .. } => json.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::Role;

    fn message(length: usize, cache_marker: bool) -> Message {
        Message { role: Role::User, parts: vec![Part::Text { text: "x".repeat(length) }], cache_marker }
    }

    fn buckets(messages: Vec<Message>, usage: &Usage) -> Vec<Bucket> {
        let talk = Conversation { messages, ..Conversation::default() };
        divide(&talk, usage).messages.into_iter().map(|share| share.bucket).collect()
    }

    #[test]
    fn without_a_cache_all_is_input() {
        let usage = Usage { input: Some(100), ..Usage::default() };
        assert_eq!(buckets(vec![message(10, false), message(10, true)], &usage), [Bucket::Input; 2]);
        assert_eq!(buckets(vec![message(10, false)], &Usage::default()), [Bucket::Unknown]);
    }

    #[test]
    fn markers_divide_what_was_read_from_what_was_written() {
        let usage =
            Usage { input: Some(3), cache_read: Some(90), cache_write_5m: Some(10), ..Usage::default() };
        let messages = vec![message(500, true), message(400, true), message(100, true), message(30, false)];
        assert_eq!(buckets(messages, &usage), [Bucket::Read, Bucket::Read, Bucket::Write5m, Bucket::Input]);
    }

    #[test]
    fn a_small_write_does_not_swallow_what_was_read() {
        let usage = Usage { cache_read: Some(990), cache_write_1h: Some(10), ..Usage::default() };
        let messages = vec![message(500, true), message(40, false), message(10, true)];
        assert_eq!(buckets(messages, &usage), [Bucket::Read, Bucket::Write1h, Bucket::Write1h]);
        assert_eq!(
            buckets(vec![message(9, false), message(9, true)], &usage),
            [Bucket::Unknown; 2],
            "no border"
        );
    }

    #[test]
    fn without_markers_only_the_clear_parts_have_a_bucket() {
        let usage = Usage { input: Some(50), cache_read: Some(50), ..Usage::default() };
        let messages = vec![message(30, false), message(40, false), message(30, false)];
        assert_eq!(buckets(messages, &usage), [Bucket::Read, Bucket::Unknown, Bucket::Input]);
    }

    #[test]
    fn tokens_are_spread_by_length() {
        assert_eq!(spread(&[1, 3], Some(400)), [Some(100), Some(300)]);
        assert_eq!(spread(&[0, 0], Some(400)), [None, None]);
    }
}
