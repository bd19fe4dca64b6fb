//! A desktop of a test's own: an X screen with a window manager, a session bus, and on it a tray. Nothing of the
//! developer's desktop is reached, and every process ends with it. Linux only.

mod tray;
mod x11;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::session::Session;
use crate::wait::wait_until;

pub use tray::{Entry, Tray};
pub use x11::Window;

/// The screen's size.
const SIZE: &str = "1440x960x24";

/// The desktop. Dropping it ends its processes.
#[derive(Debug)]
pub struct Screen {
    /// Its session bus and home.
    pub session: Session,
    display: String,
    processes: Vec<Child>,
}

impl Drop for Screen {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            let _gone_already = process.kill();
            let _ended = process.wait();
        }
    }
}

impl Screen {
    /// A screen with a window manager on it.
    pub async fn start() -> Self {
        let mut server = spawn(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", SIZE, "-nolisten", "tcp", "-noreset"])
                .stdout(Stdio::piped()),
            "xvfb",
        );
        let mut number = String::new();
        // It says which display it took once it is ready.
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let display = format!(":{}", number.trim());
        assert!(display.len() > 1, "Xvfb did not start: is /tmp/.X11-unix there?");
        let session = Session::start().await;
        let mut screen = Self { session, display, processes: vec![server] };
        let mut manager = Command::new("openbox");
        manager.envs(screen.environment());
        screen.processes.push(spawn(&mut manager, "openbox"));
        wait_until("a window manager", async || x11::has_manager(&screen.display).then_some(())).await;
        screen
    }

    /// What a program needs to live here, its home included.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = self.session.environment();
        variables.extend([
            ("DISPLAY", self.display.clone()),
            ("GDK_BACKEND", "x11".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            // No accessibility bus and no settings daemon are here to be asked.
            ("NO_AT_BRIDGE", "1".to_owned()),
            ("GTK_A11Y", "none".to_owned()),
            ("GSETTINGS_BACKEND", "memory".to_owned()),
            ("LIBGL_ALWAYS_SOFTWARE", "1".to_owned()),
        ]);
        variables
    }

    /// The windows that can be seen, by their titles.
    pub fn windows(&self) -> Vec<Window> {
        x11::windows(&self.display)
    }

    /// Waits for a window of this title.
    pub async fn window(&self, title: &str) -> Window {
        wait_until(&format!("a window {title:?}"), async || {
            self.windows().into_iter().find(|window| window.title == title)
        })
        .await
    }

    /// Waits until no window can be seen.
    pub async fn no_window(&self) {
        wait_until("no window", async || self.windows().is_empty().then_some(())).await;
    }

    /// Presses the window's close button.
    pub fn close(&self, window: &Window) {
        x11::close(&self.display, window);
    }

    /// Moves and sizes a window, as a user does with the mouse.
    pub fn place(&self, window: &Window, x: i32, y: i32, width: u32, height: u32) {
        x11::place(&self.display, window, [x, y], [width, height]);
    }

    /// The text on the clipboard.
    pub fn clipboard(&self) -> Option<String> {
        x11::clipboard(&self.display)
    }

    /// A tray for programs that start from now on.
    pub async fn tray(&self) -> Tray {
        Tray::start(self.session.connect().await).await
    }
}

fn spawn(command: &mut Command, package: &str) -> Child {
    let started = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
    started.unwrap_or_else(|error| {
        let program = command.get_program().display();
        panic!(
            "{program} does not start ({error}); install the package {package}, or run `cargo xtask setup`"
        )
    })
}
