//! What has to be on the machine, for which command.
//!
//! Left out: how it gets there. See `apt` for system packages and `wasm` for the compiler's target.

pub(crate) mod apt;
pub(crate) mod wasm;

use std::env;
use std::process::Command;

use anyhow::Result;

use crate::setup::apt::Need;
use crate::workspace::{Workspace, find_program};

/// The libraries that the desktop window is built with.
const DESKTOP: &[Need] = &[
    Need::package("libwebkit2gtk-4.1-dev"),
    Need::package("libayatana-appindicator3-dev"),
    Need::package("librsvg2-dev"),
    Need::package("libxdo-dev"),
    Need::program("pkg-config", "pkg-config"),
];

/// What tests of the window, the tray, the keychain and the dashboard drive.
const TESTS: &[Need] = &[
    Need::program("chromium", "chromium"),
    Need::program("chromium-driver", "chromedriver"),
    Need::program("xvfb", "Xvfb"),
    Need::program("xauth", "xauth"),
    Need::program("dbus", "dbus-run-session"),
    Need::program("dbus-x11", "dbus-launch"),
    Need::program("gnome-keyring", "gnome-keyring-daemon"),
    Need::program("libsecret-tools", "secret-tool"),
    Need::program("webkit2gtk-driver", "WebKitWebDriver"),
    Need::program("openbox", "openbox"),
    Need::program("imagemagick", "import"),
];

/// The libraries' names elsewhere.
const OTHER_SYSTEMS: &str = "\
WebKitGTK 4.1, Ayatana AppIndicator 3, librsvg 2 and libxdo with their headers, and pkg-config:
  Fedora: webkit2gtk4.1-devel libayatana-appindicator-gtk3-devel librsvg2-devel libxdo-devel pkgconf
  Arch:   webkit2gtk-4.1 libayatana-appindicator librsvg xdotool pkgconf";

/// For every command.
pub(crate) fn everything(workspace: &Workspace) -> Result<()> {
    desktop()?;
    tests()?;
    headless(workspace)?;
    println!("\nready: `cargo xtask start` runs it, `cargo xtask test` tests it");
    Ok(())
}

/// For the dashboard in a browser: only the wasm target.
pub(crate) fn headless(workspace: &Workspace) -> Result<()> {
    wasm::ensure(workspace).map(|_| ())
}

/// For the window.
pub(crate) fn desktop() -> Result<()> {
    if !cfg!(target_os = "linux") {
        println!("desktop window: the system has what it needs");
        return Ok(());
    }
    if has_desktop_libraries() {
        println!("desktop window: its libraries are there");
        return Ok(());
    }
    let remedy = format!("install what the window is built with:\n{OTHER_SYSTEMS}");
    apt::ensure("desktop window", DESKTOP, &remedy)
}

/// For the tests, on top of the window's.
pub(crate) fn tests() -> Result<()> {
    if !cfg!(target_os = "linux") {
        println!("test tools: only the tests of the window, the tray and the keychain need them, on Linux");
        return Ok(());
    }
    apt::ensure("test tools", TESTS, "install Chromium with its chromedriver, Xvfb, dbus and gnome-keyring")
}

/// Whether `llmflow-desktop` can be built here.
pub(crate) fn has_desktop_libraries() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let modules = ["webkit2gtk-4.1", "ayatana-appindicator3-0.1", "librsvg-2.0"];
    let known = Command::new("pkg-config").arg("--exists").args(modules).status();
    // libxdo has no pkg-config file, so Debian's package list is asked too, where there is one.
    known.is_ok_and(|status| status.success())
        && apt::missing(DESKTOP).is_none_or(|missing| missing.is_empty())
}

/// Whether a window can be seen.
pub(crate) fn has_display() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// The browser that tests drive and the program it is driven with.
pub(crate) fn browser() -> Vec<(&'static str, std::path::PathBuf)> {
    let names: [(&str, &[&str]); 2] = [
        ("CHROMIUM", &["chromium", "chromium-browser", "google-chrome"]),
        ("CHROMEDRIVER", &["chromedriver"]),
    ];
    names
        .into_iter()
        .filter_map(|(key, programs)| Some((key, programs.iter().find_map(|p| find_program(p))?)))
        .collect()
}
