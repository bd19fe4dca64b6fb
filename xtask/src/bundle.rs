//! `cargo xtask bundle`: what people install. A `.deb` here; other formats where their tools are.
//!
//! Tauri's own bundler packs; this file hands it the two binaries, and on Linux the files that a package has beside
//! them (`linux`). Signing is Tauri's, by the environment variables it documents.
//! Left out: the licences of what is inside (`licences`), and proving that a package works (`check`).

pub(crate) mod check;
mod licences;
mod linux;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::binaries::{self, Profile};
use crate::setup;
use crate::step::Step;
use crate::tauri;
use crate::workspace::Workspace;

/// What `cargo xtask bundle` was asked for.
pub(crate) struct Options {
    /// Tauri's names of formats; none means this system's usual one.
    pub(crate) formats: Vec<String>,
    /// Laid over our own configuration, such as the updater's public key.
    pub(crate) config: Option<PathBuf>,
}

/// Everything that packing needs, made first.
struct Stage<'a> {
    workspace: &'a Workspace,
    folder: PathBuf,
    headless: PathBuf,
    desktop: PathBuf,
}

/// Builds, packs, and says what came out. Returns the files.
pub(crate) fn bundle(workspace: &Workspace, options: &Options) -> Result<Vec<PathBuf>> {
    let began = SystemTime::now();
    setup::desktop()?;
    let over =
        options.config.as_deref().map(fs::read_to_string).transpose().context("cannot read --config")?;
    binaries::compile_with(workspace, Profile::Release, true, over.as_deref())?;
    let stage = Stage {
        workspace,
        folder: workspace.target.join("bundler/stage"),
        headless: binaries::path(workspace, Profile::Release, "llmflow"),
        desktop: binaries::path(workspace, Profile::Release, "llmflow-desktop"),
    };
    let made = stage.fill()?;
    let mut command = tauri::command(workspace)?;
    command.args(["bundle", "--ci", "--bundles", &formats(&options.formats)]);
    for name in configurations() {
        command.arg("--config").arg(workspace.root.join("packaging").join(name));
    }
    command.arg("--config").arg(made);
    if let Some(over) = over {
        command.arg("--config").arg(over);
    }
    Step::new("pack", "repair what Tauri's bundler names above").run(&mut command)?;
    report(workspace, began)
}

fn formats(asked: &[String]) -> String {
    let usual = if cfg!(target_os = "linux") {
        "deb"
    } else if cfg!(target_os = "macos") {
        "dmg"
    } else {
        "nsis"
    };
    if asked.is_empty() { usual.to_owned() } else { asked.join(",") }
}

fn configurations() -> &'static [&'static str] {
    if cfg!(target_os = "linux") { &["bundle.json", "linux/bundle.json"] } else { &["bundle.json"] }
}

impl Stage<'_> {
    /// Makes the files of the package that are not in the repository, and the configuration that names them.
    fn fill(&self) -> Result<PathBuf> {
        fs::create_dir_all(&self.folder).with_context(|| format!("cannot make {}", self.folder.display()))?;
        let notices = self.write("third-party.txt", licences::notices(self.workspace)?.as_bytes())?;
        let mut bundle = json!({ "externalBin": [self.side_binary()?] });
        if cfg!(target_os = "linux") {
            bundle["linux"] = self.linux(&notices)?;
        } else {
            bundle["resources"] = json!({ (text(&notices)?): "third-party.txt" });
        }
        let made = serde_json::to_vec_pretty(&json!({ "bundle": bundle }))?;
        self.write("bundle.json", &made)
    }

    /// Tauri finds a second binary under a name that ends in the compiler's host, and installs it without.
    fn side_binary(&self) -> Result<String> {
        let host = host(self.workspace)?;
        let path = self.folder.join("llmflow");
        let named = self.folder.join(format!("llmflow-{host}{}", std::env::consts::EXE_SUFFIX));
        fs::copy(&self.headless, &named)
            .with_context(|| format!("cannot copy {}", self.headless.display()))?;
        text(&path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    fn linux(&self, notices: &Path) -> Result<Value> {
        let files = linux::files(self, notices)?;
        let mut deb = linux::debian(self)?;
        deb["files"] = files.clone();
        Ok(json!({ "deb": deb, "rpm": { "files": files }, "appimage": { "files": files } }))
    }
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
}

fn host(workspace: &Workspace) -> Result<String> {
    let output =
        Command::new("rustc").arg("-vV").current_dir(&workspace.root).output().context("cannot run rustc")?;
    let lines = String::from_utf8(output.stdout).context("rustc -vV is not UTF-8")?;
    let host = lines.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

/// What this run wrote, with sizes.
fn report(workspace: &Workspace, began: SystemTime) -> Result<Vec<PathBuf>> {
    let folder = workspace.target.join("release/bundle");
    let mut made = Vec::new();
    for format in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let format = format?.path();
        if format.is_dir() {
            made.extend(packages(&format, began)?);
        }
    }
    made.sort();
    anyhow::ensure!(!made.is_empty(), "the bundler wrote nothing into {}", folder.display());
    println!();
    for path in &made {
        let megabytes = fs::metadata(path)?.len() as f64 / 1e6;
        println!("made {} ({megabytes:.1} MB)", path.display());
        if path.extension().is_some_and(|extension| extension == "deb") {
            println!("     install it with `sudo apt install {}`", path.display());
            println!("     remove it with `sudo apt purge llmflow`; ~/.llmflow stays");
        }
    }
    Ok(made)
}

fn packages(folder: &Path, began: SystemTime) -> Result<Vec<PathBuf>> {
    const ENDINGS: [&str; 8] = ["deb", "rpm", "AppImage", "dmg", "msi", "exe", "sig", "gz"];
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let known = path.extension().and_then(|it| it.to_str()).is_some_and(|it| ENDINGS.contains(&it));
        if known && entry.metadata()?.is_file() && entry.metadata()?.modified()? >= began {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_of_this_run_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["llmflow.deb", "control", "llmflow.AppImage"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let names = |began| packages(folder.path(), began).unwrap().len();
        assert_eq!(names(SystemTime::UNIX_EPOCH), 2);
        assert_eq!(names(SystemTime::now() + std::time::Duration::from_secs(3600)), 0);
    }

    #[test]
    fn what_was_asked_for_wins() {
        assert_eq!(formats(&["rpm".to_owned(), "appimage".to_owned()]), "rpm,appimage");
    }
}
