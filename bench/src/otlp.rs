//! Batches of spans that are ready to be sent, over and over, as new ones each time: ids, times and texts are put in
//! place before a batch goes out, so that the load costs next to nothing. Owns what varies. Leaves out what the spans
//! say (`spans`) and how they are written (`protobuf`, `json`).

mod json;
mod protobuf;
mod spans;

use std::time::{SystemTime, UNIX_EPOCH};

use memchr::memmem;

use crate::text::Writer;
use spans::{Said, Span};
pub(crate) use spans::{Shape, TEXT};

/// Spans of one trace of an agent.
pub(crate) const TRACE: usize = spans::AGENT.len();
const POOL_BYTES: usize = 8 << 20;

/// How a batch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
}

/// What stands somewhere in a batch and is new each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    /// The id of a trace.
    Trace(usize),
    /// The id of a span.
    Span(usize),
    /// When a span began.
    Start(usize),
    /// When it ended.
    End(usize),
    /// Sixteen letters that no other span has.
    Mark(usize),
    /// A text of [`TEXT`] bytes.
    Text,
}

/// One batch, written once.
struct Written {
    bytes: Vec<u8>,
    places: Vec<(usize, Put)>,
}

/// A source of batches that never repeat themselves.
pub(crate) struct Batches {
    encoding: Encoding,
    /// One batch, or where a batch is smaller than a trace as many as make up one.
    written: Vec<Written>,
    /// The text to cut texts from.
    pool: std::sync::Arc<str>,
    /// Which source of how many this is, and how many batches it gave.
    lane: u64,
    given: u64,
}

/// The text that all sources cut from.
pub(crate) fn pool() -> std::sync::Arc<str> {
    Writer::new(11).prose(POOL_BYTES).into()
}

impl Batches {
    /// Batches of so many spans: 1, or whole traces.
    pub(crate) fn new(
        shape: Shape,
        encoding: Encoding,
        size: usize,
        lane: u64,
        pool: std::sync::Arc<str>,
    ) -> Self {
        let written = match size {
            1 => (0..TRACE).map(|at| write(encoding, &[spans::of(shape, at)])).collect(),
            _ => {
                let spans: Vec<Span> = (0..size).map(|at| spans::of(shape, at)).collect();
                vec![write(encoding, &spans)]
            }
        };
        Self { encoding, written, pool, lane, given: 0 }
    }

    /// The next batch.
    pub(crate) fn next(&mut self) -> &[u8] {
        let count = self.written.len() as u64;
        let (round, at) = (self.given / count, self.given % count);
        self.given += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).unwrap_or_default();
        let Some(written) = usize::try_from(at).ok().and_then(|at| self.written.get_mut(at)) else {
            return &[];
        };
        let seed = mixed((self.lane << 40) ^ round);
        for (at, put) in &written.places {
            let Some(rest) = written.bytes.get_mut(*at..) else { continue };
            let binary = self.encoding == Encoding::Protobuf;
            let time = |nanoseconds: u64| match binary {
                true => nanoseconds.to_le_bytes().to_vec(),
                false => format!("{nanoseconds:019}").into_bytes(),
            };
            let id = |high: u64, low: Option<u64>| match binary {
                true => [low.map(u64::to_be_bytes).unwrap_or_default().as_slice(), &high.to_be_bytes()]
                    .concat()
                    .split_off(if low.is_some() { 0 } else { 8 }),
                false => format!("{}{high:016x}", low.map(|low| format!("{low:016x}")).unwrap_or_default())
                    .into_bytes(),
            };
            let value = match put {
                Put::Trace(trace) => {
                    let trace = seed.wrapping_add(*trace as u64);
                    id(mixed(trace ^ 0x5555), Some(mixed(trace ^ 0xaaaa)))
                }
                Put::Span(span) => id(mixed(seed.wrapping_add(*span as u64)), None),
                Put::Start(span) => time(now + *span as u64 * 1_000),
                Put::End(span) => time(now + *span as u64 * 1_000 + 800_000),
                Put::Mark(span) => format!("{:016x}", mixed(seed.wrapping_add(*span as u64))).into_bytes(),
                Put::Text => {
                    let from = usize::try_from(mixed(seed ^ *at as u64) >> 8).unwrap_or_default();
                    let from = from % (self.pool.len() - TEXT);
                    let text = self.pool.as_bytes().get(from..from + TEXT).unwrap_or_default();
                    if let Some(place) = rest.get_mut(..TEXT) {
                        place.copy_from_slice(text);
                    }
                    continue;
                }
            };
            if let Some(place) = rest.get_mut(..value.len()) {
                place.copy_from_slice(&value);
            }
        }
        &written.bytes
    }
}

