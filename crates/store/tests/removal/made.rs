//! Calls as clients make them: conversations of every dialect that grow, move their cache markers, fork and repeat, and
//! junk of all kinds. Each says one word that nobody said before.

use api::{
    BodyInfo, CallDetail, CallId, CallState, CallSummary, Cost, CostSource, Operation, Timing, Usage,
    UsageSource,
};
use store::{Body, CallRecord};

/// Numbers that are the same in every run (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// A word that nobody says twice.
    pub(crate) fn word(&mut self) -> String {
        (0..20).map(|_| char::from(b'a' + u8::try_from(self.below(26)).unwrap())).collect()
    }
}

/// A call, and what is known of it beside.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) number: usize,
    pub(crate) record: CallRecord,
    /// The word that it says first.
    pub(crate) canary: String,
    /// All such words in it.
    pub(crate) said: Vec<String>,
}

#[derive(Clone)]
struct Conversation {
    dialect: usize,
    session: Option<String>,
    turns: Vec<(String, String)>,
}

/// Some calls, in the order in which they are made.
pub(crate) fn calls(random: &mut Random, count: usize) -> Vec<Made> {
    let mut conversations: Vec<Conversation> = Vec::new();
    (0..count)
        .map(|number| {
            if random.below(6) == 0 {
                return junk(random, number);
            }
            if conversations.len() < 24 || random.below(40) == 0 {
                let session = (random.below(3) > 0).then(|| format!("session-{}", random.word()));
                let begun = Conversation { dialect: random.below(4), session, turns: Vec::new() };
                // One takes the place of another, so that all of them end.
                if conversations.len() > 40 {
                    conversations.remove(0);
                }
                conversations.push(begun);
            }
            let which = random.below(conversations.len());
            if random.below(30) == 0 {
                let fork = conversations[which].clone();
                conversations.push(fork);
            }
            turn(random, number, &mut conversations[which])
        })
        .collect()
}

fn filler(random: &mut Random) -> String {
    "of what was said before and after ".repeat(1 + random.below(12))
}

fn turn(random: &mut Random, number: usize, conversation: &mut Conversation) -> Made {
    let canary = random.word();
    // Sometimes the same once more, as after an error.
    if random.below(12) > 0 || conversation.turns.is_empty() {
        let (asked, answered) = (filler(random), filler(random));
        conversation
            .turns
            .push((format!("ask {canary} {asked}"), format!("answer {} {answered}", random.word())));
        if conversation.turns.len() > 70 {
            conversation.turns.drain(..50);
        }
    }
    let request = request(conversation);
    let (_, answered) = conversation.turns.last().unwrap();
    let response = format!("data: {{\"text\":\"{answered}\",\"own\":\"{canary}\"}}\n\ndata: [DONE]\n\n");
    let mut said: Vec<String> =
        conversation.turns.iter().map(|(asked, _)| asked.split(' ').nth(1).unwrap().to_owned()).collect();
    said.push(canary.clone());
    let mut record = record(number, request.as_bytes(), response.as_bytes(), &canary);
    record.detail.summary.session_id.clone_from(&conversation.session);
    if random.below(9) == 0 {
        let client =
            format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{canary} {}\"}}]}}", filler(random));
        record.client = Some(Box::new([
            Body { bytes: client.into_bytes().into(), segmented: true },
            Body { bytes: response.into_bytes().into(), segmented: false },
        ]));
    }
    Made { number, record, canary, said }
}

