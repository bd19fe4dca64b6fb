//! One pair of prompts for each cause, in the shapes that clients send.

use api::{CacheCause, ContextPart, Usage};
use serde_json::{Value, json};

use super::*;

const MODEL: &str = "claude-sonnet-4-5";

fn marked(text: &str) -> Value {
    json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}})
}

/// Two tools, a system prompt and a question, all with markers of Claude Code's kind.
fn first() -> Value {
    json!({
        "model": MODEL,
        "tools": [{"name": "Read", "input_schema": {"type": "object"}}, {"name": "Edit", "input_schema": {"type": "object"}}],
        "system": [{"type": "text", "text": "x-anthropic-billing-header: cch=1"}, marked("Be brief.")],
        "messages": [{"role": "user", "content": [marked("What is in it?")]}],
    })
}

/// The turn after it, as it should be: the marker moves to the end.
fn second() -> Value {
    let mut body = first();
    body["system"][0]["text"] = json!("x-anthropic-billing-header: cch=2");
    body["messages"] = json!([
        {"role": "user", "content": [{"type": "text", "text": "What is in it?"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Read", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "words",
            "cache_control": {"type": "ephemeral"}}]},
    ]);
    body
}

fn wrote(tokens: u64) -> Usage {
    Usage {
        input: Some(3),
        cache_read: Some(0),
        cache_write_5m: Some(tokens),
        cache_write_1h: Some(0),
        ..Usage::default()
    }
}

fn judge_after(before: &Value, now: &Value, gap_ms: i64, now_usage: &Usage) -> Verdict {
    let (was, is) = (outline(before.to_string().as_bytes()), outline(now.to_string().as_bytes()));
    let before_usage = wrote(5_000);
    let seen = |prompt, usage, started_ms| Seen { prompt, usage, model: Some(MODEL), started_ms };
    compare(Some(seen(was.as_ref(), &before_usage, 0)), seen(is.as_ref(), now_usage, gap_ms))
}

/// The verdict when nothing was read a minute later.
fn judge(before: &Value, now: &Value) -> Verdict {
    judge_after(before, now, 60_000, &wrote(6_000))
}

fn path(verdict: &Verdict) -> Option<&str> {
    verdict.first_change.as_ref().map(|change| change.path.as_str())
}

#[test]
fn a_moved_marker_and_a_billing_line_are_no_change() {
    let hit = Usage { cache_read: Some(5_000), cache_write_5m: Some(1_000), ..wrote(0) };
    let verdict = judge_after(&first(), &second(), 60_000, &hit);
    assert_eq!((verdict.cause, path(&verdict), verdict.lost_tokens), (CacheCause::Hit, None, 0));
    assert_eq!((verdict.expected, verdict.ttl_ms), (Some(5_000), Some(300_000)));
}

#[test]
fn the_first_call_has_no_cache_to_read() {
    let prompt = outline(first().to_string().as_bytes());
    let now = Seen { prompt: prompt.as_ref(), usage: &wrote(9), model: Some(MODEL), started_ms: 0 };
    assert_eq!(compare(None, now).cause, CacheCause::First);
}

#[test]
fn the_same_prompt_in_time_was_not_kept_and_later_expired() {
    let kept = judge(&first(), &second());
    assert_eq!((kept.cause, kept.lost_tokens), (CacheCause::NotKept, 5_000));
    assert_eq!(judge_after(&first(), &second(), 300_001, &wrote(6_000)).cause, CacheCause::Expired);
    let mut hour = first();
    for place in ["/system/1/cache_control", "/messages/0/content/0/cache_control"] {
        *hour.pointer_mut(place).unwrap() = json!({"type": "ephemeral", "ttl": "1h"});
    }
    assert_eq!(judge_after(&hour, &second(), 300_001, &wrote(6_000)).cause, CacheCause::NotKept);
    assert_eq!(judge_after(&hour, &second(), 3_600_001, &wrote(6_000)).cause, CacheCause::Expired);
}

