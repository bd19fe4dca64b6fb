//! Reading calls: a page of a list, one call, its bodies.

use api::{BodySide, CallDetail, CallFilter, CallId, CallSummary, CallsPage, Page, ReportSource};
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::bodies::put_together;
use crate::counts::{Counted, push_quarters};
use crate::filter::{push_newest_where, push_where};
use crate::layout::Place;
use crate::pack::Reader;
use crate::row::{SUMMARY_COLUMNS, summary};
use crate::text::common::Order;
use crate::text::find::Found;
use crate::{Store, StoreError, record};

const LARGEST_PAGE: u32 = 1_000;

impl Store {
    /// A page of the calls that match, newest first, and how many match in all.
    pub async fn list_calls(&self, filter: &CallFilter, page: Page) -> Result<CallsPage, StoreError> {
        let found = self.find(filter).await?;
        let total = self.count_found(filter, found.as_ref()).await?;
        if total <= u64::from(page.offset) {
            return Ok(CallsPage {
                calls: Vec::new(),
                total,
                reading: found.and_then(|found| found.reading),
            });
        }
        let quarters = self.quarters(filter, total).await?;
        let calls = self.page(filter, found.as_ref(), page, quarters).await?;
        Ok(CallsPage { calls, total, reading: found.and_then(|found| found.reading) })
    }

    /// A page of the calls that match, newest first. Who reads all pages of a large store need not count it for each.
    pub async fn calls_page(&self, filter: &CallFilter, page: Page) -> Result<Vec<CallSummary>, StoreError> {
        let found = self.find(filter).await?;
        self.page(filter, found.as_ref(), page, None).await
    }

    async fn page(
        &self,
        filter: &CallFilter,
        found: Option<&Found>,
        page: Page,
        quarters: Option<String>,
    ) -> Result<Vec<CallSummary>, StoreError> {
        let limit = page.limit.clamp(1, LARGEST_PAGE);
        let before = page.before.as_ref().map(|before| before.as_bytes().as_slice());
        let mut attempt = 0;
        loop {
            let recent =
                self.recent(found, Order::Id(before), limit.saturating_add(page.offset), attempt).await?;
            let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
            query.push(SUMMARY_COLUMNS).push(" FROM call");
            if quarters.is_some() {
                // Found by their rows alone.
                query.push(" NOT INDEXED");
            }
            push_newest_where(&mut query, filter, found, recent.as_ref());
            if let Some(quarters) = &quarters {
                push_quarters(&mut query, quarters);
            }
            if let Some(before) = before {
                query.push(" AND id < ").push_bind(before.to_vec());
            }
            query.push(" ORDER BY id DESC LIMIT ").push_bind(limit).push(" OFFSET ").push_bind(page.offset);
            let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
            // Too few of the newest have it: then more are looked at.
            if rows.len() >= limit as usize || recent.is_none() {
                return rows.iter().map(summary).collect();
            }
            attempt += 1;
        }
    }

    /// How many calls match.
    pub async fn count_calls(&self, filter: &CallFilter) -> Result<u64, StoreError> {
        let found = self.find(filter).await?;
        self.count_found(filter, found.as_ref()).await
    }

    pub(crate) async fn count_found(
        &self,
        filter: &CallFilter,
        found: Option<&Found>,
    ) -> Result<u64, StoreError> {
        if let Some(count) = self.count_quickly(filter, found).await? {
            return Ok(count);
        }
        let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM call");
        push_where(&mut query, filter, found);
        let count: i64 = query.build_query_scalar().persistent(false).fetch_one(&self.inner.read).await?;
        Ok(count.unsigned_abs())
    }

    /// How many match, where that is known without looking at each call that might.
    pub(crate) async fn count_quickly(
        &self,
        filter: &CallFilter,
        found: Option<&Found>,
    ) -> Result<Option<u64>, StoreError> {
        if *filter == CallFilter::default() {
            return self.count_model_calls().await.map(Some);
        }
        if let Some(counted) = Counted::new(filter) {
            let mut reader = self.inner.read.acquire().await?;
            return counted.count(&mut reader).await.map(Some);
        }
        self.count_common(found).await
    }

