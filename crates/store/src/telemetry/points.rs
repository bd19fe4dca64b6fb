//! Rows of the tables `series` and `point`: making them of metrics, and writing them.

use std::collections::HashMap;

use model::telemetry::wire::{
    self, Attributes, ExponentialPoint, HistogramPoint, Metric, MetricData, Number, NumberPoint, PointHead,
    SummaryPoint,
};
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::about::{self, MetricRow};
use super::keys::Keys;
use super::{Hash, half, signed};
use crate::StoreError;
use crate::row::statements;

/// Rows in one statement, of at most 6 columns each.
const ROWS: usize = 128;

/// A series whose origin and metric are numbers in their batch.
#[derive(Debug)]
pub(super) struct SeriesRow {
    pub(super) hash: Hash,
    pub(super) origin: usize,
    pub(super) metric: usize,
    attributes: Vec<u8>,
}

/// A series with its origin's key and what its metric says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyed<'a> {
    pub(super) origin: i64,
    pub(super) metric: &'a MetricRow,
    pub(super) row: &'a SeriesRow,
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

impl PointRow {
    /// What it is called by, in the series of this key.
    pub(super) fn id(&self, series: i64) -> String {
        point_id(series, self.time_ns, self.start_ns)
    }
}

/// What a point is called by.
pub(super) fn point_id(series: i64, time_ns: i64, start_ns: i64) -> String {
    format!("{series}-{time_ns}-{start_ns}")
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

/// What names the series of one metric and origin, as far as they share it.
struct Identity(blake3::Hasher);

impl Identity {
    fn new(reporter: Hash, metric: &Metric, kind: i64, temporality: i32, monotonic: bool) -> Self {
        let shared = (reporter, &metric.name, &metric.unit, kind, temporality, monotonic);
        // With the attributes it is a list of seven.
        let encoded = wire::encode(&shared);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[LIST_OF_SEVEN]).update(encoded.get(1..).unwrap_or_default());
        Self(hasher)
    }

    /// Of the series with these attributes, in whatever order.
    fn of(&self, attributes: &Attributes) -> Hash {
        let mut sorted: Vec<&(String, wire::Value)> = attributes.0.iter().collect();
        sorted.sort_by(|one, other| one.0.cmp(&other.0));
        let mut hasher = self.0.clone();
        hasher.update(&wire::encode(&sorted));
        half(hasher.finalize())
    }
}

/// How a list of seven begins in `MessagePack`.
const LIST_OF_SEVEN: u8 = 0x97;

/// Hands out what `metric` says of itself, once, then every point with its series.
pub(super) fn each(
    mut metric: Metric,
    origin: usize,
    reporter: Hash,
    now_ns: i64,
    about: impl FnOnce(MetricRow) -> usize,
    mut take: impl FnMut(SeriesRow, PointRow),
) -> Result<(), StoreError> {
    let (kind, temporality, monotonic) = match &metric.data {
        MetricData::Gauge(_) => (0, 0, false),
        MetricData::Sum { temporality, monotonic, .. } => (1, *temporality, *monotonic),
        MetricData::Histogram { temporality, .. } => (2, *temporality, false),
        MetricData::ExponentialHistogram { temporality, .. } => (3, *temporality, false),
        MetricData::Summary(_) => (4, 0, false),
    };
    let identity = Identity::new(reporter, &metric, kind, temporality, monotonic);
    let number = about(MetricRow::new(&mut metric, kind, temporality, monotonic)?);
    let mut put = |head: PointHead, value: Option<f64>, int: Option<i64>, rest: Option<Rest>| {
        let series = SeriesRow {
            hash: identity.of(&head.attributes),
            origin,
            metric: number,
            attributes: wire::encode(&head.attributes),
        };
        let time_ns = if head.time_ns == 0 { now_ns } else { signed(head.time_ns) };
        let start_ns = signed(head.start_ns);
        let rest = rest.map(|rest| wire::encode(&rest));
        take(series, PointRow { series: 0, time_ns, start_ns, value, int, rest });
    };
    match metric.data {
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
    Ok(())
}

/// The head with the attributes; what stays behind has none.
fn apart(head: &mut PointHead) -> PointHead {
    let attributes = std::mem::replace(&mut head.attributes, Attributes(Vec::new()));
    PointHead { attributes, ..head.clone() }
}

/// The keys of these series, new ones written with what is said of their metrics.
pub(super) async fn put_series(
    connection: &mut SqliteConnection,
    keys: &mut Keys,
    rows: &[Keyed<'_>],
) -> Result<HashMap<Hash, i64>, StoreError> {
    let (mut found, mut unknown) = (HashMap::new(), Vec::new());
    for keyed in rows {
        match keys.series.get(&keyed.row.hash) {
            Some(key) => drop(found.insert(keyed.row.hash, key)),
            None => unknown.push(*keyed),
        }
    }
    for some in statements(&unknown, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT hash, key FROM series WHERE hash IN (");
        let mut list = query.separated(", ");
        for keyed in some {
            list.push_bind(keyed.row.hash.to_vec());
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
    for keyed in unknown {
        let hash = keyed.row.hash;
        let key = *found.entry(hash).or_insert_with(|| {
            let key = keys.series.next();
            new.push((key, keyed));
            key
        });
        keys.series.put(hash, key);
    }
    let metrics: Vec<&MetricRow> = new.iter().map(|(_, keyed)| keyed.metric).collect();
    let metrics = about::put(connection, keys, &metrics).await?;
    for some in statements(&new, ROWS) {
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT INTO series (key, hash, origin, metric, attributes) ");
        query.push_values(some, |mut columns, (key, Keyed { origin, metric, row })| {
            columns
                .push_bind(*key)
                .push_bind(row.hash.to_vec())
                .push_bind(*origin)
                .push_bind(metrics.get(&metric.hash).copied().unwrap_or_default())
                .push_bind(row.attributes.as_slice());
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(found)
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

#[cfg(test)]
mod tests {
    use super::super::hash;
    use super::*;

    #[test]
    fn a_series_is_named_as_in_former_versions() {
        let text = |key: &str, value: &str| (key.to_owned(), wire::Value::Text(value.to_owned()));
        let attributes = Attributes(vec![text("b", "2"), text("a", "1")]);
        let sorted = [text("a", "1"), text("b", "2")];
        let metric = Metric { name: "name".into(), unit: "s".repeat(300), ..Metric::default() };
        let former =
            (Hash::default(), "name", &metric.unit, 1_i64, 2_i32, true, sorted.iter().collect::<Vec<_>>());
        let identity = Identity::new(Hash::default(), &metric, 1, 2, true);
        assert_eq!(identity.of(&attributes), hash(&wire::encode(&former)));
    }
}
