//! Invented calls whose tokens, prices and times agree with each other.

use api::{
    BodyInfo, BucketCost, CallDetail, CallId, CallState, CallSummary, ChunkTiming, Cost, CostSource, Header,
    InFlight, Money, Operation, Timing, Usage, UsageSource,
};

/// Model, provider, client, and prices in dollars a million: input, cache read, cache write, output.
type Kind = (&'static str, &'static str, Option<&'static str>, Option<[f64; 4]>);

const OPUS: [f64; 4] = [5.0, 0.5, 6.25, 25.0];
const KINDS: [Kind; 9] = [
    ("claude-opus-4-5", "anthropic", Some("claude-code"), Some(OPUS)),
    ("claude-opus-4-5", "anthropic", Some("claude-code"), Some(OPUS)),
    ("claude-haiku-4-5", "anthropic", Some("claude-code"), Some([1.0, 0.1, 1.25, 5.0])),
    ("gpt-5.1-codex", "openai", Some("codex"), Some([1.25, 0.125, 1.25, 10.0])),
    ("claude-sonnet-4-5", "anthropic", Some("opencode"), Some([3.0, 0.3, 3.75, 15.0])),
    ("gemini-2.5-pro", "gemini", Some("gemini-cli"), Some([1.25, 0.31, 1.25, 10.0])),
    ("kimi-k2-thinking", "openrouter", Some("openai-python"), None),
    ("qwen3-coder-30b", "ollama", Some("aider"), None),
    ("text-embedding-3-small", "openai", Some("openai-python"), Some([0.02, 0.02, 0.02, 0.0])),
];

const DAY_MS: i64 = 86_400_000;

const TITLES: [&str; 12] = [
    "The flaky store test still fails on CI, look at retry.rs first",
    "design the segment store so that a crash in the middle of a write never loses an acknowledged record",
    "port the parser to nom 8",
    "review PR 482",
    "summarise the crash logs of last night",
    "rename module `store::segments` to `store::log` everywhere, docs too",
    "Why does retention take 26 seconds with 12,000 traces?",
    "Write the migration that adds the price_date column",
    "explain what this regex does: ^(?:[a-z0-9]+-)*[a-z0-9]+$",
    "nightly-eval row 411",
    "Order of the migrations",
    "Add a test that fails without the fix",
];

/// A small generator: the same calls each time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides.max(1)
    }
}

pub(super) fn id(number: u64) -> CallId {
    CallId::new(uuid::Uuid::from_u128(0x0193_5a2b_6f4e_7d11_9a43_0000_0000_0000 | u128::from(number)))
}

/// `count` calls before `now`, newest first.
pub(super) fn make(count: usize, now: i64) -> Vec<CallDetail> {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut at = now - 30_000;
    let mut calls = Vec::with_capacity(count);
    for index in 0..count {
        at -= 9_000 + dice.roll(140_000) as i64 + if dice.roll(17) == 0 { 2_400_000 } else { 0 };
        calls.push(call(&mut dice, id(1_000_000 - index as u64), at));
    }
    if count > 0 {
        calls.extend(earlier(&mut dice, count as u64, at.min(now - DAY_MS)));
    }
    calls
}

/// Sixty days before: fewer calls at weekends, none at night.
fn earlier(dice: &mut Dice, count: u64, before: i64) -> Vec<CallDetail> {
    let mut calls = Vec::new();
    for day in 0..60_i64 {
        // 1970 began on a Thursday.
        let weekday = ((before / DAY_MS) - day + 4).rem_euclid(7);
        let most = if weekday == 0 || weekday == 6 { 12 } else { 40 + dice.roll(70) };
        let mut at = before - day * DAY_MS;
        for _ in 0..most {
            at -= 60_000 + dice.roll(700_000) as i64;
            calls.push(call(dice, id(1_000_000 - count - calls.len() as u64), at));
        }
    }
    calls.sort_by_key(|call| std::cmp::Reverse(call.summary.started_ms));
    let ids: Vec<CallId> = (0..calls.len() as u64).map(|n| id(1_000_000 - count - n)).collect();
    calls.iter_mut().zip(ids).for_each(|(call, id)| call.summary.id = id);
    calls
}

/// One more call, now.
pub(super) fn arrive(details: &mut Vec<CallDetail>, now: i64) -> Vec<CallId> {
    let number = 1_000_000 + details.len() as u64;
    let new = call(&mut Dice(number * 7_919), id(number), now - 4_000);
    let ids = vec![new.summary.id];
    details.insert(0, new);
    ids
}

