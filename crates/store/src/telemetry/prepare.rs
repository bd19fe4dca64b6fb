//! A batch of reports made ready to be committed: encoded, packed, compressed, and the rows that lists read. This is the
//! work of storing that needs no database: several batches can be made ready at once.

use std::collections::HashMap;
use std::sync::Arc;

use api::SpanType;
use model::telemetry::reading::Whose;
use model::telemetry::wire::{self, Origin, SpanId, TraceId};

use super::about::MetricRow;
use super::logs::LogRow;
use super::packs::{Packed, Packer};
use super::points::{PointRow, SeriesRow};
use super::spans::{ECHO, FAILED, INFRASTRUCTURE, SpanRow};
use super::{Hash, LogWrite, MetricWrite, Reports, SpanWrite, hash, logs, points, short, signed};
use crate::pace::Pace;
use crate::{Store, StoreError};

/// Characters of a span's name or label that a row keeps.
const LONGEST: usize = 500;

/// What [`Store::commit_telemetry`] takes.
#[derive(Debug, Default)]
pub struct TelemetryBatch {
    pub(super) origins: Vec<OriginRow>,
    pub(super) traces: Vec<TraceSaid>,
    pub(super) spans: Vec<SpanRow>,
    pub(super) logs: Vec<LogRow>,
    pub(super) metrics: Vec<MetricRow>,
    pub(super) series: Vec<SeriesRow>,
    pub(super) points: Vec<PointRow>,
    pub(super) packs: Vec<Packed>,
    /// Where records with something to join stand: of spans and logs, by their number here.
    pub(super) works: Vec<Told>,
}

impl TelemetryBatch {
    /// Spans, log records and points in it.
    pub fn len(&self) -> usize {
        self.spans.len() + self.logs.len() + self.points.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A report that tells of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    /// The span of this number.
    Span(usize),
    /// The log record of this number.
    Log(usize),
}

/// Who reported.
#[derive(Debug)]
pub(super) struct OriginRow {
    pub(super) hash: Hash,
    pub(super) service: Option<String>,
    pub(super) client: Option<String>,
    pub(super) encoded: Vec<u8>,
}

/// What spans say of their trace, the earliest first.
#[derive(Clone, Debug)]
pub(super) struct TraceSaid {
    pub(super) id: TraceId,
    /// Its session, and when the span that says so began.
    pub(super) session: Option<(i64, String)>,
    pub(super) client: Option<(i64, String)>,
}

impl Store {
    /// Makes what some requests carried ready to be committed together. Takes milliseconds of CPU time: not for a thread
    /// that forwards calls. `now_ns` stands for times that nobody said.
    pub fn prepare_telemetry(
        &self,
        requests: Vec<Reports>,
        now_ns: i64,
    ) -> Result<TelemetryBatch, StoreError> {
        let mut preparing = Preparing::new(&self.inner.pace, now_ns);
        for request in requests {
            for span in request.spans {
                preparing.span(span)?;
            }
            preparing.logs(request.logs)?;
            for metric in request.metrics {
                preparing.metric(metric)?;
            }
        }
        let Preparing { mut batch, packer, .. } = preparing;
        batch.packs = packer.finish()?;
        Ok(batch)
    }
}

struct Preparing<'a> {
    pace: &'a Pace,
    now_ns: i64,
    packer: Packer,
    batch: TelemetryBatch,
    /// Origins by where they lie in memory, which stays theirs while they are held here.
    shared: HashMap<*const Origin, (usize, Arc<Origin>)>,
    origins: HashMap<Hash, usize>,
    traces: HashMap<TraceId, usize>,
    metrics: HashMap<Hash, usize>,
    series: HashMap<Hash, usize>,
}

impl<'a> Preparing<'a> {
    fn new(pace: &'a Pace, now_ns: i64) -> Self {
        Self {
            pace,
            now_ns,
            packer: Packer::default(),
            batch: TelemetryBatch::default(),
            shared: HashMap::new(),
            origins: HashMap::new(),
            traces: HashMap::new(),
            metrics: HashMap::new(),
            series: HashMap::new(),
        }
    }

