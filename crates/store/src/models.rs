//! The models that calls used, by provider: calls, tokens, cost and what is not known of it. Leaves out their prices.

use api::{ModelUse, Money, Usage};
use sqlx::Row;

use crate::{Store, StoreError};

/// Models in one answer, the most used.
const LARGEST: u32 = 2_000;

const SELECT: &str = "SELECT provider, model, count(*) AS calls, sum(input) AS input, sum(cache_read) AS cache_read, \
    sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h, sum(output) AS output, \
    sum(reasoning) AS reasoning, coalesce(sum(cost), 0) AS cost, coalesce(sum(equivalent), 0) AS equivalent, \
    sum(cost_source = 'unknown') AS unpriced, \
    sum(cost_source != 'unknown' AND (cost_source IN ('partial', 'estimated') \
        OR usage_source IN ('partial', 'estimated'))) AS partial, \
    sum(cost_source = 'provider') AS provider_priced, sum(cost_source = 'reported') AS reported, \
    sum(cost_source = 'subscription') AS subscription, sum(cost_source = 'local') AS local, \
    sum(cost_source = 'not_billed') AS not_billed, \
    coalesce(sum(duration_us), 0) AS duration, count(duration_us) AS timed, max(started_ms) AS last_ms, \
    max(billed ->> 'name') AS priced_as \
    FROM call WHERE started_ms >= ? AND state != 'open' AND operation != 'side_call' \
    GROUP BY provider, model ORDER BY count(*) DESC, model LIMIT ?";

impl Store {
    /// The models of ended calls that began at `from_ms` or later, most calls first.
    pub async fn models(&self, from_ms: i64) -> Result<Vec<ModelUse>, StoreError> {
        let rows = sqlx::query(SELECT).bind(from_ms).bind(LARGEST).fetch_all(&self.inner.read).await?;
        rows.iter()
            .map(|row| {
                let sum = |column: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?);
                let count = |column: &str| Ok::<_, StoreError>(sum(column)?.unwrap_or(0).unsigned_abs());
                let tokens = |column: &str| Ok::<_, StoreError>(sum(column)?.map(i64::unsigned_abs));
                let money = |column: &str| Ok::<_, StoreError>(Money::from_pico(sum(column)?.unwrap_or(0)));
                Ok(ModelUse {
                    provider: row.try_get("provider")?,
                    model: row.try_get("model")?,
                    calls: count("calls")?,
                    usage: Usage {
                        input: tokens("input")?,
                        cache_read: tokens("cache_read")?,
                        cache_write_5m: tokens("cache_write_5m")?,
                        cache_write_1h: tokens("cache_write_1h")?,
                        output: tokens("output")?,
                        reasoning: tokens("reasoning")?,
                    },
                    cost: money("cost")?,
                    equivalent: money("equivalent")?,
                    unpriced: count("unpriced")?,
                    partial: count("partial")?,
                    provider_priced: count("provider_priced")?,
                    reported: count("reported")?,
                    subscription: count("subscription")?,
                    local: count("local")?,
                    not_billed: count("not_billed")?,
                    duration_us: count("duration")?,
                    timed: count("timed")?,
                    last_ms: row.try_get("last_ms")?,
                    priced_as: row.try_get("priced_as")?,
                    price: None,
                })
            })
            .collect()
    }
}
