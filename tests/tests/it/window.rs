//! The desktop app on a desktop of its own: the page in its window, its tray, and how it lives and ends.
//!
//! Only `cargo xtask test` makes the app, and runs what is ignored here without it.

mod driver;
mod lives;
mod page;
mod tray;

use std::path::PathBuf;

use tests::{App, Mock, Screen, Setup, desktop_binary};

/// The app's program. A run without it fails: what was not looked at did not pass.
fn program() -> PathBuf {
    desktop_binary()
        .expect("LLMFLOW_DESKTOP_BIN names the desktop app: `cargo xtask test` builds it and runs this")
}

/// The app's title.
const TITLE: &str = "LLMFlow";

/// How to start the app on this screen.
fn setup(program: &std::path::Path, mock: &Mock, screen: &Screen) -> Setup {
    let start = Setup::new(mock.address()).program(program);
    screen.environment().into_iter().fold(start, |setup, (name, value)| setup.variable(name, &value))
}

/// The app on this screen, once its ports answer.
async fn start(program: &std::path::Path, mock: &Mock, screen: &Screen) -> App {
    setup(program, mock, screen).start().await
}
