//! What is measured: the upstream itself, nginx, our binary, the original LLMFlow. Each is started in a folder of its
//! own, on ports of its own, and ends with its value.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::database;
use crate::http::{Connection, PATIENCE, get};
use crate::load::{BODY_BYTES, Destination, Requests};
use crate::process::Process;

const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Seldom: health counts all calls, which is work too.
const POLL: Duration = Duration::from_millis(100);
const CHAT: &str = "/v1/chat/completions";
/// Longer than any backlog that a healthy build has.
const LONGEST_DRAIN: Duration = Duration::from_secs(300);

/// Something to send requests to.
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    pub(crate) to: Destination,
    pub(crate) process: Option<Process>,
    folder: Option<TempDir>,
    pub(crate) dashboard: Option<SocketAddr>,
}

/// What our binary says about the calls it saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Completeness {
    pub(crate) seen: u64,
    pub(crate) recorded: u64,
    pub(crate) open: u64,
    pub(crate) waiting: u64,
    pub(crate) lost: u64,
    /// Bodies kept only in part.
    pub(crate) cut: u64,
}

impl Completeness {
    /// Some call is neither recorded nor lost yet.
    const fn is_unsettled(&self) -> bool {
        self.open + self.waiting > 0
    }
}

impl Proxy {
    /// Nothing in between.
    pub(crate) fn direct(upstream: SocketAddr) -> Self {
        let to = Destination { address: upstream, path: CHAT };
        Self { name: "direct", to, process: None, folder: None, dashboard: None }
    }

