//! An answer as what is drawn: per bar the groups that matter, each with its colour, and the smaller ones as one.
//! Pure.

use api::{Series, SeriesPoint, Totals};

use crate::calendar::Bars;
use crate::colour;
use crate::filter::View;
use crate::pages::overview::view::{ChartView, Group};

/// Groups that have a colour of their own.
const SHOWN: usize = 8;

/// One group, bar by bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// The group; `None` when it is several.
    pub of: Option<Of>,
    pub name: String,
    pub colour: &'static str,
    pub by_bar: Vec<Totals>,
    pub total: Totals,
}

/// Calls with this key, or without any.
#[derive(Clone, Debug, PartialEq)]
pub struct Of(pub Option<String>);

/// The chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Stacks {
    pub view: ChartView,
    pub bars: Bars,
    /// Dearest first; the smaller ones as one come last.
    pub stacks: Vec<Stack>,
    pub by_bar: Vec<Totals>,
    pub total: Totals,
}

impl Stacks {
    pub fn new(view: ChartView, bars: Bars, series: &Series) -> Self {
        let fold = |points: &[SeriesPoint]| {
            let mut by_bar = vec![Totals::default(); bars.len()];
            for point in points {
                let bar = bars.bar_of.get(point.interval as usize).and_then(|bar| by_bar.get_mut(*bar));
                if let Some(bar) = bar {
                    bar.add(&point.totals);
                }
            }
            by_bar
        };
        let mut stacks: Vec<Stack> = series
            .groups
            .iter()
            .map(|group| {
                let by_bar = fold(&group.points);
                let total = Totals::sum(&by_bar);
                let key = group.key.clone();
                let name = name(view.group, key.as_deref(), group.label.as_deref());
                let colour = colour_of(view.group, key.as_deref(), total.local > 0);
                Stack { of: Some(Of(key)), name, colour, by_bar, total }
            })
            .collect();
        // They came dearest first.
        let height = |stack: &Stack| view.measure.of(&stack.total);
        stacks.sort_by(|one, other| height(other).total_cmp(&height(one)));
        let count = stacks.len() as u64 + series.more_groups;
        if count > SHOWN as u64 {
            let small = stacks.split_off(SHOWN - 1);
            let mut by_bar = fold(&series.rest);
            for stack in &small {
                by_bar.iter_mut().zip(&stack.by_bar).for_each(|(sum, part)| sum.add(part));
            }
            let name = format!("{} smaller", count - stacks.len() as u64);
            let total = Totals::sum(&by_bar);
            stacks.push(Stack { of: None, name, colour: "var(--m-other)", by_bar, total });
        }
        spread(&mut stacks);
        let by_bar = fold(&series.all);
        let total = Totals::sum(&by_bar);
        Self { view, bars, stacks, by_bar, total }
    }

    /// The height of the highest bar: dollars, tokens or calls.
    pub fn most(&self) -> f64 {
        self.by_bar.iter().map(|bar| self.view.measure.of(bar)).fold(0.0, f64::max)
    }

    /// What a group is of one bar's height, from 0 to 1. A call with two tags stands in two groups, whose sums are
    /// more than the bar: they share its height.
    pub fn part(&self, stack: &Stack, bar: usize) -> f64 {
        let height = |stack: &Stack| stack.by_bar.get(bar).map_or(0.0, |totals| self.view.measure.of(totals));
        let sum: f64 = self.stacks.iter().map(height).sum();
        if sum > 0.0 { height(stack) / sum } else { 0.0 }
    }

    /// Whether a call may stand in several groups.
    pub fn overlap(&self) -> bool {
        self.view.group == Group::Tag
    }

    /// The address of the calls of one bar, or of all of them, of one group or of all.
    pub fn calls(&self, of: Option<&Of>, bar: Option<usize>) -> String {
        let (from, to) = bar.map_or_else(|| self.bars.window(), |bar| self.bars.span(bar));
        let mut view = View::default();
        (view.filter.from_ms, view.filter.to_ms) = (Some(from), Some(to));
        if let Some(Of(key)) = of {
            self.view.group.narrow(&mut view, key.as_deref());
        }
        view.address()
    }
}

