//! Two answers as what is drawn: the chart, each group's row beside what it was before, sorted; and as CSV. Pure.

use std::cmp::Ordering;
use std::collections::HashMap;

use api::{Series, SeriesPoint, Totals};

use super::view::{AnalyticsView, Column};
use crate::calendar::Bars;
use crate::filter::View;
use crate::format::time::Stamp;
use crate::pages::overview::chart::stacks::{Of, Stacks, name};
use crate::pages::overview::view::Measure;
use crate::provenance::change;

/// A group's row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The group; `None` when it is several.
    pub of: Option<Of>,
    pub name: String,
    /// Its colour in the chart, if it has one of its own there.
    pub colour: &'static str,
    pub total: Totals,
    pub before: Totals,
    pub by_bar: Vec<Totals>,
}

/// Everything the page draws.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub view: AnalyticsView,
    pub stacks: Stacks,
    pub rows: Vec<Row>,
    /// The time before, bar by bar; empty when nothing is compared.
    pub before_by_bar: Vec<Totals>,
    pub before: Totals,
}

impl Figures {
    pub fn new(view: AnalyticsView, bars: Bars, series: &Series, earlier: Option<(&Bars, &Series)>) -> Self {
        let group = view.chart.group;
        let mut was: HashMap<Option<String>, Totals> = HashMap::new();
        let (mut before_by_bar, mut rest_before) = (Vec::new(), Totals::default());
        if let Some((bars, earlier)) = earlier {
            before_by_bar = by_bar(bars, &earlier.all);
            rest_before = sum(&earlier.rest);
            was = earlier.groups.iter().map(|group| (group.key.clone(), sum(&group.points))).collect();
        }
        let mut rows: Vec<Row> = series
            .groups
            .iter()
            .map(|found| Row {
                name: name(group, found.key.as_deref(), found.label.as_deref()),
                colour: "var(--m-other)",
                total: sum(&found.points),
                before: was.remove(&found.key).unwrap_or_default(),
                by_bar: by_bar(&bars, &found.points),
                of: Some(Of(found.key.clone())),
            })
            .collect();
        // What was there before and is not any more.
        let mut gone: Vec<(Option<String>, Totals)> = was.into_iter().collect();
        gone.sort_by(|(one, a), (other, b)| (b.cost, b.calls, one).cmp(&(a.cost, a.calls, other)));
        let label = |key: &Option<String>| {
            let groups = earlier.into_iter().flat_map(|(_, earlier)| &earlier.groups);
            let mut labels =
                groups.filter(|group| group.key == *key).filter_map(|group| group.label.as_deref());
            labels.next()
        };
        rows.extend(gone.iter().map(|(key, before)| Row {
            name: name(group, key.as_deref(), label(key)),
            colour: "var(--m-other)",
            total: Totals::default(),
            before: *before,
            by_bar: Vec::new(),
            of: Some(Of(key.clone())),
        }));
        if series.more_groups > 0 {
            rows.push(Row {
                name: format!("{} more", series.more_groups),
                colour: "var(--m-other)",
                total: sum(&series.rest),
                before: rest_before,
                by_bar: by_bar(&bars, &series.rest),
                of: None,
            });
        }
        let stacks = Stacks::new(view.chart, bars, series);
        for row in &mut rows {
            let own = stacks.stacks.iter().find(|stack| stack.of.is_some() && stack.of == row.of);
            if let Some(stack) = own {
                row.colour = stack.colour;
            }
        }
        let mut figures = Self { view, stacks, rows, before: Totals::sum(&before_by_bar), before_by_bar };
        figures.sort(view);
        figures
    }

    /// The same rows in another order.
    pub fn sort(&mut self, view: AnalyticsView) {
        self.view = view;
        let order = |one: &Row, other: &Row| {
            let order = view.order(one, other);
            let order = if view.reverse { order.reverse() } else { order };
            // Several groups together come last, whatever the order.
            one.of.is_none().cmp(&other.of.is_none()).then(order).then_with(|| one.name.cmp(&other.name))
        };
        self.rows.sort_by(order);
    }

    /// A row's part of everything, from 0 to 1.
    pub fn share(&self, row: &Row) -> f64 {
        let (part, all) =
            (self.view.chart.measure.of(&row.total), self.view.chart.measure.of(&self.stacks.total));
        if all > 0.0 { part / all } else { 0.0 }
    }

    /// The address of a row's calls; of what is gone, those it had before.
    pub fn calls(&self, row: &Row) -> Option<String> {
        let of = row.of.as_ref()?;
        if row.total.calls > 0 {
            return Some(self.stacks.calls(Some(of), None));
        }
        let mut view = View::default();
        view.filter.to_ms = Some(self.stacks.bars.window().0);
        self.view.chart.group.narrow(&mut view, of.0.as_deref());
        Some(view.address())
    }

