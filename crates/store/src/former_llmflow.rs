//! Taking in the database of the former LLMFlow (the one for Node): its calls, spans and log records. Metric points, which
//! it kept without what they differ by, stay in its file. The credentials that it stored in clear are left behind.
//!
//! Numbers of what is taken in come from its own, so that doing it twice brings nothing twice.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use api::{
    BodyInfo, CallDetail, CallId, CallState, CallSummary, Cost, CostSource, Header, Lineage, Money,
    Operation, ReportSource, Timing, Usage, UsageSource,
};
use bytes::Bytes;
use model::pricing::Facts;
use model::telemetry::wire::{Attributes, LogRecord, Origin, Span, Value};
use model::telemetry::{read_log, read_span};
use serde_json::Value as Json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Row, SqliteConnection};

use crate::exchange::{Imported, is_possible};
use crate::lineage::Ties;
use crate::write::Body;
use crate::{CallRecord, LogWrite, Reports, SpanWrite, Store, StoreError};

/// Rows read at once.
const ROWS: i64 = 256;
/// Bytes of a body that are searched.
const LARGEST_TEXT: usize = 1 << 20;
/// Headers that the former LLMFlow stored as they came.
const SECRET: [&str; 9] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "set-cookie",
    "proxy-authorization",
    "helicone-auth",
    "openai-organization",
];

/// Whether a file is a database of the former LLMFlow.
pub async fn is_former_llmflow(path: &Path) -> bool {
    let Ok(mut database) = open(path).await else { return false };
    let columns = "SELECT count(*) FROM pragma_table_info('traces') \
        WHERE name IN ('timestamp', 'duration_ms', 'request_body', 'response_body', 'estimated_cost', 'prompt_tokens')";
    let found: Result<i64, _> = sqlx::query_scalar(columns).fetch_one(&mut database).await;
    found.is_ok_and(|found| found == 6)
}

async fn open(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    Ok(options.connect().await?)
}

impl Store {
    /// Takes in what the former LLMFlow recorded in `path`, which stays as it is.
    pub async fn import_former(&self, path: &Path) -> Result<Imported, StoreError> {
        let mut database = open(path).await?;
        let mut imported = Imported::default();
        let mut after = 0;
        loop {
            let rows =
                sqlx::query("SELECT rowid AS number, * FROM traces WHERE rowid > ? ORDER BY rowid LIMIT ?");
            let rows = rows.bind(after).bind(ROWS).fetch_all(&mut database).await?;
            let Some(last) = rows.last() else { break };
            after = last.try_get("number")?;
            let (mut calls, mut reports) = (Vec::new(), Reports::default());
            for row in &rows {
                match text(row, "span_type").as_deref() {
                    None | Some("llm") => match number(row, "timestamp").unwrap_or_default() {
                        began if is_possible(began) => calls.push(call(row)?),
                        _ => imported.refuse(|| {
                            let id = text(row, "id").unwrap_or_default();
                            format!("the call {id} began before 1970 or after 9999")
                        }),
                    },
                    Some(_) => reports.spans.push(span(row)),
                }
            }
            imported.add(self.import_records(calls).await?);
            self.take_reports(reports).await?;
        }
        let logs = "SELECT count(*) FROM pragma_table_info('logs') WHERE name IN ('timestamp', 'body', 'attributes')";
        let has_logs: i64 = sqlx::query_scalar(logs).fetch_one(&mut database).await?;
        let mut after = 0;
        loop {
            if has_logs < 3 {
                break;
            }
            let rows =
                sqlx::query("SELECT rowid AS number, * FROM logs WHERE rowid > ? ORDER BY rowid LIMIT ?");
            let rows = rows.bind(after).bind(ROWS).fetch_all(&mut database).await?;
            let Some(last) = rows.last() else { break };
            after = last.try_get("number")?;
            let logs = rows.iter().map(log).collect();
            self.take_reports(Reports { logs, ..Reports::default() }).await?;
        }
        Ok(imported)
    }

