//! Rows of the tables `series` and `point`: making them of metrics, and writing them.

use std::collections::HashMap;

use model::telemetry::wire::{
    self, Attributes, ExponentialPoint, HistogramPoint, Metric, MetricData, Number, NumberPoint, PointHead,
    SummaryPoint,
};
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::keys::Keys;
use super::{Hash, hash, signed};
use crate::StoreError;
use crate::row::statements;

/// Rows in one statement, of at most 11 columns each.
const ROWS: usize = 128;

/// A series whose origin is a number in its batch.
#[derive(Debug)]
pub(super) struct SeriesRow {
    pub(super) hash: Hash,
    origin: usize,
    name: String,
    description: String,
    unit: String,
    kind: i64,
    temporality: i64,
    monotonic: bool,
    attributes: Vec<u8>,
    metadata: Vec<u8>,
}

/// A point whose series is a number in its batch.
#[derive(Debug)]
pub(super) struct PointRow {
    pub(super) series: usize,
    time_ns: i64,
    start_ns: i64,
    value: Option<f64>,
    int: Option<i64>,
    rest: Option<Vec<u8>>,
}

/// A point that is more than a number, its attributes left out: they are its series'.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Rest {
    /// A number with exemplars or flags, or one that a column cannot hold.
    Number(NumberPoint),
    /// A distribution.
    Histogram(HistogramPoint),
    /// A distribution over buckets that grow.
    Exponential(ExponentialPoint),
    /// Quantiles.
    Summary(SummaryPoint),
}

/// Hands every point of `metric` out with its series.
pub(super) fn each(
    metric: Metric,
    origin: usize,
    reporter: Hash,
    now_ns: i64,
    mut take: impl FnMut(SeriesRow, PointRow),
) {
    let Metric { name, description, unit, metadata, data } = metric;
    let (kind, temporality, monotonic) = match &data {
        MetricData::Gauge(_) => (0, 0, false),
        MetricData::Sum { temporality, monotonic, .. } => (1, *temporality, *monotonic),
        MetricData::Histogram { temporality, .. } => (2, *temporality, false),
        MetricData::ExponentialHistogram { temporality, .. } => (3, *temporality, false),
        MetricData::Summary(_) => (4, 0, false),
    };
    let metadata = wire::encode(&metadata);
    let mut put = |head: PointHead, value: Option<f64>, int: Option<i64>, rest: Option<Rest>| {
        let mut sorted: Vec<&(String, wire::Value)> = head.attributes.0.iter().collect();
        sorted.sort_by(|one, other| one.0.cmp(&other.0));
        let identity = (reporter, &name, &unit, kind, temporality, monotonic, sorted);
        let series = SeriesRow {
            hash: hash(&wire::encode(&identity)),
            origin,
            name: name.clone(),
            description: description.clone(),
            unit: unit.clone(),
            kind,
            temporality: i64::from(temporality),
            monotonic,
            attributes: wire::encode(&head.attributes),
            metadata: metadata.clone(),
        };
        let time_ns = if head.time_ns == 0 { now_ns } else { signed(head.time_ns) };
        let start_ns = signed(head.start_ns);
        let rest = rest.map(|rest| wire::encode(&rest));
        take(series, PointRow { series: 0, time_ns, start_ns, value, int, rest });
    };
    match data {
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => {
            for mut point in points {
                let head = apart(&mut point.head);
                let (value, int) = match point.value {
                    Some(Number::Double(value)) => (Some(value), None),
                    Some(Number::Int(value)) => (None, Some(value)),
                    None => (None, None),
                };
                // A column turns no number into none, and loses the sign of zero.
                let fits = match value {
                    Some(value) => !(value.is_nan() || value == 0.0 && value.is_sign_negative()),
                    None => int.is_some(),
                };
                let plain = fits && point.exemplars.is_empty() && point.head.flags == 0;
                put(head, value, int, (!plain).then_some(Rest::Number(point)));
            }
        }
        MetricData::Histogram { points, .. } => {
            for mut point in points {
                let head = apart(&mut point.head);
                put(head, point.sum, Some(signed(point.count)), Some(Rest::Histogram(point)));
            }
        }
        MetricData::ExponentialHistogram { points, .. } => {
            for mut point in points {
                let head = apart(&mut point.head);
                put(head, point.sum, Some(signed(point.count)), Some(Rest::Exponential(point)));
            }
        }
        MetricData::Summary(points) => {
            for mut point in points {
                let head = apart(&mut point.head);
                put(head, Some(point.sum), Some(signed(point.count)), Some(Rest::Summary(point)));
            }
        }
    }
}

