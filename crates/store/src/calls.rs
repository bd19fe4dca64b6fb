//! Reading calls: a page of a list, one call, its bodies.

use api::{BodyInfo, BodySide, CallDetail, CallFilter, CallId, CallsPage, Page};
use sqlx::{QueryBuilder, Sqlite};

use crate::filter::push_where;
use crate::row::{SUMMARY_COLUMNS, detail, summary};
use crate::{Store, StoreError};

const LARGEST_PAGE: u32 = 1_000;

impl Store {
    /// A page of the calls that match, newest first, and how many match in all.
    pub async fn list_calls(&self, filter: &CallFilter, page: Page) -> Result<CallsPage, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(SUMMARY_COLUMNS).push(" FROM call");
        push_where(&mut query, filter);
        if let Some(before) = page.before {
            query.push(" AND id < ").push_bind(before.as_bytes().to_vec());
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(page.limit.clamp(1, LARGEST_PAGE));
        query.push(" OFFSET ").push_bind(page.offset);
        let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
        let calls = rows.iter().map(summary).collect::<Result<_, _>>()?;
        Ok(CallsPage { calls, total: self.count_calls(filter).await? })
    }

    /// How many calls match.
    pub async fn count_calls(&self, filter: &CallFilter) -> Result<u64, StoreError> {
        if *filter == CallFilter::default() {
            return self.count_model_calls().await;
        }
        let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM call");
        push_where(&mut query, filter);
        let count: i64 = query.build_query_scalar().persistent(false).fetch_one(&self.inner.read).await?;
        Ok(count.unsigned_abs())
    }

    /// All calls but side calls: two counts that read small indices, where a condition would read every row.
    async fn count_model_calls(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM call) - (SELECT count(*) FROM call WHERE operation = 'side_call')",
        )
        .fetch_one(&self.inner.read)
        .await?;
        Ok(count.unsigned_abs())
    }

    /// One call; `None` when there is none of this id.
    pub async fn call(&self, id: CallId) -> Result<Option<CallDetail>, StoreError> {
        let Some(stored) = self.stored(id).await? else { return Ok(None) };
        let mut call = stored.detail;
        let [request, response] = stored.bodies;
        call.request_body = self.body_info(request).await?;
        call.response_body = self.body_info(response).await?;
        Ok(Some(call))
    }

    /// The decoded bytes of one body, exactly as stored; `None` when there is no such call or it has no body.
    pub async fn body(&self, id: CallId, side: BodySide) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(stored) = self.stored(id).await? else { return Ok(None) };
        let [request, response] = stored.bodies;
        let body = match side {
            BodySide::Request => request,
            BodySide::Response => response,
        };
        match body {
            Some(body) => self.body_bytes(body).await.map(Some),
            None => Ok(None),
        }
    }

    async fn stored(&self, id: CallId) -> Result<Option<crate::row::StoredDetail>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(SUMMARY_COLUMNS).push(
            ", upstream, query, http_version, requested_model, response_id, request_id, credential, headers, \
             cost_json, timing, request_body, response_body FROM call LEFT JOIN \
             (SELECT seq AS detail_seq, upstream, query, http_version, requested_model, response_id, request_id, \
              credential, headers, cost AS cost_json, timing, request_body, response_body FROM call_detail) \
             ON detail_seq = seq WHERE id = ",
        );
        query.push_bind(id.as_bytes().to_vec());
        let row = query.build().fetch_optional(&self.inner.read).await?;
        row.as_ref().map(detail).transpose()
    }

    async fn body_info(&self, id: Option<i64>) -> Result<BodyInfo, StoreError> {
        let Some(id) = id else { return Ok(BodyInfo::default()) };
        let info: String = sqlx::query_scalar("SELECT info FROM body WHERE id = ?")
            .bind(id)
            .fetch_one(&self.inner.read)
            .await?;
        Ok(serde_json::from_str(&info)?)
    }
}
