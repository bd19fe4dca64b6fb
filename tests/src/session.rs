//! A D-Bus session of a test's own, with a keyring in it where one is asked for: nothing of the developer's desktop
//! is reached, and every process ends with the session. Linux only.

mod keyring;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

use crate::wait::wait_until;

pub use keyring::SECRETS;

/// The bus: open to its own user, and without a single activatable service.
const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A private session. Dropping it ends its processes.
#[derive(Debug)]
pub struct Session {
    folder: TempDir,
    address: String,
    processes: Vec<Child>,
}

impl Drop for Session {
    fn drop(&mut self) {
        // What uses the bus first, the bus last.
        for process in self.processes.iter_mut().rev() {
            let _gone_already = process.kill();
            let _ended = process.wait();
        }
    }
}

impl Session {
    /// A session with nobody on its bus.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "run"] {
            make_private(&folder.path().join(name));
        }
        let socket = folder.path().join("run/bus");
        let configuration = folder.path().join("bus.conf");
        std::fs::write(&configuration, CONFIGURATION.replace("SOCKET", &socket.display().to_string()))
            .unwrap();
        let address = format!("unix:path={}", socket.display());
        let mut session = Self { folder, address, processes: Vec::new() };
        let mut bus = Command::new("dbus-daemon");
        bus.arg("--nofork").arg(format!("--config-file={}", configuration.display()));
        session.spawn(bus, "bus", "dbus", None);
        wait_until("the bus to listen", async || session.try_connect().await.map(drop)).await;
        session
    }

    /// The bus's address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The home folder of whoever lives in this session.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// What a program needs to live in this session, its home included.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let at = |path: &str| self.folder.path().join(path).display().to_string();
        vec![
            ("DBUS_SESSION_BUS_ADDRESS", self.address.clone()),
            ("HOME", at("home")),
            ("XDG_RUNTIME_DIR", at("run")),
            ("XDG_DATA_HOME", at("home/.local/share")),
            ("XDG_CONFIG_HOME", at("home/.config")),
            ("XDG_CACHE_HOME", at("home/.cache")),
        ]
    }

    /// Puts a command into this session.
    pub fn apply(&self, command: &mut Command) {
        command.envs(self.environment());
    }

    /// A connection to the bus.
    pub async fn connect(&self) -> Connection {
        self.try_connect().await.expect("the bus listens")
    }

    async fn try_connect(&self) -> Option<Connection> {
        zbus::connection::Builder::address(self.address.as_str()).ok()?.build().await.ok()
    }

    /// Takes a name and never answers what is asked of it, for as long as the connection is kept.
    pub async fn hold_silently(&self, name: &'static str) -> Connection {
        let connection = self.connect().await;
        connection.request_name(name).await.unwrap();
        connection
    }

    /// Whether somebody has this name.
    pub async fn has(&self, name: &'static str) -> bool {
        let connection = self.connect().await;
        let bus = DBusProxy::new(&connection).await.unwrap();
        bus.name_has_owner(BusName::try_from(name).unwrap()).await.unwrap()
    }

    /// Starts a program in this session; it ends with the session. Its output goes to `{name}.log` in the folder.
    fn spawn(&mut self, mut command: Command, name: &str, package: &str, input: Option<&str>) {
        let log = std::fs::File::create(self.folder.path().join(format!("{name}.log"))).unwrap();
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        self.apply(&mut command);
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| {
            let program = command.get_program().display();
            panic!("{program} does not start ({error}); install the package {package}, or run `cargo xtask setup`")
        });
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            std::io::Write::write_all(&mut stdin, input.as_bytes()).unwrap();
        }
        self.processes.push(child);
    }
}

fn make_private(folder: &Path) {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).unwrap();
}
