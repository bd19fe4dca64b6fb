//! Where the binary is: named by `cargo xtask test`, else built here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The path of `llmflow`: `LLMFLOW_BIN`, else a debug build beside this test, made now so that it is never stale.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("LLMFLOW_BIN") {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(path.is_file(), "LLMFLOW_BIN names {}, which is not there", path.display());
            path
        }
        None => build(),
    })
}

fn build() -> PathBuf {
    // target/debug/deps/it-0123 → target/debug
    let this = std::env::current_exe().unwrap();
    let profile = this.parent().and_then(Path::parent).expect("a test lies two folders below its profile");
    let target = profile.parent().expect("a profile lies in the target folder");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "cli", "--target-dir"])
        .arg(target)
        .current_dir(root)
        .status()
        .unwrap();
    assert!(built.success(), "llmflow does not build: cargo build -p cli says why");
    target.join("debug").join(format!("llmflow{}", std::env::consts::EXE_SUFFIX))
}

/// The path of `llmflow-desktop`, where `cargo xtask test` built it.
pub fn desktop_binary() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("LLMFLOW_DESKTOP_BIN")?);
    assert!(path.is_file(), "LLMFLOW_DESKTOP_BIN names {}, which is not there", path.display());
    Some(path)
}

/// A command of the binary with nothing of the caller's environment but `PATH`, and a home of its own.
pub fn command(home: &Path) -> Command {
    command_of(binary(), home)
}

/// The same for another program.
pub fn command_of(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // The developer's own keychain is none of the tests' business.
    command.env("LLMFLOW_KEYCHAIN", "off");
    // Lets a crash say where, without changing anything else.
    command.env("RUST_BACKTRACE", "1");
    command
}
