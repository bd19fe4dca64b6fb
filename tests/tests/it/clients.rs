//! Real clients, installed elsewhere: each run once straight to the mock and once through us, with every fault.
//!
//! `LLMFLOW_CLIENTS` names a folder with `py-sdk/`, `py-aider/`, `py-genai/` and `py-schemathesis/` (virtual environments), and a folder with
//! `node_modules/` for each of `js-sdk`, `js-claude`, `js-codex`, `js-gemini`, `js-opencode`, `js-qwen`, `js-cline` and
//! `js-continue`. A tap in front of the mock, or of us, keeps what a client wrote and what it got.

mod agents;
mod bedrock;
mod bench;
mod normal;
mod schemathesis;
mod score;
mod sdks;
mod telemetry;
mod translation;

use std::io::Write;
use std::path::PathBuf;

/// The folder of the real clients.
fn installed(inside: &str) -> PathBuf {
    let folder = std::env::var_os("LLMFLOW_CLIENTS");
    let folder = folder.expect("LLMFLOW_CLIENTS names no folder: run cargo xtask test --clients DIR");
    let path = PathBuf::from(folder).join(inside);
    if !path.exists() {
        table(&format!("| {inside} | NOT INSTALLED | | | | |\n"));
    }
    assert!(
        path.exists(),
        "{} is not there: install the clients as tests/tests/it/clients.rs says",
        path.display()
    );
    path
}

/// Our scripts that drive SDKs.
fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// Adds a line to the table that `cargo xtask test --clients` prints at its end.
fn table(line: &str) {
    print!(
        "| client | calls | compared | different | recorded | tokens off |\n|---|---|---|---|---|---|\n{line}"
    );
    if let Some(path) = std::env::var_os("LLMFLOW_CLIENTS_TABLE") {
        let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
