//! Calls as files over REST, written while they are read, so that any number of them takes no more room than one page.
//! A file that breaks off is told as such: the answer ends without its last chunk.

mod csv_lines;

use api::{ApiError, BodySide, CallFilter, CallId, Page};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use engine::Engine;
use futures_util::stream;
use http::Uri;
use serde_json::{Map, Value, json};

use super::query::{self, Format};
use super::shape;
use crate::Host;
use crate::error::Failure;

/// Calls that are asked for at once.
const PAGE: u32 = 500;
/// A part of the file goes out when it has so many bytes.
const PART: usize = 256 * 1024;

/// `GET /api/export/calls`: every call with its bodies, a line of JSON each, as `llmflow import` takes them.
pub(crate) async fn calls(State(host): State<Host>) -> Response {
    let pages = stream::try_unfold((host, 0), async |(host, after)| {
        let next =
            host.engine.export_some(after).await.map_err(|error| std::io::Error::other(error.error))?;
        Ok::<_, std::io::Error>(next.map(|(lines, last)| (Bytes::from(lines), (host, last))))
    });
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("content-disposition", "attachment; filename=\"llmflow-calls.jsonl\""),
    ];
    (headers, Body::from_stream(pages)).into_response()
}

/// `GET /api/export`: the former LLMFlow's word on sending what is recorded to other systems; this one has no exporters yet.
pub(crate) async fn exporters() -> Json<Value> {
    Json(json!({
        "enabled": false,
        "endpoints": {"traces": null, "logs": null, "metrics": null},
        "batchSize": 0,
        "flushIntervalMs": 0,
        "hasTraces": false,
        "hasLogs": false,
        "hasMetrics": false,
    }))
}

/// `POST /api/export/flush`.
pub(crate) async fn flush() -> Json<Value> {
    Json(json!({"success": true, "message": "No exporter is set up: there is nothing to send."}))
}

impl Format {
    fn headers(self) -> [(&'static str, &'static str); 2] {
        let (kind, file) = match self {
            Self::Json => ("application/json", "attachment; filename=\"llmflow-traces.json\""),
            Self::Lines => ("application/x-ndjson", "attachment; filename=\"llmflow-traces.jsonl\""),
            Self::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"llmflow-traces.csv\""),
        };
        [("content-type", kind), ("content-disposition", file)]
    }
}

/// `GET /api/traces/export`: the calls that match, newest first, as one JSON document, a line of JSON each
/// (`format=jsonl`) or a table (`format=csv`), with their bodies unless `bodies=false`.
pub(crate) async fn traces(State(host): State<Host>, uri: Uri) -> Result<Response, Failure> {
    let asked = query::export(uri.query().unwrap_or_default())?;
    let format = asked.format;
    let filters = asked.filters.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let file = File {
        engine: host.engine,
        filter: asked.filter,
        format,
        bodies: asked.bodies,
        left: asked.limit,
        skip: asked.offset,
        before: None,
        written: 0,
        filters,
        at: At::Head,
    };
    // What cannot be read at all is an error, not the beginning of a file.
    let (first, file) = file.part().await?;
    let rest = stream::try_unfold(file, async |file| {
        if file.at == At::End {
            return Ok(None);
        }
        let part = file.part().await;
        part.map(|(part, file)| Some((part, file))).map_err(|error| std::io::Error::other(error.error))
    });
    let parts = futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest);
    Ok((format.headers(), Body::from_stream(parts)).into_response())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Head,
    Rows,
    End,
}

/// A file as far as it is written.
struct File {
    engine: Engine,
    filter: CallFilter,
    format: Format,
    bodies: bool,
    left: u64,
    skip: u32,
    before: Option<CallId>,
    written: u64,
    filters: Map<String, Value>,
    at: At,
}

impl File {
    /// What comes next, and where the file stands after it.
    async fn part(mut self) -> Result<(Bytes, Self), ApiError> {
        let mut part = Vec::new();
        if self.at == At::Head {
            self.head(&mut part)?;
            self.at = At::Rows;
        }
        while part.len() < PART && self.at == At::Rows {
            let limit = u32::try_from(self.left).unwrap_or(u32::MAX).min(PAGE);
            let page = Page { limit, offset: std::mem::take(&mut self.skip), before: self.before };
            let calls = match limit {
                0 => Vec::new(),
                _ => self.engine.calls_page(&self.filter, page).await?,
            };
            for call in &calls {
                let mut row = shape::row(call);
                if let Some(row) = row.as_object_mut().filter(|_| self.bodies) {
                    for (name, side) in
                        [("request_body", BodySide::Request), ("response_body", BodySide::Response)]
                    {
                        row.insert(name.to_owned(), self.engine.whole_body(call.id, side).await?.into());
                    }
                }
                self.row(&row, &mut part)?;
            }
            self.left -= calls.len() as u64;
            self.before = calls.last().map(|call| call.id);
            if calls.len() < limit as usize || self.left == 0 {
                self.tail(&mut part)?;
                self.at = At::End;
            }
        }
        Ok((part.into(), self))
    }

    fn head(&self, part: &mut Vec<u8>) -> Result<(), ApiError> {
        match self.format {
            Format::Json => {
                let filters = json(&Value::Object(self.filters.clone()))?;
                let head =
                    format!("{{\"exported_at\":{},\"filters\":{filters},\"traces\":[", engine::days_ago(0));
                part.extend(head.as_bytes());
            }
            Format::Lines => {}
            Format::Csv => csv_lines::head(self.bodies, part)?,
        }
        Ok(())
    }

    fn row(&mut self, row: &Value, part: &mut Vec<u8>) -> Result<(), ApiError> {
        if self.format == Format::Csv {
            csv_lines::row(row, self.bodies, part)?;
        } else {
            if self.format == Format::Json && self.written > 0 {
                part.push(b',');
            }
            part.extend(json(row)?.as_bytes());
            if self.format == Format::Lines {
                part.push(b'\n');
            }
        }
        self.written += 1;
        Ok(())
    }

    fn tail(&self, part: &mut Vec<u8>) -> Result<(), ApiError> {
        if self.format == Format::Json {
            part.extend(format!("],\"count\":{}}}", self.written).as_bytes());
        }
        Ok(())
    }
}

fn json(value: &Value) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(|error| ApiError::new(api::ErrorKind::Internal, error.to_string()))
}
