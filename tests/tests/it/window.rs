//! The desktop app on a desktop of its own: the page in its window, its tray, and how it lives and ends.
//!
//! Only `cargo xtask test` makes the app; without it there is nothing to look at here.

mod driver;
mod lives;
mod page;
mod tray;

use std::path::PathBuf;

use tests::{App, Mock, Screen, Setup, desktop_binary};

/// The app's program, where this run has it.
fn program() -> Option<PathBuf> {
    let program = desktop_binary();
    if program.is_none() {
        println!("not looked at: `cargo xtask test` builds the desktop app and runs this");
    }
    program
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
