//! Rows of the table `log`: making and writing them, those that were sent twice once.

use std::collections::HashSet;

use model::telemetry::reading::{LogKind, LogReading};
use model::telemetry::wire::{LogRecord, Value};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::packs::Spot;
use super::prepare::span_key;
use super::remove::put_orphans;
use super::{Hash, short, signed};
use crate::StoreError;
use crate::row::statements;

/// Rows in one statement, of 17 columns each.
const ROWS: usize = 64;
/// Characters of the line that a list shows.
const LONGEST: usize = 1_000;
/// Characters of a name that a row keeps.
const LONGEST_NAME: usize = 300;

/// A row whose trace and origin are numbers in their batch.
#[derive(Debug)]
pub(super) struct LogRow {
    pub(super) time_ns: i64,
    pub(super) hash: i64,
    pub(super) origin: usize,
    severity: i64,
    kind: i64,
    event: Option<String>,
    text: String,
    pub(super) trace: Option<usize>,
    span: Option<i64>,
    session: Option<String>,
    prompt: Option<String>,
    agent: Option<String>,
    agent_name: Option<String>,
    tool_call: Option<String>,
    failed: Option<bool>,
    duration_us: Option<i64>,
    pub(super) spot: Spot,
}

/// A row with its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyed<'a> {
    pub(super) origin: i64,
    pub(super) trace: Option<i64>,
    pub(super) place: i64,
    pub(super) row: &'a LogRow,
}

impl LogRow {
    pub(super) fn new(
        record: LogRecord,
        reading: LogReading,
        origin: usize,
        trace: Option<usize>,
        hash: i64,
        spot: Spot,
        now_ns: i64,
    ) -> Self {
        let time_ns = match (record.time_ns, record.observed_ns) {
            (0, 0) => now_ns,
            (0, observed) => signed(observed),
            (time, _) => signed(time),
        };
        let text = reading.title.or_else(|| line(record.body)).or_else(|| reading.event.clone());
        let whose = reading.whose;
        let (tool_call, failed, duration_us) = match reading.tool {
            Some(tool) => (tool.call_id, tool.success.map(|success| !success), tool.duration_us),
            None => (None, None, None),
        };
        Self {
            time_ns,
            hash,
            origin,
            severity: i64::from(record.severity_number.clamp(0, 24)),
            kind: kind(reading.kind),
            event: reading.event.map(|event| short(event, LONGEST_NAME)),
            text: text.map(|text| short(one_line(text), LONGEST)).unwrap_or_default(),
            trace,
            span: record.span_id.map(span_key),
            session: whose.session.filter(|session| !session.is_empty()),
            prompt: whose.prompt,
            agent: whose.agent,
            agent_name: whose.agent_name,
            tool_call,
            failed,
            duration_us: duration_us.map(signed),
            spot,
        }
    }
}

/// What names a record among those of its moment: what it says, and how many equal ones stand before it.
pub(super) fn hash_of(said: Hash, before: u64) -> i64 {
    let (half, _) = said.split_at(8);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(half);
    let said = u64::from_le_bytes(bytes);
    // An odd factor: different numbers of equal ones never meet.
    (said ^ before.wrapping_mul(0x9e37_79b9_7f4a_7c15)).cast_signed()
}

/// The number that the table keeps for a kind.
pub(crate) fn kind(kind: LogKind) -> i64 {
    match kind {
        LogKind::Other => 0,
        LogKind::Prompt => 1,
        LogKind::Call => 2,
        LogKind::Tool => 3,
        LogKind::Decision => 4,
        LogKind::Answer => 5,
        LogKind::Error => 6,
        LogKind::Session => 7,
    }
}

/// A body as text; `None` when it says nothing.
fn line(body: Value) -> Option<String> {
    match body {
        Value::Empty => None,
        Value::Text(text) => (!text.trim().is_empty()).then_some(text),
        other => Some(plainly(&other)),
    }
}

