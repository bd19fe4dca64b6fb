//! Which compiler can build for wasm32-unknown-unknown here, and how to get one.
//!
//! rustup's own target is what most machines use. Where its download host cannot be reached, Debian's compiler for
//! browsers (rustc-web) builds the standard library itself, from nothing but apt and the crates registry.
//! Left out: the build. See `ui`.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::setup::apt::{self, Need};
use crate::step::Step;
use crate::workspace::{Workspace, find_program, variables};

/// The target's name.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN: &[Need] = &[
    Need::package("rustc-web"),
    Need::package("cargo-web"),
    Need::package("rust-web-src"),
    Need::package("rust-web-llvm"),
];

const REMEDY: &str = "where rustup's host can be reached run `rustup target add wasm32-unknown-unknown`, \
                      or on Debian `apt-get install rustc-web cargo-web rust-web-src rust-web-llvm`";

/// A compiler that can.
#[derive(Debug)]
pub(crate) enum Compiler {
    /// The workspace's toolchain, with its wasm32 target installed.
    Toolchain {
        /// Whether its standard library can take part in link-time optimisation. rustup's can; one that was built by
        /// hand or by a distribution may carry no bitcode, and linking would then fail.
        bitcode: bool,
    },
    /// Debian's, building the standard library along.
    Debian { linker: PathBuf, ignore_rust_version: bool },
}

impl fmt::Display for Compiler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Toolchain { bitcode: true } => "the toolchain's wasm32 target",
            Self::Toolchain { bitcode: false } => {
                "the toolchain's wasm32 target (without LTO: it has no bitcode)"
            }
            Self::Debian { .. } => "Debian's compiler, with its own standard library",
        })
    }
}

/// Finds a compiler, and installs one if there is none.
pub(crate) fn ensure(workspace: &Workspace) -> Result<Compiler> {
    let compiler = match env::var("LLMFLOW_WASM").as_deref() {
        Ok("target") => toolchain(workspace)?,
        Ok("debian") => debian(workspace)?,
        Ok("") | Err(_) => any(workspace)?,
        Ok(other) => bail!("LLMFLOW_WASM={other} is not known; set it to `target` or `debian`, or unset it"),
    };
    println!("dashboard: built with {compiler}");
    Ok(compiler)
}

fn any(workspace: &Workspace) -> Result<Compiler> {
    // Once Debian's compiler is there, rustup's host was out of reach: do not knock at each build.
    if !target_is_installed(workspace)? && apt::missing(DEBIAN).is_some_and(|missing| missing.is_empty()) {
        return debian(workspace);
    }
    toolchain(workspace).or_else(|error| {
        println!("dashboard: {error:#}\ndashboard: falling back to Debian's compiler");
        debian(workspace)
    })
}

fn toolchain(workspace: &Workspace) -> Result<Compiler> {
    if target_is_installed(workspace)? {
        return with_bitcode(workspace);
    }
    let mut command = Command::new("rustup");
    command.args(["target", "add", TARGET]).current_dir(&workspace.root);
    // A host that does not answer now will not in a minute; the trace is of no use to anybody here.
    command.env("RUSTUP_MAX_RETRIES", "1").env_remove("RUST_BACKTRACE");
    Step::new("rustup target add", REMEDY).run(&mut command)?;
    anyhow::ensure!(
        target_is_installed(workspace)?,
        "rustup added the target to another toolchain; {REMEDY}"
    );
    with_bitcode(workspace)
}

fn debian(workspace: &Workspace) -> Result<Compiler> {
    let missing = apt::missing(DEBIAN).with_context(|| format!("this is not a Debian; {REMEDY}"))?;
    if !missing.is_empty() && !apt::offers("rustc-web") {
        apt::update()?;
        anyhow::ensure!(apt::offers("rustc-web"), "apt knows no rustc-web here; {REMEDY}");
    }
    apt::ensure("wasm compiler", DEBIAN, REMEDY)?;
    let version = output(Command::new("/usr/bin/rustc").arg("--version"))?;
    let ignore_rust_version = is_older(&version, &workspace.rust_version);
    if ignore_rust_version {
        println!(
            "dashboard: {} is older than {}, which is overlooked",
            version.trim(),
            workspace.rust_version
        );
    }
    Ok(Compiler::Debian { linker: linker(workspace)?, ignore_rust_version })
}

fn target_is_installed(workspace: &Workspace) -> Result<bool> {
    Ok(target_libraries(workspace)?.is_dir())
}

fn target_libraries(workspace: &Workspace) -> Result<PathBuf> {
    Ok(sysroot(workspace)?.join("lib/rustlib").join(TARGET).join("lib"))
}

