//! Child processes: ended when dropped, and what the system says they used. Readings exist on Linux only.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const GRACE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Linux counts CPU time in hundredths of a second for everybody to read.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running child.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
}

impl Process {
    pub(crate) fn spawn(name: &'static str, command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot run {name}"))?;
        Ok(Self { name, child })
    }

    /// What it says first.
    pub(crate) fn first_line(&mut self) -> Result<String> {
        let output = self.child.stdout.take().with_context(|| format!("{} has no output", self.name))?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(line)
    }

    /// An error once it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} ended ({status})", self.name),
            None => Ok(()),
        }
    }

    /// CPU seconds used so far, by all its threads and by its own children (nginx works in those).
    pub(crate) fn cpu_seconds(&self) -> Option<f64> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let of = |id: &str| cpu_seconds(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?);
        Some(of(&id.to_string())? + children.split_whitespace().filter_map(of).sum::<f64>())
    }

    /// Resident memory now, in megabytes of 2^20 bytes.
    pub(crate) fn rss_mb(&self) -> Option<f64> {
        self.status("VmRSS:")
    }

    /// From now on the peak is that of what follows. Where the system does not allow it, it stays that of everything.
    pub(crate) fn forget_peak(&self) {
        drop(fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5"));
    }

    /// The most it ever was.
    pub(crate) fn peak_mb(&self) -> Option<f64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes / 1024.0)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.ask_to_end();
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            if began.elapsed() > GRACE {
                self.child.kill()?;
                self.child.wait()?;
                bail!("{} did not end within {} s and was killed", self.name, GRACE.as_secs());
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    #[cfg(unix)]
    fn ask_to_end(&self) {
        use rustix::process::{Pid, Signal, kill_process};
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _may_be_gone = kill_process(pid, Signal::TERM);
        }
    }

    #[cfg(not(unix))]
    fn ask_to_end(&mut self) {
        drop(self.child.kill());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

/// Thousands of connections are as many sockets here, and up to twice that in the proxy, which inherits the limit.
#[cfg(unix)]
pub(crate) fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it cannot be raised, the connections that fail say so.
    let _stays_as_it_is = setrlimit(Resource::Nofile, limit);
}

#[cfg(not(unix))]
pub(crate) fn allow_many_files() {}

/// The sum of user and system time in the text of `/proc/PID/stat`, whose second field may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let after_name = stat.rsplit_once(") ")?.1;
    let ticks = |index: usize| after_name.split(' ').nth(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_past_any_name() {
        let stat = "42 (a) odd) name) S 1 42 42 0 -1 4194560 500 0 0 0 150 50 0 0 20 0 3 0 12345 1000 20";
        assert_eq!(cpu_seconds(stat), Some(2.0));
    }
}
