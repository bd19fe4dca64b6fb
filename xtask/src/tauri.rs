//! Tauri's own command line, pinned by `packaging/bundler/package-lock.json` and kept in the target folder.
//!
//! It comes from npm with its binary inside, so that neither xtask nor a machine has to compile it (`tauri-cli` takes
//! minutes). Nothing it fetches may run scripts. Left out: what it is asked to do. See `bundle` and `icons`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::setup::apt::{self, Need};
use crate::step::Step;
use crate::workspace::{Workspace, find_program};

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
const NEEDS: &[Need] = &[Need::program("nodejs", "node"), Need::program("npm", "npm")];
const LOCK: &str = "package-lock.json";

/// The command, ready for arguments, in the workspace's root. Installed first where it is missing or of another version.
pub(crate) fn command(workspace: &Workspace) -> Result<Command> {
    let script = ensure(workspace)?;
    let mut command = Command::new("node");
    command.arg(script).current_dir(&workspace.root);
    Ok(command)
}

fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let wanted = workspace.root.join("packaging/bundler");
    let folder = workspace.target.join("bundler");
    let script = folder.join("node_modules/@tauri-apps/cli/tauri.js");
    // npm writes this file last, so it stands for a complete installation.
    let complete = folder.join("node_modules/.package-lock.json").is_file();
    let lock = read(&wanted.join(LOCK))?;
    if complete && script.is_file() && fs::read(folder.join(LOCK)).is_ok_and(|old| old == lock) {
        return Ok(script);
    }
    node()?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for name in ["package.json", LOCK] {
        let path = folder.join(name);
        fs::write(&path, read(&wanted.join(name))?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut install = Command::new(NPM);
    // Not `npm ci`: newer ones insist on a lock for every platform's binary, which a registry's mirror may not have.
    install
        .args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder);
    Step::new("install Tauri's command", "look at what npm says above; it needs its registry")
        .run(&mut install)?;
    Ok(script)
}

fn node() -> Result<()> {
    let remedy = "install Node.js 18 or newer with npm";
    if !cfg!(target_os = "linux") {
        anyhow::ensure!(find_program("node").is_some(), "{remedy}");
        return Ok(());
    }
    apt::ensure("Tauri's command", NEEDS, remedy)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
