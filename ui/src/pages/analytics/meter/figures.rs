//! The completeness of some days as what is drawn: by tool, by day, and why calls were lost; with the address. Pure.

use std::collections::HashMap;

use api::{Meter, MeterCount};

use crate::calendar::Range;
use crate::filter::{View, join, pairs};

/// What the address says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterView {
    pub range: Range,
    /// Days are of this tool only; an empty name stands for calls that did not say who they are.
    pub tool: Option<String>,
}

impl Default for MeterView {
    fn default() -> Self {
        Self { range: Range::Week, tool: None }
    }
}

/// Ranges that are made of days.
pub const RANGES: [Range; 3] = [Range::Week, Range::Month, Range::Quarter];
const NONE: &str = "none";

impl MeterView {
    pub fn parse(query: &str) -> Self {
        let mut view = Self::default();
        for (key, value) in pairs(query) {
            match key.as_str() {
                "range" => {
                    let named = RANGES.into_iter().find(|range| range.word() == value);
                    view.range = named.unwrap_or(view.range);
                }
                "tool" => view.tool = Some(if value == NONE { String::new() } else { value }),
                _ => {}
            }
        }
        view
    }

    pub fn address(&self) -> String {
        let mut said = Vec::new();
        if self.range != Self::default().range {
            said.push(("range", self.range.word().to_owned()));
        }
        if let Some(tool) = &self.tool {
            said.push(("tool", if tool.is_empty() { NONE.to_owned() } else { tool.clone() }));
        }
        match said.as_slice() {
            [] => "/analytics/completeness".to_owned(),
            said => format!("/analytics/completeness?{}", join(said)),
        }
    }
}

/// Where the days of a range begin, and the end of the last.
pub fn days(range: Range, midnight: impl Fn(i32) -> i64) -> Vec<i64> {
    (1 - range.days()..=1).map(midnight).collect()
}

/// One line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The tool; `None` when it is all of them.
    pub client: Option<Option<String>>,
    pub from_ms: i64,
    pub to_ms: i64,
    pub count: MeterCount,
}

/// Calls lost for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub client: Option<String>,
    pub why: String,
    pub calls: u64,
}

/// Everything the page draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    pub view: MeterView,
    pub all: Line,
    pub tools: Vec<Line>,
    /// The newest first, those without calls too.
    pub days: Vec<Line>,
    pub lost: Vec<Reason>,
}

impl Figures {
    pub fn new(view: MeterView, bounds: &[i64], meter: &Meter) -> Self {
        let (from_ms, to_ms) = (bounds.first().copied().unwrap_or(0), bounds.last().copied().unwrap_or(0));
        let line = |client, count| Line { client, from_ms, to_ms, count };
        let tools: Vec<Line> = meter
            .tools
            .iter()
            .map(|tool| {
                let count = MeterCount::sum(tool.points.iter().map(|point| &point.count));
                line(Some(tool.client.clone()), count)
            })
            .collect();
        let chosen = |client: &Option<String>| {
            view.tool.as_deref().is_none_or(|tool| tool == client.as_deref().unwrap_or_default())
        };
        let client = view.tool.clone().map(|tool| Some(tool).filter(|tool| !tool.is_empty()));
        let spans = bounds.iter().zip(bounds.iter().skip(1));
        let mut days: Vec<Line> = spans
            .map(|(from, to)| Line {
                client: client.clone(),
                from_ms: *from,
                to_ms: *to,
                count: MeterCount::default(),
            })
            .collect();
        for tool in meter.tools.iter().filter(|tool| chosen(&tool.client)) {
            for point in &tool.points {
                if let Some(day) = days.get_mut(point.interval as usize) {
                    day.count.add(&point.count);
                }
            }
        }
        days.reverse();
        let mut reasons: HashMap<(Option<String>, String), u64> = HashMap::new();
        for lost in &meter.lost {
            *reasons.entry((lost.client.clone(), lost.why.clone())).or_default() += lost.calls;
        }
        let mut lost: Vec<Reason> =
            reasons.into_iter().map(|((client, why), calls)| Reason { client, why, calls }).collect();
        lost.sort_by(|one, other| (other.calls, &one.why).cmp(&(one.calls, &other.why)));
        let all = line(None, MeterCount::sum(tools.iter().map(|tool| &tool.count)));
        Self { view, all, tools, days, lost }
    }
}

/// A figure of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Seen,
    Recorded,
    Priced,
    Unpriced,
    Partial,
    Estimated,
    Cut,
    Lost,
    Unmatched,
}

impl Part {
    pub const ALL: [Self; 9] = [
        Self::Seen,
        Self::Recorded,
        Self::Priced,
        Self::Unpriced,
        Self::Partial,
        Self::Estimated,
        Self::Cut,
        Self::Lost,
        Self::Unmatched,
    ];