    /// The table as CSV.
    pub fn csv(&self) -> String {
        let mut lines = vec![head(&[self.view.chart.group.word()], self.view.compare)];
        for row in &self.rows {
            let mut cells = vec![quoted(&row.name)];
            cells.extend(amounts(&row.total));
            if self.view.compare {
                cells.extend(amounts(&row.before));
            }
            lines.push(cells.join(","));
        }
        lines.join("\r\n") + "\r\n"
    }

    /// Each row bar by bar as CSV; `offset` says how many minutes east of UTC the reader is at a moment.
    pub fn csv_over_time(&self, offset: impl Fn(i64) -> i32) -> String {
        let mut lines = vec![head(&["from", "to", self.view.chart.group.word()], false)];
        let stamp = |ms: i64| {
            let iso = Stamp::new(ms, offset(ms)).iso();
            iso.get(..16).unwrap_or(&iso).to_owned()
        };
        for bar in 0..self.stacks.bars.len() {
            let (from, to) = self.stacks.bars.span(bar);
            for row in &self.rows {
                let Some(totals) = row.by_bar.get(bar).filter(|totals| totals.calls > 0) else { continue };
                let mut cells = vec![stamp(from), stamp(to), quoted(&row.name)];
                cells.extend(amounts(totals));
                lines.push(cells.join(","));
            }
        }
        lines.join("\r\n") + "\r\n"
    }
}

impl AnalyticsView {
    /// The order in which a column is read first: names from A, figures from the largest.
    fn order(self, one: &Row, other: &Row) -> Ordering {
        let measure = self.chart.measure;
        let falling = |of: fn(&Totals) -> i64| of(&other.total).cmp(&of(&one.total));
        match self.sort {
            Column::Name => one.name.to_lowercase().cmp(&other.name.to_lowercase()),
            Column::Share => measure.of(&other.total).total_cmp(&measure.of(&one.total)),
            Column::Calls => falling(|totals| signed(Some(totals.calls))),
            Column::Errors => falling(|totals| signed(Some(totals.errors))),
            Column::Prompt => falling(|totals| signed(totals.usage.prompt_total())),
            Column::CacheRead => falling(|totals| signed(totals.usage.cache_read)),
            Column::Output => falling(|totals| signed(totals.usage.output)),
            Column::Cost => falling(|totals| totals.cost.pico()),
            Column::Saved => falling(|totals| totals.saved.pico()),
            Column::Before => measure.of(&other.before).total_cmp(&measure.of(&one.before)),
            Column::Change => {
                let more = |row: &Row| measure.of(&row.total) - measure.of(&row.before);
                more(other).total_cmp(&more(one))
            }
        }
    }

    /// How much more or less than before, in percent.
    pub fn change(self, now: &Totals, before: &Totals) -> Option<i64> {
        let whole = |totals: &Totals| match self.chart.measure {
            Measure::Cost => totals.cost.pico(),
            Measure::Tokens => signed(totals.usage.total()).max(0),
            Measure::Calls => signed(Some(totals.calls)),
        };
        change(whole(now), whole(before))
    }
}

fn signed(count: Option<u64>) -> i64 {
    count.map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX))
}

fn sum(points: &[SeriesPoint]) -> Totals {
    Totals::sum(points.iter().map(|point| &point.totals))
}

fn by_bar(bars: &Bars, points: &[SeriesPoint]) -> Vec<Totals> {
    let mut sums = vec![Totals::default(); bars.len()];
    for point in points {
        let bar = bars.bar_of.get(point.interval as usize).and_then(|bar| sums.get_mut(*bar));
        if let Some(bar) = bar {
            bar.add(&point.totals);
        }
    }
    sums
}

const AMOUNTS: [&str; 13] = [
    "calls",
    "errors",
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "of_which_reasoning",
    "cost_usd",
    "unpriced_calls",
    "partial_calls",
    "estimated_calls",
    "cache_savings_usd",
];

fn head(first: &[&str], compare: bool) -> String {
    let before = AMOUNTS.iter().filter(|_| compare).map(|name| format!("before_{name}"));
    let names = first.iter().chain(&AMOUNTS).map(|name| (*name).to_owned());
    names.chain(before).collect::<Vec<_>>().join(",")
}

