//! Metrics of every kind.

use model::telemetry::wire::{
    Attributes, Buckets, Exemplar, ExponentialPoint, HistogramPoint, Metric, MetricData, Number, NumberPoint,
    PointHead, SummaryPoint,
};

use crate::decode::{Intake, Unreadable};

use super::common::attributes;
use super::reader::Reader;

pub(super) fn metric(json: &mut Reader<'_>, intake: &mut Intake) -> Result<Option<Metric>, Unreadable> {
    let mut metric = Metric::default();
    json.object(|json, key| {
        match key {
            "name" => json.string(&mut metric.name)?,
            "description" => json.string(&mut metric.description)?,
            "unit" => json.string(&mut metric.unit)?,
            "metadata" => attributes(json, &mut metric.metadata, 0, intake)?,
            "gauge" => metric.data = MetricData::Gauge(kind(json, intake, number)?.points),
            "sum" => {
                let Kind { points, temporality, monotonic } = kind(json, intake, number)?;
                metric.data = MetricData::Sum { points, temporality, monotonic };
            }
            "histogram" => {
                let Kind { points, temporality, .. } = kind(json, intake, histogram)?;
                metric.data = MetricData::Histogram { points, temporality };
            }
            "exponentialHistogram" | "exponential_histogram" => {
                let Kind { points, temporality, .. } = kind(json, intake, exponential)?;
                metric.data = MetricData::ExponentialHistogram { points, temporality };
            }
            "summary" => metric.data = MetricData::Summary(kind(json, intake, summary)?.points),
            _ => json.skip()?,
        }
        Ok(())
    })?;
    Ok(intake.metric(metric))
}

/// What every kind of metric says, as far as it has it.
struct Kind<T> {
    points: Vec<T>,
    temporality: i32,
    monotonic: bool,
}

