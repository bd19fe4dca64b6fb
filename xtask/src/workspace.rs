//! Where things are (root, target folder, lock file) and how a cargo is called from inside a cargo.
//!
//! Left out: what is built with it. See `ui` and `binaries`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

/// The folders of this workspace.
pub(crate) struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo builds, `CARGO_TARGET_DIR` included.
    pub(crate) target: PathBuf,
    /// The compiler the workspace asks for, such as `1.95`.
    pub(crate) rust_version: String,
}

impl Workspace {
    /// Asks cargo, so that xtask works from any folder and with any target folder.
    pub(crate) fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(here)
            .output()
            .context("cannot run `cargo metadata`: is cargo in PATH?")?;
        let shown = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "`cargo metadata` failed: repair what it names\n{shown}");
        let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("cargo metadata lacks a field");
        let rust_version = metadata["packages"]
            .as_array()
            .and_then(|packages| packages.iter().find_map(|package| package["rust_version"].as_str()))
            .unwrap_or_default()
            .to_owned();
        Ok(Self {
            root: text(&metadata["workspace_root"])?.into(),
            target: text(&metadata["target_directory"])?.into(),
            rust_version,
        })
    }

    /// A cargo of the workspace's own toolchain, in its root.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        command
    }

    /// The commit of every dependency.
    pub(crate) fn lock_file(&self) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// The cargo that runs us, without the variables it set for us: build scripts (ring's, for one) watch
/// `CARGO_MANIFEST_DIR` and would rebuild each time xtask and a plain cargo take turns.
fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    for name in variables().filter(|name| is_set_for_a_package(name)) {
        command.env_remove(name);
    }
    command
}

/// The names of the environment's variables.
pub(crate) fn variables() -> impl Iterator<Item = String> {
    env::vars_os().filter_map(|(name, _)| name.into_string().ok())
}

fn is_set_for_a_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || matches!(
            name,
            "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME"
        )
}

/// The first file of this name in `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cargo_set_for_this_package_is_dropped() {
        assert!(is_set_for_a_package("CARGO_PKG_VERSION"));
        assert!(is_set_for_a_package("CARGO_MANIFEST_DIR"));
        assert!(!is_set_for_a_package("CARGO_TARGET_DIR"));
        assert!(!is_set_for_a_package("CARGO_HOME"));
    }

    #[test]
    fn the_workspace_is_found_with_its_compiler() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.root.join("xtask").is_dir());
        assert!(workspace.rust_version.starts_with("1."));
    }
}
