//! The models that calls used, by provider: calls, tokens, cost and what is not known of it, from what is added up by the
//! quarter of an hour. Leaves out their prices.

use api::ModelUse;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::rollup::Dim;
use crate::rollup::measures::{Measures, Over, QUARTER_MS, push_sums};
use crate::{Store, StoreError};

/// Models in one answer, the most used.
const LARGEST: u32 = 2_000;

impl Store {
    /// The models of calls that began at `from_ms` or later (to the quarter of an hour), most calls first.
    pub async fn models(&self, from_ms: i64) -> Result<Vec<ModelUse>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT key, provider");
        push_sums(&mut query, Over::Rollups);
        query.push(" FROM rollup WHERE dim = ").push_bind(Dim::Model.number());
        query.push(" AND quarter >= ").push_bind(from_ms.div_euclid(QUARTER_MS));
        query.push(" GROUP BY key, provider ORDER BY calls DESC, key LIMIT ").push_bind(LARGEST);
        let mut snapshot = self.inner.read.begin().await?;
        let rows = query.build().fetch_all(&mut *snapshot).await?;
        let mut models = Vec::with_capacity(rows.len());
        for row in &rows {
            let count = |column: &str| Ok::<_, StoreError>(row.try_get::<i64, _>(column)?.unsigned_abs());
            let sums = Measures::read(row, 2)?.totals();
            let (key, provider): (String, String) = (row.try_get("key")?, row.try_get("provider")?);
            let model = Some(key).filter(|key| !key.is_empty());
            // Its latest call, found in the index by model.
            let latest = sqlx::query_as(
                "SELECT started_ms, billed ->> 'name' FROM call WHERE model IS ? AND provider = ? ORDER BY id DESC LIMIT 1",
            );
            let latest: Option<(i64, Option<String>)> =
                latest.bind(&model).bind(&provider).fetch_optional(&mut *snapshot).await?;
            let (last_ms, priced_as) = latest.unwrap_or_default();
            models.push(ModelUse {
                calls: sums.calls.saturating_sub(sums.open),
                usage: sums.usage,
                cost: sums.cost,
                equivalent: sums.equivalent,
                unpriced: sums.unpriced,
                partial: sums.not_fully_priced.saturating_sub(sums.unpriced),
                provider_priced: sums.provider_priced,
                reported: count("reported")?,
                subscription: sums.subscription,
                local: sums.local,
                not_billed: count("not_billed")?,
                duration_us: sums.duration_us,
                timed: sums.timed,
                last_ms,
                priced_as,
                price: None,
                model,
                provider,
            });
        }
        Ok(models)
    }
}
