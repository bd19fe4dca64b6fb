//! The dashboard: compiled to wasm, bound to JavaScript, and put into `ui/dist` in one piece.
//!
//! Left out: which compiler (`setup::wasm`), and files and sizes (`dist`).

mod dist;
#[cfg(test)]
mod styles;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::setup::wasm;
use crate::step::{Step, shown};
use crate::workspace::{Workspace, find_program};

/// Builds `ui/dist` if something changed, and says how large the wasm is. Returns the folder.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    check_versions(&workspace.lock_file()?)?;
    let compiled = compile(workspace)?;
    let dist = workspace.root.join("ui/dist");
    let ingredients = dist::Ingredients {
        index: workspace.root.join("ui/index.html"),
        assets: workspace.root.join("ui/assets"),
        wasm: compiled,
    };
    let stamp_file = workspace.target.join("ui/dist.stamp");
    let stamp = ingredients.stamp()?;
    if dist.join("index.html").is_file() && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        println!("dashboard: {} is up to date", dist.display());
        return Ok(dist);
    }
    assemble(&ingredients, &dist)?;
    fs::write(&stamp_file, stamp).with_context(|| format!("cannot write {}", stamp_file.display()))?;
    println!("dashboard: {} {}", dist.display(), dist::size(&dist.join("ui_bg.wasm"))?);
    Ok(dist)
}

/// Its own target folder, so that neither the lock nor another compiler gets in the way of the native build.
fn compile(workspace: &Workspace) -> Result<PathBuf> {
    let compiler = wasm::ensure(workspace)?;
    let target = workspace.target.join("ui");
    let mut command = compiler.cargo_build(workspace);
    command.args(["--package", "ui", "--profile", "ui", "--target-dir"]).arg(&target);
    Step::new("compile the dashboard", "repair what the compiler names above").run(&mut command)?;
    Ok(target.join(wasm::TARGET).join("ui/ui.wasm"))
}

/// Everything is made beside the old folder, which is replaced only once all went well.
fn assemble(ingredients: &dist::Ingredients, dist: &Path) -> Result<()> {
    let began = Instant::now();
    println!("\n==> bind the dashboard to JavaScript");
    let fresh = dist.with_extension("new");
    dist::make_empty(&fresh)?;
    bind(&ingredients.wasm, &fresh)?;
    optimise(&fresh.join("ui_bg.wasm"));
    ingredients.copy_page_to(&fresh)?;
    dist::replace(dist, &fresh)?;
    println!("    binding took {}", shown(began.elapsed()));
    Ok(())
}

fn bind(wasm: &Path, into: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name("ui").typescript(false).remove_producers_section(true);
    bindgen
        .web(true)?
        .generate(into)
        .context("wasm-bindgen failed; `cargo clean --target-dir target/ui` and try again")
}

/// Only where Binaryen is installed; an older one that does not know a feature leaves the file as it is.
fn optimise(wasm: &Path) {
    let Some(program) = find_program("wasm-opt") else { return };
    let smaller = wasm.with_extension("opt");
    let mut command = Command::new(program);
    command.args(["-Os", "--enable-bulk-memory", "--enable-nontrapping-float-to-int", "--enable-sign-ext"]);
    command.args(["--enable-mutable-globals", "--enable-reference-types", "--enable-multivalue"]);
    command.arg(wasm).arg("-o").arg(&smaller);
    let done = command.output().is_ok_and(|output| output.status.success());
    if !done || fs::rename(&smaller, wasm).is_err() {
        // What it may have half written must not be shipped; nothing to remove is fine too.
        drop(fs::remove_file(&smaller));
        println!("    wasm-opt is too old for this wasm, which stays as compiled");
    }
}

/// wasm-bindgen's library writes a format that only the same version reads.
fn check_versions(lock_file: &str) -> Result<()> {
    let library = locked_version(lock_file, "wasm-bindgen").context("Cargo.lock has no wasm-bindgen")?;
    let binder = locked_version(lock_file, "wasm-bindgen-cli-support").context("Cargo.lock has no binder")?;
    anyhow::ensure!(
        library == binder,
        "wasm-bindgen is {library} and wasm-bindgen-cli-support {binder}; \
         set both to one version in Cargo.toml's [workspace.dependencies]"
    );
    Ok(())
}

fn locked_version<'a>(lock_file: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock_file.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(library: &str, binder: &str) -> String {
        let package = |name: &str, version: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\n")
        };
        package("wasm-bindgen", library) + &package("wasm-bindgen-cli-support", binder)
    }

    #[test]
    fn equal_versions_pass() {
        check_versions(&lock("0.2.130", "0.2.130")).unwrap();
    }

    #[test]
    fn different_versions_fail_with_the_remedy() {
        let error = check_versions(&lock("0.2.131", "0.2.130")).unwrap_err().to_string();
        assert!(error.contains("0.2.131") && error.contains("Cargo.toml"), "{error}");
    }

    #[test]
    fn this_workspace_is_consistent() {
        let workspace = Workspace::find().unwrap();
        check_versions(&workspace.lock_file().unwrap()).unwrap();
    }
}
