//! Exports with every field of the protocol in use.

use model::telemetry::wire::*;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z_.]{1,12}", "\\PC{0,20}", Just("\u{0}\"\\\n\u{1f600}".to_owned())]
}

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        (-1000_i32..1000).prop_map(f64::from),
    ]
    // JSON has one NaN, and prost takes the negative zero for the default.
    .prop_map(|value| if value.is_nan() { f64::NAN } else { value + 0.0 })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        text().prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        double().prop_map(Value::Double),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec((text(), inner), 0..4).prop_map(|pairs| Value::Map(Attributes(pairs))),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    prop::collection::vec((text(), value()), 0..4).prop_map(Attributes)
}

fn id<const N: usize>() -> impl Strategy<Value = [u8; N]> {
    any::<[u8; N]>().prop_map(|mut id| {
        id[0] |= 0x80;
        id
    })
}

fn maybe_id<const N: usize>() -> impl Strategy<Value = Option<[u8; N]>> {
    prop::option::of(id())
}

fn origin() -> impl Strategy<Value = Origin> {
    let entity = (text(), text(), prop::collection::vec(text(), 0..3), prop::collection::vec(text(), 0..3))
        .prop_map(|(schema_url, kind, id_keys, description_keys)| Entity {
            schema_url,
            kind,
            id_keys,
            description_keys,
        });
    let resource = (attributes(), any::<u32>(), prop::collection::vec(entity, 0..2), text()).prop_map(
        |(attributes, dropped_attributes, entities, schema_url)| Resource {
            attributes,
            dropped_attributes,
            entities,
            schema_url,
        },
    );
    let scope = (text(), text(), attributes(), any::<u32>(), text()).prop_map(
        |(name, version, attributes, dropped_attributes, schema_url)| Scope {
            name,
            version,
            attributes,
            dropped_attributes,
            schema_url,
        },
    );
    (resource, scope).prop_map(|(resource, scope)| Origin { resource, scope })
}

fn span() -> impl Strategy<Value = Span> {
    let event = (any::<u64>(), text(), attributes(), any::<u32>()).prop_map(
        |(time_ns, name, attributes, dropped_attributes)| SpanEvent {
            time_ns,
            name,
            attributes,
            dropped_attributes,
        },
    );
    let link = (any::<[u8; 16]>(), any::<[u8; 8]>(), text(), attributes(), any::<u32>(), any::<u32>())
        .prop_map(|(trace_id, span_id, trace_state, attributes, dropped_attributes, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes,
            flags,
        });
    let ids = (id(), id(), maybe_id(), text(), any::<u32>());
    let facts = (text(), any::<i32>(), any::<u64>(), any::<u64>(), attributes());
    let lists = (prop::collection::vec(event, 0..3), prop::collection::vec(link, 0..3));
    let rest = (any::<u32>(), any::<u32>(), any::<u32>(), any::<i32>(), text());
    (ids, facts, lists, rest).prop_map(|(ids, facts, lists, rest)| Span {
        trace_id: ids.0,
        span_id: ids.1,
        parent: ids.2,
        trace_state: ids.3,
        flags: ids.4,
        name: facts.0,
        kind: facts.1,
        start_ns: facts.2,
        end_ns: facts.3,
        attributes: facts.4,
        events: lists.0,
        links: lists.1,
        dropped_attributes: rest.0,
        dropped_events: rest.1,
        dropped_links: rest.2,
        status_code: rest.3,
        status_message: rest.4,
    })
}

fn record() -> impl Strategy<Value = LogRecord> {
    let times = (1..u64::MAX, any::<u64>(), any::<i32>(), text());
    let rest = (value(), attributes(), any::<u32>(), any::<u32>());
    (times, rest, maybe_id(), maybe_id(), text()).prop_map(|(times, rest, trace_id, span_id, event_name)| {
        LogRecord {
            time_ns: times.0,
            observed_ns: times.1,
            severity_number: times.2,
            severity_text: times.3,
            body: rest.0,
            attributes: rest.1,
            dropped_attributes: rest.2,
            flags: rest.3,
            trace_id,
            span_id,
            event_name,
        }
    })
}