    /// Where the `wanted` newest of many are that match and began no later than `last_ms` (see [`push_quarters`]).
    pub(crate) async fn newest_quarters(
        &self,
        filter: &CallFilter,
        wanted: u64,
        last_ms: Option<i64>,
    ) -> Result<Option<String>, StoreError> {
        let Some(counted) = Counted::new(filter) else { return Ok(None) };
        let mut reader = self.inner.read.acquire().await?;
        counted.newest_quarters(&mut reader, wanted, last_ms).await
    }

    /// Of the calls that match, if they are few, in which quarters of an hour they began (see [`push_quarters`]).
    pub(crate) async fn quarters(
        &self,
        filter: &CallFilter,
        count: u64,
    ) -> Result<Option<String>, StoreError> {
        let Some(counted) = Counted::new(filter) else { return Ok(None) };
        let mut reader = self.inner.read.acquire().await?;
        counted.quarters(&mut reader, count).await
    }

    /// One call; `None` when there is none of this id.
    pub async fn call(&self, id: CallId) -> Result<Option<CallDetail>, StoreError> {
        let Some((seq, summary, place)) = self.found(id).await? else { return Ok(None) };
        // One that came from elsewhere has a record of what was told there.
        if place.is_none() && !summary.sources.contains(&ReportSource::Proxy) {
            return self.told_call(seq, summary).await.map(Some);
        }
        let told = summary.sources.len() > 1;
        let mut call = match place {
            Some(place) => {
                let coded = Reader::new(self).stretch(place).await?;
                record::detail(summary, &record::parts(&coded)?)?
            }
            None => self.former_call(seq, summary).await?,
        };
        if told {
            self.add_reports(seq, &mut call).await?;
        }
        if let Some(cost) = self.changed_cost(seq).await? {
            call.cost = cost;
        }
        Ok(Some(call))
    }

    /// The decoded bytes of one body, exactly as stored; `None` when there is no such call or it has no body.
    pub async fn body(&self, id: CallId, side: BodySide) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((seq, summary, place)) = self.found(id).await? else { return Ok(None) };
        let Some(place) = place else { return self.former_body(seq, side).await };
        let mut reader = Reader::new(self);
        let coded = reader.stretch(place).await?;
        let record = record::parts(&coded)?;
        let [request, response] = record.layouts;
        let [client_request, client_response] = match side {
            BodySide::Request | BodySide::Response => <[Vec<u8>; 2]>::default(),
            BodySide::ClientRequest | BodySide::ClientResponse => record::client_layouts(&record)?,
        };
        let layout = match side {
            BodySide::Request => request,
            BodySide::Response => response,
            BodySide::ClientRequest => &client_request,
            BodySide::ClientResponse => &client_response,
        };
        if layout.is_empty() {
            let detail = record::detail(summary, &record)?;
            let client = detail.translated.unwrap_or_default();
            let info = match side {
                BodySide::Request => detail.request_body,
                BodySide::Response => detail.response_body,
                BodySide::ClientRequest => client.request_body,
                BodySide::ClientResponse => client.response_body,
            };
            return Ok((info.wire_bytes > 0).then(Vec::new));
        }
        put_together(&mut reader, place.pack, layout).await.map(Some)
    }

    /// A call's row, and where its record stands.
    async fn found(&self, id: CallId) -> Result<Option<(i64, CallSummary, Option<Place>)>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(SUMMARY_COLUMNS).push(
            ", call.seq AS seq, pack, at, len FROM call LEFT JOIN call_record ON call_record.seq = call.seq \
             WHERE id = ",
        );
        query.push_bind(id.as_bytes().to_vec());
        let Some(row) = query.build().fetch_optional(&self.inner.read).await? else { return Ok(None) };
        let pack: Option<i64> = row.try_get("pack")?;
        let place = match pack {
            Some(pack) => Some(Place { pack, at: row.try_get("at")?, len: row.try_get("len")? }),
            None => None,
        };
        Ok(Some((row.try_get("seq")?, summary(&row)?, place)))
    }
}
