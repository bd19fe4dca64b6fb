//! Calls as lines of JSON, for other programs and other LLMFlows: everything known of a call, its bodies as text, or as
//! base64 where they are none. Of a call that only reports tell of, what they say was said stands in the place of bodies.
//! Leaves out files and copies of the whole database (`backup`).

use api::{BodyInfo, BodySide, CallDetail, Conversation, ReportSource};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::pricing::Facts;
use serde::{Deserialize, Serialize};

use crate::join::LONGEST_TEXT;
use crate::layout::Place;
use crate::lineage::Ties;
use crate::pack::Reader;
use crate::telemetry::Records;
use crate::write::Body;
use crate::{CallRecord, Store, StoreError, Write, record};

/// Calls in one answer.
const CALLS: i64 = 32;
/// Calls in one transaction.
const BATCH: usize = 64;
/// What stands in each line, so that a file of something else is known to be that.
const FORMAT: &str = "llmflow.call.1";
/// The last millisecond of the year 9999: beyond it and before 1970 no call began, and no date is written.
const LAST_MS: i64 = 253_402_300_799_999;
/// Lines that are named which are no calls.
const NAMED: usize = 10;

/// A call's id, its row, where its record stands, if it has one, and what it was priced by.
type Exported = (Vec<u8>, i64, Option<i64>, Option<u32>, Option<u32>, Option<String>);

/// A line.
#[derive(Serialize, Deserialize)]
struct Line {
    format: String,
    call: CallDetail,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_request: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_response: Option<Text>,
    /// What the model said.
    #[serde(default)]
    answer: String,
    /// What it was priced by.
    #[serde(default)]
    billed: Facts,
}

impl Line {
    /// Puts what reports told in the place of bodies, each side from the first of them that knows it.
    fn tell(&mut self, told: &[Conversation]) -> Result<(), StoreError> {
        let asked = told.iter().find(|said| !said.messages.is_empty());
        let answered = told.iter().find(|said| !said.answer.is_empty());
        let info = |text: &str| BodyInfo {
            wire_bytes: text.len() as u64,
            stored_bytes: text.len() as u64,
            content_type: Some("application/json".to_owned()),
            // It is not what went over any wire.
            inexact: true,
            ..BodyInfo::default()
        };
        if let Some(asked) = asked {
            let asked = Conversation { answer: Vec::new(), ..asked.clone() };
            let text = serde_json::to_string(&asked)?;
            (self.call.request_body, self.request) = (info(&text), Some(Text::Text(text)));
        }
        if let Some(answered) = answered {
            let answered = Conversation { answer: answered.answer.clone(), ..Conversation::default() };
            self.answer = model::telemetry::searchable_text(&answered, LONGEST_TEXT);
            let text = serde_json::to_string(&answered)?;
            (self.call.response_body, self.response) = (info(&text), Some(Text::Text(text)));
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Text {
    Text(String),
    Base64(String),
}

impl Text {
    fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Base64(STANDARD.encode(error.as_bytes())),
        }
    }

    fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.into_bytes()),
            Self::Base64(text) => STANDARD.decode(text).ok(),
        }
    }
}

/// What became of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Calls that were taken in.
    pub calls: u64,
    /// Calls that are there already.
    pub known: u64,
    /// Lines that are no calls.
    pub unreadable: u64,
    /// Which the first of them are, and why.
    pub named: Vec<String>,
}

impl Imported {
    /// Adds what became of more lines.
    pub fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.known += more.known;
        self.unreadable += more.unreadable;
        self.named.extend(more.named);
        self.named.truncate(NAMED);
    }

    /// Notes something that is no call: what, where, and why.
    pub(crate) fn refuse(&mut self, what: impl FnOnce() -> String) {
        self.unreadable += 1;
        if self.named.len() < NAMED {
            self.named.push(what());
        }
    }
}

/// Whether a call can have begun then.
pub(crate) fn is_possible(started_ms: i64) -> bool {
    (0..=LAST_MS).contains(&started_ms)
}