fn request(conversation: &Conversation) -> String {
    let (turns, dialect) = (&conversation.turns, conversation.dialect);
    let last = turns.len() - 1;
    let mut messages = Vec::new();
    for (number, (asked, answered)) in turns.iter().enumerate() {
        let marker = if number + 2 > last { r#","cache_control":{"type":"ephemeral"}"# } else { "" };
        match dialect {
            0 => messages
                .push(format!(r#"{{"role":"user","content":[{{"type":"text","text":"{asked}"{marker}}}]}}"#)),
            1 => messages.push(format!(r#"{{ "role": "user", "content": "{asked}" }}"#)),
            2 => messages.push(format!(
                r#"{{"type":"message","role":"user","content":[{{"type":"input_text","text":"{asked}"}}]}}"#
            )),
            _ => messages.push(format!(r#"{{"role":"user","parts":[{{"text":"{asked}"}}]}}"#)),
        }
        if number < last {
            messages.push(format!(r#"{{"role":"assistant","content":"{answered}"}}"#));
        }
    }
    let messages = messages.join(if dialect == 1 { ", " } else { "," });
    let tools = r#"{"name":"Bash","description":"Runs a command in a shell and says what it said","input_schema":{"type":"object"}},{"name":"Read","description":"Reads a file of the project, all of it or some lines","input_schema":{"type":"object"}}"#;
    let system = "You are a careful agent that says what it does before it does it. ".repeat(20);
    match dialect {
        0 => format!(
            r#"{{"model":"claude-sonnet-4-5","max_tokens":9,"system":[{{"type":"text","text":"{system}","cache_control":{{"type":"ephemeral"}}}}],"messages":[{messages}],"tools":[{tools}]}}"#
        ),
        1 => format!(
            "{{\n  \"model\": \"gpt-5\",\n  \"messages\": [{{\"role\":\"system\",\"content\":\"{system}\"}}, {messages}],\n  \"tools\": [{tools}]\n}}"
        ),
        2 => {
            format!(r#"{{"model":"gpt-5","instructions":"{system}","input":[{messages}],"tools":[{tools}]}}"#)
        }
        _ => {
            format!(r#"{{"systemInstruction":{{"parts":[{{"text":"{system}"}}]}},"contents":[{messages}]}}"#)
        }
    }
}

/// What no dialect says: bytes, broken JSON, uploads, nothing at all.
fn junk(random: &mut Random, number: usize) -> Made {
    let canary = random.word();
    let bytes = |random: &mut Random, count: usize| -> Vec<u8> {
        (0..count).map(|_| u8::try_from(random.below(256)).unwrap()).collect()
    };
    let length = random.below(3_000);
    let request: Vec<u8> = match random.below(7) {
        0 => [bytes(random, length), canary.clone().into_bytes()].concat(),
        1 => format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{canary}").into_bytes(),
        2 => format!("[[[[[{canary:?}]],1e999,\"\\ud800\"").into_bytes(),
        3 => Vec::new(),
        4 => [
            format!("--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n{canary}").into_bytes(),
            // A file that everybody sends.
            Random::new(5).next().to_le_bytes().repeat(20_000),
            b"\r\n--x--\r\n".to_vec(),
        ]
        .concat(),
        5 => format!("{{\"input\":[{}\"{canary}\"]}}", "\"\",".repeat(random.below(300))).into_bytes(),
        _ => {
            format!("{{\"contents\":[],\"messages\":[ ],\"system\":[\"{canary}\" , {{}}], \"input\":\"x\"}}")
                .into_bytes()
        }
    };
    let response = [canary.as_bytes(), &bytes(random, 40)].concat();
    Made { number, record: record(number, &request, &response, &canary), said: vec![canary.clone()], canary }
}

fn record(number: usize, request: &[u8], response: &[u8], canary: &str) -> CallRecord {
    let info = |bytes: &[u8]| BodyInfo {
        wire_bytes: bytes.len() as u64,
        stored_bytes: bytes.len() as u64,
        ..BodyInfo::default()
    };
    let summary = CallSummary {
        id: CallId::new(uuid::Uuid::now_v7()),
        started_ms: 1_000_000 + i64::try_from(number).unwrap() * 1_000,
        duration_us: Some(5_000),
        first_byte_us: Some(1_000),
        first_token_us: None,
        state: CallState::Complete,
        provider: "anthropic".into(),
        operation: Operation::Chat,
        client: Some(if number.is_multiple_of(2) { "claude-code" } else { "codex" }.into()),
        method: "POST".into(),
        path: "/v1/messages".into(),
        status: Some(200),
        model: Some("claude-sonnet-4-5".into()),
        title: Some(format!("title {canary}")),
        streamed: true,
        usage: Usage { input: Some(10), output: Some(5), ..Usage::default() },
        usage_source: UsageSource::Provider,
        cost: None,
        cost_source: CostSource::Unknown,
        finish_reason: None,
        error: None,
        session_id: None,
        lineage: api::Lineage::default(),
        trace_id: None,
        parent_id: None,
        retry_of: None,
        replay_of: None,
        equivalent: None,
        tags: vec![format!("tag:{canary}")],
        sources: vec![api::ReportSource::Proxy],
        in_trace: None,
    };
    let detail = CallDetail {
        summary,
        upstream: "api.anthropic.com".into(),
        upstream_path: None,
        query: None,
        http_version: "HTTP/1.1".into(),
        requested_model: None,
        response_id: None,
        request_id: None,
        credential: None,
        request_headers: vec![api::Header { name: "x-own".into(), value: canary.to_owned() }],
        response_headers: Vec::new(),
        request_body: info(request),
        response_body: info(response),
        cost: Cost::default(),
        timing: Timing::default(),
        translated: None,
        reports: Vec::new(),
    };
    CallRecord {
        billed: model::pricing::Facts::default(),
        detail,
        request: Body { bytes: request.to_vec().into(), segmented: true },
        response: Body { bytes: response.to_vec().into(), segmented: false },
        client: None,
        answer_text: format!("the answer says {canary}"),
        ties: store::Ties::default(),
    }
}
