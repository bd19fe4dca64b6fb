//! What the Metrics page shows, as an address and back: what is looked for, which metric, how its chart is drawn. Pure.

use api::{MetricKind, MetricQuery, MetricSummary};

use crate::filter::{Last, join, pairs};

/// A metric as an address names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Which {
    pub name: String,
    pub service: Option<String>,
    pub kind: MetricKind,
}

impl Which {
    pub fn of(metric: &MetricSummary) -> Self {
        Self { name: metric.name.clone(), service: metric.service.clone(), kind: metric.kind }
    }
}

/// What is drawn of a distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// How large the measurements were.
    #[default]
    Quantiles,
    /// How many there were.
    Count,
    /// What they add up to.
    Sum,
}

impl Measure {
    pub const ALL: [Self; 3] = [Self::Quantiles, Self::Count, Self::Sum];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Quantiles => "quantiles",
            Self::Count => "count",
            Self::Sum => "sum",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Quantiles => "Quantiles",
            Self::Count => "Count",
            Self::Sum => "Sum",
        }
    }
}

/// What the right side shows of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    #[default]
    Chart,
    /// The chart as a table.
    Table,
    /// Each point as it was reported.
    Points,
}

impl Form {
    pub const ALL: [Self; 3] = [Self::Chart, Self::Table, Self::Points];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Chart => "chart",
            Self::Table => "table",
            Self::Points => "points",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Chart => "Chart",
            Self::Table => "Table",
            Self::Points => "Points",
        }
    }
}

/// Everything the address says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsView {
    /// Stands in the names shown.
    pub text: Option<String>,
    pub last: Last,
    /// Fixed times instead.
    pub fixed: Option<(i64, i64)>,
    pub which: Option<Which>,
    /// The attribute to split by.
    pub group: Option<String>,
    pub measure: Measure,
    pub form: Form,
}

impl Default for MetricsView {
    fn default() -> Self {
        Self {
            text: None,
            last: Last::Day,
            fixed: None,
            which: None,
            group: None,
            measure: Measure::default(),
            form: Form::default(),
        }
    }
}

impl MetricsView {
    /// What cannot be read stays as usual.
    pub fn parse(query: &str) -> Self {
        let mut view = Self::default();
        let (mut name, mut service, mut kind, mut from, mut to) = (None, None, MetricKind::Sum, None, None);
        for (key, value) in pairs(query) {
            match key.as_str() {
                "q" => view.text = Some(value),
                "time" => view.last = Last::parse(&value).unwrap_or(view.last),
                "from" => from = value.parse::<i64>().ok(),
                "to" => to = value.parse::<i64>().ok(),
                "metric" => name = Some(value),
                "service" => service = Some(value),
                "kind" => {
                    kind = MetricKind::ALL.into_iter().find(|kind| kind.as_str() == value).unwrap_or(kind);
                }
                "by" => view.group = Some(value),
                "show" => {
                    view.measure =
                        Measure::ALL.into_iter().find(|one| one.word() == value).unwrap_or_default();
                }
                "as" => view.form = Form::ALL.into_iter().find(|one| one.word() == value).unwrap_or_default(),
                _ => {}
            }
        }
        view.fixed = from.zip(to).filter(|(from, to)| from < to);
        view.which = name.map(|name| Which { name, service, kind });
        view
    }

    /// The page's address; what is as usual is left out.
    pub fn address(&self) -> String {
        let usual = Self::default();
        let mut pairs: Vec<(&str, String)> = Vec::new();
        pairs.extend(self.text.clone().map(|text| ("q", text)));
        if let Some((from, to)) = self.fixed {
            pairs.extend([("from", from.to_string()), ("to", to.to_string())]);
        } else if self.last != usual.last {
            pairs.push(("time", self.last.word().to_owned()));
        }
        if let Some(which) = &self.which {
            pairs.push(("metric", which.name.clone()));
            pairs.extend(which.service.clone().map(|service| ("service", service)));
            pairs.push(("kind", which.kind.as_str().to_owned()));
            pairs.extend(self.group.clone().map(|group| ("by", group)));
            if self.measure != usual.measure {
                pairs.push(("show", self.measure.word().to_owned()));
            }
            if self.form != usual.form {
                pairs.push(("as", self.form.word().to_owned()));
            }
        }
        if pairs.is_empty() { "/metrics".to_owned() } else { format!("/metrics?{}", join(&pairs)) }
    }

    /// From when to when, at `now_ms` in a zone `offset` minutes east of UTC.
    pub fn window(&self, now_ms: i64, offset: i32) -> (i64, i64) {
        self.fixed.unwrap_or_else(|| (self.last.start(now_ms, offset).min(now_ms - 1), now_ms + 1))
    }

    /// The question for the metric's chart.
    pub fn query(&self, which: &Which, (from_ms, to_ms): (i64, i64), bars: u32) -> MetricQuery {
        MetricQuery {
            name: which.name.clone(),
            service: which.service.clone(),
            kind: which.kind,
            group: self.group.clone(),
            from_ms,
            to_ms,
            bars,
        }
    }

    /// Another metric: how the one before was split does not fit it.
    pub fn at(&self, which: Option<Which>) -> Self {
        Self { which, group: None, measure: Measure::default(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_round_trip() {
        for kind in MetricKind::ALL {
            for form in Form::ALL {
                for measure in Measure::ALL {
                    let which = Which {
                        name: "claude_code.token.usage".into(),
                        service: Some("claude code".into()),
                        kind,
                    };
                    let view = MetricsView {
                        text: Some("token & cost".into()),
                        last: Last::Week,
                        which: Some(which),
                        group: Some("model".into()),
                        measure,
                        form,
                        ..MetricsView::default()
                    };
                    assert_eq!(MetricsView::parse(view.address().trim_start_matches("/metrics?")), view);
                }
            }
        }
        let fixed = MetricsView { fixed: Some((5, 9)), ..MetricsView::default() };
        assert_eq!(MetricsView::parse(fixed.address().trim_start_matches("/metrics?")), fixed);
        assert_eq!(MetricsView::parse("time=ever&from=9&to=5&as=x"), MetricsView::default());
    }
}
