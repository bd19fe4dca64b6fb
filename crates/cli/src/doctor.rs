//! `llmflow doctor`: prints what the engine's doctor found, with the remedy below each line that has one.

use std::process::ExitCode;

use engine::doctor::{self, Machine, Mark, Report};
use server::SettingsFlags;

use crate::print::say;

/// Exits with 1 when something does not work. Settings that are not understood are a finding like others.
pub(crate) async fn examine(
    flags: &SettingsFlags,
    json: bool,
    online: bool,
    verify: bool,
) -> anyhow::Result<ExitCode> {
    let (settings, mistake) = match flags.load() {
        Ok(settings) => (settings, None),
        Err(mistake) => (flags.without_file(), Some(mistake)),
    };
    let report = doctor::examine(&Machine::here(), &settings, mistake.as_ref(), online, verify).await;
    if json {
        say(format_args!("{}", serde_json::to_string_pretty(&report)?));
    } else {
        print(&report);
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report) {
    for finding in &report.findings {
        let mark = match finding.mark {
            Mark::Ok => "ok",
            Mark::Note => "note",
            Mark::Warn => "warn",
            Mark::Fail => "FAIL",
        };
        say(format_args!("{mark:<5} {}: {}", finding.subject, finding.says));
        if let Some(remedy) = &finding.remedy {
            say(format_args!("      -> {remedy}"));
        }
    }
    let count = |mark| report.findings.iter().filter(|finding| finding.mark == mark).count();
    say("");
    match (count(Mark::Fail), count(Mark::Warn)) {
        (0, 0) => say("All is well."),
        (0, warnings) => say(format_args!("It works; to look at: {warnings}.")),
        (failures, warnings) => say(format_args!("Does not work: {failures}. To look at: {warnings}.")),
    }
}
