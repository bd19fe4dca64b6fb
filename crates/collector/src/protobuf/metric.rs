//! Metrics of every kind.

use model::telemetry::wire::{
    Attributes, Buckets, Exemplar, ExponentialPoint, HistogramPoint, Metric, MetricData, Number, NumberPoint,
    PointHead, SummaryPoint,
};

use crate::decode::{Intake, Unreadable, optional};

use super::common::{attribute, int32, int64, narrow, sint32, text};
use super::reader::{self, Field, Fields};

pub(super) fn metric(message: &[u8], intake: &mut Intake) -> Result<Option<Metric>, Unreadable> {
    let mut metric = Metric::default();
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(bytes)) => metric.name = text(bytes),
            (2, Field::Bytes(bytes)) => metric.description = text(bytes),
            (3, Field::Bytes(bytes)) => metric.unit = text(bytes),
            (5, Field::Bytes(message)) => {
                metric.data = MetricData::Gauge(kind(message, intake, number)?.points);
            }
            (7, Field::Bytes(message)) => {
                let Kind { points, temporality, monotonic } = kind(message, intake, number)?;
                metric.data = MetricData::Sum { points, temporality, monotonic };
            }
            (9, Field::Bytes(message)) => {
                let Kind { points, temporality, .. } = kind(message, intake, histogram)?;
                metric.data = MetricData::Histogram { points, temporality };
            }
            (10, Field::Bytes(message)) => {
                let Kind { points, temporality, .. } = kind(message, intake, exponential)?;
                metric.data = MetricData::ExponentialHistogram { points, temporality };
            }
            (11, Field::Bytes(message)) => {
                metric.data = MetricData::Summary(kind(message, intake, summary)?.points);
            }
            (12, Field::Bytes(message)) => attribute(message, &mut metric.metadata, 0, intake)?,
            _ => {}
        }
    }
    Ok(intake.metric(metric))
}

/// What every kind of metric says, as far as it has it.
struct Kind<T> {
    points: Vec<T>,
    temporality: i32,
    monotonic: bool,
}

fn kind<T>(
    message: &[u8],
    intake: &mut Intake,
    read: fn(&[u8], &mut Intake) -> Result<T, Unreadable>,
) -> Result<Kind<T>, Unreadable> {
    let mut kind = Kind { points: Vec::new(), temporality: 0, monotonic: false };
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(message)) => {
                intake.pay::<T>()?;
                kind.points.push(read(message, intake)?);
            }
            (2, Field::Varint(temporality)) => kind.temporality = int32(temporality),
            (3, Field::Varint(bit)) => kind.monotonic = bit != 0,
            _ => {}
        }
    }
    Ok(kind)
}

fn head(intake: &Intake) -> PointHead {
    PointHead { attributes: Attributes(Vec::with_capacity(intake.room())), ..PointHead::default() }
}

fn number(message: &[u8], intake: &mut Intake) -> Result<NumberPoint, Unreadable> {
    let mut point = NumberPoint { head: head(intake), ..NumberPoint::default() };
    for field in Fields::of(message) {
        match field? {
            (2, Field::Fixed64(time)) => point.head.start_ns = time,
            (3, Field::Fixed64(time)) => point.head.time_ns = time,
            (4, Field::Fixed64(bits)) => point.value = Some(Number::Double(f64::from_bits(bits))),
            (5, Field::Bytes(message)) => push_exemplar(message, &mut point.exemplars, intake)?,
            (6, Field::Fixed64(value)) => point.value = Some(Number::Int(int64(value))),
            (7, Field::Bytes(message)) => attribute(message, &mut point.head.attributes, 0, intake)?,
            (8, Field::Varint(flags)) => point.head.flags = narrow(flags),
            _ => {}
        }
    }
    intake.attributes = point.head.attributes.0.len();
    Ok(point)
}

fn histogram(message: &[u8], intake: &mut Intake) -> Result<HistogramPoint, Unreadable> {
    let mut point = HistogramPoint { head: head(intake), ..HistogramPoint::default() };
    for field in Fields::of(message) {
        match field? {
            (2, Field::Fixed64(time)) => point.head.start_ns = time,
            (3, Field::Fixed64(time)) => point.head.time_ns = time,
            (4, Field::Fixed64(count)) => point.count = count,
            (5, Field::Fixed64(bits)) => point.sum = Some(f64::from_bits(bits)),
            (6, field) => reader::fixed(field, &mut point.bucket_counts),
            (7, field) => reader::doubles(field, &mut point.bounds),
            (8, Field::Bytes(message)) => push_exemplar(message, &mut point.exemplars, intake)?,
            (9, Field::Bytes(message)) => attribute(message, &mut point.head.attributes, 0, intake)?,
            (10, Field::Varint(flags)) => point.head.flags = narrow(flags),
            (11, Field::Fixed64(bits)) => point.min = Some(f64::from_bits(bits)),
            (12, Field::Fixed64(bits)) => point.max = Some(f64::from_bits(bits)),
            _ => {}
        }
    }
    intake.attributes = point.head.attributes.0.len();
    Ok(point)
}

