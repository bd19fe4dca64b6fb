//! What takes spans: our binary, Arize Phoenix, the original LLMFlow. Each is started in a folder of its own, on ports of
//! its own, and ends with its value. Leaves out sending (`export`) and what is sent (`otlp`).

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;

use crate::database;
use crate::http::get;
use crate::process::Process;

const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Phoenix takes two minutes on a busy machine.
const START: Duration = Duration::from_secs(300);

/// Something to send spans to.
pub(crate) struct Collector {
    pub(crate) name: &'static str,
    /// Where OTLP over HTTP is taken, and on which path.
    pub(crate) http: SocketAddr,
    /// Where OTLP over gRPC is taken.
    pub(crate) grpc: Option<SocketAddr>,
    pub(crate) process: Process,
    /// Where our binary tells how it is.
    dashboard: Option<SocketAddr>,
    database: PathBuf,
    count: &'static str,
    folder: TempDir,
}

/// What our binary says of what it collected.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Collected {
    /// Spans and events that are stored, but not yet joined with calls and sessions.
    pub(crate) waiting: u64,
    /// For how long the oldest of those waits, in milliseconds.
    pub(crate) lag_ms: u64,
}

impl Collector {
    /// Our binary.
    pub(crate) fn llmflow(name: &'static str, binary: &Path) -> Result<Self> {
        let (folder, [proxy, dashboard, http, grpc]) = (tempfile::tempdir()?, free_addresses()?);
        let mut command = Command::new(binary);
        command.arg("serve").env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
        command.env("HOME", folder.path()).env("DATA_DIR", folder.path().join("data"));
        for (name, address) in [
            ("PROXY_PORT", proxy),
            ("DASHBOARD_PORT", dashboard),
            ("OTLP_HTTP_PORT", http),
            ("OTLP_GRPC_PORT", grpc),
        ] {
            command.env(name, address.port().to_string());
        }
        let database = folder.path().join("data/data.db");
        Self {
            name,
            http,
            grpc: Some(grpc),
            process: start(name, command, &folder)?,
            dashboard: Some(dashboard),
            database,
            count: "SELECT count(*) FROM span",
            folder,
        }
        .ready("/v1/traces")
    }

    /// Phoenix from PyPI, which a harness installed below `home`.
    pub(crate) fn phoenix(home: &Path) -> Result<Self> {
        let (folder, [http, grpc, ..]) = (tempfile::tempdir()?, free_addresses()?);
        let mut command = Command::new(home.join("py-phoenix/bin/phoenix"));
        command.arg("serve").current_dir(folder.path()).env("HOME", folder.path());
        command.env("PHOENIX_PORT", http.port().to_string()).env("PHOENIX_HOST", http.ip().to_string());
        command.env("PHOENIX_GRPC_PORT", grpc.port().to_string()).env("PHOENIX_WORKING_DIR", folder.path());
        command.env("PHOENIX_TELEMETRY_ENABLED", "false").env("PHOENIX_ALLOW_EXTERNAL_RESOURCES", "false");
        let database = folder.path().join("phoenix.db");
        Self {
            name: "phoenix",
            http,
            grpc: Some(grpc),
            process: start("phoenix", command, &folder)?,
            dashboard: None,
            database,
            count: "SELECT count(*) FROM spans",
            folder,
        }
        .ready("/healthz")
    }

    /// The original LLMFlow from npm, which a harness installed below `home`. It takes JSON only.
    pub(crate) fn original(home: &Path) -> Result<Self> {
        let (folder, [proxy, http, ..]) = (tempfile::tempdir()?, free_addresses()?);
        let mut command = Command::new(home.join("js-bun/node_modules/.bin/bun"));
        command.arg("run").arg(home.join("js-llmflow/node_modules/llmflow/src/server.ts"));
        command.current_dir(folder.path()).env("HOME", folder.path()).env("DATA_DIR", folder.path());
        command.env("PROXY_PORT", proxy.port().to_string()).env("DASHBOARD_PORT", http.port().to_string());
        // It throws away whatever is more.
        command.env("MAX_TRACES", "100000000");
        let database = folder.path().join("data.db");
        Self {
            name: "original",
            http,
            grpc: None,
            process: start("original", command, &folder)?,
            dashboard: None,
            database,
            count: "SELECT count(*) FROM traces",
            folder,
        }
        .ready("/api/health")
    }

    /// Waits until it answers at all.
    fn ready(mut self, path: &str) -> Result<Self> {
        let began = Instant::now();
        while get(self.http, path).is_err() {
            self.process.check().with_context(|| self.log())?;
            anyhow::ensure!(began.elapsed() < START, "{} does not answer: {}", self.name, self.log());
            thread::sleep(LOOK_AGAIN);
        }
        Ok(self)
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.dashboard.is_some()
    }

    /// What our binary says.
    pub(crate) fn collected(&self) -> Result<Collected> {
        let dashboard = self.dashboard.context("only our binary tells what it collected")?;
        let health: Value = serde_json::from_slice(&get(dashboard, "/api/health")?.body)?;
        let figure = |name: &str| {
            health["collected"][name]
                .as_u64()
                .with_context(|| format!("health does not say collected.{name}"))
        };
        Ok(Collected { waiting: figure("waiting")?, lag_ms: figure("lag_ms")? })
    }

    /// Spans in its database.
    pub(crate) fn stored(&self) -> Result<u64> {
        database::number(&self.database, self.count)
    }

    pub(crate) fn cpu_seconds(&self) -> f64 {
        self.process.cpu_seconds().unwrap_or(f64::NAN)
    }
}

fn start(name: &'static str, mut command: Command, folder: &TempDir) -> Result<Process> {
    let log = File::create(folder.path().join("log"))?;
    command.stdout(log.try_clone()?).stderr(log);
    Process::spawn(name, &mut command)
}

/// Ports nobody has. Somebody could take one before it is used; the run then fails, and says so.
fn free_addresses() -> Result<[SocketAddr; 4]> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    // All are held until all are known: the system may offer a port again at once.
    let held = [listen()?, listen()?, listen()?, listen()?];
    let [one, two, three, four] = &held;
    Ok([one.local_addr()?, two.local_addr()?, three.local_addr()?, four.local_addr()?])
}