#[test]
fn tools_that_change_come_or_go_are_named() {
    let mut changed = second();
    changed["tools"][1]["description"] = json!("Now with words");
    let verdict = judge(&first(), &changed);
    assert_eq!((verdict.cause, path(&verdict)), (CacheCause::Tools, Some("tools[1]")));
    assert_eq!(verdict.first_change.unwrap().label.as_deref(), Some("Edit"));
    let mut more = second();
    more["tools"].as_array_mut().unwrap().push(json!({"name": "New"}));
    let verdict = judge(&first(), &more);
    assert_eq!((verdict.cause, path(&verdict)), (CacheCause::Tools, Some("tools[2]")));
    let mut fewer = second();
    fewer["tools"].as_array_mut().unwrap().pop();
    let verdict = judge(&first(), &fewer);
    assert_eq!((verdict.cause, path(&verdict)), (CacheCause::Tools, Some("tools[1]")));
    assert!(verdict.first_change.unwrap().gone);
}

#[test]
fn an_edited_prefix_is_found_where_it_was_edited() {
    let mut system = second();
    system["system"][1]["text"] = json!("Be long.");
    let verdict = judge(&first(), &system);
    assert_eq!((verdict.cause, path(&verdict)), (CacheCause::Prefix, Some("system[1]")));
    let mut message = second();
    message["messages"][0]["content"][0]["text"] = json!("What was in it?");
    let verdict = judge(&first(), &message);
    assert_eq!((verdict.cause, path(&verdict)), (CacheCause::Prefix, Some("messages[0]")));
}

