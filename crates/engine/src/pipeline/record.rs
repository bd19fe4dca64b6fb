//! One capture as a record: what the exchange says, what it cost, when things happened. Pure but for its inputs.

use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use api::{
    CallDetail, CallState, CallSummary, ChunkTiming, CostSource, Header, Part, Timing, Usage, UsageSource,
};
use model::dialect::{self, ByHeaders, Dialect, Exchange, Reading, Spoken};
use model::identity::{self, Said, Scope};
use model::pricing::Prices;
use proxy::{Captured, Closed, Counters, Ending, Head};
use store::{Body, CallRecord, Ties};

use super::bodies::{Depth, body, client_side, with_trailers};
use super::decode::decode;
use super::earlier::Earlier;
use super::facts;
use super::labels;
use crate::loops::Noted;

/// Why an answer is cut short although its connection ended well.
const EMPTY: &str = "the upstream's answer is empty";
const ENDED_EARLY: &str = "the upstream's stream ended before its last event";

/// Whether a call's connection to its upstream broke, rather than end before the answer did.
pub(crate) fn broke_off(call: &CallSummary) -> bool {
    let ended_well = call.error.as_deref().is_some_and(|error| error == EMPTY || error == ENDED_EARLY);
    call.state == CallState::Truncated && !ended_well
}

/// The row of a call that has just begun.
pub(super) fn opened(head: &Head) -> CallSummary {
    let dialect = dialect::classify(&head.provider.speaks, &head.method, &head.upstream_path);
    CallSummary {
        id: head.id,
        started_ms: millis(head.started),
        duration_us: None,
        first_byte_us: None,
        first_token_us: None,
        state: CallState::Open,
        provider: head.provider.name.clone(),
        operation: dialect.operation(),
        client: client(head, &[]),
        method: head.method.clone(),
        path: head.path.clone(),
        status: None,
        model: None,
        title: None,
        streamed: false,
        usage: Usage::default(),
        usage_source: UsageSource::Unknown,
        cost: None,
        cost_source: CostSource::Unknown,
        equivalent: None,
        finish_reason: None,
        error: None,
        session_id: None,
        lineage: api::Lineage::default(),
        trace_id: labels::trace(&head.headers).0,
        parent_id: labels::trace(&head.headers).1,
        retry_of: None,
        replay_of: head.replay.as_ref().map(|replay| replay.id),
        tags: labels::tags(&head.headers),
        sources: vec![api::ReportSource::Proxy],
        in_trace: None,
    }
}

/// Everything about a call that ended, and what it asked and did if it was a step of a conversation. A fault in a parser costs what it would have read, and nothing else.
pub(super) fn closed(
    call: &Closed,
    prices: &Prices,
    earlier: &mut Earlier,
    counters: &Counters,
) -> (CallRecord, Option<Noted>) {
    let whole = || record(call, prices, earlier, counters, Depth::Whole);
    // What it keeps of earlier calls is changed whole or not at all, so a panic leaves nothing half done.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(whole)).unwrap_or_else(|_| {
        tracing::error!(id = %call.head.id, "a call could not be read, its bodies are kept as they came");
        record(call, prices, earlier, counters, Depth::Bytes)
    })
}

/// What is recorded of a call that was read no deeper than its bytes.
fn unread() -> Reading {
    let error = "LLMFlow could not read this call, by a fault of its own. What was sent and answered is kept as it came.";
    Reading { error: Some(error.to_owned()), ..Reading::default() }
}

