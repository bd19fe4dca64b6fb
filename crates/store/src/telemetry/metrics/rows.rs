//! Rows of series and points, and what is made of them.

use std::sync::Arc;

use api::{Attribute, MetricExemplar, MetricKind, MetricSummary, Temporality};
use model::telemetry::wire::{self, Exemplar, Number};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{NANOS, Series};
use crate::StoreError;
use crate::telemetry::about::About;
use crate::telemetry::growth::Point;
use crate::telemetry::{hex, shown, signed};

/// What [`series`] reads; what is said of its metric, which many share, is read apart.
pub(super) const SERIES: &str = "SELECT series.key AS key, series.metric AS metric, attributes, service, origin.client AS client \
    FROM series JOIN metric ON metric.key = series.metric LEFT JOIN origin ON origin.key = series.origin WHERE 1";
pub(super) const POINT: &str = "SELECT series.key AS key, name, description, unit, kind, temporality, monotonic, attributes, service, \
    origin.client AS client, metadata, metric.whole IS NOT NULL AS shortened, series.metric AS metric, series.origin AS origin, series, time_ns, start_ns, \
    value, int, rest FROM point JOIN series ON series.key = point.series JOIN metric ON metric.key = series.metric \
    LEFT JOIN origin ON origin.key = series.origin";

/// What a point's id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointKey {
    pub(super) series: i64,
    pub(super) time_ns: i64,
    pub(super) start_ns: i64,
}

/// The key in a point's id; `None` when it is no such id.
pub fn point_key(id: &str) -> Option<PointKey> {
    let mut parts = id.split('-').map(|part| part.parse::<i64>().ok());
    let key = PointKey { series: parts.next()??, time_ns: parts.next()??, start_ns: parts.next()?? };
    parts.next().is_none().then_some(key)
}

pub(super) fn summary(series: &Series, first_ns: i64, last_ns: i64) -> MetricSummary {
    let About { name, description, unit, kind: number, temporality: of, monotonic } = series.about.as_ref();
    MetricSummary {
        name: name.clone(),
        service: series.service.clone(),
        description: description.clone(),
        unit: unit.clone(),
        kind: kind(*number),
        temporality: temporality(*of),
        monotonic: *monotonic,
        series: 0,
        points: 0,
        first_ms: first_ns / NANOS,
        last_ms: last_ns / NANOS,
        total: 0.0,
        range: None,
        attribute_keys: Vec::new(),
    }
}

pub(super) fn kind(number: i64) -> MetricKind {
    usize::try_from(number).ok().and_then(|at| MetricKind::ALL.get(at)).copied().unwrap_or(MetricKind::Gauge)
}

pub(super) fn kind_number(kind: MetricKind) -> i64 {
    let at = MetricKind::ALL.iter().position(|other| *other == kind);
    at.and_then(|at| i64::try_from(at).ok()).unwrap_or_default()
}

pub(super) fn temporality(number: i64) -> Temporality {
    match number {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        _ => Temporality::Unspecified,
    }
}

pub(super) fn decoded<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    wire::decode(bytes).ok_or(StoreError::Damaged("a metric cannot be read"))
}

pub(super) fn series(row: &SqliteRow, about: Arc<About>) -> Result<Series, StoreError> {
    Ok(Series {
        key: row.try_get("key")?,
        about,
        attributes: decoded(row.try_get("attributes")?)?,
        service: row.try_get("service")?,
        client: row.try_get("client")?,
    })
}

pub(super) fn point(row: &SqliteRow) -> Result<Point, StoreError> {
    let rest: Option<&[u8]> = row.try_get("rest")?;
    Ok(Point {
        time_ns: row.try_get("time_ns")?,
        start_ns: row.try_get("start_ns")?,
        value: row.try_get("value")?,
        int: row.try_get("int")?,
        rest: rest.map(decoded).transpose()?,
    })
}

#[expect(clippy::cast_precision_loss, reason = "charts are drawn in doubles")]
pub(super) fn exemplar(exemplar: &Exemplar) -> Option<MetricExemplar> {
    let value = match exemplar.value? {
        Number::Int(value) => value as f64,
        Number::Double(value) => value,
    };
    let attributes: Vec<Attribute> = shown::attributes(&exemplar.attributes);
    value.is_finite().then(|| MetricExemplar {
        time_ns: signed(exemplar.time_ns),
        value,
        trace_id: exemplar.trace_id.map(|id| hex(&id)),
        span_id: exemplar.span_id.map(|id| hex(&id)),
        attributes,
    })
}
