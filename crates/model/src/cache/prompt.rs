//! A request as its provider's prompt cache sees it: segments in the order of the prefix (tools, system, messages),
//! with where the cache markers stand. Reads every dialect's arrays. Leaves out comparing (`cache`).

use std::collections::HashSet;
use std::sync::Arc;

use api::{ContextPart, ContextShare, FirstChange};
use serde_json::Value;

use crate::scanner::{elements, member, string_member};
use crate::segment::{BodyPart, scan};

/// An image's weight in bytes of text: about fifteen hundred tokens, however large its file is.
const IMAGE: u64 = 6_000;
/// It is another one in every call, and no part of what is cached.
const BILLING: &[u8] = b"x-anthropic-billing-header:";
const DAY_MS: i64 = 86_400_000;
/// What stands in the frame and is a segment all the same.
const FRAMED: [(&str, ContextPart); 8] = [
    ("toolConfig", ContextPart::Tools),
    ("tool_config", ContextPart::Tools),
    ("instructions", ContextPart::System),
    ("systemInstruction", ContextPart::System),
    ("system_instruction", ContextPart::System),
    ("system", ContextPart::System),
    ("input", ContextPart::Newest),
    ("prompt", ContextPart::Newest),
];
/// What decides how the model goes about it, and is part of what is cached.
const EFFORT: [&str; 6] =
    ["thinking", "reasoning", "reasoning_effort", "output_config", "tool_choice", "parallel_tool_calls"];

/// How long a marker asks to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ttl {
    /// Five minutes.
    Minutes,
    /// An hour.
    Hour,
}

/// One element of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    digest: [u8; 16],
    kind: ContextPart,
    label: Option<String>,
    /// Bytes that are no tool's answer and no image.
    own: u64,
    results: u64,
    images: u64,
    image_count: u64,
    blocks: usize,
    /// The user says something in it.
    said: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Placed {
    segment: Arc<Segment>,
    path: (&'static str, Option<usize>),
    marker: Option<Ttl>,
}

/// A prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    segments: Vec<Placed>,
    pub(super) model: Option<String>,
    pub(super) effort: Vec<Option<Value>>,
    pub(super) cache_key: Option<Value>,
    /// How long the request asks the provider to keep it.
    pub(super) kept_ms: Option<i64>,
    /// What is cached is what markers say.
    pub(super) explicit: bool,
    /// The provider sets the marker itself.
    pub(super) automatic: bool,
}

/// A prompt that is put together from the stretches and arrays of a body, as `segment::scan` cuts them.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// The body with its big arrays left empty.
    frame: Vec<u8>,
    placed: Vec<Placed>,
    array: &'static str,
    number: usize,
}

impl Outline {
    /// Bytes outside the big arrays.
    pub fn literal(&mut self, bytes: &[u8]) {
        self.frame.extend_from_slice(bytes);
    }

    /// An array begins: its name is the last member of what came before.
    pub fn array(&mut self) -> &'static str {
        let text = self.frame.trim_ascii_end();
        let text = text.strip_suffix(b"[").unwrap_or(text).trim_ascii_end();
        let text = text.strip_suffix(b":").unwrap_or(text).trim_ascii_end();
        let names = ["messages", "system", "tools", "input", "contents"];
        let named = |name: &&str| text.ends_with(format!("\"{name}\"").as_bytes());
        self.array = names.into_iter().find(named).unwrap_or("messages");
        self.number = 0;
        self.array
    }

    /// The next element of the array, and the markers cut out of it.
    pub fn element(&mut self, segment: Arc<Segment>, markers: Option<&[u8]>) {
        let hour = |bytes: &[u8]| memchr::memmem::find(bytes, b"\"1h\"").is_some();
        let marker = markers.map(|bytes| if hour(bytes) { Ttl::Hour } else { Ttl::Minutes });
        self.placed.push(Placed { segment, path: (self.array, Some(self.number)), marker });
        self.number += 1;
    }

    /// The prompt; `None` when the body is no JSON object, or is cut.
    pub fn finish(self) -> Option<Prompt> {
        let frame: Value = serde_json::from_slice(&self.frame).ok()?;
        let frame = frame.get("request").filter(|inner| inner.is_object()).unwrap_or(&frame);
        let frame = frame.as_object()?;
        let mut segments = self.placed;
        for (name, kind) in FRAMED {
            let Some(value) = frame.get(name).filter(|value| !value.is_null()) else { continue };
            if value.as_array().is_some_and(Vec::is_empty) {
                continue;
            }
            let text = value.to_string();
            let mut segment = plain(text.as_bytes(), kind, None);
            segment.said = kind == ContextPart::Newest;
            segments.push(Placed { segment: Arc::new(segment), path: (name, None), marker: None });
        }
        // Stable: what has one rank stays in its order.
        segments.sort_by_key(|placed| rank(placed.path.0));
        let thinking = frame.get("generationConfig").and_then(|config| config.get("thinkingConfig"));
        let mut effort: Vec<Option<Value>> = EFFORT.iter().map(|key| frame.get(*key).cloned()).collect();
        effort.push(thinking.cloned());
        let automatic = frame.get("cache_control").is_some_and(Value::is_object);
        let kept = frame.get("prompt_cache_retention").and_then(Value::as_str);
        let marked = segments.iter().any(|placed| placed.marker.is_some());
        Some(Prompt {
            explicit: marked || automatic || frame.contains_key("anthropic_version"),
            model: frame.get("model").and_then(Value::as_str).map(str::to_owned),
            cache_key: frame.get("prompt_cache_key").cloned(),
            kept_ms: (kept == Some("24h")).then_some(DAY_MS),
            effort,
            automatic,
            segments,
        })
    }
}

