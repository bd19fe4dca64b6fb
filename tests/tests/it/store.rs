//! What is stored comes back exactly, and a session's storage grows with what is new in it.

use api::{BodySide, CallSummary};
use serde_json::{Value, json};
use tests::{Answer, App, Cell, Mock, Plan, contains, database_cells, send};

use crate::requests::{JSON, request};

/// One turn of an agent: everything said before, with the cache markers moved to the last two messages.
fn turn(messages: &[Value], number: usize) -> String {
    let mut messages = messages.to_vec();
    for message in messages.iter_mut().rev().take(2) {
        let blocks = message["content"].as_array_mut().unwrap();
        blocks.last_mut().unwrap()["cache_control"] = json!({"type": "ephemeral"});
    }
    let tools: Vec<Value> = (0..12)
        .map(|tool| {
            json!({
                "name": format!("tool_{tool}"), "description": format!("Does the thing number {tool}. ").repeat(30),
                "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
            })
        })
        .collect();
    json!({
        "model": "claude-sonnet-4-5-20250929", "max_tokens": 32_000 + number, "stream": true,
        "system": [{"type": "text", "text": "You are an agent. ".repeat(400), "cache_control": {"type": "ephemeral"}}],
        "tools": tools,
        "messages": messages,
        "metadata": {"user_id": "user_abc_account__session_11111111-2222-3333-4444-555555555555"},
    })
    .to_string()
}

/// A conversation of `turns` turns, each with a tool call and its long result of words from a small vocabulary.
fn session(turns: usize) -> Vec<String> {
    let mut messages: Vec<Value> = Vec::new();
    let mut noise = 1_u64;
    let mut text = |length: usize| -> String {
        std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("word{:03x} ", noise >> 52)
        })
        .take(length / 8)
        .collect()
    };
    (0..turns)
        .map(|number| {
            if number == 0 {
                messages.push(json!({"role": "user", "content": [{"type": "text", "text": format!("Find it ✨ {}", text(200))}]}));
            } else {
                let id = format!("toolu_{number}");
                messages.push(json!({"role": "assistant", "content": [
                    {"type": "text", "text": "Läuft…"},
                    {"type": "tool_use", "id": id, "name": "tool_1", "input": {"path": format!("/src/{number}.rs")}},
                ]}));
                messages.push(json!({"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": text(4_000)}]},
                ]}));
            }
            turn(&messages, number)
        })
        .collect()
}

async fn ask(app: &App, more: &str, body: &[u8]) {
    let path = "/passthrough/anthropic/v1/messages";
    let response = send(app.proxy, &request("POST", path, more, body)).await;
    assert_eq!(response.status(), 200);
}

/// Newest first to oldest first.
async fn in_order(app: &App, count: usize) -> Vec<CallSummary> {
    let mut calls = app.recorded(count).await;
    calls.reverse();
    calls
}

