//! The framer of server-sent events, against a plain reading of the specification, and against itself in pieces.

use model::sse::{Framer, SseEvent};

#[derive(Debug, PartialEq)]
struct Seen {
    name: Option<String>,
    data: Vec<u8>,
    end: usize,
}

pub(crate) fn run(input: &[u8]) {
    let Some((&sizes, stream)) = input.split_first() else { return };
    let whole = frame([stream]);
    let mut size = usize::from(sizes & 15) + 1;
    let mut pieces = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(size.min(rest.len()));
        pieces.push(head);
        rest = tail;
        size = (size + usize::from(sizes >> 4)) % 23 + 1;
    }
    assert_eq!(frame(pieces), whole, "in pieces");
    let expected = plainly(stream);
    let found: Vec<(Option<String>, Vec<u8>)> =
        whole.iter().map(|seen| (seen.name.clone(), seen.data.clone())).collect();
    assert_eq!(found, expected, "by the specification");
    assert!(whole.windows(2).all(|pair| pair[0].end <= pair[1].end), "ends ascend");
    assert!(whole.iter().all(|seen| seen.end <= stream.len()), "ends are inside");
    let kept: usize = whole.iter().map(|seen| seen.data.len()).sum();
    assert!(kept <= stream.len(), "no byte is invented");
}

fn frame<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut take = |event: SseEvent<'_>| {
        assert!(!event.cut, "nothing here is large enough to be cut");
        seen.push(Seen { name: event.name.map(str::to_owned), data: event.data.to_vec(), end: event.end });
    };
    let mut framer = Framer::new();
    for piece in pieces {
        framer.push(piece, &mut take);
    }
    framer.finish(&mut take);
    seen
}

/// The specification, word for word and line by line. Names longer than a kilobyte are cut, as the framer does.
fn plainly(stream: &[u8]) -> Vec<(Option<String>, Vec<u8>)> {
    let stream = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let mut events = Vec::new();
    let mut name: Vec<u8> = Vec::new();
    let mut data: Option<Vec<u8>> = None;
    let mut lines = lines(stream);
    lines.push(b"");
    for line in lines {
        if line.is_empty() {
            if let Some(data) = data.take() {
                let name = String::from_utf8(name.clone()).ok().filter(|name| !name.is_empty());
                events.push((name, data));
            }
            name.clear();
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => match &mut data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => data = Some(value.to_vec()),
            },
            b"event" => name = value[..value.len().min(1024)].to_vec(),
            _ => {}
        }
    }
    events
}

fn lines(stream: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        lines.push(&rest[..end]);
        let after = &rest[end..];
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    lines
}