fn with_bitcode(workspace: &Workspace) -> Result<Compiler> {
    let folder = target_libraries(workspace)?;
    let files = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let is_core =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libcore-"));
    let core = files.filter_map(|file| Some(file.ok()?.path())).find(is_core);
    let core = core.with_context(|| format!("{} has no libcore; {REMEDY}", folder.display()))?;
    let bytes = fs::read(&core).with_context(|| format!("cannot read {}", core.display()))?;
    Ok(Compiler::Toolchain { bitcode: has_section(&bytes, b".llvmbc") })
}

/// Whether an object file names this section. Split at dots: a plain search for each offset takes a second here.
fn has_section(object: &[u8], section: &[u8]) -> bool {
    let name = section.strip_prefix(b".").unwrap_or(section);
    object.split(|byte| *byte == b'.').skip(1).any(|rest| rest.starts_with(name))
}

fn sysroot(workspace: &Workspace) -> Result<PathBuf> {
    let output = output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(&workspace.root))?;
    Ok(PathBuf::from(output.trim()))
}

/// The toolchain's linker for wasm: every rustup toolchain has it, with or without the target.
fn linker(workspace: &Workspace) -> Result<PathBuf> {
    let host = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let shipped = sysroot(workspace)?.join("lib/rustlib").join(host).join("bin/rust-lld");
    let found = Some(shipped).filter(|path| path.is_file()).or_else(|| find_program("wasm-ld"));
    found.context("no linker for wasm: `apt-get install lld`")
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    anyhow::ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Compiler {
    /// `cargo build` with this compiler; package, profile and folder are the caller's.
    pub(crate) fn cargo_build(&self, workspace: &Workspace) -> Command {
        let mut command = match self {
            Self::Toolchain { .. } => workspace.cargo(),
            Self::Debian { .. } => debian_cargo(&workspace.root),
        };
        command.args(["build", "--target", TARGET]);
        if let Self::Toolchain { bitcode: false } = self {
            command.args(["--config", "profile.ui.lto=false"]);
        }
        if let Self::Debian { linker, ignore_rust_version } = self {
            command.args(["-Z", "build-std=std,panic_abort", "--config"]);
            command.arg(format!("target.{TARGET}.linker={:?}", linker.display().to_string()));
            command.args(ignore_rust_version.then_some("--ignore-rust-version"));
        }
        command
    }
}

/// Debian's cargo, out of reach of rustup's proxies and of the toolchain that runs xtask.
fn debian_cargo(root: &Path) -> Command {
    let mut command = Command::new("/usr/bin/cargo");
    for name in variables().filter(|name| belongs_to_a_toolchain(name)) {
        command.env_remove(name);
    }
    let path = env::var("PATH").unwrap_or_default();
    command.current_dir(root).env("PATH", format!("/usr/bin:/bin:{path}"));
    command.env("RUSTC", "/usr/bin/rustc").env("RUSTDOC", "/usr/bin/rustdoc").env("RUSTC_BOOTSTRAP", "1");
    command
}

fn belongs_to_a_toolchain(name: &str) -> bool {
    let kept = matches!(name, "CARGO_HOME" | "CARGO_NET_OFFLINE" | "CARGO_TERM_COLOR" | "CARGO_BUILD_JOBS");
    let network = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_SOURCE_", "CARGO_REGISTRY_"];
    let ours =
        ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_", "RUSTFLAGS", "RUST_RECURSION_COUNT", "LD_LIBRARY_PATH"];
    !kept
        && !network.iter().any(|start| name.starts_with(start))
        && ours.iter().any(|start| name.starts_with(start))
}

/// Whether `rustc 1.85.0 (…)` is older than `1.95`; what cannot be read is taken to be.
fn is_older(version: &str, wanted: &str) -> bool {
    let numbers = |text: &str| -> Option<(u32, u32)> {
        let mut parts = text.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    match (version.split_whitespace().nth(1).and_then(numbers), numbers(wanted)) {
        (Some(have), Some(want)) => have < want,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_older("rustc 1.85.0 (4d91de4e4 2025-02-17)", "1.95"));
        assert!(is_older("rustc 1.9.0", "1.95"));
        assert!(!is_older("rustc 1.95.1 (built from source)", "1.95"));
        assert!(!is_older("rustc 2.0.0", "1.95.0"));
        assert!(is_older("garbage", "1.95"));
    }

    #[test]
    fn a_section_is_found_by_its_name() {
        assert!(has_section(b"..debug\0.llvmbc\0code", b".llvmbc"));
        assert!(!has_section(b"llvmbc without a dot .llvm", b".llvmbc"));
    }

    #[test]
    fn debians_cargo_sees_the_registry_but_not_the_toolchain() {
        for name in
            ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC_WRAPPER", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"]
        {
            assert!(belongs_to_a_toolchain(name), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_HTTP_CAINFO", "CARGO_REGISTRIES_MINE_INDEX", "PATH", "RUST_LOG"] {
            assert!(!belongs_to_a_toolchain(name), "{name}");
        }
    }
}
