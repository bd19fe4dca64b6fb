//! `llmflow doctor`: prints what the engine's doctor found, with the remedy below each line that has one.

use std::process::ExitCode;

use engine::doctor::{self, Machine, Mark, Report};
use server::SettingsFlags;

/// Exits with 1 when something does not work. Settings that are not understood are a finding like others.
pub(crate) async fn examine(flags: &SettingsFlags, json: bool, online: bool) -> anyhow::Result<ExitCode> {
    let (settings, mistake) = match flags.load() {
        Ok(settings) => (settings, None),
        Err(mistake) => (flags.without_file(), Some(mistake)),
    };
    let report = doctor::examine(&Machine::here(), &settings, mistake.as_ref(), online).await;
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
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
        println!("{mark:<5} {}: {}", finding.subject, finding.says);
        if let Some(remedy) = &finding.remedy {
            println!("      -> {remedy}");
        }
    }
    let count = |mark| report.findings.iter().filter(|finding| finding.mark == mark).count();
    println!();
    match (count(Mark::Fail), count(Mark::Warn)) {
        (0, 0) => println!("All is well."),
        (0, warnings) => println!("It works; to look at: {warnings}."),
        (failures, warnings) => println!("Does not work: {failures}. To look at: {warnings}."),
    }
}