/// The head with the attributes; what stays behind has none.
fn apart(head: &mut PointHead) -> PointHead {
    let attributes = std::mem::replace(&mut head.attributes, Attributes(Vec::new()));
    PointHead { attributes, ..head.clone() }
}

/// The keys of these series, new ones written.
pub(super) async fn put_series(
    connection: &mut SqliteConnection,
    keys: &mut Keys,
    rows: &[(i64, &SeriesRow)],
) -> Result<HashMap<Hash, i64>, StoreError> {
    let (mut found, mut unknown) = (HashMap::new(), Vec::new());
    for (origin, row) in rows {
        match keys.series.get(&row.hash) {
            Some(key) => drop(found.insert(row.hash, key)),
            None => unknown.push((*origin, *row)),
        }
    }
    for some in statements(&unknown, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT hash, key FROM series WHERE hash IN (");
        let mut list = query.separated(", ");
        for (_, row) in some {
            list.push_bind(row.hash.to_vec());
        }
        query.push(")");
        let there: Vec<(Vec<u8>, i64)> = query.build_query_as().fetch_all(&mut *connection).await?;
        for (hash, key) in there {
            let hash =
                Hash::try_from(hash).map_err(|_| StoreError::Damaged("a series' hash is malformed"))?;
            found.insert(hash, key);
        }
    }
    let mut new = Vec::new();
    for (origin, row) in unknown {
        let key = *found.entry(row.hash).or_insert_with(|| {
            let key = keys.series.next();
            new.push((key, origin, row));
            key
        });
        keys.series.put(row.hash, key);
    }
    for some in statements(&new, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO series (key, hash, origin, name, description, unit, kind, temporality, monotonic, \
             attributes, metadata) ",
        );
        query.push_values(some, |mut columns, (key, origin, row)| {
            columns
                .push_bind(*key)
                .push_bind(row.hash.to_vec())
                .push_bind(*origin)
                .push_bind(row.name.as_str())
                .push_bind(row.description.as_str())
                .push_bind(row.unit.as_str())
                .push_bind(row.kind)
                .push_bind(row.temporality)
                .push_bind(row.monotonic)
                .push_bind(row.attributes.as_slice())
                .push_bind(row.metadata.as_slice());
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(found)
}

impl SeriesRow {
    pub(super) fn origin(&self) -> usize {
        self.origin
    }
}

/// Writes points, each with its series' key, and says how many were not there. One that was is replaced.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    rows: &[(i64, &PointRow)],
) -> Result<u64, StoreError> {
    let mut new = 0;
    for some in statements(rows, ROWS) {
        let added = insert(connection, some, " ON CONFLICT DO NOTHING").await?;
        new += added;
        if added < some.len() as u64 {
            let replace =
                " ON CONFLICT DO UPDATE SET value = excluded.value, int = excluded.int, rest = excluded.rest";
            insert(connection, some, replace).await?;
        }
    }
    Ok(new)
}

async fn insert(
    connection: &mut SqliteConnection,
    rows: &[(i64, &PointRow)],
    otherwise: &'static str,
) -> Result<u64, StoreError> {
    let mut query =
        QueryBuilder::<Sqlite>::new("INSERT INTO point (series, time_ns, start_ns, value, int, rest) ");
    query.push_values(rows, |mut columns, (series, row)| {
        columns
            .push_bind(*series)
            .push_bind(row.time_ns)
            .push_bind(row.start_ns)
            .push_bind(row.value)
            .push_bind(row.int)
            .push_bind(row.rest.as_deref());
    });
    query.push(otherwise);
    Ok(query.build().execute(connection).await?.rows_affected())
}