#[tokio::test]
async fn every_body_comes_back_exactly() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|received| Answer::whole(200, "application/octet-stream", received.body.clone()));
    let mut bodies: Vec<Vec<u8>> = session(12).into_iter().map(String::into_bytes).collect();
    let odd: &[&[u8]] = &[
        b"",
        b" ",
        b"{}",
        b"[]",
        b"null",
        br#"{"messages":[]}"#,
        br#"{"messages":[ ]}"#,
        b"{\"messages\" : [ {\"role\":\"user\" , \"content\":\"a\"}\n,\t{\"role\":\"user\"} ] , \"x\":1}\r\n",
        br#"{"messages":[{"role":"user","content":"a"}],"messages":[{"role":"user","content":"b"}]}"#,
        br#"{"messages":[{"role":"user","content":"a"}"#,
        br#"{"messages":[{"role":"user","content":"a"},]}"#,
        br#"{"messages":[1,"two",[3],{"a":"]}"},null,true,-1e5]}"#,
        br#"{"messages":[{"content":"\u00e9\ud83c\udf0d \" \\ \/ ] } [ {"}]}"#,
        br#"{"system":[{"text":"a","cache_control":{"type":"ephemeral"}}],"messages":[{"cache_control" : {"type":"ephemeral","ttl":"1h"} ,"role":"user"},{"role":"user","content":[{"type":"text","cache_control":{"type":"ephemeral"},"text":"x"}]}]}"#,
        br#"{"messages":[{"cache_control":{"type":"ephemeral"}}],"tools":[{"cache_control":null},{"cache_control":{}}]}"#,
        br#"{"messages":[{"content":"\"cache_control\":{\"type\":\"ephemeral\"}"}]}"#,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Grüße 🌍\u{200d}\u{feff}\u{2028}\"}]}".as_bytes(),
        "\u{feff}{\"messages\":[{\"role\":\"user\"}]}".as_bytes(),
        br#"{"contents":[{"parts":[{"text":"x"}]}],"input":["a","b"],"tools":[{"name":"t"}]}"#,
        br#"{"nested":{"messages":[{"role":"user"}]},"messages":{"not":"an array"}}"#,
        b"data: not json\n\n",
        b"{\"messages\":[{\"content\":\"a\0b\"}]}",
    ];
    bodies.extend(odd.iter().map(|body| body.to_vec()));
    bodies.push(
        format!("{{\"messages\":[{}]}}", vec!["{\"role\":\"user\",\"content\":\"same\"}"; 500].join(","))
            .into_bytes(),
    );
    bodies.push(format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes());
    bodies.push(format!("{{\"messages\":{}1{}}}", "[".repeat(3_000), "]".repeat(3_000)).into_bytes());
    bodies.push(json!({"messages": [{"content": "x".repeat(3_000_000)}]}).to_string().into_bytes());
    for body in &bodies {
        ask(&app, JSON, body).await;
    }
    let calls = in_order(&app, bodies.len()).await;
    for (body, call) in bodies.iter().zip(&calls) {
        let text = String::from_utf8(body.clone()).unwrap();
        for side in [BodySide::Request, BodySide::Response] {
            let kept = app.body(call.id, side).await;
            assert!(
                kept == text,
                "{side:?} of {}: {}",
                &text[..text.len().min(300)],
                &kept[..kept.len().min(300)]
            );
        }
        let detail = app.call(call.id).await;
        for info in [&detail.request_body, &detail.response_body] {
            assert_eq!(
                (info.wire_bytes, info.stored_bytes, info.cut, info.inexact),
                (body.len() as u64, body.len() as u64, false, false)
            );
        }
    }
    println!("compared {}, different 0", bodies.len() * 2);
    // What lies in the file comes back after a restart too.
    let app = app.stop().setup.start().await;
    for (body, call) in bodies.iter().zip(&calls).step_by(3) {
        assert_eq!(app.body(call.id, BodySide::Request).await.as_bytes(), body);
    }
}

/// Bytes that are not UTF-8 are flagged, and counted as they are.
#[tokio::test]
async fn a_binary_body_says_so() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let echo = binary.clone();
    mock.answer(move |_| Answer::whole(200, "audio/mpeg", echo.clone()));
    ask(&app, "Content-Type: application/octet-stream\r\n", &binary).await;
    let call = app.recorded(1).await.remove(0);
    for side in [BodySide::Request, BodySide::Response] {
        let part = app.ask(&api::Request::GetBody { id: call.id, side, offset: 0, limit: 1 << 20 }).await;
        let api::Reply::Body(part) = part else { panic!("not a body") };
        assert!(part.binary);
        assert_eq!((part.total, part.next), (100_000, 100_000));
    }
    let cells = database_cells(&app.stop().setup.data().join("data.db")).await;
    let kept = |cell: &Cell| cell.table == "pack" && contains(&cell.bytes, &binary);
    assert!(cells.iter().any(kept), "the bytes themselves are kept");
}

#[tokio::test]
async fn a_session_of_sixty_turns_grows_linearly() {
    const TURNS: usize = 60;
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.follow(Plan::default());
    let bodies = session(TURNS);
    for body in &bodies {
        ask(&app, JSON, body.as_bytes()).await;
    }
    let calls = in_order(&app, TURNS).await;
    for (body, call) in bodies.iter().zip(&calls).step_by(7) {
        assert_eq!(app.body(call.id, BodySide::Request).await, *body, "moving cache markers are put back");
    }
    let id = Some("11111111-2222-3333-4444-555555555555");
    assert!(
        calls.iter().all(|call| call.session_id.as_deref() == id),
        "one session: {:?}",
        calls[0].session_id
    );
    let raw: usize = bodies.iter().map(String::len).sum();
    let last = bodies.last().unwrap().len();
    let finished = app.stop();
    let data = finished.setup.data();
    let cells = database_cells(&data.join("data.db")).await;
    let packs: usize = cells
        .iter()
        .filter(|cell| cell.table == "pack" && cell.column == "bytes")
        .map(|cell| cell.bytes.len())
        .sum();
    let disk = std::fs::metadata(data.join("data.db")).unwrap().len();
    println!("{TURNS} turns: {raw} bytes raw, {packs} in packs (decompressed), {disk} on disk");
    // All that is new is in the last body, and sixty short answers with their details. A marker that moves does not
    // copy its message.
    assert!(packs < last * 2, "{packs} against {last}");
    assert!(disk < raw as u64 / 8, "{disk} against {raw}");
}
