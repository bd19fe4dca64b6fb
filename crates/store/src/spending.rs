//! What was spent in a stretch of time, for budgets: read from the rollups, in the background. Leaves out what may be
//! spent, and everything else that calls add up to (`window`).

use std::collections::HashMap;

use api::{BudgetOf, Money, Spent};
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::replays::{IS_REPLAY, REPLAYS};
use crate::rollup::Dim;
use crate::rollup::measures::{Over, QUARTER_MS, push_sums};
use crate::{Store, StoreError};

/// What is added up, and from when to when; both moments are beginnings of quarters of an hour, as every day's is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    /// By what.
    pub of: BudgetOf,
    /// The one session, project or tag; `None` for each.
    pub only: Option<String>,
    /// From, in milliseconds since 1970 (UTC); `None` for the beginning.
    pub from_ms: Option<i64>,
    /// To (exclusive).
    pub to_ms: Option<i64>,
}

impl Store {
    /// What was spent, by session, project or tag; under an empty name when it is about all calls.
    pub async fn spent(&self, what: &Spending) -> Result<HashMap<String, Spent>, StoreError> {
        let (dim, prefix) = match what.of {
            BudgetOf::All => (Dim::Model, ""),
            BudgetOf::Session => (Dim::Session, ""),
            BudgetOf::Project => (Dim::Tag, model::identity::PROJECT),
            BudgetOf::Tag => (Dim::Tag, ""),
        };
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(if what.of == BudgetOf::All { "''" } else { "key" });
        query.push(
            " AS of, sum(cost) AS cost, sum(equivalent) AS equivalent, \
             sum(input + cache_read + cache_write_5m + cache_write_1h + output) AS tokens, \
             sum(subscription_tokens) AS subscription_tokens, sum(unpriced) AS unpriced, sum(calls) AS calls \
             FROM rollup WHERE dim = ",
        );
        query.push_bind(dim.number());
        if let Some(from_ms) = what.from_ms {
            query.push(" AND quarter >= ").push_bind(from_ms.div_euclid(QUARTER_MS));
        }
        if let Some(to_ms) = what.to_ms {
            query.push(" AND quarter < ").push_bind(to_ms.div_euclid(QUARTER_MS));
        }
        match &what.only {
            Some(only) if what.of != BudgetOf::All => {
                query.push(" AND key = ").push_bind(format!("{prefix}{only}"));
            }
            _ if what.of == BudgetOf::Project => {
                query.push(" AND substr(key, 1, ").push_bind(i64::try_from(prefix.len()).unwrap_or(0));
                query.push(") = ").push_bind(prefix);
            }
            _ if what.of == BudgetOf::All => {}
            _ => {
                query.push(" AND key != ''");
                if what.of == BudgetOf::Tag {
                    // A project is kept as a tag, and is none.
                    let project = model::identity::PROJECT;
                    query.push(" AND substr(key, 1, ").push_bind(i64::try_from(project.len()).unwrap_or(0));
                    query.push(") != ").push_bind(project);
                }
            }
        }
        query.push(" GROUP BY 1");
        let mut snapshot = self.inner.read.begin().await?;
        let mut rows = query.build().fetch_all(&mut *snapshot).await?;
        // In no sum that is shown, and spent all the same.
        rows.extend(replayed(what, prefix).build().fetch_all(&mut *snapshot).await?);
        let mut spent: HashMap<String, Spent> = HashMap::new();
        for row in rows {
            let sum =
                |column: &str| Ok::<i64, StoreError>(row.try_get::<Option<i64>, _>(column)?.unwrap_or(0));
            let count = |column: &str| Ok::<u64, StoreError>(sum(column)?.max(0).unsigned_abs());
            let key: String = row.try_get("of")?;
            let key = key.strip_prefix(prefix).unwrap_or(&key).to_owned();
            let known = spent.entry(key).or_default();
            known.cost = [known.cost, Money::from_pico(sum("cost")?)].into_iter().sum();
            known.equivalent = [known.equivalent, Money::from_pico(sum("equivalent")?)].into_iter().sum();
            known.tokens = known.tokens.saturating_add(count("tokens")?);
            known.subscription_tokens =
                known.subscription_tokens.saturating_add(count("subscription_tokens")?);
            known.unpriced = known.unpriced.saturating_add(count("unpriced")?);
            known.calls = known.calls.saturating_add(count("calls")?);
        }
        Ok(spent)
    }

    /// Waits for a commit that changes what calls add up to.
    pub async fn spending_changed(&self) {
        self.inner.kept.changed().await;
    }

    /// When the calls began that changed since this was asked the last time: the first and the last moment, in
    /// milliseconds since 1970 (UTC). One asks, or they take it from each other.
    pub fn take_touched(&self) -> Option<(i64, i64)> {
        self.inner.kept.take_touched()
    }
}

/// What replays spent, from their rows, in the columns of the rollups' question. `prefix` is what keys begin with that
/// are asked for.
fn replayed(what: &Spending, prefix: &str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(match what.of {
        BudgetOf::All => "''",
        BudgetOf::Session => "session_id",
        BudgetOf::Project | BudgetOf::Tag => "tag.value",
    });
    query.push(" AS of");
    push_sums(&mut query, Over::Calls);
    query.push(
        ", sum(coalesce(input, 0) + coalesce(cache_read, 0) + coalesce(cache_write_5m, 0) \
         + coalesce(cache_write_1h, 0) + coalesce(output, 0)) AS tokens FROM ",
    );
    query.push(REPLAYS);
    if matches!(what.of, BudgetOf::Project | BudgetOf::Tag) {
        query.push(" JOIN json_each(call.tags) AS tag");
    }
    query.push(" WHERE ").push(IS_REPLAY);
    if let Some(from_ms) = what.from_ms {
        query.push(" AND started_ms >= ").push_bind(from_ms);
    }
    if let Some(to_ms) = what.to_ms {
        query.push(" AND started_ms < ").push_bind(to_ms);
    }
    if what.of != BudgetOf::All {
        query.push(" AND of != ''");
        if let Some(only) = &what.only {
            query.push(" AND of = ").push_bind(format!("{prefix}{only}"));
        }
    }
    // A project is kept as a tag, and is none.
    let project = model::identity::PROJECT;
    if matches!(what.of, BudgetOf::Project | BudgetOf::Tag) {
        query.push(" AND (substr(of, 1, ").push_bind(i64::try_from(project.len()).unwrap_or(0));
        query.push(") = ").push_bind(project);
        query.push(if what.of == BudgetOf::Project { ")" } else { ") = 0" });
    }
    query.push(" GROUP BY 1");
    query
}