    /// What stands above it, and what it means.
    pub const fn heads(self) -> (&'static str, &'static str) {
        match self {
            Self::Seen => (
                "seen",
                "Calls that went through the proxy while it recorded: under way, recorded or lost. What tools do beside their calls of models is in it.",
            ),
            Self::Recorded => ("recorded", "Of those seen: stored with their ending"),
            Self::Priced => ("priced", "Recorded or unmatched, with a known cost, or free by nature"),
            Self::Unpriced => ("no price", "Recorded or unmatched, and what they cost is unknown"),
            Self::Partial => ("partial", "The provider told only a part of the tokens"),
            Self::Estimated => ("estimated", "A part of the tokens is estimated from the text"),
            Self::Cut => ("cut", "A body is kept only in part"),
            Self::Lost => ("lost", "Of those seen: how they ended is not known. Why stands below."),
            Self::Unmatched => {
                ("unmatched", "Only a tool's own report tells of them: they did not go through the proxy")
            }
        }
    }

    pub const fn of(self, count: &MeterCount) -> u64 {
        match self {
            Self::Seen => count.seen,
            Self::Recorded => count.recorded,
            Self::Priced => count.priced,
            Self::Unpriced => count.unpriced,
            Self::Partial => count.partial,
            Self::Estimated => count.estimated,
            Self::Cut => count.cut,
            Self::Lost => count.lost,
            Self::Unmatched => count.unmatched,
        }
    }

    /// Whether more than none of it means that something is missing.
    pub const fn is_lack(self) -> bool {
        !matches!(self, Self::Seen | Self::Recorded | Self::Priced)
    }
}

impl Line {
    /// The address of the calls that a figure counts.
    pub fn calls(&self, part: Part) -> String {
        let mut view = View::default();
        let filter = &mut view.filter;
        (filter.from_ms, filter.to_ms) = (Some(self.from_ms), Some(self.to_ms));
        filter.side_calls = true;
        filter.client = self.client.as_ref().map(|client| client.clone().unwrap_or_default());
        match part {
            Part::Seen | Part::Recorded => filter.proxied = Some(true),
            Part::Priced => filter.unpriced = Some(false),
            Part::Unpriced => filter.unpriced = Some(true),
            Part::Partial => filter.partial = Some(true),
            Part::Estimated => filter.estimated = Some(true),
            Part::Cut => filter.cut = Some(true),
            Part::Lost => filter.state = Some(api::CallState::Lost),
            Part::Unmatched => filter.proxied = Some(false),
        }
        view.address()
    }

    /// How much of what was there is recorded and priced in full, in words for a bar: whole, in part, lost.
    pub const fn bar(&self) -> (u64, u64, u64) {
        let count = &self.count;
        let unsure = count.unpriced.saturating_add(count.partial).saturating_add(count.estimated);
        let ledger = count.ledger();
        let unsure = if unsure > ledger { ledger } else { unsure };
        (ledger.saturating_sub(unsure), unsure, count.lost)
    }
}

#[cfg(test)]
mod tests {
    use api::{LostCalls, MeterPoint, MeterTool};

    use super::*;

    #[test]
    fn an_address_survives_the_round_trip() {
        for range in RANGES {
            for tool in [None, Some(String::new()), Some("claude-code & co".to_owned())] {
                let view = MeterView { range, tool };
                let address = view.address();
                let query = address.split_once('?').map_or("", |(_, query)| query);
                assert_eq!(MeterView::parse(query), view);
            }
        }
        assert_eq!(MeterView::parse("range=24h"), MeterView::default());
    }

    #[test]
    fn days_and_tools_add_up_to_the_same() {
        let count = |seen, lost| MeterCount {
            seen,
            recorded: seen - lost,
            lost,
            priced: seen - lost,
            ..MeterCount::default()
        };
        let point = |interval, seen, lost| MeterPoint { interval, count: count(seen, lost) };
        let meter = Meter {
            tools: vec![
                MeterTool { client: Some("a".into()), points: vec![point(0, 5, 1), point(2, 3, 0)] },
                MeterTool { client: None, points: vec![point(2, 4, 2)] },
            ],
            lost: vec![
                LostCalls { interval: 0, client: Some("a".into()), why: "x".into(), calls: 1 },
                LostCalls { interval: 2, client: None, why: "x".into(), calls: 2 },
            ],
        };
        let bounds = [0, 10, 20, 30];
        let figures = Figures::new(MeterView::default(), &bounds, &meter);
        assert_eq!((figures.all.count.seen, figures.all.count.lost), (12, 3));
        let by_day: Vec<u64> = figures.days.iter().map(|day| day.count.seen).collect();
        assert_eq!(by_day, [7, 0, 5], "the newest first");
        assert_eq!(figures.lost.iter().map(|lost| lost.calls).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(figures.all.bar(), (9, 0, 3));
        let of_none =
            Figures::new(MeterView { tool: Some(String::new()), ..MeterView::default() }, &bounds, &meter);
        assert_eq!(of_none.days.iter().map(|day| day.count.seen).collect::<Vec<_>>(), [4, 0, 0]);
        assert_eq!(
            of_none.days[0].calls(Part::Lost),
            "/traces?tool=none&state=lost&side=shown&from=20&to=30"
        );
        for part in Part::ALL {
            assert!(figures.all.calls(part).contains("from=0&to=30"), "{part:?}");
        }
    }
}
