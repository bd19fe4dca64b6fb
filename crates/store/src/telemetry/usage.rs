//! What metrics say of tokens and money, beside what the calls of the same tool and model come to. Nothing is added to
//! calls: metrics tell of the same ones.

use std::collections::BTreeMap;

use api::{MetricUsage, Money, Usage};
use model::telemetry::{Counted, is_usage, metric_usage};
use sqlx::{QueryBuilder, Row, Sqlite};

use super::growth::{Line, Stretches, held};
use super::metrics::Within;
use crate::filter::COUNTED;
use crate::{Store, StoreError};

/// What calls of one tool and model come to.
struct Calls {
    client: Option<String>,
    model: Option<String>,
    usage: Usage,
    cost: Money,
    /// Of them, with a known cost.
    priced: i64,
}

/// Who reports what of which model: service, client, model, metric, which tokens.
type Of = (Option<String>, Option<String>, Option<String>, String, String);

impl Store {
    /// What metrics say of tokens and money from `from_ms` to `to_ms`.
    pub async fn metric_usage(&self, from_ms: i64, to_ms: i64) -> Result<Vec<MetricUsage>, StoreError> {
        let names: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT name FROM metric").fetch_all(&self.inner.read).await?;
        let names: Vec<String> = names.into_iter().filter(|name| is_usage(name)).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let named = serde_json::to_string(&names)?;
        let condition = |query: &mut QueryBuilder<Sqlite>| {
            query.push(" AND name IN (SELECT value FROM json_each(").push_bind(named.clone()).push("))");
        };
        let series = self.series_of(&condition).await?;
        let within = Within::of(Some(from_ms), Some(to_ms));
        let lines = self.lines(&condition, &series, within, Stretches::NONE, false).await?;
        let mut sums: BTreeMap<Of, (f64, Counted)> = BTreeMap::new();
        for one in &series {
            let Some(line) = lines.get(&one.key) else { continue };
            let Some(meaning) = metric_usage(&one.about.name, &one.attributes) else { continue };
            let said = said(line, one.is_distribution());
            if said == 0.0 {
                continue;
            }
            let (service, client) = (one.service.clone(), one.client.clone());
            let of = (service, client, meaning.model, one.about.name.clone(), meaning.token_type);
            sums.entry(of).or_insert((0.0, meaning.counts)).0 += said;
        }
        let calls = self.calls_by_tool(from_ms, to_ms).await?;
        let usage =
            sums.into_iter().map(|((service, client, model, metric, token_type), (total, counts))| {
                let calls =
                    beside(&calls, client.as_deref().or(service.as_deref()), model.as_deref(), counts);
                MetricUsage { service, model, metric, token_type, total: held(total), calls }
            });
        Ok(usage.collect())
    }

    async fn calls_by_tool(&self, from_ms: i64, to_ms: i64) -> Result<Vec<Calls>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT client, model, sum(input) AS input, sum(cache_read) AS cache_read, \
             sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h, sum(output) AS output, \
             sum(reasoning) AS reasoning, coalesce(sum(cost), 0) AS cost, count(cost) AS priced FROM call \
             WHERE started_ms >= ",
        );
        query.push_bind(from_ms).push(" AND started_ms < ").push_bind(to_ms).push(" AND ").push(COUNTED);
        query.push(" GROUP BY client, model");
        let rows = query.build().fetch_all(&self.inner.read).await?;
        let calls = rows.iter().map(|row| {
            let tokens = |column: &str| {
                Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(i64::unsigned_abs))
            };
            Ok(Calls {
                client: row.try_get("client")?,
                model: row.try_get("model")?,
                usage: Usage {
                    input: tokens("input")?,
                    cache_read: tokens("cache_read")?,
                    cache_write_5m: tokens("cache_write_5m")?,
                    cache_write_1h: tokens("cache_write_1h")?,
                    output: tokens("output")?,
                    reasoning: tokens("reasoning")?,
                },
                cost: Money::from_pico(row.try_get("cost")?),
                priced: row.try_get("priced")?,
            })
        });
        calls.collect()
    }
}

/// What a series says: of a distribution what its measurements add up to.
fn said(line: &Line, is_distribution: bool) -> f64 {
    if is_distribution { line.sum } else { line.total }
}

/// What the calls of this tool and model come to; of any model where the metric names none.
#[expect(clippy::cast_precision_loss, reason = "told beside a metric's doubles")]
fn beside(calls: &[Calls], client: Option<&str>, model: Option<&str>, counts: Counted) -> Option<f64> {
    let same = calls.iter().filter(|calls| {
        calls.client.as_deref() == client && (model.is_none() || calls.model.as_deref() == model)
    });
    if counts == Counted::Cost {
        let mut priced = same.filter(|calls| calls.priced > 0).peekable();
        priced.peek()?;
        return Some(priced.map(|calls| calls.cost).sum::<Money>().dollars());
    }
    let mut usage = Usage::default();
    same.for_each(|calls| usage.add(&calls.usage));
    counts.of(&usage).map(|tokens| tokens as f64)
}