    async fn take_reports(&self, reports: Reports) -> Result<(), StoreError> {
        if reports.spans.is_empty() && reports.logs.is_empty() {
            return Ok(());
        }
        let batch = self.prepare_telemetry(vec![reports], 0)?;
        self.commit_telemetry(&[batch]).await.map(drop)
    }
}

/// A text that is there and says something. The former LLMFlow's columns have no types to rely on.
fn text(row: &SqliteRow, column: &str) -> Option<String> {
    let text: Option<String> = row.try_get_unchecked(column).ok()?;
    text.filter(|text| !text.is_empty())
}

fn number(row: &SqliteRow, column: &str) -> Option<i64> {
    row.try_get_unchecked::<Option<f64>, _>(column).ok().flatten().map(|number| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "beyond what a number holds, the largest one will do"
        )]
        let whole = number.round() as i64;
        whole
    })
}

fn count(row: &SqliteRow, column: &str) -> Option<u64> {
    // It wrote 0 where it knew nothing.
    number(row, column).and_then(|count| u64::try_from(count).ok()).filter(|count| *count > 0)
}

fn call(row: &SqliteRow) -> Result<CallRecord, StoreError> {
    let started_ms = number(row, "timestamp").unwrap_or_default();
    let id = text(row, "id").unwrap_or_default();
    let status = number(row, "response_status").or_else(|| number(row, "status"));
    let status = status.and_then(|status| u16::try_from(status).ok()).filter(|status| *status > 0);
    let error = text(row, "error");
    let failed = status.is_some_and(|status| status >= 400) || error.is_some();
    let (request, response) = (body(row, "request_body"), body(row, "response_body"));
    let path = text(row, "request_path").unwrap_or_else(|| "/".to_owned());
    let path = path.split('?').next().unwrap_or_default().to_owned();
    let provider = text(row, "provider").unwrap_or_else(|| "openai".to_owned());
    let provider = provider.trim_end_matches("-passthrough").to_owned();
    let usage = Usage {
        input: count(row, "prompt_tokens"),
        output: count(row, "completion_tokens"),
        ..Usage::default()
    };
    let dollars: Option<f64> = row.try_get_unchecked("estimated_cost").ok().flatten();
    let cost = dollars.filter(|dollars| *dollars > 0.0).and_then(pico).map(Money::from_pico);
    let cost_source = if cost.is_some() { CostSource::Reported } else { CostSource::Unknown };
    let counted = usage.input.is_some() || usage.output.is_some();
    let answer_text = model::text::searchable(&response, LARGEST_TEXT);
    let summary = CallSummary {
        id: call_id(started_ms, &id)?,
        started_ms,
        duration_us: number(row, "duration_ms").map(|ms| ms.max(0).unsigned_abs().saturating_mul(1_000)),
        first_byte_us: None,
        first_token_us: None,
        state: if failed { CallState::UpstreamError } else { CallState::Complete },
        operation: operation(&path),
        provider,
        client: None,
        method: text(row, "request_method").unwrap_or_else(|| "POST".to_owned()),
        path,
        status,
        model: text(row, "model"),
        title: text(row, "span_name").or_else(|| asked(&request)),
        streamed: response.starts_with(b"{") && memchr_streaming(&response),
        usage_source: if counted { UsageSource::Provider } else { UsageSource::Unknown },
        usage,
        cost,
        cost_source,
        finish_reason: None,
        error,
        session_id: text(row, "session_id").or_else(|| text(row, "conversation_id")),
        lineage: Lineage::default(),
        trace_id: text(row, "trace_id"),
        parent_id: text(row, "parent_id"),
        retry_of: None,
        replay_of: None,
        equivalent: None,
        tags: tags(row),
        sources: vec![ReportSource::Proxy],
        in_trace: None,
    };
    let info = |bytes: &Bytes| BodyInfo {
        wire_bytes: bytes.len() as u64,
        stored_bytes: bytes.len() as u64,
        content_type: (!bytes.is_empty()).then(|| "application/json".to_owned()),
        // It was taken apart and written anew.
        inexact: !bytes.is_empty(),
        ..BodyInfo::default()
    };
    let detail = CallDetail {
        upstream: String::new(),
        upstream_path: None,
        query: None,
        http_version: String::new(),
        requested_model: None,
        response_id: None,
        request_id: None,
        credential: None,
        request_headers: headers(row, "request_headers"),
        response_headers: headers(row, "response_headers"),
        request_body: info(&request),
        response_body: info(&response),
        cost: Cost { total: cost, source: cost_source, ..Cost::default() },
        timing: Timing { end_us: summary.duration_us, ..Timing::default() },
        translated: None,
        reports: Vec::new(),
        summary,
    };
    Ok(CallRecord {
        detail,
        request: Body { bytes: request, segmented: true },
        response: Body { bytes: response, segmented: false },
        client: None,
        answer_text,
        // As a tool's word: pricing again keeps it.
        billed: Facts { reported: cost, ..Facts::default() },
        ties: Ties::default(),
    })
}

