//! Frames and messages in any pieces, and turns of the three protocols.

use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(masked | u8::try_from(short).unwrap()),
        middle @ 126..=0xffff => {
            bytes.push(masked | 126);
            bytes.extend(u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            bytes.push(masked | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(mask.iter().flatten());
    let mask = mask.unwrap_or_default();
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn message(kind: Kind, data: &[u8]) -> Message {
    Message { kind, data: data.to_vec(), cut: false }
}

fn read(mut messages: Messages, pieces: &[&[u8]]) -> Result<Vec<Message>, Broken> {
    let mut found = Vec::new();
    for piece in pieces {
        messages.push(piece, &mut |message| found.push(message))?;
    }
    Ok(found)
}

fn plain(limit: usize) -> Messages {
    Messages::new(Side::Client, Extensions::default(), limit)
}

/// One message as it is sent: in how many frames, masked or not, compressed or not, and whether a ping comes between.
#[derive(Clone, Debug)]
struct Sent {
    text: bool,
    data: Vec<u8>,
    frames: usize,
    mask: Option<[u8; 4]>,
    packed: bool,
    ping: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let data = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::collection::vec(any::<u8>(), 65_000..66_000),
        (0_usize..3_000).prop_map(|count| b"again and ".repeat(count)),
    ];
    (any::<bool>(), data, 1_usize..5, any::<Option<[u8; 4]>>(), any::<bool>(), any::<bool>())
        .prop_map(|(text, data, frames, mask, packed, ping)| Sent { text, data, frames, mask, packed, ping })
}

/// The bytes of what is sent, and what must be read from them.
fn written(all: &[Sent], forgets: bool) -> (Vec<u8>, Vec<Message>) {
    let mut packer = Compress::new(Compression::fast(), false);
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for sent in all {
        let payload = if sent.packed {
            if forgets {
                packer.reset();
            }
            let mut packed = Vec::with_capacity(sent.data.len() * 2 + 100);
            packer.compress_vec(&sent.data, &mut packed, FlushCompress::Sync).unwrap();
            // What is empty is not flushed twice; RFC 7692 writes one empty block then.
            if packed.ends_with(&[0, 0, 0xff, 0xff]) {
                packed.truncate(packed.len() - 4);
            }
            if packed.is_empty() { vec![0] } else { packed }
        } else {
            sent.data.clone()
        };
        let size = payload.len().div_ceil(sent.frames).max(1);
        let mut pieces: Vec<&[u8]> = payload.chunks(size).collect();
        if pieces.is_empty() {
            pieces.push(&[]);
        }
        let count = pieces.len();
        for (number, piece) in pieces.into_iter().enumerate() {
            let opcode = match (number, sent.text) {
                (0, true) => 1,
                (0, false) => 2,
                _ => 0,
            };
            let packed = if sent.packed && number == 0 { 0x40 } else { 0 };
            let last = if number + 1 == count { 0x80 } else { 0 };
            bytes.extend(frame(opcode | packed | last, sent.mask, piece));
            if sent.ping && number == 0 {
                bytes.extend(frame(0x89, sent.mask, b"there?"));
                if count > 1 {
                    expected.push(message(Kind::Ping, b"there?"));
                }
            }
        }
        expected.push(message(if sent.text { Kind::Text } else { Kind::Binary }, &sent.data));
        if sent.ping && count == 1 {
            expected.push(message(Kind::Ping, b"there?"));
        }
    }
    (bytes, expected)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces_give_the_same_messages(
        all in proptest::collection::vec(sent(), 0..6),
        forgets in any::<bool>(),
        sizes in proptest::collection::vec(1_usize..5_000, 1..8),
    ) {
        let (bytes, expected) = written(&all, forgets);
        let agreed = if forgets { "permessage-deflate; client_no_context_takeover" } else { "permessage-deflate" };
        let fresh = || Messages::new(Side::Client, Extensions::agreed([agreed]), 1 << 20);
        prop_assert_eq!(&read(fresh(), &[&bytes]).unwrap(), &expected);
        let (mut pieces, mut rest, mut sizes) = (Vec::new(), &bytes[..], sizes.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(&read(fresh(), &pieces).unwrap(), &expected);
        // Between two frames, and nowhere else, a frame of one's own fits.
        let mut frames = Frames::default();
        let mut heads = 0;
        for byte in &bytes {
            let mut over = false;
            frames.push(std::slice::from_ref(byte), &mut |piece| {
                heads += usize::from(matches!(piece, Piece::Head(_)));
                over |= piece == Piece::End;
                Ok(())
            }).unwrap();
            prop_assert_eq!(frames.between(), over);
        }
        prop_assert!(heads >= expected.len());
    }

    #[test]
    fn rubbish_is_borne(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..400) {
        let (one, two) = bytes.split_at(at.min(bytes.len()));
        let packed = || Messages::new(Side::Server, Extensions::agreed(["permessage-deflate"]), 100);
        let whole = read(packed(), &[&bytes]);
        prop_assert_eq!(&read(packed(), &[one, two]), &whole);
        prop_assert!(whole.iter().flatten().all(|message| message.data.len() <= 100));
    }
}

#[test]
fn what_does_not_fit_is_broken() {
    for (bytes, broken) in [
        (vec![0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0], Broken::Length),
        (frame(0x80, None, b"goes on with nothing"), Broken::Order),
        ([frame(0x01, None, b"a"), frame(0x81, None, b"b")].concat(), Broken::Order),
        (frame(0x83, None, b"unheard of"), Broken::Order),
        (frame(0xc1, None, b"packed, though nobody agreed"), Broken::Compression),
    ] {
        assert_eq!(read(plain(100), &[&bytes]), Err(broken), "{bytes:?}");
    }
    let packed = Messages::new(Side::Client, Extensions::agreed(["permessage-deflate"]), 100);
    assert_eq!(read(packed, &[&frame(0xc1, None, &[0xff; 20])]), Err(Broken::Compression));
}

#[test]
fn a_long_message_is_cut_and_the_next_one_is_read() {
    let mut packer = Compress::new(Compression::best(), false);
    let mut pack = |data: &[u8]| {
        let mut packed = Vec::with_capacity(data.len() + 100);
        packer.compress_vec(data, &mut packed, FlushCompress::Sync).unwrap();
        packed.truncate(packed.len() - 4);
        frame(0xc1, None, &packed)
    };
    let bytes = [pack(&b"long ".repeat(10_000)), pack(b"long again")].concat();
    let packed = Messages::new(Side::Server, Extensions::agreed(["permessage-deflate"]), 64);
    let found = read(packed, &[&bytes]).unwrap();
    assert_eq!((found[0].data.len(), found[0].cut), (64, true));
    assert_eq!(found[1], message(Kind::Text, b"long again"), "what it was packed with is remembered");
}

#[test]
fn a_bomb_is_not_unpacked() {
    let mut packer = Compress::new(Compression::best(), false);
    let mut packed = Vec::with_capacity(4 << 20);
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        packer.compress_vec(&zeros, &mut packed, FlushCompress::None).unwrap();
    }
    packer.compress_vec(&[], &mut packed, FlushCompress::Sync).unwrap();
    let messages = Messages::new(Side::Server, Extensions::agreed(["permessage-deflate"]), 64);
    assert_eq!(read(messages, &[&frame(0xc2, None, &packed)]), Err(Broken::Bomb));
}

#[test]
fn extensions_are_read_as_they_were_agreed() {
    let agreed = |value| Extensions::agreed([value]);
    assert!(agreed("").are_known() && agreed("permessage-deflate; server_max_window_bits=12").are_known());
    assert!(!agreed("permessage-deflate, x-webkit-unheard-of").are_known());
    assert!(agreed("").inflater(Side::Client).is_none());
    assert!(agreed("PerMessage-Deflate ; server_no_context_takeover").inflater(Side::Client).is_some());
}

#[test]
fn a_close_is_a_frame_that_can_be_read() {
    for mask in [None, Some([1, 2, 3, 4])] {
        let reason = "ü".repeat(100);
        let bytes = close_frame(1001, &reason, mask);
        assert_eq!(bytes[1] & 0x80 != 0, mask.is_some());
        let found = read(plain(1_000), &[&bytes]).unwrap();
        let (code, said) = found[0].close().unwrap();
        assert_eq!(code, 1001);
        assert!(reason.starts_with(&said) && said.len() == 122);
    }
    assert_eq!(message(Kind::Close, b"").close(), None);
}

/// What a script of messages means; requests and answers as text.
fn steps(protocol: Option<Protocol>, script: &[(Side, Value)]) -> (Vec<String>, Turns) {
    let mut turns = Turns::new(protocol);
    let mut found = Vec::new();
    for (side, value) in script {
        turns.take(*side, value.to_string().as_bytes(), &mut |step| {
            found.push(match step {
                Step::Begin(turn) => format!("{turn} begins"),
                Step::Asked(turn, bytes) => format!("{turn} asked {}", kinds(&bytes)),
                Step::Sent(turn) => format!("{turn} sent"),
                Step::Said { turn, bytes, answers } => {
                    let whose = if bytes.starts_with(b"event: client\n") { "client" } else { "server" };
                    format!(
                        "{turn} {whose} {}{}",
                        kinds(&bytes),
                        if answers || whose == "client" { "" } else { " beside" }
                    )
                }
                Step::Ended(turn) => format!("{turn} ends"),
            });
        });
    }
    (found, turns)
}

/// The types of the messages on the lines of a text.
fn kinds(bytes: &[u8]) -> String {
    let lines = std::str::from_utf8(bytes).unwrap().lines();
    let values = lines.filter_map(|line| serde_json::from_str(line.trim_start_matches("data: ")).ok());
    let kinds: Vec<String> = values
        .map(|value: Value| match value.get("type") {
            Some(kind) => kind.as_str().unwrap().to_owned(),
            None => value.as_object().unwrap().keys().next().unwrap().clone(),
        })
        .collect();
    kinds.join("+")
}

use Side::{Client, Server};

#[test]
fn responses_come_one_after_the_other() {
    let event = |kind: &str| (Server, json!({ "type": kind }));
    let (found, turns) = steps(
        Some(Protocol::Responses),
        &[
            event("codex.rate_limits"),
            (Client, json!({"type": "response.create", "input": []})),
            event("response.created"),
            (Client, json!({"type": "response.steer"})),
            event("response.completed"),
            (Client, json!({"type": "response.processed"})),
            (Client, json!({"type": "response.create", "input": []})),
            (Client, json!({"type": "response.create", "input": []})),
            event("error"),
            event("response.failed"),
        ],
    );
    assert_eq!(
        found,
        [
            "0 begins",
            "0 asked response.create",
            "0 sent",
            "0 server codex.rate_limits beside",
            "0 server response.created",
            "0 client response.steer",
            "0 server response.completed",
            "0 ends",
            "1 begins",
            "1 asked response.create",
            "1 sent",
            "1 client response.processed",
            "2 begins",
            "2 asked response.create",
            "2 sent",
            "1 server error",
            "1 ends",
            "2 server response.failed",
            "2 ends",
        ]
    );
    assert_eq!(turns.begun(), 3);
}

#[test]
fn realtime_turns_are_asked_for_or_begin_by_themselves() {
    let response = |kind: &str, id: &str| (Server, json!({"type": kind, "response": {"id": id}}));
    let delta =
        |id: &str| (Server, json!({"type": "response.output_text.delta", "response_id": id, "delta": "x"}));
    let client = |kind: &str| (Client, json!({ "type": kind }));
    let (found, mut turns) = steps(
        Some(Protocol::Realtime),
        &[
            client("session.update"),
            (Server, json!({"type": "session.created", "session": {"model": "r"}})),
            client("conversation.item.create"),
            client("response.create"),
            response("response.created", "a"),
            // Two at once: each has its own.
            client("response.create"),
            response("response.created", "b"),
            delta("b"),
            delta("a"),
            response("response.done", "a"),
            client("input_audio_buffer.append"),
            response("response.done", "b"),
            // The server heard that the user stopped.
            (Server, json!({"type": "input_audio_buffer.committed"})),
            response("response.created", "c"),
            client("response.cancel"),
            response("response.done", "c"),
            (Client, json!({"type": "response.create", "event_id": "e1"})),
            (Server, json!({"type": "error", "error": {"event_id": "other"}})),
            (Server, json!({"type": "error", "error": {"event_id": "e1"}})),
            (Server, json!({"type": "rate_limits.updated"})),
        ],
    );
    assert_eq!(
        found,
        [
            "0 begins",
            "0 asked session.created+session.update+conversation.item.create+response.create",
            "0 sent",
            "0 server response.created",
            "1 begins",
            "1 asked session.created+response.create",
            "1 sent",
            "1 server response.created",
            "1 server response.output_text.delta",
            "0 server response.output_text.delta",
            "0 server response.done",
            "0 ends",
            "1 client input_audio_buffer.append",
            "1 server response.done",
            "1 ends",
            "2 begins",
            "2 asked session.created+input_audio_buffer.committed",
            "2 sent",
            "2 server response.created",
            "2 client response.cancel",
            "2 server response.done",
            "2 ends",
            "3 begins",
            "3 asked session.created+response.create",
            "3 sent",
            "3 server error",
            "3 server error",
            "3 ends",
        ]
    );
    let session = "{\"type\":\"session.created\",\"session\":{\"model\":\"r\"}}\n";
    let rest = format!("{session}{{\"type\":\"rate_limits.updated\"}}\n");
    assert_eq!(turns.rest(), (Vec::new(), rest.into_bytes()));
}

#[test]
fn live_turns_end_with_their_word() {
    let (found, _) = steps(
        Some(Protocol::Live),
        &[
            (Client, json!({"setup": {"model": "models/live"}})),
            (Server, json!({"setupComplete": {}})),
            (Client, json!({"clientContent": {"turns": [], "turnComplete": true}})),
            (Server, json!({"toolCall": {"functionCalls": []}})),
            (Client, json!({"toolResponse": {"functionResponses": []}})),
            (Server, json!({"serverContent": {"modelTurn": {"parts": []}}})),
            (Server, json!({"serverContent": {"turnComplete": true}, "usageMetadata": {}})),
            (Client, json!({"realtimeInput": {"audio": {}}})),
            (Server, json!({"serverContent": {"inputTranscription": {"text": "hm"}}})),
            (Server, json!({"serverContent": {"modelTurn": {"parts": []}, "turnComplete": true}})),
        ],
    );
    assert_eq!(
        found,
        [
            "0 begins",
            "0 asked setup+setupComplete+clientContent",
            "0 sent",
            "0 server toolCall",
            "0 client toolResponse",
            "0 server serverContent",
            "0 server serverContent",
            "0 ends",
            "1 begins",
            "1 asked setup+realtimeInput+serverContent",
            "1 sent",
            "1 server serverContent",
            "1 ends",
        ]
    );
}

/// Sound beyond the first seconds is told by its size; everything else stays, up to a limit.
#[test]
fn sound_is_left_out_and_words_are_not() {
    let sound = "A".repeat(100_000);
    let mut script: Vec<(Side, Value)> =
        (0..6).map(|_| (Client, json!({"type": "input_audio_buffer.append", "audio": sound}))).collect();
    script.push((Client, json!({"type": "conversation.item.create", "item": {"type": "message"}})));
    let (_, mut turns) = steps(Some(Protocol::Realtime), &script);
    let lines = String::from_utf8(turns.rest().0).unwrap();
    assert_eq!(lines.lines().count(), 7);
    assert_eq!(lines.matches("[100000 characters of base64 left out]").count(), 4);
    let long = "x".repeat(300_000);
    let script: Vec<(Side, Value)> =
        (0..6).map(|_| (Client, json!({"type": "unheard.of", "text": long}))).collect();
    let lines = String::from_utf8(steps(None, &script).1.rest().0).unwrap();
    assert_eq!(lines.lines().count(), 4);
    assert!(lines.ends_with("{\"type\":\"llmflow.left_out\",\"messages\":3}\n"), "{lines}");
}

/// Who asks without end is followed as far as answers could come; what is passed over is counted, and its answers are
/// nobody else's.
#[test]
fn turns_beyond_any_use_are_passed_over() {
    let create = || (Client, json!({"type": "response.create"}));
    let server = |kind: &str, id: u64| (Server, json!({"type": kind, "response": {"id": format!("r{id}")}}));
    for protocol in [Protocol::Responses, Protocol::Realtime] {
        let mut script: Vec<_> = (0..1_000).map(|_| create()).collect();
        let (found, turns) = steps(Some(protocol), &script);
        assert_eq!(found.iter().filter(|step| step.ends_with("begins")).count(), 64);
        assert_eq!((turns.begun(), turns.passed_over()), (64, 936));
        for id in 0..1_000 {
            script.push(server("response.created", id));
            script.push(server("response.in_progress", id));
            script.push(server("response.done", id));
        }
        let (found, turns) = steps(Some(protocol), &script);
        assert_eq!(found.iter().filter(|step| step.ends_with("response.in_progress")).count(), 64);
        assert_eq!(found.last().unwrap(), "63 ends");
        assert!(!turns.are_under_way(), "{protocol:?}: all was answered");
        // The next one is followed again, with its own answer.
        script.extend([create(), server("response.created", 1_000), server("response.done", 1_000)]);
        let (found, turns) = steps(Some(protocol), &script);
        let last: Vec<&str> = found.iter().rev().take(3).map(String::as_str).collect();
        assert_eq!(last, ["64 ends", "64 server response.done", "64 server response.created"]);
        assert_eq!((turns.begun(), turns.passed_over()), (65, 936));
        assert_eq!(
            found.iter().filter(|step| step.contains("llmflow.left_out")).count(),
            1,
            "its record says so"
        );
    }
}

/// A server that begins answers by itself is not followed without end either, nor is one that refuses every question.
#[test]
fn answers_that_nobody_asked_for_are_bounded_and_refusals_are_answers() {
    let created =
        |id: u64| (Server, json!({"type": "response.created", "response": {"id": format!("r{id}")}}));
    let script: Vec<_> = (0..100).map(created).collect();
    let (_, turns) = steps(Some(Protocol::Realtime), &script);
    assert_eq!((turns.begun(), turns.passed_over()), (64, 36));
    let mut script: Vec<_> = (0..100)
        .map(|id| (Client, json!({"type": "response.create", "event_id": format!("e{id}")})))
        .collect();
    script.extend(
        (0..100).map(|id| (Server, json!({"type": "error", "error": {"event_id": format!("e{id}")}}))),
    );
    let (found, turns) = steps(Some(Protocol::Realtime), &script);
    assert_eq!((found.last().unwrap().as_str(), turns.are_under_way()), ("63 ends", false));
}

/// What is kept for the next turn is bounded by what it takes, not by what it says.
#[test]
fn short_words_between_turns_take_their_memory_too() {
    let mut turns = Turns::new(Some(Protocol::Realtime));
    (0..100_000).for_each(|_| turns.take(Client, b"{}", &mut |_| {}));
    assert!(turns.held() <= 1 << 20 && turns.held() > 1 << 19, "{}", turns.held());
    let lines = turns.rest().0.iter().filter(|byte| **byte == b'\n').count();
    assert!(lines * size_of::<(Side, Vec<u8>)>() < 1 << 20, "{lines} lines");
    assert_eq!(turns.held(), 0);
}

/// What a message takes is what it holds, room to grow included, and no more than the limit.
#[test]
fn a_message_under_way_is_counted_with_its_room() {
    let mut messages = plain(100_000);
    let (mut most, mut capacity) = (0, 0);
    for piece in frame(0x81, None, &[b'x'; 90_000]).chunks(700) {
        messages.push(piece, &mut |message| capacity = message.data.capacity()).unwrap();
        most = most.max(messages.held());
    }
    assert!(most == capacity && (90_000..=100_000).contains(&most), "{most} of {capacity}");
}

/// A control frame is short; one that is not is kept no further.
#[test]
fn a_control_frame_holds_little() {
    let found = read(plain(100_000), &[&frame(0x89, None, &[b'p'; 50_000])]).unwrap();
    assert_eq!((found[0].data.len(), found[0].cut), (125, true));
}
