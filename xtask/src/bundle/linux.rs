//! What a Linux package has beside the binaries: manual pages, AppStream data, licences, the changelog.
//!
//! Left out: the bundler's own configuration, in `packaging/linux/bundle.json`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::{Stage, text};

const DOCUMENTS: &str = "/usr/share/doc/llmflow";
const MANUAL: &str = "/usr/share/man/man1";
const METAINFO: &str = "io.llmflow.desktop.metainfo.xml";

/// Where each file goes on the user's machine, and where it is here.
pub(super) fn files(stage: &Stage<'_>, notices: &Path) -> Result<Value> {
    let ours = stage.workspace.root.join("packaging/linux");
    let manual = manual(&|arguments| help(stage, arguments))?;
    let desktop = fs::read(ours.join("llmflow-desktop.1")).context("cannot read llmflow-desktop.1")?;
    let changes = fs::read(stage.workspace.root.join("CHANGELOG.md")).context("cannot read CHANGELOG.md")?;
    let notices = fs::read(notices).context("cannot read the licences")?;
    let metainfo = metainfo(stage, &ours)?;
    Ok(json!({
        (format!("{MANUAL}/llmflow.1.gz")): zipped(stage, "llmflow.1.gz", manual.as_bytes())?,
        (format!("{MANUAL}/llmflow-desktop.1.gz")): zipped(stage, "llmflow-desktop.1.gz", &desktop)?,
        (format!("{DOCUMENTS}/CHANGELOG.md.gz")): zipped(stage, "CHANGELOG.md.gz", &changes)?,
        (format!("{DOCUMENTS}/third-party.txt.gz")): zipped(stage, "third-party.txt.gz", &notices)?,
        (format!("{DOCUMENTS}/copyright")): text(&ours.join("copyright"))?,
        (format!("/usr/share/metainfo/{METAINFO}")): metainfo,
    }))
}

/// Debian's fields that depend on what was built.
pub(super) fn debian(stage: &Stage<'_>) -> Result<Value> {
    let configured = stage.workspace.root.join("packaging/linux/bundle.json");
    let configured: Value =
        serde_json::from_slice(&fs::read(&configured).context("cannot read bundle.json")?)?;
    let mut depends = vec![json!(c_library(&[&stage.headless, &stage.desktop])?)];
    let listed = configured["bundle"]["linux"]["deb"]["depends"].as_array();
    depends.extend(listed.context("packaging/linux/bundle.json lists no dependencies")?.iter().cloned());
    Ok(json!({ "depends": depends }))
}

/// The C library that these binaries ask for: the newest version that one of their symbols names.
fn c_library(binaries: &[&Path]) -> Result<String> {
    let mut newest = 0;
    for path in binaries {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        newest = newest.max(newest_symbol(&bytes));
    }
    anyhow::ensure!(
        newest > 0,
        "the binaries name no version of the C library; are they for Linux with glibc?"
    );
    Ok(format!("libc6 (>= 2.{newest})"))
}

fn newest_symbol(binary: &[u8]) -> u32 {
    const PREFIX: &[u8] = b"GLIBC_2.";
    let starts = binary.windows(PREFIX.len()).enumerate().filter(|(_, window)| *window == PREFIX);
    let number = |(at, _)| {
        let digits = binary.get(at + PREFIX.len()..)?.iter().take_while(|byte| byte.is_ascii_digit());
        digits.map(|byte| u32::from(byte - b'0')).reduce(|number, digit| number * 10 + digit)
    };
    starts.filter_map(number).max().unwrap_or(0)
}

fn metainfo(stage: &Stage<'_>, ours: &Path) -> Result<String> {
    let template =
        fs::read_to_string(ours.join(METAINFO)).with_context(|| format!("cannot read {METAINFO}"))?;
    let date = date(ours).context("neither git nor date says which day it is")?;
    let filled = template.replace("@VERSION@", env!("CARGO_PKG_VERSION")).replace("@DATE@", &date);
    text(&stage.write(METAINFO, filled.as_bytes())?)
}

/// The commit's day, so that two builds of it are one; today where there is no repository.
fn date(folder: &Path) -> Option<String> {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(folder).output().ok()?;
        let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        Some(line).filter(|line| output.status.success() && !line.is_empty())
    };
    said("git", &["show", "--no-patch", "--format=%cs", "HEAD"]).or_else(|| said("date", &["-u", "+%F"]))
}

fn help(stage: &Stage<'_>, arguments: &[&str]) -> Result<String> {
    let output = Command::new(&stage.headless).args(arguments).arg("--help").output();
    let output = output.with_context(|| format!("cannot run {}", stage.headless.display()))?;
    String::from_utf8(output.stdout).context("the help is not UTF-8")
}

/// The manual page is the program's own help, so that it cannot say something else.
fn manual(help: &dyn Fn(&[&str]) -> Result<String>) -> Result<String> {
    let whole = help(&[])?;
    let mut page = String::from(".TH LLMFLOW 1 \"\" \"LLMFlow\" \"User Commands\"\n.SH NAME\n");
    page.push_str("llmflow \\- local proxy in front of LLM providers, with a dashboard\n.SH DESCRIPTION\n");
    page.push_str(&verbatim(&whole));
    for command in commands(&whole).filter(|command| *command != "help") {
        page.push_str(&format!(".SH LLMFLOW {}\n", command.to_uppercase()));
        page.push_str(&verbatim(&help(&[command])?));
    }
    page.push_str(".SH SEE ALSO\n.BR llmflow-desktop (1)\n");
    Ok(page)
}

/// The names in the paragraph `Commands:`.
fn commands(help: &str) -> impl Iterator<Item = &str> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    listed.take_while(|line| !line.is_empty()).filter_map(|line| {
        let name = line.strip_prefix("  ")?;
        name.split(' ').next().filter(|name| !name.is_empty())
    })
}

/// Lines as they are: roff must not take a dot or a quote at their beginning for a command of its own.
fn verbatim(lines: &str) -> String {
    let escaped = lines.trim_end().lines().map(|line| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        if line.starts_with(['.', '\'']) { format!("\\&{line}\n") } else { format!("{line}\n") }
    });
    format!(".nf\n{}.fi\n", escaped.collect::<String>())
}

/// Debian wants these zipped at their best and without the time, so that two builds make the same package.
fn zipped(stage: &Stage<'_>, name: &str, bytes: &[u8]) -> Result<String> {
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    writer.write_all(bytes)?;
    text(&stage.write(name, &writer.finish()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_symbol_is_found_among_others() {
        assert_eq!(newest_symbol(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0"), 34);
        assert_eq!(newest_symbol(b"static"), 0);
    }

    #[test]
    fn the_manual_holds_every_command() {
        let help = |arguments: &[&str]| {
            Ok(match arguments {
                [] => "About\n\nCommands:\n  serve  Run it\n  run    Run a command\n         of yours\n  help   Help\n\nOptions:\n"
                    .to_owned(),
                [command] => format!(".{command} --flag\n"),
                _ => String::new(),
            })
        };
        let page = manual(&help).unwrap();
        assert!(page.contains(".SH LLMFLOW SERVE\n.nf\n\\&.serve \\-\\-flag\n.fi\n"), "{page}");
        assert!(page.contains(".SH LLMFLOW RUN\n") && !page.contains("LLMFLOW HELP"), "{page}");
    }
}
