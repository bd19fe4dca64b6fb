//! Committing reports: several batches in one transaction. Leaves out the rows of each table.

use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use model::telemetry::wire::TraceId;
use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};

use super::keys::{Keys, Trace};
use super::prepare::{OriginRow, TelemetryBatch, Told};
use super::traces::Sum;
use super::{Committed, Hash, backlog, last, logs, packs, points, replaced, spans, traces};
use crate::row::statements;
use crate::write::BEGIN;
use crate::{Store, StoreError, packing};

/// Rows in one statement.
const ROWS: usize = 64;

impl Store {
    /// Commits all of `batches`, or nothing of them.
    pub async fn commit_telemetry(&self, batches: &[TelemetryBatch]) -> Result<Committed, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await.inspect_err(|error| self.suspect(error))?;
        let (connection, keys) = writer.telemetry()?;
        match write(connection, keys, batches).await {
            Ok(committed) => {
                // Calls may stand in other traces now, which changes no sum.
                self.inner.committed(None);
                Ok(committed)
            }
            Err(error) => {
                self.suspect(&error);
                // Should this fail as well, whoever writes next tries again.
                writer.recover().await?;
                Err(error)
            }
        }
    }
}

async fn write(
    connection: &mut SqliteConnection,
    keys: &mut Keys,
    batches: &[TelemetryBatch],
) -> Result<Committed, StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    let connection = &mut *transaction;
    let origins = put_origins(connection, keys, batches).await?;
    let ids = batches.iter().flat_map(|batch| &batch.traces).map(|trace| trace.id);
    let found = traces::find(connection, keys, ids).await?;
    let firsts = number_packs(keys, batches);
    let stores = Keyed { batches, origins: &origins, traces: &found, firsts: &firsts };

    let mut sums = stores.sums();
    let mut committed = Committed::default();
    let rows = stores.spans();
    let put = spans::put(connection, &rows).await?;
    let new_spans = rows.iter().zip(&put.new).filter(|(_, new)| **new);
    let ids: HashMap<i64, TraceId> = found.iter().map(|(id, trace)| (trace.key, *id)).collect();
    let named = last(new_spans.map(|(row, _)| (row.trace, row.row.id.to_be_bytes())));
    committed.latest.spans =
        named.into_iter().filter_map(|(trace, span)| Some((*ids.get(&trace)?, span))).collect();
    for (row, _) in rows.iter().zip(&put.new).filter(|(_, new)| **new) {
        committed.spans += 1;
        keys.edges.add(row.trace, &row.stand());
        if let Some(sum) = sums.get_mut(&row.trace) {
            sum.add(row);
        }
    }
    let mut needed = HashSet::new();
    needed.extend(rows.iter().map(|keyed| keyed.place).filter(|place| !put.same.contains(place)));
    let rows = stores.logs();
    let new = logs::put(connection, &rows).await?;
    committed.logs = new.iter().filter(|new| **new).count() as u64;
    let new_logs = rows.iter().zip(&new).filter(|(_, new)| **new);
    committed.latest.logs = last(new_logs.map(|(keyed, _)| (keyed.row.time_ns, keyed.row.hash)));
    // A record that was there has been joined, or waits already.
    let mut there = put.same;
    for (keyed, new) in rows.iter().zip(new) {
        (if new { &mut needed } else { &mut there }).insert(keyed.place);
    }
    stores.put_packs(connection, &needed).await?;
    (committed.points, committed.latest.points) = stores.put_points(connection, keys).await?;

    let listed: HashMap<i64, bool> = found.values().map(|trace| (trace.key, trace.listed)).collect();
    let is_listed = |key: &i64| listed.get(key).copied().unwrap_or_default();
    let mut sums: Vec<(i64, Sum)> = sums.into_iter().collect();
    sums.sort_unstable_by_key(|(key, _)| *key);
    let told = |(key, sum): &&(i64, Sum)| sum.spans > 0 || sum.says_more() || !is_listed(key);
    let written: Vec<&Sum> = sums.iter().filter(told).map(|(_, sum)| sum).collect();
    traces::put(connection, &written).await?;
    replaced::apply(connection, &mut keys.edges, &put.replaced).await?;
    let changed: HashSet<i64> = put.replaced.iter().map(|replaced| replaced.now.trace).collect();
    let first_spans = sums.iter().filter(|(key, sum)| sum.spans > 0 && !is_listed(key));
    let first_spans: Vec<TraceId> = first_spans.map(|(_, sum)| sum.id).collect();
    traces::adopt_calls(connection, &first_spans, keys).await?;

    let works = stores.works(&there);
    committed.works = works.len() as u64;
    if !works.is_empty() {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        backlog::put(connection, keys.next_work, i64::try_from(since).unwrap_or(i64::MAX), &works).await?;
        keys.next_work += 1;
    }
    transaction.commit().await?;

    for id in first_spans {
        if let Some(trace) = found.get(&id) {
            keys.traces.put(id, Trace { listed: true, ..*trace });
        }
    }
    let touched = sums.iter().filter(|(key, sum)| sum.spans > 0 || changed.contains(key));
    committed.traces = touched.map(|(_, sum)| sum.id).collect();
    Ok(committed)
}

