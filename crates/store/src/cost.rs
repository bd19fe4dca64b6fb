//! What a recorded call costs, changed: the one place where that happens after its row was written. What is added up
//! follows by the triggers of `rollup`, settled before the commit. Leaves out why it changes (`join`, `reprice`).

use api::{Cost, Money};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::{Store, StoreError, row};

/// The columns of what buckets cost, in their order.
const BUCKETS: [&str; 5] = ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output"];

/// The call in row `seq` costs this from now on. Of a call of the proxy the details are kept too: those in its record say
/// what it cost at first.
pub(crate) async fn change(
    connection: &mut SqliteConnection,
    seq: i64,
    cost: &Cost,
    proxied: bool,
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE call SET cost = ");
    query.push_bind(cost.total.map(Money::pico));
    query.push(", cost_source = ").push_bind(row::word(&cost.source));
    query.push(", equivalent = ").push_bind(cost.equivalent.map(Money::pico));
    for (column, part) in BUCKETS.into_iter().zip(row::bucket_costs(Some(cost))) {
        query.push(format_args!(", cost_{column} = ")).push_bind(part);
    }
    query.push(", saved = ").push_bind(cost.saved.map(Money::pico));
    query.push(" WHERE seq = ").push_bind(seq);
    query.build().execute(&mut *connection).await?;
    if proxied {
        let text = serde_json::to_string(cost)?;
        sqlx::query("INSERT OR REPLACE INTO call_cost (seq, cost) VALUES (?, ?)")
            .bind(seq)
            .bind(text)
            .execute(connection)
            .await?;
    }
    Ok(())
}

impl Store {
    /// What a call costs now, with its buckets, if that was changed since it was recorded.
    pub(crate) async fn changed_cost(&self, seq: i64) -> Result<Option<Cost>, StoreError> {
        let cost = sqlx::query_scalar("SELECT cost FROM call_cost WHERE seq = ?").bind(seq);
        let cost: Option<String> = cost.fetch_optional(&self.inner.read).await?;
        Ok(match cost {
            Some(text) => Some(serde_json::from_str(&text)?),
            None => None,
        })
    }
}