fn exponential(message: &[u8], intake: &mut Intake) -> Result<ExponentialPoint, Unreadable> {
    let mut point = ExponentialPoint { head: head(intake), ..ExponentialPoint::default() };
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(message)) => attribute(message, &mut point.head.attributes, 0, intake)?,
            (2, Field::Fixed64(time)) => point.head.start_ns = time,
            (3, Field::Fixed64(time)) => point.head.time_ns = time,
            (4, Field::Fixed64(count)) => point.count = count,
            (5, Field::Fixed64(bits)) => point.sum = Some(f64::from_bits(bits)),
            (6, Field::Varint(scale)) => point.scale = sint32(scale),
            (7, Field::Fixed64(count)) => point.zero_count = count,
            (8, Field::Bytes(message)) => buckets(message, &mut point.positive, intake)?,
            (9, Field::Bytes(message)) => buckets(message, &mut point.negative, intake)?,
            (10, Field::Varint(flags)) => point.head.flags = narrow(flags),
            (11, Field::Bytes(message)) => push_exemplar(message, &mut point.exemplars, intake)?,
            (12, Field::Fixed64(bits)) => point.min = Some(f64::from_bits(bits)),
            (13, Field::Fixed64(bits)) => point.max = Some(f64::from_bits(bits)),
            (14, Field::Fixed64(bits)) => point.zero_threshold = f64::from_bits(bits),
            _ => {}
        }
    }
    intake.attributes = point.head.attributes.0.len();
    Ok(point)
}

fn buckets(message: &[u8], into: &mut Buckets, intake: &mut Intake) -> Result<(), Unreadable> {
    for field in Fields::of(message) {
        match field? {
            (1, Field::Varint(offset)) => into.offset = sint32(offset),
            (2, field) => {
                let before = into.counts.len();
                reader::varints(field, &mut into.counts)?;
                for _ in before..into.counts.len() {
                    intake.pay::<u64>()?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn summary(message: &[u8], intake: &mut Intake) -> Result<SummaryPoint, Unreadable> {
    let mut point = SummaryPoint { head: head(intake), ..SummaryPoint::default() };
    for field in Fields::of(message) {
        match field? {
            (2, Field::Fixed64(time)) => point.head.start_ns = time,
            (3, Field::Fixed64(time)) => point.head.time_ns = time,
            (4, Field::Fixed64(count)) => point.count = count,
            (5, Field::Fixed64(bits)) => point.sum = f64::from_bits(bits),
            (6, Field::Bytes(message)) => {
                intake.pay::<(f64, f64)>()?;
                point.quantiles.push(quantile(message)?);
            }
            (7, Field::Bytes(message)) => attribute(message, &mut point.head.attributes, 0, intake)?,
            (8, Field::Varint(flags)) => point.head.flags = narrow(flags),
            _ => {}
        }
    }
    intake.attributes = point.head.attributes.0.len();
    Ok(point)
}

fn quantile(message: &[u8]) -> Result<(f64, f64), Unreadable> {
    let mut quantile = (0.0, 0.0);
    for field in Fields::of(message) {
        match field? {
            (1, Field::Fixed64(bits)) => quantile.0 = f64::from_bits(bits),
            (2, Field::Fixed64(bits)) => quantile.1 = f64::from_bits(bits),
            _ => {}
        }
    }
    Ok(quantile)
}

fn push_exemplar(message: &[u8], into: &mut Vec<Exemplar>, intake: &mut Intake) -> Result<(), Unreadable> {
    intake.pay::<Exemplar>()?;
    let mut exemplar = Exemplar::default();
    for field in Fields::of(message) {
        match field? {
            (2, Field::Fixed64(time)) => exemplar.time_ns = time,
            (3, Field::Fixed64(bits)) => exemplar.value = Some(Number::Double(f64::from_bits(bits))),
            (4, Field::Bytes(bytes)) => exemplar.span_id = optional(bytes),
            (5, Field::Bytes(bytes)) => exemplar.trace_id = optional(bytes),
            (6, Field::Fixed64(value)) => exemplar.value = Some(Number::Int(int64(value))),
            (7, Field::Bytes(message)) => attribute(message, &mut exemplar.attributes, 0, intake)?,
            _ => {}
        }
    }
    into.push(exemplar);
    Ok(())
}