fn body(row: &SqliteRow, column: &str) -> Bytes {
    text(row, column).map(Bytes::from).unwrap_or_default()
}

/// What it wrote of an answer that came in pieces.
fn memchr_streaming(response: &[u8]) -> bool {
    response.windows(12).any(|window| window == b"\"_streaming\"")
}

fn operation(path: &str) -> Operation {
    if path.contains("embed") { Operation::Embeddings } else { Operation::Chat }
}

/// What the user said last.
fn asked(request: &[u8]) -> Option<String> {
    let request: Json = serde_json::from_slice(request).ok()?;
    let messages = request.get("messages")?.as_array()?;
    let said =
        messages.iter().rev().find(|message| message.get("role").is_some_and(|role| role == "user"))?;
    let content = said.get("content")?;
    let text = content.as_str().or_else(|| content.get(0)?.get("text")?.as_str())?;
    let line: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
    (!line.is_empty()).then_some(line)
}

fn tags(row: &SqliteRow) -> Vec<String> {
    let mut tags: Vec<String> =
        text(row, "tags").and_then(|tags| serde_json::from_str(&tags).ok()).unwrap_or_default();
    let mut known = HashSet::new();
    tags.retain(|tag| known.insert(tag.clone()));
    tags
}

fn headers(row: &SqliteRow, column: &str) -> Vec<Header> {
    let headers: Option<serde_json::Map<String, Json>> =
        text(row, column).and_then(|text| serde_json::from_str(&text).ok());
    let value = |value: Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let stays = |name: &String| !SECRET.contains(&name.to_ascii_lowercase().as_str());
    let headers = headers.into_iter().flatten().filter(|(name, _)| stays(name));
    headers.map(|(name, said)| Header { value: value(said), name }).collect()
}

fn span(row: &SqliteRow) -> SpanWrite {
    let start_ms = number(row, "timestamp").unwrap_or_default();
    let start_ns = start_ms.max(0).unsigned_abs().saturating_mul(1_000_000);
    let took_ns =
        number(row, "duration_ms").unwrap_or_default().max(0).unsigned_abs().saturating_mul(1_000_000);
    let id = text(row, "id").unwrap_or_default();
    let mut attributes = object(row, "attributes");
    for (name, column) in [("input.value", "input"), ("output.value", "output")] {
        attributes.extend(text(row, column).map(|said| (name.to_owned(), Value::Text(said))));
    }
    attributes.extend(text(row, "span_type").map(|kind| ("span.type".to_owned(), Value::Text(kind))));
    let failed = number(row, "status").is_some_and(|status| status >= 400);
    let span = Span {
        trace_id: named(&text(row, "trace_id").unwrap_or_else(|| id.clone())),
        span_id: named(&id),
        parent: text(row, "parent_id").map(|parent| named(&parent)),
        name: text(row, "span_name").unwrap_or_else(|| "span".to_owned()),
        start_ns,
        end_ns: start_ns.saturating_add(took_ns),
        attributes: Attributes(attributes),
        status_code: if failed { 2 } else { 0 },
        status_message: text(row, "error").unwrap_or_default(),
        ..Span::default()
    };
    let origin = origin(row);
    SpanWrite { reading: read_span(&span, &origin), span, origin }
}