/// Batches, and the keys of what their rows name by its number in them.
struct Keyed<'a> {
    batches: &'a [TelemetryBatch],
    origins: &'a HashMap<Hash, i64>,
    traces: &'a HashMap<TraceId, Trace>,
    /// Each batch's first pack.
    firsts: &'a [i64],
}

impl<'a> Keyed<'a> {
    fn each(&self) -> impl Iterator<Item = (&'a TelemetryBatch, i64)> {
        self.batches.iter().zip(self.firsts.iter().copied())
    }

    fn origin(&self, batch: &TelemetryBatch, number: usize) -> i64 {
        let origin = batch.origins.get(number).and_then(|origin| self.origins.get(&origin.hash));
        origin.copied().unwrap_or_default()
    }

    fn trace(&self, batch: &TelemetryBatch, number: usize) -> i64 {
        let trace = batch.traces.get(number).and_then(|trace| self.traces.get(&trace.id));
        trace.map(|trace| trace.key).unwrap_or_default()
    }

    /// Spans, those of a trace together.
    fn spans(&self) -> Vec<spans::Keyed<'a>> {
        let mut rows = Vec::new();
        for (batch, first) in self.each() {
            let origins: Vec<i64> =
                (0..batch.origins.len()).map(|number| self.origin(batch, number)).collect();
            let traces: Vec<i64> = (0..batch.traces.len()).map(|number| self.trace(batch, number)).collect();
            rows.extend(batch.spans.iter().map(|row| spans::Keyed {
                trace: traces.get(row.trace).copied().unwrap_or_default(),
                origin: origins.get(row.origin).copied().unwrap_or_default(),
                place: row.spot.place(first),
                row,
            }));
        }
        // Stable: of a span that is there twice the later one stays the later one.
        rows.sort_by_key(|keyed| (keyed.trace, keyed.row.id));
        rows
    }

    fn logs(&self) -> Vec<logs::Keyed<'a>> {
        let mut rows = Vec::new();
        for (batch, first) in self.each() {
            rows.extend(batch.logs.iter().map(|row| logs::Keyed {
                origin: self.origin(batch, row.origin),
                trace: row.trace.map(|number| self.trace(batch, number)),
                place: row.spot.place(first),
                row,
            }));
        }
        rows.sort_by_key(|keyed| (keyed.row.time_ns, keyed.row.hash));
        rows
    }

    async fn put_points(
        &self,
        connection: &mut SqliteConnection,
        keys: &mut Keys,
    ) -> Result<(u64, Vec<String>), StoreError> {
        let series: Vec<points::Keyed<'_>> = self
            .batches
            .iter()
            .flat_map(|batch| {
                batch.series.iter().filter_map(|row| {
                    let (origin, metric) = (self.origin(batch, row.origin), batch.metrics.get(row.metric)?);
                    Some(points::Keyed { origin, metric, row })
                })
            })
            .collect();
        let found = points::put_series(connection, keys, &series).await?;
        let mut rows = Vec::new();
        for batch in self.batches {
            rows.extend(batch.points.iter().filter_map(|point| {
                let series = batch.series.get(point.series)?;
                Some((*found.get(&series.hash)?, point))
            }));
        }
        let new = points::put(connection, &rows).await?;
        // Of points sent again nothing is told; where some are, which of them is not known.
        let named = rows.iter().filter(|_| new > 0).map(|(series, point)| point.id(*series));
        let (mut named, mut known) = (last(named), HashSet::new());
        named.retain(|id| known.insert(id.clone()));
        Ok((new, named))
    }

    /// Writes the packs in which some record stands in one of these places: of what was sent again there is none.
    async fn put_packs(
        &self,
        connection: &mut SqliteConnection,
        places: &HashSet<i64>,
    ) -> Result<(), StoreError> {
        let needed: HashSet<i64> = places.iter().map(|place| packs::pack_of(*place)).collect();
        let numbered = self.each().flat_map(|(batch, first)| (first..).zip(&batch.packs));
        let needed: Vec<_> = numbered.filter(|(id, _)| needed.contains(id)).collect();
        packs::put(connection, &needed).await
    }

    /// What each trace's spans say of it, nothing added up yet.
    fn sums(&self) -> HashMap<i64, Sum> {
        let mut sums: HashMap<i64, Sum> = HashMap::new();
        for said in self.batches.iter().flat_map(|batch| &batch.traces) {
            let Some(trace) = self.traces.get(&said.id) else { continue };
            let sum = sums.entry(trace.key).or_insert_with(|| Sum::new(said.id, trace.key));
            sum.tell(said.session.as_ref(), said.client.as_ref());
        }
        sums
    }

    /// What waits to be joined, but for what stands in these places.
    fn works(&self, without: &HashSet<i64>) -> Vec<(u8, i64, i64, i64, i64)> {
        let mut works = Vec::new();
        for (batch, first) in self.each() {
            works.extend(batch.works.iter().filter_map(|told| match *told {
                Told::Span(number) => batch.spans.get(number).and_then(|row| {
                    let (trace, origin) = (self.trace(batch, row.trace), self.origin(batch, row.origin));
                    let place = row.spot.place(first);
                    let is_new = !without.contains(&place);
                    is_new.then(|| backlog::span(trace, row.id, origin, place))
                }),
                Told::Log(number) => batch.logs.get(number).and_then(|row| {
                    let (origin, place) = (self.origin(batch, row.origin), row.spot.place(first));
                    let is_new = !without.contains(&place);
                    is_new.then(|| backlog::log(row.time_ns, row.hash, origin, place))
                }),
            }));
        }
        works
    }
}

