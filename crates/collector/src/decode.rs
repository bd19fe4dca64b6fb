//! From a request's bytes to an [`Export`]: which signal and encoding there are, and what comes out beside the export.
//!
//! One bad record never costs the others: it is left out, counted and named. Memory is bounded: what the records take is
//! added up as they are made, since two bytes can ask for two hundred. Leaves out bodies (`body`) and both encodings.

use model::telemetry::wire::{Export, LogRecord, Metric, Origin, Resource, Span};

use crate::{json, protobuf};

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Metrics.
    Metrics,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// What was in a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The useful part.
    pub export: Export,
    /// Spans, records or points that were of no use.
    pub rejected: u64,
    /// Why, the first few; may warn though nothing was rejected.
    pub reasons: Vec<String>,
    /// Bytes that the export takes, roughly.
    pub size: usize,
}

/// A request of which nothing can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not what it says it is.
    #[error("{0}")]
    Malformed(String),
    /// It would take more memory than a request may.
    #[error("the request unfolds to more than {0} bytes: send it in smaller batches")]
    TooLarge(usize),
}

/// Values within values are read this deep; what is deeper is left out.
pub(crate) const MAX_DEPTH: u32 = 64;
/// Reasons that an answer holds.
const MAX_REASONS: usize = 5;

/// Reads a request; what comes of it takes at most about `limit` bytes.
pub fn decode(signal: Signal, encoding: Encoding, body: &[u8], limit: usize) -> Result<Decoded, Unreadable> {
    let mut intake = Intake::new(limit);
    let export = match encoding {
        Encoding::Protobuf => protobuf::export(signal, body, &mut intake),
        Encoding::Json => json::export(signal, body, &mut intake),
    }?;
    intake.size += body.len();
    Ok(Decoded { export, rejected: intake.rejected, reasons: intake.reasons, size: intake.size })
}

/// Which signal a body holds, for a request whose path does not say; `None` for an empty one.
pub fn guess(encoding: Encoding, body: &[u8]) -> Option<Signal> {
    match encoding {
        Encoding::Protobuf => protobuf::guess(body),
        Encoding::Json => json::guess(body),
    }
}

/// What is found out while a request is read.
pub(crate) struct Intake {
    size: usize,
    limit: usize,
    rejected: u64,
    reasons: Vec<String>,
    /// How many attributes the record before had: the next one probably has as many.
    pub(crate) attributes: usize,
}

impl Intake {
    pub(crate) fn new(limit: usize) -> Self {
        Self { size: 0, limit, rejected: 0, reasons: Vec::new(), attributes: 0 }
    }

    /// Pays for one more value in a list.
    pub(crate) fn pay<T>(&mut self) -> Result<(), Unreadable> {
        self.pay_bytes(size_of::<T>())
    }

    /// Pays for bytes.
    pub(crate) fn pay_bytes(&mut self, bytes: usize) -> Result<(), Unreadable> {
        self.size += bytes;
        if self.size > self.limit { Err(Unreadable::TooLarge(self.limit)) } else { Ok(()) }
    }

    /// What has been paid for.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// One record less, and why.
    pub(crate) fn reject(&mut self, why: impl FnOnce() -> String) {
        self.rejected += 1;
        self.warn(why);
    }

    /// Something the sender should know.
    pub(crate) fn warn(&mut self, why: impl FnOnce() -> String) {
        if self.reasons.len() < MAX_REASONS {
            let why = why();
            if !self.reasons.contains(&why) {
                self.reasons.push(why);
            }
        }
    }

    /// Room for a record's attributes.
    pub(crate) fn room(&self) -> usize {
        self.attributes.min(64)
    }