fn record(
    call: &Closed,
    prices: &Prices,
    earlier: &mut Earlier,
    counters: &Counters,
    depth: Depth,
) -> (CallRecord, Option<Noted>) {
    let head = &call.head;
    let answered = call.response.as_ref().map(|response| response.headers.as_slice()).unwrap_or_default();
    let (request, request_body) = body(&call.request, &head.headers, call, depth);
    let (response, response_body) = body(&call.body, answered, call, depth);
    let (client, translated) = client_side(call, depth).unzip();
    let request_headers = with_trailers(&head.headers, &call.request);
    let response_headers = with_trailers(answered, &call.body);
    let status = call.response.as_ref().map(|response| response.status);
    let exchange = Exchange {
        dialect: dialect::classify(&head.provider.speaks, &head.method, &head.upstream_path),
        provider: &head.provider.speaks,
        path: &head.upstream_path,
        request: &request,
        response: &response,
        status,
        content_type: response_body.content_type.as_deref(),
        by_headers: ByHeaders::of(|name| find(answered, name)),
    };
    let (mut reading, spoken) = match depth {
        Depth::Whole => {
            #[cfg(debug_assertions)]
            super::fault::strike(&request);
            dialect::read_with_spoken(&exchange)
        }
        Depth::Bytes => (unread(), Spoken::default()),
    };
    reading.requested_model = reading.requested_model.or_else(|| model_in_query(exchange.dialect, head));
    counters.decode_errors.fetch_add(reading.broken_frames, Ordering::Relaxed);
    let usage_source = usage_source(&mut reading, earlier);
    let asked = facts::Asked {
        speaks: &head.provider.speaks,
        upstream: &head.upstream,
        path: &head.upstream_path,
        at_ms: millis(head.started),
    };
    let billed = facts::of(&reading, &asked, prices, |name| find(&head.headers, name));
    let timing = timing(call, &reading, response_body.encoding.is_some());
    let read = if depth == Depth::Whole { request.as_ref() } else { b"" };
    let said =
        identity::said(&|name| find(&head.headers, name).map(str::to_owned), &head.upstream_path, read);
    let session_id = match &head.replay {
        Some(replay) => replay.session.clone(),
        None => said.session.clone(),
    };
    let mut summary = CallSummary { usage_source, session_id, ..summary(call, &reading, &timing, read) };
    let cost = prices.price(&summary, &billed);
    (summary.cost, summary.cost_source) = (cost.total, cost.source);
    summary.equivalent = cost.equivalent;
    let ties = match &head.replay {
        // It repeats a conversation, and is no part of it.
        Some(_) => Ties { holder: head.credential.clone().unwrap_or_default(), ..Ties::default() },
        None => ties(head, said, &exchange, summary.client.as_deref(), &reading, &spoken),
    };
    let answer_text = head.secrets.scrub_text(answer_text(&spoken.answer, summary.error.as_deref()));
    let mut detail = CallDetail {
        upstream: head.upstream.clone(),
        upstream_path: Some(head.upstream_path.clone()),
        query: head.query.clone(),
        http_version: head.http_version.to_owned(),
        requested_model: reading.requested_model,
        response_id: reading.response_id,
        request_id: ["x-request-id", "request-id", "x-amzn-requestid"]
            .iter()
            .find_map(|name| find(answered, name).map(str::to_owned)),
        credential: head.credential.clone(),
        request_headers,
        response_headers,
        request_body,
        response_body,
        cost,
        timing,
        summary,
        translated,
        reports: Vec::new(),
    };
    if head.replay.is_none() {
        detail.summary.retry_of = earlier.retry_of(&detail, &request);
    }
    let step = model::repeat::step(&spoken).filter(|_| head.replay.is_none());
    let noted = step.map(|step| {
        Noted::new(
            conversation(&detail.summary, &ties),
            detail.summary.session_id.clone(),
            step,
            &detail.summary,
        )
    });
    let record = CallRecord {
        detail,
        request: Body { bytes: request, segmented: depth == Depth::Whole },
        response: Body { bytes: response, segmented: false },
        client,
        answer_text,
        billed,
        ties,
    };
    (record, noted)
}

/// Which conversation a call is in: its session's agent, else who begins with the same words under the same system prompt.
fn conversation(call: &CallSummary, ties: &Ties) -> String {
    let agent = ties.agent.as_ref().map(|agent| format!("{agent:?}")).unwrap_or_default();
    let chain = ties.chain.as_ref();
    match &call.session_id {
        // An agent may not say so itself: its system prompt and tools tell it apart.
        Some(session) => format!("{session} {agent} {:?}", chain.map(|chain| chain.root)),
        None => format!("{} {:?}", ties.holder, chain.map(|chain| (chain.root, chain.prompts.first()))),
    }
}