/// Exact: money to the pico-dollar, what is not known empty.
fn amounts(totals: &Totals) -> Vec<String> {
    let usage = &totals.usage;
    let known = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    let dollars = |pico: i64| {
        let (sign, size) = (if pico < 0 { "-" } else { "" }, pico.unsigned_abs());
        let text = format!("{sign}{}.{:012}", size / 1_000_000_000_000, size % 1_000_000_000_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let all_unknown = totals.unpriced > 0 && totals.priced == 0 && totals.cost.pico() == 0;
    vec![
        totals.calls.to_string(),
        totals.errors.to_string(),
        known(usage.input),
        known(usage.cache_read),
        known(usage.cache_write_5m),
        known(usage.cache_write_1h),
        known(usage.output),
        known(usage.reasoning),
        if all_unknown { String::new() } else { dollars(totals.cost.pico()) },
        totals.unpriced.to_string(),
        totals.partial.to_string(),
        totals.estimated.to_string(),
        dollars(totals.saved.pico()),
    ]
}

/// A cell that holds any text. A sheet would take what begins like a formula for one.
pub fn quoted(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use api::{Money, SeriesGroup, Usage};

    use super::*;
    use crate::calendar::Range;

    const DAY: i64 = 86_400_000;

    fn bars() -> Bars {
        Bars::new(Range::Month, 0, |day| i64::from(day) * DAY)
    }

    fn earlier() -> Bars {
        Bars::before(Range::Month, 3_600_000, |day| i64::from(day) * DAY)
    }

    fn totals(calls: u64, pico: i64, input: u64) -> Totals {
        let (cache_read, output) = (Some(input * 2), Some(input / 2));
        let usage = Usage { input: Some(input), cache_read, output, ..Usage::default() };
        let (cost, saved) = (Money::from_pico(pico), Money::from_pico(pico / 3));
        Totals { calls, errors: calls / 3, priced: calls, cost, saved, usage, ..Totals::default() }
    }

    fn series(groups: &[(&str, Totals)]) -> Series {
        let point = |totals: &Totals| vec![SeriesPoint { interval: 3, totals: *totals }];
        Series {
            groups: groups
                .iter()
                .map(|(key, totals)| SeriesGroup {
                    key: (!key.is_empty()).then(|| (*key).to_owned()),
                    label: None,
                    points: point(totals),
                })
                .collect(),
            all: point(&Totals::sum(groups.iter().map(|(_, totals)| totals))),
            ..Series::default()
        }
    }

    fn figures(view: AnalyticsView) -> Figures {
        let now = series(&[("a", totals(1, 900, 5)), ("b,\"x\"", totals(3, 300, 50)), ("", totals(2, 0, 1))]);
        let before = series(&[("b,\"x\"", totals(1, 600, 9)), ("gone", totals(4, 40, 4))]);
        Figures::new(view, bars(), &now, Some((&earlier(), &before)))
    }

    #[test]
    fn rows_stand_beside_what_they_were() {
        let figures = figures(AnalyticsView::default());
        let rows: Vec<_> =
            figures.rows.iter().map(|row| (row.name.as_str(), row.total.calls, row.before.calls)).collect();
        assert_eq!(rows, [("a", 1, 0), ("b,\"x\"", 3, 1), ("gone", 0, 4), ("no model", 2, 0)]);
        assert!((figures.share(&figures.rows[0]) - 0.75).abs() < 1e-9);
        assert_eq!(figures.view.change(&figures.stacks.total, &figures.before), Some(87));
        assert_eq!(figures.before_by_bar[3].calls, 5);
        assert_eq!(figures.calls(&figures.rows[2]).unwrap(), format!("/traces?model=gone&to={}", -29 * DAY));
        assert!(figures.calls(&figures.rows[0]).unwrap().starts_with("/traces?model=a&from="));
    }

    #[test]
    fn every_column_sorts_both_ways() {
        let mut tokens = AnalyticsView::default();
        tokens.chart.measure = Measure::Tokens;
        for column in Column::ALL {
            let view = AnalyticsView { sort: column, ..tokens };
            let names =
                |figures: &Figures| figures.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
            let mut sorted = figures(view);
            let first = names(&sorted);
            sorted.sort(AnalyticsView { reverse: true, ..view });
            assert_ne!(names(&sorted), first, "{column:?}");
        }
        let by_tokens = figures(tokens);
        assert_eq!(by_tokens.rows[0].name, "b,\"x\"", "the most tokens");
    }

    #[test]
    fn csv_is_exact_and_cannot_run() {
        let figures = figures(AnalyticsView { compare: false, ..AnalyticsView::default() });
        let csv = figures.csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[1], "a,1,0,5,10,,,2,,0.0000000009,0,0,0,0.0000000003");
        assert!(lines[2].starts_with("\"b,\"\"x\"\"\",3,1,50,"), "{}", lines[2]);
        let over_time = figures.csv_over_time(|_| 0);
        assert_eq!(over_time.lines().count(), 4, "the head and what has calls");
        assert!(over_time.lines().nth(1).unwrap().contains(",a,1,0,5,"), "{over_time}");
        assert_eq!((quoted("=1+1"), quoted("-x")), ("'=1+1".to_owned(), "'-x".to_owned()));
        let unknown = Totals { calls: 2, unpriced: 2, ..Totals::default() };
        assert_eq!(amounts(&unknown)[8], "", "unknown is not zero");
    }
}
