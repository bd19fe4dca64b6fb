//! Whether a tool is on this machine and of which version, from files beside its program; nothing is run.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::machine::{Machine, read};
use super::table::Tool;

/// A program lies at most so many folders below its package.
const DEEPEST: usize = 5;

/// `None` when it is not here; else its version, where that is cheap to learn.
#[expect(clippy::option_option, reason = "here or not, and then known or not")]
pub(super) fn find(tool: &Tool, machine: &Machine) -> Option<Option<String>> {
    let program = tool.programs.iter().find_map(|name| machine.program(name));
    let version = program.as_deref().and_then(|program| version(tool, program));
    let traced = tool.traces.iter().any(|trace| machine.home.join(trace).exists())
        || tool.application.is_some_and(|name| is_application(name, machine));
    let here = version.is_some() || traced || (program.is_some() && !tool.ambiguous);
    here.then_some(version)
}

fn is_application(name: &str, machine: &Machine) -> bool {
    let names = [format!("{name}.app"), name.to_owned(), name.to_lowercase()];
    machine.applications.iter().any(|folder| names.iter().any(|name| folder.join(name).exists()))
}

fn version(tool: &Tool, program: &Path) -> Option<String> {
    let real = std::fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    from_npm(tool, &real)
        .or_else(|| from_npm_folder(tool, program))
        .or_else(|| from_python(tool, &real))
        .or_else(|| from_path(&real))
}

/// From the package the program lies in.
fn from_npm(tool: &Tool, program: &Path) -> Option<String> {
    program
        .ancestors()
        .skip(1)
        .take(DEEPEST)
        .find_map(|folder| package_version(&folder.join("package.json"), tool))
}

/// From the package beside a program that is a script or a copy: npm puts both below one prefix.
fn from_npm_folder(tool: &Tool, program: &Path) -> Option<String> {
    let folder = program.parent()?;
    ["node_modules", "../lib/node_modules", "..", "../node_modules"].iter().find_map(|modules| {
        package_version(&folder.join(modules).join(tool.package).join("package.json"), tool)
    })
}

fn package_version(file: &Path, tool: &Tool) -> Option<String> {
    let package: Value = serde_json::from_str(&read(file)?).ok()?;
    let same = package.get("name").and_then(Value::as_str) == Some(tool.package);
    same.then(|| package.get("version").and_then(Value::as_str).map(str::to_owned)).flatten()
}

/// From the name of the package's folder in the same Python environment.
fn from_python(tool: &Tool, program: &Path) -> Option<String> {
    let library = program.parent()?.parent()?.join("lib");
    let versions =
        std::fs::read_dir(library).ok()?.flatten().map(|python| python.path().join("site-packages"));
    let packages = versions.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    packages.map(|package| package.file_name().to_string_lossy().into_owned()).find_map(|name| {
        let rest = name.strip_prefix(tool.package)?.strip_prefix('-')?;
        rest.strip_suffix(".dist-info").map(str::to_owned)
    })
}

/// From a path such as `…/versions/2.1.3` or `…/Cellar/name/2.1.3/bin/name`.
fn from_path(program: &Path) -> Option<String> {
    let names: Vec<PathBuf> = program.iter().map(PathBuf::from).collect();
    let after = |mark: &str, steps: usize| {
        let at = names.iter().position(|name| name.as_os_str() == mark)?;
        Some(names.get(at + steps)?.display().to_string())
    };
    let version = after("versions", 1).or_else(|| after("Cellar", 2)).or_else(|| after("Caskroom", 2))?;
    version.starts_with(|first: char| first.is_ascii_digit()).then_some(version)
}