/// A value as text.
pub(super) fn plainly(value: &Value) -> String {
    let mut text = String::new();
    plain(value, &mut text);
    text
}

/// A value as a line, as long as a list shows it.
fn plain(value: &Value, text: &mut String) {
    use std::fmt::Write;
    if text.len() > 4 * LONGEST {
        return;
    }
    // Writing to a text cannot fail.
    let _ = match value {
        Value::Empty => write!(text, "null"),
        Value::Text(said) => {
            write!(text, "{}", said.get(..said.floor_char_boundary(4 * LONGEST)).unwrap_or_default())
        }
        Value::Bool(value) => write!(text, "{value}"),
        Value::Int(value) => write!(text, "{value}"),
        Value::Double(value) => write!(text, "{value}"),
        Value::Bytes(bytes) => write!(text, "{} bytes", bytes.len()),
        Value::List(values) => {
            text.push('[');
            for (number, value) in values.iter().enumerate() {
                text.push_str(if number > 0 { ", " } else { "" });
                plain(value, text);
            }
            write!(text, "]")
        }
        Value::Map(values) => {
            for (number, (key, value)) in values.0.iter().enumerate() {
                text.push_str(if number > 0 { " " } else { "" });
                text.push_str(key);
                text.push('=');
                plain(value, text);
            }
            Ok(())
        }
    };
}

/// Whatever breaks a line becomes a space.
fn one_line(text: String) -> String {
    if text.bytes().any(|byte| byte < b' ') { text.replace(|letter: char| letter < ' ', " ") } else { text }
}

/// Writes rows, and says of each whether it was not there.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    rows: &[Keyed<'_>],
) -> Result<Vec<bool>, StoreError> {
    let mut new = Vec::with_capacity(rows.len());
    for some in statements(rows, ROWS) {
        if insert(connection, some).await? == some.len() as u64 {
            new.extend(some.iter().map(|_| true));
            continue;
        }
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT time_ns, hash, place FROM log WHERE (time_ns, hash) IN (");
        query.push_values(some, |mut columns, keyed| {
            columns.push_bind(keyed.row.time_ns).push_bind(keyed.row.hash);
        });
        query.push(")");
        let there: Vec<(i64, i64, i64)> = query.build_query_as().fetch_all(&mut *connection).await?;
        let there: HashSet<(i64, i64, i64)> = there.into_iter().collect();
        let is_new = |keyed: &Keyed<'_>| there.contains(&(keyed.row.time_ns, keyed.row.hash, keyed.place));
        new.extend(some.iter().map(is_new));
        let twice = some.iter().filter(|keyed| !is_new(keyed)).map(|keyed| keyed.place);
        put_orphans(connection, &twice.collect::<Vec<_>>()).await?;
    }
    Ok(new)
}

async fn insert(connection: &mut SqliteConnection, rows: &[Keyed<'_>]) -> Result<u64, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO log (time_ns, hash, origin, severity, kind, event, text, trace, span, session, prompt, \
         agent, agent_name, ref, failed, duration_us, place) ",
    );
    query.push_values(rows, |mut columns, Keyed { origin, trace, place, row }| {
        columns
            .push_bind(row.time_ns)
            .push_bind(row.hash)
            .push_bind(*origin)
            .push_bind(row.severity)
            .push_bind(row.kind)
            .push_bind(row.event.as_deref())
            .push_bind(row.text.as_str())
            .push_bind(*trace)
            .push_bind(row.span)
            .push_bind(row.session.as_deref())
            .push_bind(row.prompt.as_deref())
            .push_bind(row.agent.as_deref())
            .push_bind(row.agent_name.as_deref())
            .push_bind(row.tool_call.as_deref())
            .push_bind(row.failed)
            .push_bind(row.duration_us)
            .push_bind(*place);
    });
    // The same record sent again says the same.
    query.push(" ON CONFLICT DO NOTHING");
    Ok(query.build().execute(connection).await?.rows_affected())
}
