//! The state of the machine, noted beside the figures: without it nobody can tell a slow program from a busy machine.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

/// What does not change during a run.
pub(crate) fn describe() -> Vec<(&'static str, String)> {
    vec![
        ("cores", available_parallelism().map_or_else(|_| unknown(), |cores| cores.to_string())),
        ("processor", field("/proc/cpuinfo", "model name").unwrap_or_else(unknown)),
        ("governor", governor()),
        ("memory", field("/proc/meminfo", "MemTotal").unwrap_or_else(unknown)),
        ("kernel", output("uname", &["-sr"])),
        ("compiler", output("rustc", &["--version"])),
        ("commit", output("git", &["describe", "--always", "--dirty"])),
        ("date", output("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
    ]
}

/// The load averages of 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split(' ').take(3).collect();
    if averages.len() == 3 { averages.join(" ") } else { unknown() }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn governor() -> String {
    let text = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    text.map_or_else(|_| "not readable".to_owned(), |text| text.trim().to_owned())
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
    output.map_or_else(unknown, |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