fn kind<T>(
    json: &mut Reader<'_>,
    intake: &mut Intake,
    read: fn(&mut Reader<'_>, &mut Intake) -> Result<T, Unreadable>,
) -> Result<Kind<T>, Unreadable> {
    let mut kind = Kind { points: Vec::new(), temporality: 0, monotonic: false };
    json.object(|json, key| match key {
        "dataPoints" | "data_points" => json.list(|json| {
            intake.pay::<T>()?;
            kind.points.push(read(json, intake)?);
            Ok(())
        }),
        "aggregationTemporality" | "aggregation_temporality" => {
            json.choice(&mut kind.temporality, "AGGREGATION_TEMPORALITY_", |name| match name {
                "UNSPECIFIED" => Some(0),
                "DELTA" => Some(1),
                "CUMULATIVE" => Some(2),
                _ => None,
            })
        }
        "isMonotonic" | "is_monotonic" => {
            kind.monotonic = json.truth()?.unwrap_or_default();
            Ok(())
        }
        _ => json.skip(),
    })?;
    Ok(kind)
}

fn empty_head(intake: &Intake) -> PointHead {
    PointHead { attributes: Attributes(Vec::with_capacity(intake.room())), ..PointHead::default() }
}

/// What every kind of point has; passes over what is unknown.
fn head(
    json: &mut Reader<'_>,
    key: &str,
    head: &mut PointHead,
    intake: &mut Intake,
) -> Result<(), Unreadable> {
    match key {
        "attributes" => attributes(json, &mut head.attributes, 0, intake),
        "startTimeUnixNano" | "start_time_unix_nano" => json.unsigned(&mut head.start_ns),
        "timeUnixNano" | "time_unix_nano" => json.unsigned(&mut head.time_ns),
        "flags" => json.narrow(&mut head.flags),
        _ => json.skip(),
    }
}

fn number(json: &mut Reader<'_>, intake: &mut Intake) -> Result<NumberPoint, Unreadable> {
    let mut point = NumberPoint { head: empty_head(intake), ..NumberPoint::default() };
    json.object(|json, key| match key {
        "asDouble" | "as_double" | "asInt" | "as_int" => value(json, key, &mut point.value),
        "exemplars" => exemplars(json, &mut point.exemplars, intake),
        _ => head(json, key, &mut point.head, intake),
    })?;
    intake.attributes = point.head.attributes.0.len();
    Ok(point)
}

fn value(json: &mut Reader<'_>, key: &str, into: &mut Option<Number>) -> Result<(), Unreadable> {
    let found = match key {
        "asInt" | "as_int" => json.integer()?,
        _ => json.double()?.map(Number::Double),
    };
    *into = found.or(*into);
    Ok(())
}

fn histogram(json: &mut Reader<'_>, intake: &mut Intake) -> Result<HistogramPoint, Unreadable> {
    let mut point = HistogramPoint { head: empty_head(intake), ..HistogramPoint::default() };
    json.object(|json, key| match key {
        "count" => json.unsigned(&mut point.count),
        "sum" => maybe(json, &mut point.sum),
        "min" => maybe(json, &mut point.min),
        "max" => maybe(json, &mut point.max),
        "bucketCounts" | "bucket_counts" => counts(json, &mut point.bucket_counts, intake),
        "explicitBounds" | "explicit_bounds" => json.list(|json| {
            intake.pay::<f64>()?;
            point.bounds.push(json.double()?.unwrap_or_default());
            Ok(())
        }),
        "exemplars" => exemplars(json, &mut point.exemplars, intake),
        _ => head(json, key, &mut point.head, intake),
    })?;
    intake.attributes = point.head.attributes.0.len();
    Ok(point)
}

fn maybe(json: &mut Reader<'_>, into: &mut Option<f64>) -> Result<(), Unreadable> {
    *into = json.double()?.or(*into);
    Ok(())
}

fn counts(json: &mut Reader<'_>, into: &mut Vec<u64>, intake: &mut Intake) -> Result<(), Unreadable> {
    json.list(|json| {
        intake.pay::<u64>()?;
        let mut count = 0;
        json.unsigned(&mut count)?;
        into.push(count);
        Ok(())
    })
}

fn exponential(json: &mut Reader<'_>, intake: &mut Intake) -> Result<ExponentialPoint, Unreadable> {
    let mut point = ExponentialPoint { head: empty_head(intake), ..ExponentialPoint::default() };
    json.object(|json, key| match key {
        "count" => json.unsigned(&mut point.count),
        "sum" => maybe(json, &mut point.sum),
        "min" => maybe(json, &mut point.min),
        "max" => maybe(json, &mut point.max),
        "scale" => json.signed(&mut point.scale),
        "zeroCount" | "zero_count" => json.unsigned(&mut point.zero_count),
        "zeroThreshold" | "zero_threshold" => json.plain_double(&mut point.zero_threshold),
        "positive" => buckets(json, &mut point.positive, intake),
        "negative" => buckets(json, &mut point.negative, intake),
        "exemplars" => exemplars(json, &mut point.exemplars, intake),
        _ => head(json, key, &mut point.head, intake),
    })?;
    intake.attributes = point.head.attributes.0.len();
    Ok(point)
}

fn buckets(json: &mut Reader<'_>, into: &mut Buckets, intake: &mut Intake) -> Result<(), Unreadable> {
    json.object(|json, key| match key {
        "offset" => json.signed(&mut into.offset),
        "bucketCounts" | "bucket_counts" => counts(json, &mut into.counts, intake),
        _ => json.skip(),
    })
}

fn summary(json: &mut Reader<'_>, intake: &mut Intake) -> Result<SummaryPoint, Unreadable> {
    let mut point = SummaryPoint { head: empty_head(intake), ..SummaryPoint::default() };
    json.object(|json, key| match key {
        "count" => json.unsigned(&mut point.count),
        "sum" => json.plain_double(&mut point.sum),
        "quantileValues" | "quantile_values" => json.list(|json| {
            intake.pay::<(f64, f64)>()?;
            let mut quantile = (0.0, 0.0);
            json.object(|json, key| match key {
                "quantile" => json.plain_double(&mut quantile.0),
                "value" => json.plain_double(&mut quantile.1),
                _ => json.skip(),
            })?;
            point.quantiles.push(quantile);
            Ok(())
        }),
        _ => head(json, key, &mut point.head, intake),
    })?;
    intake.attributes = point.head.attributes.0.len();
    Ok(point)
}

fn exemplars(json: &mut Reader<'_>, into: &mut Vec<Exemplar>, intake: &mut Intake) -> Result<(), Unreadable> {
    json.list(|json| {
        intake.pay::<Exemplar>()?;
        let mut exemplar = Exemplar::default();
        json.object(|json, key| match key {
            "filteredAttributes" | "filtered_attributes" => {
                attributes(json, &mut exemplar.attributes, 0, intake)
            }
            "timeUnixNano" | "time_unix_nano" => json.unsigned(&mut exemplar.time_ns),
            "asDouble" | "as_double" | "asInt" | "as_int" => value(json, key, &mut exemplar.value),
            "spanId" | "span_id" => {
                exemplar.span_id = json.maybe_id()?;
                Ok(())
            }
            "traceId" | "trace_id" => {
                exemplar.trace_id = json.maybe_id()?;
                Ok(())
            }
            _ => json.skip(),
        })?;
        into.push(exemplar);
        Ok(())
    })
}
