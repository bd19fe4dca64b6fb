//! The ways in which servers and networks write one and the same stream: every one of them must give the same record.
//! Chunks do not reach the readers, which get the whole answer; how the framer takes them is tested beside it.

use proptest::prelude::*;

use super::fixtures::{FIXTURES, Fixture};
use super::*;

/// How a stream is written.
#[derive(Clone, Debug)]
struct Style {
    line_end: &'static str,
    byte_order_mark: bool,
    /// Each event's JSON stands in several `data:` lines.
    many_lines: bool,
    /// No blank after the colon.
    tight: bool,
    /// `id:` and `retry:` fields, and unknown ones.
    other_fields: bool,
    /// Before which events a comment or an empty event stands.
    keep_alives: Vec<usize>,
    /// The last blank line is missing.
    open_end: bool,
}

fn style() -> impl Strategy<Value = Style> {
    let line_end = prop::sample::select(vec!["\n", "\r\n", "\r"]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (line_end, flags, prop::collection::vec(0..12_usize, 0..5)).prop_map(|(line_end, flags, keep_alives)| {
        let (byte_order_mark, many_lines, tight, other_fields, open_end) = flags;
        Style { line_end, byte_order_mark, many_lines, tight, other_fields, keep_alives, open_end }
    })
}

/// The events of a stream written by the plain style of the fixtures, in another style.
fn rewritten(stream: &str, style: &Style) -> Vec<u8> {
    let end = style.line_end;
    let mut out = if style.byte_order_mark { "\u{feff}".to_owned() } else { String::new() };
    for (number, event) in stream.split("\n\n").filter(|event| !event.trim().is_empty()).enumerate() {
        for _ in style.keep_alives.iter().filter(|place| **place == number) {
            out.push_str(&format!(": keep-alive{end}{end}event: ping{end}{end}"));
        }
        if style.other_fields {
            out.push_str(&format!("id: {number}{end}retry: 100{end}x-odd{end}"));
        }
        for line in event.lines() {
            let Some(data) = line.strip_prefix("data: ") else {
                out.push_str(&format!("{line}{end}"));
                continue;
            };
            let blank = if style.tight { "" } else { " " };
            // Between two members a line may end.
            let whole = if style.many_lines && data.starts_with('{') {
                serde_json::to_string_pretty(&serde_json::from_str::<Value>(data).unwrap()).unwrap()
            } else {
                data.to_owned()
            };
            for piece in whole.lines() {
                out.push_str(&format!("data:{blank}{piece}{end}"));
            }
        }
        out.push_str(end);
    }
    let whole = out.into_bytes();
    let kept = if style.open_end { whole.len() - end.len() } else { whole.len() };
    whole[..kept].to_vec()
}

fn with_extension(extension: &str) -> Vec<&'static Fixture> {
    FIXTURES.iter().filter(|fixture| fixture.file.ends_with(extension)).collect()
}

