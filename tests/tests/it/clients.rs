//! Real clients, installed elsewhere: each call once straight to the mock and once through us, with every fault.
//!
//! `LLMFLOW_CLIENTS` names a folder with `py-sdk/` (a virtual environment with openai, anthropic, google-genai),
//! `js-sdk/node_modules/` (openai, @anthropic-ai/sdk, @google/genai) and `js-claude/node_modules/` (Claude Code).

mod claude_code;
mod normal;
mod score;
mod sdks;

use std::path::PathBuf;

/// The folder of the real clients.
fn installed(inside: &str) -> PathBuf {
    let folder = std::env::var_os("LLMFLOW_CLIENTS");
    let folder = folder.expect("LLMFLOW_CLIENTS names no folder: run cargo xtask test --clients DIR");
    let path = PathBuf::from(folder).join(inside);
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
