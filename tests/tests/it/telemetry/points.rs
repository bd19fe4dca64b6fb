//! Metrics that were sent, found back to the last bucket and exemplar.

use std::collections::BTreeSet;

use api::{MetricKind, MetricPoint, MetricSummary, Reporter, Temporality};
use serde_json::{Map, Value, json};
use tests::App;
use tests::otlp::proto::common::v1::KeyValue;
use tests::otlp::proto::metrics::v1::{Exemplar, Metric, metric::Data};
use tests::otlp::proto::resource::v1::Resource;
use tests::otlp::{Export, attributes, plain, point_json, reporter};

use super::sent::service;

/// How many points were compared.
pub(super) async fn check(app: &App, exports: &[Export], what: &str) -> usize {
    let requests = || {
        let requests = exports.iter().filter_map(|export| match export {
            Export::Metrics(request) => Some(request),
            _ => None,
        });
        requests.flat_map(|request| &request.resource_metrics).filter(|of| !of.scope_metrics.is_empty())
    };
    let services: BTreeSet<_> = requests().map(|of| service(of.resource.as_ref())).collect();
    let (mut left, mut compared) = (Vec::new(), 0);
    for service in services {
        for metric in app.metrics(service.as_deref()).await {
            let points = app.points(&metric).await;
            assert_eq!(metric.points, points.len() as u64, "{what}, {}", metric.name);
            left.push((metric, points));
        }
    }
    for of in requests() {
        for scoped in &of.scope_metrics {
            let reporter =
                reporter(of.resource.as_ref(), &of.schema_url, scoped.scope.as_ref(), &scoped.schema_url);
            for metric in scoped.metrics.iter().filter(|metric| !heads(metric).is_empty()) {
                let what = format!("{what}, {}", metric.name);
                let whose = service(of.resource.as_ref());
                let is_its = |known: &MetricSummary| {
                    known.name == metric.name && known.service == whose && known.kind == kind(metric).0
                };
                let place = left.iter().position(|(known, _)| is_its(known));
                let (found, points) = &mut left[place.unwrap_or_else(|| panic!("{what} is not there"))];
                check_metric(found, metric, &what);
                compared += heads(metric).len();
                check_points(points, metric, of.resource.as_ref(), &reporter, &what);
            }
        }
    }
    left.retain(|(_, points)| !points.is_empty());
    assert!(left.is_empty(), "{what}: what nobody sent: {left:?}");
    compared
}

/// Entities are compared whatever their names are written like.
pub(super) fn check_reporter(found: &Reporter, resource: Option<&Resource>, expected: &Reporter) {
    let entities: Vec<Value> = found.entities.iter().map(|entity| plain(entity)).collect();
    let sent = resource.into_iter().flat_map(|resource| &resource.entity_refs).map(|entity| {
        json!({
            "schemaUrl": entity.schema_url, "type": entity.r#type, "idKeys": entity.id_keys,
            "descriptionKeys": entity.description_keys,
        })
    });
    assert_eq!(entities, sent.collect::<Vec<_>>());
    assert_eq!(Reporter { entities: Vec::new(), ..found.clone() }, *expected);
}

/// Its kind, its temporality and whether it only grows.
fn kind(metric: &Metric) -> (MetricKind, Temporality, bool) {
    let (kind, temporality, monotonic) = match metric.data.as_ref().unwrap() {
        Data::Gauge(_) => (MetricKind::Gauge, 0, false),
        Data::Sum(of) => (MetricKind::Sum, of.aggregation_temporality, of.is_monotonic),
        Data::Histogram(of) => (MetricKind::Histogram, of.aggregation_temporality, false),
        Data::ExponentialHistogram(of) => {
            (MetricKind::ExponentialHistogram, of.aggregation_temporality, false)
        }
        Data::Summary(_) => (MetricKind::Summary, 0, false),
    };
    let temporality = match temporality {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        _ => Temporality::Unspecified,
    };
    (kind, temporality, monotonic)
}

fn check_metric(found: &MetricSummary, sent: &Metric, what: &str) {
    assert_eq!((found.kind, found.temporality, found.monotonic), kind(sent), "{what}");
    assert_eq!((&found.description, &found.unit), (&sent.description, &sent.unit), "{what}");
}

fn check_points(
    found: &mut Vec<MetricPoint>,
    sent: &Metric,
    resource: Option<&Resource>,
    reporter: &Reporter,
    what: &str,
) {
    for (index, head) in heads(sent).into_iter().enumerate() {
        let named = attributes(head.attributes);
        let place = found.iter().position(|point| {
            (point.time_ns.unsigned_abs(), point.start_ns.unsigned_abs()) == (head.time, head.start)
                && point.attributes == named
        });
        let point = found.swap_remove(place.unwrap_or_else(|| panic!("{what}, point {index} is not there")));
        let expected = said(&with_exemplars(point_json(sent, index), head.exemplars));
        assert_eq!(said(&plain(&point.fields)), expected, "{what}, point {index}");
        assert_eq!(point.metadata, attributes(&sent.metadata), "{what}");
        check_reporter(&point.reporter, resource, reporter);
    }
}

/// What every kind of point has.
struct Head<'a> {
    attributes: &'a [KeyValue],
    start: u64,
    time: u64,
    exemplars: &'a [Exemplar],
}

macro_rules! heads {
    ($points:expr, $point:ident => $exemplars:expr) => {
        $points
            .iter()
            .map(|$point| Head {
                attributes: &$point.attributes,
                start: $point.start_time_unix_nano,
                time: $point.time_unix_nano,
                exemplars: $exemplars,
            })
            .collect()
    };
}

fn heads(metric: &Metric) -> Vec<Head<'_>> {
    match &metric.data {
        None => Vec::new(),
        Some(Data::Gauge(of)) => heads!(of.data_points, point => &point.exemplars),
        Some(Data::Sum(of)) => heads!(of.data_points, point => &point.exemplars),
        Some(Data::Histogram(of)) => heads!(of.data_points, point => &point.exemplars),
        Some(Data::ExponentialHistogram(of)) => heads!(of.data_points, point => &point.exemplars),
        Some(Data::Summary(of)) => heads!(of.data_points, _point => &[]),
    }
}

/// The exemplars' attributes as named values.
fn with_exemplars(mut point: Value, exemplars: &[Exemplar]) -> Value {
    for (index, exemplar) in exemplars.iter().enumerate() {
        point["exemplars"][index]["filteredAttributes"] = plain(&attributes(&exemplar.filtered_attributes));
    }
    point
}

/// Without what says nothing, every number as its text.
fn said(value: &Value) -> Value {
    let nothing = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty() || text == "0",
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => json!(whole.to_string()),
            None => json!(number.as_f64().unwrap().to_string()),
        },
        Value::Array(list) => Value::Array(list.iter().map(said).collect()),
        Value::Object(map) => {
            let said = map.iter().map(|(name, value)| (name.clone(), said(value)));
            Value::Object(said.filter(|(_, value)| !nothing(value)).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}
