//! What the Analytics page shows, as an address and back: the chart, what it is compared with, how the table is sorted. Pure.

use crate::calendar::Range;
use crate::filter::pairs;
use crate::pages::overview::view::{ChartView, Group, Measure};

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Name,
    Share,
    Calls,
    Errors,
    Prompt,
    CacheRead,
    Output,
    Cost,
    Saved,
    Before,
    Change,
}

impl Column {
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Share,
        Self::Calls,
        Self::Errors,
        Self::Prompt,
        Self::CacheRead,
        Self::Output,
        Self::Cost,
        Self::Saved,
        Self::Before,
        Self::Change,
    ];

    /// The word in the address.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Share => "share",
            Self::Calls => "calls",
            Self::Errors => "errors",
            Self::Prompt => "prompt",
            Self::CacheRead => "cached",
            Self::Output => "output",
            Self::Cost => "cost",
            Self::Saved => "saved",
            Self::Before => "before",
            Self::Change => "change",
        }
    }

    /// Words above the column; where it comes from as a longer text.
    pub const fn heads(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("", "By name"),
            Self::Share => ("share", "Of all in this time, of what the chart shows"),
            Self::Calls => ("calls", "Calls begun in this time, those under way too"),
            Self::Errors => {
                ("errors", "Status from 400, cut answers, errors inside streams, no upstream, lost records")
            }
            Self::Prompt => ("prompt", "Tokens given to the model: uncached, cached and newly cached"),
            Self::CacheRead => ("cached", "Of the prompt: tokens served from the provider's cache"),
            Self::Output => ("output", "Tokens the model wrote, reasoning included"),
            Self::Cost => ("cost", "Over the calls whose cost is known"),
            Self::Saved => ("saved", "By prompt caches, less what writing them cost"),
            Self::Before => {
                ("before", "The same in the time before, as far as that was over by this time of the day")
            }
            Self::Change => ("change", "Against the time before"),
        }
    }
}

/// Everything the address says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnalyticsView {
    pub chart: ChartView,
    /// Beside the time before.
    pub compare: bool,
    pub sort: Column,
    /// The other way round than the column is read first.
    pub reverse: bool,
}

impl Default for AnalyticsView {
    fn default() -> Self {
        Self { chart: ChartView::default(), compare: true, sort: Column::Share, reverse: false }
    }
}

impl AnalyticsView {
    /// What cannot be read stays as usual.
    pub fn parse(query: &str) -> Self {
        let mut view =
            Self { chart: ChartView { table: false, ..ChartView::parse(query) }, ..Self::default() };
        for (key, value) in pairs(query) {
            match key.as_str() {
                "show" => {
                    let named = Measure::ALL.into_iter().find(|measure| measure.word() == value);
                    view.chart.measure = named.unwrap_or_default();
                }
                "compare" => view.compare = value != "off",
                "sort" => {
                    let word = value.strip_prefix('-').unwrap_or(&value);
                    let named = Column::ALL.into_iter().find(|column| column.word() == word);
                    view.sort = named.unwrap_or(view.sort);
                    view.reverse = named.is_some() && value.starts_with('-');
                }
                _ => {}
            }
        }
        view
    }

    /// The query string, without `?`; what is as usual is left out.
    pub fn query(&self) -> String {
        let usual = Self::default();
        let mut pairs = Vec::new();
        if self.chart.group != Group::default() {
            pairs.push(format!("by={}", self.chart.group.word()));
        }
        if self.chart.range != Range::default() {
            pairs.push(format!("range={}", self.chart.range.word()));
        }
        if self.chart.measure != Measure::default() {
            pairs.push(format!("show={}", self.chart.measure.word()));
        }
        if !self.compare {
            pairs.push("compare=off".to_owned());
        }
        if (self.sort, self.reverse) != (usual.sort, usual.reverse) {
            pairs.push(format!("sort={}{}", if self.reverse { "-" } else { "" }, self.sort.word()));
        }
        pairs.join("&")
    }

    /// The page's address.
    pub fn address(&self) -> String {
        match self.query() {
            query if query.is_empty() => "/analytics".to_owned(),
            query => format!("/analytics?{query}"),
        }
    }

    /// Sorted by a column; by the one that it is sorted by already, the other way round.
    pub fn sorted_by(self, column: Column) -> Self {
        Self { sort: column, reverse: self.sort == column && !self.reverse, ..self }
    }
}

/// The one after `now` in `all`, round and round.
pub fn next<T: Copy + PartialEq>(all: &[T], now: T) -> T {
    let at = all.iter().position(|one| *one == now).map_or(0, |at| at + 1);
    all.get(at % all.len().max(1)).copied().unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_round_trip() {
        for group in Group::ALL {
            for range in Range::ALL {
                for measure in Measure::ALL {
                    for (sort, reverse) in Column::ALL.into_iter().flat_map(|one| [(one, false), (one, true)])
                    {
                        let chart = ChartView { group, range, measure, table: false };
                        let view = AnalyticsView { chart, compare: reverse, sort, reverse };
                        assert_eq!(AnalyticsView::parse(&view.query()), view);
                    }
                }
            }
        }
        assert_eq!(AnalyticsView::parse("by=moon&show=all&sort=-x&as=table"), AnalyticsView::default());
        assert_eq!(AnalyticsView::default().address(), "/analytics");
    }

    #[test]
    fn a_second_click_turns_a_column_round() {
        let once = AnalyticsView::default().sorted_by(Column::Calls);
        assert_eq!((once.sort, once.reverse), (Column::Calls, false));
        assert!(once.sorted_by(Column::Calls).reverse);
        assert!(!once.sorted_by(Column::Calls).sorted_by(Column::Cost).reverse);
        assert_eq!(next(&Measure::ALL, Measure::Calls), Measure::Cost);
    }
}