/// What ties the call to others. Sessions are told apart by who pays: by the account where the client names it, since
/// access tokens are renewed within a session.
fn ties(
    head: &Head,
    said: Said,
    exchange: &Exchange<'_>,
    client: Option<&str>,
    reading: &Reading,
    spoken: &Spoken,
) -> Ties {
    let holder = said.account.map(|account| format!("account:{account}"));
    let holder = holder.or_else(|| head.credential.clone()).unwrap_or_default();
    let scope = Scope::new(&head.provider.name, &holder, client);
    let previous = said.response.map(|id| scope.response(&id));
    // Only this dialect's answers can be gone on from by their ids.
    let response = reading.response_id.as_deref().filter(|_| exchange.dialect == Dialect::OpenaiResponses);
    let response = response.map(|id| scope.response(id));
    let chain = identity::chain(&scope, spoken).map(|chain| chain.behind(previous));
    Ties { holder, agent: said.agent, chain, response, previous }
}

fn summary(call: &Closed, reading: &Reading, timing: &Timing, request: &[u8]) -> CallSummary {
    let head = &call.head;
    let scrub = |text: Option<String>| text.map(|text| head.secrets.scrub_text(text));
    let (state, error) = ending(call, reading);
    CallSummary {
        duration_us: timing.end_us,
        first_byte_us: timing.first_byte_us,
        first_token_us: timing.first_token_us,
        state,
        status: call.response.as_ref().map(|response| response.status),
        model: reading.model.clone().or_else(|| reading.requested_model.clone()),
        title: scrub(reading.title.clone()),
        streamed: reading.streamed,
        usage: reading.usage,
        finish_reason: reading.finish_reason.clone(),
        error: scrub(error),
        client: client(head, request),
        ..opened(head)
    }
}

/// Whose word the tokens are. What nobody said for good is taken from the estimate, where there is one.
fn usage_source(reading: &mut Reading, earlier: &mut Earlier) -> UsageSource {
    if let Some(response) = &reading.response_id {
        if reading.in_background {
            earlier.goes_on(response);
        } else if reading.read_again.is_some() && earlier.ends(response) {
            reading.usage = reading.read_again.unwrap_or_default();
            reading.usage_final = true;
        }
    }
    if let Some(estimated) = reading.estimated {
        reading.usage = estimated;
        return UsageSource::Estimated;
    }
    match (reading.usage.is_unknown(), reading.usage_final) {
        (true, _) => UsageSource::Unknown,
        (false, true) => UsageSource::Provider,
        (false, false) => UsageSource::Partial,
    }
}

/// How the call ended and what went wrong: the wire's word and the answer's together.
fn ending(call: &Closed, reading: &Reading) -> (CallState, Option<String>) {
    let failed = call.response.as_ref().is_some_and(|response| response.status >= 400);
    match &call.ending {
        Ending::Unreachable(reason) => (CallState::Unreachable, Some(reason.clone())),
        Ending::Truncated(reason) => (CallState::Truncated, reading.error.clone().or(Some(reason.clone()))),
        // A client that has read the last event may leave before the connection's own end.
        Ending::Cancelled if !(reading.streamed && reading.complete) => {
            (CallState::Cancelled, reading.error.clone())
        }
        Ending::Complete | Ending::Cancelled if failed || reading.error_in_stream => {
            let status = call.response.as_ref().map(|response| format!("status {}", response.status));
            (CallState::UpstreamError, reading.error.clone().or(status))
        }
        Ending::Complete if is_unanswered(call) => (CallState::Truncated, Some(EMPTY.to_owned())),
        Ending::Complete if reading.streamed && !reading.complete => {
            (CallState::Truncated, Some(ENDED_EARLY.to_owned()))
        }
        Ending::Complete | Ending::Cancelled => (CallState::Complete, reading.error.clone()),
    }
}

