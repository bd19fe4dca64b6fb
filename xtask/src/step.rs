//! One visible step: a header, the child's own output, its time, and a remedy when it fails.
//!
//! Left out: which steps there are, and in which order. See `test` and `binaries`.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// A child process somebody waits for.
pub(crate) struct Step<'a> {
    title: &'a str,
    remedy: &'a str,
}

impl<'a> Step<'a> {
    /// `remedy` is one sentence: what to do when the child fails.
    pub(crate) fn new(title: &'a str, remedy: &'a str) -> Self {
        Self { title, remedy }
    }

    /// Runs the child with its output passed through. An error says which step failed and what to do.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Duration> {
        println!("\n==> {}", self.title);
        let duration = self.run_quietly(command)?;
        println!("    {} took {}", self.title, shown(duration));
        Ok(duration)
    }

    /// The same with nothing printed after the child, so that its last line is ours too.
    pub(crate) fn run_last(&self, command: &mut Command) -> Result<Duration> {
        println!("\n==> {}", self.title);
        self.run_quietly(command)
    }

    fn run_quietly(&self, command: &mut Command) -> Result<Duration> {
        let began = Instant::now();
        let program = command.get_program().to_string_lossy().into_owned();
        match command.status() {
            Ok(status) if status.success() => Ok(began.elapsed()),
            Ok(status) => bail!("{} failed ({status}); {}", self.title, self.remedy),
            Err(error) => bail!("{} could not run {program} ({error}); {}", self.title, self.remedy),
        }
    }
}

/// `850 ms`, `12.3 s`, `2 m 05 s`.
pub(crate) fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds:.1} s"),
        whole => format!("{} m {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(shown(Duration::from_millis(850)), "850 ms");
        assert_eq!(shown(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(shown(Duration::from_secs(125)), "2 m 05 s");
    }

    #[test]
    fn a_failed_step_names_its_remedy() {
        let error = Step::new("nothing", "install it").run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.to_string().contains("install it"), "{error}");
    }
}