/// Reads a whole body.
pub fn outline(body: &[u8]) -> Option<Prompt> {
    let mut outline = Outline::default();
    for part in scan(body) {
        match part {
            BodyPart::Literal(range) => outline.literal(body.get(range)?),
            BodyPart::Array(all) => {
                let array = outline.array();
                for element in all {
                    let (mut bytes, mut cut, mut from) = (Vec::new(), Vec::new(), element.range.start);
                    for marker in &element.markers {
                        bytes.extend_from_slice(body.get(from..marker.start)?);
                        cut.extend_from_slice(body.get(marker.clone())?);
                        from = marker.end;
                    }
                    bytes.extend_from_slice(body.get(from..element.range.end)?);
                    let markers = (!cut.is_empty()).then_some(cut.as_slice());
                    outline.element(Arc::new(segment(array, &bytes)), markers);
                }
            }
        }
    }
    outline.finish()
}

/// Reads one element of the array of this name, its markers cut out.
pub fn segment(array: &str, bytes: &[u8]) -> Segment {
    let text = bytes.trim_ascii_start();
    let text = text.strip_prefix(b",").unwrap_or(text).trim_ascii();
    match array {
        "tools" => {
            let function = member(text, "function").and_then(|function| string_member(function, "name"));
            plain(text, ContextPart::Tools, string_member(text, "name").or(function))
        }
        "system" => {
            let billing = memchr::memmem::find(text, BILLING).is_some();
            let read = plain(text, ContextPart::System, None);
            if billing { Segment { digest: [0; 16], ..read } } else { read }
        }
        _ => message(text),
    }
}

fn plain(text: &[u8], kind: ContextPart, label: Option<String>) -> Segment {
    let mut digest = [0; 16];
    digest.copy_from_slice(blake3::hash(text).as_bytes().split_at(16).0);
    let own = text.len() as u64;
    Segment { digest, kind, label, own, results: 0, images: 0, image_count: 0, blocks: 1, said: false }
}

fn message(text: &[u8]) -> Segment {
    let role = string_member(text, "role");
    let kind = string_member(text, "type");
    let label = role.clone().or_else(|| kind.clone());
    let is_result = role.as_deref() == Some("tool")
        || role.as_deref() == Some("function")
        || kind.as_deref().is_some_and(|kind| kind.ends_with("_output"));
    let part = match role.as_deref() {
        Some("system" | "developer") => ContextPart::System,
        _ if is_result => ContextPart::ToolResults,
        _ => ContextPart::History,
    };
    let mut read = plain(text, part, label);
    if is_result {
        (read.results, read.own) = (read.own, 0);
        return read;
    }
    let by_user = matches!(role.as_deref(), Some("user") | None)
        && kind.as_deref().is_none_or(|kind| kind == "message");
    let content = member(text, "content").or_else(|| member(text, "parts")).unwrap_or_default();
    let (blocks, _) = elements(content);
    read.blocks = blocks.len().max(1);
    read.said = by_user && content.starts_with(b"\"");
    for block in blocks.into_iter().filter_map(|range| content.get(range)) {
        let (bytes, named) = (block.len() as u64, string_member(block, "type").unwrap_or_default());
        let has = |name: &str| member(block, name).is_some();
        if named == "tool_result" || has("functionResponse") || has("toolResult") {
            read.results += bytes;
        } else if named.contains("image")
            || named == "document"
            || ["inlineData", "inline_data", "image", "document"].into_iter().any(has)
        {
            read.images += bytes;
            read.image_count += 1;
        } else {
            read.said |= by_user;
        }
    }
    read.own = read.own.saturating_sub(read.results + read.images);
    read
}

fn rank(array: &str) -> u8 {
    match array {
        "tools" | "toolConfig" | "tool_config" => 0,
        "system" | "instructions" | "systemInstruction" | "system_instruction" => 1,
        _ => 2,
    }
}

