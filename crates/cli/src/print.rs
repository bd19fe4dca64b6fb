//! Printing for whoever reads. A reader that has gone away (`llmflow doctor | head -1`) is no mistake, and no reason to
//! end otherwise than without it.

use std::fmt::Display;
use std::io::Write;

/// Prints a line.
pub(crate) fn say(line: impl Display) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}

/// Prints without an end of line, for an answer on the same one.
pub(crate) fn ask(question: &str) {
    let mut out = std::io::stdout();
    let _nobody_reads = write!(out, "{question}").and_then(|()| out.flush());
}

/// Says what is wrong.
pub(crate) fn complain(line: impl Display) {
    let _nobody_reads = writeln!(std::io::stderr(), "llmflow: {line}");
}