pub(super) fn flying(now: i64) -> Vec<InFlight> {
    let ages = [31_400, 4_200, 12_900, 8_800, 2_100];
    ages.iter()
        .enumerate()
        .map(|(index, age)| {
            let (model, provider, client, _) = KINDS[[0, 2, 3, 6, 5][index]];
            InFlight {
                id: id(2_000_000 + index as u64),
                started_ms: now - age,
                provider: provider.into(),
                client: client.map(Into::into),
                model: Some(model.into()),
                path: "/v1/messages".into(),
                first_byte_us: (index != 2).then_some(1_180_000),
                response_bytes: if index == 2 { 0 } else { *age as u64 * 2 },
                chunks: if index == 2 { 0 } else { *age as u64 / 60 },
            }
        })
        .collect()
}

fn call(dice: &mut Dice, id: CallId, at: i64) -> CallDetail {
    let kind = dice.roll(9) as usize;
    let bad = dice.roll(23);
    a_call(dice, id, at, kind, bad, None)
}

/// A call of this kind that went well and took this long, in microseconds.
pub(super) fn of_kind(dice: &mut Dice, id: CallId, at: i64, kind: usize, took: u64) -> CallDetail {
    a_call(dice, id, at, kind, 9, Some(took))
}

fn a_call(dice: &mut Dice, id: CallId, at: i64, kind: usize, bad: u64, took: Option<u64>) -> CallDetail {
    let (model, provider, client, prices) = KINDS[kind];
    let embeds = model.starts_with("text-embedding");
    let cached = provider == "anthropic" && dice.roll(5) > 0;
    let state = match bad {
        0 => CallState::UpstreamError,
        1 => CallState::Cancelled,
        2 => CallState::Truncated,
        _ => CallState::Complete,
    };
    let prompt = if embeds { 241_000 } else { 2_000 + dice.roll(90_000) };
    let output = if embeds { 0 } else { 120 + dice.roll(3_400) };
    let usage = match state {
        CallState::UpstreamError => Usage::default(),
        _ if cached => Usage {
            input: Some(3 + dice.roll(600)),
            cache_read: Some(prompt),
            cache_write_5m: Some(dice.roll(3_200)),
            cache_write_1h: None,
            output: Some(output),
            reasoning: None,
        },
        _ => Usage {
            input: Some(prompt),
            output: Some(output),
            reasoning: Some(output / 4),
            ..Usage::default()
        },
    };
    let wait = 500_000 + dice.roll(2_200_000);
    let wait = took.map_or(wait, |took| wait.min(took / 3).max(1_000));
    let streamed = !embeds && dice.roll(9) > 0;
    let duration = took.unwrap_or_else(|| wait + output * (9_000 + dice.roll(16_000)));
    let partial = matches!(state, CallState::Cancelled | CallState::Truncated);
    let cost = cost(&usage, prices, provider == "ollama", partial);
    let (status, error) = match state {
        CallState::UpstreamError => {
            (429, Some("rate_limit_error: this request would exceed your organization's rate limit"))
        }
        CallState::Truncated => (200, Some("upstream closed the stream before its end")),
        _ => (200, None),
    };
    let chunks = if streamed { chunks(dice, wait, duration, state) } else { Vec::new() };
    let wire: u64 = chunks.iter().map(|chunk| u64::from(chunk.bytes)).sum();
    let summary = CallSummary {
        id,
        started_ms: at,
        duration_us: Some(duration),
        first_byte_us: Some(wait.saturating_sub(90_000)),
        first_token_us: streamed.then_some(wait),
        state,
        provider: provider.into(),
        operation: if embeds { Operation::Embeddings } else { Operation::Chat },
        client: client.map(Into::into),
        method: "POST".into(),
        path: if provider == "anthropic" { "/v1/messages" } else { "/v1/chat/completions" }.into(),
        status: Some(status),
        model: Some(model.into()),
        title: (!embeds).then(|| TITLES[dice.roll(12) as usize].to_owned()),
        streamed,
        usage,
        usage_source: match state {
            CallState::UpstreamError => UsageSource::Unknown,
            _ if partial => UsageSource::Partial,
            _ => UsageSource::Provider,
        },
        cost: cost.total,
        cost_source: cost.source,
        equivalent: None,
        finish_reason: Some("end_turn".into()),
        error: error.map(Into::into),
        session_id: Some(format!("sess-{}-{}", at / DAY_MS, dice.roll(9))),
        lineage: api::Lineage::default(),
        trace_id: None,
        parent_id: None,
        retry_of: None,
        replay_of: None,
        tags: if dice.roll(3) == 0 {
            vec![["team:search", "nightly", "review"][dice.roll(3) as usize].into()]
        } else {
            vec![]
        },
        sources: vec![api::ReportSource::Proxy],
        in_trace: None,
    };
    detail(summary, cost, chunks, wire, prompt)
}