    /// Puts a resource's groups together. Each has the resource to itself, which is paid for.
    pub(crate) fn gather<T>(
        &mut self,
        resource: Resource,
        bytes: usize,
        groups: Vec<Group<T>>,
        into: &mut Vec<(Origin, Vec<T>)>,
    ) -> Result<(), Unreadable> {
        let mut groups = groups.into_iter().filter(|group| !group.records.is_empty()).peekable();
        let mut resource = Some(resource);
        while let Some(group) = groups.next() {
            self.pay::<(Origin, Vec<T>)>()?;
            let own = match groups.peek() {
                Some(_) => {
                    self.pay_bytes(bytes)?;
                    resource.clone()
                }
                None => resource.take(),
            };
            into.push((Origin { resource: own.unwrap_or_default(), scope: group.scope }, group.records));
        }
        Ok(())
    }

    /// A span, unless nothing could ever find it again.
    pub(crate) fn span(&mut self, span: Span, ids: Ids) -> Option<Span> {
        match ids.fault() {
            None => Some(span),
            Some(fault) => {
                self.reject(|| format!("span {:?}: {fault}", shown(&span.name)));
                None
            }
        }
    }

    /// A metric, unless it has no points; a nameless one is of no use.
    pub(crate) fn metric(&mut self, metric: Metric) -> Option<Metric> {
        let points = metric.data.len() as u64;
        if points > 0 && metric.name.is_empty() {
            self.rejected += points - 1;
            self.reject(|| "a metric without a name".to_owned());
            return None;
        }
        (points > 0).then_some(metric)
    }
}

/// One scope's records.
pub(crate) struct Group<T> {
    pub(crate) scope: model::telemetry::wire::Scope,
    pub(crate) records: Vec<T>,
}

impl<T> Default for Group<T> {
    fn default() -> Self {
        Self { scope: Default::default(), records: Vec::new() }
    }
}

/// How the ids of a span were found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ids {
    pub(crate) trace: Id,
    pub(crate) span: Id,
}

/// How an id was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Id {
    /// Not there, or empty.
    #[default]
    Missing,
    /// Nothing but zeros.
    Zero,
    /// Not the right number of bytes, or no id at all.
    Odd,
    /// As it should be.
    Good,
}

impl Id {
    /// Reads an id of `N` bytes.
    pub(crate) fn of<const N: usize>(bytes: &[u8]) -> (Self, [u8; N]) {
        match <[u8; N]>::try_from(bytes) {
            Ok(id) if id == [0; N] => (Self::Zero, id),
            Ok(id) => (Self::Good, id),
            Err(_) if bytes.is_empty() => (Self::Missing, [0; N]),
            Err(_) => (Self::Odd, [0; N]),
        }
    }

    fn fault(self, of: &str, bytes: usize) -> Option<String> {
        let fault = match self {
            Self::Good => return None,
            Self::Missing => "is missing".to_owned(),
            Self::Zero => "is all zeros".to_owned(),
            Self::Odd => format!("is not {bytes} bytes (in JSON {} hex digits)", bytes * 2),
        };
        Some(format!("its {of} {fault}"))
    }
}

impl Ids {
    fn fault(self) -> Option<String> {
        self.trace.fault("trace id", 16).or_else(|| self.span.fault("span id", 8))
    }
}

/// An id that may be left out: one that cannot be one is.
pub(crate) fn optional<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let (found, id) = Id::of(bytes);
    (found == Id::Good).then_some(id)
}

/// The beginning of a name.
pub(crate) fn shown(name: &str) -> &str {
    name.char_indices().nth(60).map_or(name, |(end, _)| name.get(..end).unwrap_or(name))
}

/// Whether a record of a log says anything at all.
pub(crate) fn says_something(record: &LogRecord) -> bool {
    *record != LogRecord::default()
}

/// Whether a list or a map is too deep to be kept; then the sender hears of it.
pub(crate) fn too_deep(depth: u32, intake: &mut Intake) -> bool {
    let deep = depth > MAX_DEPTH;
    if deep {
        intake.warn(|| format!("values nested deeper than {MAX_DEPTH} levels were left out"));
    }
    deep
}
