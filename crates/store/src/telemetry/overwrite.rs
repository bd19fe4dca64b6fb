//! Overwriting records that no row names any more: with zeros, so that what is deleted is gone and every other record
//! stays in its place. A pack of nothing but zeros goes.

use std::collections::BTreeMap;

use model::telemetry::wire;
use sqlx::Connection;

use super::packs::{AT_BITS, Records};
use crate::remove::numbers;
use crate::row::statements;
use crate::write::BEGIN;
use crate::{Store, StoreError, packing};

/// Records that are overwritten in one transaction.
const RECORDS: i64 = 2_048;
/// Numbers in one statement.
const ROWS: usize = 128;

/// A pack as it is from now on: how many of its bytes are zeros, and its bytes; `None` once all are.
type Rewritten = (i64, i64, Option<Vec<u8>>);

impl Store {
    /// Overwrites some records that are nobody's; whether there were any.
    pub async fn overwrite_reports(&self) -> Result<bool, StoreError> {
        let _one_at_a_time = self.inner.tidying.lock().await;
        // What waits to be joined is still to be read, also where a later report took its place.
        let select =
            "SELECT place FROM report_orphan WHERE NOT EXISTS (SELECT 1 FROM backlog) ORDER BY place LIMIT ?";
        let places: Vec<i64> = sqlx::query_scalar(select).bind(RECORDS).fetch_all(&self.inner.read).await?;
        if places.is_empty() {
            return Ok(false);
        }
        let mut packs: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for place in &places {
            let at = usize::try_from(place & ((1 << AT_BITS) - 1)).unwrap_or_default();
            packs.entry(place >> AT_BITS).or_default().push(at);
        }
        let mut rewritten = Vec::with_capacity(packs.len());
        let mut records = Records::new(self);
        for (pack, ats) in packs {
            match self.rewritten(&mut records, pack, &ats).await {
                Ok(outcome) => rewritten.extend(outcome),
                Err(StoreError::Damaged(what)) => {
                    tracing::error!(pack, what, "a damaged pack of reports is left as it is");
                }
                Err(error) => return Err(error),
            }
            self.inner.pace.give_way();
        }
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let mut transaction = writer.connection()?.begin_with(BEGIN).await?;
        for (pack, erased, bytes) in rewritten {
            let query = match bytes {
                Some(bytes) => sqlx::query("UPDATE report_pack SET erased = ?, bytes = ? WHERE id = ?")
                    .bind(erased)
                    .bind(bytes),
                None => sqlx::query("DELETE FROM report_pack WHERE id = ?"),
            };
            query.bind(pack).execute(&mut *transaction).await?;
        }
        for some in statements(&places, ROWS) {
            let delete = &mut numbers("DELETE FROM report_orphan WHERE place IN (", some, ")");
            delete.build().execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn rewritten(
        &self,
        records: &mut Records<'_>,
        pack: i64,
        ats: &[usize],
    ) -> Result<Option<Rewritten>, StoreError> {
        let erased = sqlx::query_scalar("SELECT erased FROM report_pack WHERE id = ?").bind(pack);
        let Some(mut erased) = erased.fetch_optional(&self.inner.read).await? else { return Ok(None) };
        let mut raw = records.whole(pack).await?.to_vec();
        for at in ats {
            let rest = raw.get_mut(*at..).unwrap_or_default();
            // One that is zeros already was overwritten before.
            let length = wire::length(rest).filter(|_| rest.first() != Some(&0));
            let record = length.and_then(|length| rest.get_mut(..length)).unwrap_or_default();
            record.fill(0);
            erased += i64::try_from(record.len()).unwrap_or_default();
        }
        let whole = i64::try_from(raw.len()).unwrap_or(i64::MAX);
        let bytes = if erased < whole { Some(packing::pack(&raw)?) } else { None };
        Ok(Some((pack, erased, bytes)))
    }
}