/// Whether a model was asked, and nothing stands where its answer should.
fn is_unanswered(call: &Closed) -> bool {
    use api::Operation::{Audio, Chat, Embeddings, Images, Moderation, Ocr, Rerank, TextCompletion};
    let head = &call.head;
    let asked = dialect::classify(&head.provider.speaks, &head.method, &head.upstream_path).operation();
    matches!(asked, Chat | TextCompletion | Embeddings | Images | Audio | Rerank | Moderation | Ocr)
        && call.response.as_ref().is_some_and(|response| response.status == 200)
        && call.body.wire_bytes == 0
}

fn timing(call: &Closed, reading: &Reading, encoded: bool) -> Timing {
    let stamps = &call.stamps;
    // Offsets in a compressed stream say nothing about when its pieces came.
    let first_token_us = match reading.first_token_at {
        Some(offset) if !encoded => arrival(&call.chunks, offset),
        Some(_) => stamps.first_byte_us,
        None => None,
    };
    Timing {
        request_sent_us: stamps.request_sent_us,
        headers_us: stamps.headers_us,
        first_byte_us: stamps.first_byte_us,
        first_token_us,
        end_us: Some(stamps.end_us),
        chunks: call.chunks.clone(),
        chunks_untimed: call.chunks_untimed,
        server: reading.server,
    }
}

/// When the byte before `offset` arrived.
fn arrival(chunks: &[ChunkTiming], offset: usize) -> Option<u64> {
    let mut seen = 0_usize;
    chunks.iter().find_map(|chunk| {
        seen = seen.saturating_add(usize::try_from(chunk.bytes).unwrap_or(usize::MAX));
        (seen >= offset).then_some(chunk.at_us)
    })
}

/// What the model said, for search.
fn answer_text(answer: &[api::Message], error: Option<&str>) -> String {
    let mut text = String::new();
    let mut add = |piece: &str| {
        text.push_str(piece);
        text.push('\n');
    };
    error.iter().for_each(|error| add(error));
    for part in answer.iter().flat_map(|message| &message.parts) {
        match part {
            Part::Text { text }
            | Part::Thinking { text }
            | Part::Refusal { text }
            | Part::ToolResult { text, .. } => {
                add(text);
            }
            Part::ToolCall { name, arguments, .. } => {
                add(name);
                add(arguments);
            }
            Part::Media { .. } | Part::Other { .. } => {}
        }
    }
    text
}

/// The model a request asks for, before its answer is there.
pub(super) fn requested_model(head: &Head, request: &Captured) -> Option<String> {
    let dialect = dialect::classify(&head.provider.speaks, &head.method, &head.upstream_path);
    let body = decode(&request.to_bytes(), find(&head.headers, "content-encoding"));
    let model = dialect::requested_model(dialect, &head.upstream_path, &body.bytes);
    model.or_else(|| model_in_query(dialect, head))
}

/// Realtime's model stands in the address of the connection.
fn model_in_query(dialect: Dialect, head: &Head) -> Option<String> {
    let query = head.query.as_deref().filter(|_| dialect == Dialect::OpenaiRealtime)?;
    let model = query.split('&').find_map(|pair| pair.strip_prefix("model="))?;
    (!model.is_empty()).then(|| model.to_owned())
}

/// The tool or SDK that makes the call, as far as the request's body is there. Whom a local key was made for says more
/// than an SDK's name.
pub(super) fn client(head: &Head, request: &[u8]) -> Option<String> {
    if let Some(replay) = &head.replay {
        return replay.client.clone();
    }
    let header = |name: &str| find(&head.headers, name).map(str::to_owned);
    let agent = identity::client(find(&head.headers, "user-agent"), &header);
    if agent.as_deref().is_some_and(identity::is_tool) {
        return agent;
    }
    let tool = identity::tool_in_prompt(request).map(str::to_owned);
    tool.or_else(|| head.local_key.clone()).or(agent)
}

/// Milliseconds since 1970.
pub(crate) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn find<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_str())
}
