//! System packages, by apt: only the missing ones, and as root by whatever way there is.
//!
//! Left out: which packages. See `setup` and `wasm`.

use std::io::{IsTerminal, stdin};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::step::Step;
use crate::workspace::find_program;

/// A package, and the program that makes it unnecessary where it came another way.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    package: &'static str,
    program: Option<&'static str>,
}

impl Need {
    /// Only the package itself will do.
    pub(crate) const fn package(package: &'static str) -> Self {
        Self { package, program: None }
    }

    /// Any `program` of this name in `PATH` will do.
    pub(crate) const fn program(package: &'static str, program: &'static str) -> Self {
        Self { package, program: Some(program) }
    }
}

/// Installs what is missing of `needs`. Where there is no apt, the error is `elsewhere`.
pub(crate) fn ensure(purpose: &str, needs: &[Need], elsewhere: &str) -> Result<()> {
    let Some(missing) = missing(needs) else {
        if needs.iter().all(|need| need.program.is_some_and(|program| find_program(program).is_some())) {
            println!("{purpose}: everything is there");
            return Ok(());
        }
        bail!("{purpose}: this system has no apt; {elsewhere}");
    };
    if missing.is_empty() {
        println!("{purpose}: all {} packages are there", needs.len());
        return Ok(());
    }
    println!("{purpose}: {} of {} packages are missing: {}", missing.len(), needs.len(), missing.join(" "));
    install(purpose, &missing)
}

/// The packages that neither dpkg nor `PATH` knows; `None` where there is no dpkg.
pub(crate) fn missing(needs: &[Need]) -> Option<Vec<&'static str>> {
    find_program("apt-get")?;
    let packages = needs.iter().map(|need| need.package);
    let format = "${Package} ${db:Status-Status}\n";
    // It fails when it does not know one of them, and lists the others all the same.
    let output = Command::new("dpkg-query").args(["-W", "-f", format]).args(packages).output().ok()?;
    let installed = installed(&String::from_utf8_lossy(&output.stdout));
    let there = |need: &&Need| {
        let by_hand = need.program.is_some_and(|program| find_program(program).is_some());
        by_hand || installed.iter().any(|package| package == need.package)
    };
    Some(needs.iter().filter(|need| !there(need)).map(|need| need.package).collect())
}

/// Whether apt could install this package.
pub(crate) fn offers(package: &str) -> bool {
    let output =
        Command::new("apt-cache").args(["show", "--no-all-versions", package]).stderr(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

/// Fetches the lists of packages; a broken third-party source must not keep the others from being used.
pub(crate) fn update() -> Result<()> {
    let mut command = as_root(&["apt-get", "update"])?;
    if let Err(error) =
        Step::new("apt-get update", "going on with the lists that are there").run(&mut command)
    {
        println!("    {error:#}");
    }
    Ok(())
}

fn install(purpose: &str, packages: &[&str]) -> Result<()> {
    let mut arguments =
        vec!["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=600"];
    arguments.extend(packages);
    // Asked first: a user who may not install is told this command, not the update's.
    let mut installing = as_root(&arguments)?;
    update()?;
    let title = format!("install for {purpose}");
    let remedy = format!("run `{}` as root and repair what it names", arguments.join(" "));
    Step::new(&title, &remedy).run(&mut installing)?;
    Ok(())
}

/// The command itself as root, else through sudo without or with a password, else an error that spells it out.
fn as_root(arguments: &[&str]) -> Result<Command> {
    let environment = "DEBIAN_FRONTEND=noninteractive";
    let prefix: &[&str] = if is_root() {
        &["env", environment]
    } else if sudo_asks_nothing() {
        &["sudo", "-n", "env", environment]
    } else if find_program("sudo").is_some() && stdin().is_terminal() {
        &["sudo", "env", environment]
    } else {
        bail!(
            "packages are missing and this user may not install them; as root run: {}",
            arguments.join(" ")
        );
    };
    let mut words = prefix.iter().chain(arguments);
    let mut command = Command::new(words.next().unwrap_or(&"env"));
    command.args(words).stdin(if is_root() { Stdio::null() } else { Stdio::inherit() });
    Ok(command)
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn sudo_asks_nothing() -> bool {
    let quiet =
        Command::new("sudo").args(["-n", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// The names in dpkg-query's lines `name status` that are really installed, not only configured once.
fn installed(lines: &str) -> Vec<String> {
    let complete = |line: &str| {
        line.split_once(' ').filter(|(_, status)| *status == "installed").map(|(name, _)| name.to_owned())
    };
    lines.lines().filter_map(complete).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_package_with_its_settings_left_is_missing() {
        let lines = "xvfb installed\nchromium config-files\nopenbox not-installed\ndbus installed\n";
        assert_eq!(installed(lines), ["xvfb", "dbus"]);
    }

    #[test]
    fn nothing_known_is_nothing_installed() {
        assert!(installed("").is_empty());
    }
}
