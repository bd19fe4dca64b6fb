//! Time on a screen: a window onto a trace, where a stretch of time lies in it, the marks along its axis; and
//! lengths of time from nanoseconds up. Pure.

use super::NO_END_NS;
use crate::format::duration;

/// A stretch of a trace, in nanoseconds since it began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub from: f64,
    pub to: f64,
}

/// Nothing shorter is looked at: a clock tells no more.
const SHORTEST_NS: f64 = 1_000.0;

impl Window {
    /// All of a trace of this length.
    pub fn whole(length_ns: i64) -> Self {
        Self { from: 0.0, to: (length_ns as f64).max(1.0) }
    }

    pub fn length(self) -> f64 {
        self.to - self.from
    }

    /// The same window, within a trace of this length and not too short.
    pub fn within(self, length_ns: i64) -> Self {
        let whole = Self::whole(length_ns).to;
        let (from, to) = if self.from <= self.to { (self.from, self.to) } else { (self.to, self.from) };
        let length = (to - from).clamp(SHORTEST_NS.min(whole), whole);
        let from = from.clamp(0.0, whole - length);
        Self { from, to: from + length }
    }

    /// Whether it shows all of a trace.
    pub fn is_whole(self, length_ns: i64) -> bool {
        let whole = length_ns as f64;
        self.from <= whole * 1e-9 && self.to >= whole * (1.0 - 1e-9)
    }

    /// Moved along by `by` nanoseconds.
    pub fn moved(self, by: f64, length_ns: i64) -> Self {
        let by = by.clamp(-self.from, length_ns as f64 - self.to);
        Self { from: self.from + by, to: self.to + by }
    }

    /// Scaled about the point at `share` of it.
    pub fn scaled(self, by: f64, share: f64, length_ns: i64) -> Self {
        let (at, length) = (self.from + self.length() * share, self.length() * by);
        Self { from: at - length * share, to: at + length * (1.0 - share) }.within(length_ns)
    }

    /// Where a moment lies, in percent; beyond the edges below 0 or above 100.
    pub fn percent(self, ns: i64) -> f64 {
        (ns as f64 - self.from) * 100.0 / self.length()
    }

    /// A bar's left edge and width in percent, cut at the window's edges; `None` when nothing of it is seen.
    pub fn bar(self, from: i64, to: i64) -> Option<(f64, f64)> {
        let (left, right) = (self.percent(from), self.percent(to));
        if right < 0.0 || left > 100.0 {
            return None;
        }
        let left = left.max(0.0);
        Some((left, right.min(100.0) - left))
    }

    /// The marks along the axis: where in percent, and what stands there.
    pub fn ticks(self, about: f64) -> Vec<(f64, String)> {
        let step = step(self.length() / about.max(1.0));
        let first = (self.from / step - 1e-9).ceil();
        let mut ticks = Vec::new();
        for index in 0..=about as usize + 1 {
            let at = (first + index as f64) * step;
            if at > self.to + step * 1e-9 {
                break;
            }
            ticks.push(((at - self.from) * 100.0 / self.length(), label(at, step)));
        }
        ticks
    }
}

const SECOND: f64 = 1e9;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;

/// The smallest round length that is at least this.
fn step(least: f64) -> f64 {
    let long = [
        MINUTE,
        2.0 * MINUTE,
        5.0 * MINUTE,
        10.0 * MINUTE,
        15.0 * MINUTE,
        30.0 * MINUTE,
        HOUR,
        2.0 * HOUR,
        6.0 * HOUR,
        12.0 * HOUR,
        24.0 * HOUR,
    ];
    if least > 30.0 * SECOND {
        return long
            .into_iter()
            .find(|step| *step >= least)
            .unwrap_or_else(|| (least / (24.0 * HOUR)).ceil() * 24.0 * HOUR);
    }
    let unit = 10_f64.powf(least.max(1.0).log10().floor());
    let steps = [unit, 2.0 * unit, 5.0 * unit, 10.0 * unit];
    let step = steps.into_iter().find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(10.0 * unit);
    if step > 30.0 * SECOND { 30.0 * SECOND } else { step }
}

/// A moment since the beginning, as exact as its neighbours need it.
fn label(at: f64, step: f64) -> String {
    if at < step / 2.0 {
        return "0".to_owned();
    }
    if step >= MINUTE {
        let minutes = (at / MINUTE).round();
        let (hours, rest) = ((minutes / 60.0).floor(), minutes % 60.0);
        return match (hours > 0.0, rest > 0.0) {
            (true, true) => format!("{hours:.0} h {rest:.0} m"),
            (true, false) => format!("{hours:.0} h"),
            _ => format!("{minutes:.0} m"),
        };
    }
    let (unit, word) = match at {
        _ if at >= SECOND - step / 2.0 => (SECOND, "s"),
        _ if at >= 1e6 - step / 2.0 => (1e6, "ms"),
        _ if at >= 1e3 - step / 2.0 => (1e3, "µs"),
        _ => (1.0, "ns"),
    };
    let decimals = (unit / step).log10().ceil().max(0.0) as usize;
    format!("{:.decimals$} {word}", at / unit)
}

/// How long something took, from nanoseconds: `840 ns`, `420 µs`, then as [`duration`]; a dash without an end.
pub fn length(ns: i64) -> String {
    if ns == NO_END_NS {
        return "–".to_owned();
    }
    let sign = if ns < 0 { "−" } else { "" };
    let size = ns.unsigned_abs();
    match size {
        0 => "0 ms".to_owned(),
        1..1_000 => format!("{sign}{size} ns"),
        1_000..1_000_000 => format!("{sign}{} µs", size / 1_000),
        _ => format!("{sign}{}", duration(size / 1_000)),
    }
}
