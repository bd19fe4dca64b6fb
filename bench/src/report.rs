//! The table: Markdown that also reads well in a terminal, with goals beside figures.

use std::fmt::Write as _;

/// Everything a run found out.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) facts: Vec<(&'static str, String)>,
    sections: Vec<Section>,
    goals: Vec<Goal>,
}

/// A table with what has to be said about it.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) notes: Vec<String>,
}

/// A figure that has to be reached.
#[derive(Debug)]
struct Goal {
    name: &'static str,
    figure: String,
    goal: String,
    met: bool,
    /// Without it the build is broken, not slow.
    must: bool,
}

impl Report {
    pub(crate) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// A figure that should not be larger than `limit`. What could not be measured is not met.
    pub(crate) fn at_most(&mut self, name: &'static str, figure: f64, limit: f64, unit: &str) {
        let (met, goal) = (figure <= limit, format!("≤ {}{unit}", short(limit)));
        self.goals.push(Goal { name, figure: format!("{}{unit}", short(figure)), goal, met, must: false });
    }

    /// A figure that should not be smaller than `limit`.
    pub(crate) fn at_least(&mut self, name: &'static str, figure: f64, limit: f64, unit: &str) {
        let (met, goal) = (figure >= limit, format!("≥ {}{unit}", short(limit)));
        self.goals.push(Goal { name, figure: format!("{}{unit}", short(figure)), goal, met, must: false });
    }

    /// A share that has to be exactly one.
    pub(crate) fn all_of(&mut self, name: &'static str, part: u64, whole: u64) {
        let figure = if part == whole { "1.000".to_owned() } else { format!("{part} of {whole}") };
        self.goals.push(Goal { name, figure, goal: "1.000".to_owned(), met: part == whole, must: true });
    }

    /// The goals without which the build is broken, and that were missed.
    pub(crate) fn broken(&self) -> Vec<&'static str> {
        self.goals.iter().filter(|goal| goal.must && !goal.met).map(|goal| goal.name).collect()
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("# LLMFlow, measured\n\n");
        for (name, value) in &self.facts {
            // Writing to a String cannot fail.
            let _always_ok = writeln!(text, "- {name}: {value}");
        }
        let goals = self.goals.iter().map(|goal| {
            let mark = if goal.met { "✓" } else { "✗" };
            vec![goal.name.to_owned(), goal.figure.clone(), goal.goal.clone(), mark.to_owned()]
        });
        let goals = Section {
            title: "Goals".to_owned(),
            columns: vec!["what", "figure", "goal", ""],
            rows: goals.collect(),
            notes: Vec::new(),
        };
        for section in std::iter::once(&goals).chain(&self.sections) {
            let _always_ok = writeln!(text, "\n## {}\n", section.title);
            table(&section.columns, &section.rows, &mut text);
            for note in &section.notes {
                let _always_ok = writeln!(text, "\n{note}");
            }
        }
        text
    }
}

/// A Markdown table with its columns padded.
fn table(columns: &[&str], rows: &[Vec<String>], text: &mut String) {
    let head: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    let width = |index: usize| {
        let cells = std::iter::once(&head).chain(rows).filter_map(|row| row.get(index));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    for row in [&head, &rule].into_iter().chain(rows) {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _always_ok = writeln!(text, "| {} |", cells.join(" | "));
    }
}

/// A number with as many digits as it means.
pub(crate) fn short(number: f64) -> String {
    match number.abs() {
        _ if number.is_nan() => "not measured".to_owned(),
        0.0 => "0".to_owned(),
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}").trim_end_matches(".0").to_owned(),
        0.1.. => format!("{number:.2}").trim_end_matches(".00").to_owned(),
        _ => format!("{number:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_stand_beside_figures_and_only_some_break_the_run() {
        let mut report = Report::default();
        report.at_most("slow", 120.0, 100.0, " µs");
        report.at_least("fast", 0.5, 0.4, " × nginx");
        report.at_most("unknown", f64::NAN, 1.0, "");
        report.all_of("stored of seen", 10, 10);
        // How wide the columns are depends on the widest row.
        let text = report.markdown().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("| slow | 120 µs | ≤ 100 µs | ✗ |"), "{text}");
        assert!(text.contains("| fast | 0.50 × nginx | ≥ 0.40 × nginx | ✓ |"), "{text}");
        assert!(text.contains("| unknown | not measured | ≤ 1 | ✗ |"), "{text}");
        assert_eq!(report.broken(), [""; 0]);
        report.all_of("stored of seen", 9, 10);
        assert_eq!(report.broken(), ["stored of seen"]);
    }

    #[test]
    fn numbers_have_the_digits_they_mean() {
        for (number, text) in
            [(37_756.2, "37756"), (25.04, "25"), (12.34, "12.3"), (0.4, "0.40"), (0.034, "0.034")]
        {
            assert_eq!(short(number), text);
        }
    }
}
