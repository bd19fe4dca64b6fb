//! What others than the proxy told of a call, as its page shows it. Leaves out what was said in it: that stands in the
//! reports themselves.

use api::{CallDetail, CallReport, CallSummary, Conversation, ReportSource, Timing};
use model::telemetry::join::{Mark, Together, Told};
use model::telemetry::{log_conversation, searchable_text, span_conversation};
use sqlx::Row;

use super::load::{body, mark};
use crate::telemetry::{Records, log_id};
use crate::{Store, StoreError};

/// Bytes of a text that are searched.
pub(crate) const LONGEST_TEXT: usize = 1 << 20;

/// A stored report.
struct Stored {
    mark: Mark,
    by: Option<String>,
    told: Told,
}

impl Store {
    /// Adds to a call of the proxy what others told of it.
    pub(crate) async fn add_reports(&self, seq: i64, detail: &mut CallDetail) -> Result<(), StoreError> {
        let stored = self.told_of(seq).await?;
        detail.reports = reports(&stored, &detail.summary);
        let together = Together::new(stored.iter().map(|stored| &stored.told));
        detail.requested_model = detail.requested_model.take().or_else(|| together.requested_model());
        detail.response_id = detail.response_id.take().or_else(|| together.response_id());
        detail.request_id = detail.request_id.take().or_else(|| together.request_id());
        Ok(())
    }

    /// A call that did not go through the proxy. What its cost is made of is not stored.
    pub(crate) async fn told_call(&self, seq: i64, summary: CallSummary) -> Result<CallDetail, StoreError> {
        let stored = self.told_of(seq).await?;
        let together = Together::new(stored.iter().map(|stored| &stored.told));
        let timing = Timing {
            first_token_us: summary.first_token_us,
            end_us: summary.duration_us,
            ..Timing::default()
        };
        let cost = api::Cost { total: summary.cost, source: summary.cost_source, ..api::Cost::default() };
        Ok(CallDetail {
            upstream: String::new(),
            upstream_path: None,
            query: None,
            http_version: String::new(),
            requested_model: together.requested_model(),
            response_id: together.response_id(),
            request_id: together.request_id(),
            credential: None,
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            request_body: api::BodyInfo::default(),
            response_body: api::BodyInfo::default(),
            cost,
            timing,
            translated: None,
            reports: reports(&stored, &summary),
            summary,
        })
    }

    /// The texts whose words were indexed for a call that did not go through the proxy.
    pub(crate) async fn told_texts(
        &self,
        seq: i64,
        records: &mut Records<'_>,
    ) -> Result<Vec<String>, StoreError> {
        let told = self.told_conversations(seq, records).await?;
        Ok(told.iter().map(|said| searchable_text(said, LONGEST_TEXT)).collect())
    }

    /// What was said in a call that did not go through the proxy, as each of its reports tells it by itself.
    pub(crate) async fn told_conversations(
        &self,
        seq: i64,
        records: &mut Records<'_>,
    ) -> Result<Vec<Conversation>, StoreError> {
        let mut told = Vec::new();
        for mark in self.told_of(seq).await?.into_iter().map(|stored| stored.mark) {
            let select = match mark.source {
                ReportSource::Span | ReportSource::Proxy => {
                    "SELECT place, origin FROM span WHERE trace = ? AND id = ?"
                }
                ReportSource::Event => "SELECT place, origin FROM log WHERE time_ns = ? AND hash = ?",
            };
            let select = sqlx::query_as(select).bind(mark.a).bind(mark.b);
            let Some((place, origin)) = select.fetch_optional(&self.inner.read).await? else { continue };
            let origin = self.origin(origin).await?;
            told.extend(match mark.source {
                ReportSource::Span | ReportSource::Proxy => {
                    span_conversation(&records.get(place).await?, &origin)
                }
                ReportSource::Event => log_conversation(&[records.get(place).await?], &origin),
            });
        }
        Ok(told)
    }

    async fn told_of(&self, seq: i64) -> Result<Vec<Stored>, StoreError> {
        let select = "SELECT source, a, b, matched_by, body FROM call_report WHERE call = ?";
        let rows = sqlx::query(select).bind(seq).fetch_all(&self.inner.read).await?;
        let mut stored = Vec::with_capacity(rows.len());
        for row in &rows {
            let mark = mark(row)?;
            if mark.source != ReportSource::Proxy {
                stored.push(Stored { mark, by: row.try_get("matched_by")?, told: body(row)? });
            }
        }
        Ok(stored)
    }
}

fn reports(stored: &[Stored], shown: &CallSummary) -> Vec<CallReport> {
    let reports = stored.iter().map(|Stored { mark, by, told }| {
        let log = (mark.source == ReportSource::Event).then(|| log_id(mark.a, mark.b));
        CallReport { differs: told.differs(shown), ..told.report(log, by.clone()) }
    });
    reports.collect()
}
