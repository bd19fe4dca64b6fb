//! `cargo xtask bundle --check`: the package on a Debian that has never seen it.
//!
//! Left out: what is tried there, in the readable order of `packaging/linux/clean-root.sh`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::setup::apt::{self, Need};
use crate::step::Step;
use crate::workspace::{Workspace, find_program};

const NEEDS: &[Need] = &[
    Need::program("debootstrap", "debootstrap"),
    Need::program("xvfb", "Xvfb"),
    Need::program("x11-utils", "xwininfo"),
    Need::program("imagemagick", "import"),
    Need::program("python3", "python3"),
    Need::program("curl", "curl"),
    Need::program("lintian", "lintian"),
    Need::program("appstream", "appstreamcli"),
    Need::program("desktop-file-utils", "desktop-file-validate"),
];

/// Lints the package, then installs, runs and removes it in a fresh root under `folder`.
pub(crate) fn check(workspace: &Workspace, packages: &[PathBuf], folder: Option<&Path>) -> Result<()> {
    let is_deb = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "deb");
    let package = packages.iter().find(is_deb).context("--check wants a .deb: leave out --bundles")?;
    apt::ensure("the check on a clean root", NEEDS, "it runs on Debian and its relatives only")?;
    let mut lint = Command::new("lintian");
    lint.args(["--fail-on", "error", "--allow-root", "--suppress-tags", NOT_FOR_DEBIAN]).arg(package);
    Step::new("lintian", "repair what it names above").run(&mut lint)?;
    let script = workspace.root.join("packaging/linux/clean-root.sh");
    // A namespace of its own: mounts and processes end with it, however it ends.
    let mut words = vec!["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash"];
    if !apt::is_root() {
        anyhow::ensure!(find_program("sudo").is_some(), "a clean root can only be made by root");
        words.insert(0, "sudo");
    }
    let mut command = Command::new(words.remove(0));
    command.args(words).arg(script).arg(package);
    command.args(folder);
    Step::new("the package on a clean root", "its last lines say what did not hold").run(&mut command)?;
    Ok(())
}

/// Rules for packages that Debian itself distributes, whose maintainer has an address and whose changelog has Debian's
/// form; and our programs keep the names of their functions, for reports of a crash.
const NOT_FOR_DEBIAN: &str = "malformed-contact,syntax-error-in-debian-changelog,unstripped-binary-or-object";