fn cost(usage: &Usage, prices: Option<[f64; 4]>, local: bool, partial: bool) -> Cost {
    let none = |source| Cost { source, price_date: Some("2026-11-12".into()), ..Cost::default() };
    let Some([input, read, write, output]) = prices else {
        return none(if local { CostSource::Local } else { CostSource::Unknown });
    };
    if usage.is_unknown() {
        return none(CostSource::NotBilled);
    }
    let parts = [
        ("input", usage.input, input),
        ("cache_read", usage.cache_read, read),
        ("cache_write_5m", usage.cache_write_5m, write),
        ("output", usage.output, output),
    ];
    let buckets: Vec<BucketCost> = parts
        .into_iter()
        .filter_map(|(bucket, tokens, price)| {
            let tokens = tokens.filter(|tokens| *tokens > 0)?;
            let cost = Money::from_pico((tokens as f64 * price * 1e6) as i64);
            Some(BucketCost { bucket: bucket.into(), tokens, per_million: price.to_string(), cost })
        })
        .collect();
    Cost {
        total: Some(buckets.iter().map(|bucket| bucket.cost).sum()),
        source: if partial { CostSource::Partial } else { CostSource::Computed },
        buckets,
        saved: None,
        price_key: Some("claude-opus-4-5".into()),
        matched: Some("exact".into()),
        price_date: Some("2026-11-12".into()),
        ..Cost::default()
    }
}

fn chunks(dice: &mut Dice, wait: u64, duration: u64, state: CallState) -> Vec<ChunkTiming> {
    let mut at = wait.saturating_sub(90_000);
    let mut chunks = vec![ChunkTiming { at_us: at, bytes: 460 }];
    let stall = wait + (duration - wait) / 3;
    let mut stalled = false;
    at = wait;
    while at < duration && state != CallState::UpstreamError {
        chunks.push(ChunkTiming { at_us: at, bytes: 80 + dice.roll(260) as u32 });
        at += 30_000 + dice.roll(90_000);
        if at > stall && !stalled && duration > 20_000_000 {
            stalled = true;
            at += 1_900_000;
        }
    }
    chunks
}

fn detail(summary: CallSummary, cost: Cost, chunks: Vec<ChunkTiming>, wire: u64, prompt: u64) -> CallDetail {
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let body = |bytes: u64, kind: &str| BodyInfo {
        wire_bytes: bytes,
        wire_sha256: Some("9f2c7d0f4f5b1be0ad7e7d7a4fd0a1a8c3b2c0a1f1f7f2a3f0d9c8b7a6958473".into()),
        stored_bytes: bytes,
        content_type: Some(kind.into()),
        ..BodyInfo::default()
    };
    let streamed = summary.streamed;
    let answer = if streamed { "text/event-stream; charset=utf-8" } else { "application/json" };
    let host = match summary.provider.as_str() {
        "anthropic" => "api.anthropic.com",
        "ollama" => "localhost:11434",
        _ => "api.openai.com",
    };
    CallDetail {
        upstream: host.into(),
        upstream_path: None,
        query: (summary.provider == "anthropic").then(|| "beta=true".into()),
        http_version: "HTTP/1.1".into(),
        requested_model: summary.model.clone(),
        response_id: Some("msg_01XFDUDYJgAACzvnptvVoYEL".into()),
        request_id: Some("req_011CSHoEeqs5C35K2UUqR7Fy".into()),
        credential: Some("[key:3fa9c1e07b52]".into()),
        request_headers: vec![
            header("host", "localhost:8080"),
            header("content-type", "application/json"),
            header("x-api-key", "[key:3fa9c1e07b52]"),
            header("anthropic-version", "2023-06-01"),
            header("anthropic-beta", "prompt-caching-2024-07-31,interleaved-thinking-2025-05-14"),
            header("user-agent", "claude-cli/2.1.104 (external, cli)"),
            header("accept", "application/json"),
        ],
        response_headers: vec![
            header("content-type", answer),
            header("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy"),
            header("anthropic-ratelimit-tokens-remaining", "1940000"),
            header("cache-control", "no-cache"),
        ],
        request_body: body(prompt * 4, "application/json"),
        response_body: body(wire.max(900), answer),
        timing: Timing {
            request_sent_us: Some(4_200),
            headers_us: summary.first_byte_us.map(|us| us.saturating_sub(1_500)),
            first_byte_us: summary.first_byte_us,
            first_token_us: summary.first_token_us,
            end_us: summary.duration_us,
            chunks,
            chunks_untimed: 0,
            server: None,
        },
        cost,
        summary,
        translated: None,
        reports: Vec::new(),
    }
}
