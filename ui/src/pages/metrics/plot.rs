//! An answer as what is drawn: lines or stacked bars, each with its name and colour. Pure; leaves out drawing (`chart`).

use api::{MetricChart, MetricKind, MetricLine};

use super::view::Measure;

/// One line, or one part of each bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Trail {
    pub name: String,
    pub colour: &'static str,
    pub values: Vec<Option<f64>>,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Stacked, rather than lines.
    pub bars: bool,
    pub trails: Vec<Trail>,
    /// Whether measurements stand on the same scale.
    pub measures: bool,
    pub unit: String,
}

/// Colours told apart in either theme.
const COLOURS: [&str; 8] = [
    "var(--m-google-2)",
    "var(--m-claude-2)",
    "var(--m-openai-2)",
    "var(--m-c-1)",
    "var(--m-a-2)",
    "var(--m-b-2)",
    "var(--m-local-2)",
    "var(--m-d-1)",
];
/// For the lines beyond those, and what is put together as the rest.
const OTHER: &str = "var(--m-other)";

/// The colour of the line at this place.
pub fn colour(index: usize, rest: bool) -> &'static str {
    if rest { OTHER } else { COLOURS.get(index).copied().unwrap_or(OTHER) }
}

/// A line's name.
pub fn name(chart: &MetricChart, index: usize, line: &MetricLine, grouped: bool) -> String {
    match &line.value {
        Some(value) if value.is_empty() => "empty".to_owned(),
        Some(value) => value.clone(),
        None if chart.rest > 0 && index + 1 == chart.lines.len() => format!("{} smaller", chart.rest),
        None if grouped => "without".to_owned(),
        None => "all".to_owned(),
    }
}

/// Whether a metric has measurements with quantiles, rather than values.
pub const fn is_distribution(kind: MetricKind) -> bool {
    matches!(kind, MetricKind::Histogram | MetricKind::ExponentialHistogram | MetricKind::Summary)
}

/// What is drawn of `chart`.
pub fn plot(chart: &MetricChart, measure: Measure, grouped: bool) -> Plot {
    let (metric, distribution) = (&chart.metric, is_distribution(chart.metric.kind));
    let is_rest = |index: usize| chart.rest > 0 && index + 1 == chart.lines.len();
    let each = |of: &dyn Fn(&MetricLine) -> Vec<Option<f64>>| {
        let lines = chart.lines.iter().enumerate();
        lines
            .map(|(index, line)| Trail {
                name: name(chart, index, line, grouped),
                colour: colour(index, is_rest(index)),
                values: of(line),
            })
            .collect::<Vec<_>>()
    };
    let unit = metric.unit.clone();
    match (distribution, measure) {
        (true, Measure::Quantiles) => {
            let trails = if grouped { each(&|line| upper(line)) } else { quantiles(chart) };
            Plot { bars: false, trails, measures: true, unit }
        }
        (true, Measure::Count) => Plot {
            bars: true,
            trails: each(&|line| line.values.clone()),
            measures: false,
            unit: String::new(),
        },
        (true, Measure::Sum) => {
            Plot { bars: true, trails: each(&|line| line.sums.clone()), measures: false, unit }
        }
        (false, _) => {
            let grows = metric.kind == MetricKind::Sum && metric.monotonic;
            let trails = each(&|line| line.values.clone());
            // Parts below zero cannot be stacked.
            let below = trails
                .iter()
                .flat_map(|trail| &trail.values)
                .any(|value| value.is_some_and(|value| value < 0.0));
            Plot { bars: grows && !below, trails, measures: metric.kind == MetricKind::Gauge, unit }
        }
    }
}

/// A grouped distribution's quantile: the 95th, else the highest there is.
fn upper(line: &MetricLine) -> Vec<Option<f64>> {
    let wanted = line.quantiles.iter().find(|one| (one.quantile - 0.95).abs() < 1e-9);
    wanted.or(line.quantiles.last()).map(|one| one.values.clone()).unwrap_or_default()
}

/// The quantiles of everything together, the highest first as they stand in the chart.
fn quantiles(chart: &MetricChart) -> Vec<Trail> {
    let quantiles = chart.lines.first().map(|line| line.quantiles.as_slice()).unwrap_or_default();
    let trail = |(index, one): (usize, &api::Quantile)| Trail {
        name: quantile_name(one.quantile),
        colour: quantile_colour(index),
        values: one.values.clone(),
    };
    quantiles.iter().enumerate().map(trail).collect()
}

/// The colour of the quantile at this place.
pub fn quantile_colour(index: usize) -> &'static str {
    let shades =
        ["var(--text)", "var(--m-google-2)", "var(--m-claude-2)", "var(--m-c-1)", "var(--m-openai-2)"];
    shades.get(index).copied().unwrap_or(OTHER)
}

