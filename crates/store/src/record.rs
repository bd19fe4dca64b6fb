//! A call's record in a pack: the layouts of its bodies, its answer's text for the search, and everything that is read
//! of one call at a time.
//! Leaves out the row that lists and sums read (`row`).

use api::{BodyInfo, CallDetail, CallSummary, Cost, Header, Timing, Translated};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::layout::{get_bytes, get_u32, put, put_bytes};
use crate::write::CallRecord;

/// What is known of a call beside its row, as JSON. A member that a former version did not write is empty.
#[derive(Serialize)]
struct Written<'a> {
    upstream: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_path: Option<&'a str>,
    query: Option<&'a str>,
    http_version: &'a str,
    requested_model: Option<&'a str>,
    response_id: Option<&'a str>,
    request_id: Option<&'a str>,
    credential: Option<&'a str>,
    request_headers: Vec<(&'a str, &'a str)>,
    response_headers: Vec<(&'a str, &'a str)>,
    request_body: &'a BodyInfo,
    response_body: &'a BodyInfo,
    cost: &'a Cost,
    timing: &'a Timing,
    #[serde(skip_serializing_if = "Option::is_none")]
    translated: Option<&'a Translated>,
    /// The layouts of the client's bodies, of a translated call.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_layouts: Option<&'a [Vec<u8>; 2]>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Read {
    upstream: String,
    upstream_path: Option<String>,
    query: Option<String>,
    http_version: String,
    requested_model: Option<String>,
    response_id: Option<String>,
    request_id: Option<String>,
    credential: Option<String>,
    request_headers: Vec<(String, String)>,
    response_headers: Vec<(String, String)>,
    request_body: BodyInfo,
    response_body: BodyInfo,
    cost: Cost,
    timing: Timing,
    translated: Option<Box<Translated>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Client {
    client_layouts: Option<[Vec<u8>; 2]>,
}

/// A record, its details still coded.
pub(crate) struct Parts<'a> {
    /// Of request and answer. No layout: there was no body.
    pub(crate) layouts: [&'a [u8]; 2],
    /// What the model said, for search.
    pub(crate) answer: &'a [u8],
    /// Where in its pack begins what the call left behind.
    pub(crate) begins: u32,
    details: &'a [u8],
}

/// Codes the record of `call`, whose bytes begin at `begins` of its pack.
pub(crate) fn encode(
    call: &CallRecord,
    layouts: &[Vec<u8>; 2],
    client: Option<&[Vec<u8>; 2]>,
    begins: u32,
) -> Result<Vec<u8>, StoreError> {
    let detail = &call.detail;
    let mut coded = Vec::with_capacity(2_048 + call.answer_text.len());
    layouts.iter().for_each(|layout| put_bytes(&mut coded, layout));
    put_bytes(&mut coded, call.answer_text.as_bytes());
    put(&mut coded, u64::from(begins));
    let written = Written {
        upstream: &detail.upstream,
        // Most paths are the client's.
        upstream_path: detail.upstream_path.as_deref().filter(|path| *path != detail.summary.path),
        query: detail.query.as_deref(),
        http_version: &detail.http_version,
        requested_model: detail.requested_model.as_deref(),
        response_id: detail.response_id.as_deref(),
        request_id: detail.request_id.as_deref(),
        credential: detail.credential.as_deref(),
        request_headers: pairs(&detail.request_headers),
        response_headers: pairs(&detail.response_headers),
        request_body: &detail.request_body,
        response_body: &detail.response_body,
        cost: &detail.cost,
        timing: &detail.timing,
        translated: detail.translated.as_deref(),
        client_layouts: client,
    };
    serde_json::to_writer(&mut coded, &written)?;
    Ok(coded)
}

/// Takes a record apart.
pub(crate) fn parts(mut coded: &[u8]) -> Result<Parts<'_>, StoreError> {
    let layouts = [get_bytes(&mut coded)?, get_bytes(&mut coded)?];
    let answer = get_bytes(&mut coded)?;
    Ok(Parts { layouts, answer, begins: get_u32(&mut coded)?, details: coded })
}

/// The details of the call whose row is `summary`.
pub(crate) fn detail(summary: CallSummary, record: &Parts<'_>) -> Result<CallDetail, StoreError> {
    let read: Read = serde_json::from_slice(record.details)?;
    Ok(CallDetail {
        summary,
        upstream: read.upstream,
        upstream_path: read.upstream_path,
        query: read.query,
        http_version: read.http_version,
        requested_model: read.requested_model,
        response_id: read.response_id,
        request_id: read.request_id,
        credential: read.credential,
        request_headers: headers(read.request_headers),
        response_headers: headers(read.response_headers),
        request_body: read.request_body,
        response_body: read.response_body,
        cost: read.cost,
        timing: read.timing,
        translated: read.translated,
        reports: Vec::new(),
    })
}

/// The ids of answer and request.
pub(crate) fn ids(record: &Parts<'_>) -> Result<(Option<String>, Option<String>), StoreError> {
    let read: Read = serde_json::from_slice(record.details)?;
    Ok((read.response_id, read.request_id))
}

/// The layouts of what the client sent and got, where that was translated.
pub(crate) fn client_layouts(record: &Parts<'_>) -> Result<[Vec<u8>; 2], StoreError> {
    let client: Client = serde_json::from_slice(record.details)?;
    Ok(client.client_layouts.unwrap_or_default())
}

fn pairs(headers: &[Header]) -> Vec<(&str, &str)> {
    headers.iter().map(|header| (header.name.as_str(), header.value.as_str())).collect()
}

fn headers(pairs: Vec<(String, String)>) -> Vec<Header> {
    pairs.into_iter().map(|(name, value)| Header { name, value }).collect()
}