/// A random number for each number (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Values that stand for what is put in later, and are found again: no two alike, and like nothing else in a batch.
fn stand_in(put: Put) -> u64 {
    let number = match put {
        Put::Trace(at) => at << 3,
        Put::Span(at) => at << 3 | 1,
        Put::Start(at) => at << 3 | 2,
        Put::End(at) => at << 3 | 3,
        Put::Mark(at) => at << 3 | 4,
        Put::Text => 5,
    };
    mixed(0xbe9c_0000_0000_0000 ^ number as u64)
}

/// A time that stands for another: nineteen digits in any case.
fn time_in(put: Put) -> u64 {
    1_000_000_000_000_000_000 + stand_in(put) % 1_000_000_000_000_000_000
}

/// How the text stands in a batch until there is one.
fn text_in() -> String {
    format!("{:016x}", stand_in(Put::Text)).repeat(TEXT / 16)
}

fn write(encoding: Encoding, spans: &[Span]) -> Written {
    let (mut groups, mut places) = (Vec::new(), Vec::new());
    for scope in spans::SCOPES {
        let (mut bytes, mut found) = (Vec::new(), Vec::new());
        for span in spans.iter().filter(|span| span.scope == scope) {
            let one = match encoding {
                Encoding::Protobuf => protobuf::span(span),
                Encoding::Json => json::span(span, bytes.is_empty()),
            };
            for put in puts(span) {
                let looked_for = shown(encoding, put);
                found.extend(memmem::find_iter(&one, &looked_for).map(|at| (bytes.len() + at, put)));
            }
            bytes.extend(one);
        }
        if !bytes.is_empty() {
            groups.push((scope, bytes));
            places.push(found);
        }
    }
    let (bytes, begins) = match encoding {
        Encoding::Protobuf => protobuf::request(&groups),
        Encoding::Json => json::request(&groups),
    };
    let shifted = places.into_iter().zip(begins);
    let places = shifted.flat_map(|(found, begin)| found.into_iter().map(move |(at, put)| (begin + at, put)));
    Written { bytes, places: places.collect() }
}

fn puts(span: &Span) -> Vec<Put> {
    let mut puts = vec![Put::Trace(span.trace), Put::Span(span.number), Put::Start(span.number)];
    puts.extend([Put::End(span.number), Put::Mark(span.number)]);
    puts.extend(span.parent.map(Put::Span));
    puts.extend(span.said.iter().any(|(_, said)| matches!(said, Said::Text(..))).then_some(Put::Text));
    puts
}

/// What stands for it in a written span.
fn shown(encoding: Encoding, put: Put) -> Vec<u8> {
    match (encoding, put) {
        (_, Put::Text) => text_in().into_bytes(),
        (_, Put::Mark(_)) => format!("{:016x}", stand_in(put)).into_bytes(),
        (Encoding::Protobuf, Put::Trace(_)) => trace_bytes(put).to_vec(),
        (Encoding::Protobuf, Put::Span(_)) => stand_in(put).to_be_bytes().to_vec(),
        (Encoding::Protobuf, Put::Start(_) | Put::End(_)) => time_in(put).to_le_bytes().to_vec(),
        (Encoding::Json, Put::Trace(_)) => hex(&trace_bytes(put)).into_bytes(),
        (Encoding::Json, Put::Span(_)) => format!("{:016x}", stand_in(put)).into_bytes(),
        (Encoding::Json, Put::Start(_) | Put::End(_)) => time_in(put).to_string().into_bytes(),
    }
}