#[test]
fn effort_model_and_markers_have_their_own_names() {
    let mut effort = second();
    effort["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
    assert_eq!(judge(&first(), &effort).cause, CacheCause::Effort);
    let mut model = second();
    model["model"] = json!("claude-opus-4-5");
    assert_eq!(judge(&first(), &model).cause, CacheCause::Model);
    let mut bare = second();
    bare["system"][1].as_object_mut().unwrap().remove("cache_control");
    bare["messages"][2]["content"][0].as_object_mut().unwrap().remove("cache_control");
    assert_eq!(judge(&first(), &bare).cause, CacheCause::Markers);
    let mut far = second();
    let block = json!({"type": "text", "text": "more"});
    far["messages"][1]["content"] = Value::Array(vec![block; 25]);
    assert_eq!(judge(&first(), &far).cause, CacheCause::Markers, "too far to look back");
}

#[test]
fn what_is_too_short_or_unmarked_is_no_break() {
    let (was, is) = (outline(first().to_string().as_bytes()), outline(second().to_string().as_bytes()));
    for (tokens, cause) in [(900, CacheCause::TooShort), (9_000, CacheCause::NotAsked)] {
        let usage = Usage { input: Some(tokens), ..wrote(0) };
        let seen = |prompt| Seen { prompt, usage: &usage, model: Some(MODEL), started_ms: 0 };
        assert_eq!(compare(Some(seen(was.as_ref())), seen(is.as_ref())).cause, cause);
    }
}

#[test]
fn what_cannot_be_read_or_was_not_counted_is_not_known() {
    let whole = outline(first().to_string().as_bytes());
    let (known, unknown) = (wrote(5_000), Usage::default());
    let seen = |prompt, usage| Seen { prompt, usage, model: Some(MODEL), started_ms: 0 };
    assert_eq!(outline(b"{\"messages\":[{\"role\":\"us"), None);
    assert_eq!(compare(Some(seen(None, &known)), seen(whole.as_ref(), &known)).cause, CacheCause::Unknown);
    let verdict = compare(Some(seen(whole.as_ref(), &known)), seen(whole.as_ref(), &unknown));
    assert_eq!(verdict.cause, CacheCause::Unknown);
}

#[test]
fn caches_without_markers_go_by_what_was_sent() {
    let turn = |words: &[&str]| {
        let input: Vec<Value> = words.iter().map(|word| json!({"role": "user", "content": word})).collect();
        outline(json!({"model": "gpt-5", "instructions": "Be brief.", "input": input}).to_string().as_bytes())
    };
    let (was, is, other) = (turn(&["a"]), turn(&["a", "b"]), turn(&["x", "b"]));
    let before = Usage { input: Some(3_000), cache_read: Some(0), ..Usage::default() };
    let judge = |prompt, read, started_ms| {
        let usage = &Usage { input: Some(4_000 - read), cache_read: Some(read), ..Usage::default() };
        let model = Some("gpt-5");
        let before = Seen { prompt: was.as_ref(), usage: &before, model, started_ms: 0 };
        compare(Some(before), Seen { prompt, usage, model, started_ms })
    };
    assert_eq!(judge(is.as_ref(), 2_944, 1_000).cause, CacheCause::Hit);
    assert_eq!(judge(is.as_ref(), 0, 1_000).cause, CacheCause::NotKept);
    assert_eq!(judge(is.as_ref(), 0, 3_600_000).cause, CacheCause::Expired);
    let edited = judge(other.as_ref(), 0, 1_000);
    assert_eq!(
        (edited.cause, path(&edited), edited.lost_tokens),
        (CacheCause::Prefix, Some("input[0]"), 2_944)
    );
}

#[test]
fn lost_tokens_are_the_prompts_beginning() {
    let usage = Usage {
        input: Some(10),
        cache_read: Some(5),
        cache_write_5m: Some(20),
        cache_write_1h: Some(30),
        ..Usage::default()
    };
    let hit = had_it_hit(&usage, 45);
    assert_eq!(
        (hit.cache_read, hit.cache_write_1h, hit.cache_write_5m, hit.input),
        (Some(50), Some(0), Some(5), Some(10))
    );
    assert_eq!(hit.prompt_total(), usage.prompt_total());
}

#[test]
fn the_context_is_all_of_the_segments_in_every_dialect() {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    let chat = json!({"model": "m", "tools": [{"type": "function", "function": {"name": "f"}}], "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "12"}, {"role": "user", "content": [image, {"type": "text", "text": "So?"}]},
    ]});
    let responses = json!({"instructions": "Be brief.", "tools": [{"type": "function", "name": "f"}], "input": [
        {"role": "user", "content": "Hi"}, {"type": "function_call", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "output": "12"},
        {"role": "user", "content": [{"type": "input_image", "image_url": "x"}, {"type": "input_text", "text": "So?"}]},
    ]});
    let gemini = json!({"systemInstruction": {"parts": [{"text": "Be brief."}]}, "tools": [{"functionDeclarations": []}],
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}, {"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f"}}]},
            {"role": "user", "parts": [{"inlineData": {"data": "AAAA"}}, {"text": "So?"}]}]});
    let mut anthropic = second();
    anthropic["messages"].as_array_mut().unwrap().push(json!({"role": "user", "content": [
        {"type": "image", "source": {"data": "AAAA"}}, {"type": "text", "text": "So?"}]}));
    for body in [chat, responses, gemini, anthropic] {
        let prompt = outline(body.to_string().as_bytes()).unwrap();
        let shares = context(&prompt, Some(1_001));
        let parts: Vec<ContextPart> = shares.iter().map(|share| share.part).collect();
        use ContextPart::{History, Images, Newest, System, ToolResults, Tools};
        assert_eq!(parts, [Tools, System, History, ToolResults, Newest, Images], "{body}");
        assert_eq!(shares.iter().filter_map(|share| share.tokens).sum::<u64>(), 1_001);
    }
}

#[test]
fn bytes_are_those_of_the_segments() {
    let body = json!({"tools": [{"name": "f"}], "messages": [{"role": "user", "content": "Hi"}]});
    let shares = context(&outline(body.to_string().as_bytes()).unwrap(), None);
    let bytes: Vec<u64> = shares.iter().map(|share| share.bytes).collect();
    assert_eq!(bytes, [r#"{"name":"f"}"#.len() as u64, r#"{"content":"Hi","role":"user"}"#.len() as u64]);
    assert!(shares.iter().all(|share| share.tokens.is_none()));
}
