//! Hands over to Tauri's own build script, once the dashboard it puts into the binary is there.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../ui/dist");
    if Path::new("../ui/dist/index.html").is_file() {
        tauri_build::build();
    } else {
        println!("cargo::error=the dashboard is not built yet: run `cargo xtask ui`");
    }
}