/// `p50`, `p99.9`, and the least and the most by their names.
pub fn quantile_name(quantile: f64) -> String {
    match quantile {
        q if q <= 0.0 => "least".to_owned(),
        q if q >= 1.0 => "most".to_owned(),
        q => {
            let percent = format!("{:.2}", q * 100.0);
            format!("p{}", percent.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

impl Plot {
    /// The least and the most that is drawn.
    pub fn extent(&self) -> (f64, f64) {
        let stretches = self.trails.iter().map(|trail| trail.values.len()).max().unwrap_or(0);
        let value = |trail: &Trail, at: usize| {
            trail.values.get(at).copied().flatten().filter(|value| value.is_finite())
        };
        let mut extent = (0.0_f64, 0.0_f64);
        for at in 0..stretches {
            let here = self.trails.iter().filter_map(|trail| value(trail, at));
            if self.bars {
                extent.1 = extent.1.max(here.sum());
            } else {
                extent = here.fold(extent, |(least, most), value| (least.min(value), most.max(value)));
            }
        }
        extent
    }

    /// Whether nothing was reported in the time shown.
    pub fn is_empty(&self) -> bool {
        self.trails.iter().all(|trail| trail.values.iter().all(Option::is_none))
    }
}

/// A bucket as a row of a distribution: from above `from` up to `to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    pub from: Option<f64>,
    pub to: Option<f64>,
    pub count: u64,
}

/// Rows of a distribution: empty ones at the ends are left out, neighbours put together until there are few enough.
pub fn distribution(buckets: &[(Option<f64>, u64)], most: usize) -> Vec<Bucket> {
    let mut from = None;
    let mut rows: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for (to, count) in buckets {
        rows.push(Bucket { from, to: *to, count: *count });
        from = *to;
    }
    let first = rows.iter().position(|row| row.count > 0);
    let last = rows.iter().rposition(|row| row.count > 0);
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    let rows = rows.get(first..=last).unwrap_or_default();
    let together = rows.len().div_ceil(most.max(1)).max(1);
    let join = |part: &[Bucket]| Bucket {
        from: part.first().and_then(|bucket| bucket.from),
        to: part.last().and_then(|bucket| bucket.to),
        count: part.iter().map(|bucket| bucket.count).sum(),
    };
    rows.chunks(together).map(join).collect()
}

#[cfg(test)]
mod tests {
    use api::{MetricSummary, Quantile, Temporality};

    use super::*;

    fn chart(kind: MetricKind, monotonic: bool, lines: Vec<MetricLine>, rest: u64) -> MetricChart {
        let metric = MetricSummary {
            name: "m".into(),
            service: None,
            description: String::new(),
            unit: "s".into(),
            kind,
            temporality: Temporality::Delta,
            monotonic,
            series: 1,
            points: 1,
            first_ms: 0,
            last_ms: 1,
            total: 1.0,
            range: None,
            attribute_keys: vec![],
        };
        MetricChart { metric, from_ms: vec![0, 1], lines, rest, exemplars: vec![] }
    }

    fn line(value: Option<&str>, values: [Option<f64>; 2]) -> MetricLine {
        MetricLine { value: value.map(Into::into), values: values.into(), ..MetricLine::default() }
    }

    #[test]
    fn growth_is_stacked_and_levels_are_lines() {
        let lines = vec![line(Some("a"), [Some(1.0), None]), line(None, [Some(2.0), Some(5.0)])];
        let grows = plot(&chart(MetricKind::Sum, true, lines.clone(), 3), Measure::default(), true);
        assert!(grows.bars);
        assert_eq!(grows.extent(), (0.0, 5.0));
        assert_eq!(grows.trails[1].name, "3 smaller");
        assert_eq!(grows.trails[1].colour, OTHER);
        let level = plot(&chart(MetricKind::Gauge, false, lines, 0), Measure::default(), true);
        assert!(!level.bars && level.measures);
        assert_eq!(level.trails[1].name, "without");
        let falls = vec![line(None, [Some(-4.0), Some(1.0)])];
        let falls = plot(&chart(MetricKind::Sum, true, falls, 0), Measure::default(), false);
        assert_eq!((falls.bars, falls.extent()), (false, (-4.0, 1.0)));
    }

    #[test]
    fn distributions_show_quantiles_counts_or_sums() {
        let mut whole = line(None, [Some(9.0), None]);
        whole.sums = vec![Some(2.5), None];
        whole.quantiles = [0.5, 0.95, 0.999]
            .map(|quantile| Quantile { quantile, values: vec![Some(quantile), None] })
            .into();
        let chart = chart(MetricKind::Histogram, false, vec![whole], 0);
        let shown = |measure, grouped| plot(&chart, measure, grouped);
        let names: Vec<_> =
            shown(Measure::Quantiles, false).trails.into_iter().map(|trail| trail.name).collect();
        assert_eq!(names, ["p50", "p95", "p99.9"]);
        assert_eq!(shown(Measure::Quantiles, true).trails[0].values[0], Some(0.95));
        assert_eq!(shown(Measure::Count, false).extent().1, 9.0);
        assert_eq!(shown(Measure::Sum, false).extent().1, 2.5);
        assert_eq!(shown(Measure::Count, false).unit, "", "a number of measurements is not in seconds");
    }

    #[test]
    fn a_distribution_has_few_rows_and_every_measurement() {
        let buckets: Vec<(Option<f64>, u64)> =
            (0..200).map(|n| (Some(f64::from(n)), u64::from(n > 9 && n < 150))).chain([(None, 4)]).collect();
        let rows = distribution(&buckets, 24);
        assert!(rows.len() <= 24);
        assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 144);
        assert_eq!((rows[0].from, rows.last().unwrap().to), (Some(9.0), None));
        assert!(rows.windows(2).all(|pair| pair[0].to == pair[1].from), "no gap");
        assert!(distribution(&[(None, 0)], 24).is_empty());
    }
}