pub fn name(group: Group, key: Option<&str>, label: Option<&str>) -> String {
    match (group, key) {
        (Group::Model, None) => "no model".to_owned(),
        (Group::Session, None) => "no session".to_owned(),
        (Group::Tag, None) => "no tag".to_owned(),
        (Group::Provider, None) => "no provider".to_owned(),
        (Group::Tool, key) => colour::tool(key).name,
        (Group::Session, Some(key)) => label.unwrap_or(key).to_owned(),
        (Group::Model | Group::Provider | Group::Tag, Some(key)) => key.to_owned(),
    }
}

fn colour_of(group: Group, key: Option<&str>, local: bool) -> &'static str {
    match (group, key) {
        (Group::Model, Some(name)) => colour::model(name, local),
        _ => "var(--m-other)",
    }
}

/// Each group gets a colour that no group before it has; a model keeps its own where it is free.
fn spread(stacks: &mut [Stack]) {
    const COLOURS: [&str; 8] = [
        "var(--m-google-2)",
        "var(--m-a-1)",
        "var(--m-openai-2)",
        "var(--m-c-1)",
        "var(--m-b-2)",
        "var(--m-claude-2)",
        "var(--m-d-1)",
        "var(--m-local-2)",
    ];
    const NEUTRAL: &str = "var(--m-other)";
    let own: Vec<&'static str> = stacks.iter().map(|stack| stack.colour).collect();
    let mut taken = Vec::new();
    for stack in stacks.iter_mut().filter(|stack| !matches!(stack.of, None | Some(Of(None)))) {
        if stack.colour == NEUTRAL || taken.contains(&stack.colour) {
            let free = |colour: &&str| !taken.contains(colour) && !own.contains(colour);
            stack.colour = COLOURS.into_iter().find(free).unwrap_or(stack.colour);
        }
        taken.push(stack.colour);
    }
}

#[cfg(test)]
mod tests {
    use api::{Money, SeriesGroup};

    use super::*;
    use crate::calendar::Range;

    const DAY: i64 = 86_400_000;

    #[test]
    fn hours_of_today_are_one_bar_and_the_smaller_groups_are_one() {
        let bars = Bars::new(Range::Month, 5, |days| i64::from(days) * DAY);
        let point = |interval, pico| SeriesPoint {
            interval,
            totals: Totals { calls: 1, cost: Money::from_pico(pico), ..Totals::default() },
        };
        let group = |n: i64| SeriesGroup {
            key: Some(format!("m{n}")),
            label: None,
            points: vec![point(0, 100 - n), point(29, 1), point(52, 2)],
        };
        let series = Series {
            groups: (0..10).map(group).collect(),
            more_groups: 5,
            rest: vec![point(29, 40)],
            all: vec![point(0, 955), point(29, 50), point(52, 20)],
        };
        let stacks = Stacks::new(ChartView::default(), bars, &series);
        assert_eq!((stacks.stacks.len(), stacks.stacks[7].name.as_str()), (8, "8 smaller"));
        assert_eq!(stacks.stacks[0].by_bar[29].cost.pico(), 3, "two hours of today");
        assert_eq!(stacks.stacks[7].by_bar[29].cost.pico(), 3 * 3 + 40);
        assert_eq!((stacks.total.calls, stacks.total.cost.pico()), (3, 955 + 50 + 20), "each call once");
        let parts: f64 = stacks.stacks.iter().map(|stack| stacks.part(stack, 29)).sum();
        assert!((parts - 1.0).abs() < 1e-9, "{parts}");
        let mut colours: Vec<_> = stacks.stacks.iter().map(|stack| stack.colour).collect();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), 8, "told apart");
        let address = stacks.calls(stacks.stacks[0].of.as_ref(), Some(29));
        assert_eq!(address, format!("/traces?model=m0&from=0&to={DAY}"));
    }
}
