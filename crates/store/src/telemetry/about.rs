//! Rows of the table `metric`: what is said of a metric, once however many series it has; long words shortened, the whole
//! beside them. Leaves out series and points (`points`) and their sums (`metrics`).

use std::collections::HashMap;
use std::sync::Arc;

use model::telemetry::short_id;
use model::telemetry::wire::{self, Attributes, Metric};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::keys::Keys;
use super::packs::decompressed;
use super::{Hash, hash, short};
use crate::row::statements;
use crate::{StoreError, packing};

/// Rows in one statement, of 10 columns each.
const ROWS: usize = 64;
/// Characters of a description that a row keeps.
const LONGEST: usize = 1_000;
/// Bytes of encoded metadata that a row keeps.
const LONGEST_METADATA: usize = 1_000;

/// What is said of a metric.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) unit: String,
    pub(super) kind: i64,
    pub(super) temporality: i64,
    pub(super) monotonic: bool,
}

/// A row as it is written.
#[derive(Debug)]
pub(super) struct MetricRow {
    pub(super) hash: Hash,
    about: About,
    metadata: Vec<u8>,
    whole: Option<Vec<u8>>,
}

/// Name, description, unit and metadata as they came.
pub(super) type Whole = (String, String, String, Attributes);

impl MetricRow {
    /// What `metric`, whose points are not looked at, says of itself.
    pub(super) fn new(
        metric: &mut Metric,
        kind: i64,
        temporality: i32,
        monotonic: bool,
    ) -> Result<Self, StoreError> {
        let metadata = wire::encode(&metric.metadata);
        let says = (&metric.name, &metric.description, &metric.unit, kind, temporality, monotonic, &metadata);
        let hash = hash(&wire::encode(&says));
        let take = std::mem::take::<String>;
        let whole: Whole = (
            take(&mut metric.name),
            take(&mut metric.description),
            take(&mut metric.unit),
            std::mem::take(&mut metric.metadata),
        );
        let name = short_id(&whole.0).into_owned();
        let unit = short_id(&whole.2).into_owned();
        let description = short(whole.1.clone(), LONGEST);
        let long = metadata.len() > LONGEST_METADATA;
        let is_whole = !long && name == whole.0 && unit == whole.2 && description == whole.1;
        Ok(Self {
            hash,
            about: About { name, description, unit, kind, temporality: i64::from(temporality), monotonic },
            metadata: if long { wire::encode(&Attributes::default()) } else { metadata },
            whole: (!is_whole).then(|| packing::pack(&wire::encode(&whole))).transpose()?,
        })
    }
}

/// The keys of these metrics, new ones written.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    keys: &mut Keys,
    rows: &[&MetricRow],
) -> Result<HashMap<Hash, i64>, StoreError> {
    let (mut found, mut unknown) = (HashMap::new(), Vec::new());
    for row in rows {
        if found.contains_key(&row.hash) {
            continue;
        }
        match keys.metrics.get(&row.hash) {
            Some(key) => drop(found.insert(row.hash, key)),
            None => unknown.push(*row),
        }
    }
    for some in statements(&unknown, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT hash, key FROM metric WHERE hash IN (");
        let mut list = query.separated(", ");
        for row in some {
            list.push_bind(row.hash.to_vec());
        }
        query.push(")");
        let there: Vec<(Vec<u8>, i64)> = query.build_query_as().fetch_all(&mut *connection).await?;
        for (hash, key) in there {
            let hash =
                Hash::try_from(hash).map_err(|_| StoreError::Damaged("a metric's hash is malformed"))?;
            found.insert(hash, key);
        }
    }
    let mut new = Vec::new();
    for row in unknown {
        let key = *found.entry(row.hash).or_insert_with(|| {
            let key = keys.metrics.next();
            new.push((key, row));
            key
        });
        keys.metrics.put(row.hash, key);
    }
    for some in statements(&new, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO metric (key, hash, name, description, unit, kind, temporality, monotonic, metadata, whole) ",
        );
        query.push_values(some, |mut columns, (key, row)| {
            let about = &row.about;
            columns
                .push_bind(*key)
                .push_bind(row.hash.to_vec())
                .push_bind(about.name.as_str())
                .push_bind(about.description.as_str())
                .push_bind(about.unit.as_str())
                .push_bind(about.kind)
                .push_bind(about.temporality)
                .push_bind(about.monotonic)
                .push_bind(row.metadata.as_slice())
                .push_bind(row.whole.as_deref());
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(found)
}

/// What [`About::read`] reads.
pub(super) const COLUMNS: &str = "name, description, unit, kind, temporality, monotonic";

impl About {
    pub(super) fn read(row: &SqliteRow) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(Self {
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            unit: row.try_get("unit")?,
            kind: row.try_get("kind")?,
            temporality: row.try_get("temporality")?,
            monotonic: row.try_get("monotonic")?,
        }))
    }
}

/// What stands in `metric.whole`.
pub(super) fn whole(packed: &[u8]) -> Result<Whole, StoreError> {
    decompressed(packed)
}

/// About how many bytes that is.
pub(super) fn length((name, description, unit, metadata): &Whole) -> usize {
    name.len() + description.len() + unit.len() + wire::encode(metadata).len()
}