fn log(row: &SqliteRow) -> LogWrite {
    let ns = |column| {
        let time = number(row, column).unwrap_or_default().max(0).unsigned_abs();
        // Milliseconds, where nobody wrote nanoseconds.
        if time < 1_000_000_000_000_000 { time.saturating_mul(1_000_000) } else { time }
    };
    let record = LogRecord {
        time_ns: ns("timestamp"),
        observed_ns: ns("observed_timestamp"),
        severity_number: number(row, "severity_number")
            .and_then(|level| i32::try_from(level).ok())
            .unwrap_or_default(),
        severity_text: text(row, "severity_text").unwrap_or_default(),
        body: text(row, "body").map_or(Value::Empty, Value::Text),
        attributes: Attributes(object(row, "attributes")),
        trace_id: text(row, "trace_id").map(|trace| named(&trace)),
        span_id: text(row, "span_id").map(|span| named(&span)),
        event_name: text(row, "event_name").unwrap_or_default(),
        ..LogRecord::default()
    };
    let origin = origin(row);
    LogWrite { reading: read_log(&record, &origin), record, origin }
}

fn origin(row: &SqliteRow) -> Arc<Origin> {
    let mut origin = Origin::default();
    origin.resource.attributes = Attributes(object(row, "resource_attributes"));
    let named = origin.resource.attributes.0.iter().any(|(name, _)| name == "service.name");
    if let Some(service) = text(row, "service_name").filter(|_| !named) {
        origin.resource.attributes.0.push(("service.name".to_owned(), Value::Text(service)));
    }
    origin.scope.name = text(row, "scope_name").unwrap_or_default();
    Arc::new(origin)
}

fn object(row: &SqliteRow, column: &str) -> Vec<(String, Value)> {
    let object: Option<serde_json::Map<String, Json>> =
        text(row, column).and_then(|text| serde_json::from_str(&text).ok());
    object.into_iter().flatten().map(|(name, said)| (name, value(said))).collect()
}

fn value(said: Json) -> Value {
    match said {
        Json::Null => Value::Empty,
        Json::Bool(said) => Value::Bool(said),
        Json::Number(said) => {
            said.as_i64().map_or_else(|| Value::Double(said.as_f64().unwrap_or_default()), Value::Int)
        }
        Json::String(said) => Value::Text(said),
        Json::Array(said) => Value::List(said.into_iter().map(value).collect()),
        Json::Object(said) => {
            Value::Map(Attributes(said.into_iter().map(|(name, said)| (name, value(said))).collect()))
        }
    }
}

/// Bytes of an id: its own where it is written in hex, else a hash of it.
fn named<const N: usize>(id: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let hex = id.replace('-', "");
    let digits: Option<Vec<u8>> = (hex.len() == 2 * N && hex.is_ascii())
        .then(|| (0..N).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()).collect())
        .flatten();
    let source = digits.unwrap_or_else(|| blake3::hash(id.as_bytes()).as_bytes().to_vec());
    bytes.iter_mut().zip(source).for_each(|(byte, said)| *byte = said);
    bytes
}

/// A UUID of version 7 for a call that began then and was called so.
fn call_id(started_ms: i64, id: &str) -> Result<CallId, StoreError> {
    let mut bytes: [u8; 16] = [0; 16];
    bytes.copy_from_slice(blake3::hash(id.as_bytes()).as_bytes().split_at(16).0);
    let time = started_ms.max(0).to_be_bytes();
    bytes.iter_mut().zip(time.iter().skip(2)).for_each(|(byte, time)| *byte = *time);
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = *version & 0x0f | 0x70;
    *variant = *variant & 0x3f | 0x80;
    CallId::from_slice(&bytes).ok_or(StoreError::Damaged("a call's id is malformed"))
}

/// Dollars as it wrote them, with what a floating-point number knows of them.
fn pico(dollars: f64) -> Option<i64> {
    let pico = (dollars * 1e12).round();
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    (pico.abs() < 9e18).then_some(pico as i64)
}
