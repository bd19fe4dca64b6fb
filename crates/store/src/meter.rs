//! How complete the record is, by tool and interval. Leaves out what is counted since start (the engine's counters) and
//! adding up (`window`).

use std::collections::BTreeMap;

use api::{LostCalls, Meter, MeterCount, MeterPoint, MeterTool, Totals};
use sqlx::SqliteConnection;

use crate::kept::Interval;
use crate::row::RECORD_LOST;
use crate::window::intervals;
use crate::{Store, StoreError};

impl Store {
    /// How complete the record of the intervals between `bounds_ms` is. All of it from one snapshot of the database.
    pub async fn meter(&self, bounds_ms: &[i64]) -> Result<Meter, StoreError> {
        let began = self.inner.kept.begin();
        let mut snapshot = self.inner.read.begin().await?;
        let mut tools: BTreeMap<Option<String>, Vec<MeterPoint>> = BTreeMap::new();
        let mut lost = Vec::new();
        for (number, interval) in (0..).zip(intervals(bounds_ms)) {
            let mut counts: BTreeMap<Option<String>, MeterCount> = BTreeMap::new();
            for (client, totals, side) in self.tools(&mut snapshot, began, interval).await?.iter() {
                counts.entry(client.clone()).or_default().add(&count(totals, *side));
            }
            let unrecorded = unrecorded(&mut snapshot, interval).await?;
            if unrecorded > 0 {
                counts.entry(None).or_default().add(&MeterCount {
                    seen: unrecorded,
                    lost: unrecorded,
                    unrecorded,
                    ..MeterCount::default()
                });
                lost.push(LostCalls {
                    interval: number,
                    client: None,
                    why: RECORD_LOST.to_owned(),
                    calls: unrecorded,
                });
            }
            if counts.values().any(|count| count.lost > count.unrecorded) {
                for (client, why, calls) in reasons(&mut snapshot, interval).await? {
                    let why = why.unwrap_or_default();
                    lost.push(LostCalls { interval: number, client, why, calls: calls.unsigned_abs() });
                }
            }
            for (client, count) in counts {
                tools.entry(client).or_default().push(MeterPoint { interval: number, count });
            }
        }
        let mut tools: Vec<MeterTool> =
            tools.into_iter().map(|(client, points)| MeterTool { client, points }).collect();
        let calls = |tool: &MeterTool| {
            let sum = MeterCount::sum(tool.points.iter().map(|point| &point.count));
            sum.seen.saturating_add(sum.unmatched)
        };
        tools.sort_by_key(|tool| std::cmp::Reverse(calls(tool)));
        lost.sort_by_key(|lost| std::cmp::Reverse(lost.calls));
        Ok(Meter { tools, lost })
    }
}

/// What some calls count for. Only calls of the proxy are ever open or lost.
fn count(totals: &Totals, side: bool) -> MeterCount {
    let recorded = totals.proxied.saturating_sub(totals.open).saturating_sub(totals.lost);
    let unmatched = totals.calls.saturating_sub(totals.proxied);
    MeterCount {
        seen: totals.proxied,
        open: totals.open,
        recorded,
        lost: totals.lost,
        unrecorded: 0,
        matched: totals.matched,
        unmatched,
        priced: totals.priced,
        unpriced: recorded.saturating_add(unmatched).saturating_sub(totals.priced),
        partial: totals.partial,
        estimated: totals.estimated,
        cut: totals.cut,
        side: if side { totals.calls } else { 0 },
    }
}

pub(crate) async fn unrecorded(snapshot: &mut SqliteConnection, window: Interval) -> Result<u64, StoreError> {
    let count =
        sqlx::query_scalar("SELECT count(*) FROM unrecorded WHERE started_ms >= ? AND started_ms < ?");
    let count: i64 = count.bind(window.from_ms).bind(window.to_ms).fetch_one(snapshot).await?;
    Ok(count.unsigned_abs())
}

type Reason = (Option<String>, Option<String>, i64);

async fn reasons(snapshot: &mut SqliteConnection, window: Interval) -> Result<Vec<Reason>, StoreError> {
    let select = "SELECT client, error, count(*) FROM call INDEXED BY call_error \
        WHERE failed = 1 AND state = 'lost' AND started_ms >= ? AND started_ms < ? GROUP BY 1, 2";
    Ok(sqlx::query_as(select).bind(window.from_ms).bind(window.to_ms).fetch_all(snapshot).await?)
}
