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
use crate::setup::apt::{self, Need};
use crate::workspace::find_program;

const DOCUMENTS: &str = "/usr/share/doc/llmflow";
const MANUAL: &str = "/usr/share/man/man1";
const METAINFO: &str = "io.llmflow.desktop.metainfo.xml";

/// Where each file goes on the user's machine, and where it is here.
pub(super) fn files(stage: &Stage<'_>, notices: &Path) -> Result<Value> {
    let ours = stage.workspace.root.join("packaging/linux");
    let manual = manual(&|arguments| help(stage, arguments))?;
    let desktop = fs::read(ours.join("llmflow-desktop.1")).context("cannot read llmflow-desktop.1")?;
    let notices = fs::read(notices).context("cannot read the licences")?;
    let metainfo = metainfo(stage, &ours)?;
    Ok(json!({
        (format!("{MANUAL}/llmflow.1.gz")): zipped(stage, "llmflow.1.gz", manual.as_bytes())?,
        (format!("{MANUAL}/llmflow-desktop.1.gz")): zipped(stage, "llmflow-desktop.1.gz", &desktop)?,
        (format!("{DOCUMENTS}/third-party.txt.gz")): zipped(stage, "third-party.txt.gz", &notices)?,
        (format!("{DOCUMENTS}/copyright")): text(&ours.join("copyright"))?,
        (format!("/usr/share/metainfo/{METAINFO}")): metainfo,
    }))
}

/// Debian's fields that depend on what was built; none where there is no Debian to ask.
pub(super) fn debian(stage: &Stage<'_>) -> Result<Value> {
    if find_program("dpkg").is_none() {
        return Ok(json!({}));
    }
    let tool = [Need::program("dpkg-dev", "dpkg-shlibdeps")];
    apt::ensure("the package's dependencies", &tool, "install dpkg-shlibdeps")?;
    // It wants to stand in a source package.
    let folder = stage.folder.join("debian");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(folder.join("control"), "Source: llmflow\n\nPackage: llmflow\nArchitecture: any\n")?;
    let mut command = Command::new("dpkg-shlibdeps");
    command.arg("-O").args([&stage.headless, &stage.desktop]).current_dir(&stage.folder);
    let output = command.output().context("cannot run dpkg-shlibdeps")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "dpkg-shlibdeps: {complaint}");
    let linked = String::from_utf8_lossy(&output.stdout);
    let mut depends = packages_named(&linked).context("dpkg-shlibdeps named no packages")?;
    // Not linked: read to trust providers, and opened when there is a tray to show.
    depends.extend(["ca-certificates", "libayatana-appindicator3-1"]);
    Ok(json!({ "depends": depends }))
}

/// The packages, with versions, that a line of Debian's tool lists.
fn packages_named(line: &str) -> Option<Vec<&str>> {
    Some(line.trim().strip_prefix("shlibs:Depends=")?.split(", ").collect())
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
    fn packages_keep_their_versions() {
        let line = "shlibs:Depends=libc6 (>= 2.34), libgtk-3-0 (>= 3.21.5)\n";
        assert_eq!(packages_named(line).unwrap(), ["libc6 (>= 2.34)", "libgtk-3-0 (>= 3.21.5)"]);
        assert!(packages_named("").is_none());
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
