//! How complete the record of a stretch of time is, by tool and interval, and why calls were lost.
//! Leaves out counting (`store`), and what is counted since start (`health`).

use serde::{Deserialize, Serialize};

/// Calls of one tool in one interval. What went through the proxy: `seen = open + recorded + lost`. What is in the
/// ledger: `recorded + unmatched = priced + unpriced`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeterCount {
    /// Calls that went through the proxy while it recorded, those beside calls of models too.
    pub seen: u64,
    /// Of them, under way.
    pub open: u64,
    /// Of them, recorded with their ending.
    pub recorded: u64,
    /// Of them, lost: [`Meter::lost`] says why.
    pub lost: u64,
    /// Of the lost ones, calls that left no row at all: neither their tool nor what they asked is known.
    pub unrecorded: u64,
    /// Of the recorded ones, calls that a tool's own report tells of, too.
    pub matched: u64,
    /// Calls that only reports tell of: they did not go through the proxy, so their bodies are not here.
    pub unmatched: u64,
    /// Recorded and unmatched calls whose cost is known, or that cost nothing by nature.
    pub priced: u64,
    /// Recorded and unmatched calls whose cost is unknown.
    pub unpriced: u64,
    /// Calls of whose usage the provider told only a part.
    pub partial: u64,
    /// Calls of whose usage a part is estimated.
    pub estimated: u64,
    /// Calls of which a body is kept only in part.
    pub cut: u64,
    /// Calls beside calls of models, which lists leave out; they are in all of the others.
    pub side: u64,
}

impl MeterCount {
    /// Adds what was counted elsewhere.
    pub const fn add(&mut self, other: &Self) {
        let Self { seen, open, recorded, lost, unrecorded, matched, unmatched, priced, .. } = other;
        let Self { unpriced, partial, estimated, cut, side, .. } = other;
        self.seen = self.seen.saturating_add(*seen);
        self.open = self.open.saturating_add(*open);
        self.recorded = self.recorded.saturating_add(*recorded);
        self.lost = self.lost.saturating_add(*lost);
        self.unrecorded = self.unrecorded.saturating_add(*unrecorded);
        self.matched = self.matched.saturating_add(*matched);
        self.unmatched = self.unmatched.saturating_add(*unmatched);
        self.priced = self.priced.saturating_add(*priced);
        self.unpriced = self.unpriced.saturating_add(*unpriced);
        self.partial = self.partial.saturating_add(*partial);
        self.estimated = self.estimated.saturating_add(*estimated);
        self.cut = self.cut.saturating_add(*cut);
        self.side = self.side.saturating_add(*side);
    }

    /// The sum of many.
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        parts.into_iter().fold(Self::default(), |mut sum, part| {
            sum.add(part);
            sum
        })
    }

    /// Everything in the ledger.
    pub const fn ledger(&self) -> u64 {
        self.recorded.saturating_add(self.unmatched)
    }
}

/// How complete the record is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meter {
    /// By tool, most calls first. Calls without a row stand where the tool is not known.
    pub tools: Vec<MeterTool>,
    /// Why calls were lost, most frequent first.
    pub lost: Vec<LostCalls>,
}

/// One tool over time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeterTool {
    /// The tool or SDK; `None` for calls that did not say who they are.
    pub client: Option<String>,
    /// Its intervals that have calls, in order.
    pub points: Vec<MeterPoint>,
}

/// One tool in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeterPoint {
    /// Which interval: the one that begins at this bound.
    pub interval: u32,
    /// What was counted.
    pub count: MeterCount,
}

/// Calls lost in one interval for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LostCalls {
    /// Which interval.
    pub interval: u32,
    /// Whose calls.
    pub client: Option<String>,
    /// Why, in a sentence.
    pub why: String,
    /// How many.
    pub calls: u64,
}