    fn span(&mut self, SpanWrite { span, origin, reading }: SpanWrite) -> Result<(), StoreError> {
        let origin = self.origin(&origin, &reading.whose);
        let encoded = wire::encode(&span);
        let spot = self.packer.add(&encoded)?;
        let (start_ns, duration_ns) = times(span.start_ns, span.end_ns, self.now_ns);
        let trace = self.trace(span.trace_id);
        if let Some(said) = self.batch.traces.get_mut(trace) {
            tell(&mut said.session, start_ns, reading.whose.session);
            tell(&mut said.client, start_ns, reading.whose.client);
        }
        if reading.call.is_some() {
            self.batch.works.push(Told::Span(self.batch.spans.len()));
        }
        let failed = reading.error.is_some() || span.status_code == 2;
        let flag = |set: bool, flag: i64| if set { flag } else { 0 };
        self.batch.spans.push(SpanRow {
            trace,
            id: span_key(span.span_id),
            parent: span.parent.map(span_key),
            origin,
            start_ns,
            duration_ns,
            kind: span_type(reading.span_type),
            flags: flag(failed, FAILED)
                | flag(reading.infrastructure, INFRASTRUCTURE)
                | flag(reading.echo, ECHO),
            name: short(span.name, LONGEST),
            label: reading.label.map(|label| short(label, LONGEST)),
            tool_call: reading.tool.and_then(|tool| tool.call_id),
            spot,
            len: encoded.len(),
            said: hash(&encoded),
        });
        self.pace.give_way();
        Ok(())
    }

    fn logs(&mut self, writes: Vec<LogWrite>) -> Result<(), StoreError> {
        let mut equal: HashMap<Hash, u64> = HashMap::new();
        for LogWrite { record, origin, reading } in writes {
            let origin = self.origin(&origin, &reading.whose);
            let encoded = wire::encode(&record);
            let spot = self.packer.add(&encoded)?;
            let reporter = self.batch.origins.get(origin).map(|origin| origin.hash).unwrap_or_default();
            let said = hash(&[reporter.as_slice(), &encoded].concat());
            let before = equal.entry(said).and_modify(|before| *before += 1).or_default();
            let hash = logs::hash_of(said, *before);
            let trace = record.trace_id.map(|id| self.trace(id));
            if reading.call.is_some() {
                self.batch.works.push(Told::Log(self.batch.logs.len()));
            }
            self.batch.logs.push(LogRow::new(record, reading, origin, trace, hash, spot, self.now_ns));
            self.pace.give_way();
        }
        Ok(())
    }

    fn metric(&mut self, MetricWrite { metric, origin, whose }: MetricWrite) -> Result<(), StoreError> {
        let origin = self.origin(&origin, &whose);
        let reporter = self.batch.origins.get(origin).map(|origin| origin.hash).unwrap_or_default();
        let Self { batch: TelemetryBatch { metrics, series, points, .. }, pace, .. } = self;
        let about = |row: MetricRow| {
            *self.metrics.entry(row.hash).or_insert_with(|| {
                metrics.push(row);
                metrics.len() - 1
            })
        };
        points::each(metric, origin, reporter, self.now_ns, about, |one, mut point| {
            point.series = *self.series.entry(one.hash).or_insert_with(|| {
                series.push(one);
                series.len() - 1
            });
            points.push(point);
            pace.give_way();
        })
    }

    fn origin(&mut self, origin: &Arc<Origin>, whose: &Whose) -> usize {
        if let Some((number, _)) = self.shared.get(&Arc::as_ptr(origin)) {
            return *number;
        }
        let encoded = wire::encode(origin.as_ref());
        let hash = hash(&encoded);
        let origins = &mut self.batch.origins;
        let number = *self.origins.entry(hash).or_insert_with(|| {
            let (service, client) = (whose.service.clone(), whose.client.clone());
            origins.push(OriginRow { hash, service, client, encoded });
            origins.len() - 1
        });
        self.shared.insert(Arc::as_ptr(origin), (number, origin.clone()));
        number
    }

    fn trace(&mut self, id: TraceId) -> usize {
        let traces = &mut self.batch.traces;
        *self.traces.entry(id).or_insert_with(|| {
            traces.push(TraceSaid { id, session: None, client: None });
            traces.len() - 1
        })
    }
}

/// Of two words the earlier one counts; of two at once the one that sorts first, so that no order matters.
pub(super) fn tell(known: &mut Option<(i64, String)>, at: i64, said: Option<String>) {
    let Some(said) = said.filter(|said| !said.is_empty()) else { return };
    let earlier = known.as_ref().is_none_or(|(then, word)| (at, said.as_str()) < (*then, word.as_str()));
    if earlier {
        *known = Some((at, said));
    }
}

/// A span's beginning and duration; negative where its end lies before its beginning or was not said.
fn times(start_ns: u64, end_ns: u64, now_ns: i64) -> (i64, i64) {
    match (start_ns, end_ns) {
        (0, 0) => (now_ns, -1),
        (0, end) => (signed(end), 0),
        (start, 0) => (signed(start), -1),
        (start, end) => (signed(start), signed(end).saturating_sub(signed(start))),
    }
}

/// A span's id as a number.
pub(crate) fn span_key(id: SpanId) -> i64 {
    i64::from_be_bytes(id)
}

fn span_type(kind: SpanType) -> i64 {
    let number = SpanType::ALL.iter().position(|other| *other == kind);
    number.and_then(|number| i64::try_from(number).ok()).unwrap_or_default()
}