fn head() -> impl Strategy<Value = PointHead> {
    (attributes(), any::<u64>(), any::<u64>(), any::<u32>())
        .prop_map(|(attributes, start_ns, time_ns, flags)| PointHead { attributes, start_ns, time_ns, flags })
}

fn number() -> impl Strategy<Value = Option<Number>> {
    prop::option::of(prop_oneof![any::<i64>().prop_map(Number::Int), double().prop_map(Number::Double)])
}

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let exemplar = (attributes(), any::<u64>(), number(), maybe_id(), maybe_id()).prop_map(
        |(attributes, time_ns, value, span_id, trace_id)| Exemplar {
            attributes,
            time_ns,
            value,
            span_id,
            trace_id,
        },
    );
    prop::collection::vec(exemplar, 0..2)
}

fn numbers() -> impl Strategy<Value = Vec<NumberPoint>> {
    let point = (head(), number(), exemplars()).prop_map(|(head, value, exemplars)| NumberPoint {
        head,
        value,
        exemplars,
    });
    prop::collection::vec(point, 1..3)
}

fn maybe() -> impl Strategy<Value = Option<f64>> {
    prop::option::of(double())
}

fn histogram() -> impl Strategy<Value = HistogramPoint> {
    let buckets = (prop::collection::vec(any::<u64>(), 0..5), prop::collection::vec(double(), 0..5));
    (head(), any::<u64>(), (maybe(), maybe(), maybe()), buckets, exemplars()).prop_map(
        |(head, count, (sum, min, max), (bucket_counts, bounds), exemplars)| HistogramPoint {
            head,
            count,
            sum,
            min,
            max,
            bucket_counts,
            bounds,
            exemplars,
        },
    )
}

fn buckets() -> impl Strategy<Value = Buckets> {
    (any::<i32>(), prop::collection::vec(any::<u64>(), 0..5))
        .prop_map(|(offset, counts)| Buckets { offset, counts })
}

fn exponential() -> impl Strategy<Value = ExponentialPoint> {
    let zero = (any::<i32>(), any::<u64>(), double());
    (head(), any::<u64>(), (maybe(), maybe(), maybe()), zero, (buckets(), buckets()), exemplars()).prop_map(
        |(head, count, (sum, min, max), (scale, zero_count, zero_threshold), buckets, exemplars)| {
            ExponentialPoint {
                head,
                count,
                sum,
                min,
                max,
                scale,
                zero_count,
                zero_threshold,
                positive: buckets.0,
                negative: buckets.1,
                exemplars,
            }
        },
    )
}

fn summary() -> impl Strategy<Value = SummaryPoint> {
    (head(), any::<u64>(), double(), prop::collection::vec((double(), double()), 0..4))
        .prop_map(|(head, count, sum, quantiles)| SummaryPoint { head, count, sum, quantiles })
}

fn metric() -> impl Strategy<Value = Metric> {
    let data = prop_oneof![
        numbers().prop_map(MetricData::Gauge),
        (numbers(), any::<i32>(), any::<bool>()).prop_map(|(points, temporality, monotonic)| {
            MetricData::Sum { points, temporality, monotonic }
        }),
        (prop::collection::vec(histogram(), 1..3), any::<i32>())
            .prop_map(|(points, temporality)| MetricData::Histogram { points, temporality }),
        (prop::collection::vec(exponential(), 1..3), any::<i32>())
            .prop_map(|(points, temporality)| MetricData::ExponentialHistogram { points, temporality }),
        prop::collection::vec(summary(), 1..3).prop_map(MetricData::Summary),
    ];
    ("[a-z.]{1,20}", text(), text(), attributes(), data).prop_map(
        |(name, description, unit, metadata, data)| Metric { name, description, unit, metadata, data },
    )
}

fn groups<T: std::fmt::Debug>(
    record: impl Strategy<Value = T>,
) -> impl Strategy<Value = Vec<(Origin, Vec<T>)>> {
    prop::collection::vec((origin(), prop::collection::vec(record, 1..3)), 0..3)
}

/// Any of the three.
pub(crate) fn any_export() -> impl Strategy<Value = Export> {
    prop_oneof![
        groups(span()).prop_map(Export::Traces),
        groups(record()).prop_map(Export::Logs),
        groups(metric()).prop_map(Export::Metrics),
    ]
}
