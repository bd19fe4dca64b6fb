//! Reading what was written before there were packs: a row a body, a segment, an element of an array. Nothing is
//! written here but that its text, once indexed, leaves the backlog.

use std::collections::HashMap;

use api::{BodyInfo, BodySide, CallDetail, CallSummary, Cost, Header, Timing};
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::layout::{append_patched, get};
use crate::write::BEGIN;
use crate::{Store, StoreError, packing, text};

const DAMAGED: StoreError = StoreError::Damaged("a body's layout has an unknown part");
/// No segment is larger than this; a larger claim is damage.
const LARGEST_SEGMENT: usize = 1 << 30;
const LARGEST_DETAIL: usize = 64 << 20;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Calls indexed in one transaction.
const CALLS: i64 = 64;

impl Store {
    /// What is known of the call in row `seq`. One that never ended has no details.
    pub(crate) async fn former_call(&self, seq: i64, summary: CallSummary) -> Result<CallDetail, StoreError> {
        let mut call = CallDetail {
            summary,
            upstream: String::new(),
            query: None,
            http_version: String::new(),
            requested_model: None,
            response_id: None,
            request_id: None,
            credential: None,
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            request_body: BodyInfo::default(),
            response_body: BodyInfo::default(),
            cost: Cost::default(),
            timing: Timing::default(),
        };
        let details = sqlx::query("SELECT * FROM call_detail WHERE seq = ?").bind(seq);
        let Some(row) = details.fetch_optional(&self.inner.read).await? else { return Ok(call) };
        let headers: (Vec<Header>, Vec<Header>) = unpack(row.try_get("headers")?)?;
        (call.request_headers, call.response_headers) = headers;
        call.upstream = row.try_get("upstream")?;
        call.query = row.try_get("query")?;
        call.http_version = row.try_get("http_version")?;
        call.requested_model = row.try_get("requested_model")?;
        call.response_id = row.try_get("response_id")?;
        call.request_id = row.try_get("request_id")?;
        call.credential = row.try_get("credential")?;
        call.cost = serde_json::from_str(row.try_get("cost")?)?;
        call.timing = unpack(row.try_get("timing")?)?;
        call.request_body = self.body_info(row.try_get("request_body")?).await?;
        call.response_body = self.body_info(row.try_get("response_body")?).await?;
        Ok(call)
    }

    async fn body_info(&self, id: Option<i64>) -> Result<BodyInfo, StoreError> {
        let Some(id) = id else { return Ok(BodyInfo::default()) };
        let info = sqlx::query_scalar("SELECT info FROM body WHERE id = ?").bind(id);
        let info: String = info.fetch_one(&self.inner.read).await?;
        Ok(serde_json::from_str(&info)?)
    }

    /// The bytes of one body of the call in row `seq`.
    pub(crate) async fn former_body(&self, seq: i64, side: BodySide) -> Result<Option<Vec<u8>>, StoreError> {
        let layout = match side {
            BodySide::Request => {
                "SELECT layout FROM body WHERE id = (SELECT request_body FROM call_detail WHERE seq = ?)"
            }
            BodySide::Response => {
                "SELECT layout FROM body WHERE id = (SELECT response_body FROM call_detail WHERE seq = ?)"
            }
        };
        let layout: Option<Vec<u8>> =
            sqlx::query_scalar(layout).bind(seq).fetch_optional(&self.inner.read).await?;
        let Some(layout) = layout else { return Ok(None) };
        let (mut coded, mut body) = (layout.as_slice(), Vec::new());
        while let Some((tag, rest)) = coded.split_first() {
            coded = rest;
            let id = id(&mut coded)?;
            match tag {
                0 => body.extend_from_slice(&self.segment(id).await?),
                1 => self.append_chain(id, &mut body).await?,
                _ => return Err(DAMAGED),
            }
        }
        Ok(Some(body))
    }

    async fn segment(&self, id: i64) -> Result<Vec<u8>, StoreError> {
        let segment = sqlx::query("SELECT raw_len, packed, bytes FROM segment WHERE id = ?").bind(id);
        segment_bytes(&segment.fetch_one(&self.inner.read).await?)
    }

    async fn append_chain(&self, node: i64, body: &mut Vec<u8>) -> Result<(), StoreError> {
        let path = "WITH RECURSIVE path (id, parent, segment, patch, depth) AS (
                SELECT id, parent, segment, patch, 0 FROM node WHERE id = ?
                UNION ALL
                SELECT node.id, node.parent, node.segment, node.patch, depth + 1
                FROM path JOIN node ON node.id = path.parent
            )
            SELECT path.patch, raw_len, packed, bytes FROM path JOIN segment ON segment.id = path.segment
            ORDER BY depth DESC";
        for row in sqlx::query(path).bind(node).fetch_all(&self.inner.read).await? {
            let patch: Option<Vec<u8>> = row.try_get("patch")?;
            append_patched(body, &segment_bytes(&row)?, patch.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }

    /// Indexes some calls of the backlog that a former version left; how many. Call again until it says 0.
    pub async fn index_some(&self) -> Result<usize, StoreError> {
        let select = "SELECT seq, segments, answer FROM text_backlog ORDER BY seq LIMIT ?";
        let waiting: Vec<(i64, Vec<u8>, String)> =
            sqlx::query_as(select).bind(CALLS).fetch_all(&self.inner.read).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let mut texts = HashMap::new();
        for (seq, segments, answer) in waiting {
            let (mut coded, mut said) = (segments.as_slice(), Vec::new());
            while !coded.is_empty() {
                said.push(self.segment(id(&mut coded)?).await?.into());
            }
            texts.insert(seq, text::words(&answer, &said));
        }
        let mut writer = self.inner.writer.lock().await;
        let indexed = index(writer.connection()?, &texts).await;
        if indexed.is_err() {
            writer.recover().await?;
        }
        indexed.map(|()| texts.len())
    }
}

/// Takes these texts into the index and out of the backlog.
async fn index(connection: &mut SqliteConnection, texts: &HashMap<i64, String>) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    let rows: Vec<(i64, &str)> = texts.iter().map(|(seq, text)| (*seq, text.as_str())).collect();
    text::put(&mut transaction, &rows).await?;
    let mut delete = QueryBuilder::<Sqlite>::new("DELETE FROM text_backlog WHERE seq IN (");
    let mut list = delete.separated(", ");
    for seq in texts.keys() {
        list.push_bind(*seq);
    }
    list.push_unseparated(")");
    delete.build().persistent(false).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

fn id(coded: &mut &[u8]) -> Result<i64, StoreError> {
    i64::try_from(get(coded)?).map_err(|_| DAMAGED)
}

fn segment_bytes(row: &SqliteRow) -> Result<Vec<u8>, StoreError> {
    let (raw_len, packed, bytes): (i64, bool, Vec<u8>) =
        (row.try_get("raw_len")?, row.try_get("packed")?, row.try_get("bytes")?);
    if !packed {
        return Ok(bytes);
    }
    let raw_len = usize::try_from(raw_len).ok().filter(|len| *len <= LARGEST_SEGMENT);
    packing::unpack(&bytes, raw_len.ok_or(StoreError::Damaged("a segment's length is wrong"))?)
}

/// JSON, compressed or not: it never begins as zstd does.
fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T, StoreError> {
    if packed.starts_with(&ZSTD_MAGIC) {
        return Ok(serde_json::from_slice(&packing::unpack(packed, LARGEST_DETAIL)?)?);
    }
    Ok(serde_json::from_slice(packed)?)
}
