//! Spans as OTLP's protobuf. Leaves out what varies (`otlp`).

use super::spans::{Said, Span};
use super::{Put, stand_in, text_in, time_in, trace_bytes};

/// A field of the request that holds a span.
pub(super) fn span(span: &Span) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 1, &trace_bytes(Put::Trace(span.trace)));
    bytes(&mut out, 2, &stand_in(Put::Span(span.number)).to_be_bytes());
    if let Some(parent) = span.parent {
        bytes(&mut out, 4, &stand_in(Put::Span(parent)).to_be_bytes());
    }
    bytes(&mut out, 5, span.name.as_bytes());
    number(&mut out, 6, u64::from(span.kind));
    fixed(&mut out, 7, time_in(Put::Start(span.number)));
    fixed(&mut out, 8, time_in(Put::End(span.number)));
    for (key, said) in &span.said {
        bytes(&mut out, 9, &attribute(key, &value(said, span.number)));
    }
    // Flags, the one field of 32 fixed bits: sampled.
    out.extend([(16 << 3 | 5) as u8 | 0x80, 1, 1, 0, 0, 0]);
    let mut field = Vec::new();
    bytes(&mut field, 2, &out);
    field
}

/// A request with these scopes' spans, and where each scope's spans begin in it.
pub(super) fn request(groups: &[(&str, Vec<u8>)]) -> (Vec<u8>, Vec<usize>) {
    let mut resource = Vec::new();
    for (key, text) in
        [("service.name", "bench"), ("service.version", "1.2.3"), ("telemetry.sdk.language", "python")]
    {
        bytes(&mut resource, 1, &attribute(key, &string(text)));
    }
    let mut inner = Vec::new();
    bytes(&mut inner, 1, &resource);
    let mut begins = Vec::new();
    for (name, spans) in groups {
        let mut scope = Vec::new();
        bytes(&mut scope, 1, name.as_bytes());
        bytes(&mut scope, 2, b"0.9.1");
        let mut scope_spans = Vec::new();
        bytes(&mut scope_spans, 1, &scope);
        let before = scope_spans.len();
        scope_spans.extend(spans);
        bytes(&mut inner, 2, &scope_spans);
        begins.push(inner.len() - scope_spans.len() + before);
    }
    let mut out = Vec::new();
    bytes(&mut out, 1, &inner);
    let head = out.len() - inner.len();
    (out, begins.into_iter().map(|begin| head + begin).collect())
}

fn attribute(key: &str, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 1, key.as_bytes());
    bytes(&mut out, 2, value);
    out
}

fn string(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 1, text.as_bytes());
    out
}

fn value(said: &Said, span: usize) -> Vec<u8> {
    let mut out = Vec::new();
    match said {
        Said::Word(text) => return string(text),
        Said::Mark(before) => return string(&format!("{before}{:016x}", stand_in(Put::Mark(span)))),
        Said::Text(before, after) => return string(&format!("{before}{}{after}", text_in())),
        Said::Bool(yes) => number(&mut out, 2, u64::from(*yes)),
        Said::Int(int) => number(&mut out, 3, int.cast_unsigned()),
        Said::Double(double) => fixed(&mut out, 4, double.to_bits()),
        Said::Words(words) => {
            let mut list = Vec::new();
            for word in *words {
                bytes(&mut list, 1, &string(word));
            }
            bytes(&mut out, 5, &list);
        }
    }
    out
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn number(out: &mut Vec<u8>, field: u64, number: u64) {
    varint(out, field << 3);
    varint(out, number);
}

fn fixed(out: &mut Vec<u8>, field: u64, number: u64) {
    varint(out, field << 3 | 1);
    out.extend(number.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, data: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, data.len() as u64);
    out.extend(data);
}
