//! What recorded calls cost that LLMFlow sent again: they are in no other sum, and few, so that their rows are added up.
//! Leaves out sending them (the engine) and what budgets make of it (`spending`).

use api::{CallFilter, Money, ReplayTotals};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::StoreError;
use crate::filter::push_where;
use crate::kept::{Groups, Interval};
use crate::rollup::measures::{Measures, Over, push_sums};
use crate::text::find::Found;
use crate::window::push_interval;

/// What makes the index of replays fit a question.
pub(crate) const REPLAYS: &str = "call INDEXED BY call_replay";
pub(crate) const IS_REPLAY: &str = "replay_of IS NOT NULL";

/// The replays of an interval that match, whether or not the filter asks for replays.
pub(crate) async fn add_up(
    snapshot: &mut SqliteConnection,
    filter: &CallFilter,
    found: Option<&Found>,
    interval: Interval,
) -> Result<ReplayTotals, StoreError> {
    let filter = CallFilter { replays: true, ..filter.clone() };
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT count(*) AS calls, coalesce(sum(cost), 0) AS cost, \
         coalesce(sum(cost_source = 'unknown' AND state != 'open'), 0) AS unpriced FROM ",
    );
    query.push(REPLAYS);
    push_where(&mut query, &filter, found);
    query.push(" AND ").push(IS_REPLAY);
    push_interval(&mut query, interval);
    let row = query.build().persistent(false).fetch_one(snapshot).await?;
    let count = |column: &str| Ok::<_, StoreError>(row.try_get::<i64, _>(column)?.unsigned_abs());
    Ok(ReplayTotals {
        calls: count("calls")?,
        cost: Money::from_pico(row.try_get("cost")?),
        unpriced: count("unpriced")?,
    })
}

/// The replays of an interval by tool.
pub(crate) async fn by_tool(
    snapshot: &mut SqliteConnection,
    interval: Interval,
) -> Result<Groups, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT nullif(call.client, '') AS of");
    push_sums(&mut query, Over::Calls);
    query.push(" FROM ").push(REPLAYS).push(" WHERE ").push(IS_REPLAY);
    push_interval(&mut query, interval);
    query.push(" GROUP BY 1");
    let rows = query.build().fetch_all(snapshot).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, Measures::read(row, 1)?))).collect()
}