/// What is recorded, but for the one figure that counts bytes: of it, whether it is there.
fn record(case: &Case) -> (Reading, bool, Conversation) {
    let mut reading = case.read();
    let first_token = reading.first_token_at.take().is_some();
    (reading, first_token, case.conversation())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_style_of_a_stream_is_the_same_record(style in style()) {
        for fixture in with_extension(".sse") {
            let plain = fixture.bytes();
            let other = rewritten(std::str::from_utf8(&plain).unwrap(), &style);
            let (before, after) = (fixture.case(plain), fixture.case(other));
            prop_assert_eq!(record(&after), record(&before), "{}", fixture.file);
        }
    }

    #[test]
    fn every_chunking_of_a_stream_has_the_same_events(size in 1..40_usize, style in style()) {
        for fixture in with_extension(".sse") {
            let plain = fixture.bytes();
            let stream = rewritten(std::str::from_utf8(&plain).unwrap(), &style);
            let frame = |pieces: &mut dyn Iterator<Item = &[u8]>| {
                let mut seen = Vec::new();
                let mut take = |event: crate::sse::SseEvent<'_>| {
                    seen.push((event.name.map(str::to_owned), event.data.to_vec(), event.end));
                };
                let mut framer = crate::sse::Framer::new();
                // In pieces that split characters too.
                pieces.for_each(|piece| framer.push(piece, &mut take));
                framer.finish(&mut take);
                seen
            };
            prop_assert_eq!(frame(&mut stream.chunks(size)), frame(&mut std::iter::once(&stream[..])));
        }
    }

    #[test]
    fn every_style_of_json_lines_is_the_same_record(crlf in any::<bool>(), blanks in 0..3_usize, open_end in any::<bool>()) {
        for fixture in with_extension(".ndjson") {
            let plain = String::from_utf8(fixture.bytes()).unwrap();
            let end = format!("{}{}", if crlf { "\r\n" } else { "\n" }, "\n".repeat(blanks));
            let mut other = plain.replace('\n', &end);
            if open_end {
                other.truncate(other.trim_end().len());
            }
            let (before, after) = (fixture.case(plain.into_bytes()), fixture.case(other.into_bytes()));
            prop_assert_eq!(record(&after), record(&before), "{}", fixture.file);
        }
    }

    #[test]
    fn documents_are_the_same_in_every_layout(pretty in any::<bool>(), space in "[ \t\r\n]{0,3}") {
        for fixture in with_extension(".json") {
            let plain = fixture.bytes();
            let value: Value = serde_json::from_slice(&plain).unwrap();
            let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            let (before, after) = (fixture.case(plain), fixture.case(format!("{space}{text}{space}").into_bytes()));
            prop_assert_eq!(record(&after), record(&before), "{}", fixture.file);
        }
    }

    /// Wherever a stream breaks off, nothing that was said is taken back, and what is guessed is said to be.
    #[test]
    fn a_stream_cut_anywhere_is_not_taken_for_whole(share in 0.0..1.0_f64) {
        for fixture in with_extension(".sse") {
            let whole = fixture.bytes();
            let at = (whole.len() as f64 * share) as usize;
            let case = fixture.case(whole[..at].to_vec());
            let (cut, full) = (case.read(), fixture.case(whole).read());
            prop_assert!(!cut.complete || full.complete, "{}", fixture.file);
            prop_assert!(cut.usage_final <= full.usage_final, "{}", fixture.file);
            prop_assert!(cut.finish_reason.is_none() || cut.finish_reason == full.finish_reason, "{}", fixture.file);
            if let Some(estimated) = cut.estimated {
                prop_assert!(!cut.usage_final && estimated.output > Some(0), "{}", fixture.file);
            }
        }
    }
}

#[test]
fn what_nobody_counted_is_estimated_and_what_was_counted_is_not() {
    let request = br#"{"model":"m","messages":[{"role":"user","content":"Sixteen letters!"}]}"#;
    let read = |file: &str, cut: Option<&str>| {
        let fixture = FIXTURES.iter().find(|fixture| fixture.file == file).unwrap();
        let mut response = fixture.bytes();
        if let Some(cut) = cut {
            let text = std::str::from_utf8(&response).unwrap();
            response.truncate(text.find(cut).unwrap());
        }
        Case { request: request.to_vec(), ..fixture.case(response) }.read()
    };
    // Nothing was said of tokens: 26 characters of a tool call, 31 of the request.
    let reading = read("openai-chat-tools-no-usage.sse", None);
    let estimated = reading.estimated.unwrap();
    assert!(reading.usage.is_unknown());
    assert_eq!((estimated.output, estimated.input), (Some(7), Some(8)));
    // The input is known, and an output that was only begun.
    let reading = read("anthropic-messages.sse", Some("event: message_delta"));
    let estimated = reading.estimated.unwrap();
    assert_eq!((reading.usage.output, estimated.output), (Some(3), Some(14)));
    assert_eq!((estimated.input, estimated.cache_read), (Some(20), Some(5000)));
    for whole in
        ["openai-chat.sse", "anthropic-messages.sse", "gemini.sse", "ollama-chat.ndjson", "cohere-chat.sse"]
    {
        assert_eq!(read(whole, None).estimated, None, "{whole}");
    }
    // Nothing was written: nothing to estimate.
    assert_eq!(read("openai-responses-failed.sse", None).estimated, None);
    assert_eq!(read("response-queued.json", None).estimated, None);
}