    /// nginx as a streaming reverse proxy with connections kept alive. It records nothing.
    pub(crate) fn nginx(upstream: SocketAddr) -> Result<Self> {
        let (folder, [address, _]) = (tempfile::tempdir()?, free_addresses()?);
        let path = folder.path().display();
        let settings = format!(
            "worker_processes auto; pid {path}/pid; error_log {path}/error.log crit; daemon off;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; keepalive_timeout 300s; keepalive_requests 100000000; tcp_nodelay on;\n\
             client_body_buffer_size 1m; client_max_body_size 128m; client_body_temp_path {path}/b; proxy_temp_path {path}/p;\n\
             fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;\n\
             upstream u {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}\n\
             server {{ listen {address}; location / {{ proxy_pass http://u; proxy_http_version 1.1;\n\
             proxy_set_header Connection \"\"; proxy_buffering off; proxy_request_buffering off; }} }} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, settings)?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).stderr(Stdio::null());
        let to = Destination { address, path: CHAT };
        Self::start("nginx", &mut command, to, folder, None)
    }

    /// Our binary, with `upstream` as every provider it is asked for here.
    pub(crate) fn llmflow(binary: &Path, upstream: SocketAddr) -> Result<Self> {
        Self::llmflow_in("llmflow", binary, upstream, tempfile::tempdir()?)
    }

    /// The same under another name, or in a folder that has data already.
    pub(crate) fn llmflow_in(
        name: &'static str,
        binary: &Path,
        upstream: SocketAddr,
        folder: TempDir,
    ) -> Result<Self> {
        Self::llmflow_with(name, binary, upstream, folder, &[])
    }

    /// The same with other settings.
    pub(crate) fn llmflow_with(
        name: &'static str,
        binary: &Path,
        upstream: SocketAddr,
        folder: TempDir,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let [address, dashboard] = free_addresses()?;
        let mut command = Command::new(binary);
        let log = File::options().create(true).append(true).open(folder.path().join("log"))?;
        command.arg("serve").env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
        command.env("HOME", folder.path()).env("DATA_DIR", folder.path().join("data"));
        command.env("PROXY_PORT", address.port().to_string());
        command.env("DASHBOARD_PORT", dashboard.port().to_string());
        command.envs(settings.iter().copied());
        for provider in ["OPENAI", "ANTHROPIC"] {
            command.env(format!("LLMFLOW_UPSTREAM_{provider}"), format!("http://{upstream}"));
        }
        command.stdout(log.try_clone()?).stderr(log);
        let to = Destination { address, path: CHAT };
        Self::start(name, &mut command, to, folder, Some(dashboard))
    }

    /// The original LLMFlow from npm, which a harness installed below `home`.
    pub(crate) fn original(home: &Path, upstream: SocketAddr) -> Result<Self> {
        let (folder, [address, dashboard]) = (tempfile::tempdir()?, free_addresses()?);
        let mut command = Command::new(home.join("js-bun/node_modules/.bin/bun"));
        command.arg("run").arg(home.join("js-llmflow/node_modules/llmflow/src/server.ts"));
        command.current_dir(folder.path()).env("HOME", folder.path()).env("DATA_DIR", folder.path());
        command.env("PROXY_PORT", address.port().to_string());
        command.env("DASHBOARD_PORT", dashboard.port().to_string());
        // Its one upstream that can be plain HTTP elsewhere than at the provider.
        command.env("OLLAMA_HOST", upstream.ip().to_string()).env("OLLAMA_PORT", upstream.port().to_string());
        let log = File::create(folder.path().join("log"))?;
        command.stdout(log.try_clone()?).stderr(log);
        let to = Destination { address, path: "/ollama/v1/chat/completions" };
        Self::start("original", &mut command, to, folder, None)
    }

    fn start(
        name: &'static str,
        command: &mut Command,
        to: Destination,
        folder: TempDir,
        dashboard: Option<SocketAddr>,
    ) -> Result<Self> {
        let mut process = Process::spawn(name, command)?;
        let began = Instant::now();
        let good = || match dashboard {
            Some(_) => get(to.address, "/health").is_ok_and(|answer| answer.status == 200),
            None => answers(to),
        };
        while !good() {
            let log = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            process.check().with_context(log)?;
            anyhow::ensure!(began.elapsed() < PATIENCE, "{name} does not answer: {}", log());
            thread::sleep(LOOK_AGAIN);
        }
        Ok(Self { name, to, process: Some(process), folder: Some(folder), dashboard })
    }

    /// Where our binary's dashboard listens.
    pub(crate) fn dashboard(&self) -> Option<SocketAddr> {
        self.dashboard
    }

    /// Our binary's data folder.
    pub(crate) fn data(&self) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.path().join("data"))
    }

    /// The database of our binary.
    pub(crate) fn database(&self) -> Option<PathBuf> {
        Some(self.data()?.join("data.db"))
    }

    /// Whether what goes through is recorded by our binary.
    pub(crate) fn is_ours(&self) -> bool {
        self.dashboard.is_some()
    }

    pub(crate) fn cpu_seconds(&self) -> f64 {
        self.process.as_ref().and_then(Process::cpu_seconds).unwrap_or(f64::NAN)
    }

    pub(crate) fn completeness(&self) -> Result<Completeness> {
        let dashboard = self.dashboard.context("only our binary counts its calls")?;
        let answer = get(dashboard, "/api/health")?;
        let health: Value = serde_json::from_slice(&answer.body).context("health is not JSON")?;
        let count = |name: &str| {
            health["completeness"][name].as_u64().with_context(|| format!("health does not say {name}"))
        };
        Ok(Completeness {
            seen: count("seen")?,
            recorded: count("recorded")?,
            open: count("open")?,
            waiting: count("waiting")?,
            lost: count("lost")?,
            cut: count("cut")?,
        })
    }

    /// Waits until every call is recorded or lost; how long that took.
    pub(crate) fn settle(&self) -> Result<Duration> {
        let began = Instant::now();
        while self.is_ours() && self.completeness()?.is_unsettled() {
            if began.elapsed() > LONGEST_DRAIN {
                bail!("calls are still open after {} s", LONGEST_DRAIN.as_secs());
            }
            thread::sleep(POLL);
        }
        Ok(began.elapsed())
    }

    /// Waits until everything recorded is searchable; how long that took.
    pub(crate) fn settle_index(&self) -> Result<Duration> {
        let began = Instant::now();
        let Some(path) = self.database().filter(|_| self.is_ours()) else { return Ok(began.elapsed()) };
        while database::waiting_for_index(&path)? > 0 && began.elapsed() < LONGEST_DRAIN {
            thread::sleep(POLL);
        }
        Ok(began.elapsed())
    }

    /// Ends it and leaves its folder for looking into.
    pub(crate) fn stop(mut self) -> Result<Option<TempDir>> {
        if let Some(process) = &mut self.process {
            process.stop()?;
        }
        Ok(self.folder.take())
    }
}

fn answers(to: Destination) -> bool {
    let mut request = Vec::new();
    Requests::small().write(&to, "", BODY_BYTES, &mut request);
    let answer = Connection::open(to.address).and_then(|mut connection| connection.ask(&request));
    answer.is_ok_and(|answer| answer.status == 200)
}

/// Two ports nobody has. Somebody could take one before it is used; the run then fails, and says so.
fn free_addresses() -> Result<[SocketAddr; 2]> {
    // Both are held until both are known: the system may offer a port again at once.
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (one, other) = (listen()?, listen()?);
    Ok([one.local_addr()?, other.local_addr()?])
}
