//! OTLP in both encodings: memory is bounded, what is read is the same in the other encoding and after another round, and
//! no dialect's normaliser falls over it.

use collector::{Decoded, Encoding, Signal, Unreadable, decode, encode, guess};
use model::telemetry::wire::{self, Export, MetricData};
use model::telemetry::{
    log_conversation, metric_usage, read_log, read_span, searchable_text, span_conversation, span_io,
};

/// What a request may unfold to.
const LIMIT: usize = 1 << 20;

pub(crate) fn protobuf(input: &[u8]) {
    run(input, Encoding::Protobuf);
}

pub(crate) fn json(input: &[u8]) {
    let Some((_, body)) = input.split_first() else { return };
    // Whatever is JSON and an object can be read, however little of it is OTLP.
    let strict = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_ok();
    let outcome = run(input, Encoding::Json);
    assert!(!strict || !matches!(outcome, Some(Err(Unreadable::Malformed(_)))), "it is JSON: {outcome:?}");
}

/// The first byte says which signal.
fn run(input: &[u8], encoding: Encoding) -> Option<Result<Decoded, Unreadable>> {
    let (&signal, body) = input.split_first()?;
    let signal = match signal % 3 {
        0 => Signal::Traces,
        1 => Signal::Logs,
        _ => Signal::Metrics,
    };
    let _guessed = guess(encoding, body);
    let outcome = decode(signal, encoding, body, LIMIT);
    if let Ok(decoded) = &outcome {
        assert!(decoded.size <= LIMIT + body.len(), "{} bytes", decoded.size);
        let known = stored(&decoded.export);
        assert!(known.len() <= decoded.size * 2 + 1024, "{} of {} bytes", known.len(), decoded.size);
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let written = encode(&decoded.export, encoding);
            let again = decode(signal, encoding, &written, usize::MAX / 2);
            let again = again.unwrap_or_else(|error| panic!("{encoding:?}: {error}"));
            assert_eq!((again.rejected, again.reasons.len()), (0, 0), "{encoding:?} {:?}", again.reasons);
            assert_eq!(stored(&again.export), known, "{encoding:?}");
            let empty = decoded.export.is_empty();
            assert!(empty || guess(Encoding::Json, &encode(&decoded.export, Encoding::Json)) == Some(signal));
        }
        understand(&decoded.export);
    }
    Some(outcome)
}

/// The stored form, in which one `NaN` is like another.
fn stored(export: &Export) -> Vec<u8> {
    let bytes = match export {
        Export::Traces(groups) => wire::encode(groups),
        Export::Logs(groups) => wire::encode(groups),
        Export::Metrics(groups) => wire::encode(groups),
    };
    without_payload(bytes)
}

/// JSON has one `NaN`; MessagePack marks a double by `0xcb`, and whatever else looks like one looks so on both sides.
fn without_payload(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(found) = memchr::memchr(0xcb, &bytes[at..]) {
        at += found + 1;
        if let Some(eight) = bytes.get_mut(at..at + 8)
            && f64::from_be_bytes(eight.try_into().unwrap_or_default()).is_nan()
        {
            eight.copy_from_slice(&f64::NAN.to_be_bytes());
        }
    }
    bytes
}

fn understand(export: &Export) {
    match export {
        Export::Traces(groups) => {
            for (origin, span) in
                groups.iter().flat_map(|(origin, spans)| spans.iter().map(move |span| (origin, span)))
            {
                let reading = read_span(span, origin);
                assert_eq!(reading, read_span(span, origin), "twice the same");
                let conversation = span_conversation(span, origin);
                let _text = conversation.map(|conversation| searchable_text(&conversation, 10_000));
                let _said = span_io(span);
            }
        }
        Export::Logs(groups) => {
            for (origin, records) in groups {
                for record in records {
                    assert_eq!(read_log(record, origin), read_log(record, origin), "twice the same");
                }
                let _conversation = log_conversation(records, origin);
            }
        }
        Export::Metrics(groups) => {
            for metric in groups.iter().flat_map(|(_, metrics)| metrics) {
                if let MetricData::Sum { points, .. } | MetricData::Gauge(points) = &metric.data {
                    for point in points {
                        let _meaning = metric_usage(&metric.name, &point.head.attributes);
                    }
                }
            }
        }
    }
}
