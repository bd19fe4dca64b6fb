//! Groups of calls over the intervals of a chart. Leaves out adding them up (`window`).

use std::collections::HashMap;

use api::{Series, SeriesGroup, SeriesPoint};

use crate::kept::Groups;
use crate::rollup::measures::Measures;

/// What a group's calls add up to in some of the intervals, which count from 0.
pub(crate) type Points = Vec<(usize, Measures)>;

/// What calls add up to, interval by interval: in all, by group, and those of the groups that are left out.
#[derive(Debug, Default)]
pub(crate) struct OverTime {
    /// One for each interval.
    pub(crate) all: Vec<Measures>,
    pub(crate) groups: HashMap<Option<String>, Points>,
    /// One for each interval; empty when no group was left out.
    pub(crate) rest: Vec<Measures>,
    /// Groups that were left out.
    pub(crate) more: usize,
}

impl OverTime {
    /// Adds the next interval.
    pub(crate) fn add(&mut self, groups: &Groups, all: Measures) {
        let number = self.all.len();
        for (key, sums) in groups {
            self.groups.entry(key.clone()).or_default().push((number, *sums));
        }
        self.all.push(all);
    }

    /// Leaves all but the dearest groups to the rest.
    pub(crate) fn keep_dearest(&mut self, most: usize) {
        let mut ordered = ordered(std::mem::take(&mut self.groups));
        let others = ordered.split_off(ordered.len().min(most));
        self.more = others.len();
        if self.more > 0 {
            self.rest = vec![Measures::NONE; self.all.len()];
        }
        for (number, sums) in others.iter().flat_map(|(_, points)| points) {
            if let Some(rest) = self.rest.get_mut(*number) {
                rest.add(sums);
            }
        }
        self.groups = ordered.into_iter().collect();
    }

    /// As it is shown: the dearest groups first, and no interval in which there was nothing.
    pub(crate) fn series(self) -> Series {
        let point = |(interval, sums): (usize, &Measures)| {
            let interval = u32::try_from(interval).unwrap_or(u32::MAX);
            (sums.calls() > 0).then(|| SeriesPoint { interval, totals: sums.totals() })
        };
        let group = |(key, points): (Option<String>, Points)| {
            let points = points.iter().filter_map(|(number, sums)| point((*number, sums))).collect();
            SeriesGroup { key, label: None, points }
        };
        Series {
            groups: ordered(self.groups).into_iter().map(group).collect(),
            more_groups: self.more as u64,
            rest: self.rest.iter().enumerate().filter_map(point).collect(),
            all: self.all.iter().enumerate().filter_map(point).collect(),
        }
    }
}

/// The dearest first.
fn ordered(groups: HashMap<Option<String>, Points>) -> Vec<(Option<String>, Points)> {
    let mut groups: Vec<(Measures, (Option<String>, Points))> = groups
        .into_iter()
        .map(|(key, points)| (Measures::sum(points.iter().map(|(_, sums)| sums)), (key, points)))
        .collect();
    groups.sort_by(|(a, (one, _)), (b, (other, _))| {
        (b.cost(), b.calls(), one).cmp(&(a.cost(), a.calls(), other))
    });
    groups.into_iter().map(|(_, group)| group).collect()
}