/// The number of each batch's first pack.
fn number_packs(keys: &mut Keys, batches: &[TelemetryBatch]) -> Vec<i64> {
    let number = |batch: &TelemetryBatch| {
        let first = keys.next_pack;
        keys.next_pack += i64::try_from(batch.packs.len()).unwrap_or_default();
        first
    };
    batches.iter().map(number).collect()
}

/// The keys of who reported, new ones written.
async fn put_origins(
    connection: &mut SqliteConnection,
    keys: &mut Keys,
    batches: &[TelemetryBatch],
) -> Result<HashMap<Hash, i64>, StoreError> {
    let (mut found, mut unknown) = (HashMap::new(), Vec::new());
    for row in batches.iter().flat_map(|batch| &batch.origins) {
        match keys.origins.get(&row.hash) {
            Some(key) => drop(found.insert(row.hash, key)),
            None => unknown.push(row),
        }
    }
    for some in statements(&unknown, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT hash, key FROM origin WHERE hash IN (");
        let mut list = query.separated(", ");
        for row in some {
            list.push_bind(row.hash.to_vec());
        }
        query.push(")");
        let there: Vec<(Vec<u8>, i64)> = query.build_query_as().fetch_all(&mut *connection).await?;
        for (hash, key) in there {
            let hash =
                Hash::try_from(hash).map_err(|_| StoreError::Damaged("an origin's hash is malformed"))?;
            found.insert(hash, key);
        }
    }
    let mut new: Vec<(i64, &OriginRow, Vec<u8>)> = Vec::new();
    for row in unknown {
        let key = match found.get(&row.hash) {
            Some(key) => *key,
            None => {
                let key = keys.origins.next();
                new.push((key, row, packing::pack(&row.encoded)?));
                found.insert(row.hash, key);
                key
            }
        };
        keys.origins.put(row.hash, key);
    }
    for some in statements(&new, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO origin (key, hash, service, client, body) ");
        query.push_values(some, |mut columns, (key, row, body)| {
            columns
                .push_bind(*key)
                .push_bind(row.hash.to_vec())
                .push_bind(row.service.as_deref())
                .push_bind(row.client.as_deref())
                .push_bind(body.as_slice());
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(found)
}