impl Store {
    /// The calls after the one with the number `after`, a line each, and the last one's number; `None` when there are no
    /// more. Calls under way are left out. `explained` says what a cost is made of where that is not stored.
    pub async fn export_some(
        &self,
        after: i64,
        explained: &(dyn Fn(CallDetail) -> CallDetail + Send + Sync),
    ) -> Result<Option<(String, i64)>, StoreError> {
        let select = "SELECT id, call.seq, pack, at, len, billed FROM call LEFT JOIN call_record ON call_record.seq = call.seq \
            WHERE call.seq > ? AND state != 'open' ORDER BY call.seq LIMIT ?";
        let rows: Vec<Exported> =
            sqlx::query_as(select).bind(after).bind(CALLS).fetch_all(&self.inner.read).await?;
        let Some((_, last, ..)) = rows.last() else { return Ok(None) };
        let (last, mut lines, mut reader) = (*last, String::new(), Reader::new(self));
        let mut records = Records::new(self);
        for (id, seq, pack, at, len, billed) in rows {
            let id = api::CallId::from_slice(&id).ok_or(StoreError::Damaged("a call's id is malformed"))?;
            let Some(call) = self.call(id).await? else { continue };
            let body = async |side| Ok::<_, StoreError>(self.body(id, side).await?.map(Text::of));
            let answer = match (pack, at, len) {
                (Some(pack), Some(at), Some(len)) => {
                    let coded = reader.stretch(Place { pack, at, len }).await?;
                    String::from_utf8_lossy(record::parts(&coded)?.answer).into_owned()
                }
                _ => String::new(),
            };
            let mut line = Line {
                format: FORMAT.to_owned(),
                request: body(BodySide::Request).await?,
                response: body(BodySide::Response).await?,
                client_request: body(BodySide::ClientRequest).await?,
                client_response: body(BodySide::ClientResponse).await?,
                answer,
                billed: billed.and_then(|facts| serde_json::from_str(&facts).ok()).unwrap_or_default(),
                call: explained(call),
            };
            if pack.is_none() && !line.call.summary.sources.contains(&ReportSource::Proxy) {
                line.tell(&self.told_conversations(seq, &mut records).await?)?;
            }
            lines.push_str(&serde_json::to_string(&line)?);
            lines.push('\n');
        }
        Ok(Some((lines, last)))
    }

    /// Takes lines in, of which the first is the one with the number `first`. What is there already stays as it is.
    pub async fn import_lines(&self, lines: &str, first: u64) -> Result<Imported, StoreError> {
        let mut imported = Imported::default();
        let mut records = Vec::new();
        for (number, line) in (first..).zip(lines.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            match read(line) {
                Ok(record) => records.push(record),
                Err(reason) => imported.refuse(|| format!("line {number} {reason}")),
            }
        }
        imported.add(self.import_records(records).await?);
        Ok(imported)
    }

    /// Takes calls in that other programs recorded.
    pub(crate) async fn import_records(&self, records: Vec<CallRecord>) -> Result<Imported, StoreError> {
        let mut imported = Imported::default();
        let mut batch = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for record in records {
            let id = record.detail.summary.id;
            let there = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM call WHERE id = ?)");
            let there: bool = there.bind(id.as_bytes().to_vec()).fetch_one(&self.inner.read).await?;
            if there || !seen.insert(id) {
                imported.known += 1;
                continue;
            }
            imported.calls += 1;
            batch.push(Write::Close(Box::new(record)));
            if batch.len() == BATCH {
                self.write(&std::mem::take(&mut batch)).await?;
            }
        }
        if !batch.is_empty() {
            self.write(&batch).await?;
        }
        Ok(imported)
    }
}

/// Reads a line; an error says what is wrong with it.
fn read(line: &str) -> Result<CallRecord, &'static str> {
    const NONE: &str = "is no call of LLMFlow's";
    let line: Line = serde_json::from_str(line).map_err(|_| NONE)?;
    if line.format != FORMAT {
        return Err(NONE);
    }
    if !is_possible(line.call.summary.started_ms) {
        return Err("is of a call that began before 1970 or after 9999");
    }
    call(line).ok_or(NONE)
}

fn call(line: Line) -> Option<CallRecord> {
    let body = |text: Option<Text>, segmented| {
        let bytes = text.map_or_else(|| Some(Vec::new()), Text::bytes)?;
        Some(Body { bytes: bytes.into(), segmented })
    };
    let mut detail = line.call;
    let client = match (line.client_request, line.client_response) {
        (None, None) => None,
        (request, response) => Some(Box::new([body(request, true)?, body(response, false)?])),
    };
    // The reports themselves stay where they were sent; that they told of it is known here too.
    detail.reports = Vec::new();
    if detail.summary.sources.is_empty() {
        detail.summary.sources = vec![ReportSource::Proxy];
    }
    detail.summary.in_trace = None;
    Some(CallRecord {
        request: body(line.request, true)?,
        response: body(line.response, false)?,
        client,
        answer_text: line.answer,
        billed: line.billed,
        ties: Ties { holder: detail.credential.clone().unwrap_or_default(), ..Ties::default() },
        detail,
    })
}
