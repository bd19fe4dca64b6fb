//! Reading what was written before there were packs: a row a body, a segment, an element of an array. Nothing is
//! written here but that its text, once indexed, leaves the backlog.

use std::collections::HashMap;

use api::{BodyInfo, BodySide, CallDetail, CallSummary, Cost, Header, Timing};
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::layout::{append_patched, get};
use crate::write::BEGIN;
use crate::{Store, StoreError, packing};

const DAMAGED: StoreError = StoreError::Damaged("a body's layout has an unknown part");
/// No segment is larger than this; a larger claim is damage.
const LARGEST_SEGMENT: usize = 1 << 30;
const LARGEST_DETAIL: usize = 64 << 20;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Text of one segment beyond this is not indexed.
const LARGEST_TEXT: usize = 1 << 20;
/// Calls indexed in one transaction.
const CALLS: i64 = 64;

impl Store {
    /// What is known of the call in row `seq`. One that never ended has no details.
    pub(crate) async fn former_call(&self, seq: i64, summary: CallSummary) -> Result<CallDetail, StoreError> {
        let mut call = CallDetail {
            summary,
            upstream: String::new(),
            upstream_path: None,
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
            translated: None,
            reports: Vec::new(),
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
            // Nothing was translated then.
            BodySide::ClientRequest | BodySide::ClientResponse => return Ok(None),
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
                said.push(self.segment(id(&mut coded)?).await?);
            }
            texts.insert(seq, text_of(answer, &said));
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
    // Into the index that has positions: there is no record that a phrase could be looked for in.
    for (seq, text) in texts {
        let insert = sqlx::query("INSERT OR REPLACE INTO call_text (rowid, text) VALUES (?, ?)");
        insert.bind(*seq).bind(text).execute(&mut *transaction).await?;
    }
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

fn text_of(mut text: String, said: &[Vec<u8>]) -> String {
    for segment in said {
        text.push('\n');
        text.push_str(&model::text::searchable(segment, LARGEST_TEXT));
    }
    text
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

#[cfg(test)]
mod tests {
    use api::{CallFilter, CallId, Page};
    use sqlx::migrate::Migrator;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::layout::{Patch, encode_patches};
    use crate::open::{APPLICATION_ID, MIGRATIONS};

    const CALL: &str = r#"
        INSERT INTO call (seq, id, started_ms, state, failed, provider, operation, method, path, streamed,
            usage_source, cost_source)
        VALUES (1, x'00000000000000000000000000000001', 5, 'complete', 0, 'anthropic', 'chat', 'POST', '/', 0,
            'provider', 'unknown');
        INSERT INTO call_detail (seq, upstream, http_version, headers, cost, timing, request_body, response_body)
        VALUES (1, 'api.anthropic.com', 'HTTP/1.1', CAST('[[{"name":"a","value":"b"}],[]]' AS BLOB), '{}',
            CAST('{"end_us":9}' AS BLOB), 7, 8);
        INSERT INTO body (id, info, layout) VALUES (7, '{"wire_bytes":3}', x'000101020004'),
            (8, '{"wire_bytes":4}', x'0005');
        INSERT INTO node (id, key, parent, segment, patch) VALUES (1, x'01', NULL, 2, NULL);
        INSERT INTO text_backlog (seq, segments, answer) VALUES (1, x'0203', 'the quick brown fox');
    "#;
    const SEGMENTS: [&str; 5] = [
        r#"{"messages":["#,
        r#"{"role":"user","content":"why is the flaky test slow, and slow, and slow again, as slow as that"}"#,
        r#",{"role":"user","content":[{"text":"Grüße"}]}"#,
        "]}",
        "answer",
    ];
    const MARKER: &str = r#","cache_control":{"type":"ephemeral"}"#;

    /// A database of the version before this one, with one call.
    async fn former(path: &std::path::Path) {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .pragma("application_id", APPLICATION_ID.to_string());
        let mut database = SqliteConnection::connect_with(&options).await.unwrap();
        let before = MIGRATIONS.iter().filter(|migration| migration.version < 4).cloned().collect();
        Migrator::with_migrations(before).run(&mut database).await.unwrap();
        sqlx::raw_sql(CALL).execute(&mut database).await.unwrap();
        for (number, text) in (1_i64..).zip(SEGMENTS) {
            let packed = (number == 2).then(|| packing::pack(text.as_bytes()).unwrap());
            let insert = sqlx::query("INSERT INTO segment VALUES (?, ?, ?, ?, ?)")
                .bind(number)
                .bind(vec![u8::try_from(number).unwrap(); 32])
                .bind(i64::try_from(text.len()).unwrap())
                .bind(packed.is_some())
                .bind(packed.unwrap_or_else(|| text.as_bytes().to_vec()));
            insert.execute(&mut database).await.unwrap();
        }
        let at = SEGMENTS[2].find("}]").unwrap();
        let patch = encode_patches(&[Patch { at, bytes: MARKER.into() }]);
        let node =
            sqlx::query("INSERT INTO node (id, key, parent, segment, patch) VALUES (2, x'02', 1, 3, ?)");
        node.bind(patch).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    }

    #[tokio::test]
    async fn what_the_version_before_wrote_is_read_and_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        former(&path).await;
        let store = Store::open(&path).await.unwrap().0;
        let id = CallId::from_slice(&1_u128.to_be_bytes()).unwrap();
        let body = async |side| String::from_utf8(store.body(id, side).await.unwrap().unwrap()).unwrap();
        let marked = SEGMENTS[2].replace("}]", &format!("{MARKER}}}]"));
        assert_eq!(
            body(BodySide::Request).await,
            format!("{}{}{marked}{}", SEGMENTS[0], SEGMENTS[1], SEGMENTS[3])
        );
        assert_eq!(body(BodySide::Response).await, SEGMENTS[4]);
        let call = store.call(id).await.unwrap().unwrap();
        assert_eq!((call.upstream.as_str(), call.timing.end_us), ("api.anthropic.com", Some(9)));
        assert_eq!((call.request_body.wire_bytes, call.response_body.wire_bytes), (3, 4));
        assert_eq!(call.request_headers, [Header { name: "a".into(), value: "b".into() }]);

        let found = async |text: &str| {
            let filter = CallFilter { text: Some(text.into()), ..CallFilter::default() };
            store.list_calls(&filter, Page::default()).await.unwrap().total
        };
        assert_eq!((found("flaky").await, store.search_lag().await.unwrap().calls), (0, 1));
        assert_eq!(store.index_some().await.unwrap(), 1);
        assert_eq!(store.index_some().await.unwrap(), 0);
        assert_eq!((found("grusse").await, found("gruße").await, found("fla slo").await), (0, 1, 1));
        assert_eq!((found("\"quick brown\"").await, found("\"brown quick\"").await), (1, 0));

        // Deleted, nothing of it is left: no segment, no node, no word.
        store.erase(&api::Erase::Call(id)).await.unwrap();
        store.tidy().await.unwrap();
        for table in ["segment", "node", "body", "call_detail"] {
            assert_eq!(store.count(table, "").await.unwrap(), 0, "{table}");
        }
        store.close().await.unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(5).any(|window| window == b"flaky"));
    }
}
