//! What the address says about the chart: what calls are put together by, how far back, bars or table. Pure.

use api::{GroupBy, Totals};

use crate::calendar::Range;
use crate::filter::{View, pairs};
use crate::format::{short, thousands};
use crate::provenance::{SumText, sum_text};

/// What calls are put together by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    #[default]
    Model,
    Tool,
    Provider,
    Session,
    Tag,
}

impl Group {
    pub const ALL: [Self; 5] = [Self::Model, Self::Tool, Self::Provider, Self::Session, Self::Tag];

    /// The word in the address, and the field that Traces filters by.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Tool => "tool",
            Self::Provider => "provider",
            Self::Session => "session",
            Self::Tag => "tag",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Model => "Model",
            Self::Tool => "Tool",
            Self::Provider => "Provider",
            Self::Session => "Session",
            Self::Tag => "Tag",
        }
    }

    pub const fn asked(self) -> GroupBy {
        match self {
            Self::Model => GroupBy::Model,
            Self::Tool => GroupBy::Client,
            Self::Provider => GroupBy::Provider,
            Self::Session => GroupBy::Session,
            Self::Tag => GroupBy::Tag,
        }
    }

    /// Sets the condition that keeps the calls of one group; `None` are those without one.
    pub fn narrow(self, view: &mut View, key: Option<&str>) {
        let value = Some(key.unwrap_or_default().to_owned());
        match self {
            Self::Model => view.filter.model = value,
            Self::Tool => view.filter.client = value,
            Self::Provider => view.filter.provider = value,
            Self::Session => view.filter.session_id = value,
            Self::Tag => view.filter.tag = value,
        }
    }
}

/// What bars are as high as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    #[default]
    Cost,
    Tokens,
    Calls,
}

impl Measure {
    pub const ALL: [Self; 3] = [Self::Cost, Self::Tokens, Self::Calls];

    /// The word in the address.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Tokens => "tokens",
            Self::Calls => "calls",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Cost => "Cost",
            Self::Tokens => "Tokens",
            Self::Calls => "Calls",
        }
    }

    /// How high: dollars, tokens or calls.
    pub fn of(self, totals: &Totals) -> f64 {
        match self {
            Self::Cost => totals.cost.dollars(),
            Self::Tokens => totals.usage.total().unwrap_or(0) as f64,
            Self::Calls => totals.calls as f64,
        }
    }

    /// The same as a figure.
    pub fn text(self, totals: &Totals) -> String {
        match self {
            Self::Cost => amount(totals),
            Self::Tokens => totals.usage.total().map_or_else(|| "unknown".to_owned(), short),
            Self::Calls => thousands(totals.calls),
        }
    }
}

/// What calls cost, as a figure.
pub fn amount(totals: &Totals) -> String {
    match sum_text(totals) {
        SumText::Amount { text, .. } => text,
        SumText::Unknown => "unknown".to_owned(),
        SumText::Local => "local".to_owned(),
    }
}

/// The chart that an address asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChartView {
    pub group: Group,
    pub range: Range,
    pub measure: Measure,
    /// As a table instead of bars.
    pub table: bool,
}

impl ChartView {
    /// What cannot be read stays as usual.
    pub fn parse(query: &str) -> Self {
        let mut view = Self::default();
        for (key, value) in pairs(query) {
            match key.as_str() {
                "by" => {
                    view.group =
                        Group::ALL.into_iter().find(|group| group.word() == value).unwrap_or_default();
                }
                "range" => {
                    view.range =
                        Range::ALL.into_iter().find(|range| range.word() == value).unwrap_or_default();
                }
                "as" => view.table = value == "table",
                _ => {}
            }
        }
        view
    }

    /// The page's address; what is as usual is left out.
    pub fn address(self) -> String {
        let mut pairs = Vec::new();
        if self.group != Group::default() {
            pairs.push(format!("by={}", self.group.word()));
        }
        if self.range != Range::default() {
            pairs.push(format!("range={}", self.range.word()));
        }
        if self.table {
            pairs.push("as=table".to_owned());
        }
        if pairs.is_empty() { "/overview".to_owned() } else { format!("/overview?{}", pairs.join("&")) }
    }

    pub fn other_form(self) -> Self {
        Self { table: !self.table, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_round_trip() {
        for group in Group::ALL {
            for range in Range::ALL {
                for table in [false, true] {
                    let view = ChartView { group, range, table, ..ChartView::default() };
                    let address = view.address();
                    let query = address.split_once('?').map_or("", |(_, query)| query);
                    assert_eq!(ChartView::parse(query), view);
                }
            }
        }
        assert_eq!(ChartView::parse("by=moon&range=1y&x=1"), ChartView::default());
    }
}