impl Prompt {
    /// The first place at which the later prompt is not this one; more at its end is no difference.
    pub(super) fn first_change(&self, later: &Self) -> Option<usize> {
        let same = |at: &usize| match (self.segments.get(*at), later.segments.get(*at)) {
            (Some(was), Some(is)) => {
                was.segment.digest == is.segment.digest && rank(was.path.0) == rank(is.path.0)
            }
            _ => false,
        };
        (0..self.segments.len()).find(|at| !same(at))
    }

    /// What that place is called: as it is now, or as it was when it is gone.
    pub(super) fn describe(&self, later: &Self, at: usize) -> FirstChange {
        let (was, is) = (self.segments.get(at), later.segments.get(at));
        // What stands earlier in the prefix is what came or went: the other one only moved.
        let rank_of = |placed: Option<&Placed>| placed.map_or(u8::MAX, |placed| rank(placed.path.0));
        let gone = rank_of(was) < rank_of(is);
        let named = if gone { was } else { is };
        let (name, number) = named.map_or(("", None), |placed| placed.path);
        let path = number.map_or_else(|| name.to_owned(), |number| format!("{name}[{number}]"));
        FirstChange { path, label: named.and_then(|placed| placed.segment.label.clone()), gone }
    }

    /// What changed at that place. A tool that comes after the last one stands where the system prompt stood.
    pub(super) fn kind_at(&self, later: &Self, at: usize) -> ContextPart {
        let both = [self.segments.get(at), later.segments.get(at)];
        match both.into_iter().flatten().map(|placed| rank(placed.path.0)).min() {
            Some(0) => ContextPart::Tools,
            Some(1) => ContextPart::System,
            _ => ContextPart::History,
        }
    }

    pub(super) fn markers(&self) -> impl Iterator<Item = usize> {
        let placed = self.segments.iter().enumerate();
        placed.filter(|(_, placed)| placed.marker.is_some()).map(|(at, _)| at)
    }

    pub(super) fn last_marker(&self) -> Option<usize> {
        self.markers().last()
    }

    pub(super) fn shortest_ttl(&self) -> Option<Ttl> {
        self.segments.iter().filter_map(|placed| placed.marker).min()
    }

    pub(super) fn blocks_between(&self, from: usize, to: usize) -> usize {
        let between = self.segments.get(from + 1..=to).unwrap_or_default();
        between.iter().map(|placed| placed.segment.blocks).sum()
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        let mine: HashSet<&[u8; 16]> = self.segments.iter().map(|placed| &placed.segment.digest).collect();
        let common = other.segments.iter().filter(|placed| mine.contains(&placed.segment.digest)).count();
        common * 2 >= self.segments.len().min(other.segments.len()).max(1)
    }

    pub(super) fn context(&self, total: Option<u64>) -> Vec<ContextShare> {
        use ContextPart::{History, Images, Newest, System, ToolResults, Tools};
        let newest = self.segments.iter().rposition(|placed| placed.segment.said);
        let parts = [Tools, System, History, ToolResults, Newest, Images];
        let (mut bytes, mut images) = ([0_u64; 6], 0);
        for (at, placed) in self.segments.iter().enumerate() {
            let segment = &placed.segment;
            let own = if Some(at) == newest { Newest } else { segment.kind };
            for (part, more) in [(own, segment.own), (ToolResults, segment.results), (Images, segment.images)]
            {
                for (_, sum) in parts.iter().zip(&mut bytes).filter(|(known, _)| **known == part) {
                    *sum += more;
                }
            }
            images += segment.image_count;
        }
        let weights: Vec<u64> = parts
            .iter()
            .zip(bytes)
            .map(|(part, bytes)| if *part == Images { bytes.min(images * IMAGE) } else { bytes })
            .collect();
        let tokens = share(&weights, total);
        let shares = parts.into_iter().zip(bytes).zip(tokens);
        let shares = shares.map(|((part, bytes), tokens)| ContextShare { part, bytes, tokens });
        shares.filter(|share| share.bytes > 0).collect()
    }
}

/// `total` divided in proportion to `weights`, to the last token.
fn share(weights: &[u64], total: Option<u64>) -> Vec<Option<u64>> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let Some(total) = total.filter(|_| sum > 0) else { return vec![None; weights.len()] };
    // Each gets what lies between two rounded borders, so that all of it is given out.
    let (mut run, mut given) = (0_u128, 0_u64);
    let mut shares = Vec::with_capacity(weights.len());
    for weight in weights {
        run += u128::from(*weight);
        let border = u64::try_from(u128::from(total) * run / sum).unwrap_or(total);
        shares.push(Some(border - given));
        given = border;
    }
    shares
}
