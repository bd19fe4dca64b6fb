//! Where days and hours of the reader's calendar begin, as instants, so that the store adds up what a person calls a
//! day. Pure: `midnight` gives the local midnight so many days after today.

const HOUR_MS: i64 = 3_600_000;

/// How far back the chart looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    Day,
    Week,
    #[default]
    Month,
    Quarter,
}

impl Range {
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// The word in the address.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// How many days it is.
    pub const fn days(self) -> i32 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
            Self::Quarter => "90 d",
        }
    }
}

/// The bars of a chart and the intervals to ask for. Bars that are not over are asked for hour by hour: what lies in
/// the past is not added up again for each new call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bars {
    /// Where bars begin and, the last, end.
    pub edges: Vec<i64>,
    /// The bounds to ask for.
    pub bounds: Vec<i64>,
    /// The bar that each interval belongs to.
    pub bar_of: Vec<usize>,
}

impl Bars {
    /// The bars of `range` at `now`.
    pub fn new(range: Range, now: i64, midnight: impl Fn(i32) -> i64) -> Self {
        let edges = match range {
            Range::Month | Range::Quarter => (1 - range.days()..=1).map(&midnight).collect(),
            Range::Week => (-6..=0)
                .flat_map(|day| quarters(midnight(day), midnight(day + 1)))
                .chain([midnight(1)])
                .collect(),
            Range::Day => {
                let mut hours = hours(midnight(-1), midnight(0));
                hours.pop();
                hours.extend(self::hours(midnight(0), midnight(1)));
                let end = hours.iter().position(|hour| *hour > now).unwrap_or(hours.len() - 1);
                hours.drain(..=end).skip(end.saturating_sub(24)).collect::<Vec<_>>()
            }
        };
        let (mut bounds, mut bar_of) = (Vec::new(), Vec::new());
        for (bar, (from, to)) in edges.iter().zip(edges.iter().skip(1)).enumerate() {
            let pieces = if *from <= now && now < *to { hours(*from, *to) } else { vec![*from, *to] };
            bar_of.extend(pieces.iter().skip(1).map(|_| bar));
            bounds.extend(pieces.iter().take(pieces.len() - 1));
        }
        bounds.extend(edges.last());
        Self { edges, bounds, bar_of }
    }

    /// The same bars, as many days earlier as `range` is long, as far as they were over by this time of the day: what
    /// `range` is compared with.
    pub fn before(range: Range, now: i64, midnight: impl Fn(i32) -> i64) -> Self {
        // A whole number of quarters of an hour, at which sums are at hand.
        const QUARTER_MS: i64 = HOUR_MS / 4;
        let days = range.days();
        let since_midnight = now - midnight(0);
        let until = midnight(-days) + since_midnight.div_euclid(QUARTER_MS) * QUARTER_MS;
        let earlier = |day: i32| midnight(day - days);
        let mut bars = Self::new(range, midnight(-days) + since_midnight, earlier);
        let within = |edge: &i64| *edge < until;
        let bounds = bars.bounds.iter().copied().filter(within).chain([until]).collect::<Vec<_>>();
        bars.bar_of.truncate(bounds.len().saturating_sub(1));
        bars.bounds = bounds;
        bars
    }

    /// The first instant and the one after the last.
    pub fn window(&self) -> (i64, i64) {
        (self.edges.first().copied().unwrap_or(0), self.edges.last().copied().unwrap_or(0))
    }

    pub fn len(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    /// From when to when a bar is.
    pub fn span(&self, bar: usize) -> (i64, i64) {
        let edge = |at: usize| self.edges.get(at).copied().unwrap_or(0);
        (edge(bar), edge(bar + 1))
    }
}

/// Where the hours from `from` to `to` begin, and `to`. A day in which the clocks change has one hour less or more.
pub fn hours(from: i64, to: i64) -> Vec<i64> {
    let mut hours: Vec<i64> = (0..).map(|hour| from + hour * HOUR_MS).take_while(|at| *at < to).collect();
    hours.push(to);
    hours
}

/// Where the quarters of a day begin.
fn quarters(from: i64, to: i64) -> Vec<i64> {
    (0..4).map(|quarter| from + quarter * 6 * HOUR_MS).filter(|at| *at < to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * HOUR_MS;

    fn plain(days: i32) -> i64 {
        i64::from(days) * DAY_MS
    }

    #[test]
    fn thirty_days_end_with_today_in_hours() {
        let bars = Bars::new(Range::Month, 3 * HOUR_MS, plain);
        assert_eq!((bars.len(), bars.window()), (30, (-29 * DAY_MS, DAY_MS)));
        assert_eq!(bars.bounds.len(), 29 + 24 + 1);
        assert_eq!(bars.bar_of.len(), bars.bounds.len() - 1);
        assert_eq!(bars.bar_of.iter().filter(|bar| **bar == 29).count(), 24);
        assert!(bars.bounds.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn what_is_compared_with_ends_at_the_same_time_of_the_day() {
        let now = 3 * HOUR_MS + HOUR_MS / 2 + 7;
        for range in Range::ALL {
            let (bars, before) = (Bars::new(range, now, plain), Bars::before(range, now, plain));
            let shift = i64::from(range.days()) * DAY_MS;
            assert_eq!(before.edges, bars.edges.iter().map(|edge| edge - shift).collect::<Vec<_>>());
            assert_eq!(before.bounds.last(), Some(&(now - 7 - shift)), "{range:?}");
            assert_eq!(before.bounds.len(), before.bar_of.len() + 1);
            assert!(before.bounds.is_sorted_by(|one, next| one < next));
        }
    }

    #[test]
    fn a_day_is_the_last_twenty_four_hours() {
        let bars = Bars::new(Range::Day, 3 * HOUR_MS + 5, plain);
        assert_eq!((bars.len(), bars.window()), (24, (-20 * HOUR_MS, 4 * HOUR_MS)));
        assert_eq!(bars.bounds, bars.edges);
    }

    #[test]
    fn a_week_is_in_quarters_of_days_also_when_the_clocks_change() {
        // The night before today is an hour short.
        let short = |days: i32| plain(days) - if days < 0 { 0 } else { HOUR_MS };
        let bars = Bars::new(Range::Week, 3 * HOUR_MS, short);
        assert_eq!(bars.len(), 28);
        assert!(bars.bounds.is_sorted_by(|one, next| one < next));
        assert_eq!(hours(short(-1), short(0)).len(), 24, "23 hours and the end");
    }
}