fn trace_bytes(put: Put) -> [u8; 16] {
    let half = stand_in(put);
    ((u128::from(half) << 64) | u128::from(mixed(half))).to_be_bytes()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _always_ok = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::*;

    fn spans(batch: &[u8]) -> Vec<Value> {
        let batch: Value = serde_json::from_slice(batch).unwrap();
        let scopes = batch["resourceSpans"][0]["scopeSpans"].as_array().unwrap();
        scopes.iter().flat_map(|scope| scope["spans"].as_array().unwrap().clone()).collect()
    }

    #[test]
    fn no_two_batches_share_an_id_or_a_text_and_all_belong_together() {
        for shape in [Shape::Mixed, Shape::MixedText, Shape::LlmText] {
            let mut batches = Batches::new(shape, Encoding::Json, 100, 1, pool());
            let (mut ids, mut texts, mut traces) = (HashSet::new(), HashSet::new(), HashSet::new());
            for _ in 0..3 {
                let spans = spans(batches.next());
                assert_eq!(spans.len(), 100);
                let here: HashSet<String> =
                    spans.iter().map(|span| span["spanId"].as_str().unwrap().to_owned()).collect();
                assert!(spans.iter().all(|span| {
                    span.get("parentSpanId").is_none_or(|parent| here.contains(parent.as_str().unwrap()))
                }));
                for span in &spans {
                    let (start, end) = (&span["startTimeUnixNano"], &span["endTimeUnixNano"]);
                    assert!(start.as_str().unwrap() < end.as_str().unwrap());
                    assert!(start.as_str().unwrap() > "1700000000000000000", "{start}");
                    let attributes = span["attributes"].as_array().unwrap();
                    assert!(attributes.len() >= 20, "{}: {}", span["name"], attributes.len());
                    traces.insert(span["traceId"].as_str().unwrap().to_owned());
                    assert!(ids.insert(span["spanId"].as_str().unwrap().to_owned()));
                    for attribute in attributes {
                        let text = attribute["value"]["stringValue"].as_str().unwrap_or_default();
                        assert!(text.len() < TEXT || texts.insert(text.to_owned()), "a text stands once");
                    }
                }
            }
            assert_eq!(traces.len(), 3 * if shape == Shape::LlmText { 100 } else { 100 / TRACE });
            assert_eq!(texts.is_empty(), shape == Shape::Mixed);
        }
    }

    #[test]
    fn both_encodings_have_the_same_places_and_single_spans_make_whole_traces() {
        for shape in [Shape::Mixed, Shape::MixedText, Shape::LlmText] {
            let mut counts = [Encoding::Protobuf, Encoding::Json].map(|encoding| {
                let batches = Batches::new(shape, encoding, 100, 1, pool());
                let mut places: Vec<String> =
                    batches.written[0].places.iter().map(|(_, put)| format!("{put:?}")).collect();
                places.sort();
                places
            });
            assert!(counts[0].len() >= 500);
            assert_eq!(std::mem::take(&mut counts[0]), counts[1], "{shape:?}");
        }
        let mut one = Batches::new(Shape::Mixed, Encoding::Json, 1, 1, pool());
        let all: Vec<Value> = (0..2 * TRACE).flat_map(|_| spans(one.next())).collect();
        let traces: HashSet<&str> = all.iter().map(|span| span["traceId"].as_str().unwrap()).collect();
        assert_eq!((all.len(), traces.len()), (2 * TRACE, 2));
        let ids: HashSet<&str> = all.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), all.len());
    }
}
