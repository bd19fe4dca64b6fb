//! Hands over to Tauri's own build script, once the dashboard that a shipped binary carries is there.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../ui/dist/index.html");
    let carries_it = std::env::var_os("CARGO_FEATURE_CUSTOM_PROTOCOL").is_some();
    if carries_it && !Path::new("../ui/dist/index.html").is_file() {
        println!("cargo::error=the dashboard is not built yet: run `cargo xtask ui`");
    } else {
        tauri_build::build();
    }
}
